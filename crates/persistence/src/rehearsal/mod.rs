//! Copies of the directory in which configurations rehearse, and carrying over what was rehearsed.
//!
//! A copy has every table, made by the same migrations, so that the same statements and triggers work
//! on it: on PostgreSQL in a schema of its own, which each transaction names (`SET LOCAL
//! search_path`), so that it works behind a pooler; on SQLite in a file beside the database.

mod attached;
mod carry;
mod copy;
mod rows;
mod standing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use scim_admin::rehearsal::{CarryPhase, Copy, MovedPage, Rehearsal, RehearsalStore};
use scim_provisioning::{RunId, StoreError};

use crate::database::Database;

/// The copies that this process has open.
pub(crate) type Copies = Mutex<HashMap<RunId, Arc<Database>>>;

impl Database {
    /// The copy of a rehearsal, which is opened when it is asked for first.
    fn rehearsed(&self, id: RunId) -> Result<Arc<Self>, StoreError> {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = copies.get(&id) {
            return Ok(Arc::clone(known));
        }
        let opened = copy::open(self, id)?;
        copies.insert(id, Arc::clone(&opened));
        Ok(opened)
    }
}

impl RehearsalStore for Database {
    fn make_copy(&self, rehearsal: &Rehearsal, name: &str) -> Result<(), StoreError> {
        copy::make(&self.target, rehearsal, name)
    }

    fn open_copy(&self, id: RunId) -> Result<Copy, StoreError> {
        let opened = self.rehearsed(id)?;
        Ok(Copy {
            store: Arc::clone(&opened) as _,
            directory: opened,
        })
    }

    fn copies(&self) -> Result<Vec<RunId>, StoreError> {
        copy::list(&self.target)
    }

    fn forget_copy(&self, id: RunId) -> Result<(), StoreError> {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        copies.remove(&id);
        copy::forget(&self.target, id)
    }

    fn changing(
        &self,
        id: RunId,
        resources: &[String],
        work: &mut dyn FnMut(),
    ) -> Result<(), StoreError> {
        let copy = self.rehearsed(id)?;
        let before = standing::versions_of(self, resources)?;
        work();
        let after = standing::versions_of(self, resources)?;
        standing::rebase(&copy, before, after)
    }

    fn moved(&self, rehearsal: &Rehearsal, after: i64) -> Result<MovedPage, StoreError> {
        carry::moved(self, &*self.rehearsed(rehearsal.id)?, rehearsal, after)
    }

    fn carry(&self, rehearsal: &Rehearsal, now: DateTime<Utc>) -> Result<Rehearsal, StoreError> {
        let copy = self.rehearsed(rehearsal.id)?;
        let Some(live) = &rehearsal.live else {
            return Err(StoreError::Stale);
        };
        match live.phase {
            CarryPhase::Resources => carry::resources(self, &copy, rehearsal, live, now),
            CarryPhase::Attached => attached::step(self, &copy, rehearsal, live),
            CarryPhase::Links => attached::links(self, &copy, rehearsal, live),
            CarryPhase::Log | CarryPhase::Done => Ok(rehearsal.clone()),
        }
    }
}
