//! Rows of `jobs`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_provisioning::reapply::Job;
use scim_provisioning::{ConfigurationId, ResourceId, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::time::{instant, millis};
use crate::totals;

#[derive(diesel::QueryableByName)]
struct JobRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    position: Option<String>,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    finished: i64,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

const COLUMNS: &str = "id, configuration_id, position, total, done, changed, failed, \
    CAST(finished AS BIGINT) AS finished, actor, created_at, updated_at";

/// Deletes the jobs of a configuration that are not finished.
pub(crate) fn delete_unfinished(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM jobs WHERE finished = 0 AND configuration_id = ");
    sql.bind(configuration.to_string());
    connection.execute(&sql)?;
    Ok(())
}

/// Adds a job for all users of a configuration.
pub(crate) fn insert(connection: &mut Connection, job: &Job) -> Result<Job, StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO jobs (id, configuration_id, total, done, changed, failed, finished, actor, \
         created_at, updated_at, claimed_until) SELECT ",
    );
    sql.bind(&job.id);
    sql.push(", ").bind(job.configuration.to_string());
    sql.push(", ");
    totals::push_visible_users(&mut sql, job.configuration);
    sql.push(", 0, 0, 0, 0, ").bind(&job.actor);
    sql.push(", ").bind(millis(job.created));
    sql.push(", ").bind(millis(job.updated)).push(", 0");
    connection.execute(&sql)?;
    find(connection, &job.id)?.ok_or(StoreError::Stale)
}

fn find(connection: &mut Connection, id: &str) -> Result<Option<Job>, StoreError> {
    let mut sql = connection.sql(&format!("SELECT {COLUMNS} FROM jobs WHERE id = "));
    sql.bind(id);
    connection.row::<JobRow>(&sql)?.map(job).transpose()
}

/// The jobs of a configuration, the newest first.
pub(crate) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<Vec<Job>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS} FROM jobs WHERE configuration_id = "
    ));
    sql.bind(configuration.to_string());
    sql.push(" ORDER BY id DESC LIMIT 20");
    let rows: Vec<JobRow> = connection.rows(&sql)?;
    rows.into_iter().map(job).collect()
}

/// Takes up a job that nobody works on, and keeps others from it until a time; the one of this
/// id, or the oldest.
pub(crate) fn claim(
    connection: &mut Connection,
    id: Option<&str>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Job>, StoreError> {
    let mut sql = connection.sql("UPDATE jobs SET claimed_until = ");
    sql.bind(millis(until));
    sql.push(" WHERE id = (SELECT id FROM jobs WHERE finished = 0 AND claimed_until <= ");
    sql.bind(millis(now));
    if let Some(id) = id {
        sql.push(" AND id = ").bind(id);
    }
    sql.push(" ORDER BY id LIMIT 1) AND claimed_until <= ");
    sql.bind(millis(now));
    sql.push(&format!(" RETURNING {COLUMNS}"));
    connection.row::<JobRow>(&sql)?.map(job).transpose()
}

/// Notes how far a job is; whoever worked on it is done with this step.
pub(crate) fn save(connection: &mut Connection, job: &Job) -> Result<(), StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut sql = connection.sql("UPDATE jobs SET claimed_until = 0, position = ");
    sql.bind(job.position.map(|id| id.to_string()));
    sql.push(", done = ").bind(number(job.done));
    sql.push(", changed = ").bind(number(job.changed));
    sql.push(", failed = ").bind(number(job.failed));
    sql.push(", finished = ").bind(job.finished);
    sql.push(", updated_at = ").bind(millis(job.updated));
    sql.push(" WHERE id = ").bind(&job.id);
    match connection.execute(&sql)? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

fn job(row: JobRow) -> Result<Job, StoreError> {
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(Job {
        configuration: ConfigurationId::parse(&row.configuration_id)
            .ok_or_else(|| unreadable("jobs.configuration_id"))?,
        position: row.position.as_deref().and_then(ResourceId::parse),
        total: number(row.total),
        done: number(row.done),
        changed: number(row.changed),
        failed: number(row.failed),
        finished: row.finished != 0,
        actor: row.actor,
        created: instant(row.created_at),
        updated: instant(row.updated_at),
        id: row.id,
    })
}
