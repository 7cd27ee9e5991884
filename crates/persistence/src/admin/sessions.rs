//! Rows of `sessions`.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use scim_admin::session::Session;
use scim_admin::store::{KeepSessions, ReadSessions, WriteSessions};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::schema::{accounts, sessions};
use crate::time::{instant, millis};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    hash: String,
    account_id: String,
    created_at: i64,
    last_used_at: i64,
    confirmed_at: i64,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            hash: session.hash.clone(),
            account_id: session.account.clone(),
            created_at: millis(session.created),
            last_used_at: millis(session.last_used),
            confirmed_at: millis(session.confirmed),
        }
    }
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            hash: row.hash,
            account: row.account_id,
            created: instant(row.created_at),
            last_used: instant(row.last_used_at),
            confirmed: instant(row.confirmed_at),
        }
    }
}

impl ReadSessions for AdminRows<'_> {
    fn sessions(&mut self) -> Result<Vec<(Session, String)>, StoreError> {
        let query = sessions::table
            .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
            .select((SessionRow::as_select(), accounts::name))
            .order(sessions::last_used_at.desc());
        let rows: Vec<(SessionRow, String)> = self.connection.load(query)?;
        let named = rows.into_iter().map(|(row, name)| (row.into(), name));
        Ok(named.collect())
    }

    fn session(&mut self, hash: &str) -> Result<Option<Session>, StoreError> {
        let query = sessions::table.find(hash).select(SessionRow::as_select());
        let row: Option<SessionRow> = self.connection.first(query)?;
        Ok(row.map(Session::from))
    }
}

impl WriteSessions for AdminRows<'_> {
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let row = SessionRow::from(session);
        let insert = diesel::insert_into(sessions::table).values(row);
        self.connection.execute(insert).map(drop)
    }

    fn delete_session(&mut self, hash: &str) -> Result<(), StoreError> {
        let delete = diesel::delete(sessions::table.find(hash));
        self.connection.execute(delete).map(drop)
    }

    fn delete_sessions_of(&mut self, account: &str) -> Result<usize, StoreError> {
        let of_account = sessions::table.filter(sessions::account_id.eq(account));
        self.connection.execute(diesel::delete(of_account))
    }
}

impl KeepSessions for AdminRows<'_> {
    fn touch_session(&mut self, hash: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let update =
            diesel::update(sessions::table.find(hash)).set(sessions::last_used_at.eq(millis(at)));
        self.connection.execute(update).map(drop)
    }

    fn delete_sessions_before(&mut self, before: DateTime<Utc>) -> Result<(), StoreError> {
        let old = sessions::table.filter(sessions::last_used_at.lt(millis(before)));
        self.connection.execute(diesel::delete(old)).map(drop)
    }
}
