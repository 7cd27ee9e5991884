#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use scim_protocol::patch::PatchRequest;
use scim_protocol::{Limits, Resource, ResourceDefinition, Tolerance};

use super::*;
use crate::population::{Plan, Scale, plan};

fn sample() -> Plan {
    let scale = Scale {
        seed: 3,
        users: 400,
        groups: 3,
        prefix: "demo".to_owned(),
    };
    plan(&scale, &Entra.habits())
}

fn operations_of(call: &Call) -> &Vec<Value> {
    call.body.as_ref().unwrap()["Operations"]
        .as_array()
        .unwrap()
}

fn applied(resource: Value, calls: &[Call]) -> Value {
    let users = ResourceDefinition::user();
    let Value::Object(attributes) = resource else {
        panic!("not an object")
    };
    let mut resource = Resource::from_map(attributes);
    for call in calls {
        let mut tolerance = Tolerance::default();
        let body = call.body.clone().unwrap();
        let request = PatchRequest::read(body, &Limits::default(), &mut tolerance).unwrap();
        let patch = request.resolve(&users, &mut tolerance).unwrap();
        resource = patch.apply(&resource, &mut tolerance).unwrap();
    }
    Value::Object(resource.into_map())
}

#[test]
fn the_changes_lead_from_one_state_to_the_other_and_back() {
    let plan = sample();
    let mut changed = 0;
    for (number, before) in plan.first.users.iter().enumerate() {
        let Some(after) = plan.second.user(number) else {
            continue;
        };
        for (from, to) in [
            (before.as_ref().unwrap(), after),
            (after, before.as_ref().unwrap()),
        ] {
            let current = from.resource(Some("m1"));
            let calls = Entra.user_changes("u1", &current, to);
            changed += calls.len();
            let result = user_attributes(&applied(current, &calls));
            assert_eq!(result, user_attributes(&to.resource(Some("m1"))));
        }
    }
    assert!(changed > 100, "{changed} changes");
}

#[test]
fn nothing_is_sent_when_nothing_differs() {
    let plan = sample();
    let user = plan.first.user(0).unwrap();
    let calls = Entra.user_changes("u1", &user.resource(Some("m1")), user);
    assert_eq!(calls, []);
}

#[test]
fn activation_is_text_and_words_begin_with_a_capital() {
    let plan = sample();
    let mut user = plan.first.user(0).unwrap().clone();
    user.active = true;
    let current = user.resource(None);
    user.active = false;
    let calls = Entra.user_changes("u 1", &current, &user);
    let expected = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    assert_eq!(json!(operations_of(&calls[0])), expected);
    assert_eq!(
        (calls[0].method.as_str(), &*calls[0].path),
        ("PATCH", "/Users/u%201")
    );
}

#[test]
fn a_missing_element_is_addressed_by_filter() {
    let mut wanted = Attributes::new();
    let path = "phoneNumbers[type eq \"mobile\"].value";
    wanted.insert(path.to_owned(), json!("1"));
    for (habit, op) in [
        (Habit::AlwaysAdd, "Add"),
        (Habit::AlwaysReplace, "Replace"),
        (Habit::Exact, "Add"),
    ] {
        let operations = operations(&Attributes::new(), &wanted, habit);
        assert_eq!(operations, [json!({"op": op, "path": path, "value": "1"})]);
    }
}

#[test]
fn an_unwanted_element_is_removed_once_and_whole() {
    let current: Attributes = ["value", "primary"]
        .iter()
        .map(|part| (format!("emails[type eq \"work\"].{part}"), json!(true)))
        .collect();
    let expected = [json!({"op": "Remove", "path": "emails[type eq \"work\"]"})];
    assert_eq!(
        operations(&current, &Attributes::new(), Habit::Exact),
        expected
    );

    let mut wanted = current.clone();
    wanted.remove("emails[type eq \"work\"].primary");
    let expected = [json!({"op": "Remove", "path": "emails[type eq \"work\"].primary"})];
    assert_eq!(operations(&current, &wanted, Habit::Exact), expected);
}

#[test]
fn what_has_no_path_is_not_sent() {
    let odd = "emails[type eq \"work\", again 2].value".to_owned();
    let current = Attributes::from([(odd, json!("x"))]);
    assert!(operations(&current, &Attributes::new(), Habit::Exact).is_empty());
}

#[test]
fn the_manager_is_bare_text() {
    let plan = sample();
    let user = plan.first.user(9).unwrap();
    let add = Entra.manager_change("u1", &user.resource(None), Some("m1"));
    let expected = json!({"op": "Add", "path": MANAGER, "value": "m1"});
    assert_eq!(operations_of(&add), &[expected]);
    let with_manager = user.resource(Some("m1"));
    let replace = Entra.manager_change("u1", &with_manager, Some("m2"));
    assert_eq!(operations_of(&replace)[0]["op"], "Replace");
    let clear = Entra.manager_change("u1", &with_manager, None);
    let cleared = user_attributes(&applied(with_manager, &[clear]));
    assert!(!cleared.contains_key(MANAGER));
}

#[test]
fn members_are_named_in_batches() {
    let plan = sample();
    let user = plan.first.user(0).unwrap();
    let added: Vec<Member<'_>> = (0..60)
        .map(|number| Member {
            id: format!("u{number}"),
            user,
        })
        .collect();
    let removed = vec!["r1".to_owned(), "r2".to_owned()];
    let group = plan.first.group(0).unwrap();
    let calls = Entra.member_changes("g1", group, &added, &removed);
    let shapes: Vec<(&str, usize)> = calls
        .iter()
        .map(|call| &operations_of(call)[0])
        .map(|op| {
            (
                op["op"].as_str().unwrap(),
                op["value"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        shapes,
        [("Add", 25), ("Add", 25), ("Add", 10), ("Remove", 2)]
    );
    let expected = json!([{"$ref": null, "value": "r1"}, {"$ref": null, "value": "r2"}]);
    assert_eq!(operations_of(&calls[3])[0]["value"], expected);
    assert_eq!(operations_of(&calls[3])[0]["path"], "members");
}

#[test]
fn a_group_is_created_without_members() {
    let plan = sample();
    let creation = Entra.group_creation(plan.first.group(0).unwrap(), &[]);
    let body = creation.call.body.unwrap();
    assert!(body.get("members").is_none());
    assert_eq!(body["schemas"], json!([GROUP, ENTRA_GROUP]));
    assert_eq!(creation.carried, 0);
}

#[test]
fn the_connection_test_asks_for_what_cannot_exist() {
    let (one, two) = (Entra.probes(), Entra.probes());
    let paths: Vec<&str> = one
        .iter()
        .chain(&two)
        .map(|probe| &*probe.call.path)
        .collect();
    assert!(paths[0].starts_with("/Users?filter=userName%20eq%20%22"));
    assert!(paths[1].starts_with("/Groups?excludedAttributes=members&filter=displayName%20eq"));
    assert_ne!(paths[0], paths[2]);
    assert!(one.iter().all(|probe| probe.wanted == Wanted::EmptyList));
}
