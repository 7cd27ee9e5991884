//! Updates are computed before the transaction that writes them, and lose nothing by it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::House;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn user(house: &House, name: &str) -> String {
    house.create(
        "/Users",
        &json!({ "schemas": [uri::USER], "userName": name }),
    )
}

fn patch(house: &House, path: &str, operations: Value) -> u16 {
    let body = json!({ "schemas": [PATCH], "Operations": operations });
    house.request(Method::Patch, path, &body).status
}

fn nothing_is_computed_while_others_wait_for_the_writer(house: &House) {
    let path = format!("/Users/{}", user(house, "ada"));
    for number in 0..10 {
        let title = json!([{ "op": "replace", "path": "title", "value": number.to_string() }]);
        assert_eq!(patch(house, &path, title), 200);
    }
    let whole = json!({ "schemas": [uri::USER], "userName": "ada", "title": "Lead" });
    assert_eq!(house.request(Method::Put, &path, &whole).status, 200);
    let group = json!({ "schemas": [uri::GROUP], "displayName": "Ops" });
    let path = format!("/Groups/{}", house.create("/Groups", &group));
    let name = json!([{ "op": "replace", "path": "displayName", "value": "Operations" }]);
    assert_eq!(patch(house, &path, name), 200);
    assert_eq!(house.provider.planned(), (12, 0));
}

fn updates_at_the_same_time_lose_nothing(house: &House) {
    let path = format!("/Users/{}", user(house, "ada"));
    let group = json!({ "schemas": [uri::GROUP], "displayName": "Ops" });
    let group = format!("/Groups/{}", house.create("/Groups", &group));
    let ids: Vec<String> = (0..32)
        .map(|at| user(house, &format!("user{at}")))
        .collect();
    std::thread::scope(|threads| {
        for ids in ids.chunks(4) {
            let (path, group) = (&path, &group);
            threads.spawn(move || {
                for id in ids {
                    let address = format!("{id}@corp.example");
                    let add = json!([{
                        "op": "add", "path": "emails", "value": [{ "value": address }],
                    }]);
                    assert_eq!(patch(house, path, add), 200);
                    let join = json!([{
                        "op": "add", "path": "members", "value": [{ "value": id }],
                    }]);
                    assert_eq!(patch(house, group, join), 200);
                }
            });
        }
    });
    assert_eq!(house.get(&path)["emails"].as_array().unwrap().len(), 32);
    assert_eq!(house.get(&group)["members"].as_array().unwrap().len(), 32);
}

fn a_version_that_was_named_is_checked_in_the_transaction_too(house: &House) {
    let group = json!({ "schemas": [uri::GROUP], "displayName": "Ops" });
    let path = format!("/Groups/{}", house.create("/Groups", &group));
    let ada = user(house, "ada");
    let tag = house.get(&path)["meta"]["version"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({ "schemas": [PATCH], "Operations": [
        { "op": "add", "path": "members", "value": [{ "value": ada }] },
    ]})
    .to_string();
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let send = || {
            let request = scim_provisioning::Request {
                method: Method::Patch,
                path: &path,
                query: "",
                body: body.as_bytes(),
                if_match: Some(&tag),
                if_none_match: None,
            };
            house.provider.answer(&house.caller, &request).status
        };
        let all: Vec<_> = (0..8).map(|_| threads.spawn(send)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    // Whoever comes after the one that added the member has named an old version.
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7);
}

engines::tests! {
    on_both(House::new):
        nothing_is_computed_while_others_wait_for_the_writer,
        updates_at_the_same_time_lose_nothing,
        a_version_that_was_named_is_checked_in_the_transaction_too;
}
