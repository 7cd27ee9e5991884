//! DELETE (RFC 7644 section 3.6).

use serde_json::json;

use super::user::text;
use super::{Answer, Failure, check_match, departure};
use crate::directory::{Change, DirectoryTransaction, GroupEnd};
use crate::event::{Action, Event, Outcome};
use crate::id::{ResourceId, ResourceKind};
use crate::refusal::Cause;
use crate::service::{Context, ServiceProvider};

/// Takes a user out of the scope as the policy says, or deletes a group.
pub(crate) fn delete(
    provider: &ServiceProvider,
    context: &Context,
    kind: ResourceKind,
    id: &str,
    if_match: Option<&str>,
) -> Result<Answer, Failure> {
    let id = ResourceId::parse(id).ok_or_else(Failure::not_found)?;
    let context = context.clone();
    let if_match = if_match.map(str::to_owned);
    provider.directory.write(Box::new(move |transaction| {
        let if_match = if_match.as_deref();
        let mut event = context.event(Action::Archive, Some(kind));
        event.status = 204;
        event.resource_id = Some(id);
        match kind {
            ResourceKind::User => delete_user(&context, transaction, id, if_match, &mut event)?,
            ResourceKind::Group => {
                let (name, end) = delete_group(&context, transaction, id, if_match)?;
                event.resource_name = name;
                if end == GroupEnd::Released {
                    event.outcome = Outcome::Warning;
                    event.reason = Some(RELEASED.to_owned());
                }
            }
        }
        transaction.record(&event)?;
        let topic = match (kind, event.action) {
            (ResourceKind::Group, _) if event.reason.is_some() => "group.unlinked",
            (ResourceKind::Group, _) => "group.deleted",
            // Until an administrator decides there is nothing to announce.
            _ if event.outcome == Outcome::Held => return Ok(Answer::empty(204)),
            (_, Action::Block) => "user.blocked",
            _ => "user.archived",
        };
        let change = Change {
            topic,
            kind,
            id,
            payload: json!({}),
        };
        transaction.announce(&change, context.now)?;
        Ok(Answer::empty(204))
    }))
}

fn delete_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    if_match: Option<&str>,
    event: &mut Event,
) -> Result<(), Failure> {
    let user = transaction
        .lock_user(context.scope(), id)?
        .ok_or_else(Failure::not_found)?;
    check_match(user.version, if_match)?;
    (event.action, event.outcome, event.reason) = departure::delete(context, transaction, &user)?;
    event.cause = (event.outcome == Outcome::Held).then_some(Cause::GuardHeld);
    event.resource_name = text(&user.document, "userName");
    Ok(())
}

fn delete_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    if_match: Option<&str>,
) -> Result<(Option<String>, GroupEnd), Failure> {
    let group = transaction
        .lock_group(context.scope(), id)?
        .ok_or_else(Failure::not_found)?;
    check_match(group.version, if_match)?;
    let end = transaction.delete_group(context.scope(), id, context.now)?;
    Ok((text(&group.document, "displayName"), end))
}

const RELEASED: &str = "Members whom others put into the group stay in it: it is a group made by \
    hand from now on.";
