//! The provisioning log, the audit and its chain, and the outbox.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use scim_admin::event::{AuditEntry, AuditHead, LATER_SUCCESS};
use scim_provisioning::directory::Change;
use scim_provisioning::{Event, Outcome, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::time::millis;

pub(crate) fn record(connection: &mut Connection, event: &Event) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO provisioning_events (at, configuration_id, configuration_name, request_id, \
         action, resource_type, resource_id, resource_name, mapping_version, outcome, status, scim_type, reason, \
         changes, deviations, duration_micros, source, user_agent, request, detail, resource_key, \
         stage, cause, actor, occurrences) VALUES (",
    );
    sql.bind(millis(event.at));
    sql.push(", ").bind(event.configuration.to_string());
    sql.push(", ").bind(&event.configuration_name);
    sql.push(", ").bind(&event.request_id);
    sql.push(", ").bind(event.action.as_str());
    sql.push(", ")
        .bind(event.kind.map(scim_provisioning::ResourceKind::as_str));
    sql.push(", ")
        .bind(event.resource_id.map(|id| id.to_string()));
    sql.push(", ").bind(event.resource_name.clone());
    sql.push(", ").bind(event.mapping_version);
    sql.push(", ").bind(event.outcome.as_str());
    sql.push(", ").bind(i64::from(event.status));
    sql.push(", ").bind(event.scim_type.clone());
    sql.push(", ").bind(event.reason.clone());
    sql.push(", ").bind(event.changes.to_string());
    sql.push(", ").bind(event.deviations.to_string());
    sql.push(", ").bind(event.duration_micros);
    sql.push(", ").bind(event.source.clone());
    sql.push(", ").bind(event.user_agent.clone());
    let request = event.request.as_ref().map(serde_json::Value::to_string);
    sql.push(", ").bind(request);
    sql.push(", ").bind(event.detail.clone());
    let key = event.resource_name.as_deref().map(Key::of);
    sql.push(", ").bind(key);
    sql.push(", ")
        .bind(event.cause.map(|cause| cause.stage().as_str()));
    sql.push(", ")
        .bind(event.cause.map(scim_provisioning::Cause::as_str));
    sql.push(", ").bind(event.actor.clone());
    sql.push(", ").bind(i64::from(event.occurrences)).push(")");
    connection.execute(&sql)?;
    match event.outcome {
        Outcome::Success | Outcome::Warning | Outcome::Held => close_failures(connection, event),
        _ => Ok(()),
    }
}

/// Resolves the failures of what has been carried out now: of the resource, and of a creation under
/// its name. Both are found in indexes that hold open failures alone.
fn close_failures(connection: &mut Connection, event: &Event) -> Result<(), StoreError> {
    let (Some(id), Some(kind)) = (event.resource_id, event.kind) else {
        return Ok(());
    };
    let mut sql = connection.sql(OPEN_OF_ID);
    sql.bind(id.to_string());
    if let Some(name) = &event.resource_name {
        sql.push(" UNION ALL ")
            .push(OPEN_OF_NAME)
            .bind(Key::of(name));
    }
    // Nearly always there are none, and looking is all that is done. In one statement with the
    // update, PostgreSQL would begin with the whole log before it knows how few are open.
    let mut open: Vec<OpenRow> = connection.rows(&sql)?;
    // Looked at here, so that no index by configuration or by type is taken for the look-up.
    let configuration = event.configuration.to_string();
    open.retain(|row| {
        row.configuration_id == configuration
            && row
                .resource_type
                .as_deref()
                .is_none_or(|of| of == kind.as_str())
    });
    for some in open.chunks(CHUNK) {
        let mut sql = connection.sql("UPDATE provisioning_events SET resolved_at = ");
        sql.bind(millis(event.at)).push(", resolved_by = ");
        sql.bind(LATER_SUCCESS).push(" WHERE id ");
        sql.among(some.iter().map(|row| row.id));
        connection.execute(&sql)?;
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = diesel::sql_types::Nullable<Text>)]
    resource_type: Option<String>,
}

/// How many failures are resolved by one statement.
const CHUNK: usize = 500;
/// The keys of the indexes of open failures, as their migration has them.
const OPEN_OF_ID: &str = "SELECT id, configuration_id, resource_type FROM provisioning_events WHERE \
     (CASE WHEN outcome = 'failure' AND resolved_at IS NULL THEN resource_id END) = ";
const OPEN_OF_NAME: &str = "SELECT id, configuration_id, resource_type FROM provisioning_events WHERE \
     (CASE WHEN outcome = 'failure' AND resolved_at IS NULL AND resource_id IS NULL \
     THEN resource_key END) = ";

pub(crate) fn announce(
    connection: &mut Connection,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection
        .sql("INSERT INTO outbox (at, topic, resource_type, resource_id, payload) VALUES (");
    sql.bind(millis(now)).push(", ").bind(change.topic);
    sql.push(", ").bind(change.kind.as_str());
    sql.push(", ").bind(change.id.to_string());
    sql.push(", ").bind(change.payload.to_string()).push(")");
    connection.execute(&sql)?;
    Ok(())
}

/// Appends an entry to the audit's chain. The row of the chain's end is locked first, so that the
/// numbers of entries are in the order of the chain.
pub(crate) fn audit(connection: &mut Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let mut sql = connection.sql("SELECT length, hash, unchained FROM audit_chain");
    sql.for_update();
    let end: AuditHead = connection
        .row::<HeadRow>(&sql)?
        .map(HeadRow::into)
        .ok_or_else(|| unreadable("audit_chain"))?;
    let hash = entry.hash_after(&end.hash);
    let mut sql = connection
        .sql("INSERT INTO audit_events (at, actor, source, event, object, details, configuration_id, hash) VALUES (");
    sql.bind(millis(entry.at)).push(", ").bind(&entry.actor);
    sql.push(", ").bind(entry.source.clone());
    sql.push(", ")
        .bind(&*entry.event)
        .push(", ")
        .bind(&entry.object);
    sql.push(", ").bind(entry.details.to_string());
    sql.push(", ")
        .bind(entry.configuration.map(|id| id.to_string()));
    sql.push(", ").bind(&hash).push(")");
    connection.execute(&sql)?;
    let mut sql = connection.sql("UPDATE audit_chain SET length = length + 1, hash = ");
    sql.bind(&hash);
    connection.execute(&sql)?;
    Ok(())
}

/// The end of the audit's chain.
#[derive(diesel::QueryableByName)]
pub(crate) struct HeadRow {
    #[diesel(sql_type = BigInt)]
    length: i64,
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = BigInt)]
    unchained: i64,
}

impl From<HeadRow> for AuditHead {
    fn from(row: HeadRow) -> Self {
        Self {
            length: row.length,
            hash: row.hash,
            unchained: row.unchained,
        }
    }
}
