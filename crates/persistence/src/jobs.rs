//! Rows of `jobs`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_provisioning::reapply::Job;
use scim_provisioning::{ConfigurationId, ResourceId, RunId, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::nodes::Number;
use crate::schema::jobs;
use crate::time::{instant, millis};
use crate::{runs, totals};

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
struct JobRow {
    id: String,
    configuration_id: String,
    position: Option<String>,
    total: i64,
    done: i64,
    changed: i64,
    failed: i64,
    finished: i32,
    actor: String,
    created_at: i64,
    updated_at: i64,
}

/// Deletes the jobs of a configuration that are not finished.
pub(crate) fn delete_unfinished(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(), StoreError> {
    let open = jobs::table
        .filter(jobs::finished.eq(Number::<0>))
        .filter(jobs::configuration_id.eq(configuration.to_string()));
    connection.execute(diesel::delete(open))?;
    Ok(())
}

/// Adds a job for all users of a configuration.
pub(crate) fn insert(connection: &mut Connection, job: &Job) -> Result<Job, StoreError> {
    let users = totals::visible_users(connection.dialect(), job.configuration);
    connection.execute(diesel::insert_into(jobs::table).values((
        jobs::id.eq(job.id.to_string()),
        jobs::configuration_id.eq(job.configuration.to_string()),
        jobs::total.eq(users),
        jobs::done.eq(0_i64),
        jobs::changed.eq(0_i64),
        jobs::failed.eq(0_i64),
        jobs::finished.eq(0),
        jobs::actor.eq(&job.actor),
        jobs::created_at.eq(millis(job.created)),
        jobs::updated_at.eq(millis(job.updated)),
        jobs::claimed_until.eq(0_i64),
    )))?;
    let row: Option<JobRow> = connection.first(
        jobs::table
            .filter(jobs::id.eq(job.id.to_string()))
            .select(JobRow::as_select()),
    )?;
    row.map(read).transpose()?.ok_or(StoreError::Stale)
}

/// The jobs of a configuration, the newest first.
pub(crate) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<Vec<Job>, StoreError> {
    let rows: Vec<JobRow> = connection.load(
        jobs::table
            .filter(jobs::configuration_id.eq(configuration.to_string()))
            .order(jobs::id.desc())
            .limit(SHOWN)
            .select(JobRow::as_select()),
    )?;
    rows.into_iter().map(read).collect()
}

/// Takes up a job that nobody works on, and keeps others from it until a time; the one of this
/// id, or the oldest.
pub(crate) fn claim(
    connection: &mut Connection,
    id: Option<RunId>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Job>, StoreError> {
    let oldest = jobs::table
        // The words of the index, which holds open jobs alone.
        .filter(jobs::finished.eq(Number::<0>))
        .filter(jobs::claimed_until.le(millis(now)))
        .order(jobs::id)
        .limit(1)
        .select(jobs::id);
    let found: Option<String> = match id {
        Some(id) => connection.first(oldest.filter(jobs::id.eq(id.to_string())))?,
        None => connection.first(oldest)?,
    };
    let Some(found) = found else {
        return Ok(None);
    };
    // Somebody else may have taken it meanwhile.
    let free = jobs::table
        .filter(jobs::id.eq(found))
        .filter(jobs::claimed_until.le(millis(now)));
    let row: Option<JobRow> = connection.first(
        diesel::update(free)
            .set(jobs::claimed_until.eq(millis(until)))
            .returning((
                jobs::id,
                jobs::configuration_id,
                jobs::position,
                jobs::total,
                jobs::done,
                jobs::changed,
                jobs::failed,
                jobs::finished,
                jobs::actor,
                jobs::created_at,
                jobs::updated_at,
            )),
    )?;
    row.map(read).transpose()
}

/// Notes how far a job is; whoever worked on it is done with this step.
pub(crate) fn save(connection: &mut Connection, job: &Job) -> Result<(), StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let written = connection.execute(
        diesel::update(jobs::table.filter(jobs::id.eq(job.id.to_string()))).set((
            jobs::claimed_until.eq(0_i64),
            jobs::position.eq(job.position.map(|id| id.to_string())),
            jobs::done.eq(number(job.done)),
            jobs::changed.eq(number(job.changed)),
            jobs::failed.eq(number(job.failed)),
            jobs::finished.eq(i32::from(job.finished)),
            jobs::updated_at.eq(millis(job.updated)),
        )),
    )?;
    match (written, job.finished) {
        (0, _) => Err(StoreError::Stale),
        (_, true) => runs::end(connection, job.id, job.updated),
        (_, false) => Ok(()),
    }
}

fn read(row: JobRow) -> Result<Job, StoreError> {
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
        id: RunId::parse(&row.id).ok_or_else(|| unreadable("jobs.id"))?,
    })
}

/// How many jobs of a configuration are shown.
const SHOWN: i64 = 20;
