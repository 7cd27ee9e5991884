//! Rows of `group_members`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_provisioning::directory::{MemberChunk, Membership, Visible};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::unreadable;
use crate::scope::visible;
use crate::sql::Sql;
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = Text)]
    group_id: String,
    #[diesel(sql_type = Text)]
    group_name: String,
    #[diesel(sql_type = BigInt)]
    group_modified: i64,
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Text)]
    member_kind: String,
    #[diesel(sql_type = Text)]
    display: String,
}

#[derive(diesel::QueryableByName)]
pub(crate) struct IdRow {
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
}

#[derive(diesel::QueryableByName)]
struct VisibleRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    display: String,
}

/// A member; without `display` it is not in sight.
#[derive(diesel::QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Text)]
    member_kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    display: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub(crate) fn groups_of(
    connection: &mut Connection,
    scope: Scope,
    members: &[ResourceId],
) -> Result<Vec<Membership>, StoreError> {
    let mut found = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let mut sql = connection.sql(
            "SELECT m.group_id, g.name AS group_name, g.updated_at AS group_modified, m.member_id, \
             m.member_kind, '' AS display FROM group_members m",
        );
        sql.join_each("groups", "g", "m.group_id");
        sql.push(" WHERE g.id = m.group_id AND m.held_id IS NULL AND m.member_id ");
        sql.among(chunk.iter().map(ToString::to_string))
            .push(" AND ");
        visible(&mut sql, ResourceKind::Group, scope, "g");
        sql.push(" ORDER BY g.name_key, g.id");
        found.extend(connection.rows::<MembershipRow>(&sql)?);
    }
    memberships(found)
}

pub(crate) fn members_of(
    connection: &mut Connection,
    scope: Scope,
    groups: &[ResourceId],
) -> Result<Vec<Membership>, StoreError> {
    let mut found = Vec::new();
    for chunk in groups.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let mut sql = connection.sql(
            "SELECT m.group_id, '' AS group_name, CAST(0 AS BIGINT) AS group_modified, m.member_id, \
             m.member_kind, COALESCE(u.display_name, u.user_name) AS display \
             FROM group_members m",
        );
        sql.join_each("users", "u", "m.member_id");
        sql.push(
            " WHERE u.id = m.member_id AND m.member_kind = 'User' AND m.held_id IS NULL \
             AND m.group_id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::User, scope, "u");
        sql.push(
            " UNION ALL SELECT m.group_id, '' AS group_name, CAST(0 AS BIGINT) AS group_modified, \
             m.member_id, m.member_kind, g.name AS display FROM group_members m",
        );
        sql.join_each("groups", "g", "m.member_id");
        sql.push(
            " WHERE g.id = m.member_id AND m.member_kind = 'Group' AND m.held_id IS NULL \
             AND m.group_id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::Group, scope, "g");
        sql.push(" ORDER BY 1, 4");
        found.extend(connection.rows::<MembershipRow>(&sql)?);
    }
    memberships(found)
}

/// The next members of a group. Who they are is looked up one by one, so that the order and the
/// end are those of the index.
pub(crate) fn behind(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    after: Option<ResourceId>,
    count: usize,
) -> Result<MemberChunk, StoreError> {
    let mut sql = connection.sql(
        "SELECT m.member_id, m.member_kind, CASE m.member_kind WHEN 'Group' THEN (SELECT g.name \
         FROM groups g WHERE g.id = m.member_id AND ",
    );
    visible(&mut sql, ResourceKind::Group, scope, "g");
    sql.push(
        ") ELSE (SELECT COALESCE(u.display_name, u.user_name) FROM users u \
         WHERE u.id = m.member_id AND ",
    );
    visible(&mut sql, ResourceKind::User, scope, "u");
    sql.push(") END AS display FROM group_members m WHERE m.group_id = ");
    sql.bind(group.to_string());
    if let Some(after) = after {
        sql.push(" AND m.member_id > ").bind(after.to_string());
    }
    sql.push(" AND m.held_id IS NULL ORDER BY m.member_id LIMIT ");
    sql.bind(i64::try_from(count).unwrap_or(i64::MAX));
    let rows: Vec<MemberRow> = connection.rows(&sql)?;
    let last = rows.last().filter(|_| rows.len() >= count);
    let next = last.map(|row| parse(&row.member_id)).transpose()?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(display) = row.display {
            members.push(Visible {
                id: parse(&row.member_id)?,
                kind: kind(&row.member_kind),
                display,
            });
        }
    }
    Ok(MemberChunk { members, next })
}

