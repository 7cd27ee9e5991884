//! Reading the provisioning log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_admin::event::{EventQuery, LATER_SUCCESS, LoggedEvent, Word};
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::search::selection;
use crate::connection::Connection;
use crate::key::Key;
use crate::nodes::update;
use crate::schema::{groups, provisioning_events, users};
use crate::time::{instant, millis};
use crate::values::{among_numbers, one_of};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = provisioning_events)]
struct EventRow {
    id: i64,
    at: i64,
    configuration_id: String,
    configuration_name: String,
    request_id: String,
    action: String,
    resource_type: Option<String>,
    resource_id: Option<String>,
    resource_name: Option<String>,
    mapping_version: Option<i64>,
    outcome: String,
    status: i32,
    scim_type: Option<String>,
    reason: Option<String>,
    changes: String,
    deviations: String,
    duration_micros: i64,
    source: Option<String>,
    user_agent: Option<String>,
    request: Option<String>,
    detail: Option<String>,
    stage: Option<String>,
    cause: Option<String>,
    actor: Option<String>,
    occurrences: i64,
    run: Option<String>,
    resolved_at: Option<i64>,
    resolved_by: Option<String>,
}

pub(super) fn list(
    connection: &mut Connection,
    query: &EventQuery,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let Some(sql) = selection(connection, query)? else {
        return Ok(Vec::new());
    };
    let mut rows: Vec<EventRow> = connection.rows(&sql)?;
    if query.after.is_none() && query.before.is_none() {
        rows.reverse();
    }
    Ok(rows.into_iter().map(event).collect())
}

/// The entries of these ids, the newest first.
pub(super) fn of_ids(
    connection: &mut Connection,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let entries = provisioning_events::table
        .filter(among_numbers(provisioning_events::id, ids))
        .select(EventRow::as_select());
    let rows: Vec<EventRow> = connection.load(entries)?;
    let mut found: Vec<LoggedEvent> = rows.into_iter().map(event).collect();
    found.sort_by_key(|event| std::cmp::Reverse(event.id));
    Ok(found)
}

/// History is read as it is: a value that makes no sense takes neither its entry nor the log away.
fn event(row: EventRow) -> LoggedEvent {
    let id = row.id;
    let json = |column, text: &str| {
        serde_json::from_str(text).map_err(|_json| note_unreadable(id, column))
    };
    LoggedEvent {
        id,
        at: instant(row.at),
        configuration: ConfigurationId::parse(&row.configuration_id).unwrap_or_else(|| {
            note_unreadable(id, "configuration_id");
            ConfigurationId::NONE
        }),
        configuration_name: row.configuration_name,
        request_id: row.request_id,
        action: Word::of(row.action),
        kind: row.resource_type.map(Word::of),
        resource_id: row.resource_id,
        resource_name: row.resource_name,
        mapping_version: row.mapping_version,
        outcome: Word::of(row.outcome),
        status: row.status,
        scim_type: row.scim_type,
        reason: row.reason,
        changes: json("changes", &row.changes).unwrap_or_default(),
        deviations: json("deviations", &row.deviations).unwrap_or_default(),
        duration_micros: row.duration_micros,
        source: row.source,
        user_agent: row.user_agent,
        request: row
            .request
            .and_then(|request| json("request", &request).ok()),
        detail: row.detail,
        stage: row.stage.map(Word::of),
        cause: row.cause.map(Word::of),
        actor: row.actor,
        occurrences: row.occurrences,
        run: row.run.as_deref().and_then(RunId::parse),
        resolved_at: row.resolved_at.map(instant),
        resolved_by: row.resolved_by,
    }
}

/// Says in the server's log that a column of an entry cannot be read.
fn note_unreadable(id: i64, column: &str) {
    tracing::error!(
        id,
        column,
        "an entry of the provisioning log cannot be read"
    );
}

