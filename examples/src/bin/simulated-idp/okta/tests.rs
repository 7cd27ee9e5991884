#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use super::*;
use scim_client::Method;

use crate::population::{Plan, Scale, plan};

fn sample() -> Plan {
    let scale = Scale {
        seed: 3,
        users: 400,
        groups: 3,
        prefix: "demo".to_owned(),
    };
    plan(&scale, &Okta.habits())
}

fn operations_of(call: &Call) -> Vec<Value> {
    let body = call.body.as_ref().unwrap();
    body["Operations"].as_array().unwrap().clone()
}

/// What a service provider has after these requests: PUT replaces, PATCH sets what it names.
fn applied(mut resource: Value, calls: &[Call]) -> Value {
    for call in calls {
        if call.method == Method::Put {
            resource = call.body.clone().unwrap();
            continue;
        }
        for operation in operations_of(call) {
            assert!(operation.get("path").is_none());
            for (name, value) in operation["value"].as_object().unwrap() {
                resource[name] = value.clone();
            }
        }
    }
    resource
}

#[test]
fn the_changes_lead_from_one_state_to_the_other_and_back() {
    let plan = sample();
    let mut changed = 0;
    for (number, before) in plan.first.users.iter().enumerate() {
        let before = before.as_ref().unwrap();
        let after = plan.second.user(number).unwrap();
        for (from, to) in [(before, after), (after, before)] {
            let current = from.resource(Some("m1"));
            let calls = Okta.user_changes("u1", &current, to);
            changed += calls.len();
            let result = user_attributes(&applied(current, &calls));
            assert_eq!(result, user_attributes(&to.resource(Some("m1"))));
        }
    }
    assert!(changed > 100, "{changed} changes");
}

#[test]
fn activation_is_a_path_less_patch_beside_the_profile() {
    let plan = sample();
    let mut user = plan.first.user(0).unwrap().clone();
    user.active = true;
    let current = user.resource(None);
    user.active = false;
    let calls = Okta.user_changes("u1", &current, &user);
    let expected = json!({"op": "replace", "value": {"active": false}});
    assert_eq!((calls.len(), calls[0].method), (1, Method::Patch));
    assert_eq!(operations_of(&calls[0]), [expected]);

    user.title = "Other".to_owned();
    let calls = Okta.user_changes("u1", &current, &user);
    assert_eq!((calls.len(), calls[0].method), (2, Method::Put));
    assert_eq!(calls[0].body.as_ref().unwrap()["active"], true);
}

#[test]
fn a_put_sends_back_what_was_read() {
    let plan = sample();
    let user = plan.first.user(1).unwrap();
    let mut current = user.resource(Some("m1"));
    current["id"] = json!("u1");
    current["meta"] = json!({"version": "W/\"7\""});
    current["title"] = json!("Old");
    let calls = Okta.user_changes("u1", &current, user);
    let body = calls[0].body.as_ref().unwrap();
    assert_eq!(body["id"], "u1");
    assert_eq!(body["meta"], current["meta"]);
    assert_eq!(body["title"], user.title.as_str());
    assert_eq!(body[ENTERPRISE]["manager"], json!({"value": "m1"}));
}

#[test]
fn a_manager_change_keeps_the_rest() {
    let plan = sample();
    let user = plan.first.user(1).unwrap();
    let call = Okta.manager_change("u1", &user.resource(Some("m1")), Some("m2"));
    assert_eq!(call.body, Some(user.resource(Some("m2"))));
    let call = Okta.manager_change("u1", &user.resource(Some("m1")), None);
    assert_eq!(call.body, Some(user.resource(None)));
    let call = Okta.manager_change("u1", &json!({"id": "u1"}), Some("m2"));
    assert_eq!(call.body.unwrap()[ENTERPRISE]["manager"]["value"], "m2");
}

#[test]
fn a_creation_carries_a_password_and_no_groups() {
    let plan = sample();
    let body = Okta
        .user_creation(plan.first.user(0).unwrap())
        .body
        .unwrap();
    assert!(body["password"].as_str().is_some_and(|text| text.len() > 8));
    assert_eq!(body["groups"], json!([]));
}

#[test]
fn keys_look_like_okta_keys() {
    let (one, two) = (user_key(u128::MAX), user_key(7));
    assert_eq!((one.len(), two.len()), (20, 20));
    assert!(one.starts_with("00u"));
    assert_ne!(one, two);
}

#[test]
fn group_push_renames_then_removes_and_adds_in_one_request() {
    let plan = sample();
    let user = plan.first.user(0).unwrap();
    let group = plan.first.group(0).unwrap();
    let id = "a1".to_owned();
    let added = [Member { id, user }];
    let removed = ["r1".to_owned(), "r2".to_owned()];
    let calls = Okta.member_changes("g1", group, &added, &removed);
    assert_eq!(calls.len(), 2);
    let name = &group.display_name;
    let rename = json!({"op": "replace", "value": {"id": "g1", "displayName": name}});
    assert_eq!(operations_of(&calls[0]), [rename]);
    let expected = [
        json!({"op": "remove", "path": "members[value eq \"r1\"]"}),
        json!({"op": "remove", "path": "members[value eq \"r2\"]"}),
        json!({"op": "add", "path": "members",
               "value": [{"value": "a1", "display": user.user_name}]}),
    ];
    assert_eq!(operations_of(&calls[1]), expected);
}

#[test]
fn many_members_are_spread_over_requests() {
    let plan = sample();
    let user = plan.first.user(0).unwrap();
    let group = plan.first.group(0).unwrap();
    let members: Vec<Member<'_>> = (0..450)
        .map(|number| Member {
            id: format!("u{number}"),
            user,
        })
        .collect();
    let creation = Okta.group_creation(group, &members);
    assert_eq!(creation.carried, 200);
    let carried = creation.call.body.unwrap()["members"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(carried, 200);
    let calls = Okta.member_changes("g1", group, &members[carried..], &[]);
    let sizes: Vec<usize> = calls[1..]
        .iter()
        .map(|call| operations_of(call)[0]["value"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [200, 50]);
}
