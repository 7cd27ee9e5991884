//! Whom a new or changed user collides with.

use crate::context::Context;
use crate::directory::{DirectoryTransaction, Relation, SharedValues, Sharer, Status, UserKeys};
use crate::failure::Failure;
use crate::id::ResourceId;
use crate::policy::RepeatedExternalIds;

/// Somebody in the way of a new or changed user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occupant {
    /// Who.
    pub(crate) id: ResourceId,
    /// The logon name.
    pub(crate) name: String,
    /// What the user is to the configuration.
    pub(crate) relation: Relation,
    /// Whether the user may work.
    pub(crate) status: Status,
    /// Which attribute collides.
    pub(crate) attribute: &'static str,
}

/// Whom a new or changed user collides with.
///
/// # Errors
/// What the store fails with.
pub(crate) fn occupants(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    keys: &UserKeys,
    except: Option<ResourceId>,
) -> Result<Vec<Occupant>, Failure> {
    if keys.external_id.is_some()
        && context.configuration().policies.external_ids == RepeatedExternalIds::Refuse
    {
        // Two that come at the same time would not see each other.
        transaction.lock_nesting(context.scope())?;
    }
    let sharers = transaction.sharers(context.scope(), keys, except)?;
    Ok(colliding(sharers))
}

/// Who of those that share a value is in the way.
pub(crate) fn colliding(sharers: Vec<Sharer>) -> Vec<Occupant> {
    sharers.into_iter().filter_map(occupying).collect()
}

fn occupying(sharer: Sharer) -> Option<Occupant> {
    let attribute = collision(sharer.relation, &sharer.shared)?;
    Some(Occupant {
        id: sharer.id,
        name: sharer.name,
        relation: sharer.relation,
        status: sharer.status,
        attribute,
    })
}

/// The attribute that collides with somebody who shares these values. Of a protected account every
/// value by which somebody could sign in or recover an account counts, across `userName` and e-mail.
fn collision(relation: Relation, shared: &SharedValues) -> Option<&'static str> {
    match (relation, shared.external_id) {
        _ if shared.user_name => Some(USER_NAME),
        (Relation::Own, _) if shared.scim_user_name => Some(USER_NAME),
        (Relation::Own, Some(same)) => same.then_some(EXTERNAL_ID),
        (Relation::Left, _) => None,
        (Relation::Protected, _) if shared.name_or_address || shared.former_address => Some(EMAILS),
        (Relation::Protected, _) => shared.recovery.then_some(PHONE_NUMBERS),
        _ => shared.email.then_some(EMAILS),
    }
}

/// The attribute of which a repeated value may be accepted.
pub(crate) const EXTERNAL_ID: &str = "externalId";

const USER_NAME: &str = "userName";
const EMAILS: &str = "emails";
const PHONE_NUMBERS: &str = "phoneNumbers";

#[cfg(test)]
mod tests {
    use super::*;

    fn sharing(what: impl FnOnce(&mut SharedValues)) -> SharedValues {
        let mut shared = SharedValues::default();
        what(&mut shared);
        shared
    }

    #[test]
    fn what_collides_depends_on_who_has_it() {
        let name = sharing(|shared| shared.user_name = true);
        let sent = sharing(|shared| shared.scim_user_name = true);
        let same_id = sharing(|shared| shared.external_id = Some(true));
        let email = sharing(|shared| shared.email = true);
        let other_id = sharing(|shared| (shared.email, shared.external_id) = (true, Some(false)));
        let crossed = sharing(|shared| shared.name_or_address = true);
        let former = sharing(|shared| shared.former_address = true);
        let number = sharing(|shared| shared.recovery = true);
        let all = [
            name, sent, same_id, email, other_id, crossed, former, number,
        ];
        let of = |relation| all.map(|shared| collision(relation, &shared).unwrap_or("-"));
        let (un, id, em, ph) = (USER_NAME, EXTERNAL_ID, EMAILS, PHONE_NUMBERS);
        // Who has an externalId of its own is told apart by that, and may share an address.
        assert_eq!(of(Relation::Own), [un, un, id, em, "-", "-", "-", "-"]);
        assert_eq!(of(Relation::Left), [un, "-", "-", "-", "-", "-", "-", "-"]);
        for relation in [Relation::Foreign, Relation::ByHand, Relation::Privileged] {
            assert_eq!(of(relation), [un, "-", "-", em, em, "-", "-", "-"]);
        }
        assert_eq!(
            of(Relation::Protected),
            [un, "-", "-", "-", "-", em, em, ph]
        );
    }
}
