//! Sessions of the console.

use chrono::{DateTime, Duration, Utc};

use crate::account::{Account, Role};

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of what the browser holds, in hexadecimal.
    pub hash: String,
    /// The id of the account.
    pub account: String,
    /// When the account signed in.
    pub created: DateTime<Utc>,
    /// When the session was last used.
    pub last_used: DateTime<Utc>,
    /// When the password was last entered.
    pub confirmed: DateTime<Utc>,
}

impl Session {
    /// Whether the session still stands: used within half an hour, and no older than half a day.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        now < self.last_used + Duration::minutes(IDLE_MINUTES)
            && now < self.created + Duration::hours(ABSOLUTE_HOURS)
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The name of the account.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether the account signs in by an OpenID provider.
    pub openid: bool,
}

impl SignedIn {
    pub(crate) fn new(session: Session, account: &Account) -> Self {
        Self {
            session,
            name: account.name.clone(),
            role: account.role,
            openid: account.openid.is_some(),
        }
    }

    /// Whether the password was entered so lately that secrets may be shown.
    pub fn is_confirmed(&self, now: DateTime<Utc>) -> bool {
        now < self.session.confirmed + Duration::minutes(CONFIRMED_MINUTES)
    }
}

const IDLE_MINUTES: i64 = 30;
const ABSOLUTE_HOURS: i64 = 12;
const CONFIRMED_MINUTES: i64 = 5;
