//! Runs: what there were, what they changed, and taking that back.

use chrono::{DateTime, Utc};
use scim_admin::run::{Chosen, Run as StoredRun, RunsQuery, UndoInput};
use scim_provisioning::{RunId, RunKind};
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Operate};
use super::answer::{Computed, One, Page};
use super::extract::{Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{IdCursor, Limit, NumberCursor, since, words};
use super::{Problem, input};
use crate::documents::{self, Run, RunChange, Undo};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_runs, show_run, list_run_changes, undo_run]
}

/// The run that a path is about.
#[derive(Deserialize, IntoParams)]
struct RunPath {
    /// The id
    #[param(pattern = "^[0-9a-f-]{36}$")]
    run: String,
}

words! {
    /// Why changes were made.
    Kind(RunKind): "kind", RunKind::ALL, RunKind::as_str
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RunsParameters {
    /// The id or the name
    configuration: Option<String>,
    /// Why the changes were made
    #[param(inline)]
    kind: Option<Kind>,
    /// That began at this time or later
    #[serde(default, deserialize_with = "since")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<DateTime<Utc>>,
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<IdCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// A page of what a run changed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChangesParameters {
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<NumberCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// List runs, the newest first.
#[utoipa::path(get, path = "/runs")]
fn list_runs(by: Auditor, Query(query): Query<RunsParameters>) -> Result<Page<Run>, Problem> {
    let limit = query.limit.0;
    let before = match query.cursor.map(|cursor| RunId::parse(&cursor.0)) {
        // Behind what is no run nothing begins.
        Some(None) => return Ok(Page::whole(Vec::new())),
        before => before.flatten(),
    };
    let found = by.admin.runs(&RunsQuery {
        configuration: by.logged_configuration(query.configuration.as_deref())?,
        kind: query.kind.map(|word| word.0),
        since: query.since,
        before,
        limit,
    })?;
    let last = found.last().map(|run| run.id.to_string());
    Ok(Page::up_to(
        found.iter().map(documents::run).collect(),
        limit,
        last,
    ))
}

/// Read a run.
#[utoipa::path(get, path = "/runs/{run}")]
fn show_run(by: Auditor, Path(path): Path<RunPath>) -> Result<One<Run>, Problem> {
    Ok(One::new(documents::run(&by.admin.run(&path.run)?)))
}

/// List what a run changed, resource by resource.
#[utoipa::path(get, path = "/runs/{run}/changes")]
fn list_run_changes(
    by: Auditor,
    Path(path): Path<RunPath>,
    Query(query): Query<ChangesParameters>,
) -> Result<Page<RunChange>, Problem> {
    let run = by.admin.run(&path.run)?;
    let (cursor, limit) = (query.cursor.map(|cursor| cursor.0), query.limit.0);
    let found = by.admin.run_changes(run.id, cursor, limit)?;
    let last = found.last().map(|change| change.first.to_string());
    let items = found.iter().map(documents::run_change).collect();
    Ok(Page::up_to(items, limit, last))
}

/// Take a run back, or what it did to some, or one entry of the log; or say what that would come to.
#[utoipa::path(post, path = "/runs/{run}/undo")]
fn undo_run(
    by: Administrator<Operate>,
    Path(path): Path<RunPath>,
    wanted: Json<input::UndoInput>,
) -> Result<Computed<Undo>, Problem> {
    let run = by.admin.run(&path.run)?;
    let wanted = wanted.read()?;
    let chosen = by.chosen_of_run(&run, &wanted)?;
    if wanted.preview {
        let limit = wanted.limit.unwrap_or(PREVIEWED).clamp(1, 1_000);
        let cursor = wanted.cursor.as_deref().map(str::parse).transpose();
        let cursor =
            cursor.map_err(|_number| Problem::new(422, "\"cursor\" is that of a page."))?;
        let found = by.admin.preview_undo(run.id, &chosen, cursor, limit)?;
        let full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
        let next = found.last().filter(|_| full).map(|change| change.first);
        let may_repeat = by.admin.pausable(&run)?.is_some();
        return Ok(Computed(documents::undo_preview(&found, next, may_repeat)));
    }
    let begun = by
        .admin
        .begin_undo_and(&by.actor, &run, chosen, wanted.pause)?;
    // The server goes on with what is more than a request waits for.
    let steps = if wanted.background { 0 } else { STEPS };
    let begun = by.admin.undo_for_now(begun, steps);
    Ok(Computed(documents::undo(&begun)))
}

impl Caller {
    fn chosen_of_run(&self, run: &StoredRun, wanted: &input::UndoInput) -> Result<Chosen, Problem> {
        let Some(event) = wanted.event else {
            let wanted = UndoInput {
                only: wanted.only.clone(),
                overwrite: wanted.overwrite,
            };
            return Ok(self.admin.chosen_of_run(run.id, &wanted)?);
        };
        let (of, chosen) = self.admin.run_of_event(event)?;
        if of.id != run.id || !wanted.only.is_empty() {
            return Err(Problem::new(
                422,
                "The entry is of another run, or \"only\" is said as well.",
            ));
        }
        Ok(Chosen {
            overwrite: wanted.overwrite,
            ..chosen
        })
    }
}

/// How many resources a preview has, where nobody says.
const PREVIEWED: i64 = 100;
/// How many steps are done before a request is answered.
const STEPS: usize = 20;
