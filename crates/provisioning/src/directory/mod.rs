//! The port to the ServiceOps directory.
//!
//! Every call that looks at a resource takes the [`Scope`] of the configuration that speaks; the
//! adapter applies it in one place. What the scope does not cover does not exist: accounts of
//! tenant admins, users who left, what another configuration manages, people created by hand.

mod keys;
mod types;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use scim_mapping::ReferenceKind;
use scim_protocol::Version;
use scim_service::{Abort, Rollback};

pub use keys::{UserKeys, number_key, phone_key};
pub use types::*;

use crate::configuration::Configuration;
use crate::event::Event;
use crate::id::{ConfigurationId, ResourceId, ResourceKind};
use crate::job::Job;
use crate::model::{ModelSource, ModelVersion};

/// Work of a write transaction. It may be run again when the database asks for it, so it has no
/// effects but those through the transaction.
pub type Work = Box<dyn FnMut(&mut dyn DirectoryTransaction) -> Result<(), Rollback> + Send>;

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

    /// Runs `work` on one consistent view; [`DirectoryExt::view`] answers something.
    ///
    /// # Errors
    /// What `work` answers, or why the store did not run it.
    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback>;

    /// Runs `work` in one transaction and answers after it is committed durably. An error of
    /// `work` rolls everything back. [`DirectoryExt::transact`] answers something.
    ///
    /// # Errors
    /// What `work` answers, or why the store did not run it or keep it.
    fn write(&self, work: Work) -> Result<(), Rollback>;

    /// Writes a log entry in a transaction of its own: that of a failed attempt, with the links
    /// that an administrator may approve.
    ///
    /// # Errors
    /// [`StoreError`] when the entry could not be written.
    fn log(&self, event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError>;
}

/// Work that answers something, through a port that knows no answers.
pub trait DirectoryExt: Directory {
    /// Runs `work` on one consistent view.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn view<T, E: Abort>(
        &self,
        mut work: impl FnMut(&mut dyn DirectoryView) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut slot = None;
        let ran = self.read(&mut |view| E::carry(work(view), &mut slot));
        E::conclude(ran, slot)
    }

    /// Runs `work` in one transaction and answers after it is committed durably.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn transact<T, E>(
        &self,
        mut work: impl FnMut(&mut dyn DirectoryTransaction) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Abort + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let outcome = Arc::clone(&slot);
        let ran = self.write(Box::new(move |transaction| {
            // It runs again when the database asks for it; the last run is the one that counts.
            let done = work(transaction);
            E::carry(
                done,
                &mut outcome.lock().unwrap_or_else(PoisonError::into_inner),
            )
        }));
        let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        E::conclude(ran, outcome)
    }
}

impl<D: Directory + ?Sized> DirectoryExt for D {}

