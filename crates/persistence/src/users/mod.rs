//! Rows of `users`.

mod unread;
mod write;

pub(crate) use unread::Unread;
pub(crate) use write::{depart, insert, release, replace_addresses, take_over, update};

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;
use scim_mapping::{Field, FieldValue, Record};
use scim_protocol::Version;
use scim_provisioning::directory::{Membership, Status, StoredUser, UnreadUser};
use scim_provisioning::{ResourceId, Scope, StoreError};
use serde_json::{Map, Value};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use crate::connection::Connection;
use crate::error::unreadable;
use crate::look_up::Lookup;
use crate::members::{self, GroupsOfUser};
use crate::nodes::{among, expression, locked};
use crate::schema::{user_emails, users};
use crate::scope;
use crate::time::instant;

/// A user as it is shown.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    id: String,
    user_name: String,
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    contact_no: Option<String>,
    alt_contact_no1: Option<String>,
    alt_contact_no2: Option<String>,
    job_title: Option<String>,
    employee_id: Option<String>,
    department: Option<String>,
    location: Option<String>,
    manager: Option<String>,
    company: Option<String>,
    language: Option<String>,
    time_zone: Option<String>,
    user_type: String,
    is_vip: i32,
    custom_fields: String,
    status: String,
    external_id: Option<String>,
    scim_document: String,
    held: i32,
    roles: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    #[diesel(select_expression = SeenManager(users::manager_id))]
    #[diesel(select_expression_type = SeenManager<users::manager_id>)]
    seen_manager: Option<String>,
}

/// The id of the manager of a user, if the configuration that manages the user sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenManager<C>(C);

expression!(SeenManager<C>, Nullable<Text>);

const MANAGER_OF_ID: &str = "(SELECT m.id FROM users m WHERE m.id = ";

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for SeenManager<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(MANAGER_OF_ID);
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        out.push_sql(scope::MANAGER_BESIDE);
        out.push_sql(")");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<Pg>> QueryFragment<Pg> for SeenManager<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(MANAGER_OF_ID);
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        out.push_sql(scope::MANAGER_BESIDE);
        out.push_sql(")");
        Ok(())
    }
}

impl TryFrom<UserRow> for StoredUser {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        reads::count();
        let id = ResourceId::parse(&row.id).ok_or_else(|| unreadable("users.id"))?;
        let document: Map<String, Value> = serde_json::from_str(&row.scim_document)
            .map_err(|_json| unreadable("users.scim_document"))?;
        let custom: Map<String, Value> = serde_json::from_str(&row.custom_fields)
            .map_err(|_json| unreadable("users.custom_fields"))?;
        let mut record: Record = [
            (Field::UserName, Some(row.user_name)),
            (Field::FirstName, row.first_name),
            (Field::LastName, row.last_name),
            (Field::DisplayName, row.display_name),
            (Field::Email, row.email),
            (Field::ContactNo, row.contact_no),
            (Field::AltContactNo1, row.alt_contact_no1),
            (Field::AltContactNo2, row.alt_contact_no2),
            (Field::JobTitle, row.job_title),
            (Field::EmployeeId, row.employee_id),
            (Field::Department, row.department),
            (Field::Location, row.location),
            (Field::Manager, row.manager),
            (Field::Company, row.company),
            (Field::Language, row.language),
            (Field::TimeZone, row.time_zone),
            (Field::UserType, Some(row.user_type)),
            (Field::ScimExternalId, row.external_id),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some((field, FieldValue::Text(value?))))
        .collect();
        if row.is_vip != 0 {
            record.insert(Field::Vip, FieldValue::Boolean(true));
        }
        let roles: Vec<String> =
            serde_json::from_str(&row.roles).map_err(|_json| unreadable("users.roles"))?;
        if !roles.is_empty() {
            record.insert(Field::Roles, FieldValue::Texts(roles));
        }
        for (key, value) in custom {
            let value =
                serde_json::from_value(value).map_err(|_json| unreadable("users.custom_fields"))?;
            record.insert(Field::Custom(key), value);
        }
        Ok(Self {
            id,
            record,
            status: status(&row.status)?,
            document,
            held: row.held != 0,
            manager: row.seen_manager.as_deref().and_then(ResourceId::parse),
            version: Version(row.version),
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        })
    }
}

pub(crate) fn status(text: &str) -> Result<Status, StoreError> {
    Status::parse(text).ok_or_else(|| unreadable("users.status"))
}

