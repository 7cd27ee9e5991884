#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::{Invocation, UsageError, parse};

fn parsed(words: &[String]) -> Result<Invocation, UsageError> {
    let program = std::iter::once("serviceops-scim".to_owned());
    parse(program.chain(words.iter().cloned()).map(OsString::from))
}

/// What is said of a command to which something is missing.
fn said_of(words: &[String]) -> String {
    match parsed(words) {
        Err(UsageError::Missing(line)) => line,
        Err(other) => panic!("{words:?}: {other}"),
        Ok(_) => panic!("{words:?} is accepted"),
    }
}

/// Every command that has none below it, with the words that lead to it.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn walk(command: &Command, words: &[String], found: &mut Vec<(Vec<String>, Command)>) {
        for below in command.get_subcommands() {
            let words = [words, &[below.get_name().to_owned()]].concat();
            match below.has_subcommands() {
                true => walk(below, &words, found),
                false => found.push((words, below.clone())),
            }
        }
    }
    let mut program = crate::cli::command();
    program.build();
    let mut found = Vec::new();
    walk(&program, &[], &mut found);
    found
}

/// The words of an argument with a value that it takes.
fn sample(arg: &Arg) -> Vec<String> {
    let values = arg.get_possible_values();
    let name = arg.get_value_names().and_then(|names| names.first());
    let value = match (values.first(), name.map_or("", |name| name.as_str())) {
        (Some(value), _) => value.get_name().to_owned(),
        (None, "URL") => "https://receiver.example".to_owned(),
        (None, "TIME" | "POSITION|TIME") => "2026-11-26T12:00:00Z".to_owned(),
        (None, "NUMBER" | "DAYS" | "MINUTES" | "PERCENT" | "EVENT" | "CHARACTERS") => {
            "30".to_owned()
        }
        (None, "ID") if arg.get_long() == Some("event") => "30".to_owned(),
        (None, _) => "x".to_owned(),
    };
    let value = arg.get_action().takes_values().then_some(value);
    let option = arg.get_long().map(|long| format!("--{long}"));
    option.into_iter().chain(value).collect()
}

/// The words of what a command needs in any case, without one of several.
fn needed(command: &Command) -> Vec<String> {
    let needed = command
        .get_arguments()
        .filter(|arg| arg.is_required_set() && !arg.is_global_set());
    needed.flat_map(sample).collect()
}

/// What a command takes beside what goes with every command.
fn own(command: &Command) -> Vec<&Arg> {
    let shown = |arg: &&Arg| !matches!(arg.get_id().as_str(), "help" | "version");
    let own = command.get_arguments().filter(|arg| !arg.is_global_set());
    own.filter(shown).collect()
}

#[test]
fn whatever_would_do_is_named_and_whatever_is_named_does() {
    let mut chosen = Vec::new();
    for (words, command) in commands() {
        let words = [words, needed(&command)].concat();
        let Err(refused) = parsed(&words) else {
            continue;
        };
        let UsageError::Missing(said) = refused else {
            panic!("{words:?}: {refused}");
        };
        assert_eq!(said.lines().count(), 1, "{said}");
        let (needs, typed) = said.split_once("; type: serviceops-scim ").unwrap();
        let does = |arg: &&&Arg| parsed(&[words.clone(), sample(arg)].concat()).is_ok();
        let own = own(&command);
        let doing: Vec<String> = own.iter().filter(does).map(|arg| name(arg)).collect();
        assert!(doing.len() > 1, "{said}");
        let named = own.iter().filter(|arg| {
            let mut words = needs.split([' ', ',']);
            words.any(|word| word == name(arg))
        });
        let named: Vec<String> = named.map(|arg| name(arg)).collect();
        assert_eq!(named, doing, "{said}");
        assert!(doing.iter().any(|name| typed.contains(&**name)), "{said}");
        chosen.push(words.iter().take(2).cloned().collect::<Vec<_>>().join(" "));
    }
    chosen.sort();
    let expected = [
        "apply",
        "configuration edit",
        "custom-field edit",
        "held allow",
        "held reject",
        "link approve",
        "link dismiss",
        "link restore",
        "run undo",
        "stream add",
        "token revoke",
    ];
    assert_eq!(chosen, expected);
}

#[test]
fn whatever_a_command_needs_is_named_with_what_to_type() {
    for (words, command) in commands() {
        let needed: Vec<&Arg> = command
            .get_arguments()
            .filter(|arg| arg.is_required_set())
            .collect();
        if needed.is_empty() {
            continue;
        }
        let said = said_of(&words);
        assert_eq!(said.lines().count(), 1, "{said}");
        let typed = format!("; type: serviceops-scim {} ", words.join(" "));
        let (needs, typed) = said.split_once(&*typed).expect(&said);
        for arg in needed {
            let written = written(arg);
            assert!(needs.contains(&written), "{written}: {said}");
            assert!(typed.contains(&written), "{written}: {said}");
        }
    }
}

#[test]
fn it_reads_well() {
    for (words, expected) in [
        (
            "held allow",
            "held allow needs <CONFIGURATION>, and --user <USER> or --all; type: serviceops-scim \
             held allow <CONFIGURATION> (--user <USER> | --all)",
        ),
        (
            "held allow Entra --data-dir token",
            "held allow needs --user <USER> or --all; type: serviceops-scim held allow \
             <CONFIGURATION> (--user <USER> | --all)",
        ),
        (
            "token show",
            "token show needs <CONFIGURATION>; type: serviceops-scim token show <CONFIGURATION>",
        ),
        (
            "account add ava",
            "account add needs --role <administrator|auditor>; type: serviceops-scim account add \
             <NAME> --role <administrator|auditor>",
        ),
        (
            "run undo",
            "run undo needs <RUN> or --event <ID>; type: serviceops-scim run undo (<RUN> | --event \
             <ID>)",
        ),
        (
            "serve --oidc-issuer https://login.example.com",
            "serve needs --oidc-client-id <ID>; type: serviceops-scim serve --oidc-client-id <ID>",
        ),
    ] {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        assert_eq!(said_of(&words), expected);
    }
}

#[test]
fn two_that_exclude_each_other_are_both_named() {
    for words in [
        "held allow Entra --user ava --all",
        "link approve Entra --link x --all",
        "run undo x --event 1",
        "stream add x --read --webhook https://receiver.example",
    ] {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        match parsed(&words) {
            Err(UsageError::Usage(error)) => {
                assert_eq!(error.kind(), ErrorKind::ArgumentConflict, "{words:?}");
            }
            _ => panic!("{words:?}"),
        }
    }
}
