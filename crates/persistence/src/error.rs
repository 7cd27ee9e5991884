//! Database errors as the ports know them.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use scim_provisioning::StoreError;

/// The store error of a failed statement.
pub(crate) fn store_error(error: Error) -> StoreError {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, information) => {
            StoreError::Conflict {
                attribute: attribute(information.as_ref()),
            }
        }
        Error::DatabaseError(_, information) => match information.message() {
            message if message.contains("database is locked") => StoreError::Busy,
            message if message.contains("statement timeout") => StoreError::TooExpensive,
            _ => StoreError::Database(Box::new(error)),
        },
        _ => StoreError::Database(Box::new(error)),
    }
}

/// Whether the database asks for the whole transaction to be run again.
pub(crate) fn wants_retry(error: &StoreError) -> bool {
    let StoreError::Database(source) = error else {
        return false;
    };
    match source.downcast_ref::<Error>() {
        Some(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        Some(Error::DatabaseError(_, information)) => {
            information.message().contains("deadlock detected")
        }
        _ => false,
    }
}

/// The SCIM attribute of a unique index: PostgreSQL names the index, SQLite its columns.
fn attribute(information: &dyn DatabaseErrorInformation) -> &'static str {
    let named = information
        .constraint_name()
        .unwrap_or_else(|| information.message());
    if named.contains("external_id") {
        "externalId"
    } else if named.contains("user_name") {
        "userName"
    } else if named.contains("groups") {
        "displayName"
    } else {
        "name"
    }
}
