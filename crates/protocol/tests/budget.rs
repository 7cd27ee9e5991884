//! What a request may cost: work is charged in proportion to what is asked for, and ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use scim_protocol::bulk::{BulkRequest, References};
use scim_protocol::patch::PatchRequest;
use scim_protocol::resource::{changes, same};
use scim_protocol::schema::uri;
use scim_protocol::{Budget, Error, Limits, Resource, ResourceDefinition, Tolerance};
use serde_json::{Value, json};

/// Limits that leave nothing but the budget in the way.
fn generous() -> Limits {
    Limits {
        values: usize::MAX,
        patch_operations: usize::MAX,
        ..Limits::default()
    }
}

fn emails(count: usize) -> Value {
    let email = |at: usize| json!({"value": format!("a{at}@x.example"), "type": "work"});
    (0..count).map(email).collect()
}

fn ava(count: usize) -> Resource {
    let body = json!({"schemas": [uri::USER], "userName": "ava", "emails": emails(count)});
    let mut tolerance = Tolerance::default().on_budget(Budget::of(&generous()));
    Resource::read(&ResourceDefinition::user(), body, &mut tolerance).unwrap()
}

/// What a PATCH of a user with so many addresses is charged.
fn charged(limits: &Limits, count: usize, operations: &Value) -> (Result<Resource, Error>, u64) {
    let users = ResourceDefinition::user();
    let budget = Budget::of(limits);
    let mut tolerance = Tolerance::default().on_budget(budget.clone());
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let patched = PatchRequest::read(body, limits, &mut tolerance).and_then(|request| {
        request
            .resolve(&users, &mut tolerance)?
            .apply(&ava(count), &mut tolerance)
    });
    (patched, budget.spent())
}

fn status(result: Result<Resource, Error>) -> u16 {
    result.map_or_else(|error| error.status(), |_| 200)
}

#[test]
fn adding_and_removing_many_values_is_charged_by_their_number() {
    for (verb, value) in [
        ("add", "c"),
        ("add", "a"),
        ("remove", "a"),
        ("replace", "c"),
    ] {
        let spent = |count: usize| {
            let named = emails(count)
                .to_string()
                .replace("\"a", &format!("\"{value}"));
            let named: Value = serde_json::from_str(&named).unwrap();
            let operations = json!([{"op": verb, "path": "emails", "value": named}]);
            let (patched, spent) = charged(&generous(), count, &operations);
            assert!(patched.is_ok(), "{patched:?}");
            spent
        };
        let (little, much) = (spent(200), spent(2_000));
        assert!(
            much <= little * 10 + 100 && much >= little * 5,
            "{verb} {value}: {little} {much}"
        );
    }
}

#[test]
fn a_filter_is_charged_for_every_value_and_every_term() {
    let spent = |count: usize, terms: usize, operations: usize| {
        let filter = vec!["value eq \"x\""; terms].join(" or ");
        let remove = json!({"op": "remove", "path": format!("emails[{filter}]")});
        charged(&generous(), count, &json!(vec![remove; operations])).1
    };
    let once = spent(100, 10, 1);
    assert!(once >= 1_000, "{once}");
    for spent in [spent(1_000, 10, 1), spent(100, 100, 1), spent(100, 10, 10)] {
        assert!((once * 8..=once * 12).contains(&spent), "{once} {spent}");
    }
}

#[test]
fn a_request_that_asks_for_too_much_work_is_refused() {
    let limits = Limits::default();
    let filter = vec!["value eq \"x\""; 490].join(" or ");
    let remove = json!({"op": "remove", "path": format!("emails[{filter}]")});
    assert_eq!(status(charged(&limits, 1_000, &json!([remove])).0), 200);
    assert_eq!(
        status(charged(&limits, 1_000, &json!(vec![remove; 60])).0),
        413
    );
    // What is at its end refuses everything that draws on it.
    let budget = Budget::of(&Limits { work: 10, ..limits });
    assert!(budget.charge(11).is_err() && budget.clone().charge(1).is_err());
}

#[test]
fn an_attribute_has_no_more_values_than_it_may() {
    let limits = Limits::default();
    let users = ResourceDefinition::user();
    let create = |count: usize| {
        let body = json!({"schemas": [uri::USER], "userName": "ava", "emails": emails(count)});
        Resource::read(&users, body, &mut Tolerance::default())
    };
    assert_eq!(status(create(1_000)), 200);
    assert_eq!(status(create(1_001)), 413);
    let add = |value: Value| json!([{"op": "add", "path": "emails", "value": value}]);
    let one = json!([{"value": "new@x.example"}]);
    assert_eq!(status(charged(&limits, 999, &add(one.clone())).0), 200);
    assert_eq!(status(charged(&limits, 1_000, &add(one.clone())).0), 413);
    let there = json!([{"value": "a7@x.example", "type": "work", "display": "A"}]);
    assert_eq!(status(charged(&limits, 1_000, &add(there)).0), 200);
    // Who has more from before may have fewer.
    let fewer = json!([{"op": "remove", "path": "emails[value eq \"a0@x.example\"]"}]);
    assert_eq!(status(charged(&limits, 1_500, &fewer).0), 200);
    // Members are entries of their own.
    let members: Value = (0..2_000)
        .map(|at| json!({"value": format!("u{at}")}))
        .collect();
    let body = json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": members});
    let group = Resource::read(
        &ResourceDefinition::group(),
        body,
        &mut Tolerance::default(),
    );
    assert_eq!(
        group.unwrap().attributes()["members"]
            .as_array()
            .map(Vec::len),
        Some(2_000)
    );
}

