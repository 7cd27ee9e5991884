//! What an operation needs to know of the provisioning configuration that speaks.

use chrono::{DateTime, Utc};
use scim_protocol::Profile;

use crate::id::ConfigurationId;
use crate::model::ModelVersion;
use crate::policy::Policies;

/// A provisioning configuration as the service provider sees it.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The id.
    pub id: ConfigurationId,
    /// The name, for the log.
    pub name: String,
    /// Whether Users are provisioned.
    pub users: bool,
    /// Whether Groups are provisioned.
    pub groups: bool,
    /// How far deviations from the RFCs are accepted.
    pub profile: Profile,
    /// Which rules and fields it uses.
    pub model: ModelVersion,
    /// The policies.
    pub policies: Policies,
    /// Since when the guard counts; an administrator who allows what it held begins anew.
    pub guard_reset: Option<DateTime<Utc>>,
}
