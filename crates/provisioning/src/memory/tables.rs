//! Everything that the directory in memory keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_mapping::ReferenceKind;
use scim_protocol::text::fold;

use super::rows::{Group, GroupRow, HeldChange, Member, Person, PersonRow, WaitingLink};
use crate::directory::{Approval, Author, Scope, StoreError};
use crate::event::{Event, Outcome};
use crate::id::{ConfigurationId, ResourceId, RunId};
use crate::job::Job;
use crate::model::ModelSource;

/// Everything that is kept. A copy of it costs nothing: what is changed is copied when it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) people: Arc<BTreeMap<ResourceId, Arc<PersonRow>>>,
    pub(super) groups: Arc<BTreeMap<ResourceId, Arc<GroupRow>>>,
    /// By group and member.
    pub(super) members: Arc<BTreeMap<(ResourceId, ResourceId), Member>>,
    /// By group and member.
    pub(super) awaited: Arc<BTreeSet<(ResourceId, ResourceId)>>,
    pub(super) references: Arc<Vec<Reference>>,
    pub(super) held: Arc<BTreeMap<ResourceId, HeldChange>>,
    pub(super) links: Arc<Vec<WaitingLink>>,
    pub(super) approvals: Arc<Vec<Approval>>,
    pub(super) jobs: Arc<BTreeMap<RunId, Job>>,
    pub(super) events: Arc<Vec<LogEntry>>,
    pub(super) models: Arc<BTreeMap<ConfigurationId, ModelSource>>,
    /// Who wrote last.
    pub(super) author: Option<Author>,
}

/// A record that fields name.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) kind: ReferenceKind,
    pub(super) id: String,
    pub(super) name: String,
    /// Whether it is a role that administers ServiceOps.
    pub(super) privileged: bool,
}

/// An entry of the log.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub(super) event: Arc<Event>,
    /// When a later success resolved the failure.
    pub(super) resolved: Option<DateTime<Utc>>,
}

impl Tables {
    /// The person of an id, whoever manages them.
    pub(super) fn person(&self, id: ResourceId) -> Option<&PersonRow> {
        self.people.get(&id).map(|row| &**row)
    }

    /// The group of an id, whoever manages it.
    pub(super) fn group(&self, id: ResourceId) -> Option<&GroupRow> {
        self.groups.get(&id).map(|row| &**row)
    }

    /// A user in scope.
    pub(super) fn seen_person(&self, scope: Scope, id: ResourceId) -> Option<&PersonRow> {
        self.person(id).filter(|row| row.person.is_seen(scope))
    }

    /// A group in scope.
    pub(super) fn seen_group(&self, scope: Scope, id: ResourceId) -> Option<&GroupRow> {
        self.group(id).filter(|row| row.group.is_seen(scope))
    }

    /// Whether a user or group of an id is in scope.
    pub(super) fn is_seen(&self, scope: Scope, id: ResourceId) -> bool {
        self.seen_person(scope, id).is_some() || self.seen_group(scope, id).is_some()
    }

    /// Everybody, in order of id.
    pub(super) fn all_people(&self) -> impl DoubleEndedIterator<Item = &PersonRow> {
        self.people.values().map(|row| &**row)
    }

    /// Every group, in order of id.
    pub(super) fn all_groups(&self) -> impl DoubleEndedIterator<Item = &GroupRow> {
        self.groups.values().map(|row| &**row)
    }

    /// Writes a person, whether or not they are there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has the name.
    pub(super) fn put_person(&mut self, person: Person) -> Result<(), StoreError> {
        let row = PersonRow::new(person);
        let id = row.person.user.id;
        let shares = |other: &PersonRow| {
            let logon = row.holds_name()
                && other.holds_name()
                && other.keys.user_name == row.keys.user_name;
            let present = row.person.left.is_none() && other.person.left.is_none();
            let sent = present
                && row.person.managed_by.is_some()
                && other.person.managed_by == row.person.managed_by
                && row.keys.scim_user_name.is_some()
                && other.keys.scim_user_name == row.keys.scim_user_name;
            other.person.user.id != id && (logon || sent)
        };
        if self.all_people().any(shares) {
            return Err(StoreError::Conflict {
                attribute: "userName",
            });
        }
        Arc::make_mut(&mut self.people).insert(id, Arc::new(row));
        Ok(())
    }

