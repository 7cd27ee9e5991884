//! Reading the provisioning log.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::event::{EventQuery, LATER_SUCCESS, LoggedEvent, Word};
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::search::{ENTRIES, IdRow, selection};
use crate::connection::Connection;
use crate::key::Key;
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct EventRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Text)]
    configuration_name: String,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    resource_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    resource_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    resource_name: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    mapping_version: Option<i64>,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Integer)]
    status: i32,
    #[diesel(sql_type = Nullable<Text>)]
    scim_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Text)]
    changes: String,
    #[diesel(sql_type = Text)]
    deviations: String,
    #[diesel(sql_type = BigInt)]
    duration_micros: i64,
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_agent: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    request: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    detail: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    stage: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    cause: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    actor: Option<String>,
    #[diesel(sql_type = BigInt)]
    occurrences: i64,
    #[diesel(sql_type = Nullable<Text>)]
    run: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    resolved_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
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
    let mut sql = connection.sql(ENTRIES);
    sql.push("id ").among(ids);
    let rows: Vec<EventRow> = connection.rows(&sql)?;
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
    let mut sql = connection.sql("UPDATE provisioning_events SET resolved_at = ");
    sql.bind(by.map(|(_, at)| millis(at)));
    sql.push(", resolved_by = ").bind(by.map(|(name, _)| name));
    sql.push(" WHERE id = ").bind(id);
    match by {
        // An administrator's word stands before what closed by itself.
        Some(_) => sql
            .push(
                " AND outcome IN ('failure', 'warning') AND (resolved_at IS NULL OR resolved_by = ",
            )
            .bind(LATER_SUCCESS)
            .push(")"),
        None => sql.push(" AND resolved_at IS NOT NULL"),
    };
    Ok(connection.execute(&sql)? > 0)
}

/// The first entry that changed, after another one, what that was about: the resource of its id, or
/// what has the name that it was to be created with.
pub(super) fn newer_change(
    connection: &mut Connection,
    than: &LoggedEvent,
    name: Option<&str>,
) -> Result<Option<i64>, StoreError> {
    let mut sql = connection.sql("SELECT id FROM provisioning_events WHERE id > ");
    sql.bind(than.id);
    match (&than.resource_id, name) {
        (Some(id), _) => {
            sql.push(" AND resource_id = ").bind(id);
        }
        (None, Some(name)) => {
            sql.push(" AND resource_key = ").bind(Key::of(name));
            sql.push(" AND configuration_id = ")
                .bind(than.configuration.to_string());
            sql.push(" AND resource_type = ")
                .bind(than.kind.as_ref().map(Word::as_str));
        }
        (None, None) => return Ok(None),
    }
    // What is held was taken as well, and is carried out when an administrator allows it.
    sql.push(" AND outcome IN ('success', 'warning', 'held') ORDER BY id LIMIT 1");
    let row: Option<IdRow> = connection.row(&sql)?;
    Ok(row.map(|row| row.id))
}

/// Whether the resource of an entry was written after it.
pub(super) fn changed_since(
    connection: &mut Connection,
    event: &LoggedEvent,
) -> Result<bool, StoreError> {
    let Some(id) = &event.resource_id else {
        return Ok(false);
    };
    for table in ["users", "groups"] {
        let mut sql = connection.sql(&format!("SELECT version AS id FROM {table} WHERE id = "));
        sql.bind(id).push(" AND updated_at > ");
        sql.bind(millis(event.at));
        if connection.row::<IdRow>(&sql)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes entries from before a time, the oldest first; answers how many.
pub(super) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let mut sql = connection.sql(
        "DELETE FROM provisioning_events WHERE id IN \
         (SELECT id FROM provisioning_events WHERE at < ",
    );
    sql.bind(millis(before)).push(" ORDER BY at LIMIT ");
    sql.bind(limit).push(")");
    connection.execute(&sql)
}

/// Takes away what the requests of entries from before a time said, the oldest first; answers of how
/// many.
pub(super) fn forget_requests(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let mut sql = connection.sql(
        "UPDATE provisioning_events SET request = NULL WHERE id IN \
         (SELECT id FROM provisioning_events WHERE request IS NOT NULL AND at < ",
    );
    sql.bind(millis(before)).push(" ORDER BY at LIMIT ");
    sql.bind(limit).push(")");
    connection.execute(&sql)
}
