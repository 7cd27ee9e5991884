//! Reading the provisioning log and the audit.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::event::{
    Activity, AuditEntry, AuditHead, AuditLink, AuditQuery, EventQuery, EventState, LoggedEvent,
};
use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::Value;

use crate::condition::millis;
use crate::connection::Connection;
use crate::log::HeadRow;
use crate::sql::{Dialect, Sql};
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
    #[diesel(sql_type = Nullable<Text>)]
    request: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    detail: Option<String>,
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

/// The statement of a query; `None` where nothing can fit.
fn selection(connection: &mut Connection, query: &EventQuery) -> Result<Option<Sql>, StoreError> {
    let mut sql = connection.sql(
        "SELECT id, at, configuration_id, configuration_name, request_id, action, resource_type, \
         resource_id, resource_name, mapping_version, outcome, CAST(status AS INTEGER) AS status, scim_type, \
         reason, changes, deviations, duration_micros, source, user_agent, request, detail, \
         resolved_at, resolved_by \
         FROM provisioning_events WHERE TRUE",
    );
    if let Some(configuration) = query.configuration {
        // Without a plus, SQLite reads the whole log of the configuration for the few entries of a
        // state, which have indexes of their own.
        let column = match (query.state, sql.dialect) {
            (Some(_), Dialect::Sqlite) => " AND +configuration_id = ",
            _ => " AND configuration_id = ",
        };
        sql.push(column).bind(configuration.to_string());
    }
    // The words of the indexes, which no bound value is known to fit.
    match (query.state, query.outcome.as_deref()) {
        (None, None) => {}
        (None, Some(outcome)) => {
            sql.push(" AND outcome = ").bind(outcome);
            if outcome != "success" {
                sql.push(" AND outcome <> 'success'");
            }
        }
        (Some(EventState::Open), Some("failure")) => {
            sql.push(" AND outcome = 'failure' AND resolved_at IS NULL");
        }
        (Some(EventState::Open), outcome) => {
            sql.push(" AND outcome IN ('failure', 'warning') AND resolved_at IS NULL");
            if let Some(outcome) = outcome {
                if outcome != "warning" {
                    return Ok(None);
                }
                sql.push(" AND outcome = ").bind(outcome);
            }
        }
        (Some(EventState::Resolved), outcome) => {
            sql.push(" AND resolved_at IS NOT NULL");
            if let Some(outcome) = outcome {
                sql.push(" AND outcome = ").bind(outcome);
            }
        }
    }
    if let Some(action) = &query.action {
        sql.push(" AND action = ").bind(action);
    }
    if let Some(kind) = &query.resource_type {
        sql.push(" AND resource_type = ").bind(kind);
    }
    let search = query.search.as_deref().map(str::trim);
    if let Some(search) = search.filter(|search| !search.is_empty()) {
        matching(connection, &mut sql, search)?;
    }
    let (mut low, mut high) = (query.after.filter(|_| query.before.is_none()), query.before);
    let newest_first = low.is_none();
    // Ids grow with time, but for transactions that ran side by side.
    if let Some(since) = query.since {
        let Some(first) = first_since(connection, since)? else {
            return Ok(None);
        };
        sql.push(" AND at >= ").bind(millis(since));
        low = low.max(Some(first - BESIDE));
    }
    if let Some(until) = query.until {
        sql.push(" AND at < ").bind(millis(until));
        if let Some(first) = first_since(connection, until)? {
            high = Some(high.map_or(first + BESIDE, |id| id.min(first + BESIDE)));
        }
    }
    if let Some(low) = low {
        sql.push(" AND id > ").bind(low);
    }
    if let Some(high) = high {
        sql.push(" AND id < ").bind(high);
    }
    sql.push(match newest_first {
        true => " ORDER BY id DESC",
        false => " ORDER BY id",
    });
    sql.push(" LIMIT ").bind(query.limit);
    Ok(Some(sql))
}

/// The first entry at a time or later.
fn first_since(connection: &mut Connection, at: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
    let mut sql = connection.sql("SELECT id FROM provisioning_events WHERE at >= ");
    sql.bind(millis(at)).push(" ORDER BY at LIMIT 1");
    let row: Option<IdRow> = connection.row(&sql)?;
    Ok(row.map(|row| row.id))
}

