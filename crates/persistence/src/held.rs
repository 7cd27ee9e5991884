//! Changes of a user's status that the guard holds, and what it counts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

use crate::connection::Connection;
use crate::people;
use crate::schema::{held_changes, users};
use crate::scope::users_gone;
use crate::sql::{Dialect, Sql};
use crate::time::millis;
use crate::totals::Totals;

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Holds back other transactions that count who left this configuration, until this one ends: they
/// count those who leave here as well. On SQLite only one transaction writes anyway.
pub(crate) fn lock_departures(connection: &mut Connection, scope: Scope) -> Result<(), StoreError> {
    if connection.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let mut sql = connection.sql("SELECT pg_advisory_xact_lock(73556080, hashtext(");
    sql.bind(scope.configuration().to_string()).push("))");
    connection.execute(&sql)?;
    Ok(())
}

pub(crate) fn departures(
    connection: &mut Connection,
    scope: Scope,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<u64, StoreError> {
    // The words of the index, so that it serves the count.
    let mut sql = connection.sql(
        "SELECT count(*) AS count FROM (SELECT 1 FROM provisioning_events WHERE action IN \
         ('block', 'archive', 'delete') AND outcome IN ('success', 'warning') AND resource_type = \
         'User' AND configuration_id = ",
    );
    sql.bind(scope.configuration().to_string());
    sql.push(" AND at >= ").bind(millis(since));
    sql.push(" LIMIT ")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(") AS counted");
    count(connection, &sql)
}

/// Whether a run in which an identity provider let a user leave, or wanted to, was taken back.
pub(crate) fn was_brought_back(
    connection: &mut Connection,
    id: ResourceId,
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql(
        "SELECT count(*) AS count FROM (SELECT 1 FROM provisioning_events back \
         INNER JOIN runs undo ON undo.id = back.run AND undo.kind = 'undo' \
         INNER JOIN runs done ON done.id = undo.of_run AND done.kind IN ('cycle', 'goLive') \
         INNER JOIN provisioning_events gone ON gone.resource_id = back.resource_id \
         AND gone.run = done.id AND gone.action IN ('block', 'archive', 'delete') \
         WHERE back.resource_id = ",
    );
    sql.bind(id.to_string());
    sql.push(" AND back.outcome = 'success' AND back.at >= ")
        .bind(millis(since));
    sql.push(" LIMIT 1) AS counted");
    Ok(count(connection, &sql)? > 0)
}

pub(crate) fn users_at(
    connection: &mut Connection,
    scope: Scope,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let still = Totals::of(connection, scope.configuration())?.visible(ResourceKind::User);
    let left = users::table
        .filter(users_gone(scope.configuration().to_string()))
        .filter(users::left_at.ge(millis(at)))
        .count();
    let left: Option<i64> = connection.first(left)?;
    Ok(still + u64::try_from(left.unwrap_or_default()).unwrap_or(0))
}

fn count(connection: &mut Connection, sql: &Sql) -> Result<u64, StoreError> {
    let count = connection.row::<CountRow>(sql)?.map_or(0, |row| row.count);
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(crate) fn hold(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    action: HeldAction,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    withdraw(connection, id)?;
    let id = id.to_string();
    if people::change!(connection, users::id.eq(&id), users::held.eq(1)) == 0 {
        return Err(StoreError::Stale);
    }
    connection.execute(diesel::insert_into(held_changes::table).values((
        held_changes::id.eq(connection.uuid().to_string()),
        held_changes::configuration_id.eq(scope.configuration().to_string()),
        held_changes::user_id.eq(&id),
        held_changes::deleted.eq(i32::from(action.deleted)),
        held_changes::status.eq(action.status.as_str()),
        held_changes::purge_at.eq(action.purge.map(millis)),
        held_changes::at.eq(millis(now)),
    )))?;
    Ok(())
}

pub(crate) fn withdraw(connection: &mut Connection, id: ResourceId) -> Result<(), StoreError> {
    let id = id.to_string();
    let held = users::id.eq(&id).and(users::held.eq(1));
    if people::change!(connection, held, users::held.eq(0)) > 0 {
        forget(connection, &id)?;
    }
    Ok(())
}

/// Deletes what is held for a user.
pub(crate) fn forget(connection: &mut Connection, user: &str) -> Result<(), StoreError> {
    let of_user = held_changes::table.filter(held_changes::user_id.eq(user));
    connection.execute(diesel::delete(of_user))?;
    Ok(())
}

/// The ids of protected accounts, who are few.
pub(crate) const PROTECTED: &str = "SELECT id FROM users WHERE is_tenant_admin = 1";
