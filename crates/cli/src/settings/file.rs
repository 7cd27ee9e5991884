//! The configuration file.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Arg, Command};

/// The command with the file's values as the defaults of its options, and which it names.
///
/// # Errors
/// When the file cannot be read, is not TOML, or has a key that is no option.
pub(crate) fn read(path: &Path, command: Command) -> anyhow::Result<(Command, HashSet<String>)> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        anyhow::anyhow!("{}, line {line}: {}", path.display(), error.message())
    })?;
    let options = options(&command);
    let named = table.keys().cloned().collect();
    let command = table.into_iter().try_fold(command, |command, (key, value)| {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            toml::Value::Array(items) if items.iter().all(toml::Value::is_str) => {
                let items: Vec<&str> = items.iter().filter_map(toml::Value::as_str).collect();
                items.join(",")
            }
            _ => bail!("{}: {key} is text or a number, or a list of texts", path.display()),
        };
        match options.iter().find(|(long, _id)| *long == key) {
            Some((_long, id)) => Ok(with_default(command, id, &value)),
            None => bail!(
                "{}: {key:?} is no setting; a key is an option without its dashes, such as data-dir",
                path.display()
            ),
        }
    })?;
    Ok((command, named))
}

/// The long name and the id of every option that a file may set.
fn options(command: &Command) -> Vec<(String, String)> {
    let settable = |argument: &&Arg| !matches!(argument.get_id().as_str(), "config" | "json");
    let names = |argument: &Arg| {
        let long = argument.get_long()?.to_owned();
        Some((long, argument.get_id().to_string()))
    };
    command
        .get_arguments()
        .filter(settable)
        .filter_map(names)
        .collect()
}

fn with_default(mut command: Command, id: &str, value: &str) -> Command {
    if command
        .get_arguments()
        .any(|argument| argument.get_id() == id)
    {
        let value = value.to_owned();
        command = command.mut_arg(id, |argument| argument.default_value(value));
    }
    let subcommands: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    subcommands.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| with_default(command, id, value))
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
