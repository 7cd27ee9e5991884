//! Carrying out again a request that failed.

use std::sync::Arc;

use scim_provisioning::replay::Kept;
use scim_provisioning::{Answer, Caller};
use serde_json::json;

use super::{Actor, AdminService, entry};
use crate::configuration::ConfigurationStatus;
use crate::error::AdminError;
use crate::event::{EventQuery, EventState, LoggedEvent};

/// A failed request that may be carried out again, and in whose name.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The entry of the failure.
    pub event: LoggedEvent,
    /// The configuration, as an administrator sends the request again.
    pub caller: Caller,
    /// The request.
    pub kept: Kept,
}

impl AdminService {
    /// What is needed to carry out a failed request again, if it may be: the log keeps it whole,
    /// its configuration is enabled, and nothing newer has changed what it is about.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] with the reason why it may not.
    pub fn to_replay(&self, actor: &Actor, id: i64) -> Result<Replay, AdminError> {
        let event = self.event(id)?;
        let refused = |reason: &str| Err(AdminError::Invalid(reason.to_owned()));
        if event.outcome != "failure" {
            return refused("only a failure can be replayed");
        }
        if event.state() == Some(EventState::Resolved) {
            return refused("it is resolved; reopen it first");
        }
        let Some(request) = &event.request else {
            return refused("the log does not keep the request");
        };
        let kept = Kept::read(request, event.resource_id.as_deref())
            .map_err(|reason| AdminError::Invalid(reason.to_string()))?;
        let configuration = self.store.configuration(&event.configuration)?;
        let Some(configuration) = configuration else {
            return refused("its configuration is not there any more");
        };
        if configuration.status != ConfigurationStatus::Enabled {
            let status = configuration.status.as_str();
            return refused(&format!("its configuration is {status}"));
        }
        if let Some(newer) = self.store.newer_change(&event, kept.name.as_deref())? {
            return Err(AdminError::Invalid(format!(
                "entry {newer} of the log changed it later, and an old request must not undo that"
            )));
        }
        if self.store.changed_since(&event)? {
            return refused(
                "it was changed later by hand, or one of its members was, and an old request must not undo that",
            );
        }
        let caller = Caller {
            configuration: Arc::new(configuration.to_provisioning()),
            request_id: uuid::Uuid::new_v4().to_string(),
            source: actor.source.clone(),
            user_agent: None,
            actor: Some(actor.name.clone()),
        };
        Ok(Replay {
            event,
            caller,
            kept,
        })
    }

    /// Notes what came of a replay, and marks the failure as resolved if it was a success. Answers
    /// the entry that the replay made in the log; `None` when there was nothing to change.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn replayed(
        &self,
        actor: &Actor,
        replay: &Replay,
        answer: &Answer,
    ) -> Result<Option<LoggedEvent>, AdminError> {
        let query = EventQuery {
            search: Some(replay.caller.request_id.clone()),
            before: Some(i64::MAX),
            limit: 1,
            ..EventQuery::default()
        };
        let made = self.store.events(&query)?.into_iter().next();
        let outcome = match (&made, answer.status) {
            (Some(made), _) => made.outcome.as_str(),
            (None, ..300) => "success",
            (None, _) => "failure",
        };
        let event = &replay.event;
        let details = json!({
            "configuration": event.configuration_name,
            "outcome": outcome,
            "status": answer.status,
            "entry": made.as_ref().map(|made| made.id),
            "requestId": replay.caller.request_id,
        });
        let name = format!("log entry {}", event.id);
        let audit = entry(actor, "event.replayed", &name, details);
        let done = matches!(outcome, "success" | "warning");
        let by = done.then_some((actor.name.as_str(), audit.at));
        self.store.note_replay(event.id, by, &audit)?;
        Ok(made)
    }
}
