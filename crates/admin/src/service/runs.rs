//! Runs: what there were, what they changed, and taking that back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::directory::Author;
use scim_provisioning::event::{Action, Event, Outcome};
use scim_provisioning::{
    Cause, ConfigurationId, ResourceId, ResourceKind, RunId, RunKind, StoreError,
};
use serde_json::{Value, json};

use super::{Actor, AdminService, entry, now};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::invalid::Problem;
use crate::run::{
    Chosen, RowChange, RowDifference, RowImage, RowSubject, Run, RunCounts, RunState, RunsQuery,
    Touched, UndoInput, UndoPhase, Undoing, Undone, Way, action_of, by_resource,
};
use crate::store::{AdminStoreExt, AdminUpkeep, AdminView, Written};

impl AdminService {
    /// Runs, the newest first.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn runs(&self, query: &RunsQuery) -> Result<Vec<Run>, AdminError> {
        self.store.read(|rows| Ok(rows.runs(query)?))
    }

    /// The run of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn run(&self, id: &str) -> Result<Run, AdminError> {
        let missing = || AdminError::not_found("run", id);
        let run = RunId::parse(id).ok_or_else(missing)?;
        let found = self.store.read(|rows| Ok(rows.run(run)?))?;
        found.ok_or_else(missing)
    }

    /// What a run changed, resource by resource in the order in which it came to them, behind one.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn run_changes(
        &self,
        run: RunId,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<RowDifference>, AdminError> {
        let all = Chosen::default();
        self.store.read(|rows| {
            let touched = rows.touched(run, &all, after.unwrap_or_default(), limit)?;
            let mut images = images_of(rows, run, &all, &touched)?;
            let differences = touched.iter().map(|one| {
                let images = images.remove(&one.id).unwrap_or_default();
                RowDifference::of(one, &images)
            });
            Ok(differences.collect())
        })
    }

    /// What of a run is meant by names or ids of resources.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the run did nothing to one of them.
    pub fn chosen_of_run(&self, run: RunId, input: &UndoInput) -> Result<Chosen, AdminError> {
        let mut chosen = Chosen {
            overwrite: input.overwrite,
            ..Chosen::default()
        };
        if input.only.is_empty() {
            return Ok(chosen);
        }
        let resources = self.store.read(|rows| {
            let mut resources = BTreeSet::new();
            for name in &input.only {
                let found = rows.touched_by_name(run, name)?;
                if found.is_empty() {
                    return Err(AdminError::not_found("change of", name));
                }
                resources.extend(found);
            }
            Ok(resources)
        })?;
        chosen.resources = Some(resources.into_iter().collect());
        Ok(chosen)
    }

    /// The run of which a log entry is part, and what of it the entry is.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for an entry of no run, or of no resource.
    pub fn run_of_event(&self, id: i64) -> Result<(Run, Chosen), AdminError> {
        let event = self.event(id)?;
        let (Some(run), Some(resource)) = (event.run, event.resource_id) else {
            return Err(Problem::NoRun.refused());
        };
        let chosen = Chosen {
            resources: Some(vec![resource]),
            request: Some(event.request_id),
            overwrite: false,
        };
        Ok((self.run(&run.to_string())?, chosen))
    }

    /// What would become of each resource if a run were taken back. Nothing is written.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn preview_undo(
        &self,
        run: RunId,
        chosen: &Chosen,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<RowDifference>, AdminError> {
        let configurations = self.configuration_ids()?;
        self.store.read(|rows| {
            let touched = rows.touched(run, chosen, after.unwrap_or_default(), limit)?;
            let mut images = images_of(rows, run, chosen, &touched)?;
            let mut previewed = Vec::with_capacity(touched.len());
            for one in &touched {
                let images = images.remove(&one.id).unwrap_or_default();
                let current = rows.current_row(one.kind, &one.id)?;
                let change = RowChange::of(images.iter().filter(|one| one.subject.is_resource()));
                let undone = change.as_ref().map(|change| {
                    let (current, overwrite) = (current.as_ref(), chosen.overwrite);
                    Undone::of(one.kind, change, current, &configurations, overwrite)
                });
                let difference = RowDifference::of(one, &images);
                previewed.push(difference.with_undo(undone.as_ref(), current.as_ref()));
            }
            Ok(previewed)
        })
    }

    /// Begins to take a run back, as a run of its own. [`AdminService::step_undo`] does it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when the run goes on, or nothing is kept of what was before it.
    pub fn begin_undo(&self, actor: &Actor, run: &Run, chosen: Chosen) -> Result<Run, AdminError> {
        if run.state == RunState::Running && run.kind != RunKind::Cycle {
            return Err(Problem::RunGoesOn.refused());
        }
        let kind = match run.kind == RunKind::Undo {
            true => RunKind::Redo,
            false => RunKind::Undo,
        };
        let begun = Run {
            undoes: Some(Undoing {
                run: run.id,
                chosen: chosen.clone(),
                phase: UndoPhase::Resources,
                position: i64::MAX,
            }),
            state: RunState::Running,
            ended: None,
            ..new_run(kind, actor, run.configuration.clone(), now())
        };
        let details = json!({
            "run": run.id.to_string(),
            "kind": run.kind.as_str(),
            "by": begun.id.to_string(),
            "chosen": chosen,
        });
        let name = run.configuration.as_ref().map(|(_, name)| name.as_str());
        let mut audit = entry(actor, "run.undone", name.unwrap_or_default(), details);
        audit.configuration = run.configuration.as_ref().map(|(id, _)| *id);
        let of = run.id;
        self.store.write(move |rows| {
            if rows.touched(of, &chosen, 0, 1)?.is_empty() {
                return Err(Problem::NothingToUndo.refused());
            }
            rows.insert_run(&begun)?;
            Ok(Written::changed(begun.clone(), audit.clone()))
        })
    }

    /// Does the next step of a run that takes something back: the one of this id, or the oldest on
    /// which nobody works. Answers how far it is; `None` where there is nothing to be done.
    ///
    /// # Errors
    /// [`AdminError::Store`]; the run then stands where it stood.
    pub fn step_undo(&self, id: Option<RunId>) -> Result<Option<Run>, AdminError> {
        let now = now();
        let until = now + Duration::seconds(STEP_SECONDS);
        let claimed = self
            .store
            .upkeep(move |rows| Ok(rows.claim_run(id, now, until)?))?;
        let Some(run) = claimed else {
            return Ok(None);
        };
        let configurations = self.configuration_ids()?;
        self.store.upkeep(move |rows| {
            let mut step = Step {
                run: run.clone(),
                configurations: configurations.clone(),
                now,
                archived: false,
            };
            step.take(rows)?;
            Ok(Some(step.run))
        })
    }

    /// Takes a run back to its end.
    ///
    /// # Errors
    /// [`AdminError::Store`]; whoever keeps the server up goes on where it stands.
    pub fn finish_undo(&self, id: RunId) -> Result<Run, AdminError> {
        loop {
            let run = match self.step_undo(Some(id))? {
                Some(run) => run,
                // Somebody else works on it.
                None => {
                    std::thread::sleep(MEANWHILE);
                    self.run(&id.to_string())?
                }
            };
            if run.state == RunState::Done {
                return self.run(&id.to_string());
            }
        }
    }

    /// Ends cycles after which there was silence.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn end_cycles(&self) -> Result<(), AdminError> {
        let now = now();
        self.store.upkeep(move |rows| Ok(rows.end_cycles(now)?))
    }

    /// Forgets what rows were before runs that are too old to be taken back, at most so many;
    /// answers how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn forget_images(
        &self,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize, AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.forget_images(before, limit)?))
    }

    /// Deletes runs that ended before a time, at most so many; answers how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn forget_runs(
        &self,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize, AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.forget_runs(before, limit)?))
    }

    fn configuration_ids(&self) -> Result<BTreeSet<ConfigurationId>, AdminError> {
        let all = self.configurations(None)?;
        Ok(all.iter().map(|configuration| configuration.id).collect())
    }
}