/// The records of people, whoever manages them, by their ids. A record that cannot be read keeps
/// nobody from the others, and is told in the server's log.
pub(crate) fn records(
    connection: &mut Connection,
    ids: &[&str],
) -> Result<HashMap<String, Record>, StoreError> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<UserRow> = connection.load(
            users::table
                .filter(among(users::id, chunk.iter()))
                .select(UserRow::as_select()),
        )?;
        for row in rows {
            let id = row.id.clone();
            match StoredUser::try_from(row) {
                Ok(user) => {
                    found.insert(id, user.record);
                }
                Err(error) => {
                    let source = std::error::Error::source(&error);
                    tracing::error!(id, %error, source, "a person cannot be read");
                }
            }
        }
    }
    Ok(found)
}

/// How many users the process has read from their rows, so that a test can tell who was sent unread.
pub(crate) mod reads {
    use std::sync::atomic::{AtomicU64, Ordering};

    static READ: AtomicU64 = AtomicU64::new(0);

    pub(super) fn count() {
        READ.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read() -> u64 {
        READ.load(Ordering::Relaxed)
    }
}

/// A user in scope, with the groups that the configuration sees, in one statement.
pub(crate) fn find_with_groups(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
) -> Result<Option<(Unread, Vec<Membership>)>, StoreError> {
    let query = users::table
        .filter(users::id.eq(id.to_string()))
        .filter(scope::users_in(scope))
        .select((UserRow::as_select(), GroupsOfUser::new(scope)));
    let row: Option<(UserRow, Option<String>)> = connection.first(query)?;
    row.map(with_groups).transpose()
}

/// The first users in scope that have what somebody looks for, two at most, with their groups.
pub(crate) fn look_up(
    connection: &mut Connection,
    scope: Scope,
    lookup: &Lookup<'_>,
) -> Result<Vec<(Unread, Vec<Membership>)>, StoreError> {
    let base = users::table
        .filter(scope::users_in(scope))
        .limit(2)
        .select((UserRow::as_select(), GroupsOfUser::new(scope)));
    let rows: Vec<(UserRow, Option<String>)> = match lookup {
        Lookup::Id(id) => connection.load(base.filter(users::id.eq(id)))?,
        Lookup::ExternalId(id) => connection.load(base.filter(users::external_id.eq(id)))?,
        Lookup::Name(key) => {
            connection.load(base.filter(users::scim_user_name_key.eq(key.as_str())))?
        }
        Lookup::Email(key, kind) => {
            let addresses = user_emails::table
                .filter(user_emails::value_key.eq(key.as_str()))
                .select(user_emails::user_id);
            match kind {
                Some(kind) => {
                    let addresses = addresses.filter(user_emails::type_key.eq(kind));
                    connection.load(base.filter(users::id.eq_any(addresses)))?
                }
                None => connection.load(base.filter(users::id.eq_any(addresses)))?,
            }
        }
    };
    rows.into_iter().map(with_groups).collect()
}

fn with_groups(
    (row, groups): (UserRow, Option<String>),
) -> Result<(Unread, Vec<Membership>), StoreError> {
    let user = Unread::try_from(row)?;
    let groups = members::groups_from(*user.id(), groups.as_deref())?;
    Ok((user, groups))
}

/// The users in scope of these ids.
pub(crate) fn among_ids<U>(
    connection: &mut Connection,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<U>, StoreError>
where
    U: TryFrom<UserRow, Error = StoreError>,
{
    let query = users::table
        .filter(among(users::id, ids))
        .filter(scope::users_in(scope))
        .select(UserRow::as_select());
    let rows: Vec<UserRow> = connection.load(query)?;
    rows.into_iter().map(U::try_from).collect()
}

/// A user in scope, locked until the transaction ends.
pub(crate) fn lock(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
) -> Result<Option<StoredUser>, StoreError> {
    let query = users::table
        .filter(users::id.eq(id.to_string()))
        .filter(scope::users_in(scope))
        .select(UserRow::as_select());
    let query = locked(connection, query);
    let row: Option<UserRow> = connection.first(query)?;
    row.map(StoredUser::try_from).transpose()
}

/// A person whom nobody manages.
pub(crate) fn by_hand(
    connection: &mut Connection,
    id: ResourceId,
) -> Result<Option<StoredUser>, StoreError> {
    let query = users::table
        .filter(users::id.eq(id.to_string()))
        .filter(users::managed_by.is_null())
        .filter(users::is_tenant_admin.eq(0))
        .select(UserRow::as_select());
    let row: Option<UserRow> = connection.first(query)?;
    row.map(StoredUser::try_from).transpose()
}

/// How many ids are looked up by one statement.
const CHUNK: usize = 500;
