//! Runs: what there were, what they changed, and taking that back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::{ConfigurationId, RunId, RunKind};
use serde_json::json;

use super::together::Scope;
use super::undo::take_step;
use super::{Act, Actor, AdminService, entry, pause_configuration};
use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration};
use crate::error::AdminError;
use crate::invalid::Problem;
use crate::run::{
    Chosen, RowChange, RowDifference, RowImage, Run, RunCounts, RunState, RunsQuery, Taking,
    Touched, UndoInput, UndoPhase, UndoState, Undoing, Undone, by_resource,
};
use crate::store::{AdminStoreExt, AdminView, AuditTrail, ReadRuns, Written};

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
        self.chosen_changes(run, &Chosen::default(), after, limit)
    }

    /// What a part of a run changed, resource by resource, behind one.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn chosen_changes(
        &self,
        run: RunId,
        chosen: &Chosen,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<RowDifference>, AdminError> {
        self.store.read(|rows| {
            let touched = rows.touched(run, chosen, after.unwrap_or_default(), limit)?;
            let mut images = images_of(rows, run, chosen, &touched)?;
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
        let of_request = Chosen {
            resources: Some(vec![resource.clone()]),
            request: Some(event.request_id),
            ..Chosen::default()
        };
        let requested = self
            .store
            .read(|rows| Ok(rows.is_touched(run, &of_request)?))?;
        let chosen = match requested {
            true => of_request,
            // Administrators decide, and undo, without a request.
            false => Chosen {
                resources: Some(vec![resource]),
                without_request: true,
                ..Chosen::default()
            },
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
        let scope = Scope {
            run,
            chosen,
            configurations: &configurations,
        };
        self.store.read(|rows| {
            let forgotten = rows.run(run)?.is_some_and(|run| run.forgotten);
            let touched = rows.touched(run, chosen, after.unwrap_or_default(), limit)?;
            let mut images = images_of(rows, run, chosen, &touched)?;
            let mut previewed = Vec::with_capacity(touched.len());
            for one in &touched {
                let images = images.remove(&one.id).unwrap_or_default();
                let mut difference = RowDifference::of(one, &images);
                match forgotten {
                    // What else it was is not known any more.
                    true => difference.state = Some(UndoState::Gone),
                    false => difference = foreseen(rows, scope, one, &images, difference)?,
                }
                previewed.push(difference);
            }
            Ok(previewed)
        })
    }

    /// Begins to take a run back, as a run of its own. [`AdminService::step_undo`] does it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when the run goes on, is the deletion of a configuration, or nothing
    /// is kept of what was before it, or not all of it; [`AdminError::UndoUnderWay`] when it is being taken back.
    pub fn begin_undo(&self, actor: &Actor, run: &Run, chosen: Chosen) -> Result<Run, AdminError> {
        self.begin_undo_and(actor, run, chosen, false)
    }

    /// The same, and where `pause` says so, pauses the configuration with it, so that its identity
    /// provider does not do again what is taken back.
    ///
    /// # Errors
    /// The same, and [`AdminError::Invalid`] when the configuration cannot be paused.
    pub fn begin_undo_and(
        &self,
        actor: &Actor,
        run: &Run,
        chosen: Chosen,
        pause: bool,
    ) -> Result<Run, AdminError> {
        let paused = match pause {
            true => Some(
                self.pausable(run)?
                    .ok_or_else(|| Problem::NothingToPause.refused())?,
            ),
            false => None,
        };
        let actor = &self.act(actor);
        if run.state == RunState::Running && run.kind != RunKind::Cycle {
            return Err(Problem::RunGoesOn.refused());
        }
        if run.kind == RunKind::ConfigurationDeleted {
            return Err(Problem::DeletedConfiguration.refused());
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
            ..new_run(kind, actor, run.configuration.clone(), actor.at)
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
        let by = actor.clone();
        self.store.write(move |rows| {
            // Of two that begin at once one sees the other.
            let locked = rows.lock_run(of)?;
            let locked = locked.ok_or_else(|| AdminError::not_found("run", &of.to_string()))?;
            if locked.forgotten {
                return Err(Problem::RunForgotten.refused());
            }
            if let Some(by) = rows.undo_under_way(of)? {
                return Err(AdminError::UndoUnderWay { by });
            }
            if !rows.is_touched(of, &chosen)? {
                return Err(Problem::NothingToUndo.refused());
            }
            rows.insert_run(&begun)?;
            let pausing = match &paused {
                Some(before) => Some(pause_configuration(rows, &by, before)?),
                None => None,
            };
            let trail = AuditTrail::new(audit.clone(), pausing);
            Ok(Written::changed(begun.clone(), trail))
        })
    }

    /// The configuration whose identity provider may do again what a run did, where it is enabled
    /// and can be paused.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn pausable(&self, run: &Run) -> Result<Option<ProvisioningConfiguration>, AdminError> {
        let Some((id, _)) = run.configuration.as_ref().filter(|_| run.may_repeat()) else {
            return Ok(None);
        };
        let found = self.store.read(|rows| Ok(rows.configuration(*id)?))?;
        Ok(found.filter(|found| found.status == ConfigurationStatus::Enabled))
    }

    /// Does the next step of a run that takes something back: the one of this id, or the oldest on
    /// which nobody works. Answers how far it is; `None` where there is nothing to be done.
    ///
    /// # Errors
    /// [`AdminError::Store`]; the run then stands where it stood.
    pub fn step_undo(&self, id: Option<RunId>) -> Result<Option<Run>, AdminError> {
        let now = self.now();
        let until = now + Duration::seconds(STEP_SECONDS);
        let claimed = self
            .store
            .upkeep(move |rows| Ok(rows.claim_run(id, now, until)?))?;
        let Some(run) = claimed else {
            return Ok(None);
        };
        let (id, configurations) = (run.id, self.configuration_ids()?);
        let step = self
            .store
            .upkeep(move |rows| Ok(take_step(rows, run.clone(), configurations.clone(), now)?));
        if step.is_err() {
            let again = now + Duration::seconds(AGAIN_SECONDS);
            let put_off = self
                .store
                .upkeep(move |rows| Ok(rows.put_off_run(id, again)?));
            // Else it is put off for as long as a step may take.
            drop(put_off);
        }
        step.map(Some)
    }

    /// Does steps of a run that has begun to take something back, as many as somebody waits for who
    /// is answered soon. Whoever keeps the server up goes on with the others, and with one that
    /// cannot be done now: what has begun is answered as begun.
    pub fn undo_for_now(&self, begun: Run, steps: usize) -> Run {
        let mut run = begun;
        for _ in 0..steps {
            if run.state == RunState::Done {
                break;
            }
            match self.step_undo(Some(run.id)) {
                Ok(Some(stepped)) => run = stepped,
                Ok(None) => break,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(run = %run.id, error, "a step of an undo waits");
                    break;
                }
            }
        }
        run
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
        let now = self.now();
        self.store.upkeep(move |rows| Ok(rows.end_cycles(now)?))
    }

    /// Forgets what rows were before runs that are too old to be taken back, at most so many;
    /// answers how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_images(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, AdminError> {
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
        // One that is being deleted manages nobody again.
        let all = self.configurations_staying()?;
        Ok(all.iter().map(|configuration| configuration.id).collect())
    }
}

