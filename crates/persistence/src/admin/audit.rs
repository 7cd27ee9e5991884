//! Reading the audit.

use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::event::{AuditEntry, AuditHead, AuditLink, AuditQuery};
use scim_admin::store::{LockAudit, ReadAudit};
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::Value;

use super::AdminRows;
use crate::error::unreadable;
use crate::log::HeadRow;
use crate::sql::Dialect;
use crate::time::{instant, millis};

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

impl ReadAudit for AdminRows<'_> {
    fn audit_entries(&mut self, query: &AuditQuery) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let mut sql = self.connection.sql(AUDIT);
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
        let rows: Vec<AuditRow> = self.connection.rows(&sql)?;
        Ok(rows.into_iter().map(|row| (row.id, entry(row))).collect())
    }

    fn audit_links(&mut self, after: i64, limit: i64) -> Result<Vec<AuditLink>, StoreError> {
        let mut sql = self.connection.sql(AUDIT);
        sql.push(" WHERE id > ").bind(after);
        sql.push(" ORDER BY id LIMIT ").bind(limit);
        let rows: Vec<AuditRow> = self.connection.rows(&sql)?;
        let link = |mut row: AuditRow| AuditLink {
            id: row.id,
            hash: row.hash.take(),
            entry: entry(row),
        };
        Ok(rows.into_iter().map(link).collect())
    }

    fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
        let sql = self
            .connection
            .sql("SELECT length, hash, unchained FROM audit_chain");
        let row: Option<HeadRow> = self.connection.row(&sql)?;
        row.map(HeadRow::into)
            .ok_or_else(|| unreadable("audit_chain"))
    }
}

impl LockAudit for AdminRows<'_> {
    fn lock_audit(&mut self) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("SELECT length, hash, unchained FROM audit_chain");
        if sql.dialect == Dialect::Sqlite {
            // There is one writer.
            return Ok(());
        }
        sql.for_update();
        self.connection.row::<HeadRow>(&sql).map(drop)
    }
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
