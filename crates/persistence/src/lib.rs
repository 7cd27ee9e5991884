//! The persistence adapter: the directory and what administrators configure, on SQLite and on
//! PostgreSQL.
//!
//! Statements are typed over the tables of `schema` and written once for both engines; filters, sorts
//! and pages are written as SQL in `query`.
//! Nothing is folded, compared or sorted by rules of the database: keys are folded by the
//! application and compared byte by byte, so that a filter answers alike on both engines and as
//! [`scim_protocol::filter::Condition::matches`] does.

mod admin;
mod backup;
mod connection;
mod database;
mod engine;
mod error;
mod explain;
mod feed;
mod file;
mod groups;
mod health;
mod held;
mod held_members;
mod jobs;
mod json;
mod key;
mod links;
mod log;
mod members;
mod people;
mod query;
mod references;
mod rehearsal;
mod runs;
mod schema;
mod schema_instance;
mod schema_recorded;
mod schema_rehearsals;
mod schema_search;
mod schema_streams;
mod sharers;
mod spans;
mod sqlite;
mod target;
mod terms;
mod time;
mod totals;
mod upgrade;
mod users;
mod view;
mod writer;

use query::{each, kept, look_up, nodes, page, places, scope, sql, values, writes};

pub use backup::{BackupError, backup, restore};
pub use database::{Database, Settings};
pub use explain::Explained;
pub use target::OpenError;
pub use upgrade::upgrade;

// The tests in this crate share the house of those beside it.
#[cfg(test)]
extern crate self as scim_persistence;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
#[cfg(test)]
mod faults;

#[cfg(test)]
mod tests;

#[cfg(test)]
fn main() -> std::process::ExitCode {
    tests::run()
}
