//! What the service answers when a database fails, with databases that really do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

#[cfg(feature = "postgres")]
mod locks;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod prepared;
mod sqlite;

use engines::Suite;
use scim_protocol::schema::uri;
use scim_provisioning::{Answer, Method};
use serde_json::{Value, json};

use crate::common::House;

pub(crate) fn add_to(suite: &mut Suite) {
    sqlite::add_to(suite);
    #[cfg(feature = "postgres")]
    {
        locks::add_to(suite);
        postgres::add_to(suite);
        prepared::add_to(suite);
    }
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

fn create(house: &House, name: &str) -> Answer {
    house.request(Method::Post, "/Users", &user(name))
}

fn find(house: &House, name: &str) -> Answer {
    let path = format!("/Users?filter=userName eq \"{name}\"");
    house.request(Method::Get, &path, &Value::Null)
}

/// Asserts that whoever asked is sent away for a while.
fn assert_later(answer: &Answer, seconds: u32) {
    assert_eq!(answer.status, 503, "{:?}", answer.body);
    assert_eq!(answer.retry_after, Some(seconds), "{:?}", answer.body);
}

/// Asserts that these users are there, and nobody else.
fn assert_there(house: &House, names: &[&str]) {
    let all = house.get("/Users?count=1000");
    let there: Vec<&str> = all["Resources"]
        .as_array()
        .map(|users| users.iter().map(|user| user["userName"].as_str().unwrap()))
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(there, names);
}
