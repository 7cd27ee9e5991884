//! The command line: the settings of the server, and the operator's commands over the
//! administrators' service.

mod cli;
mod commands;
pub mod host;
pub mod output;
pub mod record;
pub mod settings;

pub use self::cli::{Command, Invocation, UsageError, parse};
