//! The command line: flag over environment over configuration file over default.
//!
//! The file's values become defaults of the command line's own options before it is parsed a
//! second time, so that one parser checks a value wherever it comes from.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::host::Host;
use crate::missing;
use crate::output;
use crate::settings::origin::{self, Setting};
use crate::settings::{self, Common, ServeOptions};

/// What is to be done.
pub enum Invocation {
    /// Serve.
    Serve(Common, Box<ServeOptions>),
    /// Run a command and end.
    Command(Common, Command),
}

/// A command of the operator, ready to run.
pub struct Command(Work);

enum Work {
    Operator(commands::Command),
    Settings(Vec<Setting>),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the terminal.
    pub fn run(self, host: &dyn Host, common: &Common) -> anyhow::Result<()> {
        match self.0 {
            Work::Operator(command) => commands::run(host, common, command),
            Work::Settings(settings) => origin::print(common, &settings),
        }
    }
}

/// Reads the command line, the environment and the configuration file.
///
/// # Errors
/// [`UsageError`] when they do not say what is to be done.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = Cli::command().try_get_matches_from(&arguments);
    let matches = matches.map_err(|error| {
        let missing = missing::line(&error, Cli::command(), &arguments);
        missing.map_or(UsageError::Usage(error), UsageError::Missing)
    })?;
    let Some(path) = Cli::from_arg_matches(&matches)?.common.config else {
        return invocation(&matches, &HashSet::new());
    };
    let (defaults, named) = settings::file::read(&path, Cli::command())
        .map_err(|error| UsageError::File(output::sentence(&error)))?;
    let matches = defaults.try_get_matches_from(&arguments).map_err(|error| {
        let rendered = error.to_string();
        let first = rendered.lines().next().unwrap_or_default();
        let first = first.trim_start_matches("error: ");
        UsageError::File(format!("{}: {first}", path.display()))
    })?;
    invocation(&matches, &named)
}

/// The command line as clap knows it, for shell completions.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Why the command line does not say what is to be done.
#[derive(Debug)]
pub enum UsageError {
    /// Wrong usage, or a request for help.
    Usage(clap::Error),
    /// Something is missing that the command needs.
    Missing(String),
    /// The configuration file is wrong.
    File(String),
}

impl UsageError {
    /// Says what is wrong and answers the exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // Nothing can be said when the terminal is gone.
                let _ = error.print();
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
            Self::Missing(message) | Self::File(message) => {
                output::failure(message);
                ExitCode::from(2)
            }
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(formatter),
            Self::Missing(message) | Self::File(message) => formatter.write_str(message),
        }
    }
}

impl From<clap::Error> for UsageError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// SCIM 2.0 provisioning for ServiceOps.
///
/// Without a command the server is started. Every option of the server is also an environment
/// variable and a key of the file named by --config.
#[derive(Debug, Parser)]
#[command(name = "serviceops-scim", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    serve: ServeOptions,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve SCIM over HTTPS.
    Serve(Box<ServeOptions>),
    /// What the server would go by.
    #[command(subcommand)]
    Config(Config),
    #[command(flatten)]
    Command(commands::Command),
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Print every setting with where it comes from: flag, environment, file or default.
    Print(Box<ServeOptions>),
}

/// `named` are the settings that the configuration file has.
fn invocation(matches: &ArgMatches, named: &HashSet<String>) -> Result<Invocation, UsageError> {
    let cli = Cli::from_arg_matches(matches)?;
    match cli.command {
        None => Ok(Invocation::Serve(cli.common, Box::new(cli.serve))),
        Some(action) => {
            refuse_options_before_command(matches)?;
            Ok(match action {
                Action::Serve(options) => Invocation::Serve(cli.common, options),
                Action::Config(Config::Print(options)) => {
                    let mut settings = origin::settings(matches, named);
                    origin::complete(&mut settings, &cli.common, &options);
                    Invocation::Command(cli.common, Command(Work::Settings(settings)))
                }
                Action::Command(command) => {
                    Invocation::Command(cli.common, Command(Work::Operator(command)))
                }
            })
        }
    }
}

/// `serviceops-scim --listen X serve` would not say which of two values counts.
fn refuse_options_before_command(matches: &ArgMatches) -> Result<(), UsageError> {
    let mut command = Cli::command();
    let misplaced = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set())
        .filter(|argument| {
            let source = matches.value_source(argument.get_id().as_str());
            source == Some(ValueSource::CommandLine)
        })
        .find_map(clap::Arg::get_long);
    let Some(option) = misplaced.map(str::to_owned) else {
        return Ok(());
    };
    let message = format!("--{option} stands before the command; write it behind `serve`");
    Err(command
        .error(clap::error::ErrorKind::ArgumentConflict, message)
        .into())
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
