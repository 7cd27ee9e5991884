//! The provisioning log as an administrator reads it, and the audit of what administrators did.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use scim_protocol::schema::uri;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{Cause, ConfigurationId, ResourceKind, RunId, Stage};
use serde_json::{Value, json};

use crate::hex::hex;

pub use crate::word::{Vocabulary, Word};

/// Which entries of the provisioning log.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Of this configuration.
    pub configuration: Option<ConfigurationId>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// With this action.
    pub action: Option<Action>,
    /// Of this kind of resource.
    pub kind: Option<ResourceKind>,
    /// Of this resource or HTTP request by its id, or of a resource whose name begins so.
    pub search: Option<String>,
    /// Open or resolved.
    pub state: Option<EventState>,
    /// At this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Behind this entry, in order of time; without it the newest come, also in order of time.
    pub after: Option<i64>,
    /// Before this entry, the newest first; `after` is not heeded then.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// Whether an administrator has dealt with a failure or a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    /// A failure or a warning that is not resolved.
    Open,
    /// Resolved.
    Resolved,
}

impl EventState {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Open, Self::Resolved];

    /// The state as it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// The state that a text names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Who resolves what is resolved by itself.
pub const LATER_SUCCESS: &str = "a later success";

/// An entry of the provisioning log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// The id; ids grow with time.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Whose; the configuration may have been deleted since.
    pub configuration: ConfigurationId,
    /// The name of the configuration at that time.
    pub configuration_name: String,
    /// The id of the HTTP request.
    pub request_id: String,
    /// What was done or attempted.
    pub action: Word<Action>,
    /// User or Group.
    pub kind: Option<Word<ResourceKind>>,
    /// The id of the resource.
    pub resource_id: Option<String>,
    /// `userName` or `displayName`.
    pub resource_name: Option<String>,
    /// The version of the mapping by which it was done.
    pub mapping_version: Option<i64>,
    /// How it ended.
    pub outcome: Word<Outcome>,
    /// The HTTP status.
    pub status: i32,
    /// The detail keyword of an error.
    pub scim_type: Option<String>,
    /// A sentence for the administrator.
    pub reason: Option<String>,
    /// What changed.
    pub changes: Value,
    /// Accepted deviations and warnings.
    pub deviations: Value,
    /// How long it took, in microseconds.
    pub duration_micros: i64,
    /// Where the request came from.
    pub source: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request without secrets: `{"method", "target", "body", "ifMatch"}`.
    pub request: Option<Value>,
    /// What the client was told of an error; entries of older versions do not know it.
    pub detail: Option<String>,
    /// At which step it ended; entries of older versions do not know it.
    pub stage: Option<Word<Stage>>,
    /// Why it was not carried out, or not as it was asked for.
    pub cause: Option<Word<Cause>>,
    /// The administrator who did it; `None` for what the identity provider asked for.
    pub actor: Option<String>,
    /// How many attempts alike the entry stands for.
    pub occurrences: i64,
    /// The run that it is part of; entries of older versions do not know it.
    pub run: Option<RunId>,
    /// When an administrator marked it as resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who did.
    pub resolved_by: Option<String>,
}

impl LoggedEvent {
    /// Whether it is a failure or a warning, which an administrator may mark as resolved.
    pub fn can_be_resolved(&self) -> bool {
        matches!(
            self.outcome,
            Word::Known(Outcome::Failure | Outcome::Warning)
        )
    }

    /// The body of the error that the client was answered (RFC 7644 section 3.12), where it is
    /// known.
    pub fn answer(&self) -> Option<Value> {
        let detail = self.detail.as_deref()?;
        let method = self.request.as_ref()?.get("method")?;
        // HEAD is kept as GET, and has no body.
        if method == "GET" {
            return None;
        }
        let mut body = json!({ "schemas": [uri::ERROR], "status": self.status.to_string() });
        if let Some(members) = body.as_object_mut() {
            if let Some(scim_type) = &self.scim_type {
                members.insert("scimType".to_owned(), json!(scim_type));
            }
            members.insert("detail".to_owned(), json!(detail));
        }
        Some(body)
    }

    /// User or Group, where this version knows the word.
    pub fn known_kind(&self) -> Option<ResourceKind> {
        self.kind.as_ref()?.known()
    }

    /// Why, where this version knows the word.
    pub fn known_cause(&self) -> Option<Cause> {
        self.cause.as_ref()?.known()
    }

    /// Open or resolved; `None` for an entry that needs nobody.
    pub fn state(&self) -> Option<EventState> {
        match self.resolved_at {
            Some(_) => Some(EventState::Resolved),
            None => self.can_be_resolved().then_some(EventState::Open),
        }
    }
}

/// How many log entries of an hour ended in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Of which configuration.
    pub configuration: ConfigurationId,
    /// When the hour began.
    pub hour: DateTime<Utc>,
    /// How the entries ended.
    pub outcome: Outcome,
    /// How many.
    pub entries: i64,
}

/// Which entries of the audit, the newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// By this actor.
    pub actor: Option<String>,
    /// Of an event that begins so, such as `token.`.
    pub event: Option<String>,
    /// From this address.
    pub source: Option<String>,
    /// In the history of this configuration.
    pub configuration: Option<ConfigurationId>,
    /// At this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// Before this entry.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// An entry of the configuration audit, written in the transaction of the change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// From where.
    pub source: Option<String>,
    /// What, such as `configuration.created`.
    pub event: Cow<'static, str>,
    /// To what.
    pub object: String,
    /// The configuration whose history it belongs to.
    pub configuration: Option<ConfigurationId>,
    /// Before and after, without secrets.
    pub details: Value,
}

impl AuditEntry {
    /// The hash of this entry in the chain: SHA-256, in hexadecimal, over the hash before it and
    /// everything that the entry says.
    pub fn hash_after(&self, previous: &str) -> String {
        let mut said = vec![
            json!(previous),
            json!(self.at.timestamp_millis()),
            json!(self.actor),
            json!(self.source),
            json!(self.event),
            json!(self.object),
            self.details.clone(),
        ];
        said.extend(self.configuration.map(|id| json!(id.to_string())));
        hex(digest(&SHA256, Value::Array(said).to_string().as_bytes()).as_ref())
    }
}

/// How many entries the chain has, and the hash of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditHead {
    /// How many entries.
    pub length: i64,
    /// The hash of the last one; empty before the first.
    pub hash: String,
    /// How many entries are older than the chain, and not in it.
    pub unchained: i64,
}

/// An entry of the audit with its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditLink {
    /// The number of the entry; numbers grow with time.
    pub id: i64,
    /// The entry.
    pub entry: AuditEntry,
    /// Its hash; `None` for an entry that is older than the chain.
    pub hash: Option<String>,
}

/// What a verification of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// The end of the chain, as far as it holds.
    pub head: AuditHead,
    /// What is wrong; `None` when every entry is as it was written.
    pub fault: Option<AuditFault>,
}

/// What is wrong with the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFault {
    /// An entry is not as it was written, or one before it is missing.
    #[error("entry {0} was changed, or one before it was taken away or put in")]
    Entry(i64),
    /// Entries at the end are missing.
    #[error("the last entries are missing")]
    End,
    /// The chain does not pass through a hash that it once had.
    #[error("the audit was written anew: it does not pass through that hash")]
    Rewritten,
}

/// Who does what time brings.
pub(crate) const SERVER: &str = "the server";
