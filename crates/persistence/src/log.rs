//! The provisioning log, and the audit and its chain.

mod several;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::event::{AuditEntry, AuditHead, LATER_SUCCESS};
use scim_provisioning::words::terms_of;
use scim_provisioning::{Event, Outcome, ResourceKind, StoreError};

#[cfg(feature = "postgres")]
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

use crate::connection::Connection;
#[cfg(feature = "postgres")]
use crate::engine::MultiBackend;
use crate::error::unreadable;
use crate::key::Key;
use crate::nodes::locked;
use crate::schema::{audit_chain, audit_events, provisioning_events};
#[cfg(feature = "postgres")]
use crate::sql::Dialect;
use crate::sql::Sql;
use crate::terms;
use crate::time::millis;
use crate::values::among_numbers;

/// The entries of the log that work in a transaction tells. They are written when the work is done,
/// a single one on PostgreSQL in one statement with what belongs to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    events: Vec<Event>,
}

impl Told {
    pub(crate) fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    /// What was told before, and what is told behind it.
    pub(crate) fn append(&mut self, mut behind: Self) {
        self.events.append(&mut behind.events);
    }

    /// Writes them.
    pub(crate) fn write(self, connection: &mut Connection) -> Result<(), StoreError> {
        let Some((last, before)) = self.events.split_last() else {
            return Ok(());
        };
        several::record_all(connection, before)?;
        #[cfg(feature = "postgres")]
        if connection.dialect() == Dialect::Postgres {
            return together(connection, last);
        }
        record(connection, last)
    }
}

/// A row of the log.
#[derive(Insertable)]
#[diesel(table_name = provisioning_events)]
#[diesel(treat_none_as_default_value = false)]
struct EventRow<'e> {
    at: i64,
    configuration_id: String,
    configuration_name: &'e str,
    request_id: &'e str,
    action: &'static str,
    resource_type: Option<&'static str>,
    resource_id: Option<String>,
    resource_name: Option<&'e str>,
    mapping_version: Option<i64>,
    outcome: &'static str,
    status: i32,
    scim_type: Option<&'e str>,
    reason: Option<&'e str>,
    changes: String,
    deviations: String,
    duration_micros: i64,
    source: Option<&'e str>,
    user_agent: Option<&'e str>,
    request: Option<String>,
    detail: Option<&'e str>,
    resource_key: Option<String>,
    stage: Option<&'static str>,
    cause: Option<&'static str>,
    actor: Option<&'e str>,
    occurrences: i64,
    run: Option<String>,
}

impl<'e> EventRow<'e> {
    fn new(event: &'e Event) -> Self {
        let key = event.resource_name.as_deref().map(Key::of);
        Self {
            at: millis(event.at),
            configuration_id: event.configuration.to_string(),
            configuration_name: &event.configuration_name,
            request_id: &event.request_id,
            action: event.action.as_str(),
            resource_type: event.kind.map(ResourceKind::as_str),
            resource_id: event.resource_id.map(|id| id.to_string()),
            resource_name: event.resource_name.as_deref(),
            mapping_version: event.mapping_version,
            outcome: event.outcome.as_str(),
            status: i32::from(event.status),
            scim_type: event.scim_type.as_deref(),
            reason: event.reason.as_deref(),
            changes: event.changes.to_string(),
            deviations: event.deviations.to_string(),
            duration_micros: event.duration_micros,
            source: event.source.as_deref(),
            user_agent: event.user_agent.as_deref(),
            request: event.request.as_ref().map(serde_json::Value::to_string),
            detail: event.detail.as_deref(),
            resource_key: key.map(|key| key.as_str().to_owned()),
            stage: event.cause.map(|cause| cause.stage().as_str()),
            cause: event.cause.map(scim_provisioning::Cause::as_str),
            actor: event.actor.as_deref(),
            occurrences: i64::from(event.occurrences),
            run: event.run.map(|run| run.to_string()),
        }
    }
}

/// Appends an entry to the log.
pub(crate) fn record(connection: &mut Connection, event: &Event) -> Result<(), StoreError> {
    let insert = diesel::insert_into(provisioning_events::table).values(EventRow::new(event));
    let terms = terms_of(event);
    match terms.is_empty() {
        true => drop(connection.execute(insert)?),
        false => {
            let id: Option<i64> = connection.first(insert.returning(provisioning_events::id))?;
            terms::insert(connection, id, &terms)?;
        }
    }
    close(connection, event)
}

/// Resolves the open failures of what an event says has been carried out.
fn close(connection: &mut Connection, event: &Event) -> Result<(), StoreError> {
    let (Some(id), true) = (event.resource_id, closes(event)) else {
        return Ok(());
    };
    let mut sql = connection.sql("SELECT * FROM (");
    push_open(&mut sql, &id.to_string(), event);
    sql.push(") AS open");
    let open: Vec<OpenRow> = connection.rows(&sql)?;
    close_failures(connection, event, open)
}

/// Whether failures are resolved by what an event tells.
fn closes(event: &Event) -> bool {
    let done = matches!(
        event.outcome,
        Outcome::Success | Outcome::Warning | Outcome::Held
    );
    done && event.resource_id.is_some() && event.kind.is_some()
}

/// Appends what finds the open failures of what has been carried out now: of the resource, and of a
/// creation under its name. Both are found in indexes that hold open failures alone.
///
/// Nearly always there are none, and looking is all that is done. In one statement with the update,
/// PostgreSQL would begin with the whole log before it knows how few are open.
fn push_open(sql: &mut Sql, id: &str, event: &Event) {
    sql.push(OPEN_OF_ID).push("= ").bind(id);
    if let Some(name) = &event.resource_name {
        sql.push(" UNION ALL ")
            .push(OPEN_OF_NAME)
            .push("= ")
            .bind(Key::of(name));
    }
}