/// A run of something that is done in one transaction, which has begun and ended by then.
pub(crate) fn new_run(
    kind: RunKind,
    actor: &Act,
    configuration: Option<(ConfigurationId, String)>,
    at: DateTime<Utc>,
) -> Run {
    Run {
        id: RunId::of(actor.uuid()),
        kind: kind.into(),
        configuration,
        actor: actor.author().actor,
        began: at,
        ended: Some(at),
        state: RunState::Done,
        undoes: None,
        forgotten: false,
        counts: RunCounts::default(),
    }
}

/// The same over a configuration.
pub(crate) fn run_over(
    kind: RunKind,
    actor: &Act,
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

/// What becomes of a resource when what a run did to it is taken back.
fn foreseen(
    rows: &mut dyn AdminView,
    scope: Scope<'_>,
    touched: &Touched,
    images: &[RowImage],
    difference: RowDifference,
) -> Result<RowDifference, AdminError> {
    let kind = touched.kind;
    let current = rows.current_row(kind, &touched.id)?;
    let change = RowChange::of(images.iter().filter(|one| one.subject.is_resource()));
    let Some(change) = change else {
        return Ok(difference.with_attached(current.as_ref()));
    };
    let (configurations, overwrite) = (scope.configurations, scope.chosen.overwrite);
    let undone = Undone::of(kind, &change, current.as_ref(), configurations, overwrite);
    let one = Taking {
        kind,
        id: touched.id.clone(),
        current,
        undone,
    };
    let free = scope.together(rows, one.clone(), ReadRuns::current_row)?;
    Ok(difference.with_undo(&one, free.is_some()))
}

/// How long a step may take before somebody else takes it up.
const STEP_SECONDS: i64 = 60;
/// After how long a step is tried again that failed.
const AGAIN_SECONDS: i64 = 2;
/// How long is waited for a step that somebody else does.
const MEANWHILE: std::time::Duration = std::time::Duration::from_millis(200);
