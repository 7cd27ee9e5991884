//! Links that wait for an administrator.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::event::AuditEntry;
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_admin::run::{Run, RunCounts, RunState};
use scim_protocol::Version;
use scim_provisioning::directory::{Approval, Author, PendingLink};
use scim_provisioning::{Configuration, ConfigurationId, RunKind, StoreError};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::nodes::{among, locked};
use crate::schema::{link_candidates, users};
use crate::sql::Sql;
use crate::time::{instant, millis};
use crate::{log, runs};

/// A link that waits, and whom it is about.
#[derive(Queryable, diesel::QueryableByName)]
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

/// The columns of a [`LinkRow`].
const LINK: (
    link_candidates::id,
    link_candidates::person_id,
    users::user_name,
    users::version,
    link_candidates::attribute,
    link_candidates::document,
    link_candidates::at,
    link_candidates::dismissed_at,
) = (
    link_candidates::id,
    link_candidates::person_id,
    users::user_name,
    users::version,
    link_candidates::attribute,
    link_candidates::document,
    link_candidates::at,
    link_candidates::dismissed_at,
);

impl LinkRow {
    fn request(self) -> Result<LinkRequest, StoreError> {
        let document: Value = serde_json::from_str(&self.document)
            .map_err(|_json| unreadable("link_candidates.document"))?;
        Ok(LinkRequest {
            id: self.id,
            person: self.person_id,
            person_name: self.user_name,
            person_version: Version(self.version),
            attribute: self.attribute,
            document,
            at: instant(self.at),
            dismissed: self.dismissed_at.map(instant),
        })
    }
}

/// Links, and the people whom they are about, as far as these can be linked: nobody who is managed
/// by now, or protected. Everything that lists or counts links asks by it.
macro_rules! waiting {
    () => {
        $crate::schema::link_candidates::table
            .inner_join(
                $crate::schema::users::table
                    .on($crate::schema::users::id.eq($crate::schema::link_candidates::person_id)),
            )
            .filter($crate::schema::users::is_tenant_admin.eq($crate::nodes::Number::<0>))
            .filter($crate::values::aside($crate::schema::users::managed_by).is_null())
    };
}
pub(crate) use waiting;

/// The same in text, for two aliases.
fn push_waiting(sql: &mut Sql, link: &str, person: &str) {
    let managed_by = sql.aside(&format!("{person}.managed_by"));
    sql.push(&format!(
        "link_candidates {link} JOIN users {person} ON {person}.id = {link}.person_id \
         WHERE {person}.is_tenant_admin = 0 AND {managed_by} IS NULL"
    ));
}

/// The links to a person, and those of users who wait under a name, the newest first; also those
/// that were dismissed, none of a person who is managed by now or protected.
pub(crate) fn about(
    connection: &mut Connection,
    person: Option<&str>,
    names: &[String],
) -> Result<Vec<(ConfigurationId, LinkRequest)>, StoreError> {
    let mut found: Vec<(String, LinkRow)> = Vec::new();
    let waiting = waiting!().select((link_candidates::configuration_id, LINK));
    if let Some(person) = person {
        let of_person = waiting.filter(link_candidates::person_id.eq(person));
        found.extend(connection.load::<(String, LinkRow), _>(of_person)?);
    }
    if !names.is_empty() {
        let keys: Vec<Key> = names.iter().map(|name| Key::of_name(name)).collect();
        let keys = keys.iter().map(Key::as_str);
        let under_names = waiting.filter(among(link_candidates::candidate_key, keys));
        found.extend(connection.load::<(String, LinkRow), _>(under_names)?);
    }
    let mut links = Vec::with_capacity(found.len());
    for (configuration, link) in found {
        let id = ConfigurationId::parse(&configuration)
            .ok_or_else(|| unreadable("link_candidates.configuration_id"))?;
        links.push((id, link.request()?));
    }
    links.sort_by_key(|(_, link)| std::cmp::Reverse(link.at));
    links.dedup_by(|one, other| one.1.id == other.1.id);
    Ok(links)
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
    let of_user = link_candidates::table
        .filter(link_candidates::configuration_id.eq(configuration.to_string()))
        .filter(link_candidates::person_id.eq(link.person.to_string()))
        .filter(link_candidates::candidate_key.eq(key.as_str()));
    let dismissed: Option<(String, String)> = connection.first(
        of_user
            .clone()
            .filter(link_candidates::dismissed_at.is_not_null())
            .select((link_candidates::attribute, link_candidates::document)),
    )?;
    if let Some((attribute, known)) = dismissed {
        let known: Value =
            serde_json::from_str(&known).map_err(|_json| unreadable("link_candidates.document"))?;
        if known == document && attribute == link.attribute {
            return Ok(false);
        }
    }
    connection.execute(diesel::delete(of_user))?;
    // With a new id: who decides about what was shown before is told that it is another one now.
    connection.execute(diesel::insert_into(link_candidates::table).values((
        link_candidates::id.eq(connection.uuid().to_string()),
        link_candidates::configuration_id.eq(configuration.to_string()),
        link_candidates::person_id.eq(link.person.to_string()),
        link_candidates::candidate_key.eq(key.as_str()),
        link_candidates::attribute.eq(link.attribute),
        link_candidates::document.eq(document.to_string()),
        link_candidates::at.eq(millis(now)),
    )))?;
    Ok(true)
}

