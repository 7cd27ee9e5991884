//! What a configuration does where SCIM leaves the choice: who is linked, what leaving means, and
//! when leaving is too much at once.

use serde::{Deserialize, Serialize};

use crate::status::Status;

/// The policies of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Policies {
    /// What a create does that meets a person who was created by hand.
    pub existing_users: ExistingUsers,
    /// What `active: false` does. Setting it to true again unblocks.
    pub deactivation: Deactivation,
    /// What DELETE does to a user. SCIM sees nothing of the user from then on.
    pub deletion: Deletion,
    /// The guard against mass deprovisioning.
    pub guard: Guard,
    /// The guard against a request that empties a group.
    pub member_guard: MemberGuard,
    /// What becomes of members that the configuration does not see.
    pub unknown_members: UnknownMembers,
    /// What becomes of an `externalId` that another resource of the configuration has.
    pub external_ids: RepeatedExternalIds,
}

/// Gives a choice its names: as they are stored, shown and read.
macro_rules! named {
    ($choice:ident { $($variant:ident = $name:literal),+ }) => {
        impl $choice {
            /// Every choice, the default first.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The choice as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The choice of this name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == text)
            }
        }
    };
}

/// What becomes of members that the configuration does not see, among others that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum UnknownMembers {
    /// What suits the identity provider: those that do not send again after a 400 (Okta, OneLogin,
    /// JumpCloud) skip them, others are told.
    #[default]
    Usual,
    /// The request is refused with 400, and nothing of it is applied.
    Refuse,
    /// The rest is applied, and the log names them. Who comes back later joins then.
    Skip,
}

named!(UnknownMembers { Usual = "usual", Refuse = "refuse", Skip = "skip" });

/// What becomes of an `externalId` that another resource of the configuration has. RFC 7643
/// section 3.1 leaves it to the client that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum RepeatedExternalIds {
    /// It is accepted, and told in the log.
    #[default]
    Accept,
    /// The request is refused with 409.
    Refuse,
}

named!(RepeatedExternalIds { Accept = "accept", Refuse = "refuse" });

/// The guard against a request that empties a group: a PUT, or a PATCH that replaces or removes
/// all members, by which more leave than both limits allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct MemberGuard {
    /// How many members may leave before the guard looks at the share; 0 for no guard.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub count: u32,
    /// Which share of the group's members may leave, in percent.
    pub percent: u8,
    /// What is done when more would.
    pub action: MemberGuardAction,
}

impl Default for MemberGuard {
    fn default() -> Self {
        let Guard { count, percent, .. } = Guard::default();
        Self {
            count,
            percent,
            action: MemberGuardAction::default(),
        }
    }
}

impl MemberGuard {
    /// Whether so many may not leave a group of so many at once.
    pub fn stops(&self, leaving: usize, members: usize) -> bool {
        let leaving = u64::try_from(leaving).unwrap_or(u64::MAX);
        let members = u64::try_from(members).unwrap_or(u64::MAX);
        let share = members.saturating_mul(u64::from(self.percent)) / 100;
        self.count > 0 && leaving > u64::from(self.count).max(share)
    }
}

/// What the guard of a group's members does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum MemberGuardAction {
    /// The identity provider is told that it was done; the members keep what the group gives them
    /// until an administrator decides.
    #[default]
    Hold,
    /// The identity provider is told that it was refused.
    Reject,
    /// It is done, and the log warns.
    Warn,
}

named!(MemberGuardAction { Hold = "hold", Reject = "reject", Warn = "warn" });

/// What a create does that meets a person who was created by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
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

/// What `active: false` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Deactivation {
    /// The user is blocked.
    #[default]
    Block,
    /// The user is archived.
    Archive,
}

impl Deactivation {
    /// The policy as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Archive => "archive",
        }
    }

    /// The policy of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Block, Self::Archive]
            .into_iter()
            .find(|policy| policy.as_str() == text)
    }

    /// The status of a user who was deactivated.
    pub fn status(self) -> Status {
        match self {
            Self::Block => Status::Blocked,
            Self::Archive => Status::Archived,
        }
    }
}

/// What DELETE does to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Deletion {
    /// The user is archived; the record is kept.
    #[default]
    Archive,
    /// The user is blocked, and taken up again by a create of the same `userName`.
    Block,
    /// The user is archived, and the record is deleted for good after so many days.
    #[serde(rename_all = "camelCase")]
    Delete {
        /// After how many days.
        after_days: u16,
    },
}

impl Deletion {
    /// The status of a user who was deleted by SCIM.
    pub fn status(self) -> Status {
        match self {
            Self::Block => Status::Blocked,
            Self::Archive | Self::Delete { .. } => Status::Archived,
        }
    }
}

/// The guard against mass deprovisioning: users are blocked, archived and deleted until both
/// limits are passed within the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Guard {
    /// How many users may leave in a window before the guard looks at the share; 0 for no guard.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub count: u32,
    /// Which share of the configuration's users may leave in a window, in percent.
    pub percent: u8,
    /// The window, in minutes.
    pub minutes: u16,
    /// What is done with further ones.
    pub action: GuardAction,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            count: 500,
            percent: 20,
            minutes: 60,
            action: GuardAction::Hold,
        }
    }
}

/// What the guard does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum GuardAction {
    /// The identity provider is told that it was done; the person goes on working until an
    /// administrator allows it.
    #[default]
    Hold,
    /// The identity provider is told that it was refused.
    Reject,
}

impl GuardAction {
    /// The action as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Reject => "reject",
        }
    }

    /// The action of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Hold, Self::Reject]
            .into_iter()
            .find(|action| action.as_str() == text)
    }
}
