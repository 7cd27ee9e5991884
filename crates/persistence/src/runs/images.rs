//! Rows of `run_images`: what rows were before runs, as triggers wrote it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::run::{Chosen, RowImage, RowSubject, Touched};
use scim_provisioning::{RunId, StoreError};
use serde_json::{Map, Value};

use super::IdRow;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::sql::Sql;
use crate::time::millis;

#[derive(diesel::QueryableByName)]
struct ImageRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    resource_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    other_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    other_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    old: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    new: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct TouchedRow {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    first: i64,
}

#[derive(diesel::QueryableByName)]
struct OldRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    run: String,
}

/// The columns of an image, with the names that its resource and its member have now.
const SELECT: &str = "SELECT i.id, i.subject, i.resource_id, i.other_id, i.old, i.new, \
     CASE WHEN i.other_id IS NOT NULL THEN \
     COALESCE((SELECT user_name FROM users WHERE id = i.other_id), \
     (SELECT name FROM groups WHERE id = i.other_id)) END AS other_name, \
     COALESCE(i.name, (SELECT user_name FROM users WHERE id = i.resource_id), \
     (SELECT name FROM groups WHERE id = i.resource_id)) AS name FROM run_images i WHERE ";

impl TryFrom<ImageRow> for RowImage {
    type Error = StoreError;

    fn try_from(row: ImageRow) -> Result<Self, StoreError> {
        let map = |text: &String| -> Result<Map<String, Value>, StoreError> {
            serde_json::from_str(text).map_err(|_json| unreadable("run_images"))
        };
        Ok(Self {
            id: row.id,
            subject: RowSubject::parse(&row.subject)
                .ok_or_else(|| unreadable("run_images.subject"))?,
            resource: row.resource_id,
            other: row.other_id,
            other_name: row.other_name,
            name: row.name,
            old: row.old.as_ref().map(map).transpose()?,
            new: row.new.as_ref().map(map).transpose()?,
        })
    }
}

/// Appends what of the images of an alias is chosen. Whoever is chosen is so with their memberships.
fn push_chosen(sql: &mut Sql, alias: &str, chosen: &Chosen) {
    if let Some(resources) = &chosen.resources {
        sql.push(&format!(" AND ({alias}.resource_id "))
            .among(resources);
        sql.push(&format!(" OR {alias}.other_id ")).among(resources);
        sql.push(")");
    }
    if let Some(request) = &chosen.request {
        sql.push(&format!(" AND {alias}.request = ")).bind(request);
    }
    if chosen.without_request {
        sql.push(&format!(" AND {alias}.request IS NULL"));
    }
}

/// Appends that an image is of a run, behind a number or before one. A run is no bound by being
/// equal to one: so no engine takes the numbers of all runs for the order in which it is asked for.
fn push_place(sql: &mut Sql, run: RunId, behind: i64, forward: bool) {
    let (compared, bound) = if forward { (">", "<=") } else { ("<", ">=") };
    sql.push(&format!("(i.run, i.id) {compared} ("));
    sql.bind(run.to_string()).push(", ").bind(behind);
    sql.push(&format!(") AND i.run {bound} "))
        .bind(run.to_string());
}

/// Appends the order of images of a run, and how many are read.
fn push_order(sql: &mut Sql, forward: bool, limit: i64) {
    let way = if forward { "" } else { " DESC" };
    sql.push(&format!(" ORDER BY i.run{way}, i.id{way} LIMIT "));
    sql.bind(limit);
}

