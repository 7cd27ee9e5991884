//! Sessions in memory.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use super::rows::Rows;
use crate::session::Session;
use crate::store::{KeepSessions, ReadAccounts, ReadSessions, WriteSessions};

impl ReadSessions for Rows {
    fn sessions(&mut self) -> Result<Vec<(Session, String)>, StoreError> {
        let mut sessions = self.sessions.clone();
        sessions.sort_by_key(|session| Reverse(session.last_used));
        let mut named = Vec::new();
        for session in sessions {
            if let Some(account) = self.account(&session.account)? {
                named.push((session, account.name));
            }
        }
        Ok(named)
    }

    fn session(&mut self, hash: &str) -> Result<Option<Session>, StoreError> {
        let found = self.sessions.iter().find(|session| session.hash == hash);
        Ok(found.cloned())
    }
}

impl WriteSessions for Rows {
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.sessions.push(session.clone());
        Ok(())
    }

    fn delete_session(&mut self, hash: &str) -> Result<(), StoreError> {
        self.sessions.retain(|session| session.hash != hash);
        Ok(())
    }

    fn delete_sessions_of(&mut self, account: &str) -> Result<usize, StoreError> {
        let before = self.sessions.len();
        self.sessions.retain(|session| session.account != account);
        Ok(before - self.sessions.len())
    }
}

impl KeepSessions for Rows {
    fn touch_session(&mut self, hash: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let found = self
            .sessions
            .iter_mut()
            .find(|session| session.hash == hash);
        if let Some(session) = found {
            session.last_used = at;
        }
        Ok(())
    }

    fn delete_sessions_before(&mut self, before: DateTime<Utc>) -> Result<(), StoreError> {
        self.sessions.retain(|session| session.last_used >= before);
        Ok(())
    }
}
