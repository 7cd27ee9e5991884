//! Changes of a user's status that the guard holds, and what it counts.

use chrono::{DateTime, Utc};
use diesel::sql_types::BigInt;
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use uuid::Uuid;

use crate::connection::Connection;
use crate::people::{self, Write};
use crate::sql::Sql;
use crate::time::millis;
use crate::totals::Totals;

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
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

pub(crate) fn users_at(
    connection: &mut Connection,
    scope: Scope,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let still = Totals::of(connection, scope.configuration())?.visible(ResourceKind::User);
    let mut sql = connection
        .sql("SELECT count(*) AS count FROM users WHERE is_tenant_admin = 0 AND managed_by = ");
    sql.bind(scope.configuration().to_string());
    sql.push(" AND left_at >= ").bind(millis(at));
    Ok(still + count(connection, &sql)?)
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
    let held = people::set(connection, &id.to_string(), |sql| {
        sql.push("held = 1");
    })?;
    if !held {
        return Err(StoreError::Stale);
    }
    let mut sql = connection.sql(
        "INSERT INTO held_changes (id, configuration_id, user_id, deleted, status, purge_at, at) \
         VALUES (",
    );
    sql.bind(Uuid::now_v7().to_string());
    sql.push(", ").bind(scope.configuration().to_string());
    sql.push(", ").bind(id.to_string());
    sql.push(", ").bind(action.deleted);
    sql.push(", ").bind(action.status.as_str());
    sql.push(", ").bind(action.purge.map(millis));
    sql.push(", ").bind(millis(now)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

pub(crate) fn withdraw(connection: &mut Connection, id: ResourceId) -> Result<(), StoreError> {
    let free = Write::update(
        connection,
        |sql| {
            sql.push("held = 0");
        },
        |sql| {
            sql.push("held = 1 AND id = ").bind(id.to_string());
        },
    );
    if free.run(connection)? > 0 {
        forget(connection, &id.to_string())?;
    }
    Ok(())
}

/// Deletes what is held for a user.
pub(crate) fn forget(connection: &mut Connection, user: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM held_changes WHERE user_id = ");
    sql.bind(user);
    connection.execute(&sql)?;
    Ok(())
}

/// The ids of protected accounts, who are few.
pub(crate) const PROTECTED: &str = "SELECT id FROM users WHERE is_tenant_admin = 1";
