//! Reading the audit.

use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::event::{AuditEntry, AuditHead, AuditLink, AuditQuery};
use scim_admin::store::{LockAudit, ReadAudit};
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::Value;

use super::AdminRows;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::log::HeadRow;
use crate::nodes::{locked, never_alike};
use crate::schema::{audit_chain, audit_events};
use crate::sql::Dialect;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
struct AuditRow {
    id: i64,
    at: i64,
    actor: String,
    source: Option<String>,
    event: String,
    object: String,
    details: String,
    hash: Option<String>,
    configuration_id: Option<String>,
}

diesel::define_sql_function! {
    /// A part of a text, which both engines count in characters from 1.
    fn substr(text: diesel::sql_types::Text, from: diesel::sql_types::Integer, count: diesel::sql_types::Integer) -> diesel::sql_types::Text;
}

impl ReadAudit for AdminRows<'_> {
    fn audit_entries(&mut self, query: &AuditQuery) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let mut select = audit_events::table
            .select(AuditRow::as_select())
            .order(audit_events::id.desc())
            .limit(query.limit)
            .into_boxed();
        if let Some(before) = query.before {
            select = select.filter(audit_events::id.lt(before));
        }
        if let Some(actor) = &query.actor {
            select = select.filter(audit_events::actor.eq(actor));
        }
        if let Some(source) = &query.source {
            select = select.filter(audit_events::source.eq(source));
        }
        if let Some(event) = &query.event {
            let length = i32::try_from(event.chars().count()).unwrap_or(i32::MAX);
            select = select.filter(substr(audit_events::event, 1, length).eq(event));
        }
        if let Some(configuration) = query.configuration {
            let id = configuration.to_string();
            select = select.filter(audit_events::configuration_id.eq(id));
        }
        if let Some(since) = query.since {
            select = select.filter(audit_events::at.ge(millis(since)));
        }
        if let Some(until) = query.until {
            select = select.filter(audit_events::at.lt(millis(until)));
        }
        let rows: Vec<AuditRow> = self.connection.load(never_alike(select))?;
        Ok(rows.into_iter().map(|row| (row.id, entry(row))).collect())
    }

    fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
        let query = audit_chain::table.select((
            audit_chain::length,
            audit_chain::hash,
            audit_chain::unchained,
        ));
        let row: Option<(i64, String, i64)> = self.connection.first(query)?;
        let (length, hash, unchained) = row.ok_or_else(|| unreadable("audit_chain"))?;
        Ok(AuditHead {
            length,
            hash,
            unchained,
        })
    }

    fn audit_links(&mut self, after: i64, limit: i64) -> Result<Vec<AuditLink>, StoreError> {
        let query = audit_events::table
            .filter(audit_events::id.gt(after))
            .order(audit_events::id)
            .limit(limit)
            .select(AuditRow::as_select());
        let rows: Vec<AuditRow> = self.connection.load(query)?;
        let link = |mut row: AuditRow| AuditLink {
            id: row.id,
            hash: row.hash.take(),
            entry: entry(row),
        };
        Ok(rows.into_iter().map(link).collect())
    }
}

impl LockAudit for AdminRows<'_> {
    fn lock_audit(&mut self) -> Result<(), StoreError> {
        if self.connection.dialect() == Dialect::Sqlite {
            // There is one writer.
            return Ok(());
        }
        let end = locked(
            self.connection,
            audit_chain::table.select(HeadRow::as_select()),
        );
        self.connection.first::<HeadRow, _>(end).map(drop)
    }
}

/// The entries about objects of these names, the newest first.
pub(super) fn about(
    connection: &mut Connection,
    objects: &[String],
    limit: i64,
) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
    let mut found = Vec::new();
    for object in objects {
        // The index has the ids, so that no engine goes through the entries instead.
        let of = audit_events::table
            .filter(audit_events::object.eq(object))
            .order(audit_events::id.desc())
            .limit(limit)
            .select(audit_events::id);
        let ids: Vec<i64> = connection.load(of)?;
        if ids.is_empty() {
            continue;
        }
        let these = audit_events::table
            .filter(audit_events::id.eq_any(ids))
            .select(AuditRow::as_select());
        let rows: Vec<AuditRow> = connection.load(these)?;
        found.extend(rows.into_iter().map(|row| (row.id, entry(row))));
    }
    found.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    Ok(found)
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
