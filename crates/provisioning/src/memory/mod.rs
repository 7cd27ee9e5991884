//! The directory in memory: for tests of what stands above the port, and for whoever wants to try
//! the service provider without a database.
//!
//! It keeps the contract of [`Directory`], which [`testing`](crate::testing) checks of every store.
//! Transactions run one after another on a copy of everything, which takes the place of what was
//! there when they succeed; a view is the copy that was there when it began.
//!
//! ```
//! use std::sync::Arc;
//!
//! use scim_protocol::Limits;
//! use scim_provisioning::memory::{MemoryDirectory, plain_caller};
//! use scim_provisioning::{ConfigurationId, Method, Request, ServiceProvider};
//! use scim_service::cursor::SecretKey;
//!
//! const BASE: &str = "https://scim.example/api/scim/v2";
//! let directory = Arc::new(MemoryDirectory::new(BASE));
//! let cursors = Arc::new(SecretKey::new(b"of the server"));
//! let provider = ServiceProvider::new(directory.clone(), cursors, BASE, Limits::default());
//!
//! let okta = plain_caller(ConfigurationId::new(), "Okta");
//! let body = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ava"}"#;
//! let answer = provider.answer(&okta, &Request { body, ..Request::new(Method::Post, "/Users") });
//! assert_eq!(answer.status, 201);
//! assert_eq!(directory.events()[0].resource_name.as_deref(), Some("ava"));
//! ```

mod groups;
mod managers;
mod members;
mod rows;
mod select;
mod sharers;
mod tables;
mod transaction;
mod users;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scim_mapping::ReferenceKind;
use scim_protocol::Profile;
use serde_json::Value;

pub use self::rows::{Group, HeldChange, Member, Person, WaitingLink};
use self::tables::Tables;
use self::transaction::MemoryTransaction;
use crate::caller::Caller;
use crate::configuration::Configuration;
use crate::directory::{Approval, Author, Directory, DirectoryView, PendingLink, StoreError, Work};
use crate::event::{Event, Outcome};
use crate::id::{ConfigurationId, ResourceId, RunId};
use crate::job::Job;
use crate::model::{ModelSource, ModelVersion};
use crate::policy::Policies;
use scim_service::Rollback;

/// A directory that forgets everything with the process.
pub struct MemoryDirectory {
    base_url: Arc<str>,
    tables: Mutex<Tables>,
    /// Whoever writes.
    writer: Mutex<()>,
}

/// A configuration that provisions users and groups by the default rules and policies.
pub fn plain_configuration(id: ConfigurationId, name: &str) -> Configuration {
    Configuration {
        id,
        name: name.to_owned(),
        users: true,
        groups: true,
        profile: Profile::Tolerant,
        model: ModelVersion::default(),
        policies: Policies::default(),
        guard_reset: None,
        rehearsal: None,
    }
}

/// Whoever speaks for [`plain_configuration`].
pub fn plain_caller(id: ConfigurationId, name: &str) -> Caller {
    Caller {
        configuration: Arc::new(plain_configuration(id, name)),
        request_id: String::new(),
        source: None,
        user_agent: None,
        actor: None,
        run: None,
    }
}

impl MemoryDirectory {
    /// A directory without anybody in it. `base_url` is the SCIM endpoint, which filters compare
    /// locations with.
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').into(),
            tables: Mutex::default(),
            writer: Mutex::default(),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Whoever panicked left them as they were: they are replaced whole.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is there, whoever else writes.
    fn change<T, E>(&self, work: impl FnOnce(&mut Tables) -> Result<T, E>) -> Result<T, E> {
        let _turn = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.tables().clone();
        let value = work(&mut changed)?;
        *self.tables() = changed;
        Ok(value)
    }

    fn change_always(&self, work: impl FnOnce(&mut Tables)) {
        let done: Result<(), std::convert::Infallible> = self.change(|tables| {
            work(tables);
            Ok(())
        });
        let Ok(()) = done;
    }

    fn copy(&self) -> MemoryTransaction {
        MemoryTransaction {
            tables: self.tables().clone(),
            base_url: Arc::clone(&self.base_url),
        }
    }

    /// Puts a person there, or in the place of the one of the same id, as no identity provider
    /// does.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has the name.
    pub fn put_person(&self, person: Person) -> Result<(), StoreError> {
        self.change(|tables| tables.put_person(person))
    }

    /// Puts a group there, or in the place of the one of the same id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another group of the configuration has the name.
    pub fn put_group(&self, group: Group) -> Result<(), StoreError> {
        self.change(|tables| tables.put_group(group))
    }

    /// Adds a record that fields name; a role may be one that administers ServiceOps.
    pub fn add_reference(&self, kind: ReferenceKind, name: &str, privileged: bool) {
        self.change_always(|tables| tables.add_reference(kind, name, privileged));
    }

    /// Gives a configuration rules and fields. They are read again when the configuration says
    /// another [`ModelVersion`].
    pub fn set_model(&self, configuration: ConfigurationId, model: ModelSource) {
        self.change_always(|tables| {
            Arc::make_mut(&mut tables.models).insert(configuration, model);
        });
    }

