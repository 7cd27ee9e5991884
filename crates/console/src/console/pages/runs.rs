//! Runs of a configuration: what there were, what one changed, and taking it back.

use askama::Template;
use scim_admin::AdminError;
use scim_admin::run::{Chosen, RowDifference, Run, RunState, RunsQuery, UndoState};
use scim_provisioning::{Cause, RunId, RunKind};

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::configuration::{Shown, Tabs};
use super::telling::{Telling, ToldField};
use super::{LIST, Shell, instant, spaced};

/// A run in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) began: String,
    /// Empty while it goes on.
    ended: String,
    pub(super) kind: &'static str,
    actor: String,
    /// How the worst of it ended, as a pill is coloured.
    pub(super) colour: &'static str,
    pub(super) said: String,
    requests: i64,
}

impl Row {
    fn new(run: &Run) -> Self {
        Self {
            id: run.id.to_string(),
            began: instant(run.began),
            ended: match (run.ended, run.state) {
                (Some(ended), RunState::Done) => instant(ended),
                _ => String::new(),
            },
            kind: named(run.kind.known()),
            // As whom: `administrator:NAME`, `configuration:NAME`.
            actor: run
                .actor
                .split_once(':')
                .map_or(&*run.actor, |(_, name)| name)
                .to_owned(),
            colour: colour(run),
            said: summary(run),
            requests: run.counts.of("requests"),
        }
    }
}

/// A kind of run, as people call it.
fn named(kind: Option<RunKind>) -> &'static str {
    match kind {
        Some(RunKind::Cycle) => "Cycle",
        Some(RunKind::Reapply) => "Rules applied again",
        Some(RunKind::GoLive) => "Rehearsal gone live",
        Some(RunKind::Undo) => "Undo",
        Some(RunKind::Redo) => "Redo",
        Some(RunKind::HeldDecision) => "Held changes decided",
        Some(RunKind::LinkDecision) => "Link decided",
        Some(RunKind::ByHand) => "Changed by hand",
        Some(RunKind::ConfigurationDeleted) => "Configuration deleted",
        Some(RunKind::Replay) => "Request replayed",
        _ => "Run",
    }
}

fn colour(run: &Run) -> &'static str {
    let counts = &run.counts;
    match (counts.of("failed"), counts.of("held") + counts.of("warned")) {
        (1.., _) => "bad",
        (0, 1..) => "warning",
        _ => "good",
    }
}

/// What a run did, in words.
fn summary(run: &Run) -> String {
    let words = [
        "created",
        "updated",
        "linked",
        "blocked",
        "unblocked",
        "archived",
        "deleted",
        "held",
        "failed",
    ];
    let told = words.iter().map(|word| (word, run.counts.of(word)));
    let told: Vec<String> = told
        .filter(|(_, amount)| *amount > 0)
        .map(|(word, amount)| format!("{amount} {word}"))
        .collect();
    match told.is_empty() {
        true => "no changes".to_owned(),
        false => told.join(", "),
    }
}

/// The last runs of a configuration.
pub(super) fn last(visit: &Visit<'_>, shown: &Shown, limit: i64) -> Result<Vec<Row>, Failed> {
    let found = visit.console.admin.runs(&RunsQuery {
        configuration: Some(shown.id),
        limit,
        ..RunsQuery::default()
    })?;
    Ok(found.iter().map(Row::new).collect())
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Runs {
    shell: Shell,
    tabs: Tabs,
    rows: Vec<Row>,
    /// Where the next page is; empty behind the last one.
    older: String,
    /// Where the first one is, for whoever went on.
    first: String,
}

/// The runs of a configuration, the newest first.
pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let before = visit.query.given("before").and_then(RunId::parse);
    let found = visit.console.admin.runs(&RunsQuery {
        configuration: Some(shown.id),
        before,
        limit: SHOWN,
        ..RunsQuery::default()
    })?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == SHOWN);
    let last = found.last().filter(|_| full);
    let here = format!("{LIST}/{}/runs", shown.id);
    let page = Runs {
        shell: shown.shell(visit, "Runs")?,
        tabs: shown.tabs(visit, "runs"),
        older: last
            .map(|run| format!("{here}?before={}", run.id))
            .unwrap_or_default(),
        first: before.map(|_| here).unwrap_or_default(),
        rows: found.iter().map(Row::new).collect(),
    };
    ConsoleAnswer::page(200, &page)
}

/// A user or group that a run changed.
struct Changed {
    link: String,
    name: String,
    action: String,
    fields: Vec<ToldField>,
    /// What becomes of it when the run is taken back, as a pill is coloured, and in words.
    state: (&'static str, &'static str),
}

