//! Runs, what they changed, and what taking them back means.

mod difference;
mod image;
mod names;
mod undo;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, RunId, RunKind};
use serde::{Deserialize, Serialize};

pub use self::difference::{FieldDifference, RowDifference};
pub(crate) use self::image::by_resource;
pub use self::image::{RowChange, RowImage, RowSubject, Touched};
pub(crate) use self::names::Taking;
pub use self::names::{NameScope, OwnName};
pub use self::undo::{CurrentRow, UndoState};
pub(crate) use self::undo::{Undone, Way, action_of};
use crate::word::Word;

/// A named set of changes with one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The id, which stands on each of its log entries; ids grow with time.
    pub id: RunId,
    /// Why the changes were made.
    pub kind: Word<RunKind>,
    /// Of which configuration, and its name at that time.
    pub configuration: Option<(ConfigurationId, String)>,
    /// Who made them, as the feed names it.
    pub actor: String,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended; of a cycle, when its last request came.
    pub ended: Option<DateTime<Utc>>,
    /// Whether it is at its end.
    pub state: RunState,
    /// What it takes back.
    pub undoes: Option<Undoing>,
    /// Whether what was before it is not kept any more, or not all of it: it cannot be taken back.
    pub forgotten: bool,
    /// What it did and how much.
    pub counts: RunCounts,
}

impl Run {
    /// Whether an identity provider asked for what it did, and may ask for it again.
    pub fn may_repeat(&self) -> bool {
        [RunKind::Cycle, RunKind::GoLive, RunKind::Replay]
            .iter()
            .any(|kind| self.kind == *kind)
    }
}

/// Whether a run is at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It goes on.
    Running,
    /// It ended.
    Done,
}

impl RunState {
    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
        }
    }

    /// The state of a stored word; what no version wrote is at its end.
    pub fn parse(text: &str) -> Self {
        match text {
            "running" => Self::Running,
            _ => Self::Done,
        }
    }
}

/// How much of what a run did, by the words in which it is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunCounts(pub BTreeMap<String, i64>);

impl RunCounts {
    /// How much of something.
    pub fn of(&self, counted: &str) -> i64 {
        self.0.get(counted).copied().unwrap_or_default()
    }

    /// How many attempts were refused, by the word of their cause.
    pub fn refused(&self) -> impl Iterator<Item = (&str, i64)> {
        let causes = self.0.iter();
        causes.filter_map(|(counted, amount)| Some((counted.strip_prefix(REFUSED)?, *amount)))
    }

    /// How many resources changed, and how often.
    pub fn changes(&self) -> i64 {
        CHANGES.iter().map(|counted| self.of(counted)).sum()
    }
}

/// What stands before a cause.
const REFUSED: &str = "refused:";
/// What is counted of changes.
const CHANGES: [&str; 7] = [
    "created",
    "updated",
    "linked",
    "blocked",
    "unblocked",
    "archived",
    "deleted",
];

/// Which runs, the newest first.
#[derive(Debug, Clone, Default)]
pub struct RunsQuery {
    /// Of this configuration.
    pub configuration: Option<ConfigurationId>,
    /// Of this kind.
    pub kind: Option<RunKind>,
    /// That began at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this one.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: i64,
}

/// What a run takes back, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Undoing {
    /// Of which run.
    pub run: RunId,
    /// What of it.
    pub chosen: Chosen,
    /// What is done next.
    pub phase: UndoPhase,
    /// Everything in this phase that was changed first behind it is done.
    pub position: i64,
}

/// In which order things are taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoPhase {
    /// People and groups, those first that were changed last: names are given back in the order in
    /// which they became free.
    Resources,
    /// What hangs on them: memberships, grants, what is held.
    Attached,
}

impl UndoPhase {
    /// The phase as a number.
    pub fn number(self) -> i64 {
        match self {
            Self::Resources => 0,
            Self::Attached => 1,
        }
    }

    /// The phase of a number.
    pub fn of(number: i64) -> Self {
        match number {
            0 => Self::Resources,
            _ => Self::Attached,
        }
    }
}

/// What of a run is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// What it did to these resources alone, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// What one request did alone, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What was done without a request alone, as administrators do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_request: bool,
    /// Whether what was changed since is taken back as well.
    #[serde(default)]
    pub overwrite: bool,
}

/// What an administrator wants to take back of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UndoInput {
    /// What it did to these resources alone, by the names that they had or by their ids.
    pub only: Vec<String>,
    /// Whether what was changed since is taken back as well.
    pub overwrite: bool,
}
