//! The provisioning log: one entry for every change and every failed attempt.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::id::{ConfigurationId, ResourceId, ResourceKind, RunId};
use crate::refusal::Cause;

/// What an operation did, in the product's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Action {
    /// A user or group was created.
    Create,
    /// Attributes changed.
    Update,
    /// A user was blocked.
    Block,
    /// A user was unblocked.
    Unblock,
    /// A user was archived, or a group removed.
    Archive,
    /// A user's record is to be deleted for good.
    Delete,
    /// A person created by hand came under the configuration's management.
    Link,
    /// Members came or went.
    ChangeMembers,
    /// A read was refused.
    Read,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Update,
        Self::Block,
        Self::Unblock,
        Self::Archive,
        Self::Delete,
        Self::Link,
        Self::ChangeMembers,
        Self::Read,
    ];

    /// The action as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Block => "block",
            Self::Unblock => "unblock",
            Self::Archive => "archive",
            Self::Delete => "delete",
            Self::Link => "link",
            Self::ChangeMembers => "changeMembers",
            Self::Read => "read",
        }
    }

    /// The action of a word that is stored or asked for.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Outcome {
    /// As asked for.
    Success,
    /// As asked for, and an administrator should look at it.
    Warning,
    /// Nothing was done because the account is protected or not the configuration's, or because
    /// the client was told to come again later.
    Skipped,
    /// Held by the guard against mass deprovisioning until an administrator decides.
    Held,
    /// Refused or failed.
    Failure,
}

impl Outcome {
    /// Every outcome, the best first.
    pub const ALL: [Self; 5] = [
        Self::Success,
        Self::Warning,
        Self::Skipped,
        Self::Held,
        Self::Failure,
    ];

    /// The outcome as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Failure => "failure",
        }
    }

    /// The outcome of a word that is stored or asked for.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// An entry of the provisioning log.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, truncated to milliseconds.
    pub at: DateTime<Utc>,
    /// Whose; the entry outlives the configuration.
    pub configuration: ConfigurationId,
    /// The configuration's name at that time.
    pub configuration_name: String,
    /// The id of the HTTP request.
    pub request_id: String,
    /// What was done or attempted.
    pub action: Action,
    /// User or Group.
    pub kind: Option<ResourceKind>,
    /// The resource, where it exists.
    pub resource_id: Option<ResourceId>,
    /// `userName` or `displayName`.
    pub resource_name: Option<String>,
    /// The version of the mapping by which it was done.
    pub mapping_version: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The detail keyword of an error.
    pub scim_type: Option<String>,
    /// Why it was not carried out, or not as it was asked for; the cause tells the stage.
    pub cause: Option<Cause>,
    /// A sentence for the administrator.
    pub reason: Option<String>,
    /// What the client was told of an error; the reason may say more.
    pub detail: Option<String>,
    /// What changed: an array of `{"path", "old", "new"}`, without secrets.
    pub changes: Value,
    /// The accepted deviations and warnings: an array of `{"name", "text"}`.
    pub deviations: Value,
    /// How long the operation took, in microseconds.
    pub duration_micros: i64,
    /// Where the request came from.
    pub source: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request without secrets: `{"method", "target", "body", "ifMatch"}`.
    pub request: Option<Value>,
    /// The administrator who did it; `None` for what the identity provider asked for.
    pub actor: Option<String>,
    /// How many attempts alike the entry stands for.
    pub occurrences: u32,
    /// The run that it is part of.
    pub run: Option<RunId>,
}
