//! Every operation of a service provider, over a store in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned, Uniqueness};
use scim_protocol::{Error, Limits, Profile, ResourceDefinition, Schema, Version};
use scim_service::store::Work;
use scim_service::{
    Answer, Environment, MemoryStore, Method, Policy, Request, ResourceStore, ResourceTransaction,
    Rollback, ServiceProvider, StoreError, Stored,
};
use serde_json::{Value, json};

const BASE: &str = "https://scim.example/v2";

/// Devices: a type of the test's own with an extension of its own.
fn devices() -> ResourceDefinition {
    use AttributeType::{Integer, String};
    let core = Schema {
        id: "urn:example:Device".into(),
        name: "Device".into(),
        description: "A device".into(),
        attributes: vec![
            Attribute::new("serial", String)
                .required()
                .exact()
                .unique(Uniqueness::Server),
            Attribute::new("rank", Integer),
            Attribute::new("pin", String)
                .mutable(Mutability::WriteOnly)
                .returned(Returned::Never),
            Attribute::new("maker", String).mutable(Mutability::Immutable),
        ],
    };
    let place = Schema {
        id: "urn:example:Place".into(),
        name: "Place".into(),
        description: "Where it stands".into(),
        attributes: vec![Attribute::new("room", String).unique(Uniqueness::Server)],
    };
    ResourceDefinition::new("Device", "/Devices", "Device", core).extended(place, false)
}

fn provider() -> ServiceProvider<MemoryStore> {
    let definitions = [
        ResourceDefinition::user(),
        ResourceDefinition::group(),
        devices(),
    ];
    ServiceProvider::new(MemoryStore::new(definitions), BASE, b"secret")
}

/// A clock that is put by the test.
#[derive(Default)]
struct Clock(AtomicI64);

impl Environment for Clock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + self.0.load(Ordering::Relaxed), 0).unwrap()
    }
}

fn send(provider: &impl Policy<Caller = ()>, method: Method, target: &str, body: &Value) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = Request {
        query,
        body: text.as_bytes(),
        ..Request::new(method, path)
    };
    scim_service::answer(provider, &(), &request)
}

fn get(provider: &impl Policy<Caller = ()>, target: &str) -> Value {
    let answer = send(provider, Method::Get, target, &Value::Null);
    assert_eq!(answer.status, 200, "{target}: {:?}", answer.document());
    answer.document().unwrap()
}

