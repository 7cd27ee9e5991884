//! What keeps an instance safe: the version of its tables, its backups, its keys.

use serde::Serialize;

/// What came of bringing the tables to the version of this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upgraded {
    /// The migrations that were missing, in their order.
    pub applied: Vec<String>,
    /// The last migration that this program knows.
    pub version: String,
}
