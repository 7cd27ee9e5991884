//! One entry of the provisioning log.

use askama::Template;
use scim_admin::AdminError;
use scim_admin::event::{EventState, LoggedEvent, Word};
use scim_provisioning::{Outcome, ResourceKind, Stage};
use serde_json::Value;

use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::advice::Advice;
use super::logs::Row;
use super::telling::{Telling, ToldField};
use super::{LIST, Shell, instant};

#[derive(Template)]
#[template(path = "event.html")]
struct Event {
    shell: Shell,
    row: Row,
    request_id: String,
    steps: Vec<(&'static str, &'static str)>,
    facts: Vec<(&'static str, String)>,
    /// What became of it in ServiceOps, where that is kept: field, old and new value.
    fields: Vec<ToldField>,
    /// What changed of what the identity provider says.
    changes: Vec<(String, String, String)>,
    warnings: Vec<String>,
    advice: Option<Advice>,
    person: String,
    group: String,
    /// Where the run is that it is part of; empty where there is none.
    run: String,
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
    let id: i64 = visit
        .part("event")
        .parse()
        .map_err(|_number| Failed::NotFound)?;
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
        ("Cause", event.cause.as_ref().map(ToString::to_string)),
        (
            "Attempts",
            (event.occurrences > 1).then(|| event.occurrences.to_string()),
        ),
        ("Administrator", event.actor.clone()),
        (
            "Mapping version",
            event.mapping_version.map(|version| version.to_string()),
        ),
        ("Source address", event.source.clone()),
        ("Client", event.user_agent.clone()),
    ];
    let of = |kind: ResourceKind| {
        let id = event.resource_id.clone();
        id.filter(|_id| event.known_kind() == Some(kind))
            .unwrap_or_default()
    };
    // What people are told of others is in the request; auditors see what came of it.
    let request = match (&event.request, visit.administers()) {
        (Some(request), true) => serde_json::to_string_pretty(request).unwrap_or_default(),
        _ => String::new(),
    };
    // Resolved, it is not to be carried out, and there is nothing to be said about that.
    let failed = event.outcome == Outcome::Failure && event.state() == Some(EventState::Open);
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
        fields: field_changes(visit, event)?,
        changes: changes(&event.changes),
        warnings: warnings(&event.deviations),
        advice: Advice::of(event),
        person: of(ResourceKind::User),
        group: of(ResourceKind::Group),
        run: event
            .run
            .map(|run| format!("{LIST}/{}/runs/{run}", event.configuration))
            .unwrap_or_default(),
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
    let done = admin.replay(&actor, &visit.console.provider, &replay)?;
    match done.made {
        Some(made) => {
            let made = format!("{LIST}/logs/{}?done=replayed", made.id);
            Ok(ConsoleAnswer::redirect(made))
        }
        None if done.answer.status < 300 => {
            Ok(ConsoleAnswer::redirect(format!("{place}?done=unneeded")))
        }
        None => refused("The server could not carry it out; its log says why.".to_owned()),
    }
}

/// How far the request came: what was passed, where it ended, and what was not reached; nothing
/// where another version did not note it, or in a word that this one does not know.
fn steps(event: &LoggedEvent) -> Vec<(&'static str, &'static str)> {
    let stage = event.stage.as_ref().map(Word::known);
    let ended = match (stage, event.outcome.known()) {
        (None, Some(Outcome::Success | Outcome::Warning)) => None,
        (None | Some(None), _) => return Vec::new(),
        (Some(ended), _) => ended,
    };
    let state = |at: Stage| match ended {
        Some(end) if at == end && event.outcome.known() == Some(Outcome::Held) => "held here",
        Some(end) if at == end => "ended here",
        Some(end) if at > end => "not reached",
        _ => "passed",
    };
    let named = |stage: Stage| match stage {
        Stage::Authenticate => "Authenticate",
        Stage::Read => "Read",
        Stage::Match => "Match",
        Stage::Map => "Map",
        Stage::Policy => "Policy",
        _ => "Write",
    };
    let steps = Stage::ALL.into_iter();
    steps.map(|stage| (named(stage), state(stage))).collect()
}

/// What an entry made of its user or group, field by field in ServiceOps' words, with names in the
/// place of ids. Nothing where it changed nothing, or what was before is not kept any more.
fn field_changes(visit: &Visit<'_>, event: &LoggedEvent) -> Result<Vec<ToldField>, Failed> {
    let admin = &visit.console.admin;
    let (run, chosen) = match admin.run_of_event(event.id) {
        Err(AdminError::NotFound { .. } | AdminError::Invalid(_)) => return Ok(Vec::new()),
        found => found?,
    };
    let mut telling = Telling::new(admin)?;
    let mut told = Vec::new();
    for change in admin.chosen_changes(run.id, &chosen, None, 1)? {
        told.extend(telling.fields(&change.fields)?);
    }
    Ok(told)
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
            _ => {
                // What rules changed is told by the field of ServiceOps.
                let field = match change.get("path") {
                    Some(_) => of("path"),
                    None => of("field"),
                };
                rows.push((field, of("old"), of("new")));
            }
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
