//! The port to what administrators configure.

use chrono::{DateTime, Utc};
use scim_mapping::Role;
use scim_provisioning::{ConfigurationId, StoreError};

use super::AdminStore;
use crate::event::{Activity, AuditEntry, EventQuery, LoggedEvent};
use crate::people::{
    Changeable, ChangeableGroup, GroupDetail, GroupInput, GroupSummary, GroupsQuery, ManagedCounts,
    Member, PeopleQuery, Person, PersonChange, PersonDetail, PersonInput,
};
use crate::policy::{Decision, HeldChange, LinkRequest, LinksQuery};

/// Where configurations, tokens, accounts and keys are kept. Every call is one transaction, and
/// appends its [`AuditEntry`] to the audit's chain in it.
///
/// Every call may answer a fault of the store ([`StoreError::is_fault`]); a call that can meet
/// anything else says so.
pub trait Store: AdminStore {
    /// Adds a person by hand and answers the id. A role that is privileged is an administrative one,
    /// another one is given as by a group.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the logon name is in use.
    fn add_person(
        &self,
        person: &PersonInput,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<String, StoreError>;

    /// The roles of ServiceOps, in order of name.
    ///
    /// # Errors
    /// See [`Store`].
    fn roles(&self) -> Result<Vec<Role>, StoreError>;

    /// Adds a group by hand and answers the id.
    ///
    /// # Errors
    /// See [`Store`].
    fn add_group(
        &self,
        group: &GroupInput,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<String, StoreError>;

    /// Puts a person into a group by hand; answers whether the person was not in it. Whoever joins
    /// a group that confers an administrative right is a tenant admin from then on.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when there is no such group or person.
    fn add_member(
        &self,
        group: &str,
        person: &str,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// People in order of id.
    ///
    /// # Errors
    /// See [`Store`].
    fn people(&self, query: &PeopleQuery) -> Result<Vec<Person>, StoreError>;

    /// Groups in order of id.
    ///
    /// # Errors
    /// See [`Store`].
    fn group_summaries(&self, query: &GroupsQuery) -> Result<Vec<GroupSummary>, StoreError>;

    /// What the guard holds of a configuration, in order of time, behind an id.
    ///
    /// # Errors
    /// See [`Store`].
    fn held(
        &self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldChange>, StoreError>;

    /// How many changes the guard holds of a configuration, and the id of the last one.
    ///
    /// # Errors
    /// See [`Store`].
    fn held_end(&self, configuration: ConfigurationId)
    -> Result<(i64, Option<String>), StoreError>;

    /// Carries out a decision, with its log entries, and answers what it was about.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a user who would come back has no free name.
    fn decide_held(
        &self,
        decision: &Decision,
        audit: &AuditEntry,
    ) -> Result<Vec<HeldChange>, StoreError>;

    /// The links that wait, in the order of the ids of their persons.
    ///
    /// # Errors
    /// See [`Store`].
    fn link_requests(
        &self,
        configuration: ConfigurationId,
        query: &LinksQuery,
    ) -> Result<Vec<LinkRequest>, StoreError>;

    /// Takes a link from those that wait, with the audit entry; answers whether it was among them.
    ///
    /// # Errors
    /// See [`Store`].
    fn dismiss_link(
        &self,
        configuration: ConfigurationId,
        id: &str,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Deletes entries of the provisioning log from before a time, at most so many; answers how many.
    ///
    /// # Errors
    /// See [`Store`].
    fn forget_events(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;

    /// Forgets what the requests of entries of the provisioning log from before a time said, of at
    /// most so many entries, which stay; answers of how many.
    ///
    /// # Errors
    /// See [`Store`].
    fn forget_requests(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;

    /// Deletes users for good whose time has come, at most so many; answers how many.
    ///
    /// # Errors
    /// See [`Store`].
    fn purge(&self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;

    /// The person of an id, with what is shown of one alone.
    ///
    /// # Errors
    /// See [`Store`].
    fn person(&self, id: &str) -> Result<Option<PersonDetail>, StoreError>;

    /// The group of an id, with what is shown of one alone.
    ///
    /// # Errors
    /// See [`Store`].
    fn group(&self, id: &str) -> Result<Option<GroupDetail>, StoreError>;

    /// The members of a group in order of id, behind an id.
    ///
    /// # Errors
    /// See [`Store`].
    fn members(
        &self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError>;

    /// Changes a person by hand; answers whether it was one whom the change is for, and is not
    /// protected now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a person who comes back has no free name.
    fn change_person(
        &self,
        person: &Changeable,
        change: PersonChange,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Takes a group out of its configuration's management; answers whether it was in one, and is
    /// not protected now.
    ///
    /// # Errors
    /// See [`Store`].
    fn unlink_group(
        &self,
        group: &ChangeableGroup,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// How many users and groups a configuration manages.
    ///
    /// # Errors
    /// See [`Store`].
    fn managed_counts(&self, configuration: ConfigurationId) -> Result<ManagedCounts, StoreError>;

    /// The entries of the provisioning log since an hour, of one configuration or all, counted by
    /// configuration, hour and outcome.
    ///
    /// # Errors
    /// See [`Store`].
    fn activity(
        &self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError>;

    /// Adds to the counts of requests.
    ///
    /// # Errors
    /// See [`Store`].
    fn note_requests(&self, counts: &[Activity]) -> Result<(), StoreError>;

    /// The requests since an hour, of one configuration or all, counted by configuration, hour and
    /// outcome.
    ///
    /// # Errors
    /// See [`Store`].
    fn requests(
        &self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError>;

    /// Counts the entries of hours that are over, so that nobody has to count them again.
    ///
    /// # Errors
    /// See [`Store`].
    fn count_hours(&self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Entries of the provisioning log, in order of time.
    ///
    /// # Errors
    /// See [`Store`].
    fn events(&self, query: &EventQuery) -> Result<Vec<LoggedEvent>, StoreError>;

    /// Marks a failure or a warning of the log as resolved by somebody, or with `None` as open
    /// again; answers whether it was not so already.
    ///
    /// # Errors
    /// See [`Store`].
    fn resolve_event(
        &self,
        id: i64,
        by: Option<(&str, DateTime<Utc>)>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// The first entry of the log that changed, after another one, the resource which that was
    /// about; of a creation one of this name, in the same configuration.
    ///
    /// # Errors
    /// See [`Store`].
    fn newer_change(
        &self,
        than: &LoggedEvent,
        name: Option<&str>,
    ) -> Result<Option<i64>, StoreError>;

    /// Whether the resource that an entry of the log is about was written after it, by whomever.
    ///
    /// # Errors
    /// See [`Store`].
    fn changed_since(&self, event: &LoggedEvent) -> Result<bool, StoreError>;

    /// Writes the audit entry of a replay, and marks the failure as resolved by somebody if that is
    /// what came of it.
    ///
    /// # Errors
    /// See [`Store`].
    fn note_replay(
        &self,
        id: i64,
        resolved: Option<(&str, DateTime<Utc>)>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Whether the database can be reached and has the tables of this version.
    ///
    /// # Errors
    /// See [`Store`].
    fn ready(&self) -> Result<(), StoreError>;
}
