//! The command line: the settings of the server, and the operator's commands over the
//! administrators' service.

pub mod certificate;
mod cli;
mod commands;
pub mod host;
pub mod log;
pub mod manager;
mod missing;
pub mod output;
pub mod panic;
pub mod record;
pub mod settings;
pub mod start_text;
mod wrong_usage;

pub use self::cli::{Command, Invocation, UsageError, parse};
