//! Letting a rehearsal go live, step by step.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::event::{Action, Event, Outcome};
use scim_provisioning::{RehearsalStage, Rehearsing, ResourceId, ResourceKind, RunId, RunKind};
use serde_json::json;

use super::runs::run_over;
use super::{Actor, AdminService, entry_of, update_configuration};
use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration};
use crate::error::AdminError;
use crate::event::{EventQuery, LoggedEvent};
use crate::rehearsal::{CarryPhase, Copy, GoingLive, Rehearsal};
use crate::run::{Run, RunState};
use crate::store::{AdminStoreExt, AdminView, Written};
use crate::word::Word;

impl AdminService {
    /// Lets a rehearsal go live, as a run of its own. [`AdminService::step_going_live`] does it.
    ///
    /// # Errors
    /// [`AdminError::RehearsalMoved`] unless it is to go live `anyway`; [`AdminError::GoesLive`],
    /// [`AdminError::NoCopy`], [`AdminError::Stale`].
    pub fn begin_going_live(
        &self,
        actor: &Actor,
        found: &ProvisioningConfiguration,
        anyway: bool,
    ) -> Result<Rehearsal, AdminError> {
        let actor = &self.act(actor);
        let mut rehearsal = self.rehearsal(found)?;
        let open = found.rehearsal.map(|of| of.stage) == Some(RehearsalStage::Open);
        if rehearsal.live.is_some() || !open {
            return Err(AdminError::GoesLive(found.name.clone()));
        }
        let moved = self.moved_since(&rehearsal, NAMED)?;
        let names = moved.into_iter().map(|one| one.name.unwrap_or(one.id));
        let moved: Vec<String> = names.collect();
        if !moved.is_empty() && !anyway {
            return Err(AdminError::RehearsalMoved { moved });
        }
        let run = Run {
            state: RunState::Running,
            ended: None,
            ..run_over(RunKind::GoLive, actor, found, actor.at)
        };
        rehearsal.live = Some(GoingLive {
            run: run.id,
            actor: run.actor.clone(),
            phase: CarryPhase::Resources,
            position: 0,
        });
        let after = ProvisioningConfiguration {
            rehearsal: Some(Rehearsing {
                id: rehearsal.id,
                stage: RehearsalStage::GoingLive,
            }),
            ..found.clone()
        };
        let details = json!({ "run": run.id.to_string(), "moved": moved });
        let audit = entry_of(actor, "rehearsal.goes_live", found, details);
        let begun = rehearsal.clone();
        self.store.write(move |rows| {
            rows.begin_going_live(&begun)?;
            rows.insert_run(&run)?;
            rows.update_configuration(&after)?;
            Ok(Written::changed((), audit.clone()))
        })?;
        Ok(rehearsal)
    }

    /// Does the next step of a rehearsal that goes live: the one of this id, or the oldest on which
    /// nobody works. Answers how far it is; `None` where there is nothing to be done.
    ///
    /// # Errors
    /// [`AdminError::Store`]; the rehearsal then stands where it stood.
    pub fn step_going_live(&self, id: Option<RunId>) -> Result<Option<Rehearsal>, AdminError> {
        let now = self.now();
        let until = now + Duration::seconds(STEP_SECONDS);
        let claimed = self
            .store
            .upkeep(move |rows| Ok(rows.claim_rehearsal(id, now, until)?))?;
        let Some(rehearsal) = claimed else {
            return Ok(None);
        };
        let Some(live) = rehearsal.live.clone() else {
            return Ok(None);
        };
        match live.phase {
            CarryPhase::Log => self.carry_log(rehearsal, live, now).map(Some),
            CarryPhase::Done => self.end_going_live(&rehearsal, &live).map(|()| None),
            _ => {
                self.copy(rehearsal.id)?;
                Ok(Some(self.copies()?.carry(&rehearsal, now)?))
            }
        }
    }

