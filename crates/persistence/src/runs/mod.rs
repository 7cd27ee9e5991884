//! Rows of `runs`, and their counts.

pub(crate) mod attached;
pub(crate) mod images;
pub(crate) mod restore;
mod row;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_admin::run::{Run, RunCounts, RunState, RunsQuery};
use scim_provisioning::run::{CycleRequests, LONGEST_CYCLE, OpenCycle, RequestCounts};
use scim_provisioning::{RunId, RunKind, StoreError};
use serde_json::Value;

use self::row::RunRow;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::nodes::{among, locked, update};
use crate::schema_recorded::{run_counts, runs};
use crate::sql::Dialect;
use crate::time::{instant, millis};
use crate::values::{Word, sum};
use crate::writes::{excluded, on_conflict};

/// A run that goes on, in the words of the indexes of those.
const RUNNING: Word = Word("running");
const DONE: Word = Word("done");
const CYCLE: Word = Word("cycle");

#[derive(Queryable, Selectable)]
#[diesel(table_name = runs)]
struct CycleRow {
    id: String,
    began_at: i64,
    last_request_at: i64,
    silence: Option<i64>,
}

/// Adds requests to the cycle of a configuration, or to one that begins with them.
pub(crate) fn note_cycle(
    connection: &mut Connection,
    requests: &CycleRequests,
) -> Result<OpenCycle, StoreError> {
    let open = runs::table
        .filter(runs::kind.eq(CYCLE))
        .filter(runs::state.eq(RUNNING))
        .filter(runs::configuration_id.eq(requests.configuration.to_string()))
        .select(CycleRow::as_select());
    let open = locked(connection, open);
    let open: Option<CycleRow> = connection.first(open)?;
    let (first, last) = (millis(requests.first), millis(requests.last));
    let goes_on = |cycle: &CycleRow| {
        first - cycle.last_request_at <= cycle.silence.unwrap_or_default()
            && last - cycle.began_at < LONGEST_CYCLE.num_milliseconds()
    };
    let open = match open {
        Some(cycle) if goes_on(&cycle) => {
            let run = RunId::parse(&cycle.id).ok_or_else(|| unreadable("runs.id"))?;
            let began = cycle.began_at.min(first);
            if requests.counted.requests > 0 || began < cycle.began_at {
                let longer = (
                    runs::began_at.eq(began),
                    runs::last_request_at.eq(cycle.last_request_at.max(last)),
                );
                connection.execute(update(runs::table, runs::id.eq(&cycle.id), longer))?;
            }
            OpenCycle {
                run,
                began: instant(began),
            }
        }
        over => {
            if let Some(cycle) = over {
                let over = (
                    runs::state.eq(DONE),
                    runs::ended_at.eq(runs::last_request_at.nullable()),
                );
                connection.execute(update(runs::table, runs::id.eq(cycle.id), over))?;
            }
            begin_cycle(connection, requests)?
        }
    };
    note_requests(connection, open.run, requests.counted)?;
    Ok(open)
}

/// Adds requests to a run.
pub(crate) fn note_requests(
    connection: &mut Connection,
    run: RunId,
    counted: RequestCounts,
) -> Result<(), StoreError> {
    count(connection, run, "requests", counted.requests)?;
    count(connection, run, "reads", counted.reads)?;
    count(connection, run, "unchanged", counted.unchanged)
}

fn begin_cycle(
    connection: &mut Connection,
    requests: &CycleRequests,
) -> Result<OpenCycle, StoreError> {
    let run = RunId::of(connection.uuid());
    let insert = diesel::insert_into(runs::table).values((
        runs::id.eq(run.to_string()),
        runs::kind.eq(RunKind::Cycle.as_str()),
        runs::configuration_id.eq(requests.configuration.to_string()),
        runs::configuration_name.eq(&requests.name),
        runs::actor.eq(format!("configuration:{}", requests.name)),
        runs::began_at.eq(millis(requests.first)),
        runs::last_request_at.eq(millis(requests.last)),
        runs::silence.eq(requests.silence.num_milliseconds()),
        runs::state.eq(RunState::Running.as_str()),
        runs::claimed_until.eq(0_i64),
    ));
    // Another server began one at the same time: it is found when this is done again.
    connection.execute(insert).map_err(|error| match error {
        StoreError::Conflict { .. } => StoreError::Busy,
        other => other,
    })?;
    Ok(OpenCycle {
        run,
        began: requests.first,
    })
}

