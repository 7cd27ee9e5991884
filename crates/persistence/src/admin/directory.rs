//! People and groups for the administrators' pages.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::people::{
    Grant, GroupInput, GroupSummary, GroupsQuery, ManagedBy, PeopleQuery, Person, PersonInput,
};
use scim_mapping::{Record, RoleProblem, Roles};
use scim_protocol::text::fold;
use scim_provisioning::{ResourceId, ResourceKind, StoreError};
use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::key::Key;
use crate::members::{self, IdRow};
use crate::people;
use crate::references;
use crate::sql::{Dialect, Sql};
use crate::time::{instant, millis};
use crate::users;

#[derive(diesel::QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    is_tenant_admin: i32,
    #[diesel(sql_type = Nullable<Text>)]
    admin_role: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    manager_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

#[derive(diesel::QueryableByName)]
struct GrantRow {
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(sql_type = Text)]
    field: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Nullable<Text>)]
    group_name: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    confers_admin: i32,
    #[diesel(sql_type = BigInt)]
    members: i64,
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

pub(super) fn add_person(
    connection: &mut Connection,
    person: &PersonInput,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let id = ResourceId::new().to_string();
    let roles: Roles = references::roles(connection)?.into_iter().collect();
    let privileged = |role: &&String| roles.check(role) == Err(RoleProblem::Privileged);
    let administrative = person.role.as_ref().filter(privileged);
    let mut sql = connection.sql(
        "INSERT INTO users (id, user_name, user_name_key, display_key, email, email_key, status, \
         is_tenant_admin, admin_role, version, created_at, updated_at) VALUES (",
    );
    let user_name = person.user_name.trim();
    sql.bind(&id).push(", ").bind(user_name);
    sql.push(", ")
        .bind(Key::of(user_name))
        .push(", ")
        .bind(Key::of(user_name));
    sql.push(", ").bind(person.email.clone());
    sql.push(", ").bind(person.email.as_deref().map(Key::of));
    sql.push(", 'active', ").bind(person.tenant_admin);
    sql.push(", ").bind(administrative.cloned());
    sql.push(", 1, ")
        .bind(millis(now))
        .push(", ")
        .bind(millis(now))
        .push(")");
    connection.execute(&sql)?;
    if let (Some(role), None) = (&person.role, administrative) {
        let mut sql = connection.sql("INSERT INTO manual_grants (user_id, field, value) VALUES (");
        sql.bind(&id).push(", 'roles', ").bind(role).push(")");
        connection.execute(&sql)?;
    }
    Ok(id)
}

pub(super) fn add_group(
    connection: &mut Connection,
    group: &GroupInput,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let id = ResourceId::new().to_string();
    let name = group.name.trim();
    let mut sql = connection.sql(
        "INSERT INTO groups (id, name, name_key, confers_admin, version, created_at, updated_at) \
         VALUES (",
    );
    sql.bind(&id).push(", ").bind(name);
    sql.push(", ").bind(Key::of(name));
    sql.push(", ").bind(group.confers_admin);
    sql.push(", 1, ").bind(millis(now));
    sql.push(", ").bind(millis(now)).push(")");
    connection.execute(&sql)?;
    Ok(id)
}

pub(super) fn add_member(
    connection: &mut Connection,
    group: &str,
    person: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let id = |text: &str| ResourceId::parse(text).ok_or(StoreError::Stale);
    let joining = [(id(person)?, ResourceKind::User)];
    let added = members::add(connection, id(group)?, &joining, now)?;
    let mut sql = connection.sql("SELECT id FROM groups WHERE confers_admin = 1 AND id = ");
    sql.bind(group);
    if connection.row::<IdRow>(&sql)?.is_some() {
        people::set(connection, person, |sql| {
            sql.push("is_tenant_admin = 1, version = version + 1, updated_at = ");
            sql.bind(millis(now));
        })?;
    }
    Ok(!added.is_empty())
}

pub(super) fn people(
    connection: &mut Connection,
    query: &PeopleQuery,
) -> Result<Vec<Person>, StoreError> {
    let mut sql = connection.sql(PEOPLE);
    // An index has what is searched; the rest is read of the users of the page alone.
    sql.push(" WHERE u.id IN (SELECT id FROM users WHERE TRUE");
    contains(
        &mut sql,
        &["user_name_key", "display_key", "email_key"],
        query.search.as_deref(),
    );
    if let Some(status) = &query.status {
        sql.push(" AND status = ").bind(status);
    }
    if let Some(user_type) = query.user_type {
        sql.push(" AND user_type = ").bind(user_type.as_str());
    }
    managed(&mut sql, "managed_by", query.managed_by);
    page(&mut sql, "id", query.after.as_deref(), query.limit);
    let order = match sql.dialect {
        Dialect::Sqlite => "u.id".to_owned(),
        // The few of the page need no index for their order.
        #[cfg(feature = "postgres")]
        Dialect::Postgres => sql.aside("u.id"),
    };
    sql.push(") ORDER BY ").push(&order);
    found(connection, &sql)
}

/// The person of an id.
pub(super) fn person(connection: &mut Connection, id: &str) -> Result<Option<Person>, StoreError> {
    let mut sql = connection.sql(PEOPLE);
    sql.push(" WHERE u.id = ").bind(id);
    Ok(found(connection, &sql)?.pop())
}

const PEOPLE: &str = "SELECT u.id, u.user_name, u.display_name, u.email, u.status, \
    CAST(u.is_tenant_admin AS INTEGER) AS is_tenant_admin, u.admin_role, u.manager_id, \
    c.name AS managed_by, u.created_at, u.updated_at \
    FROM users u LEFT JOIN provisioning_configurations c ON c.id = u.managed_by";

