//! Runs and putting rows back, on the administrators' port.

use chrono::{DateTime, Utc};
use scim_admin::run::{Chosen, CurrentRow, OwnName, RowImage, RowSubject, Run, RunsQuery, Touched};
use scim_admin::store::{KeepRuns, ReadRuns, RestorePart, RestoreRows, WriteRuns, WriteWaiting};
use scim_provisioning::{ConfigurationId, ResourceKind, RunId, StoreError};
use serde_json::{Map, Value};

use super::AdminRows;
use crate::runs::{self, attached, images, restore};

impl ReadRuns for AdminRows<'_> {
    fn runs(&mut self, query: &RunsQuery) -> Result<Vec<Run>, StoreError> {
        runs::list(self.connection, query)
    }

    fn run(&mut self, id: RunId) -> Result<Option<Run>, StoreError> {
        runs::find(self.connection, id)
    }

    fn undo_under_way(&mut self, run: RunId) -> Result<Option<RunId>, StoreError> {
        runs::undo_under_way(self.connection, run)
    }

    fn is_touched(&mut self, run: RunId, chosen: &Chosen) -> Result<bool, StoreError> {
        images::is_any(self.connection, run, chosen)
    }

    fn touched_by_name(&mut self, run: RunId, name: &str) -> Result<Vec<String>, StoreError> {
        images::by_name(self.connection, run, name)
    }

    fn touched(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Touched>, StoreError> {
        images::touched(self.connection, run, chosen, (after, true), limit)
    }

    fn touched_before(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Touched>, StoreError> {
        images::touched(self.connection, run, chosen, (before, false), limit)
    }

    fn images_of(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        resources: &[String],
    ) -> Result<Vec<RowImage>, StoreError> {
        images::of_resources(self.connection, run, chosen, resources)
    }

    fn attached_images(
        &mut self,
        run: RunId,
        chosen: &Chosen,
        before: i64,
        limit: i64,
    ) -> Result<Vec<RowImage>, StoreError> {
        images::attached(self.connection, run, chosen, before, limit)
    }

    fn current_row(
        &mut self,
        kind: ResourceKind,
        id: &str,
    ) -> Result<Option<CurrentRow>, StoreError> {
        restore::current(self.connection, kind, id, false)
    }

    fn holder_of(&mut self, name: &OwnName, but: &str) -> Result<Option<String>, StoreError> {
        restore::holder_of(self.connection, name, but)
    }
}

impl WriteRuns for AdminRows<'_> {
    fn lock_run(&mut self, id: RunId) -> Result<Option<Run>, StoreError> {
        runs::lock(self.connection, id)
    }

    fn insert_run(&mut self, run: &Run) -> Result<(), StoreError> {
        runs::insert(self.connection, run)
    }

    fn end_run(&mut self, run: RunId, at: DateTime<Utc>) -> Result<(), StoreError> {
        runs::end(self.connection, run, at)
    }
}

impl KeepRuns for AdminRows<'_> {
    fn claim_run(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Run>, StoreError> {
        runs::claim(self.connection, id, now, until)
    }

    fn save_run(&mut self, run: &Run) -> Result<(), StoreError> {
        runs::save(self.connection, run)
    }

    fn put_off_run(&mut self, id: RunId, until: DateTime<Utc>) -> Result<(), StoreError> {
        runs::put_off(self.connection, id, until)
    }

    fn end_cycles(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        runs::end_cycles(self.connection, now)
    }

    fn forget_images(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        images::forget(self.connection, before, limit)
    }

    fn forget_runs(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        runs::forget(self.connection, before, limit)
    }
}

impl RestoreRows for AdminRows<'_> {
    fn restore_part(&mut self, work: &mut RestorePart<'_>) -> Result<(), StoreError> {
        let before = self.connection.begin_part()?;
        let done = work(self);
        let ended = self.connection.end_part(before, done.is_ok());
        // What made the engine roll everything back is the reason.
        done.and(ended)
    }

    fn lock_row(&mut self, kind: ResourceKind, id: &str) -> Result<Option<CurrentRow>, StoreError> {
        restore::current(self.connection, kind, id, true)
    }

    fn vacate_names(&mut self, kind: ResourceKind, id: &str) -> Result<(), StoreError> {
        restore::vacate(self.connection, kind, id)
    }

    fn write_row(
        &mut self,
        kind: ResourceKind,
        id: &str,
        version: i64,
        values: &Map<String, Value>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        restore::write(self.connection, kind, id, version, values, at)
    }

    fn insert_row(
        &mut self,
        id: &str,
        values: &Map<String, Value>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        restore::insert_group(self.connection, id, values, at)
    }

    fn remove_row(
        &mut self,
        kind: ResourceKind,
        id: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        restore::remove(self.connection, kind, id, at)
    }

    fn put_attached(
        &mut self,
        subject: RowSubject,
        row: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        attached::put(self.connection, subject, row)
    }

    fn take_attached(
        &mut self,
        subject: RowSubject,
        row: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        attached::take(self.connection, subject, row)
    }

    fn count_group_up(
        &mut self,
        id: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        restore::count_group_up(self.connection, id, at)
    }

    fn let_guard_count_from(
        &mut self,
        configuration: ConfigurationId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.reset_guard(configuration, at)
    }
}
