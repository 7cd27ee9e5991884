//! Authentication tokens: a JWT around a random secret, found by its hash, sealed to be shown again.

use chrono::{DateTime, Duration, Utc};
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
    /// The id of the API key that made it, where that was one: it ends with it.
    pub made_by: Option<String>,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// How it gives way to another token, where one was made to take its place.
    pub retirement: Option<Retirement>,
    /// When it was revoked.
    pub revoked: Option<DateTime<Utc>>,
    /// When it was first used.
    pub first_used: Option<DateTime<Utc>>,
    /// When it was last used.
    pub last_used: Option<DateTime<Utc>>,
    /// From where it was last used.
    pub last_used_from: Option<String>,
    /// By which client it was last used.
    pub last_used_by: Option<String>,
}

/// How a token gives way to the one that was made to take its place: it goes on until the identity
/// provider has used the new one, and for a while after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// The id of the new token.
    pub by: String,
    /// For how long it goes on once the new one was used.
    pub overlap: Duration,
    /// When that is over; `None` as long as the new one was never used.
    pub at: Option<DateTime<Utc>>,
}

/// What a token is at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It is accepted.
    Active,
    /// It is accepted until the token that takes its place has been used for a while.
    Retiring,
    /// It has ended.
    Expired,
    /// It was revoked.
    Revoked,
}

impl TokenState {
    /// The state as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl AccessToken {
    /// Whether the token is accepted at this time.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        matches!(self.state(now), TokenState::Active | TokenState::Retiring)
    }

    /// When the token ends, as far as that is known: with its life, or with its retirement.
    pub fn ends(&self) -> Option<DateTime<Utc>> {
        let retires = self.retirement.as_ref().and_then(|retiring| retiring.at);
        self.expires.into_iter().chain(retires).min()
    }

    /// What the token is at this time.
    pub fn state(&self, now: DateTime<Utc>) -> TokenState {
        if self.revoked.is_some() {
            TokenState::Revoked
        } else if self.ends().is_some_and(|end| end <= now) {
            TokenState::Expired
        } else if self.retirement.is_some() {
            TokenState::Retiring
        } else {
            TokenState::Active
        }
    }
}

/// The token that an identity provider uses: of those that are live the one used last, or the
/// newest where none was used.
pub fn in_use(tokens: &[AccessToken], now: DateTime<Utc>) -> Option<&AccessToken> {
    let live = || tokens.iter().filter(|token| token.is_live(now));
    let used = live().filter(|token| token.last_used.is_some());
    used.max_by_key(|token| token.last_used)
        .or_else(|| live().max_by_key(|token| token.created))
}

/// A rotation under way: the token that was made to take the place of another, and that one.
pub fn rotation(tokens: &[AccessToken]) -> Option<(&AccessToken, &AccessToken)> {
    let new = tokens
        .iter()
        .max_by_key(|token| (token.created, &token.id))?;
    let gives_way = |token: &&AccessToken| {
        let to = token.retirement.as_ref().map(|retiring| &retiring.by);
        to == Some(&new.id)
    };
    tokens.iter().find(gives_way).map(|old| (new, old))
}

/// How many live tokens a configuration has at most: the old one and the new one of a rotation.
pub const LIVE: usize = 2;