fn found(connection: &mut Connection, sql: &Sql) -> Result<Vec<Person>, StoreError> {
    let rows: Vec<PersonRow> = connection.rows(sql)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut records = users::records(connection, &ids)?;
    let mut given = grants(connection, &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let grants = given.remove(&row.id).unwrap_or_default();
            let record = records.remove(&row.id).unwrap_or_default();
            Person {
                user_name: row.user_name,
                display_name: row.display_name,
                email: row.email,
                status: row.status,
                tenant_admin: row.is_tenant_admin != 0,
                role: row.admin_role,
                fields: effective(record, &grants),
                grants,
                manager: row.manager_id,
                managed_by: row.managed_by,
                created: instant(row.created_at),
                last_modified: instant(row.updated_at),
                id: row.id,
            }
        })
        .collect())
}

/// The fields of a record, with what was given. A single value that was given takes the place of
/// the one that was mapped.
fn effective(record: Record, grants: &[Grant]) -> Map<String, Value> {
    let mut fields: Map<String, Value> = record
        .iter()
        .map(|(field, value)| (field.key(), value.to_json()))
        .collect();
    for grant in grants {
        match (grant.field.as_str(), grant.value.as_str()) {
            ("roles", role) => {
                let roles = fields.entry("roles").or_insert_with(|| json!([]));
                if let Some(roles) = roles.as_array_mut()
                    && !roles.iter().any(|known| known == role)
                {
                    roles.push(json!(role));
                }
            }
            ("is_vip", vip) => {
                fields.insert("is_vip".to_owned(), json!(vip == "true"));
            }
            (field, value) => {
                fields.insert(field.to_owned(), json!(value));
            }
        }
    }
    fields
}

/// What groups and administrators gave to people, by their ids.
fn grants(
    connection: &mut Connection,
    ids: &[&str],
) -> Result<HashMap<String, Vec<Grant>>, StoreError> {
    let mut found: HashMap<String, Vec<Grant>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let mut sql = connection.sql(
            "SELECT m.member_id AS user_id, x.field, x.value, g.name AS group_name \
             FROM group_members m JOIN group_grants x ON x.group_id = m.group_id \
             JOIN groups g ON g.id = m.group_id JOIN users u ON u.id = m.member_id \
             WHERE u.is_tenant_admin = 0 AND m.member_id ",
        );
        sql.among(chunk.iter().copied());
        sql.push(
            " UNION ALL SELECT user_id, field, value, NULL AS group_name FROM manual_grants \
             WHERE user_id ",
        );
        sql.among(chunk.iter().copied())
            .push(" ORDER BY 1, 2, 4 DESC, 3");
        for row in connection.rows::<GrantRow>(&sql)? {
            found.entry(row.user_id).or_default().push(Grant {
                field: row.field,
                value: row.value,
                group: row.group_name,
            });
        }
    }
    Ok(found)
}

pub(super) fn groups(
    connection: &mut Connection,
    query: &GroupsQuery,
) -> Result<Vec<GroupSummary>, StoreError> {
    let mut sql = connection.sql(GROUPS);
    sql.push(" WHERE TRUE");
    contains(&mut sql, &["g.name_key"], query.search.as_deref());
    managed(&mut sql, "g.managed_by", query.managed_by);
    page(&mut sql, "g.id", query.after.as_deref(), query.limit);
    let rows: Vec<GroupRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(GroupSummary::from).collect())
}

/// The group of an id.
pub(super) fn group(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<GroupSummary>, StoreError> {
    let mut sql = connection.sql(GROUPS);
    sql.push(" WHERE g.id = ").bind(id);
    let row: Option<GroupRow> = connection.row(&sql)?;
    Ok(row.map(GroupSummary::from))
}

const GROUPS: &str = "SELECT g.id, g.name, g.kind, \
    CAST(g.confers_admin AS INTEGER) AS confers_admin, \
    (SELECT count(*) FROM group_members m WHERE m.group_id = g.id) AS members, \
    c.name AS managed_by, g.created_at, g.updated_at \
    FROM groups g LEFT JOIN provisioning_configurations c ON c.id = g.managed_by";

impl From<GroupRow> for GroupSummary {
    fn from(row: GroupRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            confers_admin: row.confers_admin != 0,
            members: row.members,
            managed_by: row.managed_by,
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        }
    }
}

fn managed(sql: &mut Sql, column: &str, by: ManagedBy) {
    match by {
        ManagedBy::Anybody => {}
        ManagedBy::Nobody => {
            sql.push(&format!(" AND {column} IS NULL"));
        }
        ManagedBy::Configuration(id) => {
            sql.push(&format!(" AND {column} = ")).bind(id.to_string());
        }
    }
}

fn contains(sql: &mut Sql, columns: &[&str], search: Option<&str>) {
    let Some(search) = search else { return };
    let function = match sql.dialect {
        Dialect::Sqlite => "instr",
        #[cfg(feature = "postgres")]
        Dialect::Postgres => "strpos",
    };
    sql.push(" AND (FALSE");
    for column in columns {
        sql.push(&format!(" OR {function}({column}, "))
            .bind(fold(search));
        sql.push(") > 0");
    }
    sql.push(")");
}

pub(crate) fn page(sql: &mut Sql, id: &str, after: Option<&str>, limit: i64) {
    if let Some(after) = after {
        sql.push(&format!(" AND {id} > ")).bind(after);
    }
    sql.push(&format!(" ORDER BY {id} LIMIT ")).bind(limit);
}

const CHUNK: usize = 500;
