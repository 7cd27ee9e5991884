//! The rows of the store in memory.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use scim_feed::{Delivery, Stream, Webhook};
use scim_mapping::{CustomField, Role};
use scim_provisioning::directory::{Author, Status};
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, LookUp};
use serde_json::{Map, Value};

use crate::account::Account;
use crate::alert::Alert;
use crate::api_key::ApiKey;
use crate::configuration::ProvisioningConfiguration;
use crate::declaration::StoredPlan;
use crate::event::{Activity, AuditHead, AuditLink, LoggedEvent};
use crate::instance::InstanceRecord;
use crate::mapping::MappingVersion;
use crate::people::Grant;
use crate::policy::{HeldMember, HeldUser, LinkRequest};
use crate::rehearsal::Rehearsal;
use crate::run::Run;
use crate::session::Session;
use crate::store::DeviceLink;
use crate::survey::Survey;
use crate::table::TableVersion;
use crate::token::AccessToken;

/// Every row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(super) accounts: Vec<Account>,
    pub(super) sessions: Vec<Session>,
    pub(super) devices: BTreeMap<String, Device>,
    pub(super) device_links: BTreeMap<String, DeviceLink>,
    pub(super) api_keys: Vec<ApiKey>,
    pub(super) configurations: Vec<ProvisioningConfiguration>,
    /// How often the custom fields changed.
    pub(super) field_revision: i64,
    pub(super) tokens: Vec<StoredToken>,
    pub(super) mappings: Vec<MappingVersion>,
    pub(super) custom_fields: Vec<CustomField>,
    /// Lookup tables by name and version.
    pub(crate) tables: BTreeMap<(String, i64), TableVersion>,
    pub(super) seen: Vec<SeenAttribute>,
    pub(super) jobs: Vec<Claimed<Job>>,
    pub(super) surveys: Vec<Claimed<Survey>>,
    pub(crate) people: Vec<StoredPerson>,
    pub(crate) groups: Vec<StoredGroup>,
    pub(crate) roles: Vec<Role>,
    pub(crate) held_users: Vec<(ConfigurationId, HeldUser)>,
    pub(crate) held_members: Vec<(ConfigurationId, HeldMember)>,
    pub(crate) links: Vec<(ConfigurationId, LinkRequest)>,
    pub(crate) events: Vec<LoggedEvent>,
    /// Who changed the directory.
    pub(crate) authors: Vec<Author>,
    pub(super) requests: Vec<Activity>,
    pub(super) streams: Vec<Stream>,
    pub(super) plans: Vec<StoredPlan>,
    pub(crate) look_ups: Vec<LookUp>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) deliveries: Vec<Delivery>,
    pub(crate) runs: Vec<Run>,
    pub(super) rehearsals: Vec<Rehearsal>,
    pub(crate) audit: Vec<AuditLink>,
    pub(super) audit_end: AuditHead,
    pub(super) instance: InstanceRecord,
    pub(super) alerts: Vec<Alert>,
    /// How often an alert had been told when people were last written to about it.
    pub(super) mailed: BTreeMap<String, i64>,
    /// Who raises them, and until when.
    pub(super) watcher: Option<(String, DateTime<Utc>)>,
}

/// A device from which an account signed in.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) account: String,
    pub(super) failures: i64,
    pub(super) failed: DateTime<Utc>,
}

/// A person.
#[derive(Debug, Clone)]
pub(crate) struct StoredPerson {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) email: Option<String>,
    pub(crate) status: Status,
    pub(crate) tenant_admin: bool,
    pub(crate) admin_role: Option<String>,
    pub(crate) fields: Map<String, Value>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) managed_by: Option<ConfigurationId>,
    pub(crate) left: bool,
    pub(crate) purge: Option<DateTime<Utc>>,
    pub(crate) version: i64,
    pub(crate) created: DateTime<Utc>,
    pub(crate) last_modified: DateTime<Utc>,
}

/// A group and the ids of its members.
#[derive(Debug, Clone)]
pub(crate) struct StoredGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) confers_admin: bool,
    pub(crate) managed_by: Option<ConfigurationId>,
    pub(crate) members: BTreeSet<String>,
    pub(crate) grants: Vec<(String, String)>,
    pub(crate) version: i64,
    pub(crate) created: DateTime<Utc>,
    pub(crate) last_modified: DateTime<Utc>,
}

/// A token, and whether the audit tells of its end.
#[derive(Debug, Clone)]
pub(super) struct StoredToken {
    pub(super) token: AccessToken,
    pub(super) end_noted: bool,
    /// The key that signed it, where another one sealed it.
    pub(super) signed_by: Option<String>,
}

/// Work that one at a time takes up, and until when nobody else does.
#[derive(Debug, Clone)]
pub(super) struct Claimed<T> {
    pub(super) work: T,
    pub(super) until: DateTime<Utc>,
}
