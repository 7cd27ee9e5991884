//! What somebody does: who, when, and with which random numbers.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_provisioning::{Environment, NoRandomNumbers};
use serde_json::Value;
use uuid::Uuid;

use super::Actor;
use crate::configuration::ProvisioningConfiguration;
use crate::event::AuditEntry;
use crate::secret::draw_secret;

/// Somebody who does something. Whatever is written of it, the audit's entries included, has its one
/// time.
#[derive(Clone)]
pub(crate) struct Act {
    actor: Actor,
    /// When it is done.
    pub(crate) at: DateTime<Utc>,
    environment: Arc<dyn Environment>,
}

impl Act {
    /// What somebody does now.
    pub(super) fn now(actor: &Actor, environment: &Arc<dyn Environment>) -> Self {
        Self {
            actor: actor.clone(),
            at: environment.now(),
            environment: Arc::clone(environment),
        }
    }

    /// An id that nothing else has.
    pub(super) fn uuid(&self) -> Uuid {
        self.environment.uuid()
    }

    /// The same as a text.
    pub(super) fn id(&self) -> String {
        self.uuid().to_string()
    }

    /// 256 bits that nobody can foresee.
    ///
    /// # Errors
    /// [`NoRandomNumbers`].
    pub(super) fn secret(&self) -> Result<[u8; 32], NoRandomNumbers> {
        draw_secret(&*self.environment)
    }

    pub(super) fn environment(&self) -> &dyn Environment {
        &*self.environment
    }
}

impl Deref for Act {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

/// The audit's entry of an act.
pub(super) fn entry(actor: &Act, event: &'static str, object: &str, details: Value) -> AuditEntry {
    AuditEntry {
        at: actor.at,
        actor: actor.name.clone(),
        source: actor.source.clone(),
        event: event.into(),
        object: object.to_owned(),
        configuration: None,
        details,
    }
}

/// An entry of something done to a configuration, whose history it belongs to.
pub(super) fn entry_of(
    actor: &Act,
    event: &'static str,
    configuration: &ProvisioningConfiguration,
    details: Value,
) -> AuditEntry {
    AuditEntry {
        configuration: Some(configuration.id),
        ..entry(actor, event, &configuration.name, details)
    }
}
