//! The administrators' store in memory: for tests of what stands above the port, and for whoever
//! wants to try the service without a database.
//!
//! Transactions run one after another on a copy of everything, which takes the place of what was
//! there when they succeed.

mod accounts;
mod alerts;
mod api_keys;
mod audit;
mod configurations;
mod devices;
mod held;
mod instance;
mod jobs;
mod log;
mod mappings;
mod people;
mod plans;
mod rehearsals;
mod rows;
mod runs;
mod sessions;
mod streams;
mod tables;
mod tokens;
mod why;

use std::sync::{Mutex, MutexGuard, PoisonError};

use scim_provisioning::StoreError;

pub(crate) use self::rows::Rows;
use crate::error::AdminError;
use crate::store::{Abandoned, AdminStore, ReadWork, UpkeepWork, WriteWork};

/// A store that forgets everything with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

impl MemoryStore {
    /// A store without anything in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows, for whoever puts there what no administrator does.
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        // A panic leaves the rows as they were: they are replaced whole.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AdminStore for MemoryStore {
    fn run_read(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        work(&mut *self.rows())
    }

    fn run_write(&self, mut work: WriteWork) -> Result<(), Abandoned> {
        let mut rows = self.rows();
        let mut changed = rows.clone();
        let trail = work(&mut changed)?;
        for entry in trail.entries() {
            changed.append_audit(entry);
        }
        *rows = changed;
        Ok(())
    }

    fn run_upkeep(&self, mut work: UpkeepWork) -> Result<(), AdminError> {
        let mut rows = self.rows();
        let mut changed = rows.clone();
        work(&mut changed)?;
        *rows = changed;
        Ok(())
    }
    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
