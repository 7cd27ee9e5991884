//! Finding people, attempts and what was looked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::event::{AuditEntry, LoggedEvent};
use scim_admin::policy::{HeldUser, LinkRequest};
use scim_admin::store::{About, KeepWhy, ReadWhy};
use scim_admin::why::{AttemptName, FoundPerson, Wanted};
use scim_protocol::text::fold;
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ConfigurationId, LookUp, ResourceId, SoughtBy, StoreError};

use super::look_ups::{OF_LOOK_UP, delete_look_ups};
use super::search::IdRow;
use super::{AdminRows, audit, events};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::links;
use crate::schema::{held_changes, users};
use crate::sql::{Dialect, Sql};
use crate::terms::{self, FoundRow};
use crate::time::{instant, millis};
use crate::users::status;

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct PersonRow {
    id: String,
    user_name: String,
    scim_user_name_key: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    status: String,
    is_tenant_admin: i32,
    managed_by: Option<String>,
    external_id: Option<String>,
    left_at: Option<i64>,
    purge_at: Option<i64>,
    created_at: i64,
}

impl PersonRow {
    fn person(self) -> Result<FoundPerson, StoreError> {
        Ok(FoundPerson {
            status: status(&self.status)?,
            id: self.id,
            user_name: self.user_name,
            scim_user_name: self.scim_user_name_key,
            display_name: self.display_name,
            email: self.email,
            protected: self.is_tenant_admin != 0,
            managed_by: self.managed_by.as_deref().and_then(ConfigurationId::parse),
            external_id: self.external_id,
            left: self.left_at.map(instant),
            purge: self.purge_at.map(instant),
            created: instant(self.created_at),
        })
    }
}

/// Where something is found by a column: the table, the column, and what is found.
type Index = (&'static str, &'static str, &'static str);

/// What finds the rows of a term itself first, then those whose terms begin with it, at most so
/// many; what is found is called `name`.
fn beginning_with(
    connection: &Connection,
    (table, column, found): Index,
    name: &str,
    term: &str,
    limit: i64,
) -> Sql {
    let mut sql = connection.sql(&format!(
        "SELECT {found} AS {name} FROM {table} WHERE {column} >= "
    ));
    sql.bind(term).push(&format!(" AND {column} < "));
    sql.bind(end_of(term));
    sql.push(&format!(" ORDER BY {column}, {found} LIMIT "));
    sql.bind(limit);
    sql
}

/// The ids of people in an index of terms.
fn people_of(
    connection: &mut Connection,
    index: Index,
    term: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let sql = beginning_with(connection, index, "found", term, limit);
    let rows: Vec<FoundRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(|row| row.found).collect())
}

/// Behind everything that begins so.
fn end_of(term: &str) -> String {
    format!("{term}\u{10ffff}")
}

const PERSON_TERMS: Index = ("person_terms", "term", "person_id");

/// The ids of people who are wanted, the best first.
fn people_ids(
    connection: &mut Connection,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    if uuid::Uuid::try_parse(wanted.term()).is_ok() {
        return Ok(vec![wanted.term().to_owned()]);
    }
    let mut ids = people_of(connection, PERSON_TERMS, wanted.term(), limit * TERMS)?;
    // An externalId is kept as it is.
    if wanted.text() != wanted.term() {
        ids.extend(people_of(connection, PERSON_TERMS, wanted.text(), limit)?);
    }
    let emails = ("user_emails", "value_key", "user_id");
    ids.extend(people_of(connection, emails, wanted.term(), limit)?);
    if ids.is_empty() {
        // Words in another order: whoever has all of them.
        let mut having: Option<BTreeSet<String>> = None;
        for word in wanted.words().iter().take(WORDS) {
            let of = people_of(connection, PERSON_TERMS, word, BROAD)?;
            let of: BTreeSet<String> = of.into_iter().collect();
            having = Some(match having {
                None => of,
                Some(before) => before.intersection(&of).cloned().collect(),
            });
        }
        ids.extend(having.into_iter().flatten());
    }
    let mut seen = BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(ids)
}

