//! The provisioning log as an administrator reads it, and the audit of what administrators did.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use scim_provisioning::ConfigurationId;
use serde_json::Value;

/// Which entries of the provisioning log.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Of this configuration.
    pub configuration: Option<ConfigurationId>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Behind this entry, in order of time; without it the newest come, also in order of time.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// An entry of the provisioning log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// The id; ids grow with time.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Whose.
    pub configuration: String,
    /// The name of the configuration at that time.
    pub configuration_name: String,
    /// The id of the HTTP request.
    pub request_id: String,
    /// What was done or attempted.
    pub action: String,
    /// `User` or `Group`.
    pub resource_type: Option<String>,
    /// The id of the resource.
    pub resource_id: Option<String>,
    /// `userName` or `displayName`.
    pub resource_name: Option<String>,
    /// The version of the mapping by which it was done.
    pub mapping_version: Option<i64>,
    /// How it ended.
    pub outcome: String,
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
    /// Before and after, without secrets.
    pub details: Value,
}
