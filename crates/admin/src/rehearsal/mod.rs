//! Rehearsals: what an identity provider would do, done to a copy of the directory.
//!
//! The copy is made when the rehearsal begins. The identity provider is answered from it, and what
//! it changes there is kept as rows before and after ([`crate::run`]). To go live carries the rows of
//! the copy over, with their ids and versions; what moved in the directory meanwhile is told first.

mod carry;
mod item;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, Directory, ResourceKind, RunId, StoreError};

pub use self::carry::{CarryWay, Carrying, Moved, Standing, overlaid};
pub use self::item::{RehearsedAction, RehearsedItem, RehearsedPage, RehearsedPlace};
use crate::configuration::ConfigurationStatus;
use crate::store::AdminStore;

/// A rehearsal that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// The id, which is also that of the run in the copy.
    pub id: RunId,
    /// Of which configuration.
    pub configuration: ConfigurationId,
    /// When it began.
    pub began: DateTime<Utc>,
    /// Who began it, as the feed names it.
    pub actor: String,
    /// What the configuration was before.
    pub before: ConfigurationStatus,
    /// How far it is, where it goes live.
    pub live: Option<GoingLive>,
}

/// How far a rehearsal is that goes live.
#[derive(Debug, Clone, PartialEq)]
pub struct GoingLive {
    /// The run of it.
    pub run: RunId,
    /// Who let it, as the feed names it.
    pub actor: String,
    /// What is carried over next.
    pub phase: CarryPhase,
    /// Everything of this phase up to this number is done.
    pub position: i64,
}

/// In which order things are carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarryPhase {
    /// People and groups.
    Resources,
    /// What hangs on them: memberships, grants, what is held.
    Attached,
    /// Users who wait to be linked.
    Links,
    /// The entries of the log.
    Log,
    /// Nothing is left.
    Done,
}

impl CarryPhase {
    /// Every phase, in order.
    pub const ALL: [Self; 5] = [
        Self::Resources,
        Self::Attached,
        Self::Links,
        Self::Log,
        Self::Done,
    ];

    /// The phase as a number.
    pub fn number(self) -> i64 {
        match self {
            Self::Resources => 0,
            Self::Attached => 1,
            Self::Links => 2,
            Self::Log => 3,
            Self::Done => 4,
        }
    }

    /// The phase of a number.
    pub fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.number() == number)
    }

    /// What comes behind it.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.number() + 1).unwrap_or(Self::Done)
    }
}

/// What cannot be carried over as it was rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedResource {
    /// User or Group.
    pub kind: ResourceKind,
    /// The id.
    pub id: String,
    /// The name.
    pub name: Option<String>,
    /// Why.
    pub moved: Moved,
}

/// A page of what moved, and the number behind which the next one begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovedPage {
    /// What moved.
    pub items: Vec<MovedResource>,
    /// Where more may come.
    pub next: Option<i64>,
}

/// A copy of the directory.
#[derive(Clone)]
pub struct Copy {
    /// As administrators read it.
    pub store: Arc<dyn AdminStore>,
    /// As an identity provider changes it.
    pub directory: Arc<dyn Directory>,
}

/// Where copies of the directory are kept.
pub trait RehearsalStore: Send + Sync {
    /// Makes the copy of a rehearsal, of the directory as it is at one moment. `name` is that of the
    /// configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn make_copy(&self, rehearsal: &Rehearsal, name: &str) -> Result<(), StoreError>;

    /// Opens the copy of a rehearsal.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it is not there.
    fn open_copy(&self, id: RunId) -> Result<Copy, StoreError>;

    /// The copies that there are.
    ///
    /// # Errors
    /// A fault of the store.
    fn copies(&self) -> Result<Vec<RunId>, StoreError>;

    /// Deletes a copy, if it is there.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_copy(&self, id: RunId) -> Result<(), StoreError>;

    /// Does work in the directory that changes these resources, and counts what it makes of them as
    /// what they were when the copy was made, unless somebody had changed them before.
    ///
    /// # Errors
    /// A fault of the store.
    fn changing(
        &self,
        id: RunId,
        resources: &[String],
        work: &mut dyn FnMut(),
    ) -> Result<(), StoreError>;

    /// What of the next resources, behind a number, cannot be carried over as it was rehearsed.
    ///
    /// # Errors
    /// A fault of the store.
    fn moved(&self, rehearsal: &Rehearsal, after: i64) -> Result<MovedPage, StoreError>;

    /// Carries over what is next of people, groups and what hangs on them, in one transaction, and
    /// answers how far it is then. The log is not its matter. Before the first step the copy is closed:
    /// a write that was let in before is in it, or fails and is to come again.
    ///
    /// # Errors
    /// A fault of the store; nothing of this step was done then.
    fn carry(&self, rehearsal: &Rehearsal, now: DateTime<Utc>) -> Result<Rehearsal, StoreError>;
}
