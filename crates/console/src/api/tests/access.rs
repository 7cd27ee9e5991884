//! Who may do what, as it is served and as it is described.

use scim_admin::scope::Scope;
use serde_json::{Value, json};

use super::super::openapi::document;
use super::super::operation::Operation;
use super::super::operations;
use super::authority::authorities;
use super::{House, body};

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

/// The scopes that the document says an operation needs.
fn needs(operation: &Operation) -> Vec<Scope> {
    let security = json!(operation.description().operation.security);
    let scopes = security[0]["apiKey"].as_array().unwrap().iter();
    let scope = |scope: &Value| Scope::parse(scope.as_str().unwrap()).unwrap();
    scopes.map(scope).collect()
}

/// A path to something that is not there.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{event}" => "7",
        part if part.starts_with('{') => "none",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn the_document_says_what_is_served_and_nothing_else() {
    let house = House::new();
    let mut served = Vec::new();
    let paths = document()["paths"].as_object().unwrap();
    for (path, described) in paths {
        let described = described.as_object().unwrap();
        let mut methods: Vec<String> = described.keys().map(|name| name.to_uppercase()).collect();
        // A method that no operation has is told which do.
        let other = house.as_administrator("OPTIONS", &filled(path), &Value::Null);
        assert_eq!((other.status, other.problem), (405, true), "{path}");
        let allow = other.allow.unwrap();
        let mut allowed: Vec<&str> = allow.split(", ").collect();
        methods.sort_unstable();
        allowed.sort_unstable();
        assert_eq!(methods, allowed, "{path}");
        served.extend(methods.into_iter().map(|method| format!("{method} {path}")));
        let head = house.as_administrator("HEAD", &filled(path), &Value::Null);
        let reads = allowed.contains(&"GET");
        assert_eq!(head.status == 405, !reads, "{path}: {}", head.status);
    }
    let operations = operations();
    let mut registered: Vec<String> = operations
        .iter()
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    served.sort_unstable();
    registered.sort_unstable();
    assert_eq!(served, registered);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_schema_is_there() {
    let document = document();
    let mut names = Vec::new();
    for path in document["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            names.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let operations = operations().len();
    assert_eq!(names.len(), operations);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), operations, "{names:?}");
    let mut found = Vec::new();
    references(document, &mut found);
    for to in found {
        assert!(
            document.pointer(to.trim_start_matches('#')).is_some(),
            "{to}"
        );
    }
}

/// Every reference below a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get("$ref") {
                found.push(to.clone());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_document_names_the_scopes_of_each_operation() {
    let line = |method: &str, path: &str, needs: &[Scope]| {
        let needs: Vec<&str> = needs.iter().map(|scope| scope.as_str()).collect();
        format!("{method} {path}: {}", needs.join(" "))
    };
    let described = operations();
    let described = described.iter();
    let mut described: Vec<String> = described
        .map(|one| line(one.method.as_str(), &one.path, &needs(one)))
        .collect();
    let known = authorities().into_iter();
    let mut known: Vec<String> = known
        .map(|one| line(one.method, one.path, &one.needs))
        .collect();
    described.sort_unstable();
    known.sort_unstable();
    assert_eq!(described, known);
}

#[test]
fn every_route_asks_who_is_there_and_what_they_may() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let id = body(added)["id"].as_str().unwrap().to_owned();
    let mut keys = Keys::default();
    for operation in authorities() {
        let path = operation.path.replace("{configuration}", &id);
        let path = filled(&path.replace("{resource}", "user"));
        // What no operation takes.
        let sent = match operation.method {
            "GET" => Value::Null,
            _ => json!([]),
        };
        let by = |who: Option<&str>| {
            let answer = house.send(who, operation.method, &path, None, &sent);
            (answer.status, answer.problem)
        };
        let said = format!("{} {path}", operation.method);
        assert_eq!(by(None), (401, true), "{said}");
        assert_eq!(by(Some("Bearer sopsapi_wrong")), (401, true), "{said}");
        assert_eq!(by(Some("Basic YTpi")), (401, true), "{said}");
        let (status, _) = by(Some(&house.auditor));
        assert_eq!(status != 403, operation.by_auditors, "{said}: {status}");
        // With every scope but one that it needs it is refused, with those alone it is not.
        for needed in &operation.needs {
            let others = Scope::ALL.into_iter().filter(|scope| scope != needed);
            let others = keys.of(&house, others);
            assert_eq!(by(Some(&others)), (403, true), "{said} without {needed:?}");
        }
        let (status, _) = by(Some(&keys.of(&house, operation.needs.iter().copied())));
        match operation.method {
            // Nobody is asked for.
            "GET" if path == "/why" => assert_eq!(status, 400, "{said}"),
            "GET" => assert!(matches!(status, 200 | 404), "{said}: {status}"),
            _ => assert!(status < 500 && status != 403, "{said}: {status}"),
        }
    }
    // Nothing of that changed anything.
    let list = house.as_administrator("GET", "/configurations", &Value::Null);
    assert_eq!(body(list)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn auditors_write_nothing_and_read_no_secrets() {
    for operation in authorities() {
        let (method, path) = (operation.method, operation.path);
        let secret = path.contains("tokens") || path.contains("api-keys");
        let (reads, by_auditors) = (method == "GET", operation.by_auditors);
        assert!(!by_auditors || (reads && !secret), "{method} {path}");
        assert_eq!(by_auditors, operation.needs == [Scope::Read], "{path}");
    }
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
