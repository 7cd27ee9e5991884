//! Provisioning Status & Logs.

use askama::Template;
use scim_admin::event::{EventQuery, LoggedEvent};
use scim_provisioning::ConfigurationId;
use serde_json::Value;

use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::{ROWS, Shell, instant};

struct Row {
    id: i64,
    at: String,
    configuration: String,
    action: String,
    resource: String,
    outcome: String,
    status: i32,
    took: String,
    reason: String,
}

impl Row {
    fn new(event: &LoggedEvent) -> Self {
        Self {
            id: event.id,
            at: instant(event.at),
            configuration: event.configuration_name.clone(),
            action: event.action.clone(),
            resource: [&event.resource_type, &event.resource_name]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
            outcome: event.outcome.clone(),
            status: event.status,
            took: format!("{:.1} ms", millis(event.duration_micros)),
            reason: event.reason.clone().unwrap_or_default(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a request takes no centuries")]
fn millis(micros: i64) -> f64 {
    micros as f64 / 1_000.0
}

#[derive(Template)]
#[template(path = "logs.html")]
struct Logs {
    shell: Shell,
    configurations: Vec<(String, String, bool)>,
    outcomes: Vec<(&'static str, bool)>,
    rows: Vec<Row>,
    older: String,
    filtered: bool,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let (of, outcome) = (
        visit.query.text("configuration"),
        visit.query.text("outcome"),
    );
    let query = EventQuery {
        configuration: ConfigurationId::parse(of),
        outcome: visit.query.given("outcome").map(str::to_owned),
        before: Some(visit.query.text("before").parse().unwrap_or(i64::MAX)),
        limit: ROWS,
        ..EventQuery::default()
    };
    let events = admin.events(&query)?;
    let full = i64::try_from(events.len()).is_ok_and(|count| count == ROWS);
    let older = events.last().filter(|_| full).map(|last| {
        format!(
            "?configuration={}&outcome={}&before={}",
            encoded(of),
            encoded(outcome),
            last.id
        )
    });
    let configurations = admin.configurations(None)?.into_iter().map(|one| {
        let id = one.id.to_string();
        let chosen = id == of;
        (id, one.name, chosen)
    });
    let page = Logs {
        shell: Shell::new(visit, "logs", "Provisioning Status & Logs")?,
        configurations: configurations.collect(),
        outcomes: OUTCOMES.map(|known| (known, known == outcome)).to_vec(),
        rows: events.iter().map(Row::new).collect(),
        older: older.unwrap_or_default(),
        filtered: !of.is_empty() || !outcome.is_empty(),
    };
    ConsoleAnswer::page(200, &page)
}

const OUTCOMES: [&str; 5] = ["success", "warning", "skipped", "held", "failure"];

#[derive(Template)]
#[template(path = "event.html")]
struct Event {
    shell: Shell,
    row: Row,
    facts: Vec<(&'static str, String)>,
    changes: Vec<(String, String, String)>,
    warnings: Vec<String>,
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let id: i64 = visit.part(0).parse().map_err(|_number| Failed::NotFound)?;
    let query = EventQuery {
        after: Some(id.saturating_sub(1)),
        limit: 1,
        ..EventQuery::default()
    };
    let found = visit.console.admin.events(&query)?;
    let event = found.first().filter(|event| event.id == id);
    let event = event.ok_or(Failed::NotFound)?;
    let facts = [
        ("Request id", Some(event.request_id.clone())),
        ("SCIM id", event.resource_id.clone()),
        ("SCIM error", event.scim_type.clone()),
        (
            "Mapping version",
            event.mapping_version.map(|version| version.to_string()),
        ),
        ("Source address", event.source.clone()),
        ("Client", event.user_agent.clone()),
    ];
    let page = Event {
        shell: Shell::new(visit, "logs", &format!("Event {id}"))?,
        row: Row::new(event),
        facts: facts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        changes: changes(&event.changes),
        warnings: warnings(&event.deviations),
    };
    ConsoleAnswer::page(200, &page)
}

/// Path, old and new value. A resource that is new as a whole is shown attribute by attribute.
fn changes(changes: &Value) -> Vec<(String, String, String)> {
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
        Value::Object(members) => match members.get("message").or_else(|| members.get("detail")) {
            Some(message) => text(message),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}