/// Takes a link from those that wait; answers whether it was among them.
pub(crate) fn dismiss(
    connection: &mut Connection,
    configuration: ConfigurationId,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let waiting = link_candidates::table
        .filter(link_candidates::id.eq(id))
        .filter(link_candidates::configuration_id.eq(configuration.to_string()))
        .filter(link_candidates::dismissed_at.is_null());
    let dismissed = link_candidates::dismissed_at.eq(millis(now));
    Ok(connection.execute(diesel::update(waiting).set(dismissed))? > 0)
}

/// Puts a dismissed link back among those that wait; answers whether it was dismissed.
pub(crate) fn restore(
    connection: &mut Connection,
    configuration: ConfigurationId,
    id: &str,
) -> Result<bool, StoreError> {
    let dismissed = link_candidates::table
        .filter(link_candidates::id.eq(id))
        .filter(link_candidates::configuration_id.eq(configuration.to_string()))
        .filter(link_candidates::dismissed_at.is_not_null());
    let waits = link_candidates::dismissed_at.eq(None::<i64>);
    Ok(connection.execute(diesel::update(dismissed).set(waits))? > 0)
}

/// By what a user is told from others whom the identity provider wanted to create.
fn candidate(document: &Value) -> Key {
    let name = document.get("userName").and_then(Value::as_str);
    Key::of_name(name.unwrap_or_default())
}

/// Forgets the links of a person, and those of a user: they are one by now.
pub(crate) fn forget(
    connection: &mut Connection,
    configuration: ConfigurationId,
    person: &str,
    user_name: &str,
) -> Result<(), StoreError> {
    let key = Key::of_name(user_name);
    let of_either = link_candidates::table
        .filter(link_candidates::configuration_id.eq(configuration.to_string()))
        .filter(
            link_candidates::person_id
                .eq(person)
                .or(link_candidates::candidate_key.eq(key.as_str())),
        );
    connection.execute(diesel::delete(of_either)).map(drop)
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
    let seen = users::table
        .filter(users::id.eq(&person))
        .filter(users::version.eq(approval.seen.0))
        .select(users::id);
    let seen = locked(connection, seen);
    if connection.first::<String, _>(seen)?.is_none() {
        return Err(StoreError::Stale);
    }
    forget(connection, configuration.id, &person, &approval.user_name)?;
    let run = Run {
        id: approval.run,
        kind: RunKind::LinkDecision.into(),
        configuration: Some((configuration.id, configuration.name.clone())),
        actor: Author::administrator(&approval.actor).actor,
        began: now,
        ended: Some(now),
        state: RunState::Done,
        undoes: None,
        forgotten: false,
        counts: RunCounts::default(),
    };
    runs::insert(connection, &run)?;
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
         l.dismissed_at FROM ",
    );
    push_waiting(&mut sql, "l", "u");
    sql.push(" AND l.")
        .push(decided)
        .push(" AND l.configuration_id = ");
    sql.bind(configuration.to_string());
    if let Some(person) = &query.person {
        sql.push(" AND l.person_id = ").bind(person.clone());
    }
    if let Some(after) = &query.after {
        sql.push(" AND l.person_id > ").bind(after.clone());
    }
    if let Some(limit) = query.limit {
        // Whoever is shown is shown with everybody who waits.
        sql.push(" AND l.person_id IN (SELECT c.person_id FROM ");
        push_waiting(&mut sql, "c", "p");
        sql.push(" AND c.")
            .push(decided)
            .push(" AND c.configuration_id = ");
        sql.bind(configuration.to_string());
        if let Some(after) = &query.after {
            sql.push(" AND c.person_id > ").bind(after.clone());
        }
        sql.push(" GROUP BY c.person_id ORDER BY c.person_id LIMIT ");
        sql.bind(limit).push(")");
    }
    sql.push(" ORDER BY l.person_id, l.id");
    let rows: Vec<LinkRow> = connection.rows(&sql)?;
    let links: Result<Vec<LinkRequest>, StoreError> =
        rows.into_iter().map(LinkRow::request).collect();
    let mut links = links?;
    // The strongest one of a person first, and the newest among equals.
    links.sort_by_key(|link| {
        let weaker = link.attribute != "userName";
        (link.person.clone(), weaker, std::cmp::Reverse(link.at))
    });
    Ok(links)
}
