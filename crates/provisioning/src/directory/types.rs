//! What is read and written through the port.

use chrono::{DateTime, Utc};
use scim_mapping::{Field, FieldValue, GroupKind, Record};
use scim_protocol::Version;
pub use scim_service::{FaultSource, Sort, StoreError};
use serde_json::{Map, Value};

use crate::id::{ConfigurationId, ResourceId, ResourceKind, RunId};
use crate::refusal::Cause;
pub use crate::status::Status;

/// What one configuration can see and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    configuration: ConfigurationId,
}

impl Scope {
    /// The scope of a configuration.
    pub fn of(configuration: ConfigurationId) -> Self {
        Self { configuration }
    }

    /// The configuration.
    pub fn configuration(&self) -> ConfigurationId {
        self.configuration
    }
}

/// A user as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredUser {
    /// The id.
    pub id: ResourceId,
    /// The directory fields; empty ones are absent.
    pub record: Record,
    /// Whether the user may work.
    pub status: Status,
    /// The canonical SCIM document: without `id`, `meta`, `groups` and `password`.
    pub document: Map<String, Value>,
    /// Whether a change of the status is held until an administrator decides.
    pub held: bool,
    /// The manager, where the scope shows one.
    pub manager: Option<ResourceId>,
    /// The version.
    pub version: Version,
    /// When the user was created.
    pub created: DateTime<Utc>,
    /// When the user last changed.
    pub last_modified: DateTime<Utc>,
}

impl StoredUser {
    /// The directory fields with the status among them, which says whether the user may work.
    ///
    /// Of a user whose status is held that is the identity provider's word: what it was told was
    /// done must not look undone.
    pub fn fields(&self) -> Record {
        let mut record = self.record.clone();
        let may_work = self.status == Status::Active && !self.held;
        let status = if may_work {
            Status::Active
        } else {
            Status::Blocked
        };
        let status = FieldValue::Text(status.as_str().to_owned());
        record.insert(Field::Status, status);
        record
    }
}

/// A group as stored, without its members.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredGroup {
    /// The id.
    pub id: ResourceId,
    /// The name.
    pub name: String,
    /// The canonical SCIM document: without `id`, `meta` and `members`.
    pub document: Map<String, Value>,
    /// The version.
    pub version: Version,
    /// When the group was created.
    pub created: DateTime<Utc>,
    /// When the group or its membership last changed.
    pub last_modified: DateTime<Utc>,
}

/// What is written of a user: everything but id, version and times.
#[derive(Debug, Clone)]
pub struct UserWrite {
    /// The directory fields; a field that is absent is cleared.
    pub record: Record,
    /// Whether the user may work.
    pub status: Status,
    /// The SCIM document.
    pub document: Map<String, Value>,
    /// The document in the form that is searched
    /// ([`search_document`](scim_protocol::filter::index::search_document)).
    pub search: Value,
    /// `externalId`.
    pub external_id: Option<String>,
}

/// What is written of a group: everything but id, version, members and times.
#[derive(Debug, Clone)]
pub struct GroupWrite {
    /// The name, unique inside the configuration without regard to case.
    pub name: String,
    /// The SCIM document.
    pub document: Map<String, Value>,
    /// The document in the form that is searched.
    pub search: Value,
    /// `externalId`.
    pub external_id: Option<String>,
    /// What the group is in ServiceOps.
    pub kind: GroupKind,
    /// The key of the rule that says so.
    pub rule: Option<String>,
    /// What its members get for as long as they are in it: fields and values.
    pub grants: Vec<(String, String)>,
    /// Whether it is the group created by hand that has its name, if there is one.
    pub adopt: bool,
}

/// What became of a group that a rule takes over by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It is managed by the configuration from now on: its id and version.
    Taken(ResourceId, Version),
    /// There is none.
    Nothing,
    /// There is one, with a protected account among its members; it stays as it is.
    Protected(ResourceId),
}

/// What became of a group that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupEnd {
    /// It is gone.
    Deleted,
    /// It is a group made by hand from now on, with those members whom others put there.
    Released,
}

/// How a user leaves the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The status from then on.
    pub status: Status,
    /// When the record is deleted for good.
    pub purge: Option<DateTime<Utc>>,
    /// Whether the person stays as they are until an administrator decides.
    pub held: bool,
}

/// A change of a user's status that an administrator decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldAction {
    /// Whether the user left the scope by DELETE; else `active` became false.
    pub deleted: bool,
    /// The status that the user gets when it is allowed.
    pub status: Status,
    /// When the record is then deleted for good.
    pub purge: Option<DateTime<Utc>>,
}

/// A user whom an identity provider wanted to create, and the person who is there already.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingLink {
    /// The person.
    pub person: ResourceId,
    /// Which attribute they share.
    pub attribute: &'static str,
    /// The user, as the identity provider sent it.
    pub document: Map<String, Value>,
    /// What the log says instead, where an administrator dismissed the same user before.
    pub dismissed: String,
}

