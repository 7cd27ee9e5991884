//! Runs: named sets of changes with one cause.

use chrono::{DateTime, TimeDelta, Utc};

use crate::id::{ConfigurationId, RunId};

/// Why a set of changes was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RunKind {
    /// An identity provider sent requests, one soon after another.
    Cycle,
    /// Rules were applied again.
    Reapply,
    /// A rehearsal went live.
    GoLive,
    /// A run was taken back.
    Undo,
    /// A run that took something back was taken back.
    Redo,
    /// An administrator decided about what the guard held.
    HeldDecision,
    /// An administrator linked a user to a person.
    LinkDecision,
    /// An administrator changed many resources by hand.
    ByHand,
    /// A configuration was deleted.
    ConfigurationDeleted,
    /// An administrator carried out again a request that had failed.
    Replay,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Cycle,
        Self::Reapply,
        Self::GoLive,
        Self::Undo,
        Self::Redo,
        Self::HeldDecision,
        Self::LinkDecision,
        Self::ByHand,
        Self::ConfigurationDeleted,
        Self::Replay,
    ];

    /// The kind as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::Reapply => "reapply",
            Self::GoLive => "goLive",
            Self::Undo => "undo",
            Self::Redo => "redo",
            Self::HeldDecision => "heldDecision",
            Self::LinkDecision => "linkDecision",
            Self::ByHand => "byHand",
            Self::ConfigurationDeleted => "configurationDeleted",
            Self::Replay => "replay",
        }
    }

    /// The kind of a word that is stored or asked for.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Requests of a configuration that belong to a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleRequests {
    /// The configuration.
    pub configuration: ConfigurationId,
    /// The name of the configuration.
    pub name: String,
    /// When the first of them came.
    pub first: DateTime<Utc>,
    /// When the last of them came.
    pub last: DateTime<Utc>,
    /// After how much silence a cycle is over.
    pub silence: TimeDelta,
    /// How many there were; none where a cycle begins with a write that is not answered yet.
    pub counted: RequestCounts,
}

/// Requests, as they are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// How many there were.
    pub requests: u64,
    /// How many of them only read.
    pub reads: u64,
    /// How many users and groups they wrote as they were, so that nothing changed.
    pub unchanged: u64,
}

impl RequestCounts {
    /// Adds others.
    pub fn add(&mut self, others: Self) {
        self.requests += others.requests;
        self.reads += others.reads;
        self.unchanged += others.unchanged;
    }
}

/// A cycle that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCycle {
    /// Its run.
    pub run: RunId,
    /// When it began.
    pub began: DateTime<Utc>,
}

/// How long a cycle takes at most.
pub const LONGEST_CYCLE: TimeDelta = TimeDelta::hours(24);
/// After how much silence a cycle is over, where nobody says otherwise.
pub const SILENCE: TimeDelta = TimeDelta::minutes(10);
