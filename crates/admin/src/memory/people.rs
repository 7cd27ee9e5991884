//! People and groups in memory.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use scim_mapping::Role;
use scim_protocol::text::fold;
use scim_provisioning::directory::Status;
use scim_provisioning::{ConfigurationId, ResourceId, StoreError};
use serde_json::{Map, Value, json};

use super::rows::{Rows, StoredGroup, StoredPerson};
use crate::account::BoundPerson;
use crate::ending;
use crate::people::{
    Grant, GroupFacts, GroupState, GroupSummary, GroupsQuery, ManagedBy, ManagedCounts,
    MappedPerson, Member, Membership, NewGroup, NewPerson, PeopleQuery, Person, PersonFacts,
    PersonState, PersonUpdate, UserType,
};
use crate::store::{ReadConfigurations, ReadPeople, WritePeople};

impl StoredPerson {
    fn user_type(&self) -> UserType {
        let said = self.fields.get("user_type").and_then(Value::as_str);
        said.and_then(UserType::parse)
            .unwrap_or(UserType::Requester)
    }

    fn bindable(&self) -> BoundPerson {
        BoundPerson {
            id: self.id.clone(),
            user_name: Some(self.user_name.clone()),
            active: self.status == Status::Active,
        }
    }
}

impl Rows {
    /// The person of an id, as one whom an account is bound to.
    pub(super) fn bound(&self, id: &str) -> BoundPerson {
        let found = self.people.iter().find(|person| person.id == id);
        found.map_or_else(
            || BoundPerson {
                id: id.to_owned(),
                user_name: None,
                active: false,
            },
            StoredPerson::bindable,
        )
    }

    pub(super) fn bindable_that(
        &self,
        fits: impl Fn(&StoredPerson) -> bool,
    ) -> Option<BoundPerson> {
        let found = self.people.iter().find(|person| fits(person));
        found.map(StoredPerson::bindable)
    }

    pub(super) fn person_mut(&mut self, id: &str) -> Option<&mut StoredPerson> {
        self.people.iter_mut().find(|person| person.id == id)
    }

    pub(super) fn group_mut(&mut self, id: &str) -> Option<&mut StoredGroup> {
        self.groups.iter_mut().find(|group| group.id == id)
    }

    fn check_free_name(&self, id: &str, user_name: &str) -> Result<(), StoreError> {
        let key = fold(user_name);
        let holds = |person: &StoredPerson| {
            person.id != id && person.status != Status::Archived && fold(&person.user_name) == key
        };
        match self.people.iter().any(holds) {
            true => Err(StoreError::Conflict {
                attribute: "userName",
            }),
            false => Ok(()),
        }
    }

    /// Changes a person who is no tenant admin and counts the version up, ends the accounts of
    /// whoever is not active then, and answers whether that was one who may be changed.
    pub(super) fn change_person(
        &mut self,
        id: &str,
        at: DateTime<Utc>,
        change: impl FnOnce(&mut StoredPerson),
    ) -> Result<bool, StoreError> {
        let open = |person: &&mut StoredPerson| !person.tenant_admin;
        let Some(person) = self.person_mut(id).filter(open) else {
            return Ok(false);
        };
        change(person);
        person.version += 1;
        person.last_modified = at;
        if person.status == Status::Active {
            let name = person.user_name.clone();
            self.check_free_name(id, &name)?;
            return Ok(true);
        }
        for entry in ending::end_accounts_of(self, id, at)? {
            self.append_audit(&entry);
        }
        Ok(true)
    }

    fn name_of(&mut self, managed_by: Option<ConfigurationId>) -> Option<String> {
        let found = self.configuration(managed_by?).ok().flatten();
        found.map(|configuration| configuration.name)
    }

    fn shown(&mut self, person: &StoredPerson) -> MappedPerson {
        let mut grants = person.grants.clone();
        for group in &self.groups {
            if group.members.contains(&person.id) && !person.tenant_admin {
                grants.extend(group.grants.iter().map(|(field, value)| Grant {
                    field: field.clone(),
                    value: value.clone(),
                    group: Some(group.name.clone()),
                }));
            }
        }
        MappedPerson::new(Person {
            id: person.id.clone(),
            user_name: person.user_name.clone(),
            display_name: None,
            email: person.email.clone(),
            status: person.status.as_str().to_owned(),
            tenant_admin: person.tenant_admin,
            role: person.admin_role.clone(),
            fields: person.fields.clone(),
            grants,
            manager: None,
            managed_by: self.name_of(person.managed_by),
            created: person.created,
            last_modified: person.last_modified,
        })
    }