/// A membership as seen from either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: ResourceId,
    /// The name of the group.
    pub group_name: String,
    /// When the group was changed last.
    pub group_modified: DateTime<Utc>,
    /// The member.
    pub member: ResourceId,
    /// Whether the member is a User or a Group.
    pub kind: ResourceKind,
    /// The display name of the member: of a user `display_name` or else `user_name`.
    pub display: String,
}

/// Some of the members of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChunk {
    /// Those who can be seen.
    pub members: Vec<Visible>,
    /// The last of all that were looked at, when more may follow.
    pub next: Option<ResourceId>,
}

/// A resource that exists and is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The id.
    pub id: ResourceId,
    /// User or Group.
    pub kind: ResourceKind,
    /// The display name.
    pub display: String,
}

/// Which resources of a configuration, in which order, from where.
pub type Selection = scim_service::Selection<ResourceId>;
/// Where a page begins.
pub type From = scim_service::Start<ResourceId>;
/// The position of a resource in an order.
pub type Keyset = scim_service::Keyset<ResourceId>;
/// A page.
pub type Selected<T> = scim_service::Selected<T, ResourceId>;
/// A resource of a page, before it is read.
pub type Place = scim_service::Place<super::Row, ResourceId>;

/// A user or a group as stored.
#[derive(Debug, Clone)]
pub enum Stored {
    /// A user.
    User(Box<StoredUser>),
    /// A group.
    Group(StoredGroup),
}

impl Stored {
    /// The id.
    pub fn id(&self) -> ResourceId {
        match self {
            Self::User(user) => user.id,
            Self::Group(group) => group.id,
        }
    }

    /// User or Group.
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::User(_) => ResourceKind::User,
            Self::Group(_) => ResourceKind::Group,
        }
    }
}

/// Somebody who shares a value with a new or changed user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharer {
    /// The user that has the value.
    pub id: ResourceId,
    /// The logon name of that user.
    pub name: String,
    /// What the user is to the configuration.
    pub relation: Relation,
    /// Whether the user may work.
    pub status: Status,
    /// What the two share.
    pub shared: SharedValues,
}

/// The values that somebody shares with a user, each compared in the form in which it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedValues {
    /// The logon name.
    pub user_name: bool,
    /// `userName` as an identity provider sent it.
    pub scim_user_name: bool,
    /// `externalId`; `None` where the other one has none.
    pub external_id: Option<bool>,
    /// The other's e-mail address is one of the user's.
    pub email: bool,
    /// The other's logon name or e-mail address is a name or an address of the user.
    pub name_or_address: bool,
    /// One of the addresses with which the other was ever provisioned is a name or an address of the
    /// user.
    pub former_address: bool,
    /// A phone number or the employee number.
    pub recovery: bool,
}

/// What an existing user is to a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Managed by it.
    Own,
    /// Left its scope by a DELETE that blocks.
    Left,
    /// Managed by another configuration.
    Foreign,
    /// Created by hand; may be linked.
    ByHand,
    /// Created by hand; has an administrative role or a console sign-in, and is never linked.
    Privileged,
    /// A tenant admin.
    Protected,
}

impl Relation {
    /// The cause of a collision with somebody who is this.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Own => Cause::UniquenessOwn,
            Self::Left => Cause::UniquenessLeft,
            Self::Foreign => Cause::UniquenessForeign,
            Self::ByHand => Cause::UniquenessByHand,
            Self::Privileged => Cause::UniquenessPrivileged,
            Self::Protected => Cause::UniquenessProtected,
        }
    }
}

/// Who changes the directory, as the feed names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// `configuration:NAME` or `administrator:NAME`.
    pub actor: String,
    /// The run that it is part of. What is changed in a run can be taken back.
    pub run: Option<RunId>,
    /// The id of the request that asked for it.
    pub request: Option<String>,
}

impl Author {
    /// The identity provider of a configuration.
    pub fn configuration(name: &str) -> Self {
        Self {
            actor: format!("configuration:{name}"),
            run: None,
            request: None,
        }
    }

    /// An administrator, an API key or the command line.
    pub fn administrator(name: &str) -> Self {
        Self {
            actor: format!("administrator:{name}"),
            run: None,
            request: None,
        }
    }
}

/// A link that an administrator approved: which person comes under the management of the
/// configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The person.
    pub person: ResourceId,
    /// The version of the person that the administrator saw.
    pub seen: Version,
    /// `userName` of the user as whom the identity provider sent the person.
    pub user_name: String,
    /// Who approved it.
    pub actor: String,
    /// From where.
    pub source: Option<String>,
    /// The run that it is.
    pub run: RunId,
}