/// Adds to a count of a run.
fn count(
    connection: &mut Connection,
    run: RunId,
    counted: &str,
    amount: u64,
) -> Result<(), StoreError> {
    if amount == 0 {
        return Ok(());
    }
    let insert = diesel::insert_into(run_counts::table).values((
        run_counts::run.eq(run.to_string()),
        run_counts::counted.eq(counted),
        run_counts::amount.eq(i64::try_from(amount).unwrap_or(i64::MAX)),
    ));
    match connection.dialect() {
        Dialect::Sqlite => {
            let more = run_counts::amount.eq(run_counts::amount + excluded(run_counts::amount));
            let key = (run_counts::run, run_counts::counted);
            connection.execute(on_conflict(insert, key).set(more))?;
        }
        // Rows are added there and summed up, so that nobody waits for another one's count.
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            connection.execute(insert)?;
        }
    }
    Ok(())
}

/// Ends cycles whose silence is longer than they last.
pub(crate) fn end_cycles(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let whom = runs::state
        .eq(RUNNING)
        .and(runs::kind.eq(CYCLE))
        .and((runs::silence + runs::last_request_at.nullable()).lt(millis(now)));
    let over = (
        runs::state.eq(DONE),
        runs::ended_at.eq(runs::last_request_at.nullable()),
    );
    connection
        .execute(update(runs::table, whom, over))
        .map(drop)
}

/// Inserts a run.
pub(crate) fn insert(connection: &mut Connection, run: &Run) -> Result<(), StoreError> {
    let undoes = run.undoes.as_ref();
    let configuration = run.configuration.as_ref();
    let chosen = undoes.map(|undoes| serde_json::json!(undoes.chosen).to_string());
    let insert = diesel::insert_into(runs::table).values((
        runs::id.eq(run.id.to_string()),
        runs::kind.eq(run.kind.as_str()),
        runs::configuration_id.eq(configuration.map(|(id, _)| id.to_string())),
        runs::configuration_name.eq(configuration.map(|(_, name)| name.as_str())),
        runs::actor.eq(&run.actor),
        runs::began_at.eq(millis(run.began)),
        runs::last_request_at.eq(millis(run.began)),
        runs::ended_at.eq(run.ended.map(millis)),
        runs::state.eq(run.state.as_str()),
        runs::of_run.eq(undoes.map(|undoes| undoes.run.to_string())),
        runs::chosen.eq(chosen),
        runs::phase.eq(undoes.map(|undoes| undoes.phase.number())),
        runs::position.eq(undoes.map(|undoes| undoes.position)),
        runs::claimed_until.eq(0_i64),
    ));
    connection.execute(insert).map(drop)
}

/// Ends a run, if it is there.
pub(crate) fn end(
    connection: &mut Connection,
    run: RunId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let over = (runs::state.eq(DONE), runs::ended_at.eq(millis(at)));
    let whom = runs::id.eq(run.to_string());
    connection
        .execute(update(runs::table, whom, over))
        .map(drop)
}