/// The newest entries of a value of a column, at most so many.
fn newest(
    connection: &mut Connection,
    (table, column, found): Index,
    value: &str,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {found} AS id FROM {table} WHERE {column} = "
    ));
    sql.bind(value);
    sql.push(&format!(" ORDER BY {found} DESC LIMIT "));
    sql.bind(limit);
    let rows: Vec<IdRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

const EVENT_TERMS: Index = ("event_terms", "term", "event_id");
const BY_NAME: Index = ("provisioning_events", "resource_key", "id");
const BY_RESOURCE: Index = ("provisioning_events", "resource_id", "id");

#[derive(diesel::QueryableByName)]
struct NameRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    resource_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    resource_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    resource_type: Option<String>,
}

/// The entries in an index of terms.
fn entries_of(
    connection: &mut Connection,
    index: Index,
    term: &str,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let sql = beginning_with(connection, index, "id", term, limit);
    let rows: Vec<IdRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(diesel::QueryableByName)]
struct LookUpRow {
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Text)]
    attribute: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    first_at: i64,
    #[diesel(sql_type = BigInt)]
    last_at: i64,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

impl LookUpRow {
    /// `None` for what this version does not know.
    fn look_up(self) -> Option<LookUp> {
        Some(LookUp {
            configuration: ConfigurationId::parse(&self.configuration_id)?,
            by: SoughtBy::parse(&self.attribute)?,
            value: self.value,
            first: instant(self.first_at),
            last: instant(self.last_at),
            times: self.times,
        })
    }
}

const LOOK_UPS: &str = "SELECT configuration_id, attribute, value, first_at, last_at, times \
     FROM look_ups WHERE value_key ";

