//! Rows of `runs`, and their counts.

pub(crate) mod attached;
pub(crate) mod images;
pub(crate) mod restore;
mod row;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::run::{Run, RunCounts, RunState, RunsQuery};
use scim_provisioning::run::{CycleRequests, LONGEST_CYCLE, OpenCycle};
use scim_provisioning::{RunId, RunKind, StoreError};
use serde_json::Value;

use self::row::RunRow;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::sql::{Dialect, Sql};
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
pub(super) struct IdRow {
    #[diesel(sql_type = Text)]
    pub(super) id: String,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Text)]
    run: String,
    #[diesel(sql_type = Text)]
    counted: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

#[derive(diesel::QueryableByName)]
struct CycleRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    began_at: i64,
    #[diesel(sql_type = BigInt)]
    last_request_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    silence: Option<i64>,
}

/// Adds requests to the cycle of a configuration, or to one that begins with them.
pub(crate) fn note_cycle(
    connection: &mut Connection,
    requests: &CycleRequests,
) -> Result<OpenCycle, StoreError> {
    let mut sql = connection.sql(
        "SELECT id, began_at, last_request_at, silence FROM runs WHERE kind = 'cycle' \
         AND state = 'running' AND configuration_id = ",
    );
    sql.bind(requests.configuration.to_string()).for_update();
    let open: Option<CycleRow> = connection.row(&sql)?;
    let (first, last) = (millis(requests.first), millis(requests.last));
    let goes_on = |cycle: &CycleRow| {
        first - cycle.last_request_at <= cycle.silence.unwrap_or_default()
            && last - cycle.began_at < LONGEST_CYCLE.num_milliseconds()
    };
    let open = match open {
        Some(cycle) if goes_on(&cycle) => {
            let run = RunId::parse(&cycle.id).ok_or_else(|| unreadable("runs.id"))?;
            let began = cycle.began_at.min(first);
            if requests.requests > 0 || began < cycle.began_at {
                let mut sql = connection.sql("UPDATE runs SET began_at = ");
                sql.bind(began).push(", last_request_at = ");
                sql.bind(cycle.last_request_at.max(last));
                sql.push(" WHERE id = ").bind(&cycle.id);
                connection.execute(&sql)?;
            }
            OpenCycle {
                run,
                began: instant(began),
            }
        }
        over => {
            if let Some(cycle) = over {
                let mut sql = connection
                    .sql("UPDATE runs SET state = 'done', ended_at = last_request_at WHERE id = ");
                sql.bind(cycle.id);
                connection.execute(&sql)?;
            }
            begin_cycle(connection, requests)?
        }
    };
    note_requests(connection, open.run, requests.requests, requests.reads)?;
    Ok(open)
}

/// Adds requests, of which so many were reads, to a run.
pub(crate) fn note_requests(
    connection: &mut Connection,
    run: RunId,
    requests: u64,
    reads: u64,
) -> Result<(), StoreError> {
    count(connection, run, "requests", requests)?;
    count(connection, run, "reads", reads)
}

