//! Finding people, attempts and what was looked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use scim_admin::event::{AuditEntry, LoggedEvent};
use scim_admin::policy::{HeldMember, HeldUser, LinkRequest};
use scim_admin::store::{About, KeepWhy, ReadWhy};
use scim_admin::why::{AttemptName, FoundPerson, Wanted};
use scim_protocol::text::fold;
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ConfigurationId, LookUp, ResourceId, SoughtBy, StoreError};

use super::look_ups::{KEY_OF_LOOK_UP, delete_look_ups};
use super::{AdminRows, audit, events, held};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::links;
use crate::nodes::among;
use crate::schema::{
    held_changes, provisioning_configurations, provisioning_events, user_emails, users,
};
use crate::schema_search::{event_terms, look_ups, person_terms};
use crate::terms;
use crate::time::{instant, millis};
use crate::users::status;
use crate::values::among_numbers;
use crate::writes::{cell, each_of, excluded, insert_from, on_conflict};

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

/// What finds the rows of a term itself first, then those whose terms begin with it, at most so
/// many.
macro_rules! beginning_with {
    ($table:ident.$column:ident => $found:ident, $term:expr, $limit:expr) => {
        $table::table
            .filter($table::$column.ge($term))
            .filter($table::$column.lt(end_of($term)))
            .order(($table::$column, $table::$found))
            .limit($limit)
            .select($table::$found)
    };
}

/// The newest entries of a value of a column, at most so many.
macro_rules! newest {
    ($table:ident.$column:ident => $found:ident, $value:expr, $limit:expr) => {
        $table::table
            .filter($table::$column.eq($value))
            .order($table::$found.desc())
            .limit($limit)
            .select($table::$found)
    };
}

/// The ids of people by whose words they are found.
fn people_of(
    connection: &mut Connection,
    term: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    connection.load(beginning_with!(person_terms.term => person_id, term, limit))
}

/// Behind everything that begins so.
fn end_of(term: &str) -> String {
    format!("{term}\u{10ffff}")
}

/// The ids of people who are wanted, the best first.
fn people_ids(
    connection: &mut Connection,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    if uuid::Uuid::try_parse(wanted.term()).is_ok() {
        return Ok(vec![wanted.term().to_owned()]);
    }
    let mut ids = people_of(connection, wanted.term(), limit * TERMS)?;
    // An externalId is kept as it is.
    if wanted.text() != wanted.term() {
        ids.extend(people_of(connection, wanted.text(), limit)?);
    }
    let emails = beginning_with!(user_emails.value_key => user_id, wanted.term(), limit);
    ids.extend(connection.load::<String, _>(emails)?);
    if ids.is_empty() {
        // Words in another order: whoever has all of them.
        let mut having: Option<BTreeSet<String>> = None;
        for word in wanted.words().iter().take(WORDS) {
            let of = people_of(connection, word, BROAD)?;
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = provisioning_events)]
struct NameRow {
    id: i64,
    resource_key: Option<String>,
    resource_id: Option<String>,
    resource_type: Option<String>,
}

/// The newest entries of a term.
fn newest_of_term(
    connection: &mut Connection,
    term: &str,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    connection.load(newest!(event_terms.term => event_id, term, limit))
}

/// The newest entries of a name.
fn newest_of_name(
    connection: &mut Connection,
    name: &Key,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    connection.load(newest!(provisioning_events.resource_key => id, name.as_str(), limit))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = look_ups)]