impl ReadWhy for AdminRows<'_> {
    fn people_named(
        &mut self,
        wanted: &Wanted,
        limit: i64,
    ) -> Result<Vec<FoundPerson>, StoreError> {
        let ids = people_ids(self.connection, wanted, limit)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut of = self.connection.sql("users.id ");
        of.among(ids.iter().map(String::as_str));
        let found = users::table
            .filter(of.written::<diesel::sql_types::Bool>())
            .select(PersonRow::as_select());
        let rows: Vec<PersonRow> = self.connection.load(found)?;
        let people: Result<Vec<FoundPerson>, StoreError> =
            rows.into_iter().map(PersonRow::person).collect();
        let mut people = people?;
        people.sort_by_key(|person| ids.iter().position(|id| *id == person.id));
        Ok(people)
    }

    fn attempts_named(
        &mut self,
        wanted: &Wanted,
        limit: i64,
    ) -> Result<Vec<AttemptName>, StoreError> {
        let (connection, term) = (&mut *self.connection, wanted.term());
        if uuid::Uuid::try_parse(term).is_ok() {
            return Ok(Vec::new());
        }
        let mut whole: BTreeSet<i64> = BTreeSet::new();
        whole.extend(newest(connection, EVENT_TERMS, term, limit)?);
        whole.extend(newest(
            connection,
            BY_NAME,
            Key::of_folded(term).as_str(),
            limit,
        )?);
        let mut ids: Vec<i64> = whole.iter().copied().collect();
        ids.extend(entries_of(connection, EVENT_TERMS, term, RANGE)?);
        ids.extend(entries_of(
            connection,
            BY_NAME,
            Key::beginning(term),
            RANGE,
        )?);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = connection.sql(
            "SELECT id, resource_key, resource_id, resource_type FROM provisioning_events WHERE id ",
        );
        sql.among(ids.iter().copied());
        let rows: Vec<NameRow> = connection.rows(&sql)?;
        let mut named: BTreeMap<(Option<String>, Option<String>), AttemptName> = BTreeMap::new();
        let users = rows
            .into_iter()
            .filter(|row| row.resource_type.as_deref() != Some("Group"));
        for row in users {
            let is_whole = whole.contains(&row.id);
            let place = (row.resource_key.clone(), row.resource_id.clone());
            let known = named.entry(place).or_insert(AttemptName {
                name: row.resource_key,
                resource: row.resource_id,
                event: row.id,
                whole: is_whole,
            });
            known.event = known.event.max(row.id);
            known.whole |= is_whole;
        }
        let mut found: Vec<AttemptName> = named.into_values().collect();
        found.sort_by_key(|one| (!one.whole, std::cmp::Reverse(one.event)));
        found.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(found)
    }

    fn entries_about(&mut self, about: &About, limit: i64) -> Result<Vec<LoggedEvent>, StoreError> {
        let connection = &mut *self.connection;
        let mut ids: BTreeSet<i64> = BTreeSet::new();
        if let Some(id) = &about.id {
            ids.extend(newest(connection, BY_RESOURCE, id, limit)?);
        }
        for name in &about.names {
            ids.extend(newest(connection, BY_NAME, Key::of(name).as_str(), limit)?);
        }
        for term in &about.terms {
            ids.extend(newest(connection, EVENT_TERMS, term, limit)?);
        }
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => events::of_ids(connection, ids),
        }
    }

    fn look_ups(
        &mut self,
        values: &[String],
        beginning: Option<&str>,
        limit: i64,
    ) -> Result<Vec<LookUp>, StoreError> {
        let connection = &mut *self.connection;
        let mut sql = connection.sql(LOOK_UPS);
        sql.among(values.iter().map(String::as_str));
        let mut rows: Vec<LookUpRow> = connection.rows(&sql)?;
        if let Some(beginning) = beginning.filter(|_| rows.is_empty()) {
            let mut sql = connection.sql(LOOK_UPS);
            sql.push(">= ").bind(beginning);
            sql.push(" AND value_key < ").bind(end_of(beginning));
            sql.push(" ORDER BY value_key, last_at LIMIT ").bind(limit);
            rows = connection.rows(&sql)?;
        }
        let mut found: Vec<LookUp> = rows.into_iter().filter_map(LookUpRow::look_up).collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.last));
        found.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(found)
    }

    fn audit_about(
        &mut self,
        objects: &[String],
        limit: i64,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        audit::about(self.connection, objects, limit)
    }

    fn links_about(
        &mut self,
        person: Option<&str>,
        names: &[String],
    ) -> Result<Vec<(ConfigurationId, LinkRequest)>, StoreError> {
        links::about(self.connection, person, names)
    }

    fn held_of(&mut self, person: &str) -> Result<Option<(ConfigurationId, HeldUser)>, StoreError> {
        type Row = (String, String, i32, String, Option<i64>, i64, String);
        let held = held_changes::table
            .inner_join(users::table.on(users::id.eq(held_changes::user_id)))
            .filter(held_changes::user_id.eq(person))
            .select((
                held_changes::id,
                held_changes::configuration_id,
                held_changes::deleted,
                held_changes::status,
                held_changes::purge_at,
                held_changes::at,
                users::user_name,
            ));
        let row: Option<Row> = self.connection.first(held)?;
        let Some((id, configuration, deleted, held_status, purge, at, user_name)) = row else {
            return Ok(None);
        };
        let unread = || unreadable("held_changes");
        let configuration = ConfigurationId::parse(&configuration).ok_or_else(unread)?;
        let held = HeldUser {
            id,
            user: ResourceId::parse(person).ok_or_else(unread)?,
            user_name,
            action: HeldAction {
                deleted: deleted != 0,
                status: status(&held_status)?,
                purge: purge.map(instant),
            },
            at: instant(at),
        };
        Ok(Some((configuration, held)))
    }
}

