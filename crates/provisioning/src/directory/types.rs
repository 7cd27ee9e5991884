//! What is read and written through the port.

use chrono::{DateTime, Utc};
use scim_mapping::{Field, FieldValue, GroupKind, Record};
use scim_protocol::Version;
use scim_protocol::filter::{Condition, SortKey};
use serde_json::{Map, Value};

use crate::id::{ConfigurationId, ResourceId, ResourceKind};

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

/// Whether a user may work, in the product's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The user may work.
    Active,
    /// The user is blocked and can be unblocked.
    Blocked,
    /// The user has left; the record is kept.
    Archived,
}

impl Status {
    /// The status as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Archived => "archived",
        }
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
    pub grants: Vec<(&'static str, String)>,
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

/// Which resources, in which order, from where.
#[derive(Debug, Clone)]
pub struct Selection {
    /// What they must satisfy; everything in scope without it.
    pub condition: Option<Condition>,
    /// How they are sorted; by id without it, and by id among equals.
    pub sort: Option<Sort>,
    /// Where the page begins.
    pub from: From,
    /// How many resources the page holds at most; 0 for the total alone.
    pub count: usize,
}

/// A sort order (RFC 7644 section 3.4.2.3). Missing values come last ascending, first descending.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// By which values.
    pub key: SortKey,
    /// Whether in descending order.
    pub descending: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// Behind this many resources.
    Offset(u64),
    /// Behind this resource.
    After(Keyset),
}

/// The position of a resource in an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyset {
    /// The sort key as text, of a number the way JSON writes it; null for a missing value and when
    /// there is no sort.
    pub key: Value,
    /// The id.
    pub id: ResourceId,
}

/// A page of resources.
#[derive(Debug, Clone)]
pub struct Selected<T> {
    /// How many resources satisfy the condition.
    pub total: u64,
    /// The page.
    pub items: Vec<T>,
    /// The position of the last item, when more follow it.
    pub next: Option<Keyset>,
}

/// A resource of a page, before it is read.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where it stands in the order.
    pub keyset: Keyset,
    /// About how many bytes it takes, with what is answered beside it.
    pub bytes: u64,
    /// The resource, where it was cheaper to read it at once.
    pub resource: Option<Stored>,
}

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
}

/// What a new or changed user collides with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// The user that has the value.
    pub id: ResourceId,
    /// The logon name of that user.
    pub name: String,
    /// What the user is to the configuration.
    pub relation: Relation,
    /// Whether the user may work.
    pub status: Status,
    /// Which attribute collides: `userName`, `emails` or `externalId`.
    pub attribute: &'static str,
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

/// A change of the directory, for ServiceOps.
#[derive(Debug, Clone)]
pub struct Change {
    /// Such as `user.created`, `group.members_changed`.
    pub topic: &'static str,
    /// User or Group.
    pub kind: ResourceKind,
    /// The resource.
    pub id: ResourceId,
    /// What changed.
    pub payload: Value,
}

/// What a database said when it failed, for the server's log.
pub type FaultSource = std::sync::Arc<dyn std::error::Error + Send + Sync>;

/// Why the store did not do what it was asked for.
///
/// The first five tell the caller something about what it asked for. All others are faults of the
/// store ([`StoreError::is_fault`]): the same request may well succeed later, so that whoever sent
/// it is asked to come again. A store tells them apart by kinds, codes and its own clock, never by
/// the words of a message.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A unique value is in use.
    #[error("{attribute} is in use")]
    Conflict {
        /// The SCIM attribute: `userName`, `externalId` or `displayName`.
        attribute: &'static str,
    },
    /// The resource changed since it was read, or is gone.
    #[error("the resource changed meanwhile")]
    Stale,
    /// A query of the client's own making took more than its budget of work.
    #[error("the query takes too long")]
    TooExpensive,
    /// A value or a statement is larger than the database takes.
    #[error("a value is too large for the database")]
    TooLarge,
    /// The store has more to do than it can queue, or somebody else holds what is to be written.
    #[error("the store is busy")]
    Busy,
    /// The statement waited or worked longer than any statement may.
    #[error("the database took too long")]
    Timeout(#[source] FaultSource),
    /// There is no room left for what is to be written.
    #[error("the database is full")]
    Full(#[source] FaultSource),
    /// The database takes no writes.
    #[error("the database is read-only")]
    ReadOnly(#[source] FaultSource),
    /// The database's files cannot be read or written.
    #[error("the database cannot read or write its files")]
    Io(#[source] FaultSource),
    /// The database's files hold what they should not.
    #[error("the database is damaged")]
    Corrupt(#[source] FaultSource),
    /// The database cannot be reached, or the connection to it was lost.
    #[error("the database cannot be reached")]
    Unavailable(#[source] FaultSource),
    /// The database failed and does not tell why in a way that a program can read.
    #[error("the database failed")]
    Unknown(#[source] FaultSource),
}

impl StoreError {
    /// A fault whose kind nothing but its text tells.
    pub fn unknown(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unknown(std::sync::Arc::new(cause))
    }

    /// A value in the store that this program cannot have written.
    pub fn unreadable(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(std::sync::Arc::new(Unreadable(what.to_string())))
    }

    /// Whether the store failed, rather than the request.
    pub fn is_fault(&self) -> bool {
        self.retry_after().is_some()
    }

    /// After how many seconds the same request may be sent again, when the store failed.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Conflict { .. } | Self::Stale | Self::TooExpensive | Self::TooLarge => None,
            Self::Busy => Some(1),
            Self::Timeout(_) | Self::Unavailable(_) | Self::Unknown(_) => Some(5),
            // Somebody has to look after the database first.
            Self::Full(_) | Self::ReadOnly(_) | Self::Io(_) | Self::Corrupt(_) => Some(30),
        }
    }
}

/// A stored value that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0} holds a value that makes no sense")]
struct Unreadable(String);

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
}
