//! The port to the ServiceOps directory.
//!
//! Every call that looks at a resource takes the [`Scope`] of the configuration that speaks; the
//! adapter applies it in one place. What the scope does not cover does not exist: accounts of
//! tenant admins, archived users, what another configuration manages, people created by hand.

use chrono::{DateTime, Utc};
use scim_mapping::{Field, FieldValue, GroupKind, Record, ReferenceKind};
use scim_protocol::Version;
use scim_protocol::filter::{Condition, Target};
use serde_json::{Map, Value};

use crate::event::Event;
use crate::id::{ConfigurationId, ResourceId, ResourceKind};
use crate::model::{ModelSource, ModelVersion};
use crate::operation::{Answer, Failure};
use crate::reapply::Job;

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
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
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
    /// `externalId`, unique inside the configuration.
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
    /// `externalId`, unique inside the configuration.
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
}

/// A membership as seen from either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: ResourceId,
    /// The name of the group.
    pub group_name: String,
    /// The member.
    pub member: ResourceId,
    /// Whether the member is a User or a Group.
    pub kind: ResourceKind,
    /// The display name of the member: of a user `display_name` or else `user_name`.
    pub display: String,
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
    /// By which attribute; of a multi-valued one the primary or first value counts.
    pub target: Target,
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
    /// The sort key: text, number, boolean, or null for a missing value and when there is no sort.
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

/// The values by which a user is recognised; all folded.
#[derive(Debug, Clone, Default)]
pub struct UserKeys {
    /// The user name that the mapping makes, by which ServiceOps knows the user.
    pub user_name: String,
    /// `userName`, unique inside the configuration.
    pub scim_user_name: String,
    /// Every e-mail address.
    pub emails: Vec<String>,
    /// Phone numbers and the employee number: what can be a recovery key.
    pub recovery: Vec<String>,
    /// `externalId`, not folded.
    pub external_id: Option<String>,
}

/// What a new or changed user collides with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// The user that has the value.
    pub id: ResourceId,
    /// What the user is to the configuration.
    pub relation: Relation,
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

/// Why the store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
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
    /// The store has more to do than it can queue.
    #[error("the store is busy")]
    Busy,
    /// The statement took longer than its budget.
    #[error("the query takes too long")]
    TooExpensive,
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Work of a write transaction. It may be run again when the database asks for it, so it has no
/// effects but those through the transaction.
pub type Work = Box<dyn FnMut(&mut dyn DirectoryTransaction) -> Result<Answer, Failure> + Send>;

/// The directory.
pub trait Directory: Send + Sync {
    /// The rules and fields of a configuration in these versions.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn model(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
    ) -> Result<ModelSource, StoreError>;

    /// Runs `work` on one consistent view.
    ///
    /// # Errors
    /// What `work` answers, or [`Failure::Store`].
    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure>;

    /// Runs `work` in one transaction and answers after it is committed durably. An error of
    /// `work` rolls everything back.
    ///
    /// # Errors
    /// What `work` answers, or [`Failure::Store`].
    fn write(&self, work: Work) -> Result<Answer, Failure>;

    /// Writes a log entry in a transaction of its own: that of a failed attempt, with the link
    /// that an administrator may approve.
    ///
    /// # Errors
    /// [`StoreError`] when the entry could not be written.
    fn log(&self, event: Event, pending: Option<PendingLink>) -> Result<(), StoreError>;
}

