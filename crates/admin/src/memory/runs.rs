//! Runs in memory. Nothing is kept of what rows were before them, so that none can be taken back.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, ResourceKind, RunId, StoreError};
use serde_json::{Map, Value};

use super::Rows;
use crate::run::{
    Chosen, CurrentRow, OwnName, RowImage, RowSubject, Run, RunState, RunsQuery, Touched,
};
use crate::store::{KeepRuns, ReadRuns, RestorePart, RestoreRows, WriteRuns};

impl ReadRuns for Rows {
    fn runs(&mut self, query: &RunsQuery) -> Result<Vec<Run>, StoreError> {
        let fits = |run: &&Run| {
            let of = |id| {
                run.configuration
                    .as_ref()
                    .is_some_and(|known| known.0 == id)
            };
            query.configuration.is_none_or(of)
                && query.kind.is_none_or(|kind| run.kind == kind)
                && query.since.is_none_or(|since| run.began >= since)
                && query.before.is_none_or(|before| run.id < before)
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let newest = self.runs.iter().rev().filter(fits);
        Ok(newest.take(limit).cloned().collect())
    }

    fn run(&mut self, id: RunId) -> Result<Option<Run>, StoreError> {
        Ok(self.runs.iter().find(|run| run.id == id).cloned())
    }

    fn undo_under_way(&mut self, run: RunId) -> Result<Option<RunId>, StoreError> {
        let of = |one: &&Run| {
            let undoes = one.undoes.as_ref().is_some_and(|undoes| undoes.run == run);
            undoes && one.state == RunState::Running
        };
        Ok(self.runs.iter().find(of).map(|one| one.id))
    }

    fn is_touched(&mut self, _run: RunId, _chosen: &Chosen) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn touched_by_name(&mut self, _run: RunId, _name: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn touched(
        &mut self,
        _run: RunId,
        _chosen: &Chosen,
        _after: i64,
        _limit: i64,
    ) -> Result<Vec<Touched>, StoreError> {
        Ok(Vec::new())
    }

    fn touched_before(
        &mut self,
        _run: RunId,
        _chosen: &Chosen,
        _before: i64,
        _limit: i64,
    ) -> Result<Vec<Touched>, StoreError> {
        Ok(Vec::new())
    }

    fn images_of(
        &mut self,
        _run: RunId,
        _chosen: &Chosen,
        _resources: &[String],
    ) -> Result<Vec<RowImage>, StoreError> {
        Ok(Vec::new())
    }

    fn attached_images(
        &mut self,
        _run: RunId,
        _chosen: &Chosen,
        _before: i64,
        _limit: i64,
    ) -> Result<Vec<RowImage>, StoreError> {
        Ok(Vec::new())
    }

    fn current_row(
        &mut self,
        _kind: ResourceKind,
        _id: &str,
    ) -> Result<Option<CurrentRow>, StoreError> {
        Ok(None)
    }

    fn holder_of(&mut self, _name: &OwnName, _but: &str) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
}

impl WriteRuns for Rows {
    fn lock_run(&mut self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.run(id)
    }

    fn insert_run(&mut self, run: &Run) -> Result<(), StoreError> {
        self.runs.push(run.clone());
        Ok(())
    }

    fn end_run(&mut self, run: RunId, at: DateTime<Utc>) -> Result<(), StoreError> {
        for known in self.runs.iter_mut().filter(|known| known.id == run) {
            known.state = RunState::Done;
            known.ended = Some(at);
        }
        Ok(())
    }
}

impl KeepRuns for Rows {
    fn claim_run(
        &mut self,
        id: Option<RunId>,
        _now: DateTime<Utc>,
        _until: DateTime<Utc>,
    ) -> Result<Option<Run>, StoreError> {
        let waits = |run: &&Run| {
            run.undoes.is_some()
                && run.state == RunState::Running
                && id.is_none_or(|id| run.id == id)
        };
        Ok(self.runs.iter().find(waits).cloned())
    }

    fn save_run(&mut self, run: &Run) -> Result<(), StoreError> {
        let known = self.runs.iter_mut().find(|known| known.id == run.id);
        *known.ok_or(StoreError::Stale)? = run.clone();
        Ok(())
    }

    fn put_off_run(&mut self, _id: RunId, _until: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    fn end_cycles(&mut self, _now: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    fn forget_images(&mut self, _before: DateTime<Utc>, _limit: i64) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn forget_runs(&mut self, before: DateTime<Utc>, _limit: i64) -> Result<usize, StoreError> {
        let count = self.runs.len();
        self.runs
            .retain(|run| run.ended.is_none_or(|ended| ended >= before));
        Ok(count - self.runs.len())
    }
}

impl RestoreRows for Rows {
    fn restore_part(&mut self, work: &mut RestorePart<'_>) -> Result<(), StoreError> {
        work(self)
    }

    fn lock_row(
        &mut self,
        _kind: ResourceKind,
        _id: &str,
    ) -> Result<Option<CurrentRow>, StoreError> {
        Ok(None)
    }

    fn vacate_names(&mut self, _kind: ResourceKind, _id: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn write_row(
        &mut self,
        _kind: ResourceKind,
        _id: &str,
        _version: i64,
        _values: &Map<String, Value>,
        _at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Stale)
    }

    fn insert_row(
        &mut self,
        _id: &str,
        _values: &Map<String, Value>,
        _at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Stale)
    }

    fn remove_row(
        &mut self,
        _kind: ResourceKind,
        _id: &str,
        _at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Stale)
    }

    fn put_attached(
        &mut self,
        _subject: RowSubject,
        _row: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn take_attached(
        &mut self,
        _subject: RowSubject,
        _row: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn count_group_up(
        &mut self,
        _id: &str,
        _at: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn let_guard_count_from(
        &mut self,
        _configuration: ConfigurationId,
        _at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}
