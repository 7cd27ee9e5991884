//! What is counted over all users of a configuration, in the background.

use chrono::{DateTime, Utc};
use scim_provisioning::ConfigurationId;
use serde_json::Value;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurveyKind {
    /// Who was edited by hand: a [`Drift`](scim_provisioning::reapply::Drift).
    Drift,
    /// What the draft of the user mapping would change, or the active version where there is no
    /// draft: an [`Impact`](scim_provisioning::reapply::Impact).
    Impact,
}

impl SurveyKind {
    /// The kind as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Impact => "impact",
        }
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Drift, Self::Impact]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}

/// A survey: it waits, or is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Of this configuration.
    pub configuration: ConfigurationId,
    /// What is counted.
    pub kind: SurveyKind,
    /// When it was asked for.
    pub asked: DateTime<Utc>,
    /// By whom.
    pub asked_by: String,
    /// When it was done; `None` while it waits.
    pub done: Option<DateTime<Utc>>,
    /// What came of it, or of the one before while it waits; null when the rules did not fit the
    /// fields.
    pub result: Option<Value>,
}
