//! Database errors as the ports know them: told apart by diesel's kinds, by SQLite's extended
//! result codes and by the time that a statement took. Messages are for people, in whatever
//! language the server speaks.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use libsqlite3_sys as code;
use scim_provisioning::{Rollback, StoreError};

/// The store error of a statement that failed on SQLite with an extended result code.
pub(crate) fn of_sqlite(error: Error, extended: i32) -> StoreError {
    let (kind, cause) = match error {
        Error::DatabaseError(kind, information) => (kind, information),
        other => return outside(other),
    };
    if matches!(kind, DatabaseErrorKind::UniqueViolation) {
        return conflict(&*cause);
    }
    let cause: scim_provisioning::FaultSource = Arc::new(Told {
        said: cause.message().to_owned(),
        code: Some(extended),
    });
    match extended {
        code::SQLITE_IOERR_CORRUPTFS | code::SQLITE_IOERR_DATA => {
            return StoreError::Corrupt(cause);
        }
        _ => {}
    }
    // The lowest byte is the kind, what is above it the particular case.
    match extended & 0xff {
        code::SQLITE_BUSY | code::SQLITE_LOCKED | code::SQLITE_PROTOCOL => StoreError::Busy,
        code::SQLITE_INTERRUPT => StoreError::Timeout(cause),
        code::SQLITE_FULL | code::SQLITE_NOLFS => StoreError::Full(cause),
        code::SQLITE_READONLY => StoreError::ReadOnly(cause),
        code::SQLITE_IOERR | code::SQLITE_PERM => StoreError::Io(cause),
        code::SQLITE_CORRUPT | code::SQLITE_NOTADB => StoreError::Corrupt(cause),
        code::SQLITE_CANTOPEN => StoreError::Unavailable(cause),
        code::SQLITE_TOOBIG => StoreError::TooLarge,
        _ => StoreError::Unknown(cause),
    }
}

/// The store error of a statement that failed on PostgreSQL after so long. diesel shows no
/// SQLSTATE; what the server ends because of [`STATEMENT_TIMEOUT`] or [`LOCK_TIMEOUT`] is known by
/// the time it took.
pub(crate) fn of_server(error: Error, took: Duration) -> StoreError {
    let (kind, information) = match error {
        Error::DatabaseError(kind, information) => (kind, information),
        other => return outside(other),
    };
    if matches!(kind, DatabaseErrorKind::UniqueViolation) {
        return conflict(&*information);
    }
    // Of a deadlock it tells who waited for whom, and where to read on: of nothing else that diesel
    // has no kind for it tells both.
    let deadlock = information.details().is_some() && information.hint().is_some();
    let cause: scim_provisioning::FaultSource = Arc::new(Told {
        said: information.message().to_owned(),
        code: None,
    });
    match kind {
        DatabaseErrorKind::SerializationFailure => StoreError::Busy,
        DatabaseErrorKind::ReadOnlyTransaction => StoreError::ReadOnly(cause),
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            StoreError::Unavailable(cause)
        }
        DatabaseErrorKind::Unknown if deadlock => StoreError::Busy,
        _ if took >= LOCK_TIMEOUT.saturating_sub(EARLY) => StoreError::Timeout(cause),
        _ => StoreError::Unknown(cause),
    }
}

/// What failed in reading a row, or before anything was sent.
fn outside(error: Error) -> StoreError {
    match error {
        Error::DeserializationError(_) => StoreError::Unreadable(Arc::new(error)),
        other => StoreError::unknown(other),
    }
}

/// A value in the database that this program cannot have written.
pub(crate) fn unreadable(column: &str) -> StoreError {
    StoreError::unreadable(column)
}

/// Those of the rows of a list that can be read. Of another row the server's log has which it is and
/// why, once in this process: a list that nobody can look at would help nobody mend it.
pub(crate) fn readable<R, T>(
    rows: Vec<R>,
    table: &'static str,
    id: impl Fn(&R) -> String,
    read: impl Fn(R) -> Result<T, StoreError>,
) -> Vec<T> {
    let read = |row| {
        let id = id(&row);
        read(row)
            .inspect_err(|fault| {
                let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
                if told.len() < TOLD_AT_MOST && told.insert((table, id.clone())) {
                    let why = fault.source().map(ToString::to_string);
                    tracing::error!(table, id, why, "a row cannot be read and is left out");
                }
            })
            .ok()
    };
    rows.into_iter().filter_map(read).collect()
}

/// The rows of which the log was told that they cannot be read.
static TOLD: Mutex<BTreeSet<(&'static str, String)>> = Mutex::new(BTreeSet::new());
const TOLD_AT_MOST: usize = 1_000;

/// The database is not there.
pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Arc::new(error))
}

/// A fault that the database does not name.
pub(crate) fn failed(why: impl Display) -> StoreError {
    StoreError::unknown(Told {
        said: why.to_string(),
        code: None,
    })
}

/// What the database said.
#[derive(Debug, thiserror::Error)]
#[error("{said}{}", .code.map(|code| format!(" (SQLite result code {code})")).unwrap_or_default())]
struct Told {
    said: String,
    code: Option<i32>,
}

/// The SCIM attribute of a unique index: PostgreSQL names the index, SQLite its columns.
fn conflict(information: &dyn DatabaseErrorInformation) -> StoreError {
    let named = information
        .constraint_name()
        .unwrap_or_else(|| information.message());
    let attribute = if named.contains("external_id") {
        "externalId"
    } else if named.contains("user_name") {
        "userName"
    } else if named.contains("groups") {
        "displayName"
    } else {
        "name"
    };
    StoreError::Conflict { attribute }
}

/// An error of work in a transaction, in which the store's own may stand.
pub(crate) trait Faulty {
    /// The store's error.
    fn fault(&self) -> Option<&StoreError>;
}

impl Faulty for StoreError {
    fn fault(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Faulty for Rollback {
    fn fault(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Refused => None,
        }
    }
}

/// How long a statement of PostgreSQL may take.
#[cfg(feature = "postgres")]
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a statement of PostgreSQL may wait for a lock.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a part of a transaction may that holds the locks of the parts before it.
pub(crate) const PART_LOCK_TIMEOUT: Duration = Duration::from_millis(50);
/// How much earlier than this process the server may think that the time is over.
pub(crate) const EARLY: Duration = Duration::from_millis(200);