/// Resolves open failures of what an event says has been carried out.
fn close_failures(
    connection: &mut Connection,
    event: &Event,
    mut open: Vec<OpenRow>,
) -> Result<(), StoreError> {
    let Some(kind) = event.kind else {
        return Ok(());
    };
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
        let resolved = (
            provisioning_events::resolved_at.eq(millis(event.at)),
            provisioning_events::resolved_by.eq(LATER_SUCCESS),
        );
        let ids = some.iter().map(|row| row.id);
        let open = provisioning_events::table.filter(among_numbers(provisioning_events::id, ids));
        connection.execute(diesel::update(open).set(resolved))?;
    }
    Ok(())
}

/// Appends an entry to the log in one statement, which also looks for open failures and tells the
/// number of the transaction, by which a commit that nobody answered is found out.
#[cfg(feature = "postgres")]
fn together(connection: &mut Connection, event: &Event) -> Result<(), StoreError> {
    let id = event.resource_id.map(|id| id.to_string());
    let looks = closes(event);
    let open = match (looks, &id) {
        (true, Some(id)) => {
            let mut sql = connection.sql("");
            push_open(&mut sql, id, event);
            Some(sql)
        }
        _ => None,
    };
    let statement = Together {
        event: diesel::insert_into(provisioning_events::table).values(EventRow::new(event)),
        open,
    };
    let rows: Vec<TogetherRow> = connection.load(statement)?;
    let terms = terms_of(event);
    if !terms.is_empty() {
        terms::insert(connection, rows.first().map(|row| row.logged), &terms)?;
    }
    let number = rows.first().and_then(|row| row.transaction.clone());
    connection.note_transaction(number);
    let open = rows.into_iter().filter_map(TogetherRow::open).collect();
    close_failures(connection, event, open)
}

/// See [`together`].
#[cfg(feature = "postgres")]
struct Together<E> {
    event: E,
    open: Option<Sql>,
}

#[cfg(feature = "postgres")]
impl<E: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Together<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("WITH logged AS (");
        self.event.walk_ast(out.reborrow())?;
        out.push_sql(
            " RETURNING id) SELECT CAST(pg_current_xact_id() AS text) AS transaction, \
             logged.id AS logged, open.id, open.configuration_id, open.resource_type \
             FROM logged LEFT JOIN (",
        );
        match &self.open {
            Some(open) => open.walk_ast(out.reborrow())?,
            None => out.push_sql(
                "SELECT CAST(NULL AS bigint) AS id, CAST(NULL AS text) AS configuration_id, \
                 CAST(NULL AS text) AS resource_type WHERE FALSE",
            ),
        }
        out.push_sql(") AS open ON TRUE");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<E> QueryId for Together<E> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
#[cfg(feature = "postgres")]
impl<E> Query for Together<E> {
    type SqlType = diesel::sql_types::Untyped;
}
#[cfg(feature = "postgres")]
impl<E, Conn> RunQueryDsl<Conn> for Together<E> {}

#[cfg(feature = "postgres")]
#[derive(diesel::QueryableByName)]
struct TogetherRow {
    #[diesel(sql_type = Nullable<Text>)]
    transaction: Option<String>,
    #[diesel(sql_type = BigInt)]
    logged: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    configuration_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    resource_type: Option<String>,
}

#[cfg(feature = "postgres")]
impl TogetherRow {
    fn open(self) -> Option<OpenRow> {
        Some(OpenRow {
            id: self.id?,
            configuration_id: self.configuration_id?,
            resource_type: self.resource_type,
        })
    }
}

#[derive(diesel::QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    resource_type: Option<String>,
}

/// How many failures are resolved by one statement.
const CHUNK: usize = 500;
/// The keys of the indexes of open failures, as their migration has them.
const OPEN_OF_ID: &str = "SELECT id, configuration_id, resource_type FROM provisioning_events WHERE \
     (CASE WHEN outcome = 'failure' AND resolved_at IS NULL THEN resource_id END) ";
const OPEN_OF_NAME: &str = "SELECT id, configuration_id, resource_type FROM provisioning_events WHERE \
     (CASE WHEN outcome = 'failure' AND resolved_at IS NULL AND resource_id IS NULL \
     THEN resource_key END) ";

/// Appends an entry to the audit's chain. The row of the chain's end is locked first, so that the
/// numbers of entries are in the order of the chain.
pub(crate) fn audit(connection: &mut Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let end = locked(connection, audit_chain::table.select(HeadRow::as_select()));
    let end: Option<HeadRow> = connection.first(end)?;
    let end: AuditHead = end
        .map(HeadRow::into)
        .ok_or_else(|| unreadable("audit_chain"))?;
    let hash = entry.hash_after(&end.hash);
    connection.execute(diesel::insert_into(audit_events::table).values((
        audit_events::at.eq(millis(entry.at)),
        audit_events::actor.eq(&entry.actor),
        audit_events::source.eq(&entry.source),
        audit_events::event.eq(&*entry.event),
        audit_events::object.eq(&entry.object),
        audit_events::details.eq(entry.details.to_string()),
        audit_events::configuration_id.eq(entry.configuration.map(|id| id.to_string())),
        audit_events::hash.eq(&hash),
    )))?;
    let longer = (
        audit_chain::length.eq(audit_chain::length + 1_i64),
        audit_chain::hash.eq(&hash),
    );
    connection.execute(diesel::update(audit_chain::table).set(longer))?;
    Ok(())
}

/// The end of the audit's chain.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_chain)]
pub(crate) struct HeadRow {
    length: i64,
    hash: String,
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
