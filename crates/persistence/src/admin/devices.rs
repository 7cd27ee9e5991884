//! Rows of `devices` and `device_links`.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_provisioning::StoreError;

use crate::condition::millis;
use crate::connection::Connection;
use crate::view::instant;

#[derive(QueryableByName)]
struct FailuresRow {
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    failed_at: Option<i64>,
}

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    account_id: String,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
}

/// How often a device failed since it last did not, and when it last did.
pub(super) fn failures(
    connection: &mut Connection,
    id: &str,
) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
    let mut sql = connection.sql("SELECT failures, failed_at FROM devices WHERE id = ");
    sql.bind(id);
    let row: Option<FailuresRow> = connection.row(&sql)?;
    Ok(row.map_or((0, None), |row| (row.failures, row.failed_at.map(instant))))
}

/// Notes a failure.
pub(super) fn note_failure(
    connection: &mut Connection,
    id: &str,
    account: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql =
        connection.sql("INSERT INTO devices (id, account_id, failures, failed_at) VALUES (");
    sql.bind(id).push(", ").bind(account).push(", 1, ");
    sql.bind(millis(at));
    sql.push(
        ") ON CONFLICT (id) DO UPDATE SET failures = devices.failures + 1, \
         failed_at = excluded.failed_at",
    );
    connection.execute(&sql)?;
    Ok(())
}

/// Forgets the failures of a device.
pub(super) fn forget(connection: &mut Connection, id: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM devices WHERE id = ");
    sql.bind(id);
    connection.execute(&sql)?;
    Ok(())
}

/// Adds a link, and deletes those that nobody can use any more.
pub(super) fn add_link(
    connection: &mut Connection,
    hash: &str,
    account: &str,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM device_links WHERE expires_at < ");
    sql.bind(millis(now));
    connection.execute(&sql)?;
    let mut sql =
        connection.sql("INSERT INTO device_links (hash, account_id, expires_at) VALUES (");
    sql.bind(hash).push(", ").bind(account).push(", ");
    sql.bind(millis(until)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

/// Deletes the links of an account.
pub(super) fn delete_links(connection: &mut Connection, account: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM device_links WHERE account_id = ");
    sql.bind(account);
    connection.execute(&sql)?;
    Ok(())
}

/// Takes a link away and answers the id of its account, if it was still good.
pub(super) fn take_link(
    connection: &mut Connection,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let mut sql = connection.sql("SELECT account_id, expires_at FROM device_links WHERE hash = ");
    sql.bind(hash);
    let row: Option<LinkRow> = connection.row(&sql)?;
    let mut sql = connection.sql("DELETE FROM device_links WHERE hash = ");
    sql.bind(hash);
    // Of two who come at once only one finds it.
    let taken = connection.execute(&sql)? > 0;
    let good = row.filter(|row| taken && instant(row.expires_at) > now);
    Ok(good.map(|row| row.account_id))
}
