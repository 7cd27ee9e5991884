//! By which words attempts and people are found.

use std::collections::BTreeSet;

use diesel::prelude::*;
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::schema_search::person_terms_fill;
use crate::sql::Dialect;

/// Keeps by which words an entry of the log is found.
pub(crate) fn insert(
    connection: &mut Connection,
    event: Option<i64>,
    terms: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let Some(event) = event else { return Ok(()) };
    let rows: Vec<[&String; 1]> = terms.iter().map(|term| [term]).collect();
    let mut sql = connection.sql("INSERT INTO event_terms (event_id, term) SELECT ");
    sql.bind(event)
        .push(", listed.value ->> 0")
        .push_rows(&rows);
    connection.execute(&sql).map(drop)
}

/// Keeps by which words the next people are found who were there before words were kept as they are
/// now, at most so many; answers whether there may be more of them.
pub(crate) fn fill(connection: &mut Connection, limit: i64) -> Result<bool, StoreError> {
    let position = person_terms_fill::table.select(person_terms_fill::position);
    let Some(position) = connection.first::<String, _>(position)? else {
        return Ok(false);
    };
    let mut last = connection.sql("SELECT id AS found FROM users WHERE id > ");
    last.bind(&position).push(" ORDER BY id LIMIT ").bind(limit);
    // Whoever changes one of them meanwhile waits, and finds their words there.
    last.for_no_key_update();
    let found: Vec<FoundRow> = connection.rows(&last)?;
    let Some(last) = found.last().map(|row| row.found.clone()) else {
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
    let ids = || found.iter().map(|row| row.found.as_str());
    let mut sql = connection.sql("DELETE FROM person_terms WHERE person_id ");
    sql.among(ids());
    connection.execute(&sql)?;
    let mut sql = connection.sql("INSERT INTO person_terms (person_id, term) ");
    sql.push(words).among(ids());
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
    for (column, of) in [("resource_id", "id"), ("resource_key", "user_name_key")] {
        let mut sql = connection.sql("DELETE FROM event_terms WHERE event_id IN (");
        sql.push("SELECT e.id FROM users u JOIN provisioning_events e ON e.");
        sql.push(column).push(" = u.").push(of).push(" WHERE u.id ");
        sql.among(ids.iter().map(String::as_str)).push(")");
        connection.execute(&sql)?;
    }
    let mut sql = connection.sql(
        "DELETE FROM look_ups WHERE value_key IN \
         (SELECT t.term FROM person_terms t WHERE t.person_id ",
    );
    sql.among(ids.iter().map(String::as_str)).push(")");
    connection.execute(&sql).map(drop)
}

#[derive(diesel::QueryableByName)]
pub(crate) struct FoundRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub(crate) found: String,
}
