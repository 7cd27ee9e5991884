//! What an operation needs to know of the provisioning configuration that speaks.

use chrono::{DateTime, Utc};
use scim_protocol::Profile;

use crate::id::{ConfigurationId, RunId};
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
    /// What it rehearses, where it does.
    pub rehearsal: Option<Rehearsing>,
}

/// The rehearsal of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rehearsing {
    /// Its id, which is also that of the run that changes the copy.
    pub id: RunId,
    /// How far it is.
    pub stage: RehearsalStage,
}

/// How far a rehearsal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RehearsalStage {
    /// The copy is being made: the identity provider is told to come back.
    Preparing,
    /// The identity provider is answered from the copy.
    Open,
    /// What was rehearsed is carried over: reads are answered from the copy, writes are to come
    /// back.
    GoingLive,
}

impl RehearsalStage {
    /// Every stage.
    pub const ALL: [Self; 3] = [Self::Preparing, Self::Open, Self::GoingLive];

    /// The stage as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Open => "rehearsing",
            Self::GoingLive => "goingLive",
        }
    }

    /// The stage of a stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}