/// A text that is an id is looked for as one; any other is how the name of a resource begins.
fn matching(connection: &mut Connection, sql: &mut Sql, search: &str) -> Result<(), StoreError> {
    if uuid::Uuid::try_parse(search).is_ok() {
        let id = search.to_ascii_lowercase();
        sql.push(" AND (resource_id = ").bind(&id);
        sql.push(" OR request_id = ").bind(&id).push(")");
        return Ok(());
    }
    let key = fold(search);
    let mut named = connection.sql("SELECT id FROM provisioning_events WHERE resource_key >= ");
    named.bind(&key).push(" AND resource_key < ");
    named.bind(format!("{key}\u{10ffff}")).push(" LIMIT ");
    named.bind(i64::try_from(NAMED).unwrap_or(i64::MAX));
    let ids: Vec<IdRow> = connection.rows(&named)?;
    if ids.len() < NAMED {
        sql.push(" AND id IN (NULL");
        for row in ids {
            sql.push(", ").push(&row.id.to_string());
        }
        sql.push(")");
        return Ok(());
    }
    // So many that a page of them is found by going through the log.
    let length = i64::try_from(key.chars().count()).unwrap_or(i64::MAX);
    sql.push(" AND substr(resource_key, 1, ").bind_int(length);
    sql.push(") = ").bind(&key);
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// How far ids may be out of the order of time.
const BESIDE: i64 = 1_000;
/// How many entries of a name are sorted rather than looked for in the order of the log.
const NAMED: usize = 2_000;

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
        request: row.request.as_deref().map(json),
        detail: row.detail,
        resolved_at: row.resolved_at.map(instant),
        resolved_by: row.resolved_by,
    }
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
    sql.push(match by {
        Some(_) => " AND outcome IN ('failure', 'warning') AND resolved_at IS NULL",
        None => " AND resolved_at IS NOT NULL",
    });
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
            sql.push(" AND resource_key = ").bind(fold(name));
            sql.push(" AND configuration_id = ")
                .bind(&than.configuration);
            sql.push(" AND resource_type = ")
                .bind(than.resource_type.clone());
        }
        (None, None) => return Ok(None),
    }
    // What is held was taken as well, and is carried out when an administrator allows it.
    sql.push(" AND outcome IN ('success', 'warning', 'held') ORDER BY id LIMIT 1");
    let row: Option<IdRow> = connection.row(&sql)?;
    Ok(row.map(|row| row.id))
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
    #[diesel(sql_type = Nullable<Text>)]
    configuration_id: Option<String>,
}

const AUDIT: &str = "SELECT id, at, actor, source, event, object, details, hash, configuration_id \
    FROM audit_events";

/// Entries of the audit, the newest first.
pub(super) fn audit(
    connection: &mut Connection,
    query: &AuditQuery,
) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
    let mut sql = connection.sql(AUDIT);
    sql.push(" WHERE TRUE");
    if let Some(before) = query.before {
        sql.push(" AND id < ").bind(before);
    }
    if let Some(actor) = &query.actor {
        sql.push(" AND actor = ").bind(actor);
    }
    if let Some(source) = &query.source {
        sql.push(" AND source = ").bind(source);
    }
    if let Some(event) = &query.event {
        let length = i64::try_from(event.chars().count()).unwrap_or(i64::MAX);
        sql.push(" AND substr(event, 1, ").bind_int(length);
        sql.push(") = ").bind(event);
    }
    if let Some(configuration) = query.configuration {
        sql.push(" AND configuration_id = ")
            .bind(configuration.to_string());
    }
    if let Some(since) = query.since {
        sql.push(" AND at >= ").bind(millis(since));
    }
    if let Some(until) = query.until {
        sql.push(" AND at < ").bind(millis(until));
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(query.limit);
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
    let sql = connection.sql("SELECT length, hash, unchained FROM audit_chain");
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
        configuration: row
            .configuration_id
            .as_deref()
            .and_then(ConfigurationId::parse),
        details: serde_json::from_str(&row.details).unwrap_or(Value::Null),
    }
}

#[derive(diesel::QueryableByName)]
struct ActivityRow {
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = BigInt)]
    hour: i64,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = BigInt)]
    entries: i64,
}

#[derive(diesel::QueryableByName)]
struct UntilRow {
    #[diesel(sql_type = BigInt)]
    until: i64,
}

/// The entries since an hour, counted by configuration, hour and outcome: from the counts of past
/// hours, and from the log itself for what has come since.
pub(super) fn activity(
    connection: &mut Connection,
    since: DateTime<Utc>,
    configuration: Option<ConfigurationId>,
) -> Result<Vec<Activity>, StoreError> {
    let since = millis(since) / HOUR * HOUR;
    let counted = counted_until(connection)?;
    let mut sql = connection
        .sql("SELECT configuration_id, hour, outcome, entries FROM event_counts WHERE hour >= ");
    sql.bind(since);
    if let Some(id) = configuration {
        sql.push(" AND configuration_id = ").bind(id.to_string());
    }
    sql.push(" UNION ALL ");
    counts(&mut sql, since.max(counted), i64::MAX, configuration);
    sql.push(" ORDER BY 2, 1, 3");
    let rows: Vec<ActivityRow> = connection.rows(&sql)?;
    Ok(rows
        .into_iter()
        .map(|row| Activity {
            configuration: row.configuration_id,
            hour: instant(row.hour),
            outcome: row.outcome,
            entries: row.entries,
        })
        .collect())
}

