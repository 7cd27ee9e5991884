//! Rows of `sessions`.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use scim_admin::session::Session;
use scim_provisioning::StoreError;

use crate::condition::millis;
use crate::connection::Connection;
use crate::view::instant;

#[derive(QueryableByName)]
struct SessionRow {
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = Text)]
    account_id: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    last_used_at: i64,
    #[diesel(sql_type = BigInt)]
    confirmed_at: i64,
}

#[derive(QueryableByName)]
struct OwnedRow {
    #[diesel(embed)]
    session: SessionRow,
    #[diesel(sql_type = Text)]
    name: String,
}

pub(super) fn insert(connection: &mut Connection, session: &Session) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO sessions (hash, account_id, created_at, last_used_at, confirmed_at) VALUES (",
    );
    sql.bind_all([&session.hash, &session.account]);
    let times = [session.created, session.last_used, session.confirmed];
    sql.push(", ").bind_all(times.map(millis)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn find(connection: &mut Connection, hash: &str) -> Result<Option<Session>, StoreError> {
    let mut sql = connection.sql(
        "SELECT hash, account_id, created_at, last_used_at, confirmed_at FROM sessions WHERE hash = ",
    );
    sql.bind(hash);
    let row: Option<SessionRow> = connection.row(&sql)?;
    Ok(row.map(session))
}

/// Every session with the name of its account, those used last first.
pub(super) fn list(connection: &mut Connection) -> Result<Vec<(Session, String)>, StoreError> {
    let sql = connection.sql(
        "SELECT s.hash, s.account_id, s.created_at, s.last_used_at, s.confirmed_at, a.name \
         FROM sessions s JOIN accounts a ON a.id = s.account_id ORDER BY s.last_used_at DESC",
    );
    let rows: Vec<OwnedRow> = connection.rows(&sql)?;
    let named = |row: OwnedRow| (session(row.session), row.name);
    Ok(rows.into_iter().map(named).collect())
}

/// Ends the sessions of an account.
pub(super) fn delete_by_account(
    connection: &mut Connection,
    account: &str,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM sessions WHERE account_id = ");
    sql.bind(account);
    connection.execute(&sql)?;
    Ok(())
}

fn session(row: SessionRow) -> Session {
    Session {
        hash: row.hash,
        account: row.account_id,
        created: instant(row.created_at),
        last_used: instant(row.last_used_at),
        confirmed: instant(row.confirmed_at),
    }
}

pub(super) fn touch(
    connection: &mut Connection,
    hash: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE sessions SET last_used_at = ");
    sql.bind(millis(at)).push(" WHERE hash = ").bind(hash);
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn delete(connection: &mut Connection, hash: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM sessions WHERE hash = ");
    sql.bind(hash);
    connection.execute(&sql)?;
    Ok(())
}

/// Ends the sessions of an account by its name.
pub(super) fn delete_of(connection: &mut Connection, name_key: &str) -> Result<(), StoreError> {
    let mut sql = connection
        .sql("DELETE FROM sessions WHERE account_id IN (SELECT id FROM accounts WHERE name_key = ");
    sql.bind(name_key).push(")");
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn delete_before(
    connection: &mut Connection,
    before: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM sessions WHERE last_used_at < ");
    sql.bind(millis(before));
    connection.execute(&sql)?;
    Ok(())
}
