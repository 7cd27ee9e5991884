//! The writing side of the port.

use chrono::{DateTime, Utc};
use scim_mapping::ReferenceKind;
use scim_protocol::Version;
use scim_service::Rollback;

use super::DirectoryView;
use super::keys::UserKeys;
use super::types::*;
use crate::configuration::Configuration;
use crate::event::Event;
use crate::id::{ResourceId, ResourceKind};
use crate::job::Job;

/// A part of the work of a transaction.
pub type Part<'w> = dyn FnMut(&mut dyn DirectoryTransaction) -> Result<(), Rollback> + 'w;

/// Changing the directory.
pub trait DirectoryTransaction: DirectoryView {
    /// Says who writes from now on, for the feed. What is said before the first statement costs no
    /// round trip.
    ///
    /// # Errors
    /// A fault of the store.
    fn speak_as(&mut self, author: &Author) -> Result<(), StoreError>;

    /// Runs a part of the work, which alone is undone when it fails; what was recorded in it
    /// ([`record`](Self::record)) is written at its end.
    ///
    /// # Errors
    /// What the part answers, or a fault of the store. Where the part could not be undone, the whole
    /// transaction is not kept.
    fn part(&mut self, work: &mut Part<'_>) -> Result<(), Rollback>;

    /// Whether the transaction may have another part, with regard to those who wait for it.
    fn has_room(&mut self) -> bool {
        false
    }

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

    /// Who shares one of these values, `except` left out: anybody not archived with the logon name;
    /// users of the same configuration with the `userName` or `externalId`; tenant admins with a
    /// name, an address, a phone or employee number; people created by hand with an e-mail address.
    /// What of it collides is decided by who asks.
    ///
    /// # Errors
    /// A fault of the store.
    fn sharers(
        &mut self,
        scope: Scope,
        keys: &UserKeys,
        except: Option<ResourceId>,
    ) -> Result<Vec<Sharer>, StoreError>;

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
    /// up to a limit. Other transactions that count them wait until this one ends, so that each
    /// counts whom the others send away.
    ///
    /// # Errors
    /// A fault of the store.
    fn departures(
        &mut self,
        scope: Scope,
        since: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, StoreError>;

    /// Whether an administrator took back, at this time or later, a run in which the user left or
    /// was to leave. In a store where nothing is taken back, nobody was.
    ///
    /// # Errors
    /// A fault of the store.
    fn was_brought_back(
        &mut self,
        _id: ResourceId,
        _since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

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

    /// Adds those of these who are in scope to a group that has no members, and answers who they are.
    ///
    /// # Errors
    /// A fault of the store.
    fn add_first_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        ids: &[ResourceId],
        now: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let seen = self.visible(scope, ids)?;
        let members: Vec<_> = seen.iter().map(|member| (member.id, member.kind)).collect();
        self.add_members(group, &members, now)
    }

    /// Removes members in scope from a group and answers which of them went. Never reads the
    /// others; a member outside the scope stays, and so does one whose removal by the identity
    /// provider was taken back since a time ([`members_brought_back`]).
    ///
    /// [`members_brought_back`]: Self::members_brought_back
    ///
    /// # Errors
    /// A fault of the store.
    fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
        since: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError>;

    /// Who of these is a member of a group in scope, and is so because it was taken back since a
    /// time that the identity provider removed them.
    ///
    /// # Errors
    /// A fault of the store.
    fn members_brought_back(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
        since: DateTime<Utc>,
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
}