    /// Adds a job, or changes it.
    pub fn put_job(&self, job: Job) {
        self.change_always(|tables| {
            Arc::make_mut(&mut tables.jobs).insert(job.id, job);
        });
    }

    /// Dismisses the links that wait for a person, as an administrator does.
    pub fn dismiss_links(&self, person: ResourceId) {
        self.change_always(|tables| {
            let links = Arc::make_mut(&mut tables.links).iter_mut();
            for link in links.filter(|link| link.person == person) {
                link.dismissed = true;
            }
        });
    }

    /// A person, whoever manages them.
    pub fn person(&self, id: ResourceId) -> Option<Person> {
        self.tables().person(id).map(|row| row.person.clone())
    }

    /// A group, whoever manages it.
    pub fn group(&self, id: ResourceId) -> Option<Group> {
        self.tables().group(id).map(|row| row.group.clone())
    }

    /// The members of a group, whoever sees them, in order of id.
    pub fn members(&self, group: ResourceId) -> Vec<(ResourceId, Member)> {
        let tables = self.tables();
        let rows = tables.members.iter().filter(|((of, _), _)| *of == group);
        rows.map(|((_, member), row)| (*member, row.clone()))
            .collect()
    }

    /// Whom a group awaits, in order of id.
    pub fn awaited(&self, group: ResourceId) -> Vec<ResourceId> {
        let tables = self.tables();
        let rows = tables.awaited.iter().filter(|(of, _)| *of == group);
        rows.map(|(_, member)| *member).collect()
    }

    /// The log, the oldest entry first.
    pub fn events(&self) -> Vec<Event> {
        let tables = self.tables();
        tables
            .events
            .iter()
            .map(|entry| (*entry.event).clone())
            .collect()
    }

    /// The log, the oldest entry first, each with whether it is a failure that no later success
    /// resolved.
    pub fn log_entries(&self) -> Vec<(Event, bool)> {
        let tables = self.tables();
        let entries = tables.events.iter().map(|entry| {
            let failed = entry.event.outcome == Outcome::Failure;
            let open = failed && entry.resolved.is_none();
            ((*entry.event).clone(), open)
        });
        entries.collect()
    }

    /// What waits for an administrator of users' statuses, in order of the users' ids.
    pub fn held(&self) -> Vec<HeldChange> {
        self.tables().held.values().copied().collect()
    }

    /// The links that wait, and those that were dismissed, the oldest first.
    pub fn links(&self) -> Vec<WaitingLink> {
        self.tables().links.to_vec()
    }

    /// The links that were approved, the oldest first.
    pub fn approvals(&self) -> Vec<Approval> {
        self.tables().approvals.to_vec()
    }

    /// A job.
    pub fn job(&self, id: RunId) -> Option<Job> {
        self.tables().jobs.get(&id).cloned()
    }

    /// Who wrote last.
    pub fn author(&self) -> Option<Author> {
        self.tables().author.clone()
    }
}

impl Directory for MemoryDirectory {
    fn model(
        &self,
        configuration: ConfigurationId,
        _version: ModelVersion,
    ) -> Result<ModelSource, StoreError> {
        let model = self.tables().models.get(&configuration).cloned();
        Ok(model.unwrap_or_else(|| ModelSource::usual(Vec::new())))
    }

    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback> {
        work(&mut self.copy())
    }

    fn write(&self, mut work: Work) -> Result<(), Rollback> {
        let base_url = Arc::clone(&self.base_url);
        self.change(|tables| {
            let mut transaction = MemoryTransaction {
                tables: std::mem::take(tables),
                base_url,
            };
            work(&mut transaction)?;
            *tables = transaction.tables;
            Ok(())
        })
    }

    fn log(&self, mut event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError> {
        self.change_always(|tables| {
            let mut waits = false;
            for link in &pending {
                waits |= note_link(tables, event.configuration, link);
            }
            // Where nothing of it waits, that was decided before.
            if let Some(link) = pending.first().filter(|_| !waits) {
                event.reason = Some(link.dismissed.clone());
            }
            tables.record(&event);
        });
        Ok(())
    }
}

/// Notes a link beside the others that wait; what was sent last of the same user counts. Answers
/// whether it waits: what was dismissed does not, for as long as the same is sent.
fn note_link(tables: &mut Tables, configuration: ConfigurationId, link: &PendingLink) -> bool {
    let key = |document: &serde_json::Map<String, Value>| {
        let name = document.get("userName").and_then(Value::as_str);
        name.map(scim_protocol::text::fold_name).unwrap_or_default()
    };
    let name = key(&link.document);
    let same = |other: &WaitingLink| {
        other.configuration == configuration
            && other.person == link.person
            && key(&other.document) == name
    };
    let links = Arc::make_mut(&mut tables.links);
    let decided = links.iter().any(|other| {
        let as_sent = other.document == link.document && other.attribute == link.attribute;
        same(other) && other.dismissed && as_sent
    });
    if decided {
        return false;
    }
    links.retain(|other| !same(other));
    links.push(WaitingLink {
        configuration,
        person: link.person,
        attribute: link.attribute,
        document: link.document.clone(),
        dismissed: false,
    });
    true
}
