//! Pages of which the rows are read piece by piece.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Text};
use scim_provisioning::directory::{
    Keyset, Place, Selected, Selection, Stored, StoredGroup, StoredUser,
};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

use crate::connection::Connection;
use crate::groups::{self, GroupRow};
use crate::page::{self, Identified};
use crate::scope::visible;
use crate::users::{self, UserRow};

#[derive(diesel::QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

impl Identified for PlaceRow {
    fn id(&self) -> &str {
        &self.id
    }
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
        [only] => single(connection, kind, scope, only)?,
        several => measured(connection, kind, several, beside)?,
    };
    Ok(Selected {
        total: found.total,
        items,
        next: found.next,
    })
}

fn single(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    keyset: &Keyset,
) -> Result<Vec<Place>, StoreError> {
    let read = among(connection, kind, scope, &[keyset.id])?;
    let place = |resource| Place {
        keyset: keyset.clone(),
        bytes: 0,
        resource: Some(resource),
    };
    Ok(read.into_iter().map(place).collect())
}

/// Places with how large their resources are.
fn measured(
    connection: &mut Connection,
    kind: ResourceKind,
    keysets: &[Keyset],
    beside: bool,
) -> Result<Vec<Place>, StoreError> {
    let beside = match (beside, kind) {
        (false, _) => String::new(),
        (true, ResourceKind::User) => among_members("member_id"),
        (true, ResourceKind::Group) => among_members("group_id"),
    };
    let columns = format!("r.id, CAST(octet_length(r.scim_document){beside} AS BIGINT) AS bytes");
    let rows: HashMap<String, PlaceRow> = page::rows(connection, kind, &columns, keysets)?;
    let place = |keyset: &Keyset| {
        let row = rows.get(&keyset.id.to_string())?;
        Some(Place {
            keyset: keyset.clone(),
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            resource: None,
        })
    };
    Ok(keysets.iter().filter_map(place).collect())
}

/// What is answered of memberships beside a resource, by the column that names the resource.
fn among_members(column: &str) -> String {
    format!(" + {MEMBERSHIP} * (SELECT count(*) FROM group_members m WHERE m.{column} = r.id)")
}

/// The resources in scope of these ids.
pub(crate) fn among(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<Stored>, StoreError> {
    let (columns, table) = match kind {
        ResourceKind::User => (users::COLUMNS, "users"),
        ResourceKind::Group => (groups::COLUMNS, "groups"),
    };
    let mut sql = connection.sql(&format!("SELECT {columns} FROM {table} r WHERE r.id "));
    sql.among(ids.iter().map(ToString::to_string));
    sql.push(" AND ");
    visible(&mut sql, kind, scope, "r");
    match kind {
        ResourceKind::User => {
            let rows: Vec<UserRow> = connection.rows(&sql)?;
            let users = rows.into_iter().map(StoredUser::try_from);
            users
                .map(|user| Ok(Stored::User(Box::new(user?))))
                .collect()
        }
        ResourceKind::Group => {
            let rows: Vec<GroupRow> = connection.rows(&sql)?;
            let groups = rows.into_iter().map(StoredGroup::try_from);
            groups.map(|group| Ok(Stored::Group(group?))).collect()
        }
    }
}

/// About how many bytes a membership takes in an answer.
const MEMBERSHIP: i64 = 250;
