use scim_admin::store::AdminStoreExt;
use std::sync::Arc;

use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::scope::Scope;
use scim_admin::{Actor, AdminService, KeyRing, Services};
use scim_persistence::{Database, Settings};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::{Caller, Method, Request, ServiceProvider};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::routes::{Access, ROUTES};
use super::{Api, ApiAnswer, ApiRequest};

struct House {
    api: Api,
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
        };
        Self {
            administrator: key("administrator", Role::Administrator),
            auditor: key("auditor", Role::Auditor),
            admin: admin(),
            api: Api::new(services, endpoint),
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
    ) -> ApiAnswer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.api.answer(&ApiRequest {
            method,
            path,
            query,
            body: body.as_bytes(),
            authorization: authorization.map(str::as_bytes),
            if_match,
            source: None,
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

    fn as_administrator(&self, method: &str, path: &str, body: &Value) -> ApiAnswer {
        self.send(Some(&self.administrator), method, path, None, body)
    }
}

fn body(answer: ApiAnswer) -> Value {
    answer.body.unwrap_or_default()
}

/// A key for each set of scopes that was asked for.
#[derive(Default)]
struct Keys(std::collections::BTreeMap<String, String>);

impl Keys {
    fn of(&mut self, house: &House, scopes: impl Iterator<Item = Scope>) -> String {
        let names: Vec<&str> = scopes.map(Scope::as_str).collect();
        let made = self.0.entry(names.join(" "));
        let name = names.join(" ");
        made.or_insert_with(|| house.key(&name, &names)).clone()
    }
}

#[test]
fn every_route_asks_who_is_there_and_what_they_may() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let id = body(added)["id"].as_str().unwrap().to_owned();
    let mut keys = Keys::default();
    for route in ROUTES {
        let path = route.path.replacen('*', &id, 1);
        let path = path.replace("mappings/*", "mappings/user");
        let by = |who: Option<&str>| {
            let answer = house.send(who, route.method, &path, None, &Value::Null);
            (answer.status, answer.problem)
        };
        let said = format!("{} {path}", route.method);
        assert_eq!(by(None), (401, true), "{said}");
        assert_eq!(by(Some("Bearer sopsapi_wrong")), (401, true), "{said}");
        assert_eq!(by(Some("Basic YTpi")), (401, true), "{said}");
        let (status, _) = by(Some(&house.auditor));
        match route.access {
            Access::Administrator => assert_eq!(status, 403, "{said}"),
            Access::Auditor => assert!(matches!(status, 200 | 404), "{said}: {status}"),
        }
        assert!(!route.needs.is_empty(), "{said}");
        // With every scope but one that it needs it is refused, with those alone it is not.
        for needed in route.needs {
            let others = Scope::ALL.into_iter().filter(|scope| scope != needed);
            let others = keys.of(&house, others);
            assert_eq!(by(Some(&others)), (403, true), "{said} without {needed:?}");
        }
        if route.method == "GET" {
            let (status, _) = by(Some(&keys.of(&house, route.needs.iter().copied())));
            assert!(matches!(status, 200 | 404), "{said}: {status}");
        }
    }
    // Nothing of that changed anything.
    let list = house.as_administrator("GET", "/configurations", &Value::Null);
    assert_eq!(body(list)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn auditors_write_nothing_and_read_no_secrets() {
    for route in ROUTES {
        let reads = route.method == "GET";
        let secret = route.path.contains("tokens") || route.path.contains("api-keys");
        let auditor = route.access == Access::Auditor;
        assert!(
            !auditor || (reads && !secret),
            "{} {}",
            route.method,
            route.path
        );
    }
}

#[test]
fn a_write_names_what_it_has_read() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    assert_eq!(added.status, 201);
    let path = added.location.clone().unwrap();
    let token = body(added)["token"]["id"].as_str().unwrap().to_owned();
    let read = house.as_administrator("GET", &path, &Value::Null);
    let tag = read.tag.unwrap();
    let who = Some(house.administrator.as_str());
    let change = json!({"description": "Entra"});
    let write = |if_match: Option<&str>| house.send(who, "PATCH", &path, if_match, &change).status;
    assert_eq!(write(None), 428);
    assert_eq!(write(Some("\"other\"")), 412);
    assert_eq!(write(Some(&tag)), 200);
    assert_eq!(write(Some(&tag)), 412, "it is another document now");
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        let filled = route
            .path
            .replace("configurations/*", path.trim_start_matches('/'));
        let filled = filled.replace("tokens/*", &format!("tokens/{token}"));
        let filled = filled.replace("mappings/*", "mappings/user");
        let free = FREE.contains(&route.path);
        assert_eq!(route.current.is_none(), free, "{} {filled}", route.path);
        if !free {
            let answer = house.send(who, route.method, &filled, None, &json!({}));
            let wanted = if filled.contains('*') { 404 } else { 428 };
            assert_eq!(answer.status, wanted, "{} {filled}", route.method);
        }
    }
    assert_eq!(
        house
            .send(who, "DELETE", &path, Some("*"), &Value::Null)
            .status,
        204
    );
}