/// A run of something that is done in one transaction, which has begun and ended by then.
pub(crate) fn new_run(
    kind: RunKind,
    actor: &Actor,
    configuration: Option<(ConfigurationId, String)>,
    at: DateTime<Utc>,
) -> Run {
    Run {
        id: RunId::new(),
        kind: kind.into(),
        configuration,
        actor: actor.author().actor,
        began: at,
        ended: Some(at),
        state: RunState::Done,
        undoes: None,
        counts: RunCounts::default(),
    }
}

/// The same over a configuration.
pub(crate) fn run_over(
    kind: RunKind,
    actor: &Actor,
    configuration: &ProvisioningConfiguration,
    at: DateTime<Utc>,
) -> Run {
    let named = (configuration.id, configuration.name.clone());
    new_run(kind, actor, Some(named), at)
}

fn images_of(
    rows: &mut (impl AdminView + ?Sized),
    run: RunId,
    chosen: &Chosen,
    touched: &[Touched],
) -> Result<BTreeMap<String, Vec<RowImage>>, AdminError> {
    let ids: Vec<String> = touched.iter().map(|one| one.id.clone()).collect();
    Ok(by_resource(rows.images_of(run, chosen, &ids)?))
}

/// A step of taking a run back.
struct Step {
    run: Run,
    configurations: BTreeSet<ConfigurationId>,
    now: DateTime<Utc>,
    /// Whether somebody was archived, which no guard is to count.
    archived: bool,
}

