//! The administrators' store.

mod accounts;
mod activity;
mod audit;
mod configurations;
mod details;
mod devices;
mod directory;
pub(crate) mod ending;
mod events;
pub(crate) mod mappings;
mod seen;
mod sessions;
mod surveys;
mod tokens;

use chrono::{DateTime, Duration, Utc};
use scim_admin::api_key::{ApiKey, MadeByKey};
use scim_admin::event::{Activity, AuditEntry, EventQuery, LoggedEvent};
use scim_admin::mapping::{DraftSeen, MappingVersion, ReceivedAttribute};
use scim_admin::people::{
    Changeable, ChangeableGroup, GroupDetail, GroupInput, GroupSummary, GroupsQuery, ManagedCounts,
    Member, PeopleQuery, Person, PersonChange, PersonDetail, PersonInput,
};
use scim_admin::policy::{Decision, HeldChange, LinkRequest, LinksQuery};
use scim_admin::store::{Abandoned, AdminStore, ReadWork, UpkeepWork, WriteWork};
use scim_admin::survey::{Survey, SurveyKind};
use scim_admin::{AccessToken, AdminError, ProvisioningConfiguration, Store};
use scim_mapping::{CustomField, MappedResource, Role};
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, StoreError};

pub(crate) use self::directory::page;
use crate::connection::Connection;
use crate::database::Database;
use crate::error::Faulty;
use crate::{held, held_members, jobs, links, log, references};

impl Database {
    /// Makes a change and, if there was something to change, its audit entry in the same
    /// transaction; answers whether there was.
    fn audited(
        &self,
        audit: &AuditEntry,
        mut change: impl FnMut(&mut Connection) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let audit = audit.clone();
        self.writing(move |connection| {
            let changed = change(connection)?;
            if changed {
                log::audit(connection, &audit)?;
            }
            Ok(changed)
        })
    }
}

/// The rows of what administrators configure, in a transaction.
pub(crate) struct AdminRows<'a> {
    pub(crate) connection: &'a mut Connection,
}

impl AdminStore for Database {
    fn run_read(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        self.reading(|connection| work(&mut AdminRows { connection }))
    }

    fn run_write(&self, mut work: WriteWork) -> Result<(), Abandoned> {
        self.writing(move |connection| {
            let trail = work(&mut AdminRows { connection })?;
            for entry in trail.entries() {
                log::audit(connection, entry)?;
            }
            Ok(())
        })
    }

    fn run_upkeep(&self, mut work: UpkeepWork) -> Result<(), AdminError> {
        self.writing(move |connection| work(&mut AdminRows { connection }))
    }
}