    fn summary(&mut self, group: &StoredGroup) -> GroupSummary {
        GroupSummary {
            id: group.id.clone(),
            name: group.name.clone(),
            kind: "requester_group".to_owned(),
            confers_admin: group.confers_admin,
            members: i64::try_from(group.members.len()).unwrap_or(i64::MAX),
            managed_by: self.name_of(group.managed_by),
            created: group.created,
            last_modified: group.last_modified,
        }
    }
}

fn is_managed(by: ManagedBy, managed: Option<ConfigurationId>) -> bool {
    match by {
        ManagedBy::Anybody => true,
        ManagedBy::Nobody => managed.is_none(),
        ManagedBy::Configuration(id) => managed == Some(id),
    }
}

fn contains(search: Option<&String>, texts: &[Option<&str>]) -> bool {
    search.is_none_or(|search| {
        let search = fold(search);
        let mut given = texts.iter().flatten();
        given.any(|text| fold(text).contains(&search))
    })
}

/// The next of these behind an id, in order of id.
fn page<T: Clone>(
    mut found: Vec<&T>,
    id: impl Fn(&T) -> &str,
    after: Option<&str>,
    limit: i64,
) -> Vec<T> {
    found.retain(|one| after.is_none_or(|after| id(one) > after));
    found.sort_by_key(|one| id(one).to_owned());
    let limit = usize::try_from(limit).unwrap_or(0);
    found.into_iter().take(limit).cloned().collect()
}

impl ReadPeople for Rows {
    fn people(&mut self, query: &PeopleQuery) -> Result<Vec<MappedPerson>, StoreError> {
        let fits = |person: &&StoredPerson| {
            let texts = [Some(&*person.user_name), person.email.as_deref()];
            contains(query.search.as_ref(), &texts)
                && query
                    .status
                    .as_ref()
                    .is_none_or(|status| person.status.as_str() == status)
                && query.user_type.is_none_or(|one| person.user_type() == one)
                && is_managed(query.managed_by, person.managed_by)
        };
        let found = self.people.iter().filter(fits).collect();
        let found = page(found, |one| &one.id, query.after.as_deref(), query.limit);
        Ok(found.iter().map(|person| self.shown(person)).collect())
    }

    fn person(&mut self, id: &str) -> Result<Option<MappedPerson>, StoreError> {
        let found = self.people.iter().find(|person| person.id == id).cloned();
        Ok(found.map(|person| self.shown(&person)))
    }

