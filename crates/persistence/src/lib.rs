//! The persistence adapter: the directory and what administrators configure, on SQLite and on
//! PostgreSQL.
//!
//! One text of SQL serves both engines; where they differ, `sql::Dialect` says so in one place.
//! Nothing is folded, compared or sorted by rules of the database: keys are folded by the
//! application and compared byte by byte, so that a filter answers alike on both engines and as
//! [`scim_protocol::filter::Condition::matches`] does.

mod admin;
mod condition;
mod connection;
mod database;
mod engine;
mod entrance;
mod error;
mod explain;
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
mod occupants;
mod page;
mod path;
mod people;
mod places;
mod references;
mod schema;
mod scope;
mod sql;
mod sqlite;
mod time;
mod totals;
mod users;
mod view;
mod writer;

pub use database::{Database, OpenError, Settings};
pub use explain::Explained;

// The tests in this crate share the house of those beside it.
#[cfg(test)]
extern crate self as scim_persistence;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
#[cfg(test)]
mod faults;
