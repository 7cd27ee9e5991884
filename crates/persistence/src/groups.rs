//! Rows of `groups`.

use chrono::{DateTime, Utc};
use diesel::ExpressionMethods as _;
use diesel::query_dsl::methods::FilterDsl as _;
use diesel::sql_types::{BigInt, Text};
use scim_protocol::Version;
use scim_provisioning::directory::{Adoption, GroupEnd, GroupWrite, StoredGroup};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use serde_json::Value;

use crate::connection::Connection;
use crate::engine::on_backend;
use crate::error::unreadable;
use crate::key::Key;
use crate::members::{self, IdRow};
use crate::page::Identified;
use crate::schema::group_grants;
use crate::scope::visible;
use crate::time::{instant, millis};

/// The columns of a [`GroupRow`], of the table with the alias `r`.
pub(crate) const COLUMNS: &str =
    "r.id, r.name, r.scim_document, r.version, r.created_at, r.updated_at";

#[derive(diesel::QueryableByName)]
pub(crate) struct GroupRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    scim_document: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

impl Identified for GroupRow {
    fn id(&self) -> &str {
        &self.id
    }
}

impl TryFrom<GroupRow> for StoredGroup {
    type Error = StoreError;

    fn try_from(row: GroupRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ResourceId::parse(&row.id).ok_or_else(|| unreadable("groups.id"))?,
            name: row.name,
            document: serde_json::from_str(&row.scim_document)
                .map_err(|_json| unreadable("groups.scim_document"))?,
            version: Version(row.version),
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        })
    }
}

/// A group in scope, locked where `lock` is true.
pub(crate) fn find(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    lock: bool,
) -> Result<Option<StoredGroup>, StoreError> {
    let mut sql = connection.sql(&format!("SELECT {COLUMNS} FROM groups r WHERE r.id = "));
    sql.bind(id.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "r");
    if lock {
        sql.for_update();
    }
    connection
        .row::<GroupRow>(&sql)?
        .map(StoredGroup::try_from)
        .transpose()
}

pub(crate) fn insert(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    group: &GroupWrite,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO groups (id, kind, rule_key, name, name_key, scim_name_key, managed_by, external_id, scim_document, version, \
         created_at, updated_at, search_document) VALUES (",
    );
    sql.bind(id.to_string());
    sql.push(", ").bind(group.kind.as_str());
    sql.push(", ").bind(group.rule.clone());
    sql.push(", ").bind(&group.name);
    sql.push(", ").bind(Key::of(&group.name));
    sql.push(", ").bind(scim_name_key(group));
    sql.push(", ").bind(scope.configuration().to_string());
    sql.push(", ").bind(group.external_id.clone());
    sql.push(", ")
        .bind(Value::Object(group.document.clone()).to_string());
    sql.push(", 1, ")
        .bind(millis(now))
        .push(", ")
        .bind(millis(now));
    sql.push(", ").bind_json(&group.search).push(")");
    connection.execute(&sql)?;
    grant(connection, id, group)
}

/// Writes what the members of a group get.
fn grant(
    connection: &mut Connection,
    id: ResourceId,
    group: &GroupWrite,
) -> Result<(), StoreError> {
    let id = id.to_string();
    let of_group = group_grants::group_id.eq(&id);
    connection.execute(diesel::delete(group_grants::table.filter(of_group)))?;
    for (field, value) in &group.grants {
        let grant = (
            group_grants::group_id.eq(&id),
            group_grants::field.eq(*field),
            group_grants::value.eq(value),
        );
        let insert = diesel::insert_into(group_grants::table).values(grant);
        on_backend!(connection, execute, insert.on_conflict_do_nothing())?;
    }
    Ok(())
}

/// The group that confers an administrative right and has one of the names.
pub(crate) fn protected(
    connection: &mut Connection,
    names: &[&str],
) -> Result<Option<ResourceId>, StoreError> {
    let mut sql = connection.sql("SELECT id FROM groups WHERE confers_admin = 1 AND name_key ");
    sql.among(names.iter().map(|name| Key::of(name)))
        .push(" ORDER BY id LIMIT 1");
    let row = connection.row::<IdRow>(&sql)?;
    row.map(|row| ResourceId::parse(&row.id).ok_or_else(|| unreadable("groups.id")))
        .transpose()
}

/// Takes over the group created by hand that has the name.
pub(crate) fn adopt(
    connection: &mut Connection,
    scope: Scope,
    group: &GroupWrite,
    now: DateTime<Utc>,
) -> Result<Adoption, StoreError> {
    let mut sql = connection.sql(
        "SELECT id FROM groups WHERE managed_by IS NULL AND confers_admin = 0 AND name_key = ",
    );
    sql.bind(Key::of(&group.name)).push(" ORDER BY id LIMIT 1");
    sql.for_update();
    let Some(row) = connection.row::<IdRow>(&sql)? else {
        return Ok(Adoption::Nothing);
    };
    let id = ResourceId::parse(&row.id).ok_or_else(|| unreadable("groups.id"))?;
    let mut sql = connection.sql(
        "SELECT member_id AS id FROM group_members m WHERE EXISTS \
         (SELECT 1 FROM users u WHERE u.id = m.member_id AND u.is_tenant_admin = 1) \
         AND m.group_id = ",
    );
    sql.bind(id.to_string()).push(" LIMIT 1");
    if connection.row::<IdRow>(&sql)?.is_some() {
        return Ok(Adoption::Protected(id));
    }
    let mut sql = connection.sql("UPDATE groups SET managed_by = ");
    sql.bind(scope.configuration().to_string());
    sql.push(" WHERE id = ").bind(id.to_string());
    connection.execute(&sql)?;
    let Some(stored) = find(connection, scope, id, false)? else {
        return Ok(Adoption::Nothing);
    };
    let version = update(connection, scope, id, stored.version, group, now)?;
    members::touch_groups_of(connection, scope, id, now)?;
    Ok(Adoption::Taken(id, version))
}

