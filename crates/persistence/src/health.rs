//! Whether the database takes writes, by what came of the last ones.

use std::sync::{Mutex, PoisonError};

use scim_provisioning::StoreError;

use crate::connection::Connection;

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

/// Writes as much as a large log entry takes, and deletes it.
pub(crate) fn probe(connection: &mut Connection) -> Result<(), StoreError> {
    let mut sql = connection.sql("INSERT INTO write_probe (filler) VALUES (");
    sql.bind("x".repeat(FILLER)).push(")");
    connection.execute(&sql)?;
    let sql = connection.sql("DELETE FROM write_probe");
    connection.execute(&sql)?;
    Ok(())
}

const FILLER: usize = 32 * 1024;
