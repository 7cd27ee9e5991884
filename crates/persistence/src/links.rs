//! Links that wait for an administrator.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::event::AuditEntry;
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_protocol::Version;
use scim_provisioning::directory::{Approval, PendingLink};
use scim_provisioning::{Configuration, ConfigurationId, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::log;
use crate::members::IdRow;
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    person_id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    attribute: String,
    #[diesel(sql_type = Text)]
    document: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    dismissed_at: Option<i64>,
}

#[derive(diesel::QueryableByName)]
struct DismissedRow {
    #[diesel(sql_type = Text)]
    attribute: String,
    #[diesel(sql_type = Text)]
    document: String,
}

/// Notes a link beside the others that wait; what was sent last of the same user counts. Answers
/// whether it waits: what was dismissed does not, for as long as the same is sent.
pub(crate) fn note(
    connection: &mut Connection,
    configuration: ConfigurationId,
    link: &PendingLink,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let document = Value::Object(link.document.clone());
    let key = candidate(&document);
    let mut sql = connection.sql("SELECT attribute, document FROM link_candidates WHERE ");
    sql.push("dismissed_at IS NOT NULL AND configuration_id = ");
    sql.bind(configuration.to_string());
    sql.push(" AND person_id = ").bind(link.person.to_string());
    sql.push(" AND candidate_key = ").bind(key.clone());
    if let Some(row) = connection.row::<DismissedRow>(&sql)? {
        let known: Value = serde_json::from_str(&row.document)
            .map_err(|_json| unreadable("link_candidates.document"))?;
        if known == document && row.attribute == link.attribute {
            return Ok(false);
        }
    }
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
    Ok(true)
}

/// Takes a link from those that wait; answers whether it was among them.
pub(crate) fn dismiss(
    connection: &mut Connection,
    configuration: ConfigurationId,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE link_candidates SET dismissed_at = ");
    sql.bind(millis(now));
    sql.push(" WHERE dismissed_at IS NULL AND configuration_id = ");
    sql.bind(configuration.to_string());
    sql.push(" AND id = ").bind(id);
    Ok(connection.execute(&sql)? > 0)
}

/// Puts a dismissed link back among those that wait; answers whether it was dismissed.
pub(crate) fn restore(
    connection: &mut Connection,
    configuration: ConfigurationId,
    id: &str,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE link_candidates SET dismissed_at = NULL");
    sql.push(" WHERE dismissed_at IS NOT NULL AND configuration_id = ");
    sql.bind(configuration.to_string());
    sql.push(" AND id = ").bind(id);
    Ok(connection.execute(&sql)? > 0)
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

/// Notes that a link was approved, and that it waits no longer; stale when the person was changed
/// since it was looked at.
pub(crate) fn approve(
    connection: &mut Connection,
    configuration: &Configuration,
    approval: &Approval,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let person = approval.person.to_string();
    let mut sql = connection.sql("SELECT id FROM users WHERE id = ");
    sql.bind(&person).push(" AND version = ");
    sql.bind(approval.seen.0);
    sql.for_update();
    if connection.row::<IdRow>(&sql)?.is_none() {
        return Err(StoreError::Stale);
    }
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

/// The links that wait, or those that were dismissed, of people whom nobody manages yet.
pub(crate) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
    query: &LinksQuery,
) -> Result<Vec<LinkRequest>, StoreError> {
    let decided = match query.dismissed {
        true => "dismissed_at IS NOT NULL",
        false => "dismissed_at IS NULL",
    };
    let mut sql = connection.sql(
        "SELECT l.id, l.person_id, u.user_name, u.version, l.attribute, l.document, l.at, \
         l.dismissed_at FROM link_candidates l JOIN users u ON u.id = l.person_id \
         WHERE u.is_tenant_admin = 0 AND l.",
    );
    sql.push(decided).push(" AND l.configuration_id = ");
    sql.bind(configuration.to_string()).push(" AND ");
    sql.push(&sql.aside("u.managed_by")).push(" IS NULL");
    if let Some(person) = &query.person {
        sql.push(" AND l.person_id = ").bind(person.clone());
    }
    if let Some(after) = &query.after {
        sql.push(" AND l.person_id > ").bind(after.clone());
    }
    if let Some(limit) = query.limit {
        // Whoever is shown is shown with everybody who waits.
        sql.push(
            " AND l.person_id IN (SELECT c.person_id FROM link_candidates c \
             JOIN users p ON p.id = c.person_id \
             WHERE p.is_tenant_admin = 0 AND c.",
        );
        sql.push(decided).push(" AND c.configuration_id = ");
        sql.bind(configuration.to_string()).push(" AND ");
        sql.push(&sql.aside("p.managed_by")).push(" IS NULL");
        if let Some(after) = &query.after {
            sql.push(" AND c.person_id > ").bind(after.clone());
        }
        sql.push(" GROUP BY c.person_id ORDER BY c.person_id LIMIT ");
        sql.bind(limit).push(")");
    }
    sql.push(" ORDER BY l.person_id, l.id");
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
                person_version: Version(row.version),
                attribute: row.attribute,
                document,
                at: instant(row.at),
                dismissed: row.dismissed_at.map(instant),
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