fn create(provider: &impl Policy<Caller = ()>, path: &str, body: Value) -> String {
    let answer = send(provider, Method::Post, path, &body);
    assert_eq!(answer.status, 201, "{:?}", answer.document());
    answer.document().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn device(serial: &str) -> Value {
    json!({"schemas": ["urn:example:Device"], "serial": serial})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

#[test]
fn a_create_answers_the_resource_and_its_address() {
    let provider = provider();
    let body = json!({"schemas": ["urn:example:Device"], "serial": "A1", "pin": "1234",
        "urn:example:Place": {"room": "12"}, "id": "mine", "meta": {"version": "no"}});
    let answer = send(&provider, Method::Post, "/Devices", &body);
    assert_eq!(answer.status, 201);
    let shown = answer.document().unwrap();
    let id = shown["id"].as_str().unwrap();
    assert_ne!(id, "mine");
    assert_eq!(
        answer.location.as_deref(),
        Some(format!("{BASE}/Devices/{id}").as_str())
    );
    assert_eq!(
        shown["schemas"],
        json!(["urn:example:Device", "urn:example:Place"])
    );
    assert_eq!(shown["urn:example:Place"]["room"], "12");
    assert_eq!(shown["meta"]["location"], answer.location.unwrap());
    assert_eq!(
        shown["meta"]["version"],
        answer.version.unwrap().to_string()
    );
    assert_eq!(shown["meta"]["resourceType"], "Device");
    assert_eq!(shown.get("pin"), None, "never returned");
    assert_eq!(get(&provider, &format!("/Devices/{id}")), shown);
}

#[test]
fn what_is_unique_is_so_in_the_core_and_in_extensions() {
    let provider = provider();
    create(&provider, "/Users", json!({"userName": "Ava"}));
    let again = send(
        &provider,
        Method::Post,
        "/Users",
        &json!({"userName": "AVA"}),
    );
    assert_eq!(
        (again.status, again.document().unwrap()["scimType"].clone()),
        (409, json!("uniqueness"))
    );
    let placed = |serial: &str| {
        json!({"schemas": ["urn:example:Device", "urn:example:Place"], "serial": serial,
            "urn:example:Place": {"room": "12"}})
    };
    create(&provider, "/Devices", placed("a"));
    assert_eq!(
        send(&provider, Method::Post, "/Devices", &placed("b")).status,
        409
    );
    let id = create(&provider, "/Devices", device("A"));
    let taken = patch(json!([{"op": "replace", "path": "serial", "value": "a"}]));
    let path = format!("/Devices/{id}");
    assert_eq!(send(&provider, Method::Patch, &path, &taken).status, 409);
    let own = patch(json!([{"op": "replace", "path": "rank", "value": 3}]));
    assert_eq!(
        send(&provider, Method::Patch, &path, &own).status,
        200,
        "its own value is no other's"
    );
}

#[test]
fn what_is_required_is_required() {
    let provider = provider();
    let answer = send(
        &provider,
        Method::Post,
        "/Devices",
        &json!({"schemas": ["urn:example:Device"]}),
    );
    assert_eq!(
        (
            answer.status,
            answer.document().unwrap()["scimType"].clone()
        ),
        (400, json!("invalidValue"))
    );
    let id = create(&provider, "/Devices", device("1"));
    let removed = patch(json!([{"op": "remove", "path": "serial"}]));
    assert_eq!(
        send(
            &provider,
            Method::Patch,
            &format!("/Devices/{id}"),
            &removed
        )
        .status,
        400
    );
}

#[test]
fn a_get_answers_what_was_asked_for_and_304_when_nothing_changed() {
    let provider = provider();
    let id = create(
        &provider,
        "/Users",
        json!({"userName": "ava", "title": "Boss"}),
    );
    let path = format!("/Users/{id}");
    let part = get(&provider, &format!("{path}?attributes=title"));
    assert_eq!(
        (part["title"].clone(), part.get("userName")),
        (json!("Boss"), None)
    );
    let tag = send(&provider, Method::Get, &path, &Value::Null)
        .version
        .unwrap()
        .to_string();
    let request = Request {
        if_none_match: Some(&tag),
        ..Request::new(Method::Get, &path)
    };
    let answer = scim_service::answer(&provider, &(), &request);
    assert_eq!((answer.status, answer.document()), (304, None));
    assert_eq!(
        send(&provider, Method::Get, "/Users/nobody", &Value::Null).status,
        404
    );
    assert_eq!(
        send(&provider, Method::Get, "/Groups/1", &Value::Null).status,
        404
    );
}

#[test]
fn a_put_replaces_and_keeps_what_is_immutable() {
    let provider = provider();
    let mut made = device("1");
    made["maker"] = "Acme".into();
    made["rank"] = 7.into();
    let id = create(&provider, "/Devices", made);
    let path = format!("/Devices/{id}");
    let answer = send(&provider, Method::Put, &path, &device("2"));
    let shown = answer.document().unwrap();
    assert_eq!(
        (answer.status, shown["maker"].clone(), shown.get("rank")),
        (200, json!("Acme"), None)
    );
    let mut other = device("2");
    other["maker"] = "Other".into();
    let answer = send(&provider, Method::Put, &path, &other);
    assert_eq!(
        (
            answer.status,
            answer.document().unwrap()["scimType"].clone()
        ),
        (400, json!("mutability"))
    );
    assert_eq!(
        send(&provider, Method::Put, "/Devices/0", &device("3")).status,
        404
    );
}

#[test]
fn a_patch_that_changes_nothing_writes_nothing() {
    let clock = Arc::new(Clock::default());
    let provider = provider().with_environment(clock.clone());
    let id = create(&provider, "/Users", json!({"userName": "ava"}));
    let path = format!("/Users/{id}");
    let before = get(&provider, &path);
    clock.0.store(60, Ordering::Relaxed);
    let same = patch(json!([{"op": "Replace", "path": "userName", "value": "ava"}]));
    assert_eq!(
        send(&provider, Method::Patch, &path, &same)
            .document()
            .unwrap(),
        before
    );
    let other = patch(
        json!([{"op": "add", "path": "emails[type eq \"work\"].value", "value": "a@x.example"}]),
    );
    let after = send(&provider, Method::Patch, &path, &other)
        .document()
        .unwrap();
    assert_eq!(
        after["emails"],
        json!([{"type": "work", "value": "a@x.example"}])
    );
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
    assert_ne!(
        after["meta"]["lastModified"],
        before["meta"]["lastModified"]
    );
    assert_eq!(after["meta"]["created"], before["meta"]["created"]);
}

#[test]
fn a_patch_that_fails_leaves_the_resource_as_it_was() {
    let provider = provider();
    let id = create(&provider, "/Users", json!({"userName": "ava"}));
    let path = format!("/Users/{id}");
    let before = get(&provider, &path);
    let half = patch(json!([{"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "id", "value": "other"}]));
    assert_eq!(send(&provider, Method::Patch, &path, &half).status, 400);
    assert_eq!(get(&provider, &path), before);
}

#[test]
fn a_write_at_another_version_is_412() {
    let provider = provider();
    let id = create(&provider, "/Users", json!({"userName": "ava"}));
    let path = format!("/Users/{id}");
    let body = json!({"userName": "ben"}).to_string();
    for method in [Method::Put, Method::Delete] {
        let request = Request {
            body: body.as_bytes(),
            if_match: Some("W/\"9\""),
            ..Request::new(method, &path)
        };
        assert_eq!(
            scim_service::answer(&provider, &(), &request).status,
            412,
            "{method:?}"
        );
    }
    let request = Request {
        body: body.as_bytes(),
        if_match: Some("W/\"1\""),
        ..Request::new(Method::Put, &path)
    };
    assert_eq!(scim_service::answer(&provider, &(), &request).status, 200);
}

#[test]
fn what_is_deleted_is_gone() {
    let provider = provider();
    let id = create(&provider, "/Users", json!({"userName": "ava"}));
    let path = format!("/Users/{id}");
    let answer = send(&provider, Method::Delete, &path, &Value::Null);
    assert_eq!((answer.status, answer.document()), (204, None));
    for method in [Method::Get, Method::Delete] {
        assert_eq!(send(&provider, method, &path, &Value::Null).status, 404);
    }
    create(&provider, "/Users", json!({"userName": "ava"}));
}

#[test]
fn lists_are_filtered_sorted_and_cut() {
    let provider = provider();
    for (serial, rank) in [
        ("b", Some(10)),
        ("c", None),
        ("a", Some(9)),
        ("d", Some(-1)),
    ] {
        let mut made = device(serial);
        made["rank"] = json!(rank);
        create(&provider, "/Devices", made);
    }
    let serials = |target: &str| {
        let list = get(&provider, target);
        let serials = list["Resources"].as_array().unwrap().iter();
        let serials = serials.map(|one| one["serial"].as_str().unwrap().to_owned());
        (
            serials.collect::<String>(),
            list["totalResults"].as_u64().unwrap(),
        )
    };
    assert_eq!(serials("/Devices"), ("bcad".into(), 4));
    assert_eq!(serials("/Devices?sortBy=rank"), ("dabc".into(), 4));
    assert_eq!(
        serials("/Devices?sortBy=rank&sortOrder=descending"),
        ("cbad".into(), 4)
    );
    assert_eq!(
        serials("/Devices?filter=rank%20gt%20-1&sortBy=serial"),
        ("ab".into(), 2)
    );
    assert_eq!(serials("/Devices?startIndex=2&count=2"), ("ca".into(), 4));
    assert_eq!(serials("/Devices?count=0"), (String::new(), 4));
    let answer = send(
        &provider,
        Method::Get,
        "/Devices?filter=colour%20eq%20%22red%22",
        &Value::Null,
    );
    assert_eq!(
        (
            answer.status,
            answer.document().unwrap()["scimType"].clone()
        ),
        (400, json!("invalidFilter"))
    );
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "serial eq \"c\"", "attributes": ["serial"]});
    let found = send(&provider, Method::Post, "/Devices/.search", &search)
        .document()
        .unwrap();
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0].get("meta"), None);
}

#[test]
fn a_query_of_every_type_goes_from_one_type_to_the_next() {
    let provider = provider();
    create(&provider, "/Users", json!({"userName": "ava"}));
    create(&provider, "/Groups", json!({"displayName": "Ops"}));
    create(&provider, "/Devices", device("1"));
    assert_eq!(get(&provider, "/")["totalResults"], 3);
    let mut types = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&provider, &format!("/?cursor={cursor}&count=1"));
        types.push(page["Resources"][0]["meta"]["resourceType"].clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(types, ["User", "Group", "Device"]);
    for (index, name) in ["User", "Group", "Device"].iter().enumerate() {
        let page = get(&provider, &format!("/?startIndex={}&count=1", index + 1));
        assert_eq!(page["Resources"][0]["meta"]["resourceType"], **name);
        assert_eq!(page["totalResults"], 3);
    }
}

#[test]
fn a_cursor_is_bound_to_its_query_and_to_time() {
    let clock = Arc::new(Clock::default());
    let provider = provider().with_environment(clock.clone());
    for serial in ["a", "b", "c"] {
        create(&provider, "/Devices", device(serial));
    }
    let first = get(&provider, "/Devices?cursor&count=2&sortBy=serial");
    assert_eq!(
        (first["totalResults"].clone(), first.get("startIndex")),
        (json!(3), None)
    );
    let next = first["nextCursor"].as_str().unwrap();
    let ask = |target: String| {
        let answer = send(&provider, Method::Get, &target, &Value::Null);
        (answer.status, answer.document().unwrap())
    };
    let (_, second) = ask(format!("/Devices?cursor={next}&count=2&sortBy=serial"));
    assert_eq!(second["Resources"][0]["serial"], "c");
    assert_eq!(second.get("nextCursor"), None);
    for (target, scim_type) in [
        (format!("/Devices?cursor={next}&count=2"), "invalidCursor"),
        (
            format!("/Users?cursor={next}&count=2&sortBy=serial"),
            "invalidPath",
        ),
        (
            format!("/Devices?cursor={next}x&count=2&sortBy=serial"),
            "invalidCursor",
        ),
        (
            format!("/Devices?cursor={next}&count=1&sortBy=serial"),
            "invalidCount",
        ),
    ] {
        assert_eq!(ask(target.clone()).1["scimType"], scim_type, "{target}");
    }
    clock.0.store(3_601, Ordering::Relaxed);
    let (status, late) = ask(format!("/Devices?cursor={next}&count=2&sortBy=serial"));
    assert_eq!(
        (status, late["scimType"].clone()),
        (400, json!("expiredCursor"))
    );
}

/// Puts a resource into a store under an id, without asking anybody.
fn put(store: &impl ResourceStore, kind: &str, id: &str, attributes: &Value) {
    let stored = Stored {
        id: id.to_owned(),
        attributes: attributes.as_object().unwrap().clone(),
        version: Version(1),
        created: DateTime::UNIX_EPOCH,
        last_modified: DateTime::UNIX_EPOCH,
    };
    let put = store.write(&mut |tx| Ok(tx.insert(kind, stored.clone())?));
    put.unwrap();
}

#[test]
fn a_page_that_is_cut_by_its_bytes_goes_on_behind_its_last_resource() {
    let provider = provider();
    for at in 0..50 {
        let mut made =
            json!({"serial": format!("s{:02}", at * 7 % 50), "maker": "x".repeat(200_000)});
        if at % 5 > 0 {
            made["rank"] = (at * 3 % 20 - 9).into();
        }
        put(provider.store(), "Device", &format!("d{at:02}"), &made);
    }
    let ids = |page: &Value| -> Vec<String> {
        let resources = page["Resources"].as_array().unwrap().iter();
        resources
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for sort in [
        "",
        "&sortBy=serial",
        "&sortBy=serial&sortOrder=descending",
        "&sortBy=rank",
        "&sortBy=rank&sortOrder=descending",
    ] {
        let whole = get(
            &provider,
            &format!("/Devices?attributes=serial&count=100{sort}"),
        );
        let (mut walked, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = get(
                &provider,
                &format!("/Devices?cursor={cursor}&count=100{sort}"),
            );
            walked.extend(ids(&page));
            pages += 1;
            assert!(pages < 10, "a walk ends: {sort}");
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((walked, pages), (ids(&whole), 3), "{sort}");
    }
}

#[test]
fn bulk_resolves_references_in_any_order_and_in_circles() {
    let provider = provider();
    let bulk = |operations: Value, errors: Option<u64>| {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "failOnErrors": errors, "Operations": operations});
        let answer = send(&provider, Method::Post, "/Bulk", &body);
        assert_eq!(answer.status, 200);
        answer.document().unwrap()["Operations"].clone()
    };
    let done = bulk(
        json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data":
                {"displayName": "Ops", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "ava"}},
            {"method": "PATCH", "path": "/Users/bulkId:u", "data":
                {"Operations": [{"op": "add", "path": "title", "value": "Boss"}]}},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "POST", "path": "/Nothing", "bulkId": "n", "data": {"a": 1}},
        ]),
        None,
    );
    let statuses: Vec<_> = done
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["201", "201", "200", "404", "400"]);
    let user = done[1]["location"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let group = done[0]["location"]
        .as_str()
        .unwrap()
        .strip_prefix(BASE)
        .unwrap();
    assert_eq!(get(&provider, group)["members"][0]["value"], user);
    assert_eq!(get(&provider, &format!("/Users/{user}"))["title"], "Boss");
    let nested = |name: &str, member: &str| {
        json!({"method": "POST", "path": "/Groups", "bulkId": name,
        "data": {"displayName": name, "members": [{"value": format!("bulkId:{member}")}]}})
    };
    let circle = bulk(json!([nested("a", "b"), nested("b", "a")]), None);
    assert_eq!(
        (circle[0]["status"].clone(), circle[1]["status"].clone()),
        (json!("409"), json!("409"))
    );
    let ended = bulk(
        json!([{"method": "DELETE", "path": "/Users/x"}, {"method": "DELETE", "path": "/Users/y"}]),
        Some(1),
    );
    assert_eq!(ended.as_array().unwrap().len(), 1);
}

