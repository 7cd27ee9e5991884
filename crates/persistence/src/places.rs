//! Pages of which the rows are read piece by piece.

use diesel::sql_types::{BigInt, Nullable, Text};
use scim_provisioning::directory::{Place, Selected, Selection, Stored, StoredGroup, StoredUser};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

use crate::connection::Connection;
use crate::groups::{self, GroupRow};
use crate::page::{self, Placed};
use crate::users::{self, UserRow};
use crate::view::{converted, unreadable, visible};

#[derive(diesel::QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = Nullable<Text>)]
    sort_text: Option<String>,
}

impl Placed for PlaceRow {
    fn id(&self) -> &str {
        &self.id
    }

    fn sort_text(&self) -> Option<&str> {
        self.sort_text.as_deref()
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
    let total = page::count(connection, kind, scope, base_url, selection)?;
    if total == 1 {
        return single(connection, base_url, kind, scope, selection);
    }
    let beside = match (beside, kind) {
        (false, _) => String::new(),
        (true, ResourceKind::User) => among_members("member_id"),
        (true, ResourceKind::Group) => among_members("group_id"),
    };
    let columns = format!("r.id, CAST(octet_length(r.scim_document){beside} AS BIGINT) AS bytes");
    let found: Selected<PlaceRow> = page::select(
        connection, kind, scope, base_url, &columns, selection, total,
    )?;
    let items = found.items.iter().map(|row| {
        Ok(Place {
            keyset: page::place(row).ok_or_else(|| unreadable("id"))?,
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            resource: None,
        })
    });
    Ok(Selected {
        total,
        items: items.collect::<Result<_, StoreError>>()?,
        next: found.next,
    })
}

/// What is answered of memberships beside a resource, by the column that names the resource.
fn among_members(column: &str) -> String {
    format!(" + {MEMBERSHIP} * (SELECT count(*) FROM group_members m WHERE m.{column} = r.id)")
}

fn single(
    connection: &mut Connection,
    base_url: &str,
    kind: ResourceKind,
    scope: Scope,
    selection: &Selection,
) -> Result<Selected<Place>, StoreError> {
    fn placed<R: Placed, T: TryFrom<R, Error = StoreError>>(
        page: Selected<R>,
        stored: impl Fn(T) -> Stored,
    ) -> Result<Selected<Place>, StoreError> {
        let keysets: Option<Vec<_>> = page.items.iter().map(page::place).collect();
        let keysets = keysets.ok_or_else(|| unreadable("id"))?;
        let page: Selected<T> = converted(page)?;
        let items = keysets.into_iter().zip(page.items);
        let items = items.map(|(keyset, row)| Place {
            keyset,
            bytes: 0,
            resource: Some(stored(row)),
        });
        Ok(Selected {
            total: page.total,
            items: items.collect(),
            next: page.next,
        })
    }
    match kind {
        ResourceKind::User => {
            let columns = users::COLUMNS;
            let page: Selected<UserRow> =
                page::select(connection, kind, scope, base_url, columns, selection, 1)?;
            placed(page, |user: StoredUser| Stored::User(Box::new(user)))
        }
        ResourceKind::Group => {
            let columns = groups::COLUMNS;
            let page: Selected<GroupRow> =
                page::select(connection, kind, scope, base_url, columns, selection, 1)?;
            placed(page, Stored::Group)
        }
    }
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
    let mut sql = connection.sql(&format!(
        "SELECT {columns}, CAST(NULL AS TEXT) AS sort_text FROM {table} r WHERE r.id IN ("
    ));
    sql.bind_all(ids.iter().map(ToString::to_string));
    sql.push(") AND ");
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