#[test]
fn a_whole_number_is_one_however_it_is_written() {
    let house = House::new();
    for (path, body, field) in [
        (
            "/custom-fields",
            r#"{"key": "a", "label": "A", "type": {"text": {"max": 20.0}}}"#,
            "/type/text/max",
        ),
        (
            "/custom-fields",
            r#"{"key": "b", "label": "B", "type": {"number": {"min": 0.5}}}"#,
            "/type/number/min",
        ),
    ] {
        let sent: Value = serde_json::from_str(body).unwrap();
        let added = house.as_administrator("POST", path, &sent);
        assert_eq!(added.status, 201, "{:?}", added.body);
        let (kept, wanted) = (added.body.unwrap(), &sent);
        let number = |of: &Value| of.pointer(field).unwrap().as_f64();
        assert_eq!(number(&kept), number(wanted));
    }
    let key = json!({"name": "k", "role": "auditor", "days": 7.0});
    assert_eq!(
        house.as_administrator("POST", "/api-keys", &key).status,
        201
    );
}

#[test]
fn what_is_wrong_is_said_as_a_problem() {
    let house = House::new();
    for (method, path, body, status) in [
        ("GET", "/nothing", json!(null), 404),
        ("PUT", "/configurations", json!({}), 405),
        ("POST", "/configurations", json!({"name": ""}), 422),
        ("POST", "/configurations", json!({"nam": "A"}), 400),
        ("POST", "/configurations", json!([]), 400),
        ("GET", "/configurations/none", json!(null), 404),
        ("GET", "/events?limit=0", json!(null), 400),
        ("GET", "/events?cursor=x", json!(null), 400),
        ("GET", "/events/x", json!(null), 404),
        ("GET", "/events?state=closed", json!(null), 400),
        ("POST", "/events/x/resolve", json!(null), 404),
        ("POST", "/events/1/reopen", json!(null), 404),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "root"}),
            422,
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "administrator", "scopes": []}),
            422,
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "administrator", "scopes": ["write"]}),
            422,
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "auditor", "scopes": ["tokens"]}),
            422,
        ),
        ("POST", "/accounts", json!({"name": "mallory"}), 405),
        (
            "POST",
            "/custom-fields",
            json!({"key": "Up", "label": "U", "type": "boolean"}),
            422,
        ),
        (
            "GET",
            "/configurations/none/mappings/user",
            json!(null),
            404,
        ),
    ] {
        let answer = house.as_administrator(method, path, &body);
        assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.body);
        assert!(answer.problem, "{method} {path}");
        let document = answer.body.unwrap();
        assert_eq!(document["status"], status);
        assert!(document["detail"].as_str().unwrap().len() > 5);
        assert_eq!(answer.allow.is_some(), status == 405);
    }
}

#[test]
fn a_problem_points_at_each_value_that_is_wrong() {
    let house = House::new();
    let long = "x".repeat(501);
    let rule = json!({"key": "a", "source": {"path": "match Code"}, "target": "email"});
    for (method, path, body, pointers) in [
        (
            "POST",
            "/configurations",
            json!({"name": "", "description": long}),
            vec!["/description", "/name"],
        ),
        (
            "POST",
            "/configurations",
            json!({"name": "guard", "allowedNetworks": ["name"]}),
            vec!["/allowedNetworks"],
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "days", "role": "auditor", "scopes": ["tokens"]}),
            vec!["/scopes"],
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "scope", "role": "auditor", "days": 366}),
            vec!["/days"],
        ),
        (
            "POST",
            "/custom-fields",
            json!({"key": "label", "label": "", "type": "boolean"}),
            vec!["/label"],
        ),
    ] {
        let answer = house.as_administrator(method, path, &body);
        assert_eq!(answer.status, 422, "{path}: {:?}", answer.body);
        let document = answer.body.unwrap();
        let errors = document["errors"].as_array().unwrap();
        let said: Vec<&str> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(said, pointers, "{document}");
        assert!(errors.iter().all(|error| error["detail"].is_string()));
    }
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "Okta"}));
    assert_eq!(added.status, 201, "{:?}", added.body);
    let draft = json!({"mapping": {"resource": "user", "rules": [rule]}});
    let path = "/configurations/Okta/mappings/user";
    let tag = house.as_administrator("GET", path, &json!(null)).tag;
    let who = Some(house.administrator.as_str());
    let answer = house.send(who, "PUT", path, tag.as_deref(), &draft);
    assert_eq!(answer.status, 422, "{:?}", answer.body);
    let document = answer.body.unwrap();
    assert_eq!(document["errors"][0]["pointer"], "/mapping/rules/0/source");
    // Nothing that was entered is wrong.
    let missing = house.as_administrator("GET", "/configurations/none", &json!(null));
    assert_eq!(missing.body.unwrap().get("errors"), None);
}

