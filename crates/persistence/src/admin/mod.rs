//! The administrators' store.

mod accounts;
mod activity;
mod alerts;
mod api_keys;
mod audit;
mod configurations;
mod deletion;
mod devices;
mod directory;
pub(crate) mod ending;
mod events;
mod held;
mod instance;
mod jobs;
mod log;
mod look_ups;
pub(crate) mod mappings;
mod people;
mod plans;
pub(crate) mod rehearsals;
mod rows;
mod runs;
mod search;
mod seen;
mod sessions;
mod streams;
mod surveys;
mod tables;
mod tokens;
mod why;

use scim_admin::store::{Abandoned, AdminStore, ReadWork, UpkeepWork, WriteWork};
use scim_admin::{AdminError, StoreLoad};
use scim_provisioning::StoreError;

pub(crate) use self::rows::AdminRows;
use crate::database::Database;
use crate::error::Faulty;

impl AdminStore for Database {
    fn run_read(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        self.reading(|connection| work(&mut AdminRows { connection }))
    }

    fn run_look_up(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        self.reading_one(|connection| work(&mut AdminRows { connection }))
    }

    fn run_write(&self, mut work: WriteWork) -> Result<(), Abandoned> {
        self.writing(move |connection| {
            let trail = work(&mut AdminRows { connection })?;
            for entry in trail.entries() {
                crate::log::audit(connection, entry)?;
            }
            Ok(())
        })
    }

    fn run_upkeep(&self, mut work: UpkeepWork) -> Result<(), AdminError> {
        self.writing(move |connection| work(&mut AdminRows { connection }))
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.usable()
    }

    fn load(&self) -> StoreLoad {
        self.under_way()
    }

    fn check_pages(&self) -> Result<bool, StoreError> {
        self.check_file()
    }

    fn check_in_place(&self) -> Result<(), StoreError> {
        self.in_place()
    }
}

impl Faulty for AdminError {
    fn fault(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Faulty for Abandoned {
    fn fault(&self) -> Option<&StoreError> {
        match self {
            Self::Refused(error) => error.fault(),
            _ => None,
        }
    }
}

/// Whether a statement for one row found it.
fn there(changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) fn add_to(suite: &mut engines::Suite) {
        super::search::tests::add_to(suite);
    }
}
