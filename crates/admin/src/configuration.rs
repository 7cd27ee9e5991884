//! Provisioning configurations.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use scim_protocol::Profile;
use scim_protocol::text::{storable, valid_user_name};
use scim_provisioning::model::ModelVersion;
use scim_provisioning::policy::{Deletion, UnknownMembers};
use scim_provisioning::{Configuration, ConfigurationId, Policies, Rehearsing, RunId};
use validator::{Validate, ValidationError};

use crate::error::AdminError;
use crate::invalid::{InputField, Problem};

/// A provisioning configuration: one identity provider, and what it may do.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvisioningConfiguration {
    /// The id.
    pub id: ConfigurationId,
    /// The name, unique without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether the identity provider is served.
    pub status: ConfigurationStatus,
    /// Whether Users are provisioned.
    pub users: bool,
    /// Whether Groups are provisioned.
    pub groups: bool,
    /// The identity provider.
    pub identity_provider: IdentityProvider,
    /// How far deviations from the RFCs are accepted.
    pub profile: Profile,
    /// What leaving means, who is linked, and when leaving is too much at once.
    pub policies: Policies,
    /// From where its tokens are accepted; from everywhere when empty.
    pub networks: Vec<IpNet>,
    /// What it rehearses, where its status says so.
    pub rehearsal: Option<Rehearsing>,
    /// The run that deletes it, where its status says so.
    pub deletion: Option<RunId>,
    /// Which rules and fields it uses.
    pub model: ModelVersion,
    /// Since when the guard counts.
    pub guard_reset: Option<DateTime<Utc>>,
    /// A counter of its changes.
    pub version: i64,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub last_modified: DateTime<Utc>,
}

impl ProvisioningConfiguration {
    /// Whether neither users nor groups are provisioned, so that every request for one is refused.
    pub fn provisions_nothing(&self) -> bool {
        !self.users && !self.groups
    }

    /// The configuration as the service provider sees it.
    pub fn to_provisioning(&self) -> Configuration {
        Configuration {
            id: self.id,
            name: self.name.clone(),
            users: self.users,
            groups: self.groups,
            profile: self.profile,
            policies: Policies {
                unknown_members: self.identity_provider.unknown_members(self.policies),
                ..self.policies
            },
            model: self.model,
            guard_reset: self.guard_reset,
            rehearsal: self.rehearsal,
        }
    }

    /// Whether a token is accepted from this address.
    pub fn admits(&self, source: Option<IpAddr>) -> bool {
        let within = |address| self.networks.iter().any(|net| net.contains(&address));
        self.networks.is_empty() || source.is_some_and(within)
    }
}

/// Whether an identity provider is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigurationStatus {
    /// Its tokens are accepted.
    Enabled,
    /// It is told to come back later, so that it keeps what it has and sends it again.
    Paused,
    /// Its tokens are refused.
    Disabled,
    /// It is answered from a copy of the directory, which does not change meanwhile.
    Rehearsing,
    /// It is being deleted: its tokens are gone, and it lets go of whom it manages, some at a time.
    Deleting,
}

impl ConfigurationStatus {
    /// Every status that an administrator sets.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::Paused, Self::Disabled];

    /// The status as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Rehearsing => "rehearsing",
            Self::Deleting => "deleting",
        }
    }

    /// The status of this name, among those that an administrator sets.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// The change to it, as the audit names it.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Enabled => "configuration.enabled",
            Self::Paused => "configuration.paused",
            Self::Disabled => "configuration.disabled",
            Self::Rehearsing => "rehearsal.begun",
            Self::Deleting => "configuration.deletionBegun",
        }
    }
}

/// Networks out of a text, separated by commas, spaces or lines. An address alone is a network of
/// one.
///
/// # Errors
/// [`AdminError::Invalid`] which of them is none.
pub fn parse_networks(text: &str) -> Result<Vec<IpNet>, AdminError> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let network = part.parse::<IpNet>().map(|network| network.trunc());
            let network = network.or_else(|_error| part.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_error| {
                let part: String = part.chars().take(64).collect();
                Problem::Network { text: part }.at(InputField::Networks)
            })
        })
        .collect()
}

/// What an administrator enters of a configuration.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct ConfigurationInput {
    /// The name.
    #[validate(custom(function = "valid_name"))]
    pub name: String,
    /// What it is for.
    #[validate(custom(function = "valid_description"))]
    pub description: String,
    /// Whether Users are provisioned.
    pub users: bool,
    /// Whether Groups are provisioned.
    pub groups: bool,
    /// The identity provider.
    pub identity_provider: IdentityProvider,
    /// How far deviations from the RFCs are accepted.
    pub profile: Profile,
    /// What leaving means, who is linked, and when leaving is too much at once.
    #[validate(custom(function = "valid_policies"))]
    pub policies: Policies,
    /// From where its tokens are accepted; from everywhere when empty.
    #[validate(custom(function = "valid_networks"))]
    pub networks: Vec<IpNet>,
}

