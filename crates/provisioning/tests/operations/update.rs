//! PUT and PATCH of a user.

use scim_mapping::{Field, FieldValue};
use scim_protocol::Version;
use scim_protocol::schema::uri;
use scim_provisioning::directory::Status;
use scim_provisioning::policy::Deactivation;
use scim_provisioning::{Cause, Method, Outcome, Request, ResourceId};
use serde_json::{Value, json};

use crate::house::{House, patch, path_of, user};

fn titled(name: &str, title: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "title": title})
}

#[test]
fn a_put_takes_the_place_of_all_and_a_patch_of_what_it_names() {
    let house = House::new();
    let body = json!({"schemas": [uri::USER], "userName": "ava", "title": "Boss", "nickName": "A"});
    let ava = house.create("/Users", &body);
    let path = path_of("Users", ava);
    house.done(Method::Put, &path, &titled("ava", "Chief"));
    let stored = house.stored(ava);
    assert_eq!(
        (&stored.document["title"], stored.document.get("nickName")),
        (&json!("Chief"), None)
    );
    assert_eq!(
        (stored.version, stored.last_modified),
        (Version(2), house.now())
    );
    assert_eq!(house.told(), ("update", Outcome::Success));
    let told = house.last().changes;
    assert!(
        told.as_array()
            .unwrap()
            .iter()
            .any(|change| change["path"] == "title"),
        "{told}"
    );
    let operations = patch(json!([{"op": "replace", "path": "nickName", "value": "Av"}]));
    house.done(Method::Patch, &path, &operations);
    let stored = house.stored(ava);
    assert_eq!(stored.document["title"], "Chief");
    assert_eq!(
        (&stored.document["nickName"], stored.version),
        (&json!("Av"), Version(3))
    );
}

#[test]
fn what_changes_nothing_is_neither_written_nor_told() {
    let house = House::new();
    let ava = house.create("/Users", &titled("ava", "Boss"));
    let before = (house.stored(ava), house.directory.events().len());
    house.done(Method::Put, &path_of("Users", ava), &titled("ava", "Boss"));
    assert_eq!((house.stored(ava), house.directory.events().len()), before);
    // What was edited by hand is put right by a request that says it again.
    house.change(ava, |person| {
        let title = FieldValue::Text("Else".to_owned());
        person.user.record.insert(Field::JobTitle, title);
    });
    house.done(Method::Put, &path_of("Users", ava), &titled("ava", "Boss"));
    let title = house.stored(ava).record.get(&Field::JobTitle).cloned();
    assert_eq!(title, Some(FieldValue::Text("Boss".to_owned())));
    assert_eq!(house.told(), ("update", Outcome::Success));
}

#[test]
fn a_document_that_is_sent_back_as_it_was_read_changes_nothing() {
    let house = House::new();
    let boss = house.create("/Users", &user("boss"));
    let named = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        "active": true, uri::ENTERPRISE_USER: {"manager": {"value": boss.to_string()}}});
    let ava = house.create("/Users", &named);
    let path = path_of("Users", ava);
    let read = house.get(&path);
    let manager = read[uri::ENTERPRISE_USER]["manager"].clone();
    assert!(manager["$ref"].is_string(), "{read}");
    let before = (house.stored(ava), house.directory.events().len());
    house.done(Method::Put, &path, &read);
    for op in ["add", "replace"] {
        let target = format!("{}:manager", uri::ENTERPRISE_USER);
        let operation = patch(json!([{"op": op, "path": target, "value": manager}]));
        house.done(Method::Patch, &path, &operation);
    }
    assert_eq!((house.stored(ava), house.directory.events().len()), before);
}

#[test]
fn a_request_for_another_version_changes_nothing() {
    let house = House::new();
    let ava = house.create("/Users", &user("ava"));
    let path = path_of("Users", ava);
    let body = titled("ava", "Boss").to_string();
    let put = |tag: &str| {
        let request = Request {
            body: body.as_bytes(),
            if_match: Some(tag),
            ..Request::new(Method::Put, &path)
        };
        house.provider.answer(&house.caller, &request).status
    };
    assert_eq!(put("W/\"7\""), 412);
    assert_eq!(house.last().cause, Some(Cause::VersionMismatch));
    assert_eq!(house.stored(ava).version, Version(1));
    assert_eq!(put("W/\"1\""), 200);
}

