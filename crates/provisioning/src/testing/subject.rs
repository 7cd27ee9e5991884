//! What is checked, and what stands beside the port.

use chrono::{DateTime, Utc};
use scim_mapping::ReferenceKind;

use crate::configuration::Configuration;
use crate::directory::{Author, Directory};
use crate::event::Event;
use crate::id::{ConfigurationId, ResourceId, RunId};
use crate::job::Job;
use crate::memory::{Group, MemoryDirectory, Person, plain_configuration};

/// A directory that is checked, and what others than an identity provider put there.
pub trait Subject {
    /// The directory.
    fn directory(&self) -> &dyn Directory;

    /// Adds a configuration with the default rules and policies.
    fn configuration(&self, name: &str) -> Configuration;

    /// Adds a person whom no configuration manages.
    fn add_person(&self, person: PersonByHand<'_>) -> ResourceId;

    /// Makes an account a protected one.
    fn protect(&self, person: ResourceId);

    /// Gives a person a sign-in to the console.
    fn add_account(&self, person: ResourceId);

    /// Adds a group that no configuration manages.
    fn add_group(&self, name: &str, confers_admin: bool) -> ResourceId;

    /// Adds a role that nobody can be given.
    fn add_privileged_role(&self, name: &str);

    /// Adds a job.
    fn add_job(&self, job: &Job);

    /// How far a job is.
    fn job(&self, id: RunId) -> Option<Job>;

    /// The people who wait to be linked with a user whom a configuration wanted to create, with the
    /// attribute that they share.
    fn waiting_links(&self, configuration: ConfigurationId) -> Vec<(ResourceId, String)>;

    /// Dismisses the links that wait for a person.
    fn dismiss_links(&self, configuration: ConfigurationId, person: ResourceId);

    /// The reasons in the log, the oldest first, with whether the entry is an open failure.
    fn log(&self) -> Vec<(Option<String>, bool)>;
}

/// A person whom no configuration manages.
#[derive(Debug, Clone, Copy, Default)]
pub struct PersonByHand<'a> {
    /// The logon name.
    pub user_name: &'a str,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// Whether it is a tenant admin.
    pub protected: bool,
    /// The administrative role.
    pub role: Option<&'a str>,
}

/// The directory in memory.
pub struct MemorySubject {
    directory: MemoryDirectory,
}

impl MemorySubject {
    /// One without anybody in it.
    #[expect(clippy::new_without_default, reason = "it is made where it is checked")]
    pub fn new() -> Self {
        Self {
            directory: MemoryDirectory::new(super::pages::BASE),
        }
    }

    /// The directory itself.
    pub fn memory(&self) -> &MemoryDirectory {
        &self.directory
    }

    fn change(&self, id: ResourceId, change: impl FnOnce(&mut Person)) {
        let mut person = self.directory.person(id).expect("a person");
        change(&mut person);
        self.directory.put_person(person).expect("a change");
    }
}

impl Subject for MemorySubject {
    fn directory(&self) -> &dyn Directory {
        &self.directory
    }

    fn configuration(&self, name: &str) -> Configuration {
        plain_configuration(ConfigurationId::new(), name)
    }

    fn add_person(&self, person: PersonByHand<'_>) -> ResourceId {
        let id = ResourceId::new();
        let by_hand = Person {
            protected: person.protected,
            role: person.role.map(str::to_owned),
            ..Person::by_hand(id, person.user_name, person.email, now())
        };
        self.directory.put_person(by_hand).expect("a free name");
        id
    }

    fn protect(&self, person: ResourceId) {
        self.change(person, |person| person.protected = true);
    }

    fn add_account(&self, person: ResourceId) {
        self.change(person, |person| person.account = true);
    }

    fn add_group(&self, name: &str, confers_admin: bool) -> ResourceId {
        let id = ResourceId::new();
        let group = Group {
            confers_admin,
            ..Group::by_hand(id, name, now())
        };
        self.directory.put_group(group).expect("a group");
        id
    }

    fn add_privileged_role(&self, name: &str) {
        self.directory
            .add_reference(ReferenceKind::Role, name, true);
    }

    fn add_job(&self, job: &Job) {
        self.directory.put_job(job.clone());
    }

    fn job(&self, id: RunId) -> Option<Job> {
        self.directory.job(id)
    }

    fn waiting_links(&self, configuration: ConfigurationId) -> Vec<(ResourceId, String)> {
        let links = self.directory.links().into_iter();
        links
            .filter(|link| link.configuration == configuration && !link.dismissed)
            .map(|link| (link.person, link.attribute.to_owned()))
            .collect()
    }

    fn dismiss_links(&self, _configuration: ConfigurationId, person: ResourceId) {
        self.directory.dismiss_links(person);
    }

    fn log(&self) -> Vec<(Option<String>, bool)> {
        let entries = self.directory.log_entries().into_iter();
        entries.map(|(event, open)| (event.reason, open)).collect()
    }
}

/// Any time, to the millisecond.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_123).unwrap_or_default()
}

/// An entry of the log, of nobody in particular.
pub(super) fn event(of: &Configuration) -> Event {
    use crate::event::{Action, Outcome};
    Event {
        at: now(),
        configuration: of.id,
        configuration_name: of.name.clone(),
        request_id: "check".to_owned(),
        action: Action::Create,
        kind: Some(crate::id::ResourceKind::User),
        resource_id: None,
        resource_name: None,
        mapping_version: None,
        outcome: Outcome::Success,
        status: 200,
        scim_type: None,
        cause: None,
        reason: None,
        detail: None,
        changes: serde_json::json!([]),
        deviations: serde_json::json!([]),
        duration_micros: 0,
        source: None,
        user_agent: None,
        request: None,
        actor: None,
        occurrences: 1,
        run: None,
    }
}

/// The author of what is written.
pub(super) fn author() -> Author {
    Author::configuration("check")
}
