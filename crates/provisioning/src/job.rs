//! Rules being applied to what is stored.

use chrono::{DateTime, Utc};

use crate::id::{ConfigurationId, ResourceId, RunId};

/// Rules being applied to stored users, batch by batch. It goes on where it was left, whoever
/// takes it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The id, which is that of the run.
    pub id: RunId,
    /// Of this configuration.
    pub configuration: ConfigurationId,
    /// The user after whom it goes on.
    pub position: Option<ResourceId>,
    /// How many users there were when it began.
    pub total: u64,
    /// How many were looked at.
    pub done: u64,
    /// How many of them changed.
    pub changed: u64,
    /// How many of them were refused; the log says why.
    pub failed: u64,
    /// Whether it is at its end.
    pub finished: bool,
    /// Who asked for it.
    pub actor: String,
    /// When it was asked for.
    pub created: DateTime<Utc>,
    /// When it was worked on last.
    pub updated: DateTime<Utc>,
}
