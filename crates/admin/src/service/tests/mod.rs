//! What administrators do, over the store in memory.

mod accounts;
mod clock;
mod declared;
mod held;
mod keys;
mod log;
mod mappings;
mod people;
mod rings;
mod streams;
mod tables;
mod tokens;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, Environment, SystemEnvironment};
use serde_json::json;

use super::act::Act;
use super::{Actor, AdminService, entry};
use crate::configuration::{ConfigurationInput, ProvisioningConfiguration};
use crate::event::{AuditEntry, AuditQuery};
use crate::keyring::KeyRing;
use crate::memory::MemoryStore;
use crate::store::AdminStoreExt;

/// The service over an empty store.
struct House {
    store: Arc<MemoryStore>,
    admin: AdminService,
    keys: Arc<KeyRing>,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self::by(Arc::new(SystemEnvironment))
    }

    /// The same by another clock.
    fn by(environment: Arc<dyn Environment>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json")).unwrap());
        let store = Arc::new(MemoryStore::new());
        Self {
            admin: AdminService::new(store.clone(), keys.clone()).with_environment(environment),
            store,
            keys,
            _folder: folder,
        }
    }

    /// Adds a configuration.
    fn configuration(&self, name: &str) -> ProvisioningConfiguration {
        let added = self.admin.add_configuration(&actor(), &input(name), None);
        added.unwrap().0
    }

    /// The id of a configuration.
    fn id_of(&self, name: &str) -> ConfigurationId {
        self.admin.find_configuration(name).unwrap().id
    }

    /// The entries of the audit, the oldest first.
    fn audit(&self) -> Vec<AuditEntry> {
        let query = AuditQuery {
            limit: 1_000,
            ..AuditQuery::default()
        };
        let entries = self.store.read(|rows| Ok(rows.audit_entries(&query)?));
        let entries = entries.unwrap().into_iter().rev();
        entries.map(|(_, entry)| entry).collect()
    }

    /// The events of the audit, the oldest first.
    fn audited(&self) -> Vec<String> {
        let entries = self.audit().into_iter();
        entries.map(|entry| entry.event.into_owned()).collect()
    }
}

fn actor() -> Actor {
    Actor::new("test", None)
}

fn input(name: &str) -> ConfigurationInput {
    ConfigurationInput {
        name: name.to_owned(),
        ..ConfigurationInput::fresh()
    }
}

/// An entry of what a test does behind the service.
fn told(event: &'static str) -> AuditEntry {
    let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment);
    entry(&Act::now(&actor(), &environment), event, "test", json!({}))
}

/// The time.
fn now() -> DateTime<Utc> {
    SystemEnvironment.now()
}
