//! By which words attempts and people are found.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::nodes::{among, locked_but_keys};
use crate::schema::{provisioning_events, users};
use crate::schema_search::{event_terms, look_ups, person_terms, person_terms_fill};
use crate::sql::Dialect;
use crate::writes::{cell, each_of, insert_from};

/// Keeps by which words an entry of the log is found.
pub(crate) fn insert(
    connection: &mut Connection,
    event: Option<i64>,
    terms: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let Some(event) = event else { return Ok(()) };
    let rows: Vec<[&String; 1]> = terms.iter().map(|term| [term]).collect();
    let rows = each_of(rows, (event.into_sql::<BigInt>(), cell::<Text, 0>()));
    let columns = (event_terms::event_id, event_terms::term);
    connection
        .execute(insert_from(event_terms::table, columns, rows))
        .map(drop)
}

/// Keeps by which words the next people are found who were there before words were kept as they are
/// now, at most so many; answers whether there may be more of them.
pub(crate) fn fill(connection: &mut Connection, limit: i64) -> Result<bool, StoreError> {
    let position = person_terms_fill::table.select(person_terms_fill::position);
    let Some(position) = connection.first::<String, _>(position)? else {
        return Ok(false);
    };
    let next = users::table
        .filter(users::id.gt(&position))
        .order(users::id)
        .limit(limit)
        .select(users::id);
    // Whoever changes one of them meanwhile waits, and finds their words there.
    let next = locked_but_keys(connection, next);
    let found: Vec<String> = connection.load(next)?;
    let Some(last) = found.last() else {
        connection.execute(diesel::delete(person_terms_fill::table))?;
        return Ok(false);
    };
    let words = match connection.dialect() {
        Dialect::Sqlite => "SELECT w.person_id, w.term FROM person_words w WHERE w.person_id ",
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            "SELECT u.id, w FROM users u, LATERAL person_words(u) AS w WHERE u.id "
        }
    };
    let before = person_terms::table.filter(among(person_terms::person_id, &found));
    connection.execute(diesel::delete(before))?;
    let mut sql = connection.sql("INSERT INTO person_terms (person_id, term) ");
    sql.push(words).among(&found);
    sql.push(" ON CONFLICT (person_id, term) DO NOTHING");
    connection.execute(&sql)?;
    let further = diesel::update(person_terms_fill::table);
    connection.execute(further.set(person_terms_fill::position.eq(last)))?;
    Ok(true)
}

/// Forgets by which words the entries of users are found, chosen by a condition on their ids, who are
/// deleted for good; the attempts under their names and what was looked for by them as well.
pub(crate) fn forget_users(connection: &mut Connection, ids: &[String]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let of_ids = users::table
        .inner_join(
            provisioning_events::table
                .on(provisioning_events::resource_id.eq(users::id.nullable())),
        )
        .filter(among(users::id, ids))
        .select(provisioning_events::id);
    let terms = event_terms::table.filter(event_terms::event_id.eq_any(of_ids));
    connection.execute(diesel::delete(terms))?;
    let of_names = users::table
        .inner_join(
            provisioning_events::table
                .on(provisioning_events::resource_key.eq(users::user_name_key.nullable())),
        )
        .filter(among(users::id, ids))
        .select(provisioning_events::id);
    let terms = event_terms::table.filter(event_terms::event_id.eq_any(of_names));
    connection.execute(diesel::delete(terms))?;
    let sought = person_terms::table
        .filter(among(person_terms::person_id, ids))
        .select(person_terms::term);
    let look_ups = look_ups::table.filter(look_ups::value_key.eq_any(sought));
    connection.execute(diesel::delete(look_ups)).map(drop)
}