impl Step {
    fn take(&mut self, rows: &mut dyn AdminUpkeep) -> Result<(), StoreError> {
        let Some(mut undoing) = self.run.undoes.clone() else {
            return Ok(());
        };
        rows.speak_as(&Author {
            actor: self.run.actor.clone(),
            run: Some(self.run.id),
            request: None,
        })?;
        match undoing.phase {
            UndoPhase::Resources => self.undo_resources(rows, &mut undoing)?,
            UndoPhase::Attached => self.undo_attached(rows, &mut undoing)?,
        }
        if self.archived
            && let Some((configuration, _)) = &self.run.configuration
        {
            let from = self.now + Duration::milliseconds(1);
            rows.let_guard_count_from(*configuration, from)?;
        }
        self.run.undoes = Some(undoing);
        rows.save_run(&self.run)
    }

    fn undo_resources(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        undoing: &mut Undoing,
    ) -> Result<(), StoreError> {
        let (of, chosen) = (undoing.run, &undoing.chosen);
        let touched = rows.touched_before(of, chosen, undoing.position, RESOURCES)?;
        let ids: Vec<String> = touched.iter().map(|one| one.id.clone()).collect();
        let mut images = by_resource(rows.images_of(of, chosen, &ids)?);
        for one in &touched {
            let images = images.remove(&one.id).unwrap_or_default();
            let change = RowChange::of(images.iter().filter(|one| one.subject.is_resource()));
            if let Some(change) = change {
                self.undo_resource(rows, undoing, one, &change)?;
            }
        }
        match touched.last() {
            Some(last) if touched.len() >= usize::try_from(RESOURCES).unwrap_or(usize::MAX) => {
                undoing.position = last.first;
            }
            _ => {
                undoing.phase = UndoPhase::Attached;
                undoing.position = i64::MAX;
            }
        }
        Ok(())
    }

    fn undo_resource(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        undoing: &Undoing,
        touched: &Touched,
        change: &RowChange,
    ) -> Result<(), StoreError> {
        let (kind, id) = (touched.kind, touched.id.as_str());
        let current = rows.lock_row(kind, id)?;
        let overwrite = undoing.chosen.overwrite;
        let undone = Undone::of(
            kind,
            change,
            current.as_ref(),
            &self.configurations,
            overwrite,
        );
        let now = current.as_ref().map(|row| &row.values);
        let name = current.as_ref().map(|row| row.name.clone());
        let (action, name, changes) = match &undone.way {
            Way::Nothing => {
                if current.as_ref().is_some_and(|row| row.protected) {
                    let mut event = self.event(Action::Update, kind, id, name);
                    event.outcome = Outcome::Skipped;
                    event.cause = Some(Cause::ResourceProtected);
                    event.reason = Some("Nothing was done: the account is protected.".to_owned());
                    rows.record_event(&event)?;
                }
                return Ok(());
            }
            Way::Write(values) => {
                let Some(row) = &current else { return Ok(()) };
                let mut after = row.values.clone();
                after.extend(values.clone());
                if !rows.free_names(undoing.run, kind, id, &after)? {
                    return self.note_taken(rows, kind, id, name);
                }
                rows.write_row(kind, id, row.version, values, self.now)?;
                (
                    action_of(now, Some(&after)),
                    name,
                    changes_of(&row.values, values),
                )
            }
            Way::Insert(values) => {
                let name = values
                    .get("name")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                if !rows.free_names(undoing.run, kind, id, values)? {
                    return self.note_taken(rows, kind, id, name);
                }
                rows.insert_row(id, values, self.now)?;
                (Action::Create, name, json!([]))
            }
            Way::Remove => {
                rows.remove_row(kind, id, self.now)?;
                (Action::Archive, name, json!([]))
            }
        };
        self.archived |= matches!(action, Action::Archive | Action::Block);
        let mut event = self.event(action, kind, id, name);
        event.changes = changes;
        rows.record_event(&event)
    }

