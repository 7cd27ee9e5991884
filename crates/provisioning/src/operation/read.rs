//! GET of one resource (RFC 7644 section 3.4.1).

use scim_protocol::query::Projection;
use scim_protocol::{EntityTag, Version};

use super::{Answer, Failure, Request, query, written};
use crate::directory::{DirectoryView, Membership, StoredGroup, StoredUser};
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
        let found = find(context, view, kind, id, &projection)?;
        let tag = found.tag();
        if request.if_none_match.is_some_and(|tags| tag.matches(tags)) {
            return Ok(Answer {
                version: Some(tag),
                ..Answer::empty(304)
            });
        }
        match found {
            Found::User(user, groups) => Ok(user_answer(context, &user, &groups, &projection, 200)),
            Found::Group(group) => group_answer(context, Some(view), &group, &projection, 200),
        }
    })
}

/// The answer to a write that shows a resource in scope as it is now.
pub(super) fn answer(
    context: &Context,
    view: &mut dyn DirectoryView,
    kind: ResourceKind,
    id: ResourceId,
    projection: &Projection,
) -> Result<Answer, Failure> {
    match find(context, view, kind, id, projection)? {
        Found::User(user, groups) => Ok(user_answer(context, &user, &groups, projection, 200)),
        Found::Group(group) => group_answer(context, Some(view), &group, projection, 200),
    }
}

/// Whether a request asks for so many members of a group that nobody who waits for the writer
/// should wait for the answer.
pub(super) fn lists_many(
    context: &Context,
    view: &mut dyn DirectoryView,
    id: ResourceId,
    projection: &Projection,
) -> Result<bool, Failure> {
    if !query::includes(
        context.definition(ResourceKind::Group),
        projection,
        "members",
    ) {
        return Ok(false);
    }
    let counted = view.count_members(context.scope(), id, FEW_MEMBERS + 1)?;
    Ok(counted > FEW_MEMBERS)
}

/// The answer to a write of a group, without the group.
pub(super) fn unwritten(
    context: &Context,
    id: ResourceId,
    version: Version,
    status: u16,
) -> Answer {
    Answer {
        location: Some(context.location(ResourceKind::Group, id)),
        version: Some(version.into()),
        ..Answer::empty(status)
    }
}

/// Shows the group in the answer to a write that left it out because others waited for the writer.
/// It is shown as it is now, and not at all if it was deleted meanwhile.
pub(super) fn complete(
    provider: &ServiceProvider,
    context: &Context,
    id: ResourceId,
    projection: &Projection,
    written: Answer,
) -> Result<Answer, Failure> {
    let lacks =
        matches!(written.status, 200 | 201) && written.body.is_none() && written.written.is_none();
    if context.unread || !lacks {
        return Ok(written);
    }
    let status = written.status;
    provider.directory.read(&mut |view| {
        Ok(match view.group(context.scope(), id)? {
            Some(group) => group_answer(context, Some(view), &group, projection, status)?,
            None if status == 200 => Answer {
                status: 204,
                ..written.clone()
            },
            None => written.clone(),
        })
    })
}

/// A resource in scope: a user with the groups that the request asked for, a group without its
/// members, whose number has no bound.
enum Found {
    User(Box<StoredUser>, Vec<Membership>),
    Group(StoredGroup),
}

impl Found {
    fn tag(&self) -> EntityTag {
        match self {
            Self::User(user, groups) => user_tag(user, groups),
            Self::Group(group) => group.version.into(),
        }
    }
}

fn find(
    context: &Context,
    view: &mut dyn DirectoryView,
    kind: ResourceKind,
    id: ResourceId,
    projection: &Projection,
) -> Result<Found, Failure> {
    let scope = context.scope();
    match kind {
        ResourceKind::User => {
            let user = view.user(scope, id)?.ok_or_else(Failure::not_found)?;
            let groups = if query::includes(context.definition(kind), projection, "groups") {
                view.groups_of(scope, &[id])?
            } else {
                Vec::new()
            };
            Ok(Found::User(Box::new(user), groups))
        }
        ResourceKind::Group => {
            let group = view.group(scope, id)?.ok_or_else(Failure::not_found)?;
            Ok(Found::Group(group))
        }
    }
}

/// The answer that shows a user.
pub(super) fn user_answer(
    context: &Context,
    user: &StoredUser,
    groups: &[Membership],
    projection: &Projection,
    status: u16,
) -> Answer {
    let kind = ResourceKind::User;
    let shown = context.projected(kind, &context.user(user, groups), projection);
    Answer {
        location: Some(context.location(kind, user.id)),
        version: Some(user_tag(user, groups)),
        ..Answer::json(status, shown)
    }
}

/// The answer that shows a group, with the members that the request asked for and the directory
/// has; without a directory it is known to have none.
pub(super) fn group_answer(
    context: &Context,
    directory: Option<&mut dyn DirectoryView>,
    group: &StoredGroup,
    projection: &Projection,
    status: u16,
) -> Result<Answer, Failure> {
    let kind = ResourceKind::Group;
    let projector = context.projector(kind, projection);
    let attributes = context.group(group, &[]);
    let includes = query::includes(context.definition(kind), projection, "members");
    let mut text = String::new();
    match directory.filter(|_| includes) {
        None => written::resource(&projector, &attributes, &mut text),
        Some(view) => {
            let of = (group.id, &attributes);
            written::group(context, view, &projector, of, &mut text, usize::MAX)?;
        }
    }
    Ok(Answer {
        written: Some(text),
        location: Some(context.location(kind, group.id)),
        version: Some(group.version.into()),
        ..Answer::empty(status)
    })
}

/// A group with more members than this is answered to a PATCH with 204, because lists of members are
/// big.
const FEW_MEMBERS: usize = 100;
