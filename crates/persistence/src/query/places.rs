//! Pages of which the rows are read piece by piece.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use scim_provisioning::directory::{
    From, Keyset, Membership, Place, Row, Selected, Selection, UnreadUser, UserRow,
};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use serde_json::Value;

use crate::connection::Connection;
use crate::look_up::Lookup;
use crate::nodes::among as among_values;
use crate::page;
use crate::schema::{groups as group_rows, users as user_rows};
use crate::sql::Written;
use crate::users::Unread;
use crate::{groups, users};

/// What a look-up by a key found: at most one resource, and the groups of a user.
pub(crate) struct Met {
    pub(crate) page: Selected<Place>,
    /// The groups of the user that was found.
    pub(crate) groups: Option<(ResourceId, Vec<Membership>)>,
}

/// A user who is to be shown.
fn unread(user: Unread) -> Row {
    Row::User(UserRow::Unread(Box::new(user)))
}

/// The places of a page; a single resource is read at once.
pub(crate) fn select(
    connection: &mut Connection,
    base_url: &str,
    kind: ResourceKind,
    scope: Scope,
    selection: &Selection,
    beside: bool,
) -> Result<Selected<Place>, StoreError> {
    let found = page::find(connection, kind, scope, base_url, selection)?;
    let items = match found.items.as_slice() {
        [only] => among(connection, kind, scope, &[only.id])?
            .into_iter()
            .map(|resource| read(only.clone(), resource))
            .collect(),
        several => measured(connection, kind, several, beside)?,
    };
    Ok(Selected {
        total: found.total,
        items,
        next: found.next,
    })
}

fn read(keyset: Keyset, resource: Row) -> Place {
    Place {
        keyset,
        bytes: 0,
        resource: Some(resource),
    }
}

/// What a selection finds, in one statement, if it is a look-up by a key that finds one resource or
/// none. That is what an identity provider asks before each change.
pub(crate) fn look_up(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    selection: &Selection,
) -> Result<Option<Met>, StoreError> {
    let lookup = selection.condition.as_ref();
    let lookup = lookup.and_then(|condition| Lookup::of(kind, condition));
    let (Some(lookup), None, From::Offset(0), 1..) =
        (lookup, &selection.sort, &selection.from, selection.count)
    else {
        return Ok(None);
    };
    let mut groups_of = None;
    let mut found: Vec<Row> = match kind {
        ResourceKind::User => {
            let users = users::look_up(connection, scope, &lookup)?;
            let row = |(user, groups)| {
                let user: Unread = user;
                groups_of = Some((*user.id(), groups));
                unread(user)
            };
            users.into_iter().map(row).collect()
        }
        ResourceKind::Group => {
            let groups = groups::look_up(connection, scope, &lookup)?;
            groups.into_iter().map(Row::Group).collect()
        }
    };
    if found.len() > 1 {
        return Ok(None);
    }
    let items: Vec<Place> = found
        .drain(..)
        .map(|resource| {
            let keyset = Keyset {
                key: Value::Null,
                id: resource.id(),
            };
            read(keyset, resource)
        })
        .collect();
    Ok(Some(Met {
        page: Selected {
            total: u64::try_from(items.len()).unwrap_or(0),
            items,
            next: None,
        },
        groups: groups_of,
    }))
}

/// Places with how large their resources are.
fn measured(
    connection: &mut Connection,
    kind: ResourceKind,
    keysets: &[Keyset],
    beside: bool,
) -> Result<Vec<Place>, StoreError> {
    let mut sizes: HashMap<String, i64> = HashMap::new();
    for chunk in keysets.chunks(crate::members::CHUNK) {
        let ids = chunk.iter().map(|keyset| keyset.id);
        let size = size(connection, kind, beside);
        let rows: Vec<(String, i64)> = match kind {
            ResourceKind::User => connection.load(
                user_rows::table
                    .filter(among_values(user_rows::id, ids))
                    .select((user_rows::id, size)),
            )?,
            ResourceKind::Group => connection.load(
                group_rows::table
                    .filter(among_values(group_rows::id, ids))
                    .select((group_rows::id, size)),
            )?,
        };
        sizes.extend(rows);
    }
    let place = |keyset: &Keyset| {
        let bytes = sizes.get(&keyset.id.to_string())?;
        Some(Place {
            keyset: keyset.clone(),
            bytes: u64::try_from(*bytes).unwrap_or(0),
            resource: None,
        })
    };
    Ok(keysets.iter().filter_map(place).collect())
}

/// How many bytes a resource takes in an answer, with what is answered of memberships beside it.
fn size(connection: &Connection, kind: ResourceKind, beside: bool) -> Written<BigInt> {
    let (table, end) = match kind {
        ResourceKind::User => ("users", "member_id"),
        ResourceKind::Group => ("groups", "group_id"),
    };
    let memberships = match beside {
        true => format!(
            " + {MEMBERSHIP} * (SELECT count(*) FROM group_members m WHERE m.{end} = {table}.id)"
        ),
        false => String::new(),
    };
    let size = format!("CAST(octet_length({table}.scim_document){memberships} AS BIGINT)");
    connection.sql(&size).written()
}

/// The resources in scope of these ids.
pub(crate) fn among(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<Row>, StoreError> {
    Ok(match kind {
        ResourceKind::User => users::among_ids(connection, scope, ids)?
            .into_iter()
            .map(unread)
            .collect(),
        ResourceKind::Group => groups::among_ids(connection, scope, ids)?
            .into_iter()
            .map(Row::Group)
            .collect(),
    })
}

/// About how many bytes a membership takes in an answer.
const MEMBERSHIP: i64 = 250;

/// Resources in the order of the page that they are of.
pub(crate) fn in_order<T>(
    page: Selected<Keyset>,
    resources: Vec<T>,
    id: impl Fn(&T) -> ResourceId,
) -> Selected<T> {
    let mut read: HashMap<ResourceId, T> = resources
        .into_iter()
        .map(|resource| (id(&resource), resource))
        .collect();
    let items = page.items.iter();
    Selected {
        total: page.total,
        items: items.filter_map(|keyset| read.remove(&keyset.id)).collect(),
        next: page.next,
    }
}
