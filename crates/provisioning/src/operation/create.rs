//! POST (RFC 7644 section 3.3).

use scim_protocol::{Deviation, Error, Resource, Version};
use serde_json::json;

use super::collision::{self, Occupant};
use super::roster::MemberPlan;
use super::user::{self, PreparedUser};
use super::{group, members, reference};
use crate::context::Context;
use crate::directory::{
    Adoption, DirectoryTransaction, GroupWrite, Membership, Relation, StoreError, StoredGroup,
    StoredUser,
};
use crate::event::{Action, Outcome};
use crate::failure::Failure;
use crate::id::ResourceKind;
use crate::refusal::Cause;

/// What is to be created, as far as it is decided before the transaction.
#[derive(Debug)]
pub struct Draft(pub(crate) Drafted);

#[derive(Debug)]
pub(crate) enum Drafted {
    /// A user.
    User(Box<PreparedUser>, Vec<Deviation>),
    /// A group and the members that it shall have.
    Group(Box<GroupWrite>, MemberPlan, Vec<Deviation>),
}

/// Checks and maps what is to be created.
pub(crate) fn prepare(
    context: &Context,
    kind: ResourceKind,
    mut resource: Resource,
    deviations: Vec<Deviation>,
) -> Result<Draft, Failure> {
    if kind == ResourceKind::User {
        let user = user::prepare(context, resource, None, None)?;
        return Ok(Draft(Drafted::User(Box::new(user), deviations)));
    }
    let members = resource.attributes_mut().shift_remove("members");
    let members = members
        .and_then(|m| m.as_array().cloned())
        .unwrap_or_default();
    members::check_count(context, members.len())?;
    let members = MemberPlan::joining(context, &members)?;
    let group = group::prepare(context, resource)?;
    Ok(Draft(Drafted::Group(Box::new(group), members, deviations)))
}

/// Creates a user, or takes over the person whom the policy says.
pub(crate) fn create_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    user: &PreparedUser,
    deviations: &[Deviation],
) -> Result<(StoredUser, Vec<Membership>), Failure> {
    let mut user = user.clone();
    reference::resolve(context, transaction, None, &mut user)?;
    let occupants = collision::occupants(context, transaction, &user.keys, None)?;
    let linked = user::decide(context, &user, &occupants, true)?;
    let by_hand =
        |occupant: &&Occupant| Some(occupant.id) == linked && occupant.relation == Relation::ByHand;
    // Who was blocked by hand stays so, unless the identity provider says otherwise.
    if let (None, Some(person)) = (user.active, occupants.iter().find(by_hand)) {
        user.keep_status(&context.model.users, person.status);
    }
    let user = &user;
    if let Some(approval) = &context.approval {
        if linked != Some(approval.person) {
            let detail = "The person whose link was approved is not the one in the way any more.";
            let error = Error::with_status(409, detail);
            return Err(Failure::because(Cause::LinkOutdated, error));
        }
        let configuration = &context.caller.configuration;
        match transaction.approve_link(configuration, approval, context.now) {
            Err(StoreError::Stale) => {
                let detail = "The person was changed since the link was looked at.";
                let error = Error::with_status(409, detail);
                return Err(Failure::because(Cause::LinkOutdated, error));
            }
            approved => approved?,
        }
    }
    let (id, version) = match linked {
        Some(id) => {
            transaction.withdraw(id, context.now)?;
            let version = transaction.link_user(context.scope(), id, &user.write, context.now)?;
            (id, version)
        }
        None => {
            let id = context.new_id();
            transaction.insert_user(context.scope(), id, &user.write, context.now)?;
            (id, Version(1))
        }
    };
    // A linked person keeps the day of creation, which only the store knows.
    let stored = match linked {
        Some(_) => transaction.user(context.scope(), id)?,
        None => None,
    };
    let seen_manager = match (linked, user.manager()) {
        (None, Some(manager)) => {
            let seen = transaction.visible(context.scope(), &[manager])?;
            seen.iter()
                .find(|seen| seen.kind == ResourceKind::User)
                .map(|seen| seen.id)
        }
        _ => None,
    };
    let stored = stored.unwrap_or_else(|| StoredUser {
        id,
        record: user.write.record.clone(),
        status: user.write.status,
        document: user.write.document.clone(),
        held: false,
        manager: seen_manager,
        version,
        created: context.now,
        last_modified: context.now,
    });
    let action = if linked.is_some() {
        Action::Link
    } else {
        Action::Create
    };
    let mut event = context.event(action, Some(ResourceKind::User));
    event.status = 201;
    event.resource_id = Some(id);
    event.resource_name = user::text(&stored.document, "userName");
    event.deviations = user::notes(deviations, &user.warnings);
    // Attributes that no schema knows come with every creation of some providers; what a schema knows
    // and cannot be read is worth a look.
    let unreadable = |deviation: &Deviation| matches!(deviation, Deviation::Unreadable(_));
    if !user.warnings.is_empty() || deviations.iter().any(unreadable) {
        event.outcome = Outcome::Warning;
    }
    event.changes = json!([{ "path": "", "new": stored.document }]);
    user::tell_repeated(&mut event, user::repeated(&occupants));
    transaction.record(&event)?;
    let groups = match linked {
        Some(_) => transaction.groups_of(context.scope(), &[id])?,
        None => Vec::new(),
    };
    Ok((stored, groups))
}

/// Creates a group, or takes over the one that has its name; answers whether it has no members.
pub(crate) fn create_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: &GroupWrite,
    members: &MemberPlan,
    deviations: &[Deviation],
) -> Result<(StoredGroup, bool), Failure> {
    let mut group = group.clone();
    group::check_free(transaction, &group)?;
    let mut warnings = reference::grants(transaction, &mut group)?;
    let group = &group;
    let adoption = match group.adopt {
        true => transaction.adopt_group(context.scope(), group, context.now)?,
        false => Adoption::Nothing,
    };
    let adopted = match adoption {
        Adoption::Taken(id, version) => Some((id, version)),
        Adoption::Nothing => None,
        Adoption::Protected(id) => {
            let said = format!(
                "group {id}, which was made by hand and has this name, has a protected account \
                 among its members and was not taken over"
            );
            warnings.push(said.into());
            None
        }
    };
    let (id, version) = match adopted {
        Some(found) => found,
        None => {
            let id = context.new_id();
            transaction.insert_group(context.scope(), id, group, context.now)?;
            (id, Version(1))
        }
    };
    let repeated = group::repeated(context, transaction, id, group)?;
    let changes = match adopted {
        Some(_) => members::edit(context, transaction, id, members)?,
        None => members::begin(context, transaction, id, members)?,
    };
    let action = match adopted {
        Some(_) => Action::Link,
        None => Action::Create,
    };
    let mut event = context.event(action, Some(ResourceKind::Group));
    event.status = 201;
    event.resource_id = Some(id);
    event.resource_name = user::text(&group.document, "displayName");
    event.deviations = user::notes(deviations, &warnings);
    if !warnings.is_empty() {
        event.outcome = Outcome::Warning;
    }
    event.changes = json!([{ "path": "", "new": group.document }, changes.to_json()]);
    user::tell_repeated(&mut event, repeated);
    changes.tell(&mut event);
    transaction.record(&event)?;
    let stored = StoredGroup {
        id,
        name: group.name.clone(),
        document: group.document.clone(),
        version,
        created: context.now,
        last_modified: context.now,
    };
    let bare = changes.is_empty() && adopted.is_none();
    Ok((stored, bare))
}