#[test]
fn refusals_speak_of_resources_and_of_no_product() {
    let mut teams = ResourceDefinition::group().core().clone();
    teams.id = "urn:example:Team".into();
    for attribute in &mut teams.attributes {
        for part in &mut attribute.sub_attributes {
            if !part.reference_types.is_empty() {
                part.reference_types = vec!["Team".into()];
            }
        }
    }
    let teams = ResourceDefinition::new("Team", "/Teams", "Team", teams);
    let provider = ServiceProvider::new(MemoryStore::new([teams]), BASE, b"secret");
    let nested = |name: &str, member: &str| {
        json!({"method": "POST", "path": "/Teams", "bulkId": name, "data": {"displayName": name,
            "schemas": ["urn:example:Team"], "members": [{"value": format!("bulkId:{member}")}]}})
    };
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [nested("a", "b"), nested("b", "a")]});
    let answer = send(&provider, Method::Post, "/Bulk", &body);
    let answer = answer.document().unwrap();
    assert_eq!(
        answer["Operations"][0]["response"]["detail"],
        "The Team would be among its own members through others of this request."
    );
    let answer = send(&provider, Method::Get, "/Me", &Value::Null);
    assert_eq!(
        answer.document().unwrap()["detail"],
        "The caller is no resource of its own."
    );
}

