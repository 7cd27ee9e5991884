//! What a database knows of its instance, and what its tokens need of keys.

use chrono::{DateTime, Utc};

/// What a database knows of its instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceRecord {
    /// The id that its ring and its tokens name; none until a ring was used with it.
    pub id: Option<String>,
    /// The keys that its ring ever had.
    pub keys: Vec<RecordedKey>,
    /// When time last brought something.
    pub kept_up: Option<DateTime<Utc>>,
}

/// A key that a ring has or had.
    /// The doubt in the clock, where there is one.
    pub doubt: Option<ClockDoubt>,
}

/// A clock that is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDoubt {
    /// Since when, by it.
    pub since: DateTime<Utc>,
    /// When it was last looked at, by it.
    pub at: DateTime<Utc>,
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedKey {
    /// The id.
    pub id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was taken out of the ring.
    pub retired: Option<DateTime<Utc>>,
}

/// A key that live tokens need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyNeed {
    /// The id.
    pub id: String,
    /// How many of them it signed: without it they are refused.
    pub signed: i64,
    /// How many of them it sealed: without it they cannot be shown again.
    pub sealed: i64,
}

impl KeyNeed {
    /// Adds tokens to what is needed of a key.
    pub fn count(needs: &mut Vec<Self>, id: &str, signed: i64, sealed: i64) {
        match needs.iter_mut().find(|need| need.id == id) {
            Some(need) => {
                need.signed += signed;
                need.sealed += sealed;
            }
            None => needs.push(Self {
                id: id.to_owned(),
                signed,
                sealed,
            }),
        }
    }
}
