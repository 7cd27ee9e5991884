//! Creating, changing and deleting.

use super::*;

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
