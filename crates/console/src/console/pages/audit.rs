//! What administrators did.

use askama::Template;
use chrono::{DateTime, Days, NaiveDate, Utc};
use scim_admin::event::{AuditEntry, AuditQuery};
use serde_json::{Value, json};

use super::super::export::{self, Lines};
use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Form, Visit};
use super::configuration::{Shown, Tabs};
use super::{Shell, instant, rows, sizes, spaced};

struct Row {
    at: String,
    actor: String,
    source: String,
    event: String,
    object: String,
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
    let entries = visit.console.admin.read_audit(&visit.actor()?, &query)?;
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
        object: entry.object,
        changes: changes(&entry.event, &entry.details),
        event: entry.event.into_owned(),
    }
}

/// What an entry tells, field by field: the name of a field, what it was, what it is.
pub(in super::super) fn changes(event: &str, details: &Value) -> Vec<(String, String, String)> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for (value, fields) in [
        (details.get("old"), &mut old),
        (details.get("new"), &mut new),
    ] {
        match value {
            // Its fields have names of their own.
            Some(Value::Object(_)) => flatten("", value, fields),
            _ => flatten(&changed_alone(event), value, fields),
        }
    }
    let of = |fields: &[(String, String)], name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let gone = old
        .iter()
        .filter(|(name, _)| new.iter().all(|(known, _)| known != name));
    let names = new.iter().chain(gone).map(|(name, _)| name);
    let mut told: Vec<_> = names
        .map(|name| (name.clone(), of(&old, name), of(&new, name)))
        .filter(|(_, old, new)| old != new)
        .collect();
    // What else is known of it neither was nor is something else.
    let mut more = Vec::new();
    for (name, value) in details.as_object().into_iter().flatten() {
        if name != "old" && name != "new" {
            flatten(&spaced(name), Some(value), &mut more);
        }
    }
    told.extend(
        more.into_iter()
            .map(|(name, value)| (name, String::new(), value)),
    );
    told
}

/// What an event such as `account.role_changed` is about, where the entry has one value and no
/// name for it.
fn changed_alone(event: &str) -> String {
    match event {
        "mapping.activated" => "version".to_owned(),
        "token.endSet" => "expires".to_owned(),
        event => {
            let word = event.rsplit('.').next().unwrap_or_default();
            word.trim_end_matches("_changed").replace('_', " ")
        }
    }
}

/// The fields of a value, each by the names that lead to it.
pub(in super::super) fn flatten(
    name: &str,
    value: Option<&Value>,
    into: &mut Vec<(String, String)>,
) {
    let said = match value {
        None => return,
        Some(Value::Object(members)) => {
            for (member, value) in members {
                let path = match name {
                    "" => spaced(member),
                    name => format!("{name} › {}", spaced(member)),
                };
                flatten(&path, Some(value), into);
            }
            return;
        }
        Some(Value::Null) => String::new(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let said = items.iter().map(|item| match item {
                Value::String(text) => text.clone(),
                item => item.to_string(),
            });
            said.collect::<Vec<_>>().join(", ")
        }
        Some(number) => number.to_string(),
    };
    into.push((name.to_owned(), said));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &str, details: &Value) -> Vec<String> {
        let told = changes(event, details).into_iter();
        told.map(|(name, old, new)| format!("{name}: {old} > {new}"))
            .collect()
    }

    #[test]
    fn an_entry_tells_field_by_field_what_was_and_what_is() {
        let guard = |count| {
            json!({"policies": {"guard": {"count": count, "action": "hold"},
            "onDelete": "block"}, "users": true, "networks": ["10.0.0.0/8", "::1/128"]})
        };
        let edited = json!({"old": guard(2), "new": guard(7)});
        assert_eq!(
            told("configuration.edited", &edited),
            ["policies › guard › count: 2 > 7"]
        );
        let created = json!({"new": {"networks": ["10.0.0.0/8", "::1/128"], "users": true},
            "token": "t1"});
        assert_eq!(
            told("configuration.created", &created),
            [
                "networks:  > 10.0.0.0/8, ::1/128",
                "users:  > yes",
                "token:  > t1"
            ]
        );
        let deleted = json!({"old": {"name": "Okta"}});
        assert_eq!(told("configuration.deleted", &deleted), ["name: Okta > "]);
        let role = json!({"old": "auditor", "new": "administrator"});
        assert_eq!(
            told("account.role_changed", &role),
            ["role: auditor > administrator"]
        );
        let version = json!({"resource": "User", "old": 1, "new": 2});
        assert_eq!(
            told("mapping.activated", &version),
            ["version: 1 > 2", "resource:  > User"]
        );
    }
}
