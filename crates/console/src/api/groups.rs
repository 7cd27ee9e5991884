//! Groups in the directory, and their members.

use scim_admin::people::GroupsQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Operate};
use super::answer::{One, Page, tag};
use super::extract::{IfMatch, Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{IdCursor, Limit, PageQuery};
use super::{Problem, input};
use crate::documents::{self, Group, Member};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_groups, show_group, edit_group, list_members]
}

/// The group that a path is about.
#[derive(Deserialize, IntoParams)]
struct GroupPath {
    /// The id
    #[param(pattern = "^[0-9A-Za-z-]{1,64}$")]
    group: String,
}

/// Which groups.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// A text to look for
    q: Option<String>,
    /// The id or the name
    configuration: Option<String>,
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<IdCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// List groups.
#[utoipa::path(get, path = "/groups")]
fn list_groups(by: Auditor, Query(query): Query<ListQuery>) -> Result<Page<Group>, Problem> {
    let limit = query.limit.0;
    let found = by.admin.groups(&GroupsQuery {
        search: query.q,
        managed_by: by.managed_by(query.configuration.as_deref())?,
        after: query.cursor.map(|cursor| cursor.0),
        limit,
    })?;
    let last = found.last().map(|group| group.id.clone());
    let items = found.iter().map(documents::group).collect();
    Ok(Page::up_to(items, limit, last))
}

/// Read a group.
#[utoipa::path(get, path = "/groups/{group}")]
fn show_group(by: Auditor, Path(path): Path<GroupPath>) -> Result<One<Group>, Problem> {
    Ok(One::new(by.found_group(&path)?))
}

/// Unlink a group.
#[utoipa::path(patch, path = "/groups/{group}")]
fn edit_group(
    by: Administrator<Operate>,
    Path(path): Path<GroupPath>,
    if_match: IfMatch,
    given: Json<input::GroupInput>,
) -> Result<One<Group>, Problem> {
    if_match.check(&tag(&by.found_group(&path)?))?;
    if !given.read()?.managed_by.is_null() {
        return Err(Problem::new(422, "Say \"managedBy\": null."));
    }
    by.admin.unlink_group(&by.actor, &path.group)?;
    Ok(One::new(by.found_group(&path)?))
}

/// List the members of a group.
#[utoipa::path(get, path = "/groups/{group}/members")]
fn list_members(
    by: Auditor,
    Path(path): Path<GroupPath>,
    Query(query): Query<PageQuery>,
) -> Result<Page<Member>, Problem> {
    let limit = query.limit.0;
    let group = by.admin.group(&path.group)?.group.id;
    let cursor = query.cursor.map(|cursor| cursor.0);
    let found = by.admin.members(&group, cursor.as_deref(), limit)?;
    let last = found.last().map(|member| member.id.clone());
    let items = found.iter().map(documents::member).collect();
    Ok(Page::up_to(items, limit, last))
}

impl Caller {
    fn found_group(&self, path: &GroupPath) -> Result<Group, Problem> {
        Ok(documents::group_detail(&self.admin.group(&path.group)?))
    }
}
