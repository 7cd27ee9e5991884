//! What is said of a command to which something is missing: what may be given and what to type, on
//! one line.

use std::ffi::OsString;

use clap::builder::{PossibleValue, Str};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgGroup, Command};

/// The line for an error that says that something is missing; `None` for any other.
pub(crate) fn line(
    error: &clap::Error,
    program: Command,
    arguments: &[OsString],
) -> Option<String> {
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return None;
    }
    let Some(ContextValue::Strings(named)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let command = reached(program, arguments);
    let mut missing: Vec<Piece> = named.iter().map(|text| Piece::of(&command, text)).collect();
    missing.sort_by_key(Piece::place);
    let called = command.get_bin_name().unwrap_or(command.get_name());
    let needs: Vec<String> = missing.iter().map(Piece::alternatives).collect();
    let needs = needs.join(match needs.iter().any(|one| one.contains(' ')) {
        true => ", and ",
        false => " and ",
    });
    let (_program, words) = called.split_once(' ').unwrap_or((called, "the server"));
    let mut typed = vec![called.to_owned()];
    typed.extend(required(&command, missing).iter().map(Piece::placeholder));
    Some(format!("{words} needs {needs}; type: {}", typed.join(" ")))
}

/// The command that the arguments lead to, however far they fit.
fn reached(program: Command, arguments: &[OsString]) -> Command {
    let mut command = program.ignore_errors(true);
    command.build();
    let matches = command.clone().try_get_matches_from(arguments).ok();
    let mut matches = matches.as_ref();
    while let Some((name, below)) = matches.and_then(|matches| matches.subcommand()) {
        let Some(found) = command.find_subcommand(name).cloned() else {
            break;
        };
        (command, matches) = (found, Some(below));
    }
    command
}

/// What a command needs: in the order of places first, and what it needs because of what was given
/// last.
fn required(command: &Command, missing: Vec<Piece>) -> Vec<Piece> {
    let groups = command.get_groups().filter(|group| group.is_required_set());
    let groups = groups.map(|group| Piece::Several(members(command, group)));
    let places = command.get_positionals().cloned();
    let options = command.get_opts().cloned();
    let single = |arg: Arg| arg.is_required_set().then(|| Piece::One(Box::new(arg)));
    let mut all: Vec<Piece> = places.filter_map(single).collect();
    all.extend(options.filter_map(single));
    all.extend(groups);
    for piece in missing {
        if !all.iter().any(|known| known.text() == piece.text()) {
            all.push(piece);
        }
    }
    all
}

fn members(command: &Command, group: &ArgGroup) -> Vec<Arg> {
    let of_id = |id: &clap::Id| command.get_arguments().find(|arg| arg.get_id() == id);
    group.get_args().filter_map(of_id).cloned().collect()
}

/// Something that has to be given.
enum Piece {
    /// One argument.
    One(Box<Arg>),
    /// One of several.
    Several(Vec<Arg>),
    /// What no argument of the command is called.
    Other(String),
}

impl Piece {
    /// What an error calls so.
    fn of(command: &Command, text: &str) -> Self {
        let mut groups = command.get_groups();
        let several = groups.find_map(|group| {
            let several = Self::Several(members(command, group));
            (several.text() == text).then_some(several)
        });
        let one = || {
            let mut all = command.get_arguments();
            let found = all.find(|arg| arg.to_string() == text)?;
            Some(Self::One(Box::new(found.clone())))
        };
        several
            .or_else(one)
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Where it stands in the command: what has a place before what has a name.
    fn place(&self) -> usize {
        match self {
            Self::One(arg) => arg.get_index().unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    /// As the parser calls it.
    fn text(&self) -> String {
        let inside = |arg: &Arg| match arg.is_positional() {
            true => arg
                .to_string()
                .trim_matches(['<', '>', '[', ']'])
                .to_owned(),
            false => arg.to_string(),
        };
        match self {
            Self::One(arg) => arg.to_string(),
            Self::Several(args) => {
                let inside: Vec<String> = args.iter().map(inside).collect();
                format!("<{}>", inside.join("|"))
            }
            Self::Other(text) => text.clone(),
        }
    }

    /// What may be given.
    fn alternatives(&self) -> String {
        match self {
            Self::One(arg) => written(arg),
            Self::Several(args) if args.len() > FEW => {
                let names: Vec<String> = args.iter().map(name).collect();
                format!("at least one of {}", names.join(", "))
            }
            Self::Several(args) => {
                let names: Vec<String> = args.iter().map(written).collect();
                names.join(" or ")
            }
            Self::Other(text) => text.clone(),
        }
    }

    /// What stands for it in the command to type.
    fn placeholder(&self) -> String {
        match self {
            Self::Several(args) if args.len() > FEW => match args.first() {
                Some(first) => format!("{} ...", written(first)),
                None => String::new(),
            },
            Self::Several(args) => {
                let written: Vec<String> = args.iter().map(written).collect();
                format!("({})", written.join(" | "))
            }
            one => one.alternatives(),
        }
    }
}

fn name(arg: &Arg) -> String {
    match arg.get_long() {
        Some(long) => format!("--{long}"),
        None => written(arg),
    }
}

/// An argument with what stands for its value: the values themselves where these are few.
fn written(arg: &Arg) -> String {
    let values = arg.get_possible_values();
    let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    let takes_value = arg.get_action().takes_values();
    let value = match (takes_value, values.len()) {
        (true, 1..=MANY) => format!("<{}>", values.join("|")),
        // Where it stands is what names it, whether it is the only thing that may stand there or not.
        _ if arg.is_positional() => {
            let names = arg.get_value_names().unwrap_or_default();
            let names: Vec<&str> = names.iter().map(Str::as_str).collect();
            format!("<{}>", names.join(" "))
        }
        _ => return arg.to_string(),
    };
    match arg.get_long() {
        Some(long) => format!("--{long} {value}"),
        None => value,
    }
}

/// As many alternatives are written out where something is typed.
const FEW: usize = 4;
/// As many values of one argument are written out.
const MANY: usize = 9;

#[cfg(test)]
#[path = "missing_tests.rs"]
mod tests;
