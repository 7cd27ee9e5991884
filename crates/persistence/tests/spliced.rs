//! Whoever is sent as stored is sent as one who was read. How many were read is counted by process, so
//! that nothing else runs in this one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{Engine, House, actor, caller};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use scim_mapping::{CustomField, EXTENSION};
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Map, Value, json};

const TEXTS: [&str; 9] = [
    "ava",
    "Ärzte",
    "a\"b\\c",
    "]},{",
    "a/b<c>&",
    "e\u{301}😀",
    " spaced ",
    "7",
    "\u{2028}",
];

fn text() -> impl Strategy<Value = Value> {
    proptest::sample::select(TEXTS.to_vec()).prop_map(|text| json!(text))
}

/// Some of these, in any order.
fn some_of(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let count = members.len();
    let values: Vec<_> = members
        .into_iter()
        .map(|(name, value)| {
            value
                .prop_map(move |value| (name.to_owned(), value))
                .boxed()
        })
        .collect();
    proptest::sample::subsequence(values, 0..=count)
        .prop_flat_map(|some| some)
        .prop_shuffle()
        .prop_map(|members| Value::Object(Map::from_iter(members)))
        .boxed()
}

fn address() -> BoxedStrategy<Value> {
    let kind = proptest::sample::select(vec!["work", "home", "other"]);
    (0..9_u32, kind, any::<bool>())
        .prop_map(|(at, kind, shown)| {
            let mut email = json!({"value": format!("A{at}@x.example"), "type": kind});
            if shown {
                email["display"] = json!("shown");
            }
            email
        })
        .boxed()
}

/// A user as identity providers send one, and as nobody would: names in other cases, attributes that
/// are never returned, that no schema knows, or that the directory corrects.
fn user() -> BoxedStrategy<Value> {
    let enterprise = some_of(vec![
        ("department", text().boxed()),
        ("employeeNumber", text().boxed()),
        ("EMPLOYEENUMBER", text().boxed()),
        (
            "manager",
            json_of(&[
                json!({"value": "boss"}),
                json!({"value": "nobody", "$ref": "x"}),
            ]),
        ),
    ]);
    let custom = some_of(vec![
        ("level", json_of(&[json!(5), json!(-3)])),
        ("grade", json_of(&[json!(0.1), json!(1e21), json!(10.0)])),
        ("since", json_of(&[json!("2026-02-28T23:30:00-05:00")])),
    ]);
    some_of(vec![
        ("displayName", text().boxed()),
        ("TITLE", text().boxed()),
        ("nickName", text().boxed()),
        ("password", text().boxed()),
        ("favouriteColour", text().boxed()),
        (
            "active",
            json_of(&[json!(true), json!("False"), json!(false)]),
        ),
        (
            "name",
            some_of(vec![
                ("givenName", text().boxed()),
                ("FamilyName", text().boxed()),
            ]),
        ),
        (
            "emails",
            proptest::collection::vec(address(), 0..3)
                .prop_map(Value::Array)
                .boxed(),
        ),
        (
            "phoneNumbers",
            json_of(&[json!([{"value": "tel:+49-1", "type": "work"}]), json!([])]),
        ),
        (
            "roles",
            json_of(&[json!([{"value": "r", "primary": true}])]),
        ),
        ("x509Certificates", json_of(&[json!([{"value": "AAEC"}])])),
        ("profileUrl", json_of(&[json!("https://x.example/a")])),
        ("locale", json_of(&[json!("de-DE"), json!("??")])),
        (uri::ENTERPRISE_USER, enterprise),
        (EXTENSION, custom),
        (
            "schemas",
            json_of(&[json!([uri::USER]), json!([uri::USER, uri::ENTERPRISE_USER])]),
        ),
    ])
}

fn json_of(values: &[Value]) -> BoxedStrategy<Value> {
    proptest::sample::select(values.to_vec()).boxed()
}

fn house(engine: &Engine) -> House {
    let mut house = House::new(engine);
    let field = |key: &str, kind: Value| json!({"key": key, "label": key, "type": kind});
    let fields = json!([
        field("level", json!({"number": {"integer": true}})),
        field("grade", json!({"number": {}})),
        field("since", json!("dateTime")),
    ]);
    let fields: Vec<CustomField> = serde_json::from_value(fields).unwrap();
    for field in fields {
        house.admin.add_custom_field(&actor(), &field).unwrap();
    }
    renew(&mut house);
    house
}

/// What a server knows of a configuration at the next request.
fn renew(house: &mut House) {
    let configuration = house.admin.find_configuration("Test").unwrap();
    house.caller = caller(configuration.to_provisioning());
}

/// An answer as it is sent, and how many users were read for it.
fn sent(house: &House, path: &str) -> (String, u64) {
    let before = Database::users_read();
    let answer = house.request(Method::Get, path, &Value::Null);
    let read = Database::users_read() - before;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    (answer.into_text().unwrap(), read)
}