/// Reading the directory.
pub trait DirectoryView {
    /// A user in scope.
    ///
    /// # Errors
    /// A fault of the store ([`StoreError::is_fault`]); so for every call that names no other.
    fn user(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredUser>, StoreError>;

    /// A person whom nobody manages; no tenant admin.
    ///
    /// # Errors
    /// A fault of the store.
    fn by_hand(&mut self, id: ResourceId) -> Result<Option<StoredUser>, StoreError>;

    /// A group in scope.
    ///
    /// # Errors
    /// A fault of the store.
    fn group(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredGroup>, StoreError>;

    /// A page of the users in scope.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the budget of a query of the client's own making.
    fn users(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredUser>, StoreError>;

    /// A page of the groups in scope.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the budget of a query of the client's own making.
    fn groups(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredGroup>, StoreError>;

    /// A page of resources in scope before they are read, so that no more of them are read at once
    /// than there is room for. `beside` says that the groups of users or the members of groups are
    /// answered with them.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the statement budget.
    fn places(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
        beside: bool,
    ) -> Result<Selected<Place>, StoreError>;

    /// The resources in scope of these ids, in any order.
    ///
    /// # Errors
    /// A fault of the store.
    fn among(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Stored>, StoreError>;

    /// The groups in scope that have any of these as a direct member, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn groups_of(
        &mut self,
        scope: Scope,
        members: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// The members in scope of these groups, in order of id.
    ///
    /// # Errors
    /// A fault of the store.
    fn members_of(
        &mut self,
        scope: Scope,
        groups: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// Members in scope of a group, in order of id, from behind one of them or from the first: of
    /// the next `count` members those that can be seen. One statement that an index serves,
    /// however many members there are.
    ///
    /// # Errors
    /// A fault of the store.
    fn members_behind(
        &mut self,
        scope: Scope,
        group: ResourceId,
        after: Option<ResourceId>,
        count: usize,
    ) -> Result<MemberChunk, StoreError>;

    /// How many members in scope a group has, counted no further than `limit`.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        limit: usize,
    ) -> Result<usize, StoreError>;

    /// Which of these exist in scope, as users or groups.
    ///
    /// # Errors
    /// A fault of the store.
    fn visible(&mut self, scope: Scope, ids: &[ResourceId]) -> Result<Vec<Visible>, StoreError>;

    /// The first of these ids that is a protected account, which no scope shows: for the log,
    /// never for an answer.
    ///
    /// # Errors
    /// A fault of the store.
    fn protected(&mut self, ids: &[ResourceId]) -> Result<Option<ResourceId>, StoreError>;

    /// A group that confers an administrative right, which no scope shows, and that has one of
    /// these names without regard to case.
    ///
    /// # Errors
    /// A fault of the store.
    fn protected_group(&mut self, names: &[&str]) -> Result<Option<ResourceId>, StoreError>;
}

/// Changing the directory.
pub trait DirectoryTransaction: DirectoryView {
    /// A user in scope, locked against other writers until the transaction ends.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_user(&mut self, scope: Scope, id: ResourceId)
    -> Result<Option<StoredUser>, StoreError>;

    /// A group in scope, locked against other writers until the transaction ends.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError>;

    /// Holds back other transactions that nest groups of this configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_nesting(&mut self, scope: Scope) -> Result<(), StoreError>;

    /// Who has one of these values, `except` left out: anybody not archived who has the user
    /// name; a user of the same configuration who has the `userName`; a tenant admin one of whose names, e-mail addresses, phone or employee
    /// numbers is any of the keys; a person created by hand who has one of the e-mails; a user of the same
    /// configuration who has the `externalId`.
    ///
    /// # Errors
    /// A fault of the store.
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
    /// A fault of the store.
    fn reference(
        &mut self,
        kind: ReferenceKind,
        name: &str,
        create: bool,
    ) -> Result<Option<String>, StoreError>;

    /// Inserts a user managed by the scope's configuration, with version 1.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for `userName`.
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

    /// Notes that an administrator approved a link, and that it waits no longer.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the person is of another version than the administrator saw.
    fn approve_link(
        &mut self,
        configuration: &Configuration,
        approval: &Approval,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

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
    /// A fault of the store.
    fn departures(
        &mut self,
        scope: Scope,
        since: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, StoreError>;

    /// How many users the configuration had at a time.
    ///
    /// # Errors
    /// A fault of the store.
    fn users_at(&mut self, scope: Scope, at: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Holds a change of a user's status until an administrator decides; one that is held already
    /// is replaced.
    ///
    /// # Errors
    /// A fault of the store.
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
    /// A fault of the store.
    fn withdraw(&mut self, id: ResourceId, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Puts a group created by hand that has the name under the configuration's management; its
    /// members created by hand stay. A group that confers an administrative right, or that has a
    /// protected account among its members, is never taken.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for `displayName`.
    fn adopt_group(
        &mut self,
        scope: Scope,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Adoption, StoreError>;

    /// Inserts a group managed by the scope's configuration, with version 1 and no members.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for `displayName`.
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

    /// Deletes a group in scope and its memberships. Groups that it was a member of count up.
    ///
    /// A group that has members whom the configuration does not manage, or protected accounts, is
    /// released with them: others put them there, and the configuration cannot take them out.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the group is not in scope.
    fn delete_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<GroupEnd, StoreError>;

    /// Adds members to a group and answers which were not there before. Never reads the others.
    ///
    /// # Errors
    /// A fault of the store.
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
    /// A fault of the store.
    fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
    ) -> Result<Vec<ResourceId>, StoreError>;

    /// Holds memberships: from now on the scope does not show them, and the members keep what they
    /// give until an administrator decides or they are added again.
    ///
    /// # Errors
    /// A fault of the store.
    fn hold_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Notes members that the scope does not show: who of them is put under its management, or
    /// taken up again, joins the group.
    ///
    /// # Errors
    /// A fault of the store.
    fn await_members(
        &mut self,
        group: ResourceId,
        members: &[ResourceId],
    ) -> Result<(), StoreError>;

    /// Forgets some whom a group awaits, or all of them.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_awaited(
        &mut self,
        group: ResourceId,
        members: Option<&[ResourceId]>,
    ) -> Result<(), StoreError>;

    /// Another group in scope that has this `externalId`.
    ///
    /// # Errors
    /// A fault of the store.
    fn group_with_external_id(
        &mut self,
        scope: Scope,
        external_id: &str,
        except: ResourceId,
    ) -> Result<Option<ResourceId>, StoreError>;

    /// Writes a log entry.
    ///
    /// # Errors
    /// A fault of the store.
    fn record(&mut self, event: &Event) -> Result<(), StoreError>;

    /// Notes how far a job is.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the job is gone.
    fn save_job(&mut self, job: &Job) -> Result<(), StoreError>;

    /// Announces a change to ServiceOps.
    ///
    /// # Errors
    /// A fault of the store.
    fn announce(&mut self, change: &Change, now: DateTime<Utc>) -> Result<(), StoreError>;
}
