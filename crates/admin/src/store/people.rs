//! Rows of people and groups, as administrators read and change them.

use chrono::{DateTime, Utc};
use scim_mapping::Role;
use scim_provisioning::{ConfigurationId, StoreError};

use crate::people::{
    GroupFacts, GroupState, GroupSummary, GroupsQuery, ManagedCounts, MappedPerson, Member,
    NewGroup, NewPerson, PeopleQuery, PersonFacts, PersonState, PersonUpdate,
};

/// Reading people and groups.
pub trait ReadPeople {
    /// People in order of id.
    ///
    /// # Errors
    /// A fault of the store.
    fn people(&mut self, query: &PeopleQuery) -> Result<Vec<MappedPerson>, StoreError>;

    /// The person of an id.
    ///
    /// # Errors
    /// A fault of the store.
    fn person(&mut self, id: &str) -> Result<Option<MappedPerson>, StoreError>;

    /// The people of these ids, in no particular order.
    ///
    /// # Errors
    /// A fault of the store.
    fn people_of(&mut self, ids: &[&str]) -> Result<Vec<MappedPerson>, StoreError>;

    /// Which groups of a configuration these people are members of: the id of a person and the name
    /// of a group, in order of both.
    ///
    /// # Errors
    /// A fault of the store.
    fn memberships_under(
        &mut self,
        configuration: ConfigurationId,
        ids: &[&str],
    ) -> Result<Vec<(String, String)>, StoreError>;

    /// What is shown of one person alone.
    ///
    /// # Errors
    /// A fault of the store.
    fn person_facts(&mut self, id: &str) -> Result<Option<PersonFacts>, StoreError>;

    /// The roles of ServiceOps, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn roles(&mut self) -> Result<Vec<Role>, StoreError>;

    /// Groups in order of id.
    ///
    /// # Errors
    /// A fault of the store.
    fn groups(&mut self, query: &GroupsQuery) -> Result<Vec<GroupSummary>, StoreError>;

    /// The group of an id.
    ///
    /// # Errors
    /// A fault of the store.
    fn group(&mut self, id: &str) -> Result<Option<GroupSummary>, StoreError>;

    /// What is shown of one group alone.
    ///
    /// # Errors
    /// A fault of the store.
    fn group_facts(&mut self, id: &str) -> Result<Option<GroupFacts>, StoreError>;

    /// The members of a group in order of id, behind an id.
    ///
    /// # Errors
    /// A fault of the store.
    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError>;

    /// How many users and groups a configuration manages, and what of it waits.
    ///
    /// # Errors
    /// A fault of the store.
    fn managed_counts(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<ManagedCounts, StoreError>;
}

/// Changing people and groups by hand.
pub trait WritePeople {
    /// Inserts a person, with version 1.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the logon name is in use.
    fn insert_person(&mut self, person: &NewPerson, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// What can be done to a person, who is locked until the transaction ends.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_person(&mut self, id: &str) -> Result<Option<PersonState>, StoreError>;

    /// Changes a person and counts the version up; answers whether that was one who may be changed:
    /// a tenant admin is left as is. The accounts end of whoever is not active then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a person who comes back has no free name.
    fn update_person(
        &mut self,
        id: &str,
        update: PersonUpdate,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Inserts a group, with version 1 and no members.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_group(&mut self, group: &NewGroup, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// What can be done to a group, which is locked until the transaction ends.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_group(&mut self, id: &str) -> Result<Option<GroupState>, StoreError>;

    /// Takes a group out of its configuration's management, and lets go of what is held in it.
    ///
    /// # Errors
    /// A fault of the store.
    fn release_group(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Puts a person into a group; answers whether the person was not in it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when there is no such group or person.
    fn insert_member(
        &mut self,
        group: &str,
        person: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Counts up the managed groups that somebody is a member of, because they show one member
    /// less.
    ///
    /// # Errors
    /// A fault of the store.
    fn touch_managed_groups_of(
        &mut self,
        member: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}