/// Counts the hours that are over, so that nobody has to count their entries again.
pub(super) fn count_hours(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("SELECT counted_until AS until FROM event_counts_end");
    sql.for_update();
    let row: Option<UntilRow> = connection.row(&sql)?;
    let from = row.ok_or_else(|| unreadable("event_counts_end"))?.until;
    // A transaction that began in the hour may end a little later.
    let until = (millis(now) - LATE) / HOUR * HOUR;
    if until <= from {
        return Ok(());
    }
    let mut sql =
        connection.sql("INSERT INTO event_counts (configuration_id, hour, outcome, entries) ");
    counts(&mut sql, from, until, None);
    connection.execute(&sql)?;
    let mut sql = connection.sql("UPDATE event_counts_end SET counted_until = ");
    sql.bind(until);
    connection.execute(&sql)?;
    Ok(())
}

fn counted_until(connection: &mut Connection) -> Result<i64, StoreError> {
    let sql = connection.sql("SELECT counted_until AS until FROM event_counts_end");
    let row: Option<UntilRow> = connection.row(&sql)?;
    Ok(row.ok_or_else(|| unreadable("event_counts_end"))?.until)
}

fn counts(sql: &mut Sql, from: i64, until: i64, configuration: Option<ConfigurationId>) {
    sql.push(&format!(
        "SELECT configuration_id, at / {HOUR} * {HOUR} AS hour, outcome, count(*) AS entries \
         FROM provisioning_events WHERE at >= "
    ));
    sql.bind(from).push(" AND at < ").bind(until);
    if let Some(id) = configuration {
        sql.push(" AND configuration_id = ").bind(id.to_string());
    }
    sql.push(&format!(
        " GROUP BY configuration_id, at / {HOUR} * {HOUR}, outcome"
    ));
}

/// In milliseconds.
const HOUR: i64 = 3_600_000;
const LATE: i64 = 300_000;

#[cfg(test)]
mod tests {
    use scim_provisioning::ConfigurationId;

    use super::*;
    use crate::connection::Target;

    #[derive(diesel::QueryableByName)]
    struct StepRow {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    fn plan(connection: &mut Connection, query: &EventQuery) -> String {
        let mut sql = selection(connection, query).unwrap().unwrap();
        sql.text = format!("EXPLAIN QUERY PLAN {}", sql.text);
        let steps: Vec<StepRow> = connection.rows(&sql).unwrap();
        let steps: Vec<String> = steps.into_iter().map(|step| step.detail).collect();
        steps.join("; ")
    }

    #[test]
    fn the_few_entries_of_a_state_are_read_from_an_index_in_their_order() {
        let mut connection = Target::Sqlite(":memory:".to_owned()).connect().unwrap();
        connection.migrate().unwrap();
        let own = Some(ConfigurationId::new());
        let (open, resolved) = (Some(EventState::Open), Some(EventState::Resolved));
        for (state, outcome, configuration, index) in [
            (open, Some("failure"), None, "provisioning_events_failures"),
            (open, Some("failure"), own, "provisioning_events_failures"),
            (open, None, None, "provisioning_events_open"),
            (open, None, own, "provisioning_events_open"),
            (open, Some("warning"), own, "provisioning_events_open"),
            (resolved, None, None, "provisioning_events_resolved"),
            (resolved, None, own, "provisioning_events_resolved"),
            (None, Some("failure"), None, "provisioning_events_rare"),
            (None, None, own, "provisioning_events_configuration"),
            (None, None, None, "INTEGER PRIMARY KEY"),
        ] {
            for (after, before) in [(None, Some(i64::MAX)), (Some(0), None), (None, None)] {
                let query = EventQuery {
                    state,
                    configuration,
                    outcome: outcome.map(str::to_owned),
                    after,
                    before,
                    limit: 5,
                    ..EventQuery::default()
                };
                let plan = plan(&mut connection, &query);
                let whole = (index, after, before) == ("INTEGER PRIMARY KEY", None, None);
                assert!(plan.contains(index) || whole, "{query:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            }
        }
    }
}
