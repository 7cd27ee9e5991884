//! Measures the server: closed loops of requests over TLS, what each costs the server's processor,
//! and the limits to compare that with, in one run.
//!
//! [`report::run`] starts servers of its own, fills them and prints the table; the other modules are
//! its parts.

pub mod bare;
mod closed;
mod cycle;
pub mod database;
mod http;
mod process;
mod raw;
pub mod report;
mod rows;
pub mod seed;
mod server;
mod table;
mod workload;

/// What went wrong before or beside what is measured.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