/// Reading the directory.
pub trait DirectoryView {
    /// A user in scope.
    ///
    /// # Errors
    /// [`StoreError::Database`]; so for every call that names no other.
    fn user(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredUser>, StoreError>;

    /// A group in scope.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn group(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredGroup>, StoreError>;

    /// A page of the users in scope.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the statement budget.
    fn users(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredUser>, StoreError>;

    /// A page of the groups in scope.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the statement budget.
    fn groups(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredGroup>, StoreError>;

    /// The groups in scope that have any of these as a direct member, in order of name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn groups_of(
        &mut self,
        scope: Scope,
        members: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// The members in scope of these groups, in order of id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn members_of(
        &mut self,
        scope: Scope,
        groups: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// How many members in scope a group has, counted no further than `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn count_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        limit: usize,
    ) -> Result<usize, StoreError>;

    /// Which of these exist in scope, as users or groups.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn visible(&mut self, scope: Scope, ids: &[ResourceId]) -> Result<Vec<Visible>, StoreError>;

    /// The first of these ids that is a protected account, which no scope shows: for the log,
    /// never for an answer.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn protected(&mut self, ids: &[ResourceId]) -> Result<Option<ResourceId>, StoreError>;
}

/// Changing the directory.
pub trait DirectoryTransaction: DirectoryView {
    /// A user in scope, locked against other writers until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn lock_user(&mut self, scope: Scope, id: ResourceId)
    -> Result<Option<StoredUser>, StoreError>;

    /// A group in scope, locked against other writers until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn lock_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError>;

    /// Holds back other transactions that nest groups of this configuration.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn lock_nesting(&mut self, scope: Scope) -> Result<(), StoreError>;

    /// Who has one of these values, `except` left out: anybody not archived who has the user
    /// name; a user of the same configuration who has the `userName`; a tenant admin whose `userName`, e-mail, phone or employee number is any of
    /// the keys; a person created by hand who has one of the e-mails; a user of the same
    /// configuration who has the `externalId`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn occupants(
        &mut self,
        scope: Scope,
        keys: &UserKeys,
        except: Option<ResourceId>,
    ) -> Result<Vec<Occupant>, StoreError>;

    /// The name of the record that has this name or id; one that is not there is made where
    /// `create` is true.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn reference(
        &mut self,
        kind: ReferenceKind,
        name: &str,
        create: bool,
    ) -> Result<Option<String>, StoreError>;

    /// Inserts a user managed by the scope's configuration, with version 1.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for `userName` and `externalId`.
    fn insert_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Writes a user in scope and answers the next version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]; [`StoreError::Stale`] when the version is not `expected`.
    fn update_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError>;

    /// Puts a person created by hand under the configuration's management, or takes up again one
    /// who left it, and writes the user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]; [`StoreError::Stale`] when the person is neither
    /// [`Relation::ByHand`] nor [`Relation::Left`] any more.
    fn link_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError>;

    /// Takes a user out of the scope. Unless `departure` is held, the user gets the status and
    /// leaves the groups of this configuration.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the user is not in scope.
    fn release_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        departure: &Departure,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// How many users of the configuration were blocked, archived or deleted since then, counted
    /// up to a limit.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn departures(
        &mut self,
        scope: Scope,
        since: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, StoreError>;

    /// How many users the configuration had at a time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn users_at(&mut self, scope: Scope, at: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Holds a change of a user's status until an administrator decides; one that is held already
    /// is replaced.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn hold(
        &mut self,
        scope: Scope,
        id: ResourceId,
        held: HeldAction,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Drops what is held for a user, because the identity provider took it back.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn withdraw(&mut self, id: ResourceId, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Puts a group created by hand that has the name under the configuration's management, and
    /// answers its id and version; its members created by hand stay.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for `externalId`.
    fn adopt_group(
        &mut self,
        scope: Scope,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Option<(ResourceId, Version)>, StoreError>;

    /// Inserts a group managed by the scope's configuration, with version 1 and no members.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for `displayName` and `externalId`.
    fn insert_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Writes a group in scope and answers the next version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]; [`StoreError::Stale`] when the version is not `expected`.
    fn update_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError>;

    /// Writes what a group in scope is and gives, and nothing else of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another group has the name.
    fn classify_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        group: &GroupWrite,
    ) -> Result<(), StoreError>;

    /// Marks a group in scope as changed and answers the next version.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the version is not `expected`.
    fn touch_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError>;

    /// Deletes a group in scope and its memberships.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the group is not in scope.
    fn delete_group(&mut self, scope: Scope, id: ResourceId) -> Result<(), StoreError>;

    /// Adds members to a group and answers which were not there before. Never reads the others.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn add_members(
        &mut self,
        group: ResourceId,
        members: &[(ResourceId, ResourceKind)],
        now: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError>;

    /// Removes members in scope from a group and answers which were there. Never reads the
    /// others; a member outside the scope stays.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
    ) -> Result<Vec<ResourceId>, StoreError>;

    /// Writes a log entry.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn record(&mut self, event: &Event) -> Result<(), StoreError>;

    /// Notes how far a job is.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the job is gone.
    fn save_job(&mut self, job: &Job) -> Result<(), StoreError>;

    /// Announces a change to ServiceOps.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    fn announce(&mut self, change: &Change, now: DateTime<Utc>) -> Result<(), StoreError>;
}