/// What creates something, or changes nothing.
const FREE: [&str; 7] = [
    "/configurations",
    "/configurations/*/tokens",
    "/configurations/*/tokens/*/reveal",
    "/configurations/*/mappings/*/preview",
    "/configurations/*/mappings/*/impact",
    "/custom-fields",
    "/api-keys",
];

#[test]
fn the_use_of_a_token_is_no_change_of_it() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let path = added.location.clone().unwrap();
    let token = body(added)["token"]["id"].as_str().unwrap().to_owned();
    let path = format!("{path}/tokens/{token}");
    let who = Some(house.administrator.as_str());
    let read = house.as_administrator("GET", &path, &Value::Null);
    let tag = read.tag.clone().unwrap();
    let now = chrono::Utc::now();
    let touched = house
        .store
        .upkeep(move |rows| Ok(rows.touch_token(&token, now, None, None)?));
    touched.unwrap();
    let again = house.as_administrator("GET", &path, &Value::Null);
    assert_ne!(again.body, read.body);
    assert_eq!(again.tag.as_ref(), Some(&tag));
    let end = now + chrono::Duration::days(3);
    let change = json!({"expiresAt": end.to_rfc3339()});
    let changed = house.send(who, "PATCH", &path, Some(&tag), &change);
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    assert_ne!(changed.tag, Some(tag));
}

#[test]
fn people_and_groups_are_changed_one_thing_at_a_time() {
    let house = House::new();
    let person = scim_admin::people::PersonInput {
        user_name: "ava".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let actor = Actor::new("test", None);
    let id = house.api.admin.add_person(&actor, &person).unwrap();
    let path = format!("/users/{id}");
    let who = Some(house.administrator.as_str());
    let change = |change: Value| {
        let answer = house.send(who, "PATCH", &path, Some("*"), &change);
        (answer.status, answer.body.unwrap_or_default())
    };
    assert_eq!(change(json!({"status": "blocked"})).1["status"], "blocked");
    assert_eq!(
        change(json!({"status": "archived"})).1["status"],
        "archived"
    );
    assert_eq!(change(json!({"status": "active"})).1["status"], "active");
    let technician = change(json!({"userType": "technician"})).1;
    assert_eq!(technician["fields"]["user_type"], "technician");
    for wrong in [
        json!({}),
        json!({"status": "gone"}),
        json!({"status": "blocked", "userType": "requester"}),
        json!({"managedBy": "Entra"}),
        json!({"managedBy": null}),
        json!({"userType": "technician"}),
    ] {
        assert_eq!(change(wrong.clone()).0, 422, "{wrong}");
    }
    assert_eq!(change(json!({"name": "x"})).0, 400);
}

#[test]
fn what_was_sent_is_not_sent_back_at_any_length() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let path = format!("{}/held/reject", added.location.unwrap());
    let who = Some(house.administrator.as_str());
    let users: Vec<String> = (0..100).map(|_| "x".repeat(1_000)).collect();
    let answer = house.send(who, "POST", &path, Some("*"), &json!({ "users": users }));
    assert_eq!(answer.status, 422);
    let detail = body(answer)["detail"].as_str().unwrap().to_owned();
    assert!(detail.len() <= 1_024, "{} bytes", detail.len());
}

impl House {
    /// What an identity provider of a new configuration sends.
    fn provision(&self, bodies: &[Value]) -> Vec<u16> {
        let added = self.as_administrator("POST", "/configurations", &json!({"name": "A"}));
        let id = body(added)["id"].as_str().unwrap().to_owned();
        let caller = Caller {
            configuration: Arc::new(
                self.admin
                    .find_configuration(&id)
                    .unwrap()
                    .to_provisioning(),
            ),
            request_id: "1".to_owned(),
            source: None,
            user_agent: None,
            actor: None,
        };
        let send = |body: &Value| {
            let body = body.to_string();
            let request = Request {
                method: Method::Post,
                path: "/Users",
                query: "",
                body: body.as_bytes(),
                if_match: None,
                if_none_match: None,
            };
            self.api.provider.answer(&caller, &request).status
        };
        bodies.iter().map(send).collect()
    }
}