fn begin_cycle(
    connection: &mut Connection,
    requests: &CycleRequests,
) -> Result<OpenCycle, StoreError> {
    let run = RunId::of(connection.uuid());
    let mut sql = connection.sql(
        "INSERT INTO runs (id, kind, configuration_id, configuration_name, actor, began_at, \
         last_request_at, silence, state, claimed_until) VALUES (",
    );
    sql.bind(run.to_string()).push(", ");
    sql.bind(RunKind::Cycle.as_str()).push(", ");
    sql.bind(requests.configuration.to_string()).push(", ");
    sql.bind(&requests.name).push(", ");
    sql.bind(format!("configuration:{}", requests.name))
        .push(", ");
    sql.bind(millis(requests.first)).push(", ");
    sql.bind(millis(requests.last)).push(", ");
    sql.bind(requests.silence.num_milliseconds());
    sql.push(", 'running', 0)");
    // Another server began one at the same time: it is found when this is done again.
    connection.execute(&sql).map_err(|error| match error {
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
    let mut sql = connection.sql("INSERT INTO run_counts (run, counted, amount) VALUES (");
    sql.bind(run.to_string())
        .push(", ")
        .bind(counted)
        .push(", ");
    sql.bind(i64::try_from(amount).unwrap_or(i64::MAX))
        .push(")");
    if connection.dialect() == Dialect::Sqlite {
        sql.push(" ON CONFLICT (run, counted) DO UPDATE SET amount = amount + excluded.amount");
    }
    connection.execute(&sql).map(drop)
}

/// Ends cycles whose silence is longer than they last.
pub(crate) fn end_cycles(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "UPDATE runs SET state = 'done', ended_at = last_request_at WHERE state = 'running' \
         AND kind = 'cycle' AND last_request_at + silence < ",
    );
    sql.bind(millis(now));
    connection.execute(&sql).map(drop)
}

/// Inserts a run.
pub(crate) fn insert(connection: &mut Connection, run: &Run) -> Result<(), StoreError> {
    let undoes = run.undoes.as_ref();
    let mut sql = connection.sql(
        "INSERT INTO runs (id, kind, configuration_id, configuration_name, actor, began_at, \
         last_request_at, ended_at, state, of_run, chosen, phase, position, claimed_until) VALUES (",
    );
    sql.bind(run.id.to_string()).push(", ");
    sql.bind(run.kind.as_str()).push(", ");
    let configuration = run.configuration.as_ref();
    sql.bind(configuration.map(|(id, _)| id.to_string()))
        .push(", ");
    sql.bind(configuration.map(|(_, name)| name.as_str()))
        .push(", ");
    sql.bind(&run.actor).push(", ");
    sql.bind(millis(run.began)).push(", ");
    sql.bind(millis(run.began)).push(", ");
    sql.bind(run.ended.map(millis)).push(", ");
    sql.bind(run.state.as_str()).push(", ");
    sql.bind(undoes.map(|undoes| undoes.run.to_string()))
        .push(", ");
    let chosen = undoes.map(|undoes| serde_json::json!(undoes.chosen).to_string());
    sql.bind(chosen).push(", ");
    sql.bind(undoes.map(|undoes| undoes.phase.number()))
        .push(", ");
    sql.bind(undoes.map(|undoes| undoes.position));
    sql.push(", 0)");
    connection.execute(&sql).map(drop)
}

/// Ends a run, if it is there.
pub(crate) fn end(
    connection: &mut Connection,
    run: RunId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE runs SET state = 'done', ended_at = ");
    sql.bind(millis(at))
        .push(" WHERE id = ")
        .bind(run.to_string());
    connection.execute(&sql).map(drop)
}

/// Notes how far a run is that takes something back.
pub(crate) fn save(connection: &mut Connection, run: &Run) -> Result<(), StoreError> {
    let undoes = run.undoes.as_ref();
    let mut sql = connection.sql("UPDATE runs SET claimed_until = 0, state = ");
    sql.bind(run.state.as_str()).push(", ended_at = ");
    sql.bind(run.ended.map(millis)).push(", phase = ");
    sql.bind(undoes.map(|undoes| undoes.phase.number()));
    sql.push(", position = ");
    sql.bind(undoes.map(|undoes| undoes.position));
    sql.push(" WHERE id = ").bind(run.id.to_string());
    match connection.execute(&sql)? {
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
    let mut sql = connection.sql(
        "SELECT id FROM runs WHERE state = 'running' AND of_run IS NOT NULL AND claimed_until <= ",
    );
    sql.bind(millis(now));
    if let Some(id) = id {
        sql.push(" AND id = ").bind(id.to_string());
    }
    sql.push(" ORDER BY id LIMIT 1");
    let Some(found) = connection.row::<IdRow>(&sql)? else {
        return Ok(None);
    };
    // Somebody else may have taken it meanwhile.
    let mut sql = connection.sql("UPDATE runs SET claimed_until = ");
    sql.bind(millis(until))
        .push(" WHERE state = 'running' AND id = ");
    sql.bind(&found.id)
        .push(" AND claimed_until <= ")
        .bind(millis(now));
    if connection.execute(&sql)? == 0 {
        return Ok(None);
    }
    match RunId::parse(&found.id) {
        Some(id) => find(connection, id),
        None => Err(unreadable("runs.id")),
    }
}

/// Whether a run waits that takes something back.
pub(crate) fn one_waits(connection: &mut Connection) -> Result<bool, StoreError> {
    let sql = connection
        .sql("SELECT id FROM runs WHERE state = 'running' AND of_run IS NOT NULL LIMIT 1");
    Ok(connection.row::<IdRow>(&sql)?.is_some())
}

/// Lets a run that takes something back wait until a time.
pub(crate) fn put_off(
    connection: &mut Connection,
    id: RunId,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE runs SET claimed_until = ");
    sql.bind(millis(until));
    sql.push(" WHERE state = 'running' AND id = ")
        .bind(id.to_string());
    connection.execute(&sql).map(drop)
}

/// The run that is taking a run back and is not at its end.
pub(crate) fn undo_under_way(
    connection: &mut Connection,
    run: RunId,
) -> Result<Option<RunId>, StoreError> {
    let mut sql = connection.sql("SELECT id FROM runs WHERE state = 'running' AND of_run = ");
    sql.bind(run.to_string()).push(" LIMIT 1");
    let found: Option<IdRow> = connection.row(&sql)?;
    found
        .map(|row| RunId::parse(&row.id).ok_or_else(|| unreadable("runs.id")))
        .transpose()
}

/// The run of an id, locked until the transaction ends.
pub(crate) fn lock(connection: &mut Connection, id: RunId) -> Result<Option<Run>, StoreError> {
    let mut sql = connection.sql("SELECT id FROM runs WHERE id = ");
    sql.bind(id.to_string()).for_update();
    match connection.row::<IdRow>(&sql)? {
        Some(_) => find(connection, id),
        None => Ok(None),
    }
}

/// The run of an id, with its counts.
pub(crate) fn find(connection: &mut Connection, id: RunId) -> Result<Option<Run>, StoreError> {
    let mut sql = connection.sql(row::SELECT);
    sql.push(" WHERE id = ").bind(id.to_string());
    Ok(read(connection, &sql)?.into_iter().next())
}

/// Runs, the newest first, with their counts.
pub(crate) fn list(connection: &mut Connection, query: &RunsQuery) -> Result<Vec<Run>, StoreError> {
    let mut sql = connection.sql(row::SELECT);
    sql.push(" WHERE TRUE");
    if let Some(configuration) = query.configuration {
        sql.push(" AND configuration_id = ")
            .bind(configuration.to_string());
    }
    if let Some(kind) = query.kind {
        sql.push(" AND kind = ").bind(kind.as_str());
    }
    if let Some(since) = query.since {
        sql.push(" AND began_at >= ").bind(millis(since));
    }
    if let Some(before) = query.before {
        sql.push(" AND id < ").bind(before.to_string());
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(query.limit);
    read(connection, &sql)
}

fn read(connection: &mut Connection, sql: &Sql) -> Result<Vec<Run>, StoreError> {
    let (rows, now): (Vec<RunRow>, _) = (connection.rows(sql)?, connection.now());
    let runs = rows.into_iter().map(|row| row.read(now));
    let mut runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
    if runs.is_empty() {
        return Ok(runs);
    }
    let mut sql = connection.sql(
        "SELECT run, counted, CAST(SUM(amount) AS BIGINT) AS amount FROM run_counts WHERE run ",
    );
    sql.among(runs.iter().map(|run| run.id.to_string()));
    sql.push(" GROUP BY run, counted");
    let counts: Vec<CountRow> = connection.rows(&sql)?;
    for run in &mut runs {
        let id = run.id.to_string();
        let own = counts.iter().filter(|count| count.run == id);
        run.counts = RunCounts(
            own.map(|count| (count.counted.clone(), count.amount))
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
    let mut sql = connection.sql("SELECT id FROM runs WHERE ended_at < ");
    sql.bind(millis(before))
        .push(" ORDER BY ended_at LIMIT ")
        .bind(limit);
    let old: Vec<IdRow> = connection.rows(&sql)?;
    for (table, column) in [("run_counts", "run"), ("runs", "id")] {
        let mut sql = connection.sql(&format!("DELETE FROM {table} WHERE {column} "));
        sql.among(old.iter().map(|row| row.id.as_str()));
        connection.execute(&sql)?;
    }
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