    fn people_of(&mut self, ids: &[&str]) -> Result<Vec<MappedPerson>, StoreError> {
        let mut found: Vec<StoredPerson> = self.people.clone();
        found.retain(|person| ids.contains(&&*person.id));
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found.iter().map(|person| self.shown(person)).collect())
    }

    fn memberships_under(
        &mut self,
        configuration: ConfigurationId,
        ids: &[&str],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let own = self.groups.iter();
        let own = own.filter(|group| group.managed_by == Some(configuration));
        let mut found: Vec<_> = own
            .flat_map(|group| {
                let members = group.members.iter().filter(|id| ids.contains(&id.as_str()));
                members.map(|id| (id.clone(), group.name.clone()))
            })
            .collect();
        found.sort();
        Ok(found)
    }

    fn person_facts(&mut self, id: &str) -> Result<Option<PersonFacts>, StoreError> {
        let Some(person) = self.people.iter().find(|person| person.id == id) else {
            return Ok(None);
        };
        let groups = self
            .groups
            .iter()
            .filter(|group| group.members.contains(id));
        let mut groups: Vec<_> = groups
            .map(|group| Membership {
                id: group.id.clone(),
                name: group.name.clone(),
                kind: "requester_group".to_owned(),
            })
            .collect();
        groups.sort_by_key(|group| fold(&group.name));
        Ok(Some(PersonFacts {
            configuration: person.managed_by,
            groups,
            document: json!({}),
            ..PersonFacts::default()
        }))
    }

    fn roles(&mut self) -> Result<Vec<Role>, StoreError> {
        Ok(self.roles.clone())
    }

    fn groups(&mut self, query: &GroupsQuery) -> Result<Vec<GroupSummary>, StoreError> {
        let fits = |group: &&StoredGroup| {
            contains(query.search.as_ref(), &[Some(&*group.name)])
                && is_managed(query.managed_by, group.managed_by)
        };
        let found = self.groups.iter().filter(fits).collect();
        let found = page(found, |one| &one.id, query.after.as_deref(), query.limit);
        Ok(found.iter().map(|group| self.summary(group)).collect())
    }

    fn group(&mut self, id: &str) -> Result<Option<GroupSummary>, StoreError> {
        let found = self.groups.iter().find(|group| group.id == id).cloned();
        Ok(found.map(|group| self.summary(&group)))
    }

    fn group_facts(&mut self, id: &str) -> Result<Option<GroupFacts>, StoreError> {
        let found = self.groups.iter().find(|group| group.id == id);
        Ok(found.map(|group| GroupFacts {
            configuration: group.managed_by,
            grants: group.grants.clone(),
            document: json!({}),
            ..GroupFacts::default()
        }))
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError> {
        let Some(group) = self.groups.iter().find(|one| one.id == group) else {
            return Ok(Vec::new());
        };
        let ids = page(group.members.iter().collect(), |id| id, after, limit);
        let named = |id: String| {
            let person = self.people.iter().find(|person| person.id == id);
            Member {
                name: person.map(|person| person.user_name.clone()),
                kind: "User".to_owned(),
                id,
            }
        };
        Ok(ids.into_iter().map(named).collect())
    }

    fn managed_counts(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<ManagedCounts, StoreError> {
        let with = |status: Status| {
            let own = |person: &&StoredPerson| {
                person.managed_by == Some(configuration)
                    && person.status == status
                    && !person.left
                    && !person.tenant_admin
            };
            count(self.people.iter().filter(own).count())
        };
        let groups = self.groups.iter();
        let own = groups.filter(|group| group.managed_by == Some(configuration));
        Ok(ManagedCounts {
            active: with(Status::Active),
            blocked: with(Status::Blocked),
            archived: with(Status::Archived),
            groups: count(own.count()),
            held: count(self.held_of(configuration)),
            links: count(self.links_of(configuration)),
        })
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl WritePeople for Rows {
    fn insert_person(&mut self, person: &NewPerson, at: DateTime<Utc>) -> Result<(), StoreError> {
        let id = person.id.to_string();
        self.check_free_name(&id, &person.user_name)?;
        let given = person.given_role.iter().map(|role| Grant {
            field: "roles".to_owned(),
            value: role.clone(),
            group: None,
        });
        self.people.push(StoredPerson {
            id,
            user_name: person.user_name.clone(),
            email: person.email.clone(),
            status: Status::Active,
            tenant_admin: person.tenant_admin,
            admin_role: person.admin_role.clone(),
            fields: Map::new(),
            grants: given.collect(),
            managed_by: None,
            left: false,
            purge: None,
            version: 1,
            created: at,
            last_modified: at,
        });
        Ok(())
    }

    fn lock_person(&mut self, id: &str) -> Result<Option<PersonState>, StoreError> {
        let found = self.people.iter().find(|person| person.id == id);
        Ok(found.map(|person| PersonState {
            status: person.status,
            user_type: person.user_type(),
            managed: person.managed_by.is_some(),
            left: person.left,
            protected: person.tenant_admin,
        }))
    }

    fn update_person(
        &mut self,
        id: &str,
        update: PersonUpdate,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if update == PersonUpdate::Release {
            self.held_users
                .retain(|(_, held)| held.user.to_string() != id);
        }
        self.change_person(id, at, |person| match update {
            PersonUpdate::Status(status) => person.status = status,
            PersonUpdate::UserType(user_type) => {
                let value = json!(user_type.as_str());
                person.fields.insert("user_type".to_owned(), value);
            }
            PersonUpdate::Release => {
                person.managed_by = None;
                person.left = false;
                person.purge = None;
            }
            PersonUpdate::TenantAdmin => person.tenant_admin = true,
        })
    }

    fn insert_group(&mut self, group: &NewGroup, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.groups.push(StoredGroup {
            id: group.id.to_string(),
            name: group.name.clone(),
            confers_admin: group.confers_admin,
            managed_by: None,
            members: BTreeSet::new(),
            grants: Vec::new(),
            version: 1,
            created: at,
            last_modified: at,
        });
        Ok(())
    }

    fn lock_group(&mut self, id: &str) -> Result<Option<GroupState>, StoreError> {
        let found = self.groups.iter().find(|group| group.id == id);
        Ok(found.map(|group| GroupState {
            managed: group.managed_by.is_some(),
            confers_admin: group.confers_admin,
        }))
    }

    fn release_group(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.held_members
            .retain(|(_, held)| held.group.to_string() != id);
        let group = self.group_mut(id).ok_or(StoreError::Stale)?;
        group.managed_by = None;
        group.version += 1;
        group.last_modified = at;
        Ok(())
    }

    fn insert_member(
        &mut self,
        group: &str,
        person: &str,
        _at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if ResourceId::parse(person).is_none() || self.person_mut(person).is_none() {
            return Err(StoreError::Stale);
        }
        let group = self.group_mut(group).ok_or(StoreError::Stale)?;
        Ok(group.members.insert(person.to_owned()))
    }

    fn touch_managed_groups_of(
        &mut self,
        member: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for group in &mut self.groups {
            if group.managed_by.is_some() && group.members.contains(member) {
                group.version += 1;
                group.last_modified = at;
            }
        }
        Ok(())
    }
}