impl KeepWhy for AdminRows<'_> {
    fn note_look_ups(&mut self, look_ups: &[LookUp]) -> Result<(), StoreError> {
        let mut rows: Vec<(String, &str, String, &str, i64, i64, i64)> = look_ups
            .iter()
            .map(|one| {
                let key: String = fold(&one.value).chars().take(KEY).collect();
                let key = match one.by {
                    // It tells cases apart.
                    SoughtBy::ExternalId => one.value.chars().take(KEY).collect(),
                    _ => key,
                };
                (
                    one.configuration.to_string(),
                    one.by.as_str(),
                    key,
                    one.value.as_str(),
                    millis(one.first),
                    millis(one.last),
                    one.times,
                )
            })
            .collect();
        // In one order, so that two servers do not wait for each other.
        rows.sort_unstable();
        rows.dedup_by(|one, other| (&one.0, one.1, &one.2) == (&other.0, other.1, &other.2));
        for some in rows.chunks(CHUNK) {
            let mut sql = self.connection.sql(
                "INSERT INTO look_ups (configuration_id, attribute, value_key, value, first_at, \
                 last_at, times) SELECT ",
            );
            push_look_up(&mut sql);
            sql.push_rows(some);
            sql.push(
                " ON CONFLICT (configuration_id, attribute, value_key) DO UPDATE SET \
                 times = look_ups.times + excluded.times, last_at = CASE WHEN excluded.last_at > \
                 look_ups.last_at THEN excluded.last_at ELSE look_ups.last_at END",
            );
            self.connection.execute(&sql)?;
        }
        Ok(())
    }

    fn forget_look_ups(
        &mut self,
        before: DateTime<Utc>,
        most: i64,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let connection = &mut *self.connection;
        let mut old = connection.sql(&format!("{OF_LOOK_UP} last_at < "));
        old.bind(millis(before))
            .push(" ORDER BY last_at LIMIT ")
            .bind(limit);
        let mut forgotten = delete_look_ups(connection, &old)?;
        let configurations: Vec<FoundRow> = connection.rows(
            &connection.sql("SELECT id AS found FROM provisioning_configurations ORDER BY id"),
        )?;
        for configuration in configurations {
            // The newest beyond those that may stay: whatever is older goes.
            let mut beyond = connection.sql("SELECT last_at AS id FROM look_ups WHERE ");
            beyond
                .push("configuration_id = ")
                .bind(&configuration.found);
            beyond
                .push(" ORDER BY last_at DESC LIMIT 1 OFFSET ")
                .bind(most);
            let Some(newest) = connection.row::<IdRow>(&beyond)? else {
                continue;
            };
            let mut old = connection.sql(&format!("{OF_LOOK_UP} configuration_id = "));
            old.bind(&configuration.found);
            old.push(" AND last_at <= ").bind(newest.id);
            old.push(" ORDER BY last_at LIMIT ").bind(limit);
            forgotten += delete_look_ups(connection, &old)?;
        }
        Ok(forgotten)
    }

    fn fill_terms(&mut self, limit: i64) -> Result<bool, StoreError> {
        terms::fill(self.connection, limit)
    }
}

/// The values of a row of look-ups.
fn push_look_up(sql: &mut Sql) {
    for at in 0..4 {
        sql.push(&format!("listed.value ->> {at}, "));
    }
    let number = |at: usize| match sql.dialect {
        Dialect::Sqlite => format!("listed.value ->> {at}"),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => format!("CAST(listed.value ->> {at} AS bigint)"),
    };
    let numbers: Vec<String> = (4..7).map(number).collect();
    sql.push(&numbers.join(", "));
}

/// How many terms are read for one person.
const TERMS: i64 = 4;
/// How many words are looked for of several, and how many people are read of each.
const WORDS: usize = 3;
const BROAD: i64 = 2_000;
/// How many entries are read of those whose words begin as is wanted.
const RANGE: i64 = 200;
/// How many characters of a value are compared.
const KEY: usize = 200;
/// How many look-ups a statement writes.
const CHUNK: usize = 1_000;