impl ConfigurationInput {
    /// What a new configuration begins with; it has no name yet.
    pub fn fresh() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            users: true,
            groups: true,
            identity_provider: IdentityProvider::default(),
            profile: Profile::Tolerant,
            policies: Policies::default(),
            networks: Vec::new(),
        }
    }

    /// A new configuration of what was entered, with the rules that it begins with.
    pub(crate) fn begin(
        self,
        id: ConfigurationId,
        status: ConfigurationStatus,
        now: DateTime<Utc>,
    ) -> ProvisioningConfiguration {
        ProvisioningConfiguration {
            id,
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            status,
            users: self.users,
            groups: self.groups,
            identity_provider: self.identity_provider,
            profile: self.profile,
            policies: self.policies,
            networks: self.networks,
            rehearsal: None,
            deletion: None,
            model: ModelVersion {
                user: 1,
                group: 1,
                fields: 0,
            },
            guard_reset: None,
            version: 1,
            created: now,
            last_modified: now,
        }
    }

    /// A configuration with what was entered of it.
    pub(crate) fn over(&self, before: &ProvisioningConfiguration) -> ProvisioningConfiguration {
        ProvisioningConfiguration {
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            users: self.users,
            groups: self.groups,
            identity_provider: self.identity_provider,
            profile: self.profile,
            policies: self.policies,
            networks: self.networks.clone(),
            ..before.clone()
        }
    }

    /// What was entered of a configuration.
    pub fn of(found: &ProvisioningConfiguration) -> Self {
        Self {
            name: found.name.clone(),
            description: found.description.clone(),
            users: found.users,
            groups: found.groups,
            identity_provider: found.identity_provider,
            profile: found.profile,
            policies: found.policies,
            networks: found.networks.clone(),
        }
    }
}

/// The code names the one of the policies that is wrong.
fn valid_policies(policies: &Policies) -> Result<(), ValidationError> {
    let (code, message) = match policies {
        Policies {
            deletion: Deletion::Delete { after_days: 0 },
            ..
        } => ("delete_after_days", "delete after at least one day"),
        Policies { guard, .. } if !(1..=100).contains(&guard.percent) => {
            ("guard_percent", "guard a share of 1 to 100 percent")
        }
        Policies { guard, .. } if !(1..=1440).contains(&guard.minutes) => {
            ("guard_minutes", "guard a window of 1 to 1440 minutes")
        }
        Policies { member_guard, .. } if !(1..=100).contains(&member_guard.percent) => (
            "member_guard_percent",
            "guard a share of 1 to 100 percent of a group",
        ),
        _ => return Ok(()),
    };
    Err(ValidationError::new(code).with_message(message.into()))
}

fn valid_networks(networks: &[IpNet]) -> Result<(), ValidationError> {
    match networks.len() {
        0..=100 => Ok(()),
        _ => Err(ValidationError::new("networks").with_message("are more than 100".into())),
    }
}

fn valid_description(text: &str) -> Result<(), ValidationError> {
    let message = if text.chars().count() > 500 {
        "is longer than 500 characters"
    } else if !storable(text) {
        "holds a control character"
    } else {
        return Ok(());
    };
    Err(ValidationError::new("description").with_message(message.into()))
}

fn valid_name(name: &str) -> Result<(), ValidationError> {
    let message = if name.trim().is_empty() {
        "is empty"
    } else if name.chars().count() > 100 {
        "is longer than 100 characters"
    } else if !valid_user_name(name) {
        // Two names that look alike must not be two configurations.
        "holds a character that nobody sees"
    } else if ConfigurationId::parse(name.trim()).is_some() {
        "looks like an id"
    } else {
        return Ok(());
    };
    Err(ValidationError::new("name").with_message(message.into()))
}

/// The product that provisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IdentityProvider {
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
    /// OneLogin.
    OneLogin,
    /// Keycloak with a SCIM plug-in.
    Keycloak,
    /// Google Workspace.
    Google,
    /// JumpCloud.
    JumpCloud,
    /// PingOne or PingFederate.
    Ping,
    /// authentik.
    Authentik,
    /// Rauthy.
    Rauthy,
    /// Any other.
    #[default]
    Generic,
}

impl IdentityProvider {
    /// What becomes of members that its configuration does not see, where the policy leaves it to
    /// what suits the product: some do not send again after a 400, and would lose a whole push.
    pub fn unknown_members(self, policies: Policies) -> UnknownMembers {
        match (policies.unknown_members, self) {
            (UnknownMembers::Usual, Self::Okta | Self::OneLogin | Self::JumpCloud) => {
                UnknownMembers::Skip
            }
            (UnknownMembers::Usual, _) => UnknownMembers::Refuse,
            (said, _) => said,
        }
    }

    /// Every product.
    pub const ALL: [Self; 10] = [
        Self::Entra,
        Self::Okta,
        Self::OneLogin,
        Self::Keycloak,
        Self::Google,
        Self::JumpCloud,
        Self::Ping,
        Self::Authentik,
        Self::Rauthy,
        Self::Generic,
    ];

    /// The product as it is stored and entered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::OneLogin => "onelogin",
            Self::Keycloak => "keycloak",
            Self::Google => "google",
            Self::JumpCloud => "jumpcloud",
            Self::Ping => "ping",
            Self::Authentik => "authentik",
            Self::Rauthy => "rauthy",
            Self::Generic => "generic",
        }
    }

    /// The product of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// The profile as it is stored and entered.
pub fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Tolerant => "tolerant",
        Profile::Strict => "strict",
    }
}

/// The profile of this name.
pub fn parse_profile(text: &str) -> Option<Profile> {
    [Profile::Tolerant, Profile::Strict]
        .into_iter()
        .find(|profile| profile_name(*profile) == text)
}
