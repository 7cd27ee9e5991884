//! Links that wait for an administrator.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use scim_admin::event::AuditEntry;
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_provisioning::directory::{Approval, PendingLink};
use scim_provisioning::{Configuration, ConfigurationId, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::condition::millis;
use crate::connection::Connection;
use crate::key::Key;
use crate::log;
use crate::view::{instant, unreadable};

#[derive(diesel::QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    id: String,
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

/// Notes a link beside the others that wait; what was sent last of the same user counts.
pub(crate) fn note(
    connection: &mut Connection,
    configuration: ConfigurationId,
    link: &PendingLink,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let document = Value::Object(link.document.clone());
    let key = candidate(&document);
    let mut sql = connection.sql("DELETE FROM link_candidates WHERE configuration_id = ");
    sql.bind(configuration.to_string());
    sql.push(" AND person_id = ").bind(link.person.to_string());
    sql.push(" AND candidate_key = ").bind(key.clone());
    connection.execute(&sql)?;
    // With a new id: who decides about what was shown before is told that it is another one now.
    let mut sql = connection.sql(
        "INSERT INTO link_candidates (id, configuration_id, person_id, candidate_key, attribute, \
         document, at) VALUES (",
    );
    sql.bind(Uuid::now_v7().to_string());
    sql.push(", ").bind(configuration.to_string());
    sql.push(", ").bind(link.person.to_string());
    sql.push(", ").bind(key);
    sql.push(", ").bind(link.attribute);
    sql.push(", ").bind(document.to_string());
    sql.push(", ").bind(millis(now)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

/// By what a user is told from others whom the identity provider wanted to create.
fn candidate(document: &Value) -> Key {
    let name = document.get("userName").and_then(Value::as_str);
    Key::of(name.unwrap_or_default())
}

/// Forgets the links of a person, and those of a user.
fn forget(
    connection: &mut Connection,
    configuration: ConfigurationId,
    person: &str,
    user_name: &str,
) -> Result<(), StoreError> {
    for (column, value) in [
        ("person_id", person.to_owned()),
        ("candidate_key", Key::of(user_name).as_str().to_owned()),
    ] {
        let mut sql = connection.sql("DELETE FROM link_candidates WHERE configuration_id = ");
        sql.bind(configuration.to_string());
        sql.push(&format!(" AND {column} = ")).bind(value);
        connection.execute(&sql)?;
    }
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
    forget(connection, configuration.id, &person, &approval.user_name)?;
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
        "SELECT l.id, l.person_id, u.user_name, l.attribute, l.document, l.at \
         FROM link_candidates l JOIN users u ON u.id = l.person_id \
         WHERE u.is_tenant_admin = 0 AND l.configuration_id = ",
    );
    sql.bind(configuration.to_string()).push(" AND ");
    sql.push(&sql.aside("u.managed_by")).push(" IS NULL");
    for (condition, person) in [
        (" AND l.person_id = ", &query.person),
        (" AND l.id > ", &query.after),
    ] {
        if let Some(person) = person {
            sql.push(condition);
            sql.bind(person.clone());
        }
    }
    sql.push(" ORDER BY l.id");
    if let Some(limit) = query.limit {
        sql.push(" LIMIT ");
        sql.bind(limit);
    }
    let rows: Vec<LinkRow> = connection.rows(&sql)?;
    let links: Result<Vec<LinkRequest>, StoreError> = rows
        .into_iter()
        .map(|row| {
            let document: Value = serde_json::from_str(&row.document)
                .map_err(|_json| unreadable("link_candidates.document"))?;
            Ok(LinkRequest {
                id: row.id,
                person: row.person_id,
                person_name: row.user_name,
                attribute: row.attribute,
                document,
                at: instant(row.at),
            })
        })
        .collect();
    let mut links = links?;
    // The strongest one of a person first, and the newest among equals.
    links.sort_by_key(|link| {
        let weaker = link.attribute != "userName";
        (link.person.clone(), weaker, std::cmp::Reverse(link.at))
    });
    Ok(links)
}