    /// Notes that somebody else has a name by now.
    fn note_taken(
        &self,
        rows: &mut dyn AdminUpkeep,
        kind: ResourceKind,
        id: &str,
        name: Option<String>,
    ) -> Result<(), StoreError> {
        let mut event = self.event(Action::Update, kind, id, name);
        event.outcome = Outcome::Failure;
        event.status = 409;
        event.cause = Some(Cause::UniquenessOwn);
        event.reason = Some("Nothing was done: another one has the name by now.".to_owned());
        rows.record_event(&event)
    }

    fn undo_attached(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        undoing: &mut Undoing,
    ) -> Result<(), StoreError> {
        let (of, chosen) = (undoing.run, &undoing.chosen);
        let images = rows.attached_images(of, chosen, undoing.position, ATTACHED)?;
        let mut members: BTreeMap<String, [Vec<String>; 2]> = BTreeMap::new();
        for image in &images {
            let changed = match (&image.old, &image.new) {
                (None, Some(new)) => rows.take_attached(image.subject, new)?,
                (Some(old), _) => rows.put_attached(image.subject, old)?,
                (None, None) => false,
            };
            if changed && image.subject == RowSubject::Membership {
                let [put, taken] = members.entry(image.resource.clone()).or_default();
                let side = if image.old.is_some() { put } else { taken };
                side.extend(image.other.clone());
            }
        }
        for (group, [put, taken]) in members {
            let Some(name) = rows.count_group_up(&group, self.now)? else {
                continue;
            };
            let kind = ResourceKind::Group;
            let mut event = self.event(Action::ChangeMembers, kind, &group, Some(name));
            let some = |ids: &[String]| ids.iter().take(NAMED).cloned().collect::<Vec<_>>();
            event.changes = json!([{ "path": "members", "added": put.len(), "removed": taken.len(),
                "new": some(&put), "old": some(&taken) }]);
            rows.record_event(&event)?;
        }
        match images.last() {
            Some(last) if images.len() >= usize::try_from(ATTACHED).unwrap_or(usize::MAX) => {
                undoing.position = last.id;
            }
            _ => {
                self.run.state = RunState::Done;
                self.run.ended = Some(now());
            }
        }
        Ok(())
    }

    fn event(&self, action: Action, kind: ResourceKind, id: &str, name: Option<String>) -> Event {
        let configuration = self.run.configuration.clone();
        let (configuration, configuration_name) =
            configuration.unwrap_or((ConfigurationId::NONE, String::new()));
        let actor = self.run.actor.strip_prefix("administrator:");
        Event {
            at: self.now,
            configuration,
            configuration_name,
            request_id: self.run.id.to_string(),
            action,
            kind: Some(kind),
            resource_id: ResourceId::parse(id),
            resource_name: name,
            mapping_version: None,
            outcome: Outcome::Success,
            status: 200,
            scim_type: None,
            cause: None,
            reason: Some("A run was taken back.".to_owned()),
            detail: None,
            changes: json!([]),
            deviations: json!([]),
            duration_micros: 0,
            source: None,
            user_agent: None,
            request: None,
            actor: Some(actor.unwrap_or(&self.run.actor).to_owned()),
            occurrences: 1,
            run: Some(self.run.id),
        }
    }
}

/// What the log says of values that are written.
fn changes_of(
    now: &serde_json::Map<String, Value>,
    values: &serde_json::Map<String, Value>,
) -> Value {
    let shown = values
        .iter()
        .filter(|(name, _)| !["document", "search"].contains(&name.as_str()));
    shown
        .map(|(name, new)| {
            let old = now.get(name).cloned().unwrap_or_default();
            json!({ "path": name, "old": old, "new": new })
        })
        .collect()
}

/// How many people and groups one step takes back, and how much of what hangs on them.
const RESOURCES: i64 = 200;
const ATTACHED: i64 = 500;
/// How many members an entry names.
const NAMED: usize = 100;
/// How long a step may take before somebody else takes it up.
const STEP_SECONDS: i64 = 60;
/// How long is waited for a step that somebody else does.
const MEANWHILE: std::time::Duration = std::time::Duration::from_millis(200);
