//! Rows of `group_members`.

mod read;

pub(crate) use read::{
    GroupsOfUser, behind, count, groups_from, groups_of, members_of, visible_ids,
};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::nodes::{among, locked};
use crate::schema::{awaited_members, group_members, groups};
use crate::scope::{self, visible};
use crate::sql::Sql;
use crate::time::millis;

#[derive(diesel::QueryableByName)]
pub(crate) struct IdRow {
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
}

pub(crate) fn add(
    connection: &mut Connection,
    group: ResourceId,
    members: &[(ResourceId, ResourceKind)],
    now: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut added = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let rows: Vec<(String, &str)> = chunk
            .iter()
            .map(|(id, kind)| (id.to_string(), kind.as_str()))
            .collect();
        let mut sql = connection
            .sql("INSERT INTO group_members (group_id, member_id, member_kind, added_at) SELECT ");
        sql.bind(group.to_string());
        sql.push(", listed.value ->> 0, listed.value ->> 1, ");
        sql.bind(millis(now)).push_rows(&rows);
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

/// Adds those who are in scope to a group that has no members, and answers who they are.
pub(crate) fn add_first(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    ids: &[ResourceId],
    now: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut added = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let mut sql = connection
            .sql("INSERT INTO group_members (group_id, member_id, member_kind, added_at) ");
        for (before, kind, from) in [
            ("SELECT ", ResourceKind::User, "FROM users m WHERE m.id "),
            (
                " UNION ALL SELECT ",
                ResourceKind::Group,
                "FROM groups m WHERE m.id ",
            ),
        ] {
            sql.push(before).bind(group.to_string());
            sql.push(", m.id, ").bind(kind.as_str()).push(", ");
            sql.bind(millis(now)).push(" ").push(from).among(&ids);
            sql.push(" AND ");
            visible(&mut sql, kind, scope, "m");
        }
        sql.push(" RETURNING member_id AS id");
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
    let batch = connection.uuid();
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
        let rows: Vec<[String; 1]> = chunk.iter().map(|id| [id.to_string()]).collect();
        let mut sql = connection.sql("INSERT INTO awaited_members (group_id, member_id) SELECT ");
        sql.bind(group.to_string());
        sql.push(", listed.value ->> 0").push_rows(&rows);
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
    let of_group = awaited_members::table.filter(awaited_members::group_id.eq(group.to_string()));
    let Some(members) = members else {
        connection.execute(diesel::delete(of_group))?;
        return Ok(());
    };
    for chunk in members.chunks(CHUNK) {
        let some = among(awaited_members::member_id, chunk);
        connection.execute(diesel::delete(of_group.clone().filter(some)))?;
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
    // Looked up for each group that awaits them, where an engine might begin with all groups.
    let managed_by = groups::table
        .filter(groups::id.eq(awaited_members::group_id))
        .select(groups::managed_by)
        .single_value();
    let awaiting = awaited_members::table
        .filter(awaited_members::member_id.eq(member.to_string()))
        .filter(managed_by.eq(scope.configuration().to_string()));
    let awaited: Vec<String> =
        connection.load(awaiting.clone().select(awaited_members::group_id))?;
    if awaited.is_empty() {
        return Ok(());
    }
    // Whoever changes whom a group awaits has locked it: what is deleted behind the lock is awaited
    // still, and nothing is that another group began to await meanwhile.
    let waiting = groups::table
        .filter(among(groups::id, &awaited))
        .order(groups::id)
        .select(groups::id);
    let waiting = locked(connection, waiting);
    let waiting: Vec<String> = connection.load(waiting)?;
    let of_waiting = awaiting.filter(among(awaited_members::group_id, &waiting));
    let joining: Vec<String> =
        connection.load(diesel::delete(of_waiting).returning(awaited_members::group_id))?;
    let mut sql = connection.sql(
        "INSERT INTO group_members (group_id, member_id, member_kind, added_at) \
         SELECT listed.value ->> 0, ",
    );
    sql.bind(member.to_string())
        .push(", 'User', ")
        .bind(millis(now));
    let rows: Vec<[&String; 1]> = joining.iter().map(|group| [group]).collect();
    sql.push_rows(&rows).push(" ON CONFLICT DO NOTHING");
    if connection.execute(&sql)? > 0 {
        touch_groups_of(connection, scope, member, now)?;
    }
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
    let with_member = group_members::table
        .filter(group_members::member_id.eq(member.to_string()))
        .select(group_members::group_id);
    let whom = groups::table
        .filter(groups::id.eq_any(with_member))
        .filter(scope::groups_in(scope));
    connection.execute(diesel::update(whom).set((
        groups::version.eq(groups::version + 1_i64),
        groups::updated_at.eq(millis(now)),
    )))?;
    Ok(())
}

fn parse(id: &str) -> Result<ResourceId, StoreError> {
    ResourceId::parse(id).ok_or_else(|| unreadable("group_members"))
}

fn kind(text: &str) -> Result<ResourceKind, StoreError> {
    ResourceKind::parse(text).ok_or_else(|| unreadable("group_members.member_kind"))
}

/// Ids in one statement; well below the limits of both engines.
pub(crate) const CHUNK: usize = 500;
