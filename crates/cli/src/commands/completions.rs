//! `completions`: a completion script for a shell.

use clap::Args;
use clap_complete::Shell;

use crate::{cli, output};

/// Options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let mut command = cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}