#[test]
fn what_the_service_provider_is_it_says_itself() {
    let provider = provider();
    let types = get(&provider, "/ResourceTypes");
    let names: Vec<_> = types["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["User", "Group", "Device"]);
    assert_eq!(
        get(&provider, "/ResourceTypes/Device")["endpoint"],
        "/Devices"
    );
    assert_eq!(
        get(&provider, "/Schemas/urn:example:Place")["name"],
        "Place"
    );
    assert_eq!(
        get(&provider, "/ServiceProviderConfig")["pagination"]["cursor"],
        true
    );
    for (method, target, status) in [
        (Method::Get, "/Schemas?filter=a", 403),
        (Method::Get, "/Schemas/urn:example:None", 404),
        (Method::Post, "/Schemas", 405),
        (Method::Get, "/Me", 501),
        (Method::Get, "/Nothing", 404),
        (Method::Put, "/Users", 405),
        (Method::Other, "/Users", 405),
    ] {
        let answer = send(&provider, method, target, &Value::Null);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.document().unwrap()["status"], status.to_string());
        assert_eq!(answer.allow.is_some(), status == 405);
    }
}

#[test]
fn limits_and_tolerance_are_the_service_providers_own() {
    let small = Limits {
        body: 40,
        page_max: 1,
        work: 10_000,
        ..Limits::default()
    };
    let provider = provider().with_limits(small);
    create(&provider, "/Users", json!({"userName": "a"}));
    create(&provider, "/Users", json!({"userName": "b"}));
    let long = json!({"userName": "a".repeat(60)});
    assert_eq!(send(&provider, Method::Post, "/Users", &long).status, 413);
    assert_eq!(get(&provider, "/Users?count=9")["itemsPerPage"], 1);
    let answer = send(
        &provider,
        Method::Get,
        "/Users?cursor&count=9",
        &Value::Null,
    );
    assert_eq!(answer.document().unwrap()["scimType"], "invalidCount");
    let strict = provider.with_profile(Profile::Strict);
    let unnamed = json!({"userName": "c"});
    assert_eq!(
        send(&strict, Method::Post, "/Users", &unnamed).status,
        400,
        "no schemas"
    );
}

