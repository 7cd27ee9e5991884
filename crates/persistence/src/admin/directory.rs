//! People and groups for the administrators' pages.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::people::{
    Grant, GroupSummary, GroupsQuery, ManagedBy, MappedPerson, PeopleQuery, Person,
};
use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, StoreError};

use crate::connection::Connection;
use crate::sql::{Dialect, Sql};
use crate::time::instant;
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

pub(super) fn people(
    connection: &mut Connection,
    query: &PeopleQuery,
) -> Result<Vec<MappedPerson>, StoreError> {
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
pub(super) fn person(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<MappedPerson>, StoreError> {
    let mut sql = connection.sql(PEOPLE);
    sql.push(" WHERE u.id = ").bind(id);
    Ok(found(connection, &sql)?.pop())
}

/// The people of these ids.
pub(super) fn people_of(
    connection: &mut Connection,
    ids: &[&str],
) -> Result<Vec<MappedPerson>, StoreError> {
    let mut people = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut sql = connection.sql(PEOPLE);
        sql.push(" WHERE u.id ").among(chunk.iter().copied());
        people.extend(found(connection, &sql)?);
    }
    Ok(people)
}

/// Which groups of a configuration people are members of, by their ids.
pub(super) fn memberships_under(
    connection: &mut Connection,
    configuration: ConfigurationId,
    ids: &[&str],
) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut sql = connection.sql(
            "SELECT m.member_id AS user_id, g.name AS group_name FROM group_members m \
             JOIN groups g ON g.id = m.group_id WHERE m.member_id ",
        );
        sql.among(chunk.iter().copied())
            .push(" AND g.managed_by = ")
            .bind(configuration.to_string());
        let rows: Vec<MembershipRow> = connection.rows(&sql)?;
        found.extend(rows.into_iter().map(|row| (row.user_id, row.group_name)));
    }
    found.sort();
    Ok(found)
}

#[derive(diesel::QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(sql_type = Text)]
    group_name: String,
}

const PEOPLE: &str = "SELECT u.id, u.user_name, u.display_name, u.email, u.status, \
    CAST(u.is_tenant_admin AS INTEGER) AS is_tenant_admin, u.admin_role, u.manager_id, \
    c.name AS managed_by, u.created_at, u.updated_at \
    FROM users u LEFT JOIN provisioning_configurations c ON c.id = u.managed_by";

fn found(connection: &mut Connection, sql: &Sql) -> Result<Vec<MappedPerson>, StoreError> {
    let rows: Vec<PersonRow> = connection.rows(sql)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut records = users::records(connection, &ids)?;
    let mut given = grants(connection, &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let record = records.remove(&row.id).unwrap_or_default();
            MappedPerson::new(Person {
                user_name: row.user_name,
                display_name: row.display_name,
                email: row.email,
                status: row.status,
                tenant_admin: row.is_tenant_admin != 0,
                role: row.admin_role,
                fields: record
                    .iter()
                    .map(|(field, value)| (field.key(), value.to_json()))
                    .collect(),
                grants: given.remove(&row.id).unwrap_or_default(),
                manager: row.manager_id,
                managed_by: row.managed_by,
                created: instant(row.created_at),
                last_modified: instant(row.updated_at),
                id: row.id,
            })
        })
        .collect())
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