/// Asks twice for what a path answers, and once in a way that needs every user read; answers whether
/// nobody was read for the second one.
fn is_alike(house: &House, path: &str) -> bool {
    let separator = if path.contains('?') { '&' } else { '?' };
    let read = format!("{path}{separator}excludedAttributes=nothingThatThereIs");
    let (expected, reads) = sent(house, &read);
    assert!(reads > 0, "{path} needs nobody read");
    let (first, _) = sent(house, path);
    assert_eq!(first, expected, "{path}");
    let (second, reads) = sent(house, path);
    assert_eq!(second, expected, "{path}, again");
    reads == 0
}

fn every_way_to_see(house: &House, id: &str, name: &str) -> bool {
    let filter = format!("/Users?filter=userName%20eq%20%22{name}%22");
    let alike = [format!("/Users/{id}"), filter].map(|path| is_alike(house, &path));
    // Who has groups is shown without them by this.
    let without = format!("/Users/{id}?excludedAttributes=groups");
    let (without, _) = sent(house, &without);
    assert!(!without.contains("\"groups\":"), "{without}");
    assert_eq!(alike[0], alike[1], "{name}");
    alike[0]
}

fn users_are_sent_as_if_they_were_read(engine: &Engine) {
    let mut house = house(engine);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let boss = house.create(
        "/Users",
        &json!({"schemas": [uri::USER], "userName": "boss"}),
    );
    let group = json!({"schemas": [uri::GROUP], "displayName": "a \"group\"",
        "members": [{"value": boss}]});
    let group = house.create("/Groups", &group);
    assert!(every_way_to_see(&house, &boss, "boss"));
    let (mut unread, mut read) = (0, 0);
    for at in 0..60 {
        let name = format!("user{at}");
        let mut body = user().new_tree(&mut runner).unwrap().current();
        body["userName"] = json!(name);
        if at % 4 == 0 {
            body[uri::ENTERPRISE_USER] = json!({"manager": {"$ref": "none", "value": boss}});
        }
        let id = house.create("/Users", &body);
        let mut see = |house: &House| match every_way_to_see(house, &id, &name) {
            true => unread += 1,
            false => read += 1,
        };
        see(&house);
        let add = json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "add", "path": "members", "value": [{"value": id}]}]});
        let patched = house.request(Method::Patch, &format!("/Groups/{group}"), &add);
        assert!(matches!(patched.status, 200 | 204));
        see(&house);
        // Somebody changes the directory behind the back of the service provider.
        let column = ["department", "display_name", "job_title", "employee_id"][at % 4];
        let value = ["NULL", "'by hand'", "''"][at % 3];
        house.tamper(&format!(
            "UPDATE users SET {column} = {value} WHERE id = '{id}'"
        ));
        see(&house);
        let title = json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "replace", "path": "title", "value": TEXTS[at % TEXTS.len()]}]});
        let patched = house.request(Method::Patch, &format!("/Users/{id}"), &title);
        assert_eq!(patched.status, 200);
        see(&house);
    }
    assert!(unread > 100 && read > 25, "{unread} unread, {read} read");
    // Pages, of which some were read.
    is_alike(&house, "/Users?count=100");
    is_alike(
        &house,
        "/Users?sortBy=userName&sortOrder=descending&count=50&startIndex=7",
    );
    // What was stored for a field that is not there any more is not shown, and shown again with it.
    house.admin.delete_custom_field(&actor(), "level").unwrap();
    renew(&mut house);
    is_alike(&house, "/Users?count=100");
    let level = json!({"key": "level", "label": "level", "type": "longText"});
    let level: CustomField = serde_json::from_value(level).unwrap();
    house.admin.add_custom_field(&actor(), &level).unwrap();
    renew(&mut house);
    is_alike(&house, "/Users?count=100");
}

fn whoever_changes_is_read_again(engine: &Engine) {
    let house = house(engine);
    let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        "title": "Boss", uri::ENTERPRISE_USER: {"department": "Works"}});
    let id = house.create("/Users", &body);
    let path = format!("/Users/{id}");
    assert!(every_way_to_see(&house, &id, "ava"));
    for (column, value, shown) in [
        ("department", "'Garden'", "\"department\":\"Garden\""),
        ("job_title", "NULL", ""),
        ("status", "'blocked'", "\"active\":false"),
        ("held", "1", "\"active\":false"),
    ] {
        house.tamper(&format!(
            "UPDATE users SET {column} = {value} WHERE id = '{id}'"
        ));
        let (text, read) = sent(&house, &path);
        assert_eq!(read, 1, "{column}");
        assert!(text.contains(shown), "{column}: {text}");
        assert!(
            !text.contains("\"Boss\"") || column == "department",
            "{text}"
        );
    }
    // What is not the user's is none of it.
    house.tamper(
        "UPDATE users SET status = 'active', held = 0, department = 'Works', job_title = 'Boss'",
    );
    let (text, read) = sent(&house, &path);
    assert_eq!(read, 0, "{text}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        users_are_sent_as_if_they_were_read,
        whoever_changes_is_read_again;
}