impl Faulty for AdminError {
    fn fault(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Faulty for Abandoned {
    fn fault(&self) -> Option<&StoreError> {
        match self {
            Self::Refused(error) => error.fault(),
            _ => None,
        }
    }
}

impl Store for Database {
    fn add_configuration(
        &self,
        configuration: &ProvisioningConfiguration,
        token: &AccessToken,
        first: &[MappingVersion],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (configuration, token, audit) = (configuration.clone(), token.clone(), audit.clone());
        let first = first.to_vec();
        self.writing(move |connection| {
            log::audit(connection, &audit)?;
            accounts::check_maker(connection, token.made_by.as_deref())?;
            configurations::insert(connection, &configuration)?;
            tokens::insert(connection, &token)?;
            for version in &first {
                mappings::insert(connection, version)?;
            }
            Ok(())
        })
    }

    fn configurations(
        &self,
        search: Option<&str>,
    ) -> Result<Vec<ProvisioningConfiguration>, StoreError> {
        self.reading(|connection| configurations::list(connection, search))
    }

    fn configuration(
        &self,
        name_or_id: &str,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        self.reading(|connection| configurations::find(connection, name_or_id))
    }

    fn update_configuration(
        &self,
        configuration: &ProvisioningConfiguration,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (configuration, audit) = (configuration.clone(), audit.clone());
        self.writing(move |connection| {
            configurations::update(connection, &configuration)?;
            log::audit(connection, &audit)
        })
    }

    fn delete_configuration(
        &self,
        id: ConfigurationId,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let audit = audit.clone();
        self.writing(move |connection| {
            configurations::delete(connection, id)?;
            log::audit(connection, &audit)
        })
    }

    fn add_token(
        &self,
        token: &AccessToken,
        most: usize,
        now: DateTime<Utc>,
        overlap: Duration,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (token, audit) = (token.clone(), audit.clone());
        self.writing(move |connection| {
            log::audit(connection, &audit)?;
            accounts::check_maker(connection, token.made_by.as_deref())?;
            configurations::lock(connection, token.configuration)?;
            let mut live = tokens::list(connection, token.configuration)?;
            live.retain(|token| token.is_live(now));
            if live.len() >= most {
                return Err(StoreError::Conflict { attribute: "token" });
            }
            for old in &live {
                tokens::retire(connection, &old.id, &token.id, overlap)?;
            }
            tokens::insert(connection, &token)
        })
    }

    fn tokens(&self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, StoreError> {
        self.reading(|connection| tokens::list(connection, configuration))
    }

    fn find_token(
        &self,
        hash: &str,
    ) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError> {
        self.reading(|connection| tokens::find(connection, hash))
    }

    fn revoke_token(
        &self,
        id: &str,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.audited(audit, move |connection| {
            tokens::revoke(connection, &id, now)
        })
    }

    fn set_token_end(
        &self,
        id: &str,
        end: DateTime<Utc>,
        now: DateTime<Utc>,
        taken_over: bool,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.audited(audit, move |connection| {
            tokens::set_end(connection, &id, end, now, taken_over)
        })
    }

    fn touch_token(
        &self,
        id: &str,
        at: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
        first: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (id, first) = (id.to_owned(), first.clone());
        let (from, client) = (from.map(str::to_owned), client.map(str::to_owned));
        self.writing(move |connection| {
            tokens::touch(connection, &id, at, from.as_deref(), client.as_deref())?;
            match tokens::begin(connection, &id, at)? {
                true => log::audit(connection, &first),
                false => Ok(()),
            }
        })
    }

    fn ended_tokens(&self, now: DateTime<Utc>) -> Result<Vec<(AccessToken, String)>, StoreError> {
        self.reading(|connection| tokens::ended(connection, now))
    }

    fn note_end(&self, id: &str, audit: &AuditEntry) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.audited(audit, move |connection| tokens::note_end(connection, &id))
            .map(drop)
    }

    fn add_api_key(&self, key: &ApiKey, audit: &AuditEntry) -> Result<(), StoreError> {
        let (key, audit) = (key.clone(), audit.clone());
        self.writing(move |connection| {
            if let Some(account) = &key.account {
                accounts::hold_open(connection, account)?;
            }
            log::audit(connection, &audit)?;
            accounts::check_maker(connection, key.made_by.as_deref())?;
            accounts::insert_key(connection, &key)
        })
    }

    fn find_api_key(&self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        self.reading(|connection| accounts::find_key(connection, hash))
    }

    fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.reading(accounts::keys)
    }

    fn made_by_key(&self, id: &str, now: DateTime<Utc>) -> Result<MadeByKey, StoreError> {
        self.reading(|connection| ending::made_by_key(connection, id, now))
    }

    fn revoke_api_key(
        &self,
        id: &str,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<MadeByKey, StoreError> {
        let (id, audit) = (id.to_owned(), audit.clone());
        self.writing(move |connection| {
            log::audit(connection, &audit)?;
            ending::revoke_key(connection, &id, now, &audit)
        })
    }

    fn add_person(
        &self,
        person: &PersonInput,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<String, StoreError> {
        let (person, audit) = (person.clone(), audit.clone());
        self.writing(move |connection| {
            let id = directory::add_person(connection, &person, now)?;
            log::audit(connection, &audit)?;
            Ok(id)
        })
    }

    fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.reading(references::roles)
    }

    fn add_group(
        &self,
        group: &GroupInput,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<String, StoreError> {
        let (group, audit) = (group.clone(), audit.clone());
        self.writing(move |connection| {
            let id = directory::add_group(connection, &group, now)?;
            log::audit(connection, &audit)?;
            Ok(id)
        })
    }

    fn add_member(
        &self,
        group: &str,
        person: &str,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let (group, person) = (group.to_owned(), person.to_owned());
        self.audited(audit, move |connection| {
            directory::add_member(connection, &group, &person, now)
        })
    }

    fn people(&self, query: &PeopleQuery) -> Result<Vec<Person>, StoreError> {
        self.reading(|connection| directory::people(connection, query))
    }

    fn group_summaries(&self, query: &GroupsQuery) -> Result<Vec<GroupSummary>, StoreError> {
        self.reading(|connection| directory::groups(connection, query))
    }

    fn mappings(
        &self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<Vec<MappingVersion>, StoreError> {
        self.reading(|connection| mappings::versions(connection, configuration, resource, None))
    }

    fn put_draft(
        &self,
        draft: &MappingVersion,
        seen: &DraftSeen,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (draft, seen, audit) = (draft.clone(), seen.clone(), audit.clone());
        self.writing(move |connection| {
            let (configuration, resource) = (draft.configuration, draft.rules.resource);
            mappings::take_draft(connection, configuration, resource, &seen)?;
            mappings::insert(connection, &draft)?;
            log::audit(connection, &audit)
        })
    }

    fn activate_mapping(
        &self,
        version: &MappingVersion,
        expected: i64,
        draft: Option<&DraftSeen>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (version, draft, audit) = (version.clone(), draft.cloned(), audit.clone());
        self.writing(move |connection| {
            let (configuration, resource) = (version.configuration, version.rules.resource);
            let number = version.version;
            mappings::activate(connection, configuration, resource, expected, number)?;
            if let Some(seen) = &draft {
                mappings::take_draft(connection, configuration, resource, seen)?;
                mappings::insert(connection, &version)?;
            }
            log::audit(connection, &audit)
        })
    }

    fn add_job(&self, job: &Job, audit: &AuditEntry) -> Result<Job, StoreError> {
        let (job, audit) = (job.clone(), audit.clone());
        self.writing(move |connection| {
            let job = jobs::insert(connection, &job)?;
            log::audit(connection, &audit)?;
            Ok(job)
        })
    }

    fn jobs(&self, configuration: ConfigurationId) -> Result<Vec<Job>, StoreError> {
        self.reading(|connection| jobs::list(connection, configuration))
    }

    fn claim_job(
        &self,
        id: Option<&str>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        let id = id.map(str::to_owned);
        self.writing(move |connection| jobs::claim(connection, id.as_deref(), now, until))
    }

    fn work_waits(&self) -> Result<bool, StoreError> {
        self.reading(surveys::work_waits)
    }

    fn ask_survey(&self, survey: &Survey) -> Result<(), StoreError> {
        let survey = survey.clone();
        self.writing(move |connection| surveys::ask(connection, &survey))
    }

    fn survey(
        &self,
        configuration: ConfigurationId,
        kind: SurveyKind,
    ) -> Result<Option<Survey>, StoreError> {
        self.reading(|connection| surveys::find(connection, configuration, kind))
    }

    fn claim_survey(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Survey>, StoreError> {
        self.writing(move |connection| surveys::claim(connection, now, until))
    }

    fn save_survey(&self, survey: &Survey) -> Result<(), StoreError> {
        let survey = survey.clone();
        self.writing(move |connection| surveys::save(connection, &survey))
    }

    fn note_seen(&self, seen: &[SeenAttribute]) -> Result<(), StoreError> {
        let seen = seen.to_vec();
        self.writing(move |connection| seen::note(connection, &seen))
    }

    fn seen(
        &self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<Vec<ReceivedAttribute>, StoreError> {
        self.reading(|connection| seen::list(connection, configuration, resource))
    }

    fn custom_fields(&self) -> Result<Vec<CustomField>, StoreError> {
        self.reading(mappings::custom_fields)
    }

    fn add_custom_field(
        &self,
        field: &CustomField,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let (field, audit) = (field.clone(), audit.clone());
        self.writing(move |connection| {
            mappings::add_custom_field(connection, &field, now)?;
            log::audit(connection, &audit)
        })
    }

    fn replace_custom_field(
        &self,
        field: &CustomField,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let field = field.clone();
        self.audited(audit, move |connection| {
            mappings::replace_custom_field(connection, &field)
        })
    }

    fn delete_custom_field(&self, key: &str, audit: &AuditEntry) -> Result<bool, StoreError> {
        let (key, now) = (key.to_owned(), audit.at);
        self.audited(audit, move |connection| {
            mappings::delete_custom_field(connection, &key, now)
        })
    }

    fn held(
        &self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldChange>, StoreError> {
        self.reading(|connection| {
            let mut held = held::list(connection, configuration, after, limit)?;
            held.extend(held_members::list(connection, configuration, after, limit)?);
            held.sort_by(|one, other| one.id.cmp(&other.id));
            held.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(held)
        })
    }

    fn held_end(
        &self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError> {
        self.reading(|connection| {
            let (users, last_user) = held::end(connection, configuration)?;
            let (members, last_member) = held_members::end(connection, configuration)?;
            Ok((users + members, last_user.max(last_member)))
        })
    }

    fn decide_held(
        &self,
        decision: &Decision,
        audit: &AuditEntry,
    ) -> Result<Vec<HeldChange>, StoreError> {
        let (decision, audit) = (decision.clone(), audit.clone());
        self.writing(move |connection| {
            let mut decided = held::decide(connection, &decision)?;
            decided.extend(held_members::decide(connection, &decision)?);
            if !decided.is_empty() {
                log::audit(connection, &audit)?;
            }
            Ok(decided)
        })
    }

    fn link_requests(
        &self,
        configuration: ConfigurationId,
        query: &LinksQuery,
    ) -> Result<Vec<LinkRequest>, StoreError> {
        self.reading(|connection| links::list(connection, configuration, query))
    }

    fn dismiss_link(
        &self,
        configuration: ConfigurationId,
        id: &str,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let (id, audit) = (id.to_owned(), audit.clone());
        self.writing(move |connection| {
            let dismissed = links::dismiss(connection, configuration, &id, audit.at)?;
            if dismissed {
                log::audit(connection, &audit)?;
            }
            Ok(dismissed)
        })
    }

    fn forget_events(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.writing(move |connection| events::forget(connection, before, limit))
    }

    fn forget_requests(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.writing(move |connection| events::forget_requests(connection, before, limit))
    }

    fn purge(&self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.writing(move |connection| held::purge(connection, now, limit))
    }

    fn person(&self, id: &str) -> Result<Option<PersonDetail>, StoreError> {
        self.reading(|connection| details::person(connection, id))
    }

    fn group(&self, id: &str) -> Result<Option<GroupDetail>, StoreError> {
        self.reading(|connection| details::group(connection, id))
    }

    fn members(
        &self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError> {
        self.reading(|connection| details::members(connection, group, after, limit))
    }

    fn change_person(
        &self,
        person: &Changeable,
        change: PersonChange,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let person = person.clone();
        self.audited(audit, move |connection| {
            details::change(connection, &person, change, now)
        })
    }

    fn unlink_group(
        &self,
        group: &ChangeableGroup,
        now: DateTime<Utc>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let group = group.clone();
        self.audited(audit, move |connection| {
            details::unlink_group(connection, group.id(), now)
        })
    }

    fn managed_counts(&self, configuration: ConfigurationId) -> Result<ManagedCounts, StoreError> {
        self.reading(|connection| details::counts(connection, configuration))
    }

    fn activity(
        &self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError> {
        self.reading(|connection| activity::activity(connection, since, configuration))
    }

    fn note_requests(&self, counts: &[Activity]) -> Result<(), StoreError> {
        let counts = counts.to_vec();
        self.writing(move |connection| activity::note_requests(connection, &counts))
    }

    fn requests(
        &self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError> {
        self.reading(|connection| activity::requests(connection, since, configuration))
    }

    fn count_hours(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.writing(move |connection| activity::count_hours(connection, now))
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<LoggedEvent>, StoreError> {
        self.reading(|connection| events::list(connection, query))
    }

    fn resolve_event(
        &self,
        id: i64,
        by: Option<(&str, DateTime<Utc>)>,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let by = by.map(|(name, at)| (name.to_owned(), at));
        let audit = audit.clone();
        self.writing(move |connection| {
            let by = by.as_ref().map(|(name, at)| (name.as_str(), *at));
            let changed = events::resolve(connection, id, by)?;
            if changed {
                log::audit(connection, &audit)?;
            }
            Ok(changed)
        })
    }

    fn newer_change(
        &self,
        than: &LoggedEvent,
        name: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        self.reading(|connection| events::newer_change(connection, than, name))
    }

    fn changed_since(&self, event: &LoggedEvent) -> Result<bool, StoreError> {
        self.reading(|connection| events::changed_since(connection, event))
    }

    fn note_replay(
        &self,
        id: i64,
        resolved: Option<(&str, DateTime<Utc>)>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let by = resolved.map(|(name, at)| (name.to_owned(), at));
        let audit = audit.clone();
        self.writing(move |connection| {
            if let Some((name, at)) = &by {
                events::resolve(connection, id, Some((name, *at)))?;
            }
            log::audit(connection, &audit)
        })
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.usable()
    }
}
