use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method as HttpMethod, header};
use actix_web::rt::{System, SystemRunner};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::{Actor, AdminService, KeyRing, Services};
use scim_http::throttle::Throttle;
use scim_persistence::{Database, Settings};
use scim_protocol::Limits;
use scim_provisioning::ServiceProvider;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ADMIN;
use crate::Administration;

mod access;
mod authority;
mod examples;
mod problems;
mod tables;
mod working;
mod writes;

struct House {
    administration: web::Data<Administration>,
    system: SystemRunner,
    services: Services,
    admin: AdminService,
    administrator: String,
    auditor: String,
    store: Arc<dyn scim_admin::AdminStore>,
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = "https://scim.example/api/scim/v2";
        let settings = Settings {
            url: format!("sqlite:{}", folder.path().join("test.db").display()),
            base_url: endpoint.to_owned(),
            connections: 2,
        };
        let database = Database::open(&settings).unwrap();
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json")).unwrap());
        let admin = || AdminService::new(database.clone(), keys.clone());
        let actor = Actor::new("test", None);
        let key = |name: &str, role| {
            let input = ApiKeyInput {
                name,
                role,
                scopes: None,
                days: 30,
            };
            let issued = admin().add_api_key(&actor, &input).unwrap();
            format!("Bearer {}", issued.value.reveal())
        };
        let provider =
            ServiceProvider::new(database.clone(), keys.clone(), endpoint, Limits::default());
        let services = Services {
            admin: Arc::new(admin()),
            provider: Arc::new(provider),
            feed: scim_feed::Feed::new(database.clone()),
        };
        let throttle = Arc::new(Throttle::new(30, Duration::from_secs(60)));
        let administration =
            Administration::new(&services, endpoint, None, throttle, Vec::new()).unwrap();
        Self {
            administrator: key("administrator", Role::Administrator),
            auditor: key("auditor", Role::Auditor),
            admin: admin(),
            administration: web::Data::new(administration),
            system: System::new(),
            services,
            store: database,
            folder,
        }
    }

    fn send(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        if_match: Option<&str>,
        body: &Value,
    ) -> Answered {
        let method = HttpMethod::from_bytes(method.as_bytes()).unwrap();
        let mut request = TestRequest::with_uri(&format!("{ADMIN}{path}")).method(method);
        let headers = [
            (header::AUTHORIZATION, authorization),
            (header::IF_MATCH, if_match),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.insert_header((name, value));
            }
        }
        if !body.is_null() {
            let body = body.to_string();
            request = request
                .insert_header((header::CONTENT_LENGTH, body.len()))
                .set_payload(body);
        }
        self.system.block_on(async {
            let app = App::new().app_data(self.administration.clone());
            let app = init_service(app.configure(super::routes)).await;
            let response = call_service(&app, request.to_request()).await;
            let text = |name: header::HeaderName| {
                let value = response.headers().get(name)?;
                Some(value.to_str().unwrap().to_owned())
            };
            let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
            let location = text(header::LOCATION);
            let answered = Answered {
                status: response.status().as_u16(),
                problem: media_type == "application/problem+json",
                tag: text(header::ETAG),
                location: location.map(|at| at.strip_prefix(ADMIN).unwrap().to_owned()),
                allow: text(header::ALLOW),
                body: None,
            };
            let body = read_body(response).await;
            let body = (!body.is_empty()).then(|| match media_type.starts_with("text/") {
                true => Value::from(String::from_utf8(body.to_vec()).unwrap()),
                false => serde_json::from_slice(&body).unwrap(),
            });
            Answered { body, ..answered }
        })
    }

    /// A key with these scopes alone.
    fn key(&self, name: &str, scopes: &[&str]) -> String {
        let key = json!({"name": name, "role": "administrator", "scopes": scopes});
        let made = self.as_administrator("POST", "/api-keys", &key);
        assert_eq!(made.status, 201, "{:?}", made.body);
        format!("Bearer {}", body(made)["key"].as_str().unwrap())
    }

    /// Runs a statement behind the back of the services.
    fn tamper(&self, sql: &str) {
        use diesel::connection::SimpleConnection;
        let path = self.folder.path().join("test.db");
        let mut connection: diesel::SqliteConnection =
            diesel::Connection::establish(&path.display().to_string()).unwrap();
        connection.batch_execute(sql).unwrap();
    }

    fn as_administrator(&self, method: &str, path: &str, body: &Value) -> Answered {
        self.send(Some(&self.administrator), method, path, None, body)
    }
}

/// What came back.
#[derive(Debug)]
struct Answered {
    status: u16,
    body: Option<Value>,
    problem: bool,
    tag: Option<String>,
    location: Option<String>,
    allow: Option<String>,
}

fn body(answer: Answered) -> Value {
    answer.body.unwrap_or_default()
}
