//! Rows of what waits for an administrator: changes that the guard holds, and links.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, ResourceId, StoreError};

use crate::policy::{HeldGroup, HeldMember, HeldUser, HoldEnd, LinkRequest, LinksQuery};

/// Reading what waits.
pub trait ReadWaiting {
    /// The changes of users that are held of a configuration, in order of their ids, behind one;
    /// none of a protected account.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_users(
        &mut self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldUser>, StoreError>;

    /// The memberships that are held, likewise.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_members(
        &mut self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldMember>, StoreError>;

    /// How many changes of users are held, and the id of the last one.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_users_end(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError>;

    /// The groups of which memberships are held, in order of their names.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_groups(&mut self, configuration: ConfigurationId)
    -> Result<Vec<HeldGroup>, StoreError>;

    /// How many memberships are held, and the id of the last one.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_members_end(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError>;

    /// The links that wait, in the order of the ids of their persons.
    ///
    /// # Errors
    /// A fault of the store.
    fn links(
        &mut self,
        configuration: ConfigurationId,
        query: &LinksQuery,
    ) -> Result<Vec<LinkRequest>, StoreError>;
}

/// Changing what waits.
pub trait WriteWaiting {
    /// Every change of a user that is held of a configuration, protected accounts included.
    ///
    /// # Errors
    /// A fault of the store.
    fn all_held_users(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldUser>, StoreError>;

    /// Holds the change of a user no longer; answers whether the user may be changed: what is held
    /// of a tenant admin waits on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a user who would come back has no free name.
    fn end_hold(
        &mut self,
        configuration: ConfigurationId,
        user: ResourceId,
        end: HoldEnd,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Ends a membership that is held; nobody takes a protected account out of a group.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError>;

    /// Lets a membership stay that is held.
    ///
    /// # Errors
    /// A fault of the store.
    fn keep_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError>;

    /// Counts a group up, because members are seen again.
    ///
    /// # Errors
    /// A fault of the store.
    fn touch_group(&mut self, group: ResourceId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Notes from when on the guard of a configuration counts who leaves.
    ///
    /// # Errors
    /// A fault of the store.
    fn reset_guard(
        &mut self,
        configuration: ConfigurationId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Takes a link from those that wait; answers whether it was among them.
    ///
    /// # Errors
    /// A fault of the store.
    fn dismiss_link(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Puts a dismissed link back among those that wait; answers whether it was dismissed.
    ///
    /// # Errors
    /// A fault of the store.
    fn restore_link(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
    ) -> Result<bool, StoreError>;
}
