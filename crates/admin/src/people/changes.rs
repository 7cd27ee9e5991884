//! What is done to people and groups by hand, and to whom it can be done.

use scim_provisioning::ResourceId;
use scim_provisioning::directory::Status;

/// What an administrator does to a person by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChange {
    /// The person can no longer sign in.
    Block,
    /// The person is active again, whether blocked or archived before.
    Unblock,
    /// The person is out of the way, and the logon name is free again.
    Archive,
    /// The person becomes a technician, or a requester again, as the same record.
    Convert(UserType),
    /// The person is no longer managed by an identity provider.
    Unlink,
}

/// What a person is: somebody who asks, or somebody who does the work as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserType {
    /// Asks.
    Requester,
    /// Does the work; every technician is a requester, too.
    Technician,
}

impl UserType {
    /// The type as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Technician => "technician",
        }
    }

    /// The type of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Requester, Self::Technician]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}

impl PersonChange {
    /// The change as the audit names it.
    pub fn event(self) -> &'static str {
        match self {
            Self::Block => "person.blocked",
            Self::Unblock => "person.unblocked",
            Self::Archive => "person.archived",
            Self::Convert(_) => "person.converted",
            Self::Unlink => "person.unlinked",
        }
    }
}

/// A person to be inserted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPerson {
    /// The id.
    pub id: ResourceId,
    /// The logon name.
    pub user_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the person is a tenant admin.
    pub tenant_admin: bool,
    /// The administrative role.
    pub admin_role: Option<String>,
    /// A role that is given as by a group.
    pub given_role: Option<String>,
}

/// A group to be inserted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGroup {
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// Whether it makes its members tenant admins.
    pub confers_admin: bool,
}

/// What decides what can be done to a person by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonState {
    /// The status.
    pub status: Status,
    /// What the person's own record says, whatever groups give.
    pub user_type: UserType,
    /// Whether a configuration manages the person.
    pub managed: bool,
    /// Whether an identity provider deleted the person.
    pub left: bool,
    /// Whether the person is a tenant admin.
    pub protected: bool,
}

/// What is written to a person by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PersonUpdate {
    /// Another status.
    Status(Status),
    /// Another type.
    UserType(UserType),
    /// The configuration lets the person go, and with it what it was about to do.
    Release,
    /// The person is a tenant admin from now on.
    TenantAdmin,
}

/// What decides what can be done to a group by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupState {
    /// Whether a configuration manages the group.
    pub managed: bool,
    /// Whether it makes its members tenant admins.
    pub confers_admin: bool,
}

impl PersonChange {
    /// What the change writes to a person; `None` where it is not for this one. Whom SCIM deleted
    /// comes back by SCIM alone.
    pub(crate) fn update_of(self, person: &PersonState) -> Option<PersonUpdate> {
        let (status, here) = (person.status, !person.left);
        match self {
            Self::Block => {
                (status == Status::Active).then_some(PersonUpdate::Status(Status::Blocked))
            }
            Self::Unblock => {
                (here && status != Status::Active).then_some(PersonUpdate::Status(Status::Active))
            }
            Self::Archive => (here && status != Status::Archived)
                .then_some(PersonUpdate::Status(Status::Archived)),
            Self::Convert(into) => {
                (here && person.user_type != into).then_some(PersonUpdate::UserType(into))
            }
            Self::Unlink => person.managed.then_some(PersonUpdate::Release),
        }
    }
}