/// Marks an entry as resolved by somebody or, with `None`, as open again; answers whether it was
/// not so already.
pub(super) fn resolve(
    connection: &mut Connection,
    id: i64,
    by: Option<(&str, DateTime<Utc>)>,
) -> Result<bool, StoreError> {
    let changes = (
        provisioning_events::resolved_at.eq(by.map(|(_, at)| millis(at))),
        provisioning_events::resolved_by.eq(by.map(|(name, _)| name)),
    );
    let entry = provisioning_events::id.eq(id);
    let written = match by {
        // An administrator's word stands before what closed by itself.
        Some(_) => {
            let open = one_of(provisioning_events::outcome, &["failure", "warning"]).and(
                provisioning_events::resolved_at
                    .is_null()
                    .or(provisioning_events::resolved_by.eq(LATER_SUCCESS)),
            );
            connection.execute(update(provisioning_events::table, entry.and(open), changes))?
        }
        None => {
            let resolved = entry.and(provisioning_events::resolved_at.is_not_null());
            connection.execute(update(provisioning_events::table, resolved, changes))?
        }
    };
    Ok(written > 0)
}

/// The first entry that changed, after another one, what that was about: the resource of its id, or
/// what has the name that it was to be created with.
pub(super) fn newer_change(
    connection: &mut Connection,
    than: &LoggedEvent,
    name: Option<&str>,
) -> Result<Option<i64>, StoreError> {
    let first = provisioning_events::table
        .filter(provisioning_events::id.gt(than.id))
        // What is held was taken as well, and is carried out when an administrator allows it.
        .filter(one_of(
            provisioning_events::outcome,
            &["success", "warning", "held"],
        ))
        .order(provisioning_events::id)
        .limit(1)
        .select(provisioning_events::id);
    match (&than.resource_id, name) {
        (Some(id), _) => connection.first(first.filter(provisioning_events::resource_id.eq(id))),
        (None, Some(name)) => {
            let configuration = than.configuration.to_string();
            let kind = than.kind.as_ref().map(Word::as_str);
            connection.first(
                first
                    .filter(provisioning_events::resource_key.eq(Key::of(name).as_str()))
                    .filter(provisioning_events::configuration_id.eq(configuration))
                    .filter(provisioning_events::resource_type.eq(kind)),
            )
        }
        (None, None) => Ok(None),
    }
}

/// Whether the resource of an entry was written after it.
pub(super) fn changed_since(
    connection: &mut Connection,
    event: &LoggedEvent,
) -> Result<bool, StoreError> {
    let Some(id) = &event.resource_id else {
        return Ok(false);
    };
    let person = users::table
        .find(id)
        .filter(users::updated_at.gt(millis(event.at)))
        .select(users::version);
    if connection.first::<i64, _>(person)?.is_some() {
        return Ok(true);
    }
    let group = groups::table
        .find(id)
        .filter(groups::updated_at.gt(millis(event.at)))
        .select(groups::version);
    Ok(connection.first::<i64, _>(group)?.is_some())
}

/// Deletes entries from before a time, the oldest first; answers how many.
pub(super) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let old = diesel::alias!(provisioning_events as old);
    let old = old
        .filter(old.field(provisioning_events::at).lt(millis(before)))
        .order(old.field(provisioning_events::at))
        .limit(limit)
        .select(old.field(provisioning_events::id));
    let old = provisioning_events::table.filter(provisioning_events::id.eq_any(old));
    connection.execute(diesel::delete(old))
}

/// Takes away what the requests of entries from before a time said, the oldest first; answers of how
/// many.
pub(super) fn forget_requests(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let old = diesel::alias!(provisioning_events as old);
    let old = old
        .filter(old.field(provisioning_events::request).is_not_null())
        .filter(old.field(provisioning_events::at).lt(millis(before)))
        .order(old.field(provisioning_events::at))
        .limit(limit)
        .select(old.field(provisioning_events::id));
    let none = provisioning_events::request.eq(None::<String>);
    let old = provisioning_events::id.eq_any(old);
    connection.execute(update(provisioning_events::table, old, none))
}
