//! GET of one resource (RFC 7644 section 3.4.1).

use scim_protocol::EntityTag;
use scim_protocol::query::Projection;
use serde_json::{Map, Value};

use super::{Answer, Failure, Request, query};
use crate::directory::DirectoryView;
use crate::id::{ResourceId, ResourceKind};
use crate::render::user_tag;
use crate::service::{Context, ServiceProvider};

/// Reads a user or group.
pub(crate) fn read(
    provider: &ServiceProvider,
    context: &Context,
    kind: ResourceKind,
    id: &str,
    request: &Request<'_>,
) -> Result<Answer, Failure> {
    let id = ResourceId::parse(id).ok_or_else(Failure::not_found)?;
    let projection = query::projection(context, request.query)?;
    provider.directory.read(&mut |view| {
        let (tag, attributes) = load(context, view, kind, id, &projection)?;
        if request.if_none_match.is_some_and(|tags| tag.matches(tags)) {
            return Ok(Answer {
                version: Some(tag),
                ..Answer::empty(304)
            });
        }
        Ok(Answer {
            location: Some(context.location(kind, id)),
            version: Some(tag),
            ..Answer::json(200, context.projected(kind, &attributes, &projection))
        })
    })
}

/// A resource in scope with the groups or members that the request asked for.
pub(super) fn load(
    context: &Context,
    view: &mut dyn DirectoryView,
    kind: ResourceKind,
    id: ResourceId,
    projection: &Projection,
) -> Result<(EntityTag, Map<String, Value>), Failure> {
    let scope = context.scope();
    match kind {
        ResourceKind::User => {
            let user = view.user(scope, id)?.ok_or_else(Failure::not_found)?;
            let groups = if query::includes(context.definition(kind), projection, "groups") {
                view.groups_of(scope, &[id])?
            } else {
                Vec::new()
            };
            Ok((user_tag(&user, &groups), context.user(&user, &groups)))
        }
        ResourceKind::Group => {
            let group = view.group(scope, id)?.ok_or_else(Failure::not_found)?;
            let members = if query::includes(context.definition(kind), projection, "members") {
                view.members_of(scope, &[id])?
            } else {
                Vec::new()
            };
            Ok((group.version.into(), context.group(&group, &members)))
        }
    }
}