/// The ids of resources that a run changed under a name, or of an id.
pub(crate) fn by_name(
    connection: &mut Connection,
    run: RunId,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let mut sql =
        connection.sql("SELECT DISTINCT i.resource_id AS id FROM run_images i WHERE i.run = ");
    sql.bind(run.to_string());
    sql.push(" AND (i.name = ").bind(name);
    sql.push(" OR i.resource_id = ").bind(name).push(")");
    let found: Vec<IdRow> = connection.rows(&sql)?;
    let found = match found.is_empty() {
        true => members_by_name(connection, run, name)?,
        false => found,
    };
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// The ids of people of whom a run changed the memberships alone, by the name that they have now or
/// by id.
fn members_by_name(
    connection: &mut Connection,
    run: RunId,
    name: &str,
) -> Result<Vec<IdRow>, StoreError> {
    let mut sql = connection.sql("SELECT id FROM users WHERE user_name_key = ");
    sql.bind(Key::of(name));
    let named: Vec<IdRow> = connection.rows(&sql)?;
    let ids = named.into_iter().map(|row| row.id);
    let mut sql = connection.sql(
        "SELECT DISTINCT i.other_id AS id FROM run_images i WHERE i.other_id IS NOT NULL \
         AND i.other_id ",
    );
    sql.among(ids.chain([name.to_owned()]));
    sql.push(" AND i.run = ").bind(run.to_string());
    connection.rows(&sql)
}

/// Whether anything is kept of what a run did.
pub(crate) fn is_any(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("SELECT i.resource_id AS id FROM run_images i WHERE i.run = ");
    sql.bind(run.to_string());
    push_chosen(&mut sql, "i", chosen);
    sql.push(" LIMIT 1");
    Ok(connection.row::<IdRow>(&sql)?.is_some())
}

/// Resources that a run changed, by their first change, behind a number or before one. The images
/// are gone through in their order, and of each it is looked up whether one of the same resource
/// came before it.
pub(crate) fn touched(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    (behind, forward): (i64, bool),
    limit: i64,
) -> Result<Vec<Touched>, StoreError> {
    let mut sql = connection
        .sql("SELECT i.subject, i.resource_id AS id, i.id AS first FROM run_images i WHERE ");
    push_place(&mut sql, run, behind, forward);
    push_chosen(&mut sql, "i", chosen);
    sql.push(
        " AND i.id = (SELECT e.id FROM run_images e WHERE e.resource_id = i.resource_id \
         AND e.run = ",
    );
    sql.bind(run.to_string());
    push_chosen(&mut sql, "e", chosen);
    sql.push(" ORDER BY e.id LIMIT 1)");
    push_order(&mut sql, forward, limit);
    let rows: Vec<TouchedRow> = connection.rows(&sql)?;
    rows.into_iter()
        .map(|row| {
            let subject = RowSubject::parse(&row.subject);
            Ok(Touched {
                kind: subject
                    .ok_or_else(|| unreadable("run_images.subject"))?
                    .kind(),
                id: row.id,
                first: row.first,
            })
        })
        .collect()
}

/// What a run did to resources, in order.
pub(crate) fn of_resources(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    resources: &[String],
) -> Result<Vec<RowImage>, StoreError> {
    if resources.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = connection.sql(SELECT);
    sql.push("i.run = ").bind(run.to_string());
    sql.push(" AND i.resource_id ");
    sql.among(resources);
    push_chosen(&mut sql, "i", chosen);
    // Whoever is asked for an order looks through the whole run for it.
    let mut images = read(connection, &sql)?;
    images.sort_unstable_by_key(|image| image.id);
    Ok(images)
}

/// What a run did to what hangs on people and groups, the last first.
pub(crate) fn attached(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    before: i64,
    limit: i64,
) -> Result<Vec<RowImage>, StoreError> {
    let mut sql = connection.sql(SELECT);
    push_place(&mut sql, run, before, false);
    sql.push(" AND i.subject NOT IN ('user', 'group')");
    push_chosen(&mut sql, "i", chosen);
    push_order(&mut sql, false, limit);
    read(connection, &sql)
}

/// The same in order, behind a number.
pub(crate) fn attached_behind(
    connection: &mut Connection,
    run: RunId,
    after: i64,
    limit: i64,
) -> Result<Vec<RowImage>, StoreError> {
    let mut sql = connection.sql(SELECT);
    sql.push("i.run = ").bind(run.to_string());
    sql.push(" AND i.subject NOT IN ('user', 'group') AND i.id > ")
        .bind(after);
    sql.push(" ORDER BY i.id LIMIT ").bind(limit);
    read(connection, &sql)
}

fn read(connection: &mut Connection, sql: &Sql) -> Result<Vec<RowImage>, StoreError> {
    let rows: Vec<ImageRow> = connection.rows(sql)?;
    rows.into_iter().map(RowImage::try_from).collect()
}

/// Forgets the images of runs that ended before a time, the oldest first; answers how many. Of a run
/// of which something is forgotten it is written down in the same transaction.
pub(crate) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let mut sql = connection.sql("SELECT i.id, i.run FROM run_images i WHERE i.at < ");
    sql.bind(millis(before));
    sql.push(
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = i.run AND (r.ended_at IS NULL OR \
         r.ended_at >= ",
    );
    sql.bind(millis(before));
    sql.push(
        ")) AND NOT EXISTS (SELECT 1 FROM runs u WHERE u.state = 'running' AND u.of_run = i.run) \
         ORDER BY i.at LIMIT ",
    );
    sql.bind(limit);
    let old: Vec<OldRow> = connection.rows(&sql)?;
    if old.is_empty() {
        return Ok(0);
    }
    let runs: BTreeSet<&str> = old.iter().map(|row| row.run.as_str()).collect();
    // Whoever begins to take one of them back waits for this, or this for them.
    let mut sql = connection.sql("UPDATE runs SET forgotten = 1 WHERE forgotten = 0 AND id ");
    sql.among(runs);
    connection.execute(&sql)?;
    let mut sql = connection.sql("DELETE FROM run_images WHERE id ");
    sql.among(old.iter().map(|row| row.id));
    connection.execute(&sql)
}