/// A store that others change between the reading and the writing of an update, or that fails.
struct Contended {
    store: MemoryStore,
    meddle: Mutex<Vec<Value>>,
    fault: Option<StoreError>,
    /// Whether all work is rolled back once and run again, as where transactions collide.
    collides: bool,
}

impl Contended {
    fn new(fault: Option<StoreError>, collides: bool) -> Self {
        Self {
            store: MemoryStore::new([ResourceDefinition::user()]),
            meddle: Mutex::default(),
            fault,
            collides,
        }
    }
}

impl ResourceStore for Contended {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        self.store.definitions()
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone().into());
        }
        if let Some(title) = self.meddle.lock().unwrap().pop() {
            self.store.write(&mut |tx| {
                let mut stored = tx.get("User", "0000000000000001")?.unwrap();
                let version = stored.version;
                stored.version.0 += 1;
                stored.attributes.insert("title".into(), title.clone());
                Ok(tx.replace("User", version, stored)?)
            })?;
        }
        if self.collides {
            let collided = self.store.write(&mut |tx| {
                work(tx)?;
                Err(Rollback::Refused)
            });
            collided.unwrap_err();
        }
        self.store.write(work)
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        self.store.write(work)
    }
}

#[test]
fn an_update_is_computed_anew_when_others_were_faster() {
    for others in [1, 3, 10] {
        let provider = ServiceProvider::new(Contended::new(None, false), BASE, b"secret");
        let id = create(&provider, "/Users", json!({"userName": "ava"}));
        *provider.store().meddle.lock().unwrap() =
            (0..others).map(|n| n.to_string().into()).collect();
        let change = patch(json!([{"op": "add", "path": "nickName", "value": "Av"}]));
        let answer = send(&provider, Method::Patch, &format!("/Users/{id}"), &change);
        let shown = answer.document().unwrap();
        assert_eq!(
            (answer.status, shown["nickName"].clone()),
            (200, json!("Av")),
            "{others}"
        );
        assert!(
            shown["title"].is_string(),
            "what others wrote stays: {others}"
        );
    }
}