pub(crate) fn count(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    limit: usize,
) -> Result<usize, StoreError> {
    let mut sql =
        connection.sql("SELECT count(*) AS count FROM (SELECT 1 AS one FROM group_members m");
    sql.join_each("users", "u", "m.member_id");
    sql.push(" WHERE u.id = m.member_id AND m.member_kind = 'User' AND m.held_id IS NULL AND m.group_id = ");
    sql.bind(group.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::User, scope, "u");
    sql.push(" UNION ALL SELECT 1 AS one FROM group_members m");
    sql.join_each("groups", "g", "m.member_id");
    sql.push(" WHERE g.id = m.member_id AND m.member_kind = 'Group' AND m.held_id IS NULL AND m.group_id = ");
    sql.bind(group.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "g");
    sql.push(" LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .push(") AS counted");
    let count = connection.row::<CountRow>(&sql)?.map_or(0, |row| row.count);
    Ok(usize::try_from(count).unwrap_or(0))
}

pub(crate) fn visible_ids(
    connection: &mut Connection,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<Visible>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let mut sql = connection.sql(
            "SELECT u.id, 'User' AS kind, COALESCE(u.display_name, u.user_name) AS display \
             FROM users u WHERE u.id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::User, scope, "u");
        sql.push(
            " UNION ALL SELECT g.id, 'Group' AS kind, g.name AS display FROM groups g \
             WHERE g.id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::Group, scope, "g");
        for row in connection.rows::<VisibleRow>(&sql)? {
            found.push(Visible {
                id: parse(&row.id)?,
                kind: kind(&row.kind),
                display: row.display,
            });
        }
    }
    Ok(found)
}

pub(crate) fn add(
    connection: &mut Connection,
    group: ResourceId,
    members: &[(ResourceId, ResourceKind)],
    now: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut added = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let mut sql = connection
            .sql("INSERT INTO group_members (group_id, member_id, member_kind, added_at) VALUES ");
        if chunk.len() > 1 {
            sql.never_alike();
        }
        for (at, (id, kind)) in chunk.iter().enumerate() {
            sql.push(if at > 0 { ", (" } else { "(" });
            sql.bind(group.to_string()).push(", ").bind(id.to_string());
            sql.push(", ")
                .bind(kind.as_str())
                .push(", ")
                .bind(millis(now));
            sql.push(")");
        }
        // Who is added again is not held any more.
        sql.push(
            " ON CONFLICT (group_id, member_id) DO UPDATE SET held_id = NULL, held_by = NULL, held_at = NULL \
             WHERE group_members.held_id IS NOT NULL RETURNING member_id AS id",
        );
        for row in connection.rows::<IdRow>(&sql)? {
            added.push(parse(&row.id)?);
        }
    }
    Ok(added)
}

pub(crate) fn remove(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    members: &[ResourceId],
) -> Result<Vec<ResourceId>, StoreError> {
    let mut removed = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let mut sql =
            connection.sql("DELETE FROM group_members WHERE held_id IS NULL AND group_id = ");
        sql.bind(group.to_string()).push(" AND member_id ");
        sql.among(chunk.iter().map(ToString::to_string));
        sql.push(" AND ");
        seen(&mut sql, scope);
        sql.push(" RETURNING member_id AS id");
        for row in connection.rows::<IdRow>(&sql)? {
            removed.push(parse(&row.id)?);
        }
    }
    Ok(removed)
}

/// Holds memberships that the identity provider ended.
pub(crate) fn hold(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    members: &[ResourceId],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // In order of time, and of members at the same time.
    let batch = Uuid::now_v7();
    for chunk in members.chunks(CHUNK) {
        let mut sql = connection.sql("UPDATE group_members SET held_id = ");
        sql.bind(format!("{batch}."))
            .push(" || member_id, held_by = ")
            .bind(scope.configuration().to_string())
            .push(", held_at = ")
            .bind(millis(now));
        sql.push(" WHERE held_id IS NULL AND group_id = ")
            .bind(group.to_string());
        sql.push(" AND member_id ");
        sql.among(chunk.iter().map(ToString::to_string));
        connection.execute(&sql)?;
    }
    Ok(())
}

/// Notes whom a request named as members and nobody saw.
pub(crate) fn awaits(
    connection: &mut Connection,
    group: ResourceId,
    members: &[ResourceId],
) -> Result<(), StoreError> {
    for chunk in members.chunks(CHUNK) {
        let mut sql = connection.sql("INSERT INTO awaited_members (group_id, member_id) VALUES ");
        if chunk.len() > 1 {
            sql.never_alike();
        }
        for (at, id) in chunk.iter().enumerate() {
            sql.push(if at > 0 { ", (" } else { "(" });
            sql.bind(group.to_string()).push(", ").bind(id.to_string());
            sql.push(")");
        }
        sql.push(" ON CONFLICT DO NOTHING");
        connection.execute(&sql)?;
    }
    Ok(())
}

/// Forgets some who were awaited in a group, or all of them.
pub(crate) fn forget(
    connection: &mut Connection,
    group: ResourceId,
    members: Option<&[ResourceId]>,
) -> Result<(), StoreError> {
    let Some(members) = members else {
        let mut sql = connection.sql("DELETE FROM awaited_members WHERE group_id = ");
        sql.bind(group.to_string());
        connection.execute(&sql)?;
        return Ok(());
    };
    for chunk in members.chunks(CHUNK) {
        let mut sql = connection.sql("DELETE FROM awaited_members WHERE group_id = ");
        sql.bind(group.to_string()).push(" AND member_id ");
        sql.among(chunk.iter().map(ToString::to_string));
        connection.execute(&sql)?;
    }
    Ok(())
}

