//! What a database knows of its instance, and what its secrets need of keys.

use std::collections::BTreeMap;
use std::fmt;

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
}

/// A key that a ring has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedKey {
    /// The id.
    pub id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was taken out of the ring.
    pub retired: Option<DateTime<Utc>>,
}

/// A key, and what needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyNeed {
    /// The id.
    pub id: String,
    /// How many live tokens it signed: without it they are refused.
    pub signed: i64,
    /// When the last of these ends; `None` where one has no end that is known.
    pub signed_until: Option<DateTime<Utc>>,
    /// How many live tokens it sealed: without it they cannot be shown again.
    pub sealed: i64,
    /// How many secrets of webhooks it sealed: without it nothing is signed with them.
    pub webhooks: i64,
}

impl KeyNeed {
    /// Notes so many live tokens that it signed, of which the last ends then.
    pub fn sign(&mut self, tokens: i64, until: Option<DateTime<Utc>>) {
        self.signed_until = match self.signed {
            0 => until,
            _ => self
                .signed_until
                .zip(until)
                .map(|(one, other)| one.max(other)),
        };
        self.signed += tokens;
    }

    /// What is needed of a key, to be added to.
    pub fn of<'n>(needs: &'n mut BTreeMap<String, Self>, id: &str) -> &'n mut Self {
        needs.entry(id.to_owned()).or_insert_with(|| Self {
            id: id.to_owned(),
            ..Self::default()
        })
    }
}

/// What there is that needs a key of the ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needed {
    /// How many live tokens.
    pub tokens: i64,
    /// How many secrets of webhooks.
    pub webhooks: i64,
}

impl Needed {
    /// What there is at least: a token may need two keys, that which signed it and that which sealed
    /// it.
    pub(crate) fn by<'n>(needs: impl Iterator<Item = &'n KeyNeed>) -> Self {
        let (mut signed, mut needed) = (0, Self::default());
        for need in needs {
            signed += need.signed;
            needed.tokens += need.sealed;
            needed.webhooks += need.webhooks;
        }
        needed.tokens = needed.tokens.max(signed);
        needed
    }

    /// Whether there is nothing.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = counted(self.tokens, "live token", "live tokens");
        let webhooks = counted(self.webhooks, "secret of a webhook", "secrets of webhooks");
        match (tokens, webhooks) {
            (Some(tokens), Some(webhooks)) => write!(formatter, "{tokens} and {webhooks}"),
            (Some(one), None) | (None, Some(one)) => formatter.write_str(&one),
            (None, None) => formatter.write_str("nothing"),
        }
    }
}

fn counted(count: i64, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    }
}