struct LookUpRow {
    configuration_id: String,
    attribute: String,
    value: String,
    first_at: i64,
    last_at: i64,
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
        let found = users::table
            .filter(among(users::id, &ids))
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
        whole.extend(newest_of_term(connection, term, limit)?);
        whole.extend(newest_of_name(connection, &Key::of_folded(term), limit)?);
        let mut ids: Vec<i64> = whole.iter().copied().collect();
        let by_term = beginning_with!(event_terms.term => event_id, term, RANGE);
        ids.extend(connection.load::<i64, _>(by_term)?);
        let name = Key::beginning(term);
        let by_name = beginning_with!(provisioning_events.resource_key => id, name, RANGE);
        ids.extend(connection.load::<i64, _>(by_name)?);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let named = provisioning_events::table
            .filter(among_numbers(provisioning_events::id, ids))
            .select(NameRow::as_select());
        let rows: Vec<NameRow> = connection.load(named)?;
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
            let of = newest!(provisioning_events.resource_id => id, id, limit);
            ids.extend(connection.load::<i64, _>(of)?);
        }
        for name in &about.names {
            ids.extend(newest_of_name(connection, &Key::of(name), limit)?);
        }
        for term in &about.terms {
            ids.extend(newest_of_term(connection, term, limit)?);
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
        let of_values = look_ups::table
            .filter(among(look_ups::value_key, values))
            .select(LookUpRow::as_select());
        let mut rows: Vec<LookUpRow> = connection.load(of_values)?;
        if let Some(beginning) = beginning.filter(|_| rows.is_empty()) {
            let begun = look_ups::table
                .filter(look_ups::value_key.ge(beginning))
                .filter(look_ups::value_key.lt(end_of(beginning)))
                .order((look_ups::value_key, look_ups::last_at))
                .limit(limit)
                .select(LookUpRow::as_select());
            rows = connection.load(begun)?;
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

    fn held_memberships_of(
        &mut self,
        person: &str,
        limit: i64,
    ) -> Result<Vec<(ConfigurationId, HeldMember)>, StoreError> {
        held::held_memberships_of(self.connection, person, limit)
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
            let rows = each_of(
                some,
                (
                    cell::<Text, 0>(),
                    cell::<Text, 1>(),
                    cell::<Text, 2>(),
                    cell::<Text, 3>(),
                    cell::<BigInt, 4>(),
                    cell::<BigInt, 5>(),
                    cell::<BigInt, 6>(),
                ),
            );
            let columns = (
                look_ups::configuration_id,
                look_ups::attribute,
                look_ups::value_key,
                look_ups::value,
                look_ups::first_at,
                look_ups::last_at,
                look_ups::times,
            );
            let key = (
                look_ups::configuration_id,
                look_ups::attribute,
                look_ups::value_key,
            );
            let last = case_when(
                excluded(look_ups::last_at).gt(look_ups::last_at),
                excluded(look_ups::last_at),
            )
            .otherwise(look_ups::last_at);
            let again = (
                look_ups::times.eq(look_ups::times + excluded(look_ups::times)),
                look_ups::last_at.eq(last),
            );
            let insert = insert_from(look_ups::table, columns, rows);
            self.connection
                .execute(on_conflict(insert, key).set(again))?;
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
        let old = look_ups::table
            .filter(look_ups::last_at.lt(millis(before)))
            .order(look_ups::last_at)
            .limit(limit)
            .select(KEY_OF_LOOK_UP);
        let old = connection.load(old)?;
        let mut forgotten = delete_look_ups(connection, old)?;
        let configurations: Vec<String> = connection.load(
            provisioning_configurations::table
                .order(provisioning_configurations::id)
                .select(provisioning_configurations::id),
        )?;
        for configuration in configurations {
            // The newest beyond those that may stay: whatever is older goes.
            let of_one = look_ups::table.filter(look_ups::configuration_id.eq(&configuration));
            let beyond = of_one
                .order(look_ups::last_at.desc())
                .limit(1)
                .offset(most)
                .select(look_ups::last_at);
            let Some(newest) = connection.first::<i64, _>(beyond)? else {
                continue;
            };
            let old = of_one
                .filter(look_ups::last_at.le(newest))
                .order(look_ups::last_at)
                .limit(limit)
                .select(KEY_OF_LOOK_UP);
            let old = connection.load(old)?;
            forgotten += delete_look_ups(connection, old)?;
        }
        Ok(forgotten)
    }

    fn fill_terms(&mut self, limit: i64) -> Result<bool, StoreError> {
        terms::fill(self.connection, limit)
    }
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