    /// Writes a group, whether or not it is there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another group of the configuration has the name.
    pub(super) fn put_group(&mut self, group: Group) -> Result<(), StoreError> {
        let row = GroupRow::new(group);
        let id = row.group.group.id;
        let shares = |other: &GroupRow| {
            let beside = row.group.managed_by.is_some()
                && other.group.managed_by == row.group.managed_by
                && other.group.group.id != id;
            let sent = row.scim_name.is_some() && other.scim_name == row.scim_name;
            beside && (other.name == row.name || sent)
        };
        if self.all_groups().any(shares) {
            return Err(StoreError::Conflict {
                attribute: "displayName",
            });
        }
        Arc::make_mut(&mut self.groups).insert(id, Arc::new(row));
        Ok(())
    }

    /// Changes a person who is no protected account; answers whether that was one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has the name.
    pub(super) fn change_person(
        &mut self,
        id: ResourceId,
        change: impl FnOnce(&mut Person),
    ) -> Result<bool, StoreError> {
        let open = self.person(id).filter(|row| !row.person.protected);
        let Some(mut person) = open.map(|row| row.person.clone()) else {
            return Ok(false);
        };
        change(&mut person);
        self.put_person(person)?;
        Ok(true)
    }

    /// Changes a group in scope; answers whether there is one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another group of the configuration has the name.
    pub(super) fn change_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        change: impl FnOnce(&mut Group),
    ) -> Result<bool, StoreError> {
        let seen = self.seen_group(scope, id);
        let Some(mut group) = seen.map(|row| row.group.clone()) else {
            return Ok(false);
        };
        change(&mut group);
        self.put_group(group)?;
        Ok(true)
    }

    /// The name of the record that has this name or id and can be given.
    pub(super) fn reference(
        &mut self,
        kind: ReferenceKind,
        name: &str,
        create: bool,
    ) -> Option<String> {
        let key = fold(name);
        let named = |one: &&Reference| one.kind == kind && fold(&one.name) == key;
        let mut known = self.references.iter();
        let found =
            known.find(|one| (named(one) || one.kind == kind && one.id == name) && !one.privileged);
        if let Some(found) = found {
            return Some(found.name.clone());
        }
        if !create {
            return None;
        }
        if !self.references.iter().any(|one| named(&one)) {
            self.add_reference(kind, name, false);
        }
        Some(name.to_owned())
    }

    pub(super) fn add_reference(&mut self, kind: ReferenceKind, name: &str, privileged: bool) {
        let references = Arc::make_mut(&mut self.references);
        references.push(Reference {
            kind,
            id: format!("reference-{}", references.len() + 1),
            name: name.to_owned(),
            privileged,
        });
    }

    /// Appends an entry to the log. What is carried out now resolves the open failures of the
    /// resource, and those of a creation under its name.
    pub(super) fn record(&mut self, event: &Event) {
        let events = Arc::make_mut(&mut self.events);
        let succeeds = matches!(
            event.outcome,
            Outcome::Success | Outcome::Warning | Outcome::Held
        );
        if let (true, Some(kind), Some(id)) = (succeeds, event.kind, event.resource_id) {
            let name = event.resource_name.as_deref().map(fold);
            for entry in events.iter_mut() {
                let failed = &entry.event;
                let of_it = match failed.resource_id {
                    Some(failed) => failed == id,
                    None => name.is_some() && failed.resource_name.as_deref().map(fold) == name,
                };
                let open = failed.outcome == Outcome::Failure && entry.resolved.is_none();
                let alike = failed.configuration == event.configuration
                    && failed.kind.is_none_or(|of| of == kind);
                if open && alike && of_it {
                    entry.resolved = Some(event.at);
                }
            }
        }
        events.push(LogEntry {
            event: Arc::new(event.clone()),
            resolved: None,
        });
    }
}