/// Another group in scope that has this `externalId`.
pub(crate) fn with_external_id(
    connection: &mut Connection,
    scope: Scope,
    external_id: &str,
    except: ResourceId,
) -> Result<Option<ResourceId>, StoreError> {
    let mut sql = connection.sql("SELECT g.id FROM groups g WHERE g.external_id = ");
    sql.bind(external_id);
    sql.push(" AND g.id <> ")
        .bind(except.to_string())
        .push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "g");
    sql.push(" ORDER BY g.id LIMIT 1");
    let row = connection.row::<IdRow>(&sql)?;
    Ok(row.and_then(|row| ResourceId::parse(&row.id)))
}

/// Writes what a group is and gives, and nothing else of it.
pub(crate) fn classify(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    group: &GroupWrite,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE groups SET kind = ");
    sql.bind(group.kind.as_str());
    sql.push(", rule_key = ").bind(group.rule.clone());
    sql.push(", name = ").bind(&group.name);
    sql.push(", name_key = ").bind(Key::of(&group.name));
    sql.push(" WHERE id = ").bind(id.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "groups");
    connection.execute(&sql)?;
    grant(connection, id, group)
}

fn scim_name_key(group: &GroupWrite) -> Option<Key> {
    let name = group.document.get("displayName").and_then(Value::as_str);
    name.map(Key::of)
}

pub(crate) fn update(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    expected: Version,
    group: &GroupWrite,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    let mut sql = connection.sql("UPDATE groups SET name = ");
    sql.bind(&group.name)
        .push(", name_key = ")
        .bind(Key::of(&group.name));
    sql.push(", scim_name_key = ").bind(scim_name_key(group));
    sql.push(", kind = ").bind(group.kind.as_str());
    sql.push(", rule_key = ").bind(group.rule.clone());
    sql.push(", external_id = ").bind(group.external_id.clone());
    sql.push(", scim_document = ");
    sql.bind(Value::Object(group.document.clone()).to_string());
    sql.push(", search_document = ").bind_json(&group.search);
    let version = finish(connection, sql, scope, id, expected, now)?;
    grant(connection, id, group)?;
    Ok(version)
}

pub(crate) fn touch(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    expected: Version,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    let sql = connection.sql("UPDATE groups SET name = name");
    finish(connection, sql, scope, id, expected, now)
}

fn finish(
    connection: &mut Connection,
    mut sql: crate::sql::Sql,
    scope: Scope,
    id: ResourceId,
    expected: Version,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    sql.push(", version = version + 1, updated_at = ")
        .bind(millis(now));
    sql.push(" WHERE id = ").bind(id.to_string());
    sql.push(" AND version = ").bind(expected.0).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "groups");
    if connection.execute(&sql)? == 0 {
        return Err(StoreError::Stale);
    }
    Ok(Version(expected.0 + 1))
}

pub(crate) fn delete(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    now: DateTime<Utc>,
) -> Result<GroupEnd, StoreError> {
    members::touch_groups_of(connection, scope, id, now)?;
    if members::has_others(connection, scope, id)? {
        release(connection, scope, id, now)?;
        return Ok(GroupEnd::Released);
    }
    let mut sql = connection.sql("DELETE FROM groups WHERE id = ");
    sql.bind(id.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "groups");
    if connection.execute(&sql)? == 0 {
        return Err(StoreError::Stale);
    }
    let mut leave = connection.sql("DELETE FROM group_members WHERE member_id = ");
    leave.bind(id.to_string());
    connection.execute(&leave)?;
    Ok(GroupEnd::Deleted)
}

/// Makes a group one that was made by hand: with the members whom others put there, and without
/// what came of the configuration and its rules.
fn release(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "UPDATE groups SET managed_by = NULL, rule_key = NULL, external_id = NULL, \
         scim_name_key = NULL, scim_document = '{}', search_document = '{}', \
         version = version + 1, updated_at = ",
    );
    sql.bind(millis(now)).push(" WHERE id = ");
    sql.bind(id.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "groups");
    if connection.execute(&sql)? == 0 {
        return Err(StoreError::Stale);
    }
    let mut sql = connection.sql("DELETE FROM group_grants WHERE group_id = ");
    sql.bind(id.to_string());
    connection.execute(&sql)?;
    members::leave_to_others(connection, scope, id)?;
    // Where groups of the configuration have it as a member, the identity provider said so.
    let mut sql = connection.sql("DELETE FROM group_members WHERE member_id = ");
    sql.bind(id.to_string())
        .push(" AND group_id IN (SELECT g.id FROM groups g WHERE ");
    visible(&mut sql, ResourceKind::Group, scope, "g");
    sql.push(")");
    connection.execute(&sql)?;
    Ok(())
}
