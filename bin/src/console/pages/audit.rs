//! What administrators did.

use askama::Template;
use chrono::{DateTime, Days, NaiveDate, Utc};
use scim_admin::event::{AuditEntry, AuditQuery};
use serde_json::{Value, json};

use super::super::export::{self, Lines};
use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Form, Visit};
use super::configuration::{Shown, Tabs};
use super::{Shell, instant, rows, sizes};

struct Row {
    at: String,
    actor: String,
    source: String,
    event: String,
    object: String,
    details: String,
    changes: Vec<(String, String, String)>,
}

/// What is looked for, as it stands in the address.
struct Filter {
    actor: String,
    event: String,
    source: String,
    from: String,
    to: String,
}

impl Filter {
    fn of(form: &Form) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            actor: text("actor"),
            event: text("event"),
            source: text("source"),
            from: text("from"),
            to: text("to"),
        }
    }

    fn is_set(&self) -> bool {
        !self.written().is_empty()
    }

    fn query(&self) -> AuditQuery {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let to = self.to.parse::<NaiveDate>().ok();
        AuditQuery {
            actor: given(&self.actor),
            event: given(&self.event),
            source: given(&self.source),
            since: self.from.parse().ok().and_then(midnight),
            until: to
                .and_then(|day| day.checked_add_days(Days::new(1)))
                .and_then(midnight),
            ..AuditQuery::default()
        }
    }

    fn written(&self) -> String {
        let pairs = [
            ("actor", &self.actor),
            ("event", &self.event),
            ("source", &self.source),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let written = given.map(|(name, value)| format!("{name}={}", encoded(value)));
        written.collect::<Vec<_>>().join("&")
    }
}

/// When a day begins.
pub(super) fn midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    shell: Shell,
    filter: Filter,
    rows: Vec<Row>,
    sizes: Vec<(i64, bool)>,
    older: String,
    /// Where the first page is, for whoever went on.
    first: String,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let filter = Filter::of(&visit.query);
    let limit = rows(visit);
    let query = AuditQuery {
        before: visit.query.text("before").parse().ok(),
        limit,
        ..filter.query()
    };
    let entries = visit.console.admin.audit(&query)?;
    let full = i64::try_from(entries.len()).is_ok_and(|count| count == limit);
    let older = entries.last().filter(|_| full);
    let older = older.map(|(id, _)| format!("?{}&rows={limit}&before={id}", filter.written()));
    let first = match visit.query.checked("before") {
        true => format!("?{}&rows={limit}", filter.written()),
        false => String::new(),
    };
    let page = Audit {
        shell: Shell::new(visit, "audit", "Configuration Audit")?,
        filter,
        rows: entries.into_iter().map(|(_, entry)| row(entry)).collect(),
        sizes: sizes(visit),
        older: older.unwrap_or_default(),
        first,
    };
    ConsoleAnswer::page(200, &page)
}

#[derive(Template)]
#[template(path = "history.html")]
struct History {
    shell: Shell,
    tabs: Tabs,
    rows: Vec<Row>,
    older: String,
    first: String,
}

/// What was done to one configuration.
pub(in super::super) fn history(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let limit = rows(visit);
    let entries = visit.console.admin.audit(&AuditQuery {
        configuration: Some(shown.configuration.id),
        before: visit.query.text("before").parse().ok(),
        limit,
        ..AuditQuery::default()
    })?;
    let full = i64::try_from(entries.len()).is_ok_and(|count| count == limit);
    let older = entries.last().filter(|_| full);
    let page = History {
        shell: shown.shell(visit, "History")?,
        tabs: shown.tabs(visit, "history"),
        older: older
            .map(|(id, _)| format!("?rows={limit}&before={id}"))
            .unwrap_or_default(),
        first: match visit.query.checked("before") {
            true => format!("?rows={limit}"),
            false => String::new(),
        },
        rows: entries.into_iter().map(|(_, entry)| row(entry)).collect(),
    };
    ConsoleAnswer::page(200, &page)
}

fn row(entry: AuditEntry) -> Row {
    Row {
        at: instant(entry.at),
        actor: entry.actor,
        source: entry.source.unwrap_or_default(),
        event: entry.event.into_owned(),
        object: entry.object,
        changes: changes(&entry.details),
        details: entry.details.to_string(),
    }
}

/// The members that differ between `old` and `new`.
fn changes(details: &Value) -> Vec<(String, String, String)> {
    let of = |name: &str| details.get(name).and_then(Value::as_object);
    let (Some(old), Some(new)) = (of("old"), of("new")) else {
        return Vec::new();
    };
    let differing = new
        .iter()
        .filter(|(name, value)| old.get(*name) != Some(value));
    differing
        .map(|(name, value)| {
            let before = old.get(name).map(Value::to_string).unwrap_or_default();
            (name.clone(), before, value.to_string())
        })
        .collect()
}

/// The audit as a file, in the order of time.
pub(in super::super) fn export(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let filter = Filter::of(&visit.form);
    let admin = &visit.console.admin;
    let mut query = AuditQuery {
        limit: BLOCK,
        ..filter.query()
    };
    let mut lines = Lines::default();
    while lines.len() < EXPORTED {
        let entries = admin.audit(&query)?;
        let full = i64::try_from(entries.len()).is_ok_and(|count| count == BLOCK);
        query.before = entries.last().map(|(id, _)| *id);
        for (id, entry) in entries {
            lines.before(export::row([
                id.to_string(),
                instant(entry.at),
                entry.actor,
                entry.source.unwrap_or_default(),
                entry.event.into_owned(),
                entry.object,
                entry.details.to_string(),
            ]));
        }
        if !full {
            break;
        }
    }
    let details = json!({ "filter": filter.written(), "rows": lines.len() });
    admin.exported(&visit.actor()?, "audit", details)?;
    let heading = export::row([
        "id", "time", "actor", "source", "event", "object", "details",
    ]);
    Ok(ConsoleAnswer::file(
        "audit.csv",
        "text/csv; charset=utf-8",
        lines.text(&heading),
    ))
}

/// How many entries a file has at most.
const EXPORTED: usize = 50_000;
/// How many of them are read at once.
const BLOCK: i64 = 1_000;
