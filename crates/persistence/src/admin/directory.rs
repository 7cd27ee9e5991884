//! People and groups for the administrators' pages.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use scim_admin::people::{
    Grant, GroupSummary, GroupsQuery, ManagedBy, MappedPerson, PeopleQuery, Person,
};
use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, StoreError};

use crate::connection::Connection;
use crate::nodes::{Number, among};
use crate::schema::{
    group_grants, group_members, groups, manual_grants, provisioning_configurations, users,
};
use crate::sql::{Dialect, Sql};
use crate::time::instant;
use crate::users::records;
#[cfg(feature = "postgres")]
use crate::values::aside;
use crate::values::{Way, all_of};

#[derive(Queryable)]
struct PersonRow {
    id: String,
    user_name: String,
    display_name: Option<String>,
    email: Option<String>,
    status: String,
    is_tenant_admin: i32,
    admin_role: Option<String>,
    manager_id: Option<String>,
    managed_by: Option<String>,
    created_at: i64,
    updated_at: i64,
}

/// A person, a field, a value, and the group that gave it.
type GrantRow = (String, String, String, Option<String>);

#[derive(Queryable)]
struct GroupRow {
    id: String,
    name: String,
    kind: String,
    confers_admin: i32,
    members: Option<i64>,
    managed_by: Option<String>,
    created_at: i64,
    updated_at: i64,
}

/// People, with the names of their configurations.
macro_rules! people {
    () => {
        users::table
            .left_join(
                provisioning_configurations::table.on(provisioning_configurations::id
                    .nullable()
                    .eq(users::managed_by)),
            )
            .select((
                users::id,
                users::user_name,
                users::display_name,
                users::email,
                users::status,
                users::is_tenant_admin,
                users::admin_role,
                users::manager_id,
                provisioning_configurations::name.nullable(),
                users::created_at,
                users::updated_at,
            ))
    };
}

/// Groups, with the numbers of their members and the names of their configurations.
macro_rules! groups {
    () => {
        groups::table
            .left_join(
                provisioning_configurations::table.on(provisioning_configurations::id
                    .nullable()
                    .eq(groups::managed_by)),
            )
            .select((
                groups::id,
                groups::name,
                groups::kind,
                groups::confers_admin,
                group_members::table
                    .filter(group_members::group_id.eq(groups::id))
                    .select(count_star())
                    .single_value(),
                provisioning_configurations::name.nullable(),
                groups::created_at,
                groups::updated_at,
            ))
    };
}

pub(super) fn people(
    connection: &mut Connection,
    query: &PeopleQuery,
) -> Result<Vec<MappedPerson>, StoreError> {
    let mut sql = connection.sql("users.id IN (SELECT id FROM users WHERE TRUE");
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
    sql.push(")");
    // An index has what is searched; the rest is read of the users of the page alone.
    let page = people!().filter(sql.written::<Bool>());
    let rows = match connection.dialect() {
        Dialect::Sqlite => connection.load(page.order(users::id))?,
        // The few of the page need no index for their order.
        #[cfg(feature = "postgres")]
        Dialect::Postgres => connection.load(page.order(aside(users::id)))?,
    };
    found(connection, rows)
}

/// The person of an id.
pub(super) fn person(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<MappedPerson>, StoreError> {
    let rows = connection.load(people!().filter(users::id.eq(id)))?;
    Ok(found(connection, rows)?.pop())
}

/// The people of these ids.
pub(super) fn people_of(
    connection: &mut Connection,
    ids: &[&str],
) -> Result<Vec<MappedPerson>, StoreError> {
    let mut people = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = connection.load(people!().filter(among(users::id, chunk)))?;
        people.extend(found(connection, rows)?);
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
        let memberships = group_members::table
            .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
            .filter(among(group_members::member_id, chunk))
            .filter(groups::managed_by.eq(configuration.to_string()))
            .select((group_members::member_id, groups::name));
        found.extend(connection.load::<(String, String), _>(memberships)?);
    }
    found.sort();
    Ok(found)
}

fn found(
    connection: &mut Connection,
    rows: Vec<PersonRow>,
) -> Result<Vec<MappedPerson>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut records = records(connection, &ids)?;
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
        let of_groups = group_members::table
            .inner_join(group_grants::table.on(group_grants::group_id.eq(group_members::group_id)))
            .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
            .inner_join(users::table.on(users::id.eq(group_members::member_id)))
            .filter(users::is_tenant_admin.eq(Number::<0>))
            .filter(among(group_members::member_id, chunk))
            .select((
                group_members::member_id,
                group_grants::field,
                group_grants::value,
                groups::name.nullable(),
            ));
        let by_hand = manual_grants::table
            .filter(among(manual_grants::user_id, chunk))
            .select((
                manual_grants::user_id,
                manual_grants::field,
                manual_grants::value,
                None::<String>.into_sql::<Nullable<Text>>(),
            ));
        let all = all_of(of_groups, by_hand);
        let all = all.order([Way::Up(1), Way::Up(2), Way::Down(4), Way::Up(3)]);
        let rows: Vec<GrantRow> = connection.load(all)?;
        for (user, field, value, group) in rows {
            let grant = Grant {
                field,
                value,
                group,
            };
            found.entry(user).or_default().push(grant);
        }
    }
    Ok(found)
}

pub(super) fn groups(
    connection: &mut Connection,
    query: &GroupsQuery,
) -> Result<Vec<GroupSummary>, StoreError> {
    let mut sql = connection.sql("(TRUE");
    contains(&mut sql, &["groups.name_key"], query.search.as_deref());
    managed(&mut sql, "groups.managed_by", query.managed_by);
    sql.push(")");
    let page = groups!()
        .filter(sql.written::<Bool>())
        // Every id is behind the empty text.
        .filter(groups::id.gt(query.after.as_deref().unwrap_or_default()))
        .order(groups::id)
        .limit(query.limit);
    let rows: Vec<GroupRow> = connection.load(page)?;
    Ok(rows.into_iter().map(GroupSummary::from).collect())
}

/// The group of an id.
pub(super) fn group(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<GroupSummary>, StoreError> {
    let row: Option<GroupRow> = connection.first(groups!().filter(groups::id.eq(id)))?;
    Ok(row.map(GroupSummary::from))
}

impl From<GroupRow> for GroupSummary {
    fn from(row: GroupRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            confers_admin: row.confers_admin != 0,
            members: row.members.unwrap_or_default(),
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

fn page(sql: &mut Sql, id: &str, after: Option<&str>, limit: i64) {
    if let Some(after) = after {
        sql.push(&format!(" AND {id} > ")).bind(after);
    }
    sql.push(&format!(" ORDER BY {id} LIMIT ")).bind(limit);
}

const CHUNK: usize = 500;
