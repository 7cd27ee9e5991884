//! Rows of `sessions`.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use scim_admin::session::Session;
use scim_admin::store::{KeepSessions, ReadSessions, WriteSessions};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::time::{instant, millis};

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

impl ReadSessions for AdminRows<'_> {
    fn sessions(&mut self) -> Result<Vec<(Session, String)>, StoreError> {
        let sql = self.connection.sql(
            "SELECT s.hash, s.account_id, s.created_at, s.last_used_at, s.confirmed_at, a.name \
             FROM sessions s JOIN accounts a ON a.id = s.account_id ORDER BY s.last_used_at DESC",
        );
        let rows: Vec<OwnedRow> = self.connection.rows(&sql)?;
        let named = |row: OwnedRow| (session(row.session), row.name);
        Ok(rows.into_iter().map(named).collect())
    }

    fn session(&mut self, hash: &str) -> Result<Option<Session>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT hash, account_id, created_at, last_used_at, confirmed_at FROM sessions \
             WHERE hash = ",
        );
        sql.bind(hash);
        let row: Option<SessionRow> = self.connection.row(&sql)?;
        Ok(row.map(session))
    }
}

impl WriteSessions for AdminRows<'_> {
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "INSERT INTO sessions (hash, account_id, created_at, last_used_at, confirmed_at) \
             VALUES (",
        );
        sql.bind_all([&session.hash, &session.account]);
        let times = [session.created, session.last_used, session.confirmed];
        sql.push(", ").bind_all(times.map(millis)).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn delete_session(&mut self, hash: &str) -> Result<(), StoreError> {
        let mut sql = self.connection.sql("DELETE FROM sessions WHERE hash = ");
        sql.bind(hash);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn delete_sessions_of(&mut self, account: &str) -> Result<usize, StoreError> {
        let mut sql = self
            .connection
            .sql("DELETE FROM sessions WHERE account_id = ");
        sql.bind(account);
        self.connection.execute(&sql)
    }
}

impl KeepSessions for AdminRows<'_> {
    fn touch_session(&mut self, hash: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut sql = self.connection.sql("UPDATE sessions SET last_used_at = ");
        sql.bind(millis(at)).push(" WHERE hash = ").bind(hash);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn delete_sessions_before(&mut self, before: DateTime<Utc>) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("DELETE FROM sessions WHERE last_used_at < ");
        sql.bind(millis(before));
        self.connection.execute(&sql)?;
        Ok(())
    }
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
