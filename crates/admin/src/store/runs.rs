//! Runs, the rows as they were before, and putting those back.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, ResourceKind, RunId, StoreError};
use serde_json::{Map, Value};

use crate::run::{Chosen, CurrentRow, OwnName, RowImage, RowSubject, Run, RunsQuery, Touched};

/// Reading runs.
pub trait ReadRuns {
    /// Runs, the newest first, with their counts.
    ///
    /// # Errors
    /// A fault of the store.
    fn runs(&mut self, query: &RunsQuery) -> Result<Vec<Run>, StoreError>;

    /// The run of an id.
    ///
    /// # Errors
    /// A fault of the store.
    fn run(&mut self, id: RunId) -> Result<Option<Run>, StoreError>;

    /// The ids of resources that a run changed under this name, or of this id.
    ///
    /// # Errors
    /// A fault of the store.
    fn touched_by_name(&mut self, run: RunId, name: &str) -> Result<Vec<String>, StoreError>;

    /// The run that is taking a run back and is not at its end.
    ///
    /// # Errors
    /// A fault of the store.
    fn undo_under_way(&mut self, run: RunId) -> Result<Option<RunId>, StoreError>;

    /// Whether anything is kept of what a run did.
    ///
    /// # Errors
    /// A fault of the store.
    fn is_touched(&mut self, run: RunId, chosen: &Chosen) -> Result<bool, StoreError>;

    /// Resources that a run changed, in the order of their first change, behind one.
    ///
    /// # Errors
    /// A fault of the store.
    fn touched(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Touched>, StoreError>;

    /// The same from the last one on, before one.
    ///
    /// # Errors
    /// A fault of the store.
    fn touched_before(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Touched>, StoreError>;

    /// What a run did to resources, in order.
    ///
    /// # Errors
    /// A fault of the store.
    fn images_of(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        resources: &[String],
    ) -> Result<Vec<RowImage>, StoreError>;

    /// What a run did to what hangs on people and groups, the last first, before one.
    ///
    /// # Errors
    /// A fault of the store.
    fn attached_images(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        before: i64,
        limit: i64,
    ) -> Result<Vec<RowImage>, StoreError>;

    /// A person or a group as it is now.
    ///
    /// # Errors
    /// A fault of the store.
    fn current_row(
        &mut self,
        kind: ResourceKind,
        id: &str,
    ) -> Result<Option<CurrentRow>, StoreError>;

    /// The id of the resource that has a name for its own, other than one.
    ///
    /// # Errors
    /// A fault of the store.
    fn holder_of(&mut self, name: &OwnName, but: &str) -> Result<Option<String>, StoreError>;
}

/// Beginning runs.
pub trait WriteRuns {
    /// The run of an id, locked until the transaction ends.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_run(&mut self, id: RunId) -> Result<Option<Run>, StoreError>;

    /// Inserts a run.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_run(&mut self, run: &Run) -> Result<(), StoreError>;

    /// Ends a run, if it is there.
    ///
    /// # Errors
    /// A fault of the store.
    fn end_run(&mut self, run: RunId, at: DateTime<Utc>) -> Result<(), StoreError>;
}

/// What becomes of runs.
pub trait KeepRuns {
    /// Takes up a run that takes something back, is not at its end and on which nobody works, and
    /// keeps others from it until a time: the one of this id, or the oldest.
    ///
    /// # Errors
    /// A fault of the store.
    fn claim_run(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Run>, StoreError>;

    /// Notes how far a run is that takes something back; whoever worked on it is done with this step.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone.
    fn save_run(&mut self, run: &Run) -> Result<(), StoreError>;

    /// Lets a run that takes something back wait until a time, after a step that failed.
    ///
    /// # Errors
    /// A fault of the store.
    fn put_off_run(&mut self, id: RunId, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Ends cycles whose silence is longer than they last.
    ///
    /// # Errors
    /// A fault of the store.
    fn end_cycles(&mut self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Forgets what rows were before runs that ended before a time, at most so many; answers how
    /// many. A run of which something is forgotten is known for it; one that is being taken back
    /// is kept until that is done.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_images(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;

    /// Deletes runs that ended before a time, at most so many; answers how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_runs(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// A part of putting rows back.
pub type RestorePart<'w> = dyn FnMut(&mut dyn RestoreRows) -> Result<(), StoreError> + 'w;

/// Putting rows back. A protected account is written by none of it.
pub trait RestoreRows {
    /// Runs work as a part of the transaction. Of one that fails nothing stays, and the transaction
    /// goes on.
    ///
    /// # Errors
    /// What the work answers, such as [`StoreError::Conflict`] where somebody else got a name
    /// meanwhile.
    fn restore_part(&mut self, work: &mut RestorePart<'_>) -> Result<(), StoreError>;

    /// A person or a group as it is now, locked until the transaction ends.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_row(&mut self, kind: ResourceKind, id: &str) -> Result<Option<CurrentRow>, StoreError>;

    /// Takes its names from a resource that is written later in the same part, and gets others.
    ///
    /// # Errors
    /// A fault of the store.
    fn vacate_names(&mut self, kind: ResourceKind, id: &str) -> Result<(), StoreError>;

    /// Writes values of a person or a group and counts the version up.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the version is another one, or the account protected.
    fn write_row(
        &mut self,
        kind: ResourceKind,
        id: &str,
        version: i64,
        values: &Map<String, Value>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Puts a group back that is not there any more.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_row(
        &mut self,
        id: &str,
        values: &Map<String, Value>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Archives a person out of everybody's sight, with the memberships in groups of the
    /// configuration; deletes a group.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is not there, or protected.
    fn remove_row(
        &mut self,
        kind: ResourceKind,
        id: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Puts back what hangs on people and groups that are there; answers whether that changed
    /// anything.
    ///
    /// # Errors
    /// A fault of the store.
    fn put_attached(
        &mut self,
        subject: RowSubject,
        row: &Map<String, Value>,
    ) -> Result<bool, StoreError>;

    /// Takes away what hangs on people and groups; answers whether it was there.
    ///
    /// # Errors
    /// A fault of the store.
    fn take_attached(
        &mut self,
        subject: RowSubject,
        row: &Map<String, Value>,
    ) -> Result<bool, StoreError>;

    /// Counts a group up, because it has other members; answers its name, if it is there.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_group_up(&mut self, id: &str, at: DateTime<Utc>)
    -> Result<Option<String>, StoreError>;

    /// Notes from when on the guard of a configuration counts who leaves.
    ///
    /// # Errors
    /// A fault of the store.
    fn let_guard_count_from(
        &mut self,
        configuration: ConfigurationId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}
