//! A console over a new database, with a configuration whose names are made to break pages.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method as HttpMethod;
use actix_web::rt::{System, SystemRunner};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use scim_admin::account::Role;
use scim_admin::upkeep::{Retention, Upkeep};
use scim_admin::{
    Actor, AdminService, Attempt, ConfigurationInput, KeyRing, ProvisioningConfiguration, Services,
    StreamInput,
};
use scim_feed::WebhookUrl;
use scim_http::throttle::Throttle;
use scim_persistence::{Database, Settings};
use scim_protocol::schema::uri;
use scim_provisioning::{Answer, Caller, Method, Request, ServiceProvider};
use serde_json::{Value, json};

use super::super::signing_in::encoded;
use super::super::{Console, ConsoleAnswer, ConsoleRequest, address};
use crate::Administration;

pub(super) struct House {
    pub(super) console: Served,
    pub(super) admin: Arc<AdminService>,
    pub(super) upkeep: Upkeep,
    pub(super) configuration: scim_provisioning::ConfigurationId,
    pub(super) token: String,
    pub(super) person: String,
    pub(super) group: String,
    /// The run in which the two were created.
    pub(super) run: String,
    /// The id of a stream.
    pub(super) stream: String,
    folder: tempfile::TempDir,
}

/// The console as it is served.
pub(super) struct Served {
    administration: web::Data<Administration>,
    system: SystemRunner,
}

impl Deref for Served {
    type Target = Console;

    fn deref(&self) -> &Console {
        &self.administration.console
    }
}

impl Served {
    fn new(services: &Services, endpoint: &str) -> Self {
        let throttle = Arc::new(Throttle::new(30, Duration::from_secs(60)));
        let administration = Administration::new(services, endpoint, None, throttle, Vec::new());
        Self {
            administration: web::Data::new(administration.unwrap()),
            system: System::new(),
        }
    }

    /// What a request is answered that a browser sends.
    pub(super) fn answer(&self, request: &ConsoleRequest<'_>) -> ConsoleAnswer {
        let path = request.path.split('/').map(encoded);
        let path = address(&path.collect::<Vec<_>>().join("/"));
        let query = utf8_percent_encode(request.query, RAW);
        let method = HttpMethod::from_bytes(request.method.as_bytes()).unwrap();
        let mut sent = TestRequest::with_uri(&format!("{path}?{query}")).method(method);
        for (name, value) in [
            ("cookie", request.cookie),
            ("origin", request.origin),
            ("host", request.host),
            ("sec-fetch-site", request.fetch_site),
            ("x-fragment", request.polled.then_some("poll")),
        ] {
            if let Some(value) = value {
                sent = sent.insert_header((name, value));
            }
        }
        if let Some(source) = request.source {
            sent = sent.peer_addr(SocketAddr::new(source.parse().unwrap(), 40_000));
        }
        if !request.body.is_empty() {
            sent = sent.insert_header(("content-length", request.body.len()));
            sent = sent.set_payload(request.body.to_vec());
        }
        self.system.block_on(async {
            let app = App::new().app_data(self.administration.clone());
            let app = init_service(app.configure(super::super::endpoint::routes)).await;
            let response = call_service(&app, sent.to_request()).await;
            let all = |name: &str| -> Vec<String> {
                let values = response.headers().get_all(name);
                values
                    .map(|value| value.to_str().unwrap().to_owned())
                    .collect()
            };
            let text = |name: &str| all(name).into_iter().next();
            let answer = ConsoleAnswer {
                status: response.status().as_u16(),
                media_type: text("content-type").unwrap_or_default().leak(),
                body: String::new(),
                location: text("location"),
                cookies: all("set-cookie"),
                lasting: text("cache-control").is_some(),
                download: text("content-disposition")
                    .map(|file| &*file.split('"').nth(1).unwrap().to_owned().leak()),
                allow: text("allow"),
                retry_after: text("retry-after").map(|seconds| seconds.parse().unwrap()),
            };
            let body = read_body(response).await;
            ConsoleAnswer {
                body: String::from_utf8(body.to_vec()).unwrap(),
                ..answer
            }
        })
    }
}

/// What no browser sends as it is.
const RAW: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'|');

pub(super) const HOSTILE: &str = "<script>alert(1)</script>\" onerror=x '";
pub(super) const PASSWORD: &str = "four random words suffice";

pub(super) fn actor() -> Actor {
    Actor::new("test", None)
}

impl House {
    pub(super) fn new() -> Self {
        Self::below("")
    }

