//! DELETE (RFC 7644 section 3.6).

use super::departure;
use super::user::text;
use crate::context::Context;
use crate::directory::{DirectoryTransaction, GroupEnd, Stored, StoredUser};
use crate::event::{Action, Event, Outcome};
use crate::failure::Failure;

/// Takes a user out of the scope as the policy says, or deletes a group.
pub(crate) fn delete(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    stored: &Stored,
) -> Result<(), Failure> {
    let (id, kind) = (stored.id(), stored.kind());
    let mut event = context.event(Action::Archive, Some(kind));
    event.status = 204;
    event.resource_id = Some(id);
    match stored {
        Stored::User(user) => delete_user(context, transaction, user, &mut event)?,
        Stored::Group(group) => {
            event.resource_name = text(&group.document, "displayName");
            let end = transaction.delete_group(context.scope(), id, context.now)?;
            if end == GroupEnd::Released {
                event.outcome = Outcome::Warning;
                event.reason = Some(RELEASED.to_owned());
            }
        }
    }
    Ok(transaction.record(&event)?)
}

fn delete_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    user: &StoredUser,
    event: &mut Event,
) -> Result<(), Failure> {
    let (action, hold) = departure::delete(context, transaction, user)?;
    event.action = action;
    if let Some(hold) = hold {
        hold.tell(event);
    }
    event.resource_name = text(&user.document, "userName");
    Ok(())
}

const RELEASED: &str = "Members whom others put into the group stay in it: it is a group made by \
    hand from now on.";
