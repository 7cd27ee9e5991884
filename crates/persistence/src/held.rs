//! Changes of a user's status that the guard holds, and what it counts.

use chrono::{DateTime, Utc};
use diesel::dsl::Eq;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

use crate::connection::Connection;
use crate::nodes::Number;
use crate::people;
use crate::schema::{held_changes, provisioning_events, users};
use crate::scope::users_gone;
use crate::sql::Dialect;
use crate::time::millis;
use crate::totals::Totals;
use crate::values::{Word, count_of, one_of};

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
    let left = provisioning_events::table
        .filter(one_of(
            provisioning_events::action,
            &["block", "archive", "delete"],
        ))
        .filter(one_of(
            provisioning_events::outcome,
            &["success", "warning"],
        ))
        .filter(provisioning_events::resource_type.eq(Word("User").nullable()))
        .filter(provisioning_events::configuration_id.eq(scope.configuration().to_string()))
        .filter(provisioning_events::at.ge(millis(since)))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Number::<1>);
    let count: Option<i64> = connection.first(count_of(left))?;
    Ok(u64::try_from(count.unwrap_or_default()).unwrap_or(0))
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
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
         INNER JOIN runs done ON done.id = undo.of_run AND done.kind IN ('cycle', 'goLive', 'replay') \
         INNER JOIN provisioning_events gone ON gone.resource_id = back.resource_id \
         AND gone.run = done.id AND gone.action IN ('block', 'archive', 'delete') \
         WHERE back.resource_id = ",
    );
    sql.bind(id.to_string());
    sql.push(" AND back.outcome = 'success' AND back.at >= ")
        .bind(millis(since));
    sql.push(" LIMIT 1) AS counted");
    let found: Option<CountRow> = connection.row(&sql)?;
    Ok(found.is_some_and(|row| row.count > 0))
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

/// The ids of protected accounts, who are few, in the words of their index.
#[diesel::dsl::auto_type(no_type_alias)]
pub(crate) fn protected() -> _ {
    let protected: Eq<users::is_tenant_admin, Number<1>> = users::is_tenant_admin.eq(Number::<1>);
    users::table.filter(protected).select(users::id)
}
