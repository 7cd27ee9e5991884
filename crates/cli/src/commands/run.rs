//! `run`: list, show, changes, undo.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand};
use scim_admin::AdminService;
use scim_admin::run::{Chosen, RowDifference, Run, RunsQuery, UndoInput, UndoState};
use scim_console::documents;
use scim_provisioning::{RunId, RunKind};
use serde_json::{Value, json};

use super::value::{actor, instant, maybe_instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List runs, the newest first.
    List(List),
    /// Show a run.
    Show {
        /// The id.
        run: String,
    },
    /// List what a run changed, field by field.
    Changes(Changes),
    /// Take a run back, or a part of it.
    Undo(Undo),
}

/// Options of `run list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this configuration, by name or id.
    #[arg(long, value_name = "CONFIGURATION")]
    configuration: Option<String>,
    /// Only those of this kind.
    #[arg(long, value_parser = RunKind::ALL.map(RunKind::as_str))]
    kind: Option<String>,
    /// Only those that began at this time or later, such as 2026-11-26T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<DateTime<Utc>>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Those before this one, the last of the page before.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    after: Option<RunId>,
}

/// Options of `run changes`.
#[derive(Debug, Args)]
pub(crate) struct Changes {
    /// The id of the run.
    run: String,
    /// At most so many resources.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Those behind this number, "next" of the page before.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
}

/// Options of `run undo`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["run", "event"]).required(true))]
pub(crate) struct Undo {
    /// The id of the run.
    run: Option<String>,
    /// What it did to this user or group alone, by the name at that time or by id; may be repeated.
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "event")]
    only: Vec<String>,
    /// What this entry of the log did alone.
    #[arg(long, value_name = "ID")]
    event: Option<i64>,
    /// Take back as well what somebody changed since.
    #[arg(long)]
    overwrite: bool,
    /// Pause the configuration with it, so that its identity provider does not do it again.
    #[arg(long, conflicts_with = "preview")]
    pause: bool,
    /// Say what would become of each resource, and change nothing.
    #[arg(long)]
    preview: bool,
    /// Leave it to the running server, and do not wait.
    #[arg(long, conflicts_with = "preview")]
    background: bool,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::List(options) => list(common, &admin, &options),
        Action::Show { run } => show(common, &admin.run(&run)?),
        Action::Changes(options) => {
            let run = admin.run(&options.run)?;
            let found = admin.run_changes(run.id, options.after, options.limit)?;
            print_changes(common, &found, next(&found, options.limit))
        }
        Action::Undo(options) => undo(common, &admin, options),
    }
}

fn list(common: &Common, admin: &AdminService, options: &List) -> anyhow::Result<()> {
    let configuration = match &options.configuration {
        Some(name) => Some(admin.find_logged_configuration(name)?),
        None => None,
    };
    let runs = admin.runs(&RunsQuery {
        configuration,
        kind: options.kind.as_deref().and_then(RunKind::parse),
        since: options.since,
        before: options.after,
        limit: options.limit,
    })?;
    if common.json {
        let full = i64::try_from(runs.len()).is_ok_and(|count| count == options.limit);
        let next = runs.last().filter(|_| full).map(|run| run.id.to_string());
        return output::page(runs.iter().map(documents::run), next);
    }
    let titles = [
        "began",
        "ended",
        "kind",
        "configuration",
        "by",
        "changes",
        "failed",
        "id",
    ];
    let mut table = Table::titled(titles);
    for run in &runs {
        let configuration = run.configuration.as_ref();
        table.row([
            instant(run.began),
            maybe_instant(run.ended).unwrap_or_else(|| "goes on".to_owned()),
            run.kind.as_str().to_owned(),
            configuration
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
            run.actor.clone(),
            run.counts.changes().to_string(),
            run.counts.of("failed").to_string(),
            run.id.to_string(),
        ]);
    }
    table.print()
}

fn show(common: &Common, run: &Run) -> anyhow::Result<()> {
    if common.json {
        return output::json(&documents::run(run));
    }
    let mut table = Table::of_fields();
    let configuration = run.configuration.as_ref();
    let undoes = run.undoes.as_ref().map(|undoes| undoes.run.to_string());
    for (field, value) in [
        ("id", run.id.to_string()),
        ("kind", run.kind.as_str().to_owned()),
        (
            "configuration",
            configuration
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
        ),
        ("by", run.actor.clone()),
        ("began", instant(run.began)),
        ("ended", maybe_instant(run.ended).unwrap_or_default()),
        ("state", run.state.as_str().to_owned()),
        ("takes back", undoes.unwrap_or_default()),
    ] {
        table.row([field.to_owned(), value]);
    }
    for (counted, amount) in &run.counts.0 {
        table.row([counted.clone(), amount.to_string()]);
    }
    table.print()
}