    /// Lets a rehearsal go live to its end.
    ///
    /// # Errors
    /// [`AdminError::Store`]; whoever keeps the server up goes on where it stands.
    pub fn finish_going_live(&self, rehearsal: &Rehearsal) -> Result<(), AdminError> {
        loop {
            if self.step_going_live(Some(rehearsal.id))?.is_some() {
                continue;
            }
            let (configuration, id) = (rehearsal.configuration, rehearsal.id);
            let left = self
                .store
                .read(|rows| Ok(rows.rehearsal_of(configuration)?))?;
            if left.is_none_or(|left| left.id != id) {
                return Ok(());
            }
            // Somebody else works on it.
            std::thread::sleep(MEANWHILE);
        }
    }

    /// Carries over the next entries of the log: what was rehearsed is told of the run.
    fn carry_log(
        &self,
        mut rehearsal: Rehearsal,
        mut live: GoingLive,
        now: DateTime<Utc>,
    ) -> Result<Rehearsal, AdminError> {
        let run = live.run;
        let query = EventQuery {
            run: Some(rehearsal.id),
            after: Some(live.position),
            limit: ENTRIES,
            ..EventQuery::default()
        };
        let copy = self.copy(rehearsal.id)?;
        let entries = copy.store.read(|rows| Ok(rows.events(&query)?))?;
        match entries.last() {
            Some(last) => live.position = last.id,
            None => live.phase = CarryPhase::Done,
        }
        let mut told: Vec<Event> = entries
            .iter()
            .filter_map(|entry| told_of_run(entry, live.run, now))
            .collect();
        self.leave_out_told(&mut told)?;
        self.leave_out_undone(&mut told, &copy, run)?;
        let left = told.iter().any(|event| leaves(event.action));
        rehearsal.live = Some(live);
        self.store.upkeep(move |rows| {
            for event in &told {
                rows.record_event(event)?;
            }
            if left {
                // Who leaves by a decision of an administrator is not counted by the guard.
                let from = now + Duration::milliseconds(1);
                rows.let_guard_count_from(rehearsal.configuration, from)?;
            }
            rows.save_rehearsal(&rehearsal)?;
            Ok(rehearsal.clone())
        })
    }

    /// Leaves out of what the log is to be told what it was told already, of those who left at once.
    fn leave_out_told(&self, told: &mut Vec<Event>) -> Result<(), AdminError> {
        let mut known = BTreeSet::new();
        for event in told.iter().filter(|event| leaves(event.action)) {
            let query = EventQuery {
                search: event.resource_id.map(|id| id.to_string()),
                limit: LOOKED,
                ..EventQuery::default()
            };
            let entries = self.events(&query)?;
            known.extend(entries.into_iter().filter_map(|entry| {
                let leaves = entry.action.known().is_some_and(leaves);
                Some((entry.request_id, entry.resource_id.filter(|_| leaves)?))
            }));
        }
        told.retain(|event| {
            let id = event
                .resource_id
                .map(|id| id.to_string())
                .unwrap_or_default();
            !(leaves(event.action) && known.contains(&(event.request_id.clone(), id)))
        });
        Ok(())
    }

    /// Leaves out what was rehearsed of those who were left out: the log has it as a failure.
    fn leave_out_undone(
        &self,
        told: &mut Vec<Event>,
        copy: &Copy,
        run: RunId,
    ) -> Result<(), AdminError> {
        // Their failures have the run in the place of a request.
        let left_out = self.events(&EventQuery {
            search: Some(run.to_string()),
            outcome: Some(Outcome::Failure),
            after: Some(0),
            limit: i64::MAX,
            ..EventQuery::default()
        })?;
        let left_out = left_out.into_iter().filter_map(|one| one.resource_id);
        let mut undone: BTreeSet<String> = left_out.collect();
        let named = told
            .iter()
            .filter_map(|one| Some((one.kind?, one.resource_id?)));
        let mut absent: BTreeSet<_> = named.map(|(kind, id)| (kind, id.to_string())).collect();
        absent.retain(|(_, id)| !undone.contains(id));
        let absent = self.store.read(|rows| standing(rows, &absent, false))?;
        // Who is in the copy alone was made there, and the create was left out.
        let made = copy.store.read(|rows| standing(rows, &absent, true))?;
        undone.extend(made.into_iter().map(|(_, id)| id));
        told.retain(|event| {
            let id = event.resource_id.map(|id| id.to_string());
            event.outcome == Outcome::Failure || id.is_none_or(|id| !undone.contains(&id))
        });
        Ok(())
    }

