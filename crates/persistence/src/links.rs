//! Links that wait for an administrator.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use scim_admin::event::AuditEntry;
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_provisioning::directory::{Approval, PendingLink};
use scim_provisioning::{Configuration, ConfigurationId, StoreError};
use serde_json::{Value, json};

use crate::condition::millis;
use crate::connection::Connection;
use crate::log;
use crate::view::{instant, unreadable};

#[derive(diesel::QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    person_id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    attribute: String,
    #[diesel(sql_type = Text)]
    document: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
}

/// Notes a link; what the identity provider sent last counts.
pub(crate) fn note(
    connection: &mut Connection,
    configuration: ConfigurationId,
    link: &PendingLink,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    forget(connection, configuration, &link.person.to_string())?;
    let mut sql = connection.sql(
        "INSERT INTO pending_links (configuration_id, person_id, attribute, document, at) VALUES (",
    );
    sql.bind(configuration.to_string());
    sql.push(", ").bind(link.person.to_string());
    sql.push(", ").bind(link.attribute);
    sql.push(", ")
        .bind(Value::Object(link.document.clone()).to_string());
    sql.push(", ").bind(millis(now)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

fn forget(
    connection: &mut Connection,
    configuration: ConfigurationId,
    person: &str,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM pending_links WHERE configuration_id = ");
    sql.bind(configuration.to_string());
    sql.push(" AND person_id = ").bind(person);
    connection.execute(&sql)?;
    Ok(())
}

/// Notes that a link was approved, and that it waits no longer.
pub(crate) fn approve(
    connection: &mut Connection,
    configuration: &Configuration,
    approval: &Approval,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let person = approval.person.to_string();
    forget(connection, configuration.id, &person)?;
    let audit = AuditEntry {
        at: now,
        actor: approval.actor.clone(),
        source: approval.source.clone(),
        event: "link.approved".into(),
        object: configuration.name.clone(),
        configuration: Some(configuration.id),
        details: json!({ "person": person, "userName": approval.user_name }),
    };
    log::audit(connection, &audit)
}

/// The links that wait, of people whom nobody manages yet.
pub(crate) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
    query: &LinksQuery,
) -> Result<Vec<LinkRequest>, StoreError> {
    let mut sql = connection.sql(
        "SELECT l.person_id, u.user_name, l.attribute, l.document, l.at \
         FROM pending_links l JOIN users u ON u.id = l.person_id \
         WHERE u.is_tenant_admin = 0 AND l.configuration_id = ",
    );
    sql.bind(configuration.to_string()).push(" AND ");
    sql.push(&sql.aside("u.managed_by")).push(" IS NULL");
    for (condition, person) in [
        (" AND l.person_id = ", &query.person),
        (" AND l.person_id > ", &query.after),
    ] {
        if let Some(person) = person {
            sql.push(condition);
            sql.bind(person.clone());
        }
    }
    sql.push(" ORDER BY l.person_id");
    if let Some(limit) = query.limit {
        sql.push(" LIMIT ");
        sql.bind(limit);
    }
    let rows: Vec<LinkRow> = connection.rows(&sql)?;
    rows.into_iter()
        .map(|row| {
            let document: Value = serde_json::from_str(&row.document)
                .map_err(|_json| unreadable("pending_links.document"))?;
            Ok(LinkRequest {
                person: row.person_id,
                person_name: row.user_name,
                attribute: row.attribute,
                document,
                at: instant(row.at),
            })
        })
        .collect()
}
