//! The key ring: which keys there are, and what needs them. What changes it is for the command line.

use askama::Template;
use scim_admin::safekeeping::{KeyState, ListedKey, MayRetire};

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::{Shell, instant};

struct Row {
    id: String,
    colour: &'static str,
    state: &'static str,
    created: String,
    /// What needs it.
    needs: String,
    /// When it may be taken out of the ring.
    when: String,
    /// What is typed for that; empty where nothing is.
    command: String,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    shell: Shell,
    rows: Vec<Row>,
    /// Whether the ring lacks a key that something needs.
    lacks: bool,
}

impl Row {
    fn of(key: ListedKey) -> Self {
        let (when, command) = retirement(&key);
        Self {
            needs: needs(&key),
            colour: match key.state {
                KeyState::Signs => "good",
                KeyState::Missing => "bad",
                _ => "",
            },
            state: match key.state {
                KeyState::Signs => "signs and seals",
                KeyState::Verifies => "verifies and opens",
                KeyState::Missing => "missing",
                KeyState::Retired => "retired",
            },
            created: instant(key.created),
            when,
            command,
            id: key.id,
        }
    }
}

fn needs(key: &ListedKey) -> String {
    let count = |count: i64| usize::try_from(count).unwrap_or(0);
    let parts = [
        (
            key.signed,
            "live token that it signed",
            "live tokens that it signed",
        ),
        (
            key.sealed,
            "live token that it sealed",
            "live tokens that it sealed",
        ),
        (key.webhooks, "secret of a webhook", "secrets of webhooks"),
    ];
    let parts = parts.into_iter().filter(|(amount, ..)| *amount > 0);
    let parts: Vec<String> = parts
        .map(|(amount, one, many)| counted(count(amount), one, many))
        .collect();
    match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join(", "),
    }
}

/// When a key may be taken out of the ring, and what is typed for it.
fn retirement(key: &ListedKey) -> (String, String) {
    let id = &key.id;
    let (when, command) = match (key.may_retire(), key.retired) {
        (Some(MayRetire::Now), _) => ("Now.", format!("keys retire {id}")),
        (Some(MayRetire::AfterRotation), _) => (
            "When another one signs in its place.",
            "keys rotate".to_owned(),
        ),
        (Some(MayRetire::AfterReseal), _) => (
            "When what it sealed is sealed with the key that signs.",
            "keys reseal".to_owned(),
        ),
        (Some(MayRetire::AfterTokens), _) => {
            let until = match key.signed_until {
                Some(end) => format!(
                    "When the tokens end that it signed, the last at {}, or are rotated before.",
                    instant(end)
                ),
                None => "When the tokens end that it signed, or are rotated.".to_owned(),
            };
            let seals = key.webhooks > 0;
            return (
                until,
                if seals {
                    typed("keys reseal")
                } else {
                    String::new()
                },
            );
        }
        (None, Some(at)) => return (format!("Since {}.", instant(at)), String::new()),
        (None, None) => (
            "The ring of this server does not have it. Copy the file of one that does.",
            String::new(),
        ),
    };
    (when.to_owned(), typed(&command))
}

fn typed(command: &str) -> String {
    match command.is_empty() {
        true => String::new(),
        false => format!("serviceops-scim {command}"),
    }
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let keys = visit.console.admin.keys()?;
    let page = Keys {
        shell: Shell::new(visit, "settings", "Key ring")?,
        lacks: keys.iter().any(|key| key.state == KeyState::Missing),
        rows: keys.into_iter().map(Row::of).collect(),
    };
    ConsoleAnswer::page(200, &page)
}
