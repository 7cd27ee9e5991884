//! What an operation costs, in statements. They are counted by process, so that nothing else runs
//! in this one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{Engine, House};
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

/// Creates many users by bulk requests.
fn crowd(house: &House, count: usize) -> Vec<String> {
    let operations: Vec<_> = (0..count)
        .map(|at| {
            let name = format!("u{at}");
            json!({"method": "POST", "path": "/Users", "bulkId": name, "data": user(&name)})
        })
        .collect();
    let mut ids = Vec::new();
    for part in operations.chunks(1_000) {
        let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": part});
        let answer = house.request(Method::Post, "/Bulk", &body).body.unwrap();
        for operation in answer["Operations"].as_array().unwrap() {
            let location = operation["location"].as_str().unwrap();
            ids.push(location.rsplit('/').next().unwrap().to_owned());
        }
    }
    ids
}

/// The statements of adding and removing one member of a group of this size, twice each.
fn costs(house: &House, people: &[String], late: &str) -> [u64; 4] {
    let members: Vec<_> = people.iter().map(|id| json!({"value": id})).collect();
    let name = format!("Group of {}", people.len());
    let body = json!({"schemas": [uri::GROUP], "displayName": name, "members": members});
    let id = house.create("/Groups", &body);
    let path = format!("/Groups/{id}?excludedAttributes=members");
    let one = json!([{"value": late}]);
    let named = format!("members[value eq \"{late}\"]");
    [
        json!({"op": "add", "path": "members", "value": one}),
        json!({"op": "add", "path": "members", "value": one}),
        json!({"op": "remove", "path": named}),
        json!({"op": "remove", "path": "members", "value": one}),
    ]
    .map(|operation| {
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
        let before = Database::statements();
        let answer = house.request(Method::Patch, &path, &body);
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        Database::statements() - before
    })
}

fn one_member_costs_the_same_in_a_group_of_any_size(engine: &Engine) {
    let house = House::new(engine);
    let people = crowd(&house, 10_000);
    let late = house.create("/Users", &user("late"));
    let small = costs(&house, &people[..10], &late);
    let large = costs(&house, &people, &late);
    assert_eq!(small, large, "{engine:?}");
    assert!(small.iter().all(|statements| *statements < 20), "{small:?}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        one_member_costs_the_same_in_a_group_of_any_size;
}
