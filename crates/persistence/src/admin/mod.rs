//! The administrators' store.

mod accounts;
mod activity;
mod api_keys;
mod audit;
mod configurations;
mod details;
mod devices;
mod directory;
pub(crate) mod ending;
mod events;
mod jobs;
pub(crate) mod mappings;
mod seen;
mod sessions;
mod surveys;
mod tokens;

use chrono::{DateTime, Utc};
use scim_admin::event::{Activity, AuditEntry, EventQuery, LoggedEvent};
use scim_admin::people::{
    Changeable, ChangeableGroup, GroupDetail, GroupInput, GroupSummary, GroupsQuery, ManagedCounts,
    Member, PeopleQuery, Person, PersonChange, PersonDetail, PersonInput,
};
use scim_admin::policy::{Decision, HeldChange, LinkRequest, LinksQuery};
use scim_admin::store::{Abandoned, AdminStore, ReadWork, UpkeepWork, WriteWork};
use scim_admin::{AdminError, Store};
use scim_mapping::Role;
use scim_provisioning::{ConfigurationId, StoreError};

pub(crate) use self::directory::page;
use crate::connection::Connection;
use crate::database::Database;
use crate::error::Faulty;
use crate::{held, held_members, links, log, references};

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

    fn run_look_up(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        self.reading_one(|connection| work(&mut AdminRows { connection }))
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