/// Behind what the next page begins, if this one is full.
fn next(changes: &[RowDifference], limit: i64) -> Option<i64> {
    let full = i64::try_from(changes.len()).is_ok_and(|count| count == limit);
    changes.last().filter(|_| full).map(|change| change.first)
}

fn print_changes(
    common: &Common,
    changes: &[RowDifference],
    next: Option<i64>,
) -> anyhow::Result<()> {
    if common.json {
        let next = next.map(|next| next.to_string());
        return output::page(changes.iter().map(documents::run_change), next);
    }
    let mut table = Table::titled(["resource", "action", "field", "before", "after", "undo"]);
    for change in changes {
        let name = change.name.clone().unwrap_or_else(|| change.id.clone());
        let resource = format!("{} {name}", change.kind);
        let state = change.state.map(UndoState::as_str);
        let row = |field: &str, old: String, new: String, kept: bool| {
            let state = if kept { Some("kept") } else { state };
            [
                resource.clone(),
                change.action.as_str().to_owned(),
                field.to_owned(),
                old,
                new,
                state.unwrap_or_default().to_owned(),
            ]
        };
        if change.fields.is_empty() {
            table.row(row("", String::new(), String::new(), false));
        }
        for field in &change.fields {
            table.row(row(
                &field.field,
                text(&field.old),
                text(&field.new),
                field.kept,
            ));
        }
    }
    table.print()
}

/// A value as people read it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn undo(common: &Common, admin: &AdminService, options: Undo) -> anyhow::Result<()> {
    let (run, chosen) = match (options.event, &options.run) {
        (Some(event), _) => {
            let (run, chosen) = admin.run_of_event(event)?;
            let overwrite = options.overwrite;
            (
                run,
                Chosen {
                    overwrite,
                    ..chosen
                },
            )
        }
        (None, run) => {
            let run = admin.run(run.as_deref().unwrap_or_default())?;
            let input = UndoInput {
                only: options.only,
                overwrite: options.overwrite,
            };
            let chosen = admin.chosen_of_run(run.id, &input)?;
            (run, chosen)
        }
    };
    if options.preview {
        let previewed = preview(admin, &run, &chosen)?;
        let may_repeat = admin.pausable(&run)?.is_some();
        if common.json {
            let items: Vec<_> = previewed.iter().map(documents::run_change).collect();
            return output::json(&json!({ "items": items, "next": null, "mayRepeat": may_repeat }));
        }
        print_changes(common, &previewed, None)?;
        if may_repeat {
            output::line(MAY_REPEAT)?;
        }
        return Ok(());
    }
    let mut begun = admin.begin_undo_and(&actor(), &run, chosen, options.pause)?;
    if !options.background {
        let id = begun.id;
        begun = admin.finish_undo(id).with_context(|| {
            format!("run {id} has begun and is not at its end; a running server goes on with it")
        })?;
    }
    if common.json {
        return output::json(&documents::undo(&begun));
    }
    output::line(&begun.id.to_string())?;
    let told: BTreeMap<_, _> = begun
        .counts
        .0
        .iter()
        .filter(|(_, amount)| **amount > 0)
        .collect();
    for (counted, amount) in told {
        output::line(&format!("{counted} {amount}"))?;
    }
    Ok(())
}

/// The whole preview.
fn preview(admin: &AdminService, run: &Run, chosen: &Chosen) -> anyhow::Result<Vec<RowDifference>> {
    let mut all: Vec<RowDifference> = Vec::new();
    loop {
        let after = all.last().map(|change| change.first);
        let page = admin.preview_undo(run.id, chosen, after, PAGE)?;
        let more = next(&page, PAGE).is_some();
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

fn time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text);
    Ok(time
        .context("a time is written as 2026-11-26T12:00:00Z")?
        .to_utc())
}

fn run_id(text: &str) -> anyhow::Result<RunId> {
    RunId::parse(text).context("that is no id of a run")
}

/// What is said below a preview of what an identity provider may do again.
const MAY_REPEAT: &str = "The identity provider may do it again in its next cycle: who is to leave again within 24 hours is \
     held, all else is done. Add --pause to pause the configuration with the undo.";
/// How many resources are previewed at once.
const PAGE: i64 = 500;
