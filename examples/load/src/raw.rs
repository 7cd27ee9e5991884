//! The limit of writes: the rows of a create by prepared statements, many creates in one commit, and
//! nothing else.

use std::time::{Duration, Instant};

use diesel::prelude::*;

use crate::database::{Database, Place};
use crate::rows::Pattern;
use crate::{Failed, process};

/// What the raw writer did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) creates: u32,
    pub(crate) elapsed: Duration,
    /// Of this process and of the database's.
    pub(crate) processor: Duration,
}

/// Writes the rows of a pattern, again and again.
pub(crate) fn write(
    pattern: &Pattern,
    place: &Place,
    time: Duration,
    most: usize,
) -> Result<Written, Failed> {
    let mut database = place.connect()?;
    let postmaster = database.postmaster();
    let own = std::process::id();
    let spent = || {
        let theirs = postmaster.map(process::processor_of_children);
        process::processor(own) + theirs.unwrap_or_default()
    };
    let (began, before) = (Instant::now(), spent());
    let mut creates = 0;
    while began.elapsed() < time && creates < most {
        // On PostgreSQL every create is a transaction of its own, as it is in the server.
        let batch = match database {
            Database::Sqlite(_) => BATCH.min(most - creates),
            Database::Postgres(_) => 1,
        };
        database.run("BEGIN")?;
        for number in creates..creates + batch {
            for insert in pattern.inserts(number) {
                match &mut database {
                    Database::Sqlite(connection) => insert.execute(&mut **connection)?,
                    Database::Postgres(connection) => insert.execute(&mut **connection)?,
                };
            }
        }
        database.run("COMMIT")?;
        creates += batch;
    }
    Ok(Written {
        creates: u32::try_from(creates)?,
        elapsed: began.elapsed(),
        processor: spent().saturating_sub(before),
    })
}

/// As many as wait for the server's writer at once.
const BATCH: usize = 64;
