//! What keeps an instance safe: the version of its tables, its backups, its keys.

mod ring;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use crate::instance::{ClockDoubt, InstanceRecord, KeyNeed, Needed, RecordedKey};
pub(crate) use ring::Known;
pub use ring::{RingError, check_ring, find_needed, open_ring};

/// What came of bringing the tables to the version of this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upgraded {
    /// The migrations that were missing, in their order.
    pub applied: Vec<String>,
    /// The last migration that this program knows.
    pub version: String,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupHead {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The version of the program that made it.
    pub program: String,
    /// The migrations of its tables.
    pub migrations: Vec<String>,
    /// The instance whose tokens are in it, where a key ring was used with it.
    pub instance: Option<String>,
    /// The ids of the keys of its ring, the newest first. Its tokens need them.
    pub keys: Vec<String>,
}

/// What came of putting a backup back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// What the backup said of itself.
    #[serde(flatten)]
    pub head: BackupHead,
    /// Where positions of the feed begin now.
    pub feed_position: i64,
}

/// What came of giving up lost keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The id of the key that signs from now on.
    pub key: String,
    /// The ids of the tokens that were revoked.
    pub revoked: Vec<String>,
    /// The names of the streams whose webhooks have no secret any more.
    pub webhooks: Vec<String>,
}

/// What a key of a ring is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It signs and seals what is new.
    Signs,
    /// It verifies and opens what it signed and sealed.
    Verifies,
    /// The database knows it, and this ring does not have it.
    Missing,
    /// It was taken out of the ring.
    Retired,
}

impl KeyState {
    /// The state as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signs => "signs",
            Self::Verifies => "verifies",
            Self::Missing => "missing",
            Self::Retired => "retired",
        }
    }
}

/// A key, and what needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// The id.
    pub id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was taken out of the ring.
    pub retired: Option<DateTime<Utc>>,
    /// What it is good for.
    pub state: KeyState,
    /// How many live tokens it signed.
    pub signed: i64,
    /// When the last of these ends, where that is known.
    pub signed_until: Option<DateTime<Utc>>,
    /// How many live tokens it sealed.
    pub sealed: i64,
    /// How many secrets of webhooks it sealed.
    pub webhooks: i64,
}

/// When a key may be taken out of its ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayRetire {
    /// Nothing needs it.
    Now,
    /// Another one must sign first.
    AfterRotation,
    /// What it sealed must be sealed with the key that signs first.
    AfterReseal,
    /// The live tokens that it signed must end first.
    AfterTokens,
}

impl MayRetire {
    /// The word as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::AfterRotation => "afterRotation",
            Self::AfterReseal => "afterReseal",
            Self::AfterTokens => "afterTokens",
        }
    }
}

impl ListedKey {
    /// When it may be taken out of the ring; `None` for one that is in none.
    pub fn may_retire(&self) -> Option<MayRetire> {
        match self.state {
            KeyState::Missing | KeyState::Retired => None,
            KeyState::Signs => Some(MayRetire::AfterRotation),
            KeyState::Verifies if self.signed > 0 => Some(MayRetire::AfterTokens),
            KeyState::Verifies if self.sealed + self.webhooks > 0 => Some(MayRetire::AfterReseal),
            KeyState::Verifies => Some(MayRetire::Now),
        }
    }
}

/// What came of sealing the secrets anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resealed {
    /// How many were sealed with the key that signs.
    pub resealed: usize,
    /// The ids of tokens whose seal no key of the ring opens.
    pub unopened: Vec<String>,
    /// The names of streams whose webhook has a secret that no key of the ring opens.
    pub unopened_webhooks: Vec<String>,
}