    /// One that is reached below a path.
    pub(super) fn below(path: &str) -> Self {
        let endpoint = format!("https://localhost{path}/api/scim/v2");
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&Settings {
            url: format!("sqlite:{}", folder.path().join("test.db").display()),
            base_url: endpoint.clone(),
            connections: 2,
        });
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json")).unwrap());
        let database = database.unwrap();
        let provider = ServiceProvider::new(
            database.clone(),
            keys.clone(),
            &endpoint,
            scim_protocol::Limits::default(),
        );
        let feed = scim_feed::Feed::new(database.clone());
        let store: Arc<dyn scim_admin::AdminStore> = database;
        let services = Services {
            admin: Arc::new(AdminService::new(store, keys)),
            provider: Arc::new(provider),
            feed,
        };
        let admin = Arc::clone(&services.admin);
        let console = Served::new(&services, &endpoint);
        let upkeep = Upkeep::new(services, Arc::default(), Retention::default());
        let centers = scim_mapping::TableContent::read_csv("code,department\n100,Sales\n");
        let seen = scim_admin::TableSeen::None;
        admin
            .put_table(&actor(), "centers", centers.unwrap(), seen)
            .unwrap();
        let input = ConfigurationInput {
            name: "<b>Azure</b>".to_owned(),
            description: "\u{202e}'\"&".to_owned(),
            users: true,
            groups: true,
            identity_provider: scim_admin::IdentityProvider::Entra,
            profile: scim_protocol::Profile::Tolerant,
            policies: scim_provisioning::Policies::default(),
            networks: Vec::new(),
        };
        let (added, issued) = admin.add_configuration(&actor(), &input, None).unwrap();
        let create = |path, body| {
            let answer = scim(&console, &added, Method::Post, path, &body);
            assert_eq!(answer.status, 201, "{:?}", answer.body);
            answer.body.unwrap()["id"].as_str().unwrap().to_owned()
        };
        let person = create(
            "/Users",
            json!({"schemas": [uri::USER], "userName": HOSTILE,
                "displayName": HOSTILE, "title": HOSTILE, "externalId": HOSTILE, "nickName": HOSTILE}),
        );
        let group = create(
            "/Groups",
            json!({"schemas": [uri::GROUP], "displayName": HOSTILE,
                "members": [{"value": person}]}),
        );
        let query = scim_admin::run::RunsQuery {
            limit: 1,
            ..Default::default()
        };
        let run = admin.runs(&query).unwrap()[0].id.to_string();
        let input = StreamInput {
            name: HOSTILE.to_owned(),
            kind: scim_feed::StreamKind::Webhook,
            url: WebhookUrl::parse("https://receiver.example/feed").ok(),
            topics: None,
        };
        let stream = admin.add_stream(&actor(), input, 0).unwrap().stream.id;
        Self {
            person,
            group,
            run,
            stream,
            console,
            admin,
            upkeep,
            configuration: added.id,
            token: issued.token.id,
            folder,
        }
    }

    /// What the identity provider does.
    pub(super) fn scim(&self, method: Method, path: &str, body: &Value) -> Answer {
        let configuration = self.admin.configuration(self.configuration).unwrap();
        scim(&self.console, &configuration, method, path, body)
    }

    /// Posts a form of somebody and answers where it leads.
    pub(super) fn post(&self, cookie: &str, path: &str, body: &str) -> ConsoleAnswer {
        let body = format!("{}&{body}", self.form_token(cookie));
        self.ask("POST", &self.path(path), Some(cookie), &body)
    }

    /// Runs a statement behind the back of the services.
    pub(super) fn tamper(&self, sql: &str) {
        use diesel::connection::SimpleConnection;
        let path = self.folder.path().join("test.db");
        let mut connection: diesel::SqliteConnection =
            diesel::Connection::establish(&path.display().to_string()).unwrap();
        connection.batch_execute(sql).unwrap();
    }

    /// Where the key ring is.
    pub(super) fn ring(&self) -> std::path::PathBuf {
        self.folder.path().join("keys.json")
    }

    pub(super) fn account(&self, name: &str, role: Role) -> String {
        self.admin
            .add_account(&actor(), name, role, PASSWORD)
            .unwrap();
        let token = self
            .admin
            .sign_in(&Attempt {
                name,
                password: PASSWORD,
                ..Attempt::default()
            })
            .unwrap()
            .session;
        format!("__Host-sops={}", token.reveal())
    }

    pub(super) fn path(&self, pattern: &str) -> String {
        let named = |part: &str| part.starts_with('{');
        let parts = pattern
            .split('/')
            .map(|part| if named(part) { "*" } else { part });
        let pattern = parts.collect::<Vec<_>>().join("/");
        let parts = [
            ("tokens/*", format!("tokens/{}", self.token)),
            ("tables/*", "tables/centers".to_owned()),
            ("mappings/*", "mappings/user".to_owned()),
            ("rules/*", "rules/user_name".to_owned()),
            ("setup/*", "setup/okta".to_owned()),
            ("logs/*", "logs/1".to_owned()),
            ("runs/*", format!("runs/{}", self.run)),
            ("streams/*", format!("streams/{}", self.stream)),
            ("schemas/*", "schemas/Event".to_owned()),
            (
                "scim-provisioning/*",
                format!("scim-provisioning/{}", self.configuration),
            ),
            ("/users/*", format!("/users/{}", self.person)),
            ("/groups/*", format!("/groups/{}", self.group)),
        ];
        let fill = |path: String, (from, to): &(&str, String)| path.replacen(from, to, 1);
        parts.iter().fold(pattern, fill)
    }

    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        cookie: Option<&str>,
        body: &str,
    ) -> ConsoleAnswer {
        self.console.answer(&ConsoleRequest {
            method,
            path,
            body: body.as_bytes(),
            cookie,
            ..ConsoleRequest::default()
        })
    }

    pub(super) fn form_token(&self, cookie: &str) -> String {
        let session = cookie.strip_prefix("__Host-sops=").unwrap();
        let signed_in = self.admin.signed_in(session, true).unwrap().unwrap();
        format!("form_token={}", self.admin.form_token(&signed_in))
    }
}

fn scim(
    console: &Console,
    configuration: &ProvisioningConfiguration,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let caller = Caller {
        configuration: Arc::new(configuration.to_provisioning()),
        request_id: "1".to_owned(),
        source: None,
        user_agent: Some(HOSTILE.to_owned()),
        actor: None,
        run: None,
    };
    let body = body.to_string();
    let request = Request {
        method,
        path,
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    let mut answer = console.provider.answer(&caller, &request);
    answer.body = answer.document();
    answer
}