    fn end_going_live(&self, rehearsal: &Rehearsal, live: &GoingLive) -> Result<(), AdminError> {
        let name = live.actor.strip_prefix("administrator:");
        let actor = self.act(&Actor::new(name.unwrap_or(&live.actor), None));
        let (id, of, run) = (rehearsal.id, rehearsal.configuration, live.run);
        let found = self.configuration(of)?;
        let after = ProvisioningConfiguration {
            status: ConfigurationStatus::Enabled,
            rehearsal: None,
            last_modified: actor.at,
            ..found.clone()
        };
        self.store.write(move |rows| {
            rows.delete_rehearsal(id, true)?;
            rows.end_run(run, actor.at)?;
            let event = "rehearsal.live";
            let (_, audit) = update_configuration(rows, &actor, event, &found, &after)?;
            Ok(Written::changed((), audit))
        })?;
        self.forget_copy(id);
        Ok(())
    }
}

/// Those of some resources that are there, or that are not.
fn standing(
    rows: &mut dyn AdminView,
    some: &BTreeSet<(ResourceKind, String)>,
    there: bool,
) -> Result<BTreeSet<(ResourceKind, String)>, AdminError> {
    let mut found = BTreeSet::new();
    for (kind, id) in some {
        if rows.current_row(*kind, id)?.is_some() == there {
            found.insert((*kind, id.clone()));
        }
    }
    Ok(found)
}

/// Whether somebody leaves.
fn leaves(action: Action) -> bool {
    matches!(action, Action::Block | Action::Archive | Action::Delete)
}

/// An entry of the copy's log as the log has it when the rehearsal goes live.
fn told_of_run(entry: &LoggedEvent, run: RunId, now: DateTime<Utc>) -> Option<Event> {
    Some(Event {
        at: now,
        configuration: entry.configuration,
        configuration_name: entry.configuration_name.clone(),
        request_id: entry.request_id.clone(),
        action: entry.action.known()?,
        kind: entry.kind.as_ref().and_then(Word::known),
        resource_id: entry.resource_id.as_deref().and_then(ResourceId::parse),
        resource_name: entry.resource_name.clone(),
        mapping_version: entry.mapping_version,
        outcome: entry.outcome.known()?,
        status: u16::try_from(entry.status).ok()?,
        scim_type: entry.scim_type.clone(),
        cause: entry.cause.as_ref().and_then(Word::known),
        reason: entry.reason.clone(),
        detail: entry.detail.clone(),
        changes: entry.changes.clone(),
        deviations: entry.deviations.clone(),
        duration_micros: entry.duration_micros,
        source: entry.source.clone(),
        user_agent: entry.user_agent.clone(),
        request: entry.request.clone(),
        actor: entry.actor.clone(),
        occurrences: u32::try_from(entry.occurrences).unwrap_or(1),
        run: Some(run),
    })
}

/// How long a step may take before somebody else takes it up.
const STEP_SECONDS: i64 = 60;
/// How long is waited for a step that somebody else does.
const MEANWHILE: std::time::Duration = std::time::Duration::from_millis(200);
/// How many of those that moved are named.
const NAMED: usize = 100;
/// How many entries of the log one step carries over.
const ENTRIES: i64 = 200;
/// How much of the log is looked through for what was told already.
const LOOKED: i64 = 100;
