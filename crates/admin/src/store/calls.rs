//! The port to what administrators configure.

use chrono::{DateTime, Duration, Utc};
use scim_mapping::{CustomField, MappedResource, Role};
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, StoreError};

use super::AdminStore;
use crate::api_key::{ApiKey, MadeByKey};
use crate::configuration::ProvisioningConfiguration;
use crate::event::{Activity, AuditEntry, EventQuery, LoggedEvent};
use crate::mapping::{DraftSeen, MappingVersion, ReceivedAttribute};
use crate::people::{
    Changeable, ChangeableGroup, GroupDetail, GroupInput, GroupSummary, GroupsQuery, ManagedCounts,
    Member, PeopleQuery, Person, PersonChange, PersonDetail, PersonInput,
};
use crate::policy::{Decision, HeldChange, LinkRequest, LinksQuery};
use crate::survey::{Survey, SurveyKind};
use crate::token::AccessToken;

/// Where configurations, tokens, accounts and keys are kept. Every call is one transaction, and
/// appends its [`AuditEntry`] to the audit's chain in it.
///
/// Every call may answer a fault of the store ([`StoreError::is_fault`]); a call that can meet
/// anything else says so.
pub trait Store: AdminStore {
    /// Adds a configuration, its first token and the first versions of its mappings.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use.
    fn add_configuration(
        &self,
        configuration: &ProvisioningConfiguration,
        token: &AccessToken,
        mappings: &[MappingVersion],
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// The configurations whose name or description contains a text, in order of name.
    ///
    /// # Errors
    /// See [`Store`].
    fn configurations(
        &self,
        search: Option<&str>,
    ) -> Result<Vec<ProvisioningConfiguration>, StoreError>;

    /// The configuration of this id, or of this name without regard to case.
    ///
    /// # Errors
    /// See [`Store`].
    fn configuration(
        &self,
        name_or_id: &str,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError>;

    /// Writes a configuration whose version is still the given one, and counts it up.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use, [`StoreError::Stale`].
    fn update_configuration(
        &self,
        configuration: &ProvisioningConfiguration,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Deletes a configuration and its tokens. The people it managed stay, as if created by hand;
    /// its groups stay without a manager; its log stays.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone already.
    fn delete_configuration(
        &self,
        id: ConfigurationId,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Adds a token, unless the configuration has `most` live ones at this time. The others go on
    /// until this one was used, and for `overlap` after that.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has; [`StoreError::Stale`] when the key that makes it was
    /// revoked.
    fn add_token(
        &self,
        token: &AccessToken,
        most: usize,
        now: DateTime<Utc>,
        overlap: Duration,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// The tokens of a configuration, newest first.
    ///
    /// # Errors
    /// See [`Store`].
    fn tokens(&self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, StoreError>;

    /// The token of a hash, with its configuration.
    ///
    /// # Errors
    /// See [`Store`].
    fn find_token(
        &self,
        hash: &str,
    ) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError>;

    /// Revokes a token; answers whether there was one to revoke. A token whose place it was to take
    /// goes on as before.
    ///
    /// # Errors
    /// See [`Store`].
    fn revoke_token(
        &self,
        id: &str,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Lets a token that is live now end at a time, whatever its retirement said; answers whether
    /// there was one. Whoever takes it over keeps it from ending with the key that made it.
    ///
    /// # Errors
    /// See [`Store`].
    fn set_token_end(
        &self,
        id: &str,
        end: DateTime<Utc>,
        now: DateTime<Utc>,
        taken_over: bool,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Notes when, from where and by which client a token was used. With its first use begins the
    /// end of the token whose place it takes, and the audit gets its entry.
    ///
    /// # Errors
    /// See [`Store`].
    fn touch_token(
        &self,
        id: &str,
        at: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
        first: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// The tokens that have ended by themselves and of which the audit does not say so yet, each
    /// with the name of its configuration.
    ///
    /// # Errors
    /// See [`Store`].
    fn ended_tokens(&self, now: DateTime<Utc>) -> Result<Vec<(AccessToken, String)>, StoreError>;

    /// Writes the audit entry of a token that has ended by itself, once.
    ///
    /// # Errors
    /// See [`Store`].
    fn note_end(&self, id: &str, audit: &AuditEntry) -> Result<(), StoreError>;

    /// Adds an API key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use; [`StoreError::Stale`] when the key that
    /// makes it was revoked, or the account that does is bound to a person who is not active.
    fn add_api_key(&self, key: &ApiKey, audit: &AuditEntry) -> Result<(), StoreError>;

    /// The API key of a hash.
    ///
    /// # Errors
    /// See [`Store`].
    fn find_api_key(&self, hash: &str) -> Result<Option<ApiKey>, StoreError>;

    /// The API keys, in order of name.
    ///
    /// # Errors
    /// See [`Store`].
    fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// What ends with an API key.
    ///
    /// # Errors
    /// See [`Store`].
    fn made_by_key(&self, id: &str, now: DateTime<Utc>) -> Result<MadeByKey, StoreError>;

    /// Revokes an API key that is not revoked, and what ends with it, which is answered.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is revoked already.
    fn revoke_api_key(
        &self,
        id: &str,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<MadeByKey, StoreError>;

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

    /// The versions of a mapping, the newest first and the draft last.
    ///
    /// # Errors
    /// See [`Store`].
    fn mappings(
        &self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<Vec<MappingVersion>, StoreError>;

    /// Puts a draft in the place of the one that is there.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when another one is there than was seen.
    fn put_draft(
        &self,
        draft: &MappingVersion,
        seen: &DraftSeen,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Makes a version the active one, if `expected` still is: a new one, in whose place the draft
    /// goes that was seen, or one that is there.
    ///
    /// # Errors
    /// [`StoreError::Stale`].
    fn activate_mapping(
        &self,
        version: &MappingVersion,
        expected: i64,
        draft: Option<&DraftSeen>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Adds a job for the users of a configuration, in the place of one that is not finished, and
    /// answers it with how many there are.
    ///
    /// # Errors
    /// See [`Store`].
    fn add_job(&self, job: &Job, audit: &AuditEntry) -> Result<Job, StoreError>;

    /// The jobs of a configuration, the newest first.
    ///
    /// # Errors
    /// See [`Store`].
    fn jobs(&self, configuration: ConfigurationId) -> Result<Vec<Job>, StoreError>;

    /// Takes up a job that nobody works on and keeps others from it until a time: the one of this
    /// id, or the oldest.
    ///
    /// # Errors
    /// See [`Store`].
    fn claim_job(
        &self,
        id: Option<&str>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError>;

    /// Whether work waits in the background: a job or a survey.
    ///
    /// # Errors
    /// See [`Store`].
    fn work_waits(&self) -> Result<bool, StoreError>;

    /// Asks for a survey, unless one of its kind waits already. What came of the last one stays
    /// until it is done.
    ///
    /// # Errors
    /// See [`Store`].
    fn ask_survey(&self, survey: &Survey) -> Result<(), StoreError>;

    /// The survey of a kind.
    ///
    /// # Errors
    /// See [`Store`].
    fn survey(
        &self,
        configuration: ConfigurationId,
        kind: SurveyKind,
    ) -> Result<Option<Survey>, StoreError>;

    /// Takes up the survey that waits longest and that nobody works on, and keeps others from it
    /// until a time.
    ///
    /// # Errors
    /// See [`Store`].
    fn claim_survey(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Survey>, StoreError>;

    /// Keeps what came of a survey.
    ///
    /// # Errors
    /// See [`Store`].
    fn save_survey(&self, survey: &Survey) -> Result<(), StoreError>;

    /// Adds to what was seen of attributes.
    ///
    /// # Errors
    /// See [`Store`].
    fn note_seen(&self, seen: &[SeenAttribute]) -> Result<(), StoreError>;

    /// The attributes that a configuration received, those received most often first.
    ///
    /// # Errors
    /// See [`Store`].
    fn seen(
        &self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<Vec<ReceivedAttribute>, StoreError>;

    /// The custom fields, the oldest first.
    ///
    /// # Errors
    /// See [`Store`].
    fn custom_fields(&self) -> Result<Vec<CustomField>, StoreError>;

    /// Adds a custom field.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the key is in use.
    fn add_custom_field(
        &self,
        field: &CustomField,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Puts a definition in the place of the one of its key; answers whether there was one.
    ///
    /// # Errors
    /// See [`Store`].
    fn replace_custom_field(
        &self,
        field: &CustomField,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;

    /// Deletes a custom field; answers whether there was one.
    ///
    /// # Errors
    /// See [`Store`].
    fn delete_custom_field(&self, key: &str, audit: &AuditEntry) -> Result<bool, StoreError>;

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