/// Notes how far a run is that takes something back.
pub(crate) fn save(connection: &mut Connection, run: &Run) -> Result<(), StoreError> {
    let undoes = run.undoes.as_ref();
    let changes = (
        runs::claimed_until.eq(0_i64),
        runs::state.eq(run.state.as_str()),
        runs::ended_at.eq(run.ended.map(millis)),
        runs::phase.eq(undoes.map(|undoes| undoes.phase.number())),
        runs::position.eq(undoes.map(|undoes| undoes.position)),
    );
    let whom = runs::id.eq(run.id.to_string());
    match connection.execute(update(runs::table, whom, changes))? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Takes up a run that takes something back and on which nobody works.
pub(crate) fn claim(
    connection: &mut Connection,
    id: Option<RunId>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Run>, StoreError> {
    let first = runs::table
        .filter(runs::state.eq(RUNNING))
        .filter(runs::of_run.is_not_null())
        .filter(runs::claimed_until.le(millis(now)))
        .order(runs::id)
        .limit(1)
        .select(runs::id);
    let found: Option<String> = match id {
        Some(id) => connection.first(first.filter(runs::id.eq(id.to_string())))?,
        None => connection.first(first)?,
    };
    let Some(found) = found else {
        return Ok(None);
    };
    // Somebody else may have taken it meanwhile.
    let free = runs::state
        .eq(RUNNING)
        .and(runs::id.eq(&found))
        .and(runs::claimed_until.le(millis(now)));
    let taken = runs::claimed_until.eq(millis(until));
    if connection.execute(update(runs::table, free, taken))? == 0 {
        return Ok(None);
    }
    match RunId::parse(&found) {
        Some(id) => find(connection, id),
        None => Err(unreadable("runs.id")),
    }
}

/// Whether a run waits that takes something back.
pub(crate) fn one_waits(connection: &mut Connection) -> Result<bool, StoreError> {
    let one = runs::table
        .filter(runs::state.eq(RUNNING))
        .filter(runs::of_run.is_not_null())
        .limit(1)
        .select(runs::id);
    Ok(connection.first::<String, _>(one)?.is_some())
}

/// Lets a run that takes something back wait until a time.
pub(crate) fn put_off(
    connection: &mut Connection,
    id: RunId,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    let whom = runs::state.eq(RUNNING).and(runs::id.eq(id.to_string()));
    let waits = runs::claimed_until.eq(millis(until));
    connection
        .execute(update(runs::table, whom, waits))
        .map(drop)
}

/// The run that is taking a run back and is not at its end.
pub(crate) fn undo_under_way(
    connection: &mut Connection,
    run: RunId,
) -> Result<Option<RunId>, StoreError> {
    let undo = runs::table
        .filter(runs::state.eq(RUNNING))
        .filter(runs::of_run.eq(run.to_string()))
        .limit(1)
        .select(runs::id);
    let found: Option<String> = connection.first(undo)?;
    found
        .map(|id| RunId::parse(&id).ok_or_else(|| unreadable("runs.id")))
        .transpose()
}

/// The run of an id, locked until the transaction ends.
pub(crate) fn lock(connection: &mut Connection, id: RunId) -> Result<Option<Run>, StoreError> {
    let run = runs::table.find(id.to_string()).select(runs::id);
    let run = locked(connection, run);
    match connection.first::<String, _>(run)? {
        Some(_) => find(connection, id),
        None => Ok(None),
    }
}

/// The run of an id, with its counts.
pub(crate) fn find(connection: &mut Connection, id: RunId) -> Result<Option<Run>, StoreError> {
    let run = runs::table.find(id.to_string());
    let rows: Vec<RunRow> = connection.load(run.select(RunRow::as_select()))?;
    Ok(read(connection, rows)?.into_iter().next())
}

/// Runs, the newest first, with their counts.
pub(crate) fn list(connection: &mut Connection, query: &RunsQuery) -> Result<Vec<Run>, StoreError> {
    let mut select = runs::table
        .select(RunRow::as_select())
        .order(runs::id.desc())
        .limit(query.limit)
        .into_boxed();
    if let Some(configuration) = query.configuration {
        select = select.filter(runs::configuration_id.eq(configuration.to_string()));
    }
    if let Some(kind) = query.kind {
        select = select.filter(runs::kind.eq(kind.as_str()));
    }
    if let Some(since) = query.since {
        select = select.filter(runs::began_at.ge(millis(since)));
    }
    if let Some(before) = query.before {
        select = select.filter(runs::id.lt(before.to_string()));
    }
    let rows: Vec<RunRow> = connection.load(select)?;
    read(connection, rows)
}

fn read(connection: &mut Connection, rows: Vec<RunRow>) -> Result<Vec<Run>, StoreError> {
    let now = connection.now();
    let runs = rows.into_iter().map(|row| row.read(now));
    let mut runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
    if runs.is_empty() {
        return Ok(runs);
    }
    let ids = runs.iter().map(|run| run.id.to_string());
    let counts: Vec<(String, String, Option<i64>)> = connection.load(
        run_counts::table
            .filter(among(run_counts::run, ids))
            .group_by((run_counts::run, run_counts::counted))
            .select((
                run_counts::run,
                run_counts::counted,
                sum(run_counts::amount),
            )),
    )?;
    for run in &mut runs {
        let id = run.id.to_string();
        let own = counts.iter().filter(|(run, ..)| *run == id);
        run.counts = RunCounts(
            own.map(|(_, counted, amount)| (counted.clone(), amount.unwrap_or_default()))
                .collect(),
        );
    }
    Ok(runs)
}

/// Deletes runs that ended before a time, with their counts; answers how many.
pub(crate) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let old = runs::table
        .filter(runs::ended_at.lt(millis(before)))
        .order(runs::ended_at)
        .limit(limit)
        .select(runs::id);
    let old: Vec<String> = connection.load(old)?;
    let counts = run_counts::table.filter(among(run_counts::run, &old));
    connection.execute(diesel::delete(counts))?;
    let old_runs = runs::table.filter(among(runs::id, &old));
    connection.execute(diesel::delete(old_runs))?;
    Ok(old.len())
}

/// A text of JSON.
fn parsed(text: &str, column: &'static str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|_json| unreadable(column))
}

impl RunRow {
    /// Whether it goes on. A cycle does not after its silence, whether or not its end is written.
    fn state(&self, now: DateTime<Utc>) -> RunState {
        let over = self
            .silence
            .is_some_and(|silence| self.last_request_at + silence < millis(now));
        match over {
            true => RunState::Done,
            false => RunState::parse(&self.state),
        }
    }
}
