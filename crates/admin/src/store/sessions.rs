//! Rows of the console's sessions.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use crate::session::Session;

/// Reading sessions.
pub trait ReadSessions {
    /// The sessions, those used last first, with the names of their accounts.
    ///
    /// # Errors
    /// A fault of the store.
    fn sessions(&mut self) -> Result<Vec<(Session, String)>, StoreError>;

    /// The session of a hash.
    ///
    /// # Errors
    /// A fault of the store.
    fn session(&mut self, hash: &str) -> Result<Option<Session>, StoreError>;
}

/// Changing sessions.
pub trait WriteSessions {
    /// Inserts a session.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError>;

    /// Deletes a session.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_session(&mut self, hash: &str) -> Result<(), StoreError>;

    /// Deletes the sessions of an account and answers how many there were.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_sessions_of(&mut self, account: &str) -> Result<usize, StoreError>;
}

/// What becomes of sessions by themselves.
pub trait KeepSessions {
    /// Notes when a session was used.
    ///
    /// # Errors
    /// A fault of the store.
    fn touch_session(&mut self, hash: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Deletes the sessions that were last used before a time.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_sessions_before(&mut self, before: DateTime<Utc>) -> Result<(), StoreError>;
}
