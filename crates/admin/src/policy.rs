//! What waits for an administrator: changes that the guard holds, and links to people who were
//! there already.

use chrono::{DateTime, Utc};
use scim_mapping::FieldChange;
use scim_protocol::Version;
use scim_provisioning::directory::{HeldAction, Status};
use scim_provisioning::{Action, ConfigurationId, ResourceId};
use serde_json::Value;

use crate::run::Run;

/// A change that a guard holds: of a user's status, or of a membership.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldChange {
    /// The id.
    pub id: String,
    /// The id of the user, or of the group that is a member of another.
    pub user: String,
    /// The logon name of the user, or the name of the group.
    pub user_name: String,
    /// Whether it was a DELETE; else `active` became false, or the members were replaced.
    pub deleted: bool,
    /// What happens to the user when it is allowed: `block`, `archive` or `delete`, or `leave` the
    /// group.
    pub action: &'static str,
    /// The name of the group that the user would leave.
    pub group: Option<String>,
    /// The status that the user gets when it is allowed; `None` of a membership.
    pub becomes: Option<Status>,
    /// When the user would be deleted for good.
    pub purge: Option<DateTime<Utc>>,
    /// When it was held.
    pub at: DateTime<Utc>,
}

/// Whom a held change is about as they are, beside what they would be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeldComparison {
    /// The fields that would change, in the order of their keys: the status, and what groups gave.
    pub changes: Vec<FieldChange>,
    /// The names of the groups that the user would leave.
    pub leaves: Vec<String>,
}

/// A group of which memberships are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGroup {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// How many members it has, those included whose membership is held.
    pub members: i64,
    /// How many of these would leave.
    pub leaving: i64,
}

/// A change of a user's status that the guard holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldUser {
    /// The id of the change.
    pub id: String,
    /// The user.
    pub user: ResourceId,
    /// The logon name.
    pub user_name: String,
    /// What happens when it is allowed.
    pub action: HeldAction,
    /// When it was held.
    pub at: DateTime<Utc>,
}

/// A membership that the guard keeps from ending.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldMember {
    /// The id of the change.
    pub id: String,
    /// The group.
    pub group: ResourceId,
    /// The name of the group.
    pub group_name: String,
    /// The id of the member.
    pub member: String,
    /// The logon name, or the name of a group.
    pub member_name: Option<String>,
    /// When it was held.
    pub at: DateTime<Utc>,
}

/// What becomes of a user whose change is held no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEnd {
    /// The user stays as before.
    Stays,
    /// The identity provider sees the user again, in the groups that it had put the user into.
    Returns,
    /// The user gets a status; whoever was archived by hand meanwhile stays so.
    Becomes(Status),
    /// The user leaves the configuration and its groups.
    Departs {
        /// With this status.
        status: Status,
        /// To be deleted for good then.
        purge: Option<DateTime<Utc>>,
    },
}

/// Which of the held changes of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those of users of these ids or logon names.
    Users(Vec<String>),
}

/// What an administrator decided about held changes.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Of this configuration.
    pub configuration: ConfigurationId,
    /// Which of them.
    pub which: Which,
    /// Whether they are carried out; else the users stay as they are.
    pub allow: bool,
    /// Who decided.
    pub actor: String,
    /// When.
    pub now: DateTime<Utc>,
    /// The run that it is.
    pub run: Run,
}

impl HeldUser {
    /// What happens when the change is allowed, as the log names it.
    pub fn action(&self) -> Action {
        match (self.action.status, self.action.purge) {
            (_, Some(_)) => Action::Delete,
            (Status::Archived, None) => Action::Archive,
            _ => Action::Block,
        }
    }
}

impl HeldChange {
    /// The change of a user.
    pub(crate) fn of_user(held: &HeldUser) -> Self {
        Self {
            id: held.id.clone(),
            user: held.user.to_string(),
            user_name: held.user_name.clone(),
            deleted: held.action.deleted,
            action: held.action().as_str(),
            group: None,
            becomes: Some(held.action.status),
            purge: held.action.purge,
            at: held.at,
        }
    }

    /// The membership that would end.
    pub(crate) fn of_member(held: &HeldMember) -> Self {
        let name = held.member_name.as_ref().unwrap_or(&held.member);
        Self {
            id: held.id.clone(),
            user: held.member.clone(),
            user_name: name.clone(),
            deleted: false,
            action: "leave",
            group: Some(held.group_name.clone()),
            becomes: None,
            purge: None,
            at: held.at,
        }
    }

    /// How the identity provider asked for it.
    pub fn asked_by(&self) -> &'static str {
        match (&self.group, self.deleted) {
            (Some(_), _) => "members replaced",
            (None, true) => "DELETE",
            (None, false) => "active: false",
        }
    }
}

impl Decision {
    /// Whether the decision is about this change.
    pub fn concerns(&self, change: &HeldChange) -> bool {
        match &self.which {
            Which::All => true,
            Which::Users(users) => users.iter().any(|user| {
                *user == change.user
                    || *user == change.id
                    || user.eq_ignore_ascii_case(&change.user_name)
            }),
        }
    }
}

/// Which links are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinksQuery {
    /// Those of this person alone.
    pub person: Option<String>,
    /// Only those of persons behind the one of this id.
    pub after: Option<String>,
    /// Those of at most so many persons; `None` for all.
    pub limit: Option<i64>,
    /// Those that were dismissed, instead of those that wait.
    pub dismissed: bool,
}

/// A user that an identity provider wanted to create, and the person who was there already.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRequest {
    /// The id; another one as soon as the identity provider asks again.
    pub id: String,
    /// The id of the person.
    pub person: String,
    /// The logon name of the person.
    pub person_name: String,
    /// The version of the person.
    pub person_version: Version,
    /// Which attribute they share.
    pub attribute: String,
    /// The user, as the identity provider sent it.
    pub document: Value,
    /// When it was sent last.
    pub at: DateTime<Utc>,
    /// When it was dismissed; `None` while it waits.
    pub dismissed: Option<DateTime<Utc>>,
}

impl LinkRequest {
    /// `userName` of the user.
    pub fn user_name(&self) -> &str {
        self.document
            .get("userName")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}
