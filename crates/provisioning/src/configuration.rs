//! What an operation needs to know of the provisioning configuration that speaks.

use scim_protocol::Profile;

use crate::id::ConfigurationId;

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
    /// Whether the identity provider is Microsoft Entra ID.
    pub microsoft: bool,
    /// The policies.
    pub policies: Policies,
}

/// What a configuration does where SCIM leaves the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policies {
    /// What a create does that meets a person who was created by hand.
    pub existing_users: ExistingUsers,
}

/// What a create does that meets a person who was created by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExistingUsers {
    /// Answers 409; an administrator may link the two.
    #[default]
    Ask,
    /// Takes the person over, unless the account has an administrative role or a console sign-in.
    Link,
    /// Answers 409.
    Refuse,
}

impl ExistingUsers {
    /// The policy as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Link => "link",
            Self::Refuse => "refuse",
        }
    }

    /// The policy of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ask, Self::Link, Self::Refuse]
            .into_iter()
            .find(|policy| policy.as_str() == text)
    }
}