impl Changed {
    fn new(telling: &mut Telling<'_>, change: &RowDifference) -> Result<Self, Failed> {
        let place = match change.kind {
            scim_provisioning::ResourceKind::User => "users",
            scim_provisioning::ResourceKind::Group => "groups",
        };
        Ok(Self {
            link: format!("/admin/{place}/{}", change.id),
            name: change.name.clone().unwrap_or_else(|| change.id.clone()),
            action: spaced(change.action.as_str()),
            fields: telling.fields(&change.fields)?,
            state: match (change.state, change.cause) {
                (Some(UndoState::Undo), _) => ("good", "is taken back"),
                (Some(UndoState::Kept), Some(Cause::UniquenessOwn)) => {
                    ("warning", "stays: somebody else has the name by now")
                }
                (Some(UndoState::Kept), Some(Cause::ResourceProtected)) => {
                    ("warning", "stays: it is protected")
                }
                (Some(UndoState::Kept), _) => ("warning", "stays"),
                _ => ("warning", "cannot be taken back"),
            },
        })
    }
}

#[derive(Template)]
#[template(path = "run.html")]
struct Shows {
    shell: Shell,
    tabs: Tabs,
    row: Row,
    /// What was counted: the word, and how much.
    counts: Vec<(String, i64)>,
    /// The run that it takes back.
    undoes: String,
    changes: Vec<Changed>,
    older: String,
    first: String,
    /// What is said of how many resources are shown.
    shown: String,
    redo: bool,
    /// Whether the identity provider may do it again, and the configuration can be paused.
    pausable: bool,
    /// Whether what was before it is not kept any more.
    forgotten: bool,
    error: String,
}

impl Shows {
    fn new(visit: &Visit<'_>) -> Result<(Self, Run), Failed> {
        let shown = Shown::find(visit)?;
        let admin = &visit.console.admin;
        let run = admin.run(visit.part("run"))?;
        if run
            .configuration
            .as_ref()
            .is_none_or(|(id, _)| *id != shown.id)
        {
            return Err(Failed::NotFound);
        }
        let after = visit.query.text("after").parse().ok();
        let changes = admin.preview_undo(run.id, &Chosen::default(), after, SHOWN)?;
        let full = i64::try_from(changes.len()).is_ok_and(|count| count == SHOWN);
        let last = changes.last().filter(|_| full);
        let here = format!("{LIST}/{}/runs/{}", shown.id, run.id);
        let mut telling = Telling::new(admin)?;
        let counts = run.counts.0.iter();
        let page = Self {
            shell: shown.shell(visit, "Run")?,
            tabs: shown.tabs(visit, "runs"),
            row: Row::new(&run),
            counts: counts
                .map(|(word, amount)| (word.replace("refused:", "refused: "), *amount))
                .collect(),
            undoes: run
                .undoes
                .as_ref()
                .map(|undoes| undoes.run.to_string())
                .unwrap_or_default(),
            older: last
                .map(|change| format!("{here}?after={}", change.first))
                .unwrap_or_default(),
            first: after.map(|_: i64| here).unwrap_or_default(),
            shown: counted(changes.len(), "user or group", "users and groups"),
            changes: changes
                .iter()
                .map(|change| Changed::new(&mut telling, change))
                .collect::<Result<_, _>>()?,
            redo: run.kind == RunKind::Undo,
            pausable: admin.pausable(&run)?.is_some(),
            forgotten: run.forgotten,
            error: String::new(),
        };
        Ok((page, run))
    }
}

/// A run: its counts, what it changed, and what would become of that.
pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &Shows::new(visit)?.0)
}

/// Takes a run back, or what it did to those who were chosen.
pub(in super::super) fn undo(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (page, run) = Shows::new(visit)?;
    let refused = |error: String| ConsoleAnswer::page(422, &Shows { error, ..page });
    let overwrite = visit.form.checked("overwrite");
    let resources = match visit.form.text("what") {
        "all" => None,
        "chosen" => Some(visit.form.all("resource")),
        _ => return refused("Choose what is taken back.".to_owned()),
    };
    if resources.as_ref().is_some_and(Vec::is_empty) {
        return refused("Choose users or groups first.".to_owned());
    }
    let chosen = Chosen {
        resources,
        overwrite,
        ..Chosen::default()
    };
    let admin = &visit.console.admin;
    let pause = visit.form.checked("pause");
    let begun = match admin.begin_undo_and(&visit.actor()?, &run, chosen, pause) {
        Err(error @ (AdminError::Invalid(_) | AdminError::UndoUnderWay { .. })) => {
            return refused(sentence(&error));
        }
        begun => begun?,
    };
    // A small one is done when the page is shown; the server goes on with any other.
    let begun = admin.undo_for_now(begun, STEPS);
    let to = visit.part("configuration");
    Ok(ConsoleAnswer::redirect(format!(
        "{LIST}/{to}/runs/{}?done=undone",
        begun.id
    )))
}

/// How many steps are done before the page is shown.
const STEPS: usize = 2;
/// How many runs, and how many changed resources, a page shows.
const SHOWN: i64 = 50;
