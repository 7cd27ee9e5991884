//! What administrators do with entries of the provisioning log.

use serde_json::json;

use super::{Act, Actor, AdminService, entry};
use crate::error::AdminError;
use crate::event::{AuditEntry, EventQuery, EventState, LoggedEvent};
use crate::invalid::Problem;
use crate::store::{AdminStoreExt, Written};

impl AdminService {
    /// The entry of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn event(&self, id: i64) -> Result<LoggedEvent, AdminError> {
        let query = EventQuery {
            after: Some(id.saturating_sub(1)),
            limit: 1,
            ..EventQuery::default()
        };
        let found = self.events(&query)?.into_iter().next();
        found
            .filter(|event| event.id == id)
            .ok_or_else(|| AdminError::not_found("log entry", &id.to_string()))
    }

    /// Marks a failure or a warning as resolved.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] for any other entry.
    pub fn resolve_event(&self, actor: &Actor, id: i64) -> Result<LoggedEvent, AdminError> {
        let actor = &self.act(actor);
        let event = self.resolvable(id)?;
        if event.state() == Some(EventState::Open) {
            let audit = audited(actor, "event.resolved", &event);
            self.resolve(id, Some(actor.name.clone()), audit)?;
        }
        self.event(id)
    }

    /// Takes back that a failure or a warning is resolved.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] for any other entry.
    pub fn reopen_event(&self, actor: &Actor, id: i64) -> Result<LoggedEvent, AdminError> {
        let actor = &self.act(actor);
        let event = self.resolvable(id)?;
        if event.state() == Some(EventState::Resolved) {
            let audit = audited(actor, "event.reopened", &event);
            self.resolve(id, None, audit)?;
        }
        self.event(id)
    }

    /// Marks an entry as resolved by somebody, or as open again, unless it is so already.
    fn resolve(&self, id: i64, by: Option<String>, audit: AuditEntry) -> Result<(), AdminError> {
        self.store.write(move |rows| {
            let by = by.as_deref().map(|name| (name, audit.at));
            Ok(match rows.resolve_event(id, by)? {
                true => Written::changed((), audit.clone()),
                false => Written::Unchanged(()),
            })
        })
    }

    fn resolvable(&self, id: i64) -> Result<LoggedEvent, AdminError> {
        let event = self.event(id)?;
        match event.can_be_resolved() {
            true => Ok(event),
            false => Err(Problem::NotResolvable.refused()),
        }
    }
}

fn audited(actor: &Act, what: &'static str, event: &LoggedEvent) -> AuditEntry {
    let details = json!({
        "configuration": event.configuration_name,
        "action": event.action.as_str(),
        "outcome": event.outcome.as_str(),
        "requestId": event.request_id,
    });
    entry(actor, what, &format!("log entry {}", event.id), details)
}