#[test]
fn what_others_make_a_store_do_again_is_no_work_of_the_request() {
    let emails: Vec<_> = (0..50)
        .map(|at| json!({"value": format!("a{at}@x.example"), "type": "work"}))
        .collect();
    let user = json!({"userName": "ava", "emails": emails});
    let change = patch(json!([{"op": "replace",
        "path": "emails[value ew \"9@x.example\"].type", "value": "home"}]));
    let least = |collides| {
        let done = |work: &u64| {
            let store = Contended::new(None, collides);
            put(&store.store, "User", "0000000000000001", &user);
            *store.meddle.lock().unwrap() = (0..10).map(|n| n.to_string().into()).collect();
            let limits = Limits {
                work: *work,
                ..Limits::default()
            };
            let provider = ServiceProvider::new(store, BASE, b"secret").with_limits(limits);
            let answer = send(&provider, Method::Patch, "/Users/0000000000000001", &change);
            assert!(
                matches!(answer.status, 200 | 413),
                "{:?}",
                answer.document()
            );
            answer.status == 200
        };
        (1..5_000).step_by(5).find(done)
    };
    let calm = least(false);
    assert!(calm.is_some_and(|work| work > 50), "it is work: {calm:?}");
    assert_eq!(least(true), calm);
}

#[test]
fn a_fault_of_the_store_is_503_and_told_when_to_come_again() {
    let fault = StoreError::unknown(std::io::Error::other("a secret"));
    let provider = ServiceProvider::new(Contended::new(Some(fault), false), BASE, b"secret");
    let answer = send(
        &provider,
        Method::Post,
        "/Users",
        &json!({"userName": "ava"}),
    );
    assert_eq!((answer.status, answer.retry_after), (503, Some(5)));
    assert!(!answer.document().unwrap().to_string().contains("a secret"));
}

