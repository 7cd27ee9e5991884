//! The service provider over the directory in memory, one configuration and a clock of its own.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use scim_protocol::{Limits, schema::uri};
use scim_provisioning::directory::StoredUser;
use scim_provisioning::memory::{MemoryDirectory, Person, plain_caller};
use scim_provisioning::model::{ModelSource, ModelVersion};
use scim_provisioning::{
    Answer, Caller, Cause, ConfigurationId, Environment, Event, FixedEnvironment, Method, Outcome,
    Policies, Request, ResourceId, ServiceProvider,
};
use scim_service::cursor::SecretKey;
use serde_json::{Value, json};

pub(crate) const BASE: &str = "https://scim.example/api/scim/v2";

pub(crate) struct House {
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) environment: Arc<FixedEnvironment>,
    pub(crate) provider: ServiceProvider,
    pub(crate) caller: Caller,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(|_usual| {})
    }

    /// With other policies.
    pub(crate) fn with(change: impl FnOnce(&mut Policies)) -> Self {
        let directory = Arc::new(MemoryDirectory::new(BASE));
        let begin = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let environment = Arc::new(FixedEnvironment::at(begin));
        let cursors = Arc::new(SecretKey::new(b"secret"));
        let provider = ServiceProvider::new(directory.clone(), cursors, BASE, Limits::default());
        let id = ConfigurationId::of(environment.uuid());
        let mut house = Self {
            provider: provider.with_environment(environment.clone()),
            directory,
            environment,
            caller: plain_caller(id, "Okta"),
        };
        house.configure(change);
        house
    }

    /// Tells of security events from now on.
    pub(crate) fn tell_events(&mut self, uris: &'static [&'static str]) {
        let cursors = Arc::new(SecretKey::new(b"secret"));
        let directory = self.directory.clone();
        let provider = ServiceProvider::new(directory, cursors, BASE, Limits::default());
        self.provider = provider
            .with_environment(self.environment.clone())
            .with_event_uris(move || uris);
    }

    /// Changes the policies from now on.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Policies)) {
        let mut configuration = (*self.caller.configuration).clone();
        change(&mut configuration.policies);
        self.caller.configuration = Arc::new(configuration);
    }

    /// Gives the configuration other rules from now on.
    pub(crate) fn map(&mut self, change: impl FnOnce(&mut ModelSource)) {
        let mut model = ModelSource::usual(Vec::new());
        change(&mut model);
        let mut configuration = (*self.caller.configuration).clone();
        self.directory.set_model(configuration.id, model);
        configuration.model = ModelVersion {
            user: configuration.model.user + 1,
            ..configuration.model
        };
        self.caller.configuration = Arc::new(configuration);
    }

    /// Another configuration of the same directory.
    pub(crate) fn another(&self, name: &str) -> Caller {
        plain_caller(ConfigurationId::of(self.environment.uuid()), name)
    }

    pub(crate) fn ask_as(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        self.environment.advance(TimeDelta::seconds(1));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = body.to_string();
        let request = Request {
            query,
            body: body.as_bytes(),
            ..Request::new(method, path)
        };
        self.provider.answer(caller, &request)
    }

    pub(crate) fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.ask_as(&self.caller, method, path, body)
    }

    /// What a request answers that succeeds.
    pub(crate) fn done(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body);
        assert!(answer.status < 300, "{path}: {:?}", answer.document());
        answer.document().unwrap_or_default()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.done(Method::Get, path, &Value::Null)
    }

    /// Creates a user or a group.
    pub(crate) fn create(&self, path: &str, body: &Value) -> ResourceId {
        id_of(&self.done(Method::Post, path, body))
    }

    /// The status and the cause of a refusal, of which the log has an entry.
    pub(crate) fn refused(&self, method: Method, path: &str, body: &Value) -> (u16, Cause) {
        let before = self.directory.events().len();
        let answer = self.ask(method, path, body);
        let events = self.directory.events();
        assert_eq!(events.len(), before + 1, "{:?}", answer.document());
        let last = events.into_iter().next_back().unwrap();
        assert_eq!(last.status, answer.status);
        (answer.status, last.cause.unwrap())
    }

    /// The last entry of the log.
    pub(crate) fn last(&self) -> Event {
        self.directory.events().pop().unwrap()
    }

    /// The last entry of the log in short: its action and outcome.
    pub(crate) fn told(&self) -> (&'static str, Outcome) {
        let last = self.last();
        (last.action.as_str(), last.outcome)
    }

    /// Adds a person created by hand.
    pub(crate) fn by_hand(&self, name: &str, change: impl FnOnce(&mut Person)) -> ResourceId {
        let id = ResourceId::of(self.environment.uuid());
        let email = format!("{name}@hand.example");
        let mut person = Person::by_hand(id, name, Some(&email), self.environment.now());
        change(&mut person);
        self.directory.put_person(person).unwrap();
        id
    }

    /// Changes a person behind the back of the identity provider.
    pub(crate) fn change(&self, id: ResourceId, change: impl FnOnce(&mut Person)) {
        let mut person = self.person(id);
        change(&mut person);
        self.directory.put_person(person).unwrap();
    }

    pub(crate) fn person(&self, id: ResourceId) -> Person {
        self.directory.person(id).unwrap()
    }

    pub(crate) fn stored(&self, id: ResourceId) -> StoredUser {
        self.person(id).user
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.environment.now()
    }
}

pub(crate) fn id_of(document: &Value) -> ResourceId {
    ResourceId::parse(document["id"].as_str().unwrap()).unwrap()
}

pub(crate) fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

pub(crate) fn group(name: &str, members: &[ResourceId]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|id| json!({"value": id.to_string()}))
        .collect();
    json!({"schemas": [uri::GROUP], "displayName": name, "members": members})
}

pub(crate) fn patch(operations: Value) -> Value {
    json!({"schemas": [uri::PATCH_OP], "Operations": operations})
}

pub(crate) fn path_of(kind: &str, id: ResourceId) -> String {
    format!("/{kind}/{id}")
}