#[test]
fn what_nobody_sees_is_not_there_and_the_log_knows_who_is_protected() {
    let house = House::new();
    let chief = house.create("/Users", &user("chief"));
    house.change(chief, |person| person.protected = true);
    let hand = house.by_hand("hand", |_| {});
    let nobody = ResourceId::new();
    let remove = patch(json!([{"op": "remove", "path": "title"}]));
    for (method, body) in [
        (Method::Get, Value::Null),
        (Method::Put, titled("x", "Boss")),
        (Method::Patch, remove),
        (Method::Delete, Value::Null),
    ] {
        for (id, cause) in [
            (chief, Cause::ResourceProtected),
            (hand, Cause::ResourceUnknown),
            (nobody, Cause::ResourceUnknown),
        ] {
            let refused = house.refused(method, &path_of("Users", id), &body);
            assert_eq!(refused, (404, cause), "{method:?}");
        }
    }
    assert_eq!(house.stored(chief).version, Version(1));
}

#[test]
fn a_change_meets_what_a_create_would() {
    let house = House::new();
    house.create("/Users", &user("bo"));
    house.by_hand("chief", |person| person.protected = true);
    let hand = house.by_hand("hand", |_| {});
    let ava = house.create("/Users", &user("ava"));
    let path = path_of("Users", ava);
    for (name, cause) in [
        ("BO", Cause::UniquenessOwn),
        ("chief", Cause::UniquenessProtected),
        ("hand", Cause::UniquenessByHand),
    ] {
        assert_eq!(house.refused(Method::Put, &path, &user(name)), (409, cause));
    }
    assert!(
        house.directory.links().is_empty(),
        "who is there is not linked with another"
    );
    assert_eq!(house.person(hand).managed_by, None);
    house.done(Method::Put, &path, &user("AVA"));
}

#[test]
fn what_a_patch_cannot_do_is_refused_whole() {
    let house = House::new();
    let ava = house.create("/Users", &titled("ava", "Boss"));
    let path = path_of("Users", ava);
    let title = json!({"op": "replace", "path": "title", "value": "Chief"});
    for (second, cause) in [
        (
            json!({"op": "replace", "path": "emails[type eq", "value": "x"}),
            Cause::PathInvalid,
        ),
        (
            json!({"op": "remove", "path": "userName"}),
            Cause::AttributeReadOnly,
        ),
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            Cause::AttributeReadOnly,
        ),
        (
            json!({"op": "replace", "path": "active", "value": "perhaps"}),
            Cause::ValueInvalid,
        ),
    ] {
        let operations = patch(json!([title, second]));
        let refused = house.refused(Method::Patch, &path, &operations);
        assert_eq!(refused, (400, cause), "{operations}");
    }
    assert_eq!(house.stored(ava).document["title"], "Boss");
}

#[test]
fn inactive_is_what_the_policy_says_and_active_again_lets_in() {
    for (policy, status, action) in [
        (Deactivation::Block, Status::Blocked, "block"),
        (Deactivation::Archive, Status::Archived, "archive"),
    ] {
        let house = House::with(|policies| policies.deactivation = policy);
        let ava = house.create("/Users", &user("ava"));
        let set = |active: bool| {
            let operations = patch(json!([{"op": "replace", "path": "active", "value": active}]));
            house.done(Method::Patch, &path_of("Users", ava), &operations)
        };
        assert_eq!(set(false)["active"], false);
        assert_eq!((house.stored(ava).status, house.told().0), (status, action));
        assert_eq!(house.get("/Users")["totalResults"], 1, "it is in sight");
        // Who is out stays out the way it was.
        house.change(ava, |person| person.user.status = Status::Blocked);
        house.done(Method::Put, &path_of("Users", ava), &titled("ava", "Boss"));
        assert_eq!(
            house.stored(ava).status,
            Status::Blocked,
            "silence undoes no administrator"
        );
        assert_eq!(set(true)["active"], true);
        assert_eq!(
            (house.stored(ava).status, house.told().0),
            (Status::Active, "unblock")
        );
    }
}

#[test]
fn silence_about_active_takes_back_nothing_that_the_same_request_says() {
    let active = |value: Value| json!({"op": "replace", "path": "active", "value": value});
    let pathless = |value: Value| json!({"op": "replace", "value": value});
    for flag in [false, true] {
        let said = |operations: Value| {
            let house = House::new();
            let ava = house.create("/Users", &user("ava"));
            let path = path_of("Users", ava);
            house.done(Method::Patch, &path, &patch(json!([active(json!(!flag))])));
            house.done(Method::Patch, &path, &patch(operations));
            let stored = house.stored(ava);
            (stored.document["active"].clone(), stored.status)
        };
        let status = if flag {
            Status::Active
        } else {
            Status::Blocked
        };
        for silence in [
            active(Value::Null),
            active(json!("")),
            json!({"op": "remove", "path": "active"}),
            pathless(json!({"active": null, "title": "x"})),
        ] {
            let operations = json!([active(json!(flag)), silence]);
            assert_eq!(
                said(operations.clone()),
                (json!(flag), status),
                "{operations}"
            );
            let operations = json!([pathless(json!({"active": flag})), silence]);
            assert_eq!(
                said(operations.clone()),
                (json!(flag), status),
                "{operations}"
            );
        }
    }
}
