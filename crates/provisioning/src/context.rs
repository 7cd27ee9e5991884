//! One operation under way.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use scim_protocol::{Budget, Error, Limits, ResourceDefinition, Tolerance};
use scim_service::{Environment, SystemEnvironment};
use serde_json::Value;

use crate::caller::Caller;
use crate::configuration::Configuration;
use crate::directory::{Approval, Author, Scope};
use crate::event::{Action, Event, Outcome};
use crate::failure::Failure;
use crate::id::{ResourceId, ResourceKind, RunId};
use crate::look_up::LookUps;
use crate::model::Model;
use crate::received::Received;
use crate::refusal::Cause;
use crate::unchanged::Unchanged;

/// The URIs of the security events that are told of what changes, at the time of the call.
pub(crate) type EventUris = Arc<dyn Fn() -> &'static [&'static str] + Send + Sync>;

/// What every operation needs, and the work of a transaction takes along.
pub(crate) struct Shared {
    pub(crate) base_url: String,
    pub(crate) limits: Limits,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) event_uris: EventUris,
    /// What was looked for and not found.
    pub(crate) look_ups: LookUps,
    /// What requests under way left as it was.
    pub(crate) unchanged: Unchanged,
}

impl Shared {
    pub(crate) fn new(base_url: &str, limits: Limits) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            limits,
            environment: Arc::new(SystemEnvironment),
            event_uris: Arc::new(|| &[]),
            look_ups: LookUps::default(),
            unchanged: Unchanged::default(),
        }
    }

    /// The same, which has looked for nothing yet.
    pub(crate) fn anew(&self) -> Self {
        Self {
            base_url: self.base_url.clone(),
            limits: self.limits.clone(),
            environment: Arc::clone(&self.environment),
            event_uris: Arc::clone(&self.event_uris),
            look_ups: LookUps::default(),
            unchanged: Unchanged::default(),
        }
    }
}

/// One operation under way: who asked for it, and when it began.
#[derive(Clone)]
pub struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) model: Arc<Model>,
    pub(crate) caller: Caller,
    pub(crate) received: Option<Arc<Received>>,
    /// The link that an administrator approved, where that is what goes on.
    pub(crate) approval: Option<Arc<Approval>>,
    /// The run that it is part of, where that is known.
    pub(crate) run: Option<RunId>,
    /// The work that the request may cause.
    pub(crate) budget: Budget,
    pub(crate) started: Instant,
    pub(crate) now: DateTime<Utc>,
}

impl Context {
    pub(crate) fn configuration(&self) -> &Configuration {
        &self.caller.configuration
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::of(self.configuration().id)
    }

    pub(crate) fn tolerance(&self) -> Tolerance {
        Tolerance::new(self.configuration().profile).on_budget(self.budget.clone())
    }

    pub(crate) fn definition(&self, kind: ResourceKind) -> &ResourceDefinition {
        match kind {
            ResourceKind::User => &self.model.users,
            ResourceKind::Group => &self.model.groups,
        }
    }

    pub(crate) fn provisions(&self, kind: ResourceKind) -> bool {
        match kind {
            ResourceKind::User => self.configuration().users,
            ResourceKind::Group => self.configuration().groups,
        }
    }

    pub(crate) fn check_provisioned(&self, kind: ResourceKind) -> Result<(), Failure> {
        if self.provisions(kind) {
            return Ok(());
        }
        let detail = format!("Provisioning of {kind}s is switched off for this configuration.");
        Err(Failure::because(
            Cause::TypeSwitchedOff,
            Error::with_status(403, detail),
        ))
    }

    /// The id of a resource that is created.
    pub(crate) fn new_id(&self) -> ResourceId {
        ResourceId::of(self.shared.environment.uuid())
    }

    /// Who changes what this operation changes.
    pub(crate) fn author(&self) -> Author {
        let author = match &self.caller.actor {
            Some(name) => Author::administrator(name),
            None => Author::configuration(&self.configuration().name),
        };
        Author {
            run: self.run,
            request: Some(self.caller.request_id.clone()),
            ..author
        }
    }

    /// The URL of a resource.
    pub(crate) fn location(&self, kind: ResourceKind, id: impl std::fmt::Display) -> String {
        format!("{}{}/{id}", self.shared.base_url, kind.endpoint())
    }

    /// A log entry with what every entry has.
    pub(crate) fn event(&self, action: Action, kind: Option<ResourceKind>) -> Event {
        Event {
            at: self.now,
            configuration: self.configuration().id,
            configuration_name: self.configuration().name.clone(),
            request_id: self.caller.request_id.clone(),
            action,
            kind,
            resource_id: None,
            resource_name: None,
            outcome: Outcome::Success,
            mapping_version: kind.map(|kind| self.configuration().model.mapping(kind)),
            status: 200,
            scim_type: None,
            cause: None,
            reason: None,
            detail: None,
            changes: Value::Array(Vec::new()),
            deviations: Value::Array(Vec::new()),
            duration_micros: i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX),
            source: self.caller.source.clone(),
            user_agent: self.caller.user_agent.clone(),
            request: self.received.as_deref().map(Received::to_json),
            actor: self.caller.actor.clone(),
            occurrences: 1,
            run: self.run,
        }
    }
}
