//! Rows of `run_images`: what rows were before runs, as triggers wrote it.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::run::{Chosen, RowImage, RowSubject, Touched};
use scim_provisioning::{ResourceKind, RunId, StoreError};
use serde_json::{Map, Value};

use super::IdRow;
use crate::connection::Connection;
use crate::error::unreadable;
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
    kind: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    first: i64,
}

/// The columns of an image, with the names that its resource and its member have now.
const SELECT: &str = "SELECT i.id, i.subject, i.resource_id, i.other_id, i.old, i.new, \
     CASE WHEN i.other_id IS NOT NULL THEN \
     COALESCE((SELECT user_name FROM users WHERE id = i.other_id), \
     (SELECT name FROM groups WHERE id = i.other_id)) END AS other_name, \
     COALESCE(i.name, (SELECT user_name FROM users WHERE id = i.resource_id), \
     (SELECT name FROM groups WHERE id = i.resource_id)) AS name FROM run_images i WHERE i.run = ";

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

/// Appends what of a run is chosen. Whoever is chosen is so with their memberships.
fn push_chosen(sql: &mut Sql, chosen: &Chosen) {
    if let Some(resources) = &chosen.resources {
        sql.push(" AND (i.resource_id ").among(resources);
        sql.push(" OR i.other_id ").among(resources).push(")");
    }
    if let Some(request) = &chosen.request {
        sql.push(" AND i.request = ").bind(request);
    }
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
    let mut found: Vec<String> = connection
        .rows::<IdRow>(&sql)?
        .into_iter()
        .map(|row| row.id)
        .collect();
    if found.is_empty() {
        // Somebody whose memberships alone changed.
        let mut sql = connection.sql(
            "SELECT DISTINCT i.other_id AS id FROM run_images i WHERE i.other_id IS NOT NULL AND i.run = ",
        );
        sql.bind(run.to_string());
        sql.push(" AND i.other_id IN (SELECT id FROM users WHERE user_name = ")
            .bind(name);
        sql.push(" OR id = ").bind(name).push(")");
        found = connection
            .rows::<IdRow>(&sql)?
            .into_iter()
            .map(|row| row.id)
            .collect();
    }
    Ok(found)
}

/// Resources that a run changed, by their first change, behind a number or before one.
pub(crate) fn touched(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    (behind, forward): (i64, bool),
    limit: i64,
) -> Result<Vec<Touched>, StoreError> {
    let mut sql = connection.sql(
        "SELECT MAX(CASE WHEN i.subject IN ('user', 'manual_grant', 'held_change') THEN 'User' \
         ELSE 'Group' END) AS kind, i.resource_id AS id, MIN(i.id) AS first FROM run_images i \
         WHERE i.run = ",
    );
    sql.bind(run.to_string());
    push_chosen(&mut sql, chosen);
    let (compared, way) = if forward { (">", "") } else { ("<", " DESC") };
    sql.push(&format!(
        " GROUP BY i.resource_id HAVING MIN(i.id) {compared} "
    ));
    sql.bind(behind).push(&format!(" ORDER BY 3{way} LIMIT "));
    sql.bind(limit);
    let rows: Vec<TouchedRow> = connection.rows(&sql)?;
    rows.into_iter()
        .map(|row| {
            let kind = ResourceKind::parse(&row.kind);
            Ok(Touched {
                kind: kind.ok_or_else(|| unreadable("run_images"))?,
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
    sql.bind(run.to_string()).push(" AND i.resource_id ");
    sql.among(resources);
    push_chosen(&mut sql, chosen);
    sql.push(" ORDER BY i.id");
    read(connection, &sql)
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
    sql.bind(run.to_string());
    sql.push(" AND i.subject NOT IN ('user', 'group')");
    push_chosen(&mut sql, chosen);
    sql.push(" AND i.id < ").bind(before);
    sql.push(" ORDER BY i.id DESC LIMIT ").bind(limit);
    read(connection, &sql)
}

fn read(connection: &mut Connection, sql: &Sql) -> Result<Vec<RowImage>, StoreError> {
    let rows: Vec<ImageRow> = connection.rows(sql)?;
    rows.into_iter().map(RowImage::try_from).collect()
}

/// Forgets images from before a time, the oldest first; answers how many.
pub(crate) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let mut sql =
        connection.sql("DELETE FROM run_images WHERE id IN (SELECT id FROM run_images WHERE at < ");
    sql.bind(millis(before))
        .push(" ORDER BY at LIMIT ")
        .bind(limit);
    sql.push(")");
    connection.execute(&sql)
}