/// Lets somebody who came back join the groups of the configuration that await them.
pub(crate) fn join(
    connection: &mut Connection,
    scope: Scope,
    member: ResourceId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let of_the_scope = |sql: &mut Sql, column: &str| {
        sql.bind(member.to_string());
        sql.push(&format!(
            " AND (SELECT g.managed_by FROM groups g WHERE g.id = {column}) = "
        ));
        sql.bind(scope.configuration().to_string());
    };
    let mut sql = connection.sql(
        "INSERT INTO group_members (group_id, member_id, member_kind, added_at) \
         SELECT a.group_id, a.member_id, 'User', ",
    );
    sql.bind(millis(now));
    sql.push(" FROM awaited_members a WHERE a.member_id = ");
    of_the_scope(&mut sql, "a.group_id");
    sql.push(" ON CONFLICT DO NOTHING");
    if connection.execute(&sql)? > 0 {
        touch_groups_of(connection, scope, member, now)?;
    }
    let mut sql = connection.sql("DELETE FROM awaited_members WHERE member_id = ");
    of_the_scope(&mut sql, "awaited_members.group_id");
    connection.execute(&sql)?;
    Ok(())
}

/// Appends that a row of `group_members` is of a member in scope.
fn seen(sql: &mut Sql, scope: Scope) {
    // Values are looked up one by one, where an engine might collect all that an EXISTS can be.
    sql.push("COALESCE((SELECT 1 FROM users u WHERE u.id = group_members.member_id AND ");
    visible(sql, ResourceKind::User, scope, "u");
    sql.push("), (SELECT 1 FROM groups g WHERE g.id = group_members.member_id AND ");
    visible(sql, ResourceKind::Group, scope, "g");
    sql.push("), 0) = 1");
}

/// Appends that a row of `group_members` is of a member whom others put there: a protected account
/// or group, and what the configuration does not manage. Whoever left it is none of them.
fn of_others(sql: &mut Sql, scope: Scope) {
    for (before, table, protected) in [
        ("COALESCE(", "users", "is_tenant_admin"),
        (", ", "groups", "confers_admin"),
    ] {
        sql.push(&format!(
            "{before}(SELECT CASE WHEN o.{protected} = 1 OR o.managed_by IS NULL \
             OR o.managed_by <> "
        ));
        sql.bind(scope.configuration().to_string());
        sql.push(&format!(
            " THEN 1 ELSE 0 END FROM {table} o WHERE o.id = group_members.member_id)"
        ));
    }
    sql.push(", 0) = 1");
}

/// Whether others put members into a group.
pub(crate) fn has_others(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("SELECT member_id AS id FROM group_members WHERE group_id = ");
    sql.bind(group.to_string()).push(" AND ");
    of_others(&mut sql, scope);
    sql.push(" LIMIT 1");
    Ok(connection.row::<IdRow>(&sql)?.is_some())
}

/// Removes every member of a group but those whom others put there.
pub(crate) fn leave_to_others(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM group_members WHERE group_id = ");
    sql.bind(group.to_string()).push(" AND NOT (");
    of_others(&mut sql, scope);
    sql.push(")");
    connection.execute(&sql)?;
    Ok(())
}

/// Counts up the groups of a configuration that show one member more or less, for a reason that
/// is not theirs.
pub(crate) fn touch_groups_of(
    connection: &mut Connection,
    scope: Scope,
    member: ResourceId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE groups SET version = version + 1, updated_at = ");
    sql.bind(millis(now));
    sql.push(" WHERE id IN (SELECT group_id FROM group_members WHERE member_id = ");
    sql.bind(member.to_string()).push(") AND ");
    visible(&mut sql, ResourceKind::Group, scope, "groups");
    connection.execute(&sql)?;
    Ok(())
}

fn memberships(rows: Vec<MembershipRow>) -> Result<Vec<Membership>, StoreError> {
    rows.into_iter()
        .map(|row| {
            Ok(Membership {
                group: parse(&row.group_id)?,
                group_name: row.group_name,
                group_modified: instant(row.group_modified),
                member: parse(&row.member_id)?,
                kind: kind(&row.member_kind),
                display: row.display,
            })
        })
        .collect()
}

fn parse(id: &str) -> Result<ResourceId, StoreError> {
    ResourceId::parse(id).ok_or_else(|| unreadable("group_members"))
}

fn kind(text: &str) -> ResourceKind {
    match text {
        "Group" => ResourceKind::Group,
        _ => ResourceKind::User,
    }
}

/// Ids in one statement; well below the limits of both engines.
pub(crate) const CHUNK: usize = 500;
