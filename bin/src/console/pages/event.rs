//! One entry of the provisioning log.

use askama::Template;
use scim_admin::AdminError;
use scim_admin::event::{EventState, LoggedEvent};
use serde_json::Value;

use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::logs::Row;
use super::{LIST, Shell, instant};

#[derive(Template)]
#[template(path = "event.html")]
struct Event {
    shell: Shell,
    row: Row,
    request_id: String,
    steps: Vec<(&'static str, &'static str)>,
    facts: Vec<(&'static str, String)>,
    changes: Vec<(String, String, String)>,
    warnings: Vec<String>,
    advice: &'static str,
    person: String,
    group: String,
    /// The request as administrators see it.
    request: String,
    /// The body of the error that was answered, where it is known.
    answer: String,
    /// Whether it waits for somebody to deal with it.
    open: bool,
    /// When it was resolved, and by whom.
    resolved: Option<(String, String)>,
    /// Whether the request may be carried out again.
    replays: bool,
    /// Why not, where it failed.
    unreplayed: String,
    error: String,
}

fn found(visit: &Visit<'_>) -> Result<LoggedEvent, Failed> {
    let id: i64 = visit.part(0).parse().map_err(|_number| Failed::NotFound)?;
    Ok(visit.console.admin.event(id)?)
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let page = shown(visit, &found(visit)?)?;
    ConsoleAnswer::page(200, &page)
}

fn shown(visit: &Visit<'_>, event: &LoggedEvent) -> Result<Event, Failed> {
    let facts = [
        ("SCIM id", event.resource_id.clone()),
        ("SCIM error", event.scim_type.clone()),
        (
            "Mapping version",
            event.mapping_version.map(|version| version.to_string()),
        ),
        ("Source address", event.source.clone()),
        ("Client", event.user_agent.clone()),
    ];
    let of = |kind: &str| {
        let id = event.resource_id.clone();
        id.filter(|_id| event.resource_type.as_deref() == Some(kind))
            .unwrap_or_default()
    };
    // What people are told of others is in the request; auditors see what came of it.
    let request = match (&event.request, visit.administers()) {
        (Some(request), true) => serde_json::to_string_pretty(request).unwrap_or_default(),
        _ => String::new(),
    };
    // Resolved, it is not to be carried out, and there is nothing to be said about that.
    let failed = event.outcome == "failure" && event.state() == Some(EventState::Open);
    let (replays, unreplayed) = match failed && visit.administers() {
        false => (false, String::new()),
        true => match visit.console.admin.to_replay(&visit.actor()?, event.id) {
            Ok(_replay) => (true, String::new()),
            Err(error @ AdminError::Invalid(_)) => (false, error.to_string()),
            Err(error) => return Err(error.into()),
        },
    };
    Ok(Event {
        shell: Shell::new(visit, "logs", &format!("Event {}", event.id))?,
        row: Row::new(event),
        request_id: event.request_id.clone(),
        steps: steps(event),
        facts: facts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        changes: changes(&event.changes),
        warnings: warnings(&event.deviations),
        advice: advice(event),
        person: of("User"),
        group: of("Group"),
        request,
        answer: event
            .answer()
            .and_then(|body| serde_json::to_string_pretty(&body).ok())
            .unwrap_or_default(),
        open: event.state() == Some(EventState::Open),
        resolved: event.resolved_at.map(|at| {
            let by = event.resolved_by.clone().unwrap_or_default();
            (instant(at), by)
        }),
        replays,
        unreplayed,
        error: String::new(),
    })
}

pub(in super::super) fn resolve(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let id = found(visit)?.id;
    visit.console.admin.resolve_event(&visit.actor()?, id)?;
    Ok(ConsoleAnswer::redirect(format!(
        "{LIST}/logs/{id}?done=resolved"
    )))
}

pub(in super::super) fn reopen(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let id = found(visit)?.id;
    visit.console.admin.reopen_event(&visit.actor()?, id)?;
    Ok(ConsoleAnswer::redirect(format!(
        "{LIST}/logs/{id}?done=reopened"
    )))
}

/// Carries out again what failed, and shows what came of it.
pub(in super::super) fn replay(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let event = found(visit)?;
    let place = format!("{LIST}/logs/{}", event.id);
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let refused = |error: String| {
        let page = Event {
            error,
            ..shown(visit, &event)?
        };
        ConsoleAnswer::page(422, &page)
    };
    let replay = match admin.to_replay(&actor, event.id) {
        Err(error @ AdminError::Invalid(_)) => return refused(sentence(&error)),
        replay => replay?,
    };
    let answer = visit.console.provider.replay(&replay.caller, &replay.kept);
    match admin.replayed(&actor, &replay, &answer)? {
        Some(made) => {
            let made = format!("{LIST}/logs/{}?done=replayed", made.id);
            Ok(ConsoleAnswer::redirect(made))
        }
        None if answer.status < 300 => {
            Ok(ConsoleAnswer::redirect(format!("{place}?done=unneeded")))
        }
        None => refused("The server could not carry it out; its log says why.".to_owned()),
    }
}

/// How far the request came: what was passed, where it ended, and what was not reached.
fn steps(event: &LoggedEvent) -> Vec<(&'static str, &'static str)> {
    let ended = match (
        event.outcome.as_str(),
        event.status,
        event.scim_type.as_deref(),
    ) {
        ("failure", 401 | 403, _) => Some(0),
        ("failure", 400, Some("invalidSyntax" | "invalidFilter" | "invalidPath")) => Some(1),
        ("failure", 404 | 409 | 412, _) | ("skipped", ..) => Some(2),
        ("failure", 400, _) => Some(3),
        ("held", ..) | ("failure", 429, _) => Some(4),
        ("failure", ..) => Some(5),
        _ => None,
    };
    let names = ["Authenticate", "Parse", "Match", "Map", "Policy", "Write"];
    let state = |at: usize| match ended {
        Some(end) if at == end => "ended here",
        Some(end) if at > end => "not reached",
        _ => "passed",
    };
    names
        .into_iter()
        .enumerate()
        .map(|(at, name)| (name, state(at)))
        .collect()
}

/// What an administrator can do about it.
fn advice(event: &LoggedEvent) -> &'static str {
    match (
        event.outcome.as_str(),
        event.status,
        event.scim_type.as_deref(),
    ) {
        ("held", ..) => {
            "Too many users left at once. Look under Held & pending, and allow what is meant."
        }
        ("skipped", ..) => {
            "The account is protected, or not managed by this configuration: nothing was done. Take the user out of the identity provider's scope."
        }
        ("failure", 409, _) => {
            "Another user or group has the same name, e-mail address or externalId. Look for it under Users or Groups; if it was created by hand, the policy “Ask” or “Link” lets the identity provider take it over."
        }
        ("failure", 404, _) => {
            "The identity provider asks for something that is not there, or not in its sight. Let it provision the user or group anew: most have a button for a full synchronisation."
        }
        ("failure", 412, _) => {
            "The resource was changed meanwhile; the identity provider reads it and tries again."
        }
        ("failure", 403, _) => {
            "Users or groups are switched off for this configuration. Edit it, and switch on what it is to provision."
        }
        ("failure", 400, Some("invalidFilter" | "invalidPath")) => {
            "The identity provider's filter or path is not one of SCIM. Look at the attribute mapping over there."
        }
        ("failure", 400, Some("invalidValue")) => {
            "A value does not fit its field. Look at the rule under Mapping and preview this request there, or put the value right in the identity provider."
        }
        ("failure", 400, _) => {
            "The request cannot be read as SCIM. If the configuration is strict, the tolerant profile may accept it."
        }
        ("failure", 413, _) => "The request is larger than the limit of this server.",
        ("failure", ..) => {
            "The server could not carry it out. Its log says more under the request id; the identity provider tries again."
        }
        ("warning", ..) => {
            "It was done. The warnings say what was accepted although it deviates, or what a rule could not fill."
        }
        _ => "",
    }
}

/// Path, old and new value. A resource that is new as a whole is shown attribute by attribute.
pub(super) fn changes(changes: &Value) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    for change in changes.as_array().into_iter().flatten() {
        let of = |name: &str| change.get(name).map(text).unwrap_or_default();
        let whole = change.get("path").and_then(Value::as_str) == Some("");
        match change.get("new").and_then(Value::as_object) {
            Some(members) if whole => {
                let members = members.iter().filter(|(name, _)| *name != "schemas");
                rows.extend(
                    members.map(|(name, value)| (name.clone(), String::new(), text(value))),
                );
            }
            _ => rows.push((of("path"), of("old"), of("new"))),
        }
    }
    rows
}

fn warnings(deviations: &Value) -> Vec<String> {
    let list = deviations.as_array().into_iter().flatten();
    list.map(text).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let said = ["text", "message", "detail"];
            match said.iter().find_map(|name| members.get(*name)) {
                Some(said) => text(said),
                None => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}