#[test]
fn values_that_come_one_by_one_are_charged_as_together() {
    let email = |at: usize| json!({"value": format!("n{at}@x.example"), "type": "home"});
    for verb in ["add", "remove"] {
        let one = |at: usize| json!({"op": verb, "path": "emails", "value": [email(at)]});
        let apart: Value = (0..200).map(one).collect();
        let all: Value = (0..200).map(email).collect();
        let together = json!([{"op": verb, "path": "emails", "value": all}]);
        let (apart, spent) = charged(&generous(), 500, &apart);
        let (together, at_once) = charged(&generous(), 500, &together);
        assert_eq!(apart.unwrap(), together.unwrap());
        assert!(spent <= at_once + 200, "{verb}: {spent} {at_once}");
    }
}

#[test]
fn the_keys_of_an_operation_count_as_operations() {
    let limits = Limits::default();
    let keyed = |count: usize, name: &dyn Fn(usize) -> String| {
        let members: serde_json::Map<_, _> = (0..count).map(|at| (name(at), json!("x"))).collect();
        let operations = json!([{"op": "replace", "value": members}]);
        status(charged(&limits, 10, &operations).0)
    };
    let filtered = |at: usize| format!("emails[value eq \"a{at}@x.example\"].display");
    assert_eq!(keyed(1_000, &filtered), 200);
    assert_eq!(keyed(1_001, &filtered), 413);
    assert_eq!(keyed(1_001, &|at| format!("unknown{at}")), 413);
    assert_eq!(keyed(1_001, &|at| format!("no path {at}")), 413);
    let extension: serde_json::Map<_, _> = (0..1_001)
        .map(|at| (format!("u{at}"), json!("x")))
        .collect();
    let operations = json!([{"op": "add", "path": uri::ENTERPRISE_USER, "value": extension}]);
    assert_eq!(status(charged(&limits, 1, &operations).0), 413);
    let single = json!({"op": "replace", "path": "title", "value": "x"});
    assert_eq!(
        status(charged(&limits, 1, &json!(vec![single; 1_001])).0),
        413
    );
}

#[test]
fn lists_in_another_order_are_the_same() {
    let users = ResourceDefinition::user();
    let attribute = users.attribute("emails").unwrap();
    let forward = emails(3_000);
    let backward: Value = forward.as_array().unwrap().iter().rev().cloned().collect();
    assert!(same(attribute, &forward, &backward));
    let mut other = backward.clone();
    other[17]["value"] = json!("a18@x.example");
    assert!(!same(attribute, &forward, &other));
    let document = |list: &Value| json!({"emails": list}).as_object().unwrap().clone();
    assert!(changes(&users, &document(&forward), &document(&backward)).is_empty());
    assert_eq!(
        changes(&users, &document(&forward), &document(&other)).len(),
        1
    );
}

#[test]
fn references_of_a_bulk_request_are_followed_once() {
    // A chain from its end, and a circle of which every member refers to every other.
    let post = |name: usize, to: Vec<usize>| {
        let members: Value = to
            .iter()
            .map(|to| json!({"value": format!("bulkId:{to}")}))
            .collect();
        json!({"method": "POST", "path": "/Groups", "bulkId": name.to_string(),
            "data": {"displayName": name.to_string(), "members": members}})
    };
    let chain: Value = (0..1_000).map(|at| post(at, vec![at + 1])).collect();
    let dense: Value = (0..300).map(|at| post(at, (0..300).collect())).collect();
    for (operations, count, on_circles) in [(chain, 1_000, 0), (dense, 300, 300)] {
        let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": operations});
        let request = BulkRequest::read(body, &Limits::default(), &mut Tolerance::default());
        let references =
            References::new(&request.unwrap().operations, &[ResourceDefinition::group()]);
        assert_eq!(references.order().count(), count);
        assert_eq!(references.circular().len(), on_circles);
    }
}

#[test]
fn what_is_done_anew_is_charged_once() {
    let budget = Budget::of(&Limits {
        work: 10,
        ..Limits::default()
    });
    let kept = budget.clone();
    budget.charge(4).unwrap();
    let before = budget.spent();
    // Somebody else was quicker, and it is done again: that is not the request's doing.
    for _ in 0..5 {
        budget.charge(6).unwrap();
        budget.return_to(before);
        assert_eq!(kept.spent(), 4);
    }
    budget.return_to(9);
    assert_eq!(budget.spent(), 4, "nothing is charged by giving back");
    assert!(budget.charge(7).is_err());
}

#[test]
fn reading_is_charged_for_every_value_of_an_attribute() {
    let read = |count: usize, work: u64| {
        let budget = Budget::of(&Limits { work, ..generous() });
        let mut tolerance = Tolerance::default().on_budget(budget.clone());
        let body = json!({"schemas": [uri::USER], "userName": "ava", "emails": emails(count)});
        let read = Resource::read(&ResourceDefinition::user(), body, &mut tolerance);
        (status(read), budget.spent())
    };
    let (few, many) = (read(100, u64::MAX), read(1_100, u64::MAX));
    assert_eq!((few.0, many.0), (200, 200));
    assert!(many.1 >= few.1 + 1_000, "{few:?} {many:?}");
    assert_eq!(read(1_100, 1_000).0, 413);
}
