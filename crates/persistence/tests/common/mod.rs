//! The whole service over a new database of either engine.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

pub mod crowd;

pub use engines::Engine;

use std::sync::Arc;

use chrono::Utc;
use diesel::connection::SimpleConnection;
use scim_admin::event::{EventQuery, LoggedEvent};
use scim_admin::{
    Actor, AdminService, Authenticator, ConfigurationInput, IdentityProvider, KeyRing,
};
use scim_persistence::{Database, Settings};
use scim_protocol::{Limits, Profile};
use scim_provisioning::{
    Answer, Caller, Configuration, ConfigurationId, Method, Request, Scope, ServiceProvider,
};
use serde_json::Value;
use tempfile::TempDir;

pub const BASE: &str = "https://scim.example/api/scim/v2";

/// The URL of a new database.
pub fn new_database(engine: &Engine, folder: &TempDir) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite:{}", folder.path().join("test.db").display()),
        Engine::Postgres(server) => {
            let name = format!("contract_{}", uuid::Uuid::new_v4().simple());
            let mut connection: diesel::PgConnection =
                diesel::Connection::establish(&format!("{server}/postgres")).unwrap();
            connection
                .batch_execute(&format!("CREATE DATABASE {name}"))
                .unwrap();
            format!("{server}/{name}")
        }
    }
}

/// A database with one configuration, and the services over it.
pub struct House {
    pub database: Arc<Database>,
    pub keys: Arc<KeyRing>,
    pub admin: AdminService,
    pub provider: ServiceProvider,
    pub caller: Caller,
    pub settings: Settings,
    // Deleted after the database is closed.
    pub folder: TempDir,
}

impl House {
    /// Runs a statement behind the back of the adapter.
    pub fn tamper(&self, sql: &str) {
        let url = &self.settings.url;
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection: diesel::SqliteConnection =
                    diesel::Connection::establish(path).unwrap();
                connection.batch_execute(sql).unwrap();
            }
            None => {
                let mut connection: diesel::PgConnection =
                    diesel::Connection::establish(url).unwrap();
                connection.batch_execute(sql).unwrap();
            }
        }
    }

    pub fn new(engine: &Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            url: new_database(engine, &folder),
            base_url: BASE.to_owned(),
            connections: 8,
        };
        let database = Database::open(&settings).unwrap();
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json")).unwrap());
        let admin =
            AdminService::new(database.clone(), keys.clone()).with_rehearsals(database.clone());
        let provider =
            ServiceProvider::new(database.clone(), keys.clone(), BASE, Limits::default());
        let caller = caller(configuration(&admin, "Test"));
        Self {
            database,
            keys,
            admin,
            provider,
            caller,
            settings,
            folder,
        }
    }

    /// The id of a configuration.
    pub fn id_of(&self, name: &str) -> ConfigurationId {
        self.admin.find_configuration(name).unwrap().id
    }

    pub fn authenticator(&self) -> Authenticator {
        Authenticator::new(self.database.clone(), self.keys.clone())
    }

    pub fn scope(&self) -> Scope {
        Scope::of(self.caller.configuration.id)
    }

    pub fn request(&self, method: Method, path: &str, body: &Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = body.to_string();
        let request = Request {
            method,
            path,
            query,
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        read_back(self.provider.answer(&self.caller, &request))
    }

    pub fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::Get, path, &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        answer.body.unwrap()
    }

    /// Creates a resource and answers its id.
    pub fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.request(Method::Post, path, body);
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.body.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

pub fn actor() -> Actor {
    Actor::new("test", None)
}

pub fn configuration(admin: &AdminService, name: &str) -> Configuration {
    let input = ConfigurationInput {
        name: name.to_owned(),
        description: String::new(),
        users: true,
        groups: true,
        identity_provider: IdentityProvider::default(),
        profile: Profile::Tolerant,
        policies: scim_provisioning::Policies::default(),
        networks: Vec::new(),
    };
    let (added, _token) = admin.add_configuration(&actor(), &input, None).unwrap();
    let stored = admin.configuration(added.id).unwrap();
    stored.to_provisioning()
}

pub fn caller(configuration: Configuration) -> Caller {
    Caller {
        configuration: Arc::new(configuration),
        request_id: format!("test-{}", Utc::now().timestamp_micros()),
        source: None,
        user_agent: None,
        actor: None,
        run: None,
    }
}

/// What the log holds of it, the newest first.
pub fn found(house: &House, query: EventQuery) -> Vec<LoggedEvent> {
    let query = EventQuery {
        limit: 100,
        before: Some(i64::MAX),
        ..query
    };
    house.admin.events(&query).unwrap()
}

pub fn names(events: &[LoggedEvent]) -> Vec<&str> {
    let names = events
        .iter()
        .filter_map(|event| event.resource_name.as_deref());
    names.collect()
}

/// An answer whose body is a document, as a client reads it.
pub fn read_back(mut answer: Answer) -> Answer {
    answer.body = answer.document();
    answer
}

/// The most memory that the process held since this was asked last, in bytes.
#[cfg(target_os = "linux")]
pub fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<usize>().unwrap() * 1_024
}
