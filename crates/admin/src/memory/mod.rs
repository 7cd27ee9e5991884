//! The administrators' store in memory: for tests of what stands above the port, and for whoever
//! wants to try the service without a database.
//!
//! Transactions run one after another on a copy of everything, which takes the place of what was
//! there when they succeed.

mod accounts;
mod api_keys;
mod audit;
mod configurations;
mod devices;
mod held;
mod jobs;
mod log;
mod mappings;
mod people;
mod sessions;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use scim_mapping::{CustomField, Role};
use scim_provisioning::directory::Change;
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, StoreError};

use self::jobs::Claimed;
pub(crate) use self::people::{StoredGroup, StoredPerson};
use self::tokens::StoredToken;
use crate::account::Account;
use crate::api_key::ApiKey;
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::event::{Activity, AuditHead, AuditLink, LoggedEvent};
use crate::mapping::MappingVersion;
use crate::policy::{HeldMember, HeldUser, LinkRequest};
use crate::session::Session;
use crate::store::{Abandoned, AdminStore, DeviceLink, ReadWork, UpkeepWork, WriteWork};
use crate::survey::Survey;

/// A store that forgets everything with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

/// Every row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    accounts: Vec<Account>,
    sessions: Vec<Session>,
    devices: BTreeMap<String, Device>,
    device_links: BTreeMap<String, DeviceLink>,
    api_keys: Vec<ApiKey>,
    configurations: Vec<ProvisioningConfiguration>,
    /// How often the custom fields changed.
    field_revision: i64,
    tokens: Vec<StoredToken>,
    mappings: Vec<MappingVersion>,
    custom_fields: Vec<CustomField>,
    seen: Vec<SeenAttribute>,
    jobs: Vec<Claimed<Job>>,
    surveys: Vec<Claimed<Survey>>,
    pub(crate) people: Vec<StoredPerson>,
    pub(crate) groups: Vec<StoredGroup>,
    pub(crate) roles: Vec<Role>,
    pub(crate) held_users: Vec<(ConfigurationId, HeldUser)>,
    pub(crate) held_members: Vec<(ConfigurationId, HeldMember)>,
    pub(crate) links: Vec<(ConfigurationId, LinkRequest)>,
    pub(crate) events: Vec<LoggedEvent>,
    pub(crate) outbox: Vec<(Change, DateTime<Utc>)>,
    requests: Vec<Activity>,
    pub(crate) audit: Vec<AuditLink>,
    audit_end: AuditHead,
}

/// A device from which an account signed in.
#[derive(Debug, Clone)]
struct Device {
    account: String,
    failures: i64,
    failed: DateTime<Utc>,
}

impl MemoryStore {
    /// A store without anything in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows, for whoever puts there what no administrator does.
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        // A panic leaves the rows as they were: they are replaced whole.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AdminStore for MemoryStore {
    fn run_read(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        work(&mut *self.rows())
    }

    fn run_write(&self, mut work: WriteWork) -> Result<(), Abandoned> {
        let mut rows = self.rows();
        let mut changed = rows.clone();
        let trail = work(&mut changed)?;
        for entry in trail.entries() {
            changed.append_audit(entry);
        }
        *rows = changed;
        Ok(())
    }

    fn run_upkeep(&self, mut work: UpkeepWork) -> Result<(), AdminError> {
        let mut rows = self.rows();
        let mut changed = rows.clone();
        work(&mut changed)?;
        *rows = changed;
        Ok(())
    }
    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
