//! People, groups and what happens to them, for the administrators' pages.

use chrono::{DateTime, Utc};
use scim_mapping::Catalog;
use scim_provisioning::ConfigurationId;
use serde_json::json;

use super::{Actor, AdminService, entry, taken};
use crate::error::AdminError;
use crate::event::{Activity, EventQuery, SERVER};
use crate::instance::{ClockDoubt, InstanceRecord};
use crate::invalid::{InputField, Problem};
use crate::people::{
    GroupDetail, GroupSummary, GroupsQuery, ManagedCounts, MappedPerson, Member, PeopleQuery,
    Person, PersonChange, PersonDetail,
};
use crate::pruning::{KnownTime, Pruned};
use crate::store::{AdminStoreExt, AdminView, Written};

/// The fields that there are, read where somebody was given one whose type they tell.
pub(super) fn catalog_for(
    people: &[MappedPerson],
    rows: &mut dyn AdminView,
) -> Result<Catalog, AdminError> {
    match people.iter().any(MappedPerson::was_given_custom_fields) {
        true => Ok(Catalog::with_custom(rows.custom_fields()?)),
        false => Ok(Catalog::default()),
    }
}

impl AdminService {
    /// People, in order of id.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn people(&self, query: &PeopleQuery) -> Result<Vec<Person>, AdminError> {
        self.store.read(|rows| {
            let found = rows.people(query)?;
            let catalog = catalog_for(&found, rows)?;
            let effective = found.into_iter().map(|person| person.effective(&catalog));
            Ok(effective.collect())
        })
    }

    /// Groups, in order of id.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn groups(&self, query: &GroupsQuery) -> Result<Vec<GroupSummary>, AdminError> {
        self.store.read(|rows| Ok(rows.groups(query)?))
    }

    /// The person of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn person(&self, id: &str) -> Result<PersonDetail, AdminError> {
        let found = self.store.read(|rows| {
            let (Some(person), Some(facts)) = (rows.person(id)?, rows.person_facts(id)?) else {
                return Ok(None);
            };
            let catalog = catalog_for(std::slice::from_ref(&person), rows)?;
            Ok(Some(facts.of(person.effective(&catalog))))
        })?;
        found.ok_or_else(|| AdminError::not_found("user", id))
    }

    /// The group of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn group(&self, id: &str) -> Result<GroupDetail, AdminError> {
        let found = self.store.read(|rows| {
            let (Some(group), Some(facts)) = (rows.group(id)?, rows.group_facts(id)?) else {
                return Ok(None);
            };
            Ok(Some(facts.of(group)))
        })?;
        found.ok_or_else(|| AdminError::not_found("group", id))
    }

    /// The members of a group in order of id, behind an id.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn members(
        &self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, AdminError> {
        self.store
            .read(|rows| Ok(rows.members(group, after, limit)?))
    }

    /// Changes a person by hand. What an identity provider manages, its next cycle may change back.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Protected`] for a tenant admin;
    /// [`AdminError::Invalid`] when it is not possible for this person; [`AdminError::NameTaken`]
    /// when a person who comes back has no free name.
    pub fn change_person(
        &self,
        actor: &Actor,
        id: &str,
        change: PersonChange,
    ) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (actor, id) = (actor.clone(), id.to_owned());
        self.store.write(move |rows| {
            rows.speak_as(&actor.author())?;
            let missing = || AdminError::not_found("user", &id);
            let state = rows.lock_person(&id)?.ok_or_else(missing)?;
            // What custom fields hold is of no account here.
            let person = rows.person(&id)?.ok_or_else(missing)?;
            let person = person.effective(&Catalog::default());
            let name = &person.user_name;
            person.check_changeable()?;
            let mut details = json!({
                "person": id,
                "status": person.status,
                "managedBy": person.managed_by,
            });
            if let PersonChange::Convert(into) = change {
                let mut given = person.grants.iter().filter(|one| one.field == "user_type");
                if let Some(group) = given.find_map(|one| one.group.as_ref()) {
                    return Err(Problem::FromGroup {
                        person: name.clone(),
                        group: group.clone(),
                    }
                    .at(InputField::UserType));
                }
                details = json!({
                    "person": id,
                    "old": { "userType": person.user_type().as_str() },
                    "new": { "userType": into.as_str() },
                });
            }
            let audit = entry(&actor, change.event(), name, details);
            let not_possible = || Problem::NotPossible { name: name.clone() }.refused();
            let update = change.update_of(&state).ok_or_else(not_possible)?;
            let changed = rows.update_person(&id, update, audit.at);
            if !changed.map_err(|error| taken(error, name))? {
                return Err(not_possible());
            }
            if change == PersonChange::Unlink {
                rows.touch_managed_groups_of(&id, audit.at)?;
            }
            Ok(Written::changed((), audit))
        })
    }

    /// Takes a group out of its configuration's management. Its members stay, and what they get.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Protected`] for a group that confers an
    /// administrative right; [`AdminError::Invalid`] when no configuration manages it.
    pub fn unlink_group(&self, actor: &Actor, id: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (actor, id) = (actor.clone(), id.to_owned());
        self.store.write(move |rows| {
            rows.speak_as(&actor.author())?;
            let missing = || AdminError::not_found("group", &id);
            let state = rows.lock_group(&id)?.ok_or_else(missing)?;
            let group = rows.group(&id)?.ok_or_else(missing)?;
            group.check_changeable()?;
            if !state.managed {
                let name = group.name;
                return Err(Problem::Unmanaged { name }.refused());
            }
            let details = json!({ "group": id, "managedBy": group.managed_by });
            let audit = entry(&actor, "group.unlinked", &group.name, details);
            rows.release_group(&id, audit.at)?;
            rows.touch_managed_groups_of(&id, audit.at)?;
            Ok(Written::changed((), audit))
        })
    }

    /// How many users and groups a configuration manages, and what of it waits.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn managed_counts(
        &self,
        configuration: ConfigurationId,
    ) -> Result<ManagedCounts, AdminError> {
        self.store
            .read(|rows| Ok(rows.managed_counts(configuration)?))
    }

    /// The entries of the provisioning log since an hour, of one configuration or all, counted by
    /// configuration, hour and outcome.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn activity(
        &self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, AdminError> {
        self.store
            .read(|rows| Ok(rows.activity(since, configuration)?))
    }

    /// The requests since an hour, reads included, of one configuration or all, counted by
    /// configuration, hour and outcome. They are counted by server and written every few seconds.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn requests(
        &self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, AdminError> {
        self.store
            .read(|rows| Ok(rows.requests(since, configuration)?))
    }

    /// Counts the entries of hours that are over, so that nobody has to count them again.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn count_hours(&self) -> Result<(), AdminError> {
        let now = self.now();
        self.store.upkeep(move |rows| Ok(rows.count_hours(now)?))
    }

    /// Adds to the counts of requests.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn count_requests(&self, counts: Vec<Activity>) -> Result<(), AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.count_requests(&counts)?))
    }

    /// Deletes entries of the provisioning log from before a time, at most so many; answers how
    /// many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_events(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.forget_events(before, limit)?))
    }

    /// Forgets what the requests of entries of the log from before a time said, of at most so many
    /// entries, which stay; answers of how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_requests(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.forget_requests(before, limit)?))
    }

    /// Deletes users for good whose time has come, at most so many; answers how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn purge_people(&self, now: DateTime<Utc>, limit: i64) -> Result<usize, AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.purge_people(now, limit)?))
    }

    /// When a server knew the time last: when one last did what time brings, or where none ever did,
    /// when the log was last written to; and whether the clock is not believed since.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn known_time(&self) -> Result<KnownTime, AdminError> {
        let newest = EventQuery {
            limit: 1,
            ..EventQuery::default()
        };
        self.store.read(|rows| {
            let InstanceRecord { kept_up, doubt, .. } = rows.instance()?;
            let last = match kept_up {
                Some(kept_up) => Some(kept_up),
                None => rows.events(&newest)?.last().map(|event| event.at),
            };
            Ok(KnownTime { last, doubt })
        })
    }

    /// Notes that the clock is not believed.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn note_doubt(&self, doubt: ClockDoubt) -> Result<(), AdminError> {
        self.store.upkeep(move |rows| Ok(rows.note_doubt(doubt)?))
    }

    /// Notes that the time is known, and says in the audit what was deleted for its age.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn note_upkeep(&self, now: DateTime<Utc>, pruned: Pruned) -> Result<(), AdminError> {
        self.store.upkeep(move |rows| Ok(rows.note_upkeep(now)?))?;
        if pruned.is_empty() {
            return Ok(());
        }
        let actor = self.act(&Actor::new(SERVER, None));
        self.note(entry(
            &actor,
            "housekeeping.pruned",
            "housekeeping",
            json!(pruned),
        ))
    }
}
