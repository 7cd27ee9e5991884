//! Whether the database takes writes, by what came of the last ones.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::error::failed;
use crate::schema::write_probe;

/// What came of the last writes.
#[derive(Default)]
pub(crate) struct Health {
    fault: Mutex<Option<StoreError>>,
}

impl Health {
    /// Notes what came of a write. What a single write can meet on a sound database, such as a
    /// lock, says nothing of it.
    pub(crate) fn note(&self, fault: Option<&StoreError>) {
        let lasting = match fault {
            None => None,
            Some(
                fault @ (StoreError::Full(_)
                | StoreError::ReadOnly(_)
                | StoreError::Io(_)
                | StoreError::Corrupt(_)),
            ) => Some(fault.clone()),
            Some(_) => return,
        };
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = lasting;
    }

    /// Why the database took no writes when it was last asked to.
    pub(crate) fn fault(&self) -> Option<StoreError> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(diesel::QueryableByName)]
struct Verdict {
    #[diesel(sql_type = diesel::sql_types::Text)]
    verdict: String,
}

/// Has SQLite read every page, and say what is wrong; answers that it did where nothing is.
pub(crate) fn check_pages(connection: &mut Connection) -> Result<bool, StoreError> {
    let sql = connection.sql("SELECT quick_check AS verdict FROM pragma_quick_check LIMIT 1");
    let found: Option<Verdict> = connection.row(&sql)?;
    match found.map(|row| row.verdict) {
        Some(verdict) if verdict != "ok" => Err(StoreError::Corrupt(Arc::new(failed(verdict)))),
        _ => Ok(true),
    }
}

/// Writes as much as a large log entry takes, and deletes it.
pub(crate) fn probe(connection: &mut Connection) -> Result<(), StoreError> {
    let filler = write_probe::filler.eq("x".repeat(FILLER));
    connection.execute(diesel::insert_into(write_probe::table).values(filler))?;
    connection.execute(diesel::delete(write_probe::table))?;
    Ok(())
}

const FILLER: usize = 32 * 1024;
