//! People and groups for the administrators' pages.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::people::{GroupSummary, Person, PersonInput};
use scim_protocol::text::fold;
use scim_provisioning::{ResourceId, StoreError};

use crate::condition::millis;
use crate::connection::Connection;
use crate::sql::{Dialect, Sql};
use crate::view::instant;

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
    #[diesel(sql_type = Text)]
    custom_fields: String,
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

#[derive(diesel::QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
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
    let mut sql = connection.sql(
        "INSERT INTO users (id, user_name, user_name_key, display_key, email, email_key, status, \
         is_tenant_admin, admin_role, version, created_at, updated_at) VALUES (",
    );
    let user_name = person.user_name.trim();
    sql.bind(&id).push(", ").bind(user_name);
    sql.push(", ")
        .bind(fold(user_name))
        .push(", ")
        .bind(fold(user_name));
    sql.push(", ").bind(person.email.clone());
    sql.push(", ").bind(person.email.as_deref().map(fold));
    sql.push(", 'active', ").bind(person.tenant_admin);
    sql.push(", ").bind(person.role.clone());
    sql.push(", 1, ")
        .bind(millis(now))
        .push(", ")
        .bind(millis(now))
        .push(")");
    connection.execute(&sql)?;
    Ok(id)
}

pub(super) fn people(
    connection: &mut Connection,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Person>, StoreError> {
    let mut sql = connection.sql(
        "SELECT u.id, u.user_name, u.display_name, u.email, u.status, \
         CAST(u.is_tenant_admin AS INTEGER) AS is_tenant_admin, u.admin_role, u.custom_fields, \
         c.name AS managed_by, u.created_at, u.updated_at \
         FROM users u LEFT JOIN provisioning_configurations c ON c.id = u.managed_by WHERE TRUE",
    );
    contains(
        &mut sql,
        &["u.user_name_key", "u.display_key", "u.email_key"],
        search,
    );
    page(&mut sql, "u.id", after, limit);
    let rows: Vec<PersonRow> = connection.rows(&sql)?;
    Ok(rows
        .into_iter()
        .map(|row| Person {
            id: row.id,
            user_name: row.user_name,
            display_name: row.display_name,
            email: row.email,
            status: row.status,
            tenant_admin: row.is_tenant_admin != 0,
            role: row.admin_role,
            custom_fields: serde_json::from_str(&row.custom_fields).unwrap_or_default(),
            managed_by: row.managed_by,
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        })
        .collect())
}

pub(super) fn groups(
    connection: &mut Connection,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<GroupSummary>, StoreError> {
    let mut sql = connection.sql(
        "SELECT g.id, g.name, \
         (SELECT count(*) FROM group_members m WHERE m.group_id = g.id) AS members, \
         c.name AS managed_by, g.created_at, g.updated_at \
         FROM groups g LEFT JOIN provisioning_configurations c ON c.id = g.managed_by WHERE TRUE",
    );
    contains(&mut sql, &["g.name_key"], search);
    page(&mut sql, "g.id", after, limit);
    let rows: Vec<GroupRow> = connection.rows(&sql)?;
    Ok(rows
        .into_iter()
        .map(|row| GroupSummary {
            id: row.id,
            name: row.name,
            members: row.members,
            managed_by: row.managed_by,
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        })
        .collect())
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

fn page(sql: &mut Sql, id: &str, after: Option<&str>, limit: i64) {
    if let Some(after) = after {
        sql.push(&format!(" AND {id} > ")).bind(after);
    }
    sql.push(&format!(" ORDER BY {id} LIMIT ")).bind(limit);
}