/// A store with a rule of its own: who is active is not deleted.
struct Ruled(MemoryStore);

struct RuledTransaction<'a>(&'a mut dyn ResourceTransaction);

impl ResourceStore for Ruled {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        self.0.definitions()
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        self.0.write(&mut |tx| work(&mut RuledTransaction(tx)))
    }
}

impl ResourceTransaction for RuledTransaction<'_> {
    fn new_id(&mut self, kind: &str) -> Result<String, StoreError> {
        self.0.new_id(kind)
    }
    fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        self.0.get(kind, id)
    }
    fn select(
        &mut self,
        definition: &ResourceDefinition,
        selection: &scim_service::Selection<String>,
    ) -> Result<scim_service::Selected<Stored, String>, StoreError> {
        self.0.select(definition, selection)
    }
    fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError> {
        self.0.insert(kind, stored)
    }
    fn replace(&mut self, kind: &str, expected: Version, stored: Stored) -> Result<(), StoreError> {
        self.0.replace(kind, expected, stored)
    }
    fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        self.0.delete(kind, id)
    }
    fn check(
        &mut self,
        _definition: &ResourceDefinition,
        before: Option<&Stored>,
        after: Option<&serde_json::Map<String, Value>>,
    ) -> Result<(), Error> {
        let active =
            before.is_some_and(|before| before.attributes.get("active") == Some(&json!(true)));
        match after {
            None if active => Err(Error::with_status(403, "Block them first.")),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_rule_of_the_store_is_asked_before_anything_is_written() {
    let store = Ruled(MemoryStore::new([ResourceDefinition::user()]));
    let provider = ServiceProvider::new(store, BASE, b"secret");
    let id = create(
        &provider,
        "/Users",
        json!({"userName": "ava", "active": true}),
    );
    let path = format!("/Users/{id}");
    assert_eq!(
        send(&provider, Method::Delete, &path, &Value::Null).status,
        403
    );
    let blocked = patch(json!([{"op": "replace", "path": "active", "value": "False"}]));
    assert_eq!(send(&provider, Method::Patch, &path, &blocked).status, 200);
    assert_eq!(
        send(&provider, Method::Delete, &path, &Value::Null).status,
        204
    );
}
