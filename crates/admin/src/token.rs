//! Authentication tokens: a JWT around a random secret, found by its hash, sealed to be shown again.

use chrono::{DateTime, Utc};
use scim_provisioning::ConfigurationId;
use zeroize::Zeroize;

/// A token in clear text. It is shown to administrators and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainToken(String);

impl PlainToken {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The token.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PlainToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PlainToken(..)")
    }
}

impl Drop for PlainToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessToken {
    /// The id, which is no secret.
    pub id: String,
    /// The configuration that it speaks for.
    pub configuration: ConfigurationId,
    /// SHA-256 of the secret, in hexadecimal.
    pub hash: String,
    /// The token, sealed with the key ring.
    pub sealed: String,
    /// The key that sealed it.
    pub key_id: String,
    /// The end of the token, by which people tell tokens apart.
    pub hint: String,
    /// When it was issued.
    pub created: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked: Option<DateTime<Utc>>,
    /// When it was last used.
    pub last_used: Option<DateTime<Utc>>,
    /// From where it was last used.
    pub last_used_from: Option<String>,
    /// By which client it was last used.
    pub last_used_by: Option<String>,
}

impl AccessToken {
    /// Whether the token is accepted at this time.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.state(now) == "active"
    }

    /// `active`, `expired` or `revoked`.
    pub fn state(&self, now: DateTime<Utc>) -> &'static str {
        if self.revoked.is_some() {
            "revoked"
        } else if self.expires.is_some_and(|expires| expires <= now) {
            "expired"
        } else {
            "active"
        }
    }
}

/// How many live tokens a configuration has at most: the old one and the new one of a rotation.
pub const LIVE: usize = 2;
