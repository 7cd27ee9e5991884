//! People, groups and what happens to them, for the administrators' pages.

use chrono::{DateTime, Utc};
use scim_provisioning::ConfigurationId;
use serde_json::json;

use super::{Actor, AdminService, entry, now, taken};
use crate::error::AdminError;
use crate::event::Activity;
use crate::invalid::{InputField, Problem};
use crate::people::{GroupDetail, ManagedCounts, Member, PersonChange, PersonDetail};

impl AdminService {
    /// The person of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn person(&self, id: &str) -> Result<PersonDetail, AdminError> {
        let found = self.store.person(id)?;
        found.ok_or_else(|| AdminError::not_found("user", id))
    }

    /// The group of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn group(&self, id: &str) -> Result<GroupDetail, AdminError> {
        let found = self.store.group(id)?;
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
        Ok(self.store.members(group, after, limit)?)
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
        let found = self.person(id)?;
        let (person, name) = (&found.person, &found.person.user_name);
        let changeable = person.changeable()?;
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
        let audit = entry(actor, change.event(), name, details);
        let changed = self.store.change_person(&changeable, change, now(), &audit);
        if changed.map_err(|error| taken(error, name))? {
            return Ok(());
        }
        // Somebody may have become a tenant admin meanwhile.
        self.person(id)?.person.changeable()?;
        Err(Problem::NotPossible { name: name.clone() }.refused())
    }

    /// Takes a group out of its configuration's management. Its members stay, and what they get.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Protected`] for a group that confers an
    /// administrative right; [`AdminError::Invalid`] when no configuration manages it.
    pub fn unlink_group(&self, actor: &Actor, id: &str) -> Result<(), AdminError> {
        let found = self.group(id)?;
        let name = &found.group.name;
        let group = found.group.changeable()?;
        let details = json!({ "group": id, "managedBy": found.group.managed_by });
        let audit = entry(actor, "group.unlinked", name, details);
        match self.store.unlink_group(&group, now(), &audit)? {
            true => Ok(()),
            false => Err(Problem::Unmanaged { name: name.clone() }.refused()),
        }
    }

    /// How many users and groups a configuration manages, and what of it waits.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn managed_counts(
        &self,
        configuration: ConfigurationId,
    ) -> Result<ManagedCounts, AdminError> {
        Ok(self.store.managed_counts(configuration)?)
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
        Ok(self.store.activity(since, configuration)?)
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
        Ok(self.store.requests(since, configuration)?)
    }

    /// Counts the entries of hours that are over, so that nobody has to count them again.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn count_hours(&self) -> Result<(), AdminError> {
        Ok(self.store.count_hours(now())?)
    }
}
