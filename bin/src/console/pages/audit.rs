//! What administrators did.

use askama::Template;
use scim_admin::event::AuditQuery;

use super::super::{ConsoleAnswer, Failed, Visit};
use super::{ROWS, Shell, instant};

struct Row {
    at: String,
    actor: String,
    source: String,
    event: String,
    object: String,
    details: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    shell: Shell,
    rows: Vec<Row>,
    older: String,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let before = visit.query.text("before").parse().ok();
    let entries = visit.console.admin.audit(&AuditQuery {
        before,
        limit: ROWS,
        ..AuditQuery::default()
    })?;
    let full = i64::try_from(entries.len()).is_ok_and(|count| count == ROWS);
    let older = entries.last().filter(|_| full);
    let older = older.map(|(id, _)| format!("?before={id}"));
    let rows = entries.into_iter().map(|(_, entry)| Row {
        at: instant(entry.at),
        actor: entry.actor,
        source: entry.source.unwrap_or_default(),
        event: entry.event.into_owned(),
        object: entry.object,
        details: entry.details.to_string(),
    });
    let page = Audit {
        shell: Shell::new(visit, "audit", "Configuration Audit")?,
        rows: rows.collect(),
        older: older.unwrap_or_default(),
    };
    ConsoleAnswer::page(200, &page)
}