#[test]
fn an_event_is_resolved_by_whom_has_read_it() {
    let house = House::new();
    let user = json!({"schemas": [uri::USER], "userName": "bo"});
    assert_eq!(house.provision(&[user.clone(), user]), [201, 409]);
    let listed = |state: &str| {
        let path = format!("/events?state={state}");
        let list = body(house.as_administrator("GET", &path, &Value::Null));
        list["items"].as_array().unwrap().clone()
    };
    let open = listed("open");
    assert_eq!((open.len(), &open[0]["status"]), (1, &json!(409)));
    assert_eq!(
        (&open[0]["resolvedAt"], &open[0]["resolvedBy"]),
        (&Value::Null, &Value::Null)
    );
    let path = format!("/events/{}", open[0]["id"]);
    let tag = house
        .as_administrator("GET", &path, &Value::Null)
        .tag
        .unwrap();
    let who = Some(house.administrator.as_str());
    let write = |action: &str, tag: Option<&str>| {
        house.send(who, "POST", &format!("{path}/{action}"), tag, &Value::Null)
    };
    assert_eq!(write("resolve", None).status, 428);
    let resolved = write("resolve", Some(&tag));
    assert_eq!(resolved.status, 200);
    let now = resolved.tag.clone().unwrap();
    let document = body(resolved);
    assert_eq!(document["resolvedBy"], "API key administrator");
    assert!(document["resolvedAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(write("reopen", Some(&tag)).status, 412);
    assert_eq!((listed("open").len(), listed("resolved").len()), (0, 1));
    assert_eq!(body(write("reopen", Some(&now)))["resolvedBy"], Value::Null);
    assert_eq!((listed("open").len(), listed("resolved").len()), (1, 0));
    let success = house.send(who, "POST", "/events/1/resolve", Some("*"), &Value::Null);
    assert_eq!((success.status, success.problem), (422, true));
}

#[test]
fn a_key_gives_no_rights_but_its_own() {
    let house = House::new();
    let path = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let path = path.location.unwrap();
    let tokens = house.key("tokens", &["tokens"]);
    let send = |path: &str, sent: Value| {
        let answer = house.send(Some(&tokens), "POST", path, None, &sent);
        (answer.status, body(answer))
    };
    let key = |name: &str, role: &str, scopes: Value| {
        let sent = json!({"name": name, "role": role, "scopes": scopes});
        send("/api-keys", sent).0
    };
    assert_eq!(key("a", "administrator", json!(["tokens", "read"])), 403);
    assert_eq!(key("b", "administrator", json!(null)), 403);
    assert_eq!(key("c", "auditor", json!(null)), 403);
    assert_eq!(key("d", "administrator", json!(["tokens"])), 201);
    // What it makes names it.
    let (status, issued) = send(&format!("{path}/tokens"), json!({}));
    assert_eq!(status, 201, "{issued}");
    let of = format!("{path}/tokens/{}", issued["id"].as_str().unwrap());
    let read = || house.send(Some(&tokens), "GET", &of, None, &Value::Null);
    let made_by = body(read())["madeByKey"].as_str().unwrap().to_owned();
    let made =
        body(house.as_administrator("GET", &format!("/api-keys/{made_by}/made"), &Value::Null));
    assert_eq!(made["items"][0]["id"], issued["id"]);
    assert_eq!(made["items"][0]["configuration"], "A");
    // It lengthens no life beyond its own, and shortens any.
    let end = |days: i64| {
        let end = chrono::Utc::now() + chrono::Duration::days(days);
        let change = json!({"expiresAt": end.to_rfc3339()});
        let answer = house.send(Some(&tokens), "PATCH", &of, Some("*"), &change);
        answer.status
    };
    assert_eq!((end(300), end(2), end(-1)), (403, 200, 422));
    // Nobody makes accounts or sets passwords with a key.
    for method in ["POST", "PATCH", "PUT", "DELETE"] {
        for path in ["/accounts", "/accounts/x"] {
            let who = Some(house.administrator.as_str());
            let answer = house.send(who, method, path, Some("*"), &json!({}));
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}

#[test]
fn noise_is_no_key_whatever_the_database_says() {
    let house = House::new();
    let status = |key: &str| {
        let key = format!("Bearer {key}");
        let answer = house.send(Some(&key), "GET", "/configurations", None, &Value::Null);
        answer.status
    };
    // A key that was never made, with the checksum that it would have.
    let forged = "sopsapi_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let whole = format!("{forged}{:08x}", crc(forged.split_at(8).1));
    assert_eq!((status(&whole), status(forged)), (401, 401));
    house.tamper("DROP TABLE api_keys");
    assert_eq!(status(&whole), 503, "it was looked for");
    for noise in [forged, &format!("{forged}00000000"), "x", ""] {
        assert_eq!(status(noise), 401, "{noise}");
    }
}

/// CRC-32 as in IEEE 802.3, written once more.
fn crc(text: &str) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
    let byte = |crc: u32, byte: u8| (0..8).fold(crc ^ u32::from(byte), step);
    !text.bytes().fold(u32::MAX, byte)
}
