//! Carrying out again a request that failed.

use std::sync::Arc;

use scim_provisioning::replay::Kept;
use scim_provisioning::{Answer, Caller, Outcome, RunId, RunKind, ServiceProvider};
use serde_json::json;

use super::runs::run_over;
use super::{Actor, AdminService, entry};
use crate::configuration::ConfigurationStatus;
use crate::error::AdminError;
use crate::event::{EventQuery, EventState, LoggedEvent, Word};
use crate::invalid::ReplayProblem;
use crate::run::Run;
use crate::store::{AdminStoreExt, Written};

/// A failed request that may be carried out again, and in whose name.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The entry of the failure.
    pub event: LoggedEvent,
    /// The configuration, as an administrator sends the request again.
    pub caller: Caller,
    /// The request.
    pub kept: Kept,
    run: Run,
}

/// What came of a request that was carried out again.
#[derive(Debug)]
pub struct Replayed {
    /// What the identity provider would have been answered.
    pub answer: Answer,
    /// The entry that was made in the log; `None` when there was nothing to change.
    pub made: Option<LoggedEvent>,
}

impl Replay {
    /// The run that it is when it is carried out.
    pub fn run(&self) -> RunId {
        self.run.id
    }
}

impl AdminService {
    /// What is needed to carry out a failed request again, if it may be: the log keeps it whole,
    /// its configuration is enabled, and nothing newer has changed what it is about.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] with the reason why it may not.
    pub fn to_replay(&self, actor: &Actor, id: i64) -> Result<Replay, AdminError> {
        let actor = &self.act(actor);
        let event = self.event(id)?;
        if event.outcome != Outcome::Failure {
            return Err(ReplayProblem::NoFailure.into());
        }
        if event.state() == Some(EventState::Resolved) {
            return Err(ReplayProblem::Resolved.into());
        }
        let Some(request) = &event.request else {
            return Err(ReplayProblem::NoRequest.into());
        };
        let kept =
            Kept::read(request, event.resource_id.as_deref()).map_err(ReplayProblem::NotKept)?;
        let configuration = match self.configuration(event.configuration) {
            Err(AdminError::NotFound { .. }) => return Err(ReplayProblem::NoConfiguration.into()),
            other => other?,
        };
        match configuration.status {
            ConfigurationStatus::Enabled => {}
            ConfigurationStatus::Paused => return Err(ReplayProblem::Paused.into()),
            ConfigurationStatus::Disabled => return Err(ReplayProblem::Disabled.into()),
            ConfigurationStatus::Deleting => return Err(ReplayProblem::Deleting.into()),
            ConfigurationStatus::Rehearsing => return Err(ReplayProblem::Rehearsing.into()),
        }
        let (newer, changed) = self.store.read(|rows| {
            let newer = rows.newer_change(&event, kept.name.as_deref())?;
            Ok((newer, rows.changed_since(&event)?))
        })?;
        if let Some(newer) = newer {
            return Err(ReplayProblem::ChangedLater(newer).into());
        }
        if changed {
            return Err(ReplayProblem::ChangedByHand.into());
        }
        let run = run_over(RunKind::Replay, actor, &configuration, actor.at);
        let caller = Caller {
            configuration: Arc::new(configuration.to_provisioning()),
            request_id: self.new_id(),
            source: actor.source.clone(),
            user_agent: None,
            actor: Some(actor.name.clone()),
            run: Some(run.id),
        };
        Ok(Replay {
            event,
            caller,
            kept,
            run,
        })
    }

    /// Carries out again a request that failed, as a run of its own, which is taken back like any
    /// other. Notes what came of it, and marks the failure as resolved if it was a success.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn replay(
        &self,
        actor: &Actor,
        provider: &ServiceProvider,
        replay: &Replay,
    ) -> Result<Replayed, AdminError> {
        // Before anything is done in it: whoever is killed meanwhile leaves a run that says what was.
        let details = json!({
            "configuration": replay.event.configuration_name,
            "run": replay.run.id.to_string(),
        });
        let name = format!("log entry {}", replay.event.id);
        let audit = entry(&self.act(actor), "event.replaying", &name, details);
        let run = replay.run.clone();
        self.store.write(move |rows| {
            rows.insert_run(&run)?;
            Ok(Written::changed((), audit.clone()))
        })?;
        let answer = provider.replay(&replay.caller, &replay.kept);
        let made = self.replayed(actor, replay, &answer)?;
        Ok(Replayed { answer, made })
    }

    fn replayed(
        &self,
        actor: &Actor,
        replay: &Replay,
        answer: &Answer,
    ) -> Result<Option<LoggedEvent>, AdminError> {
        let actor = &self.act(actor);
        let query = EventQuery {
            search: Some(replay.caller.request_id.clone()),
            before: Some(i64::MAX),
            limit: 1,
            ..EventQuery::default()
        };
        let made = self.events(&query)?.into_iter().next();
        let outcome = match (&made, answer.status) {
            (Some(made), _) => made.outcome.clone(),
            (None, ..300) => Outcome::Success.into(),
            (None, _) => Outcome::Failure.into(),
        };
        let event = &replay.event;
        let details = json!({
            "configuration": event.configuration_name,
            "outcome": outcome.as_str(),
            "status": answer.status,
            "entry": made.as_ref().map(|made| made.id),
            "requestId": replay.caller.request_id,
            "run": replay.run.id.to_string(),
        });
        let name = format!("log entry {}", event.id);
        let audit = entry(actor, "event.replayed", &name, details);
        let done = matches!(outcome, Word::Known(Outcome::Success | Outcome::Warning));
        let (id, name) = (event.id, actor.name.clone());
        self.store.write(move |rows| {
            if done {
                rows.resolve_event(id, Some((&name, audit.at)))?;
            }
            Ok(Written::changed((), audit.clone()))
        })?;
        Ok(made)
    }
}
