//! Causes and entries in words.

use chrono::{DateTime, Utc};
use scim_provisioning::Cause;
use scim_provisioning::event::{Action, Outcome};

use super::cause::{Doer, WhyCause};
use super::explain::Explanation;
use super::facts::Facts;
use crate::event::LoggedEvent;

impl Doer {
    /// Who it was, as a sentence ends.
    fn said(&self) -> String {
        match self {
            Self::Configuration(name) => format!(" by the identity provider of “{name}”"),
            Self::Administrator(name) => format!(" by hand by {name}"),
            Self::Unknown => String::new(),
        }
    }
}

/// An explanation in a sentence.
pub(crate) fn sentence(explanation: &Explanation, facts: &Facts) -> String {
    let who = match &facts.person {
        Some(person) => &person.user_name,
        None => &facts.who,
    };
    let named = explanation.configuration.map(|id| facts.name_of(id));
    let by = named.as_deref().unwrap_or("a configuration");
    let on = explanation.at.map(on).unwrap_or_default();
    match &explanation.cause {
        WhyCause::Several(count) => format!(
            "{count} people fit “{}”. Ask for one by logon name or e-mail address.",
            facts.who
        ),
        WhyCause::NotAskedFor => match facts.settings.is_empty() {
            true => format!("No configuration provisions users, and nobody asked for {who}."),
            false => format!("No identity provider has asked for {who} yet."),
        },
        WhyCause::LookedUp { times } => format!(
            "The identity provider of “{by}” looked {who} up {}, and never created the user; last{on}.",
            counted(*times)
        ),
        WhyCause::Refused(cause) => {
            let reason = explanation.reason.as_deref().unwrap_or(cause.meaning());
            format!(
                "What “{by}” asked of {who}{on} was refused: {}",
                ended(reason)
            )
        }
        WhyCause::Closed(cause) => {
            let since = explanation
                .at
                .map(|at| format!(" Last refused{}.", self::on(at)));
            let door = closed(*cause);
            format!(
                "Nothing of “{by}” comes through: {door}{}",
                since.unwrap_or_default()
            )
        }
        WhyCause::LinkPending { person } => format!(
            "{who} waits to be linked to {person}, who was created by hand and has the same name or \
             address; “{by}” asked{on}."
        ),
        WhyCause::LinkDismissed { person } => format!(
            "An administrator decided{on} not to link {who} to {person}, who was created by hand."
        ),
        WhyCause::Held(_) => format!("The guard of “{by}” holds a change of {who}{on}."),
        WhyCause::HeldMember { group, .. } => format!(
            "The guard of “{by}” holds{on} that {who} leaves {group}; {who} has what the group gives."
        ),
        WhyCause::Protected => format!("{who} is a protected account, which is never provisioned."),
        WhyCause::Elsewhere { configuration } => {
            format!("Another configuration, “{configuration}”, manages {who}.")
        }
        WhyCause::ByHand => format!(
            "{who} was created by hand, and no identity provider has asked for the user yet."
        ),
        WhyCause::Unlinked(doer) => {
            format!("{who} was taken out of provisioning{on}{}.", doer.said())
        }
        WhyCause::Blocked(doer) => format!("{who} was blocked{on}{}.", doer.said()),
        WhyCause::Archived(doer) => format!("{who} was archived{on}{}.", doer.said()),
        WhyCause::Deleted { purge } => {
            let purge = purge.map(|at| format!(", and is deleted for good{}", self::on(at)));
            format!(
                "{who} was deleted{on} by the identity provider of “{by}”{}.",
                purge.unwrap_or_default()
            )
        }
        WhyCause::Purged => format!("{who} was here and was deleted for good."),
        WhyCause::ValueDropped { text } => {
            format!(
                "{who} is here, but a value was dropped{on}: {}",
                ended(text)
            )
        }
        WhyCause::ChangedByHand(doer) => {
            format!("{who} was changed{on}{}.", doer.said())
        }
        WhyCause::Fine => format!("{who} is here and fine; “{by}” manages the user."),
    }
}

/// Why nothing comes through, as it is now.
fn closed(cause: Cause) -> &'static str {
    cause.meaning()
}

fn counted(times: i64) -> String {
    match times {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        times => format!("{times} times"),
    }
}

fn on(at: DateTime<Utc>) -> String {
    at.format(" on %Y-%m-%d at %H:%M UTC").to_string()
}

/// A sentence with its stop.
fn ended(text: &str) -> String {
    match text.ends_with(['.', '!', '?']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// What an entry of the log tells, in a sentence.
pub(super) fn of_entry(event: &LoggedEvent) -> String {
    let by = match &event.actor {
        Some(actor) => format!("{actor} for “{}”", event.configuration_name),
        None => format!("“{}”", event.configuration_name),
    };
    let whom = event.resource_name.as_deref();
    let whom = whom.or(event.resource_id.as_deref()).unwrap_or("a user");
    let (done, to_do) = event.action.known().map_or(("changed", "change"), words);
    let reason = event.reason.as_deref().map(ended);
    let reason = reason.or_else(|| {
        let cause = event.known_cause()?;
        Some(cause.meaning().to_owned())
    });
    let because = reason.map(|reason| format!(": {reason}"));
    let because = because.unwrap_or_else(|| ".".to_owned());
    let times = match event.occurrences {
        1 => String::new(),
        more => format!(" ({more} attempts)"),
    };
    match event.outcome.known() {
        Some(Outcome::Success) => match &event.reason {
            Some(reason) => format!("{by} {done} {whom}: {}", ended(reason)),
            None => format!("{by} {done} {whom}."),
        },
        Some(Outcome::Warning) => {
            let notes = event.deviations.as_array().into_iter().flatten();
            let mut texts = notes.filter_map(|note| note.get("text")?.as_str());
            match texts.next() {
                Some(first) => format!("{by} {done} {whom}, with a warning: {}", ended(first)),
                None => format!("{by} {done} {whom}, with a warning."),
            }
        }
        Some(Outcome::Held) => format!("{by} asked to {to_do} {whom}, which is held{because}"),
        Some(Outcome::Skipped) => {
            format!("{by} asked to {to_do} {whom}{times}; nothing was done{because}")
        }
        _ => format!("{by} asked to {to_do} {whom}{times}, and was refused{because}"),
    }
}

/// What was done, and what was to be done.
fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Create => ("created", "create"),
        Action::Block => ("blocked", "block"),
        Action::Unblock => ("unblocked", "unblock"),
        Action::Archive => ("archived", "archive"),
        Action::Delete => ("deleted", "delete"),
        Action::Link => ("linked", "link"),
        Action::ChangeMembers => ("changed the members of", "change the members of"),
        Action::Read => ("read", "read"),
        _ => ("changed", "change"),
    }
}

/// What an entry of the audit tells of somebody, in a sentence.
pub(super) fn of_audit(event: &str, actor: &str, object: &str) -> String {
    let done = match event {
        "person.blocked" => "blocked",
        "person.unblocked" => "unblocked",
        "person.archived" => "archived",
        "person.converted" => "converted",
        "person.unlinked" => "unlinked",
        "person.created" => "created",
        "why.asked" => "asked why about",
        other => return format!("{actor}: {other} of {object}."),
    };
    format!("{actor} {done} {object} by hand.")
}

/// What was looked for, in a sentence.
pub(super) fn of_look_up(by: &str, attribute: &str, value: &str, times: i64) -> String {
    let times = counted(times);
    format!("“{by}” looked for {attribute} “{value}” {times}, and found nobody.")
}
