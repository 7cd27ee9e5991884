//! Reading the provisioning log and the audit.

use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::event::{AuditEntry, AuditHead, AuditLink, EventQuery, LoggedEvent};
use scim_provisioning::StoreError;
use serde_json::Value;

use crate::connection::Connection;
use crate::log::HeadRow;
use crate::view::{instant, unreadable};

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
}

pub(super) fn list(
    connection: &mut Connection,
    query: &EventQuery,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let mut sql = connection.sql(
        "SELECT id, at, configuration_id, configuration_name, request_id, action, resource_type, \
         resource_id, resource_name, mapping_version, outcome, CAST(status AS INTEGER) AS status, scim_type, \
         reason, changes, deviations, duration_micros, source, user_agent \
         FROM provisioning_events WHERE TRUE",
    );
    if let Some(configuration) = query.configuration {
        sql.push(" AND configuration_id = ")
            .bind(configuration.to_string());
    }
    if let Some(outcome) = &query.outcome {
        sql.push(" AND outcome = ").bind(outcome);
    }
    if let Some(before) = query.before {
        sql.push(" AND id < ").bind(before);
    }
    match query.after.filter(|_| query.before.is_none()) {
        Some(after) => sql.push(" AND id > ").bind(after).push(" ORDER BY id"),
        None => sql.push(" ORDER BY id DESC"),
    };
    sql.push(" LIMIT ").bind(query.limit);
    let mut rows: Vec<EventRow> = connection.rows(&sql)?;
    if query.after.is_none() && query.before.is_none() {
        rows.reverse();
    }
    Ok(rows.into_iter().map(event).collect())
}

fn event(row: EventRow) -> LoggedEvent {
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    LoggedEvent {
        id: row.id,
        at: instant(row.at),
        configuration: row.configuration_id,
        configuration_name: row.configuration_name,
        request_id: row.request_id,
        action: row.action,
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        resource_name: row.resource_name,
        mapping_version: row.mapping_version,
        outcome: row.outcome,
        status: row.status,
        scim_type: row.scim_type,
        reason: row.reason,
        changes: json(&row.changes),
        deviations: json(&row.deviations),
        duration_micros: row.duration_micros,
        source: row.source,
        user_agent: row.user_agent,
    }
}

#[derive(diesel::QueryableByName)]
struct AuditRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    object: String,
    #[diesel(sql_type = Text)]
    details: String,
    #[diesel(sql_type = Nullable<Text>)]
    hash: Option<String>,
}

const AUDIT: &str = "SELECT id, at, actor, source, event, object, details, hash FROM audit_events";

/// Entries of the audit, the newest first.
pub(super) fn audit(
    connection: &mut Connection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
    let mut sql = connection.sql(AUDIT);
    if let Some(before) = before {
        sql.push(" WHERE id < ").bind(before);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
    let rows: Vec<AuditRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(|row| (row.id, entry(row))).collect())
}

/// Entries of the audit behind one of them, the oldest first.
pub(super) fn audit_links(
    connection: &mut Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<AuditLink>, StoreError> {
    let mut sql = connection.sql(AUDIT);
    sql.push(" WHERE id > ").bind(after);
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    let rows: Vec<AuditRow> = connection.rows(&sql)?;
    let link = |mut row: AuditRow| AuditLink {
        id: row.id,
        hash: row.hash.take(),
        entry: entry(row),
    };
    Ok(rows.into_iter().map(link).collect())
}

/// The end of the audit's chain.
pub(super) fn audit_head(connection: &mut Connection) -> Result<AuditHead, StoreError> {
    let sql = connection.sql("SELECT length, hash FROM audit_chain");
    let row: Option<HeadRow> = connection.row(&sql)?;
    row.map(HeadRow::into)
        .ok_or_else(|| unreadable("audit_chain"))
}

fn entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        at: instant(row.at),
        actor: row.actor,
        source: row.source,
        event: row.event.into(),
        object: row.object,
        details: serde_json::from_str(&row.details).unwrap_or(Value::Null),
    }
}
