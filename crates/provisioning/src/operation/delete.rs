//! DELETE (RFC 7644 section 3.6).

use scim_protocol::Error;
use serde_json::json;

use super::user::text;
use super::{Answer, Failure, check_match};
use crate::directory::{Change, DirectoryTransaction};
use crate::event::Action;
use crate::id::{ResourceId, ResourceKind};
use crate::service::{Context, ServiceProvider};

/// Archives a user, or deletes a group.
pub(crate) fn delete(
    provider: &ServiceProvider,
    context: &Context,
    kind: ResourceKind,
    id: &str,
    if_match: Option<&str>,
) -> Result<Answer, Failure> {
    let id = ResourceId::parse(id).ok_or_else(Error::not_found)?;
    let context = context.clone();
    let if_match = if_match.map(str::to_owned);
    provider.directory.write(Box::new(move |transaction| {
        let if_match = if_match.as_deref();
        let name = match kind {
            ResourceKind::User => archive_user(&context, transaction, id, if_match)?,
            ResourceKind::Group => delete_group(&context, transaction, id, if_match)?,
        };
        let mut event = context.event(Action::Archive, Some(kind));
        event.status = 204;
        event.resource_id = Some(id);
        event.resource_name = name;
        transaction.record(&event)?;
        let topic = match kind {
            ResourceKind::User => "user.archived",
            ResourceKind::Group => "group.deleted",
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

fn archive_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    if_match: Option<&str>,
) -> Result<Option<String>, Failure> {
    let user = transaction
        .lock_user(context.scope(), id)?
        .ok_or_else(Error::not_found)?;
    check_match(user.version, if_match)?;
    transaction.archive_user(context.scope(), id, context.now)?;
    Ok(text(&user.document, "userName"))
}

fn delete_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    if_match: Option<&str>,
) -> Result<Option<String>, Failure> {
    let group = transaction
        .lock_group(context.scope(), id)?
        .ok_or_else(Error::not_found)?;
    check_match(group.version, if_match)?;
    transaction.delete_group(context.scope(), id)?;
    Ok(Some(group.name))
}
