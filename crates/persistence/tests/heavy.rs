//! Pages of large resources: bounded in bytes, and in what it takes to answer them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::collections::HashSet;

use common::House;
#[cfg(target_os = "linux")]
use common::peak;
use scim_protocol::schema::uri;
use scim_provisioning::{Answer, Method, Request};
use serde_json::{Value, json};

/// A user of some 60 KB.
fn large(name: &str) -> Value {
    let emails: Vec<_> = (0..900)
        .map(|at| json!({"value": format!("{name}.{at}@corp.example"), "display": "a mailbox"}))
        .collect();
    json!({"schemas": [uri::USER], "userName": name, "emails": emails})
}

fn get(house: &House, path: &str, query: &str) -> Answer {
    let request = Request {
        method: Method::Get,
        path,
        query,
        body: &[],
        if_match: None,
        if_none_match: None,
    };
    let answer = house.provider.answer(&house.caller, &request);
    assert_eq!(answer.status, 200, "{query}");
    answer
}

fn ids(page: &Value) -> Vec<String> {
    let resources = page["Resources"].as_array().unwrap().iter();
    let ids: Vec<_> = resources
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(page["itemsPerPage"], ids.len(), "{}", page["itemsPerPage"]);
    ids
}

/// Walks all pages; answers how many there were and what they held, in order.
fn walk(house: &House, path: &str, query: &str, by_cursor: bool) -> (usize, Vec<String>) {
    let (mut pages, mut seen) = (0, Vec::new());
    let mut place = match by_cursor {
        true => "cursor".to_owned(),
        false => "startIndex=1".to_owned(),
    };
    loop {
        let answer = get(house, path, &format!("{query}&{place}"));
        let text = answer.written.unwrap();
        assert!(text.len() < 4 * 1024 * 1024 + 1_024, "{}", text.len());
        let page: Value = serde_json::from_str(&text).unwrap();
        pages += 1;
        seen.extend(ids(&page));
        let total = usize::try_from(page["totalResults"].as_u64().unwrap()).unwrap();
        place = match page["nextCursor"].as_str() {
            Some(cursor) => format!("cursor={cursor}"),
            None if by_cursor || seen.len() >= total => return (pages, seen),
            None => format!("startIndex={}", seen.len() + 1),
        };
        assert!(pages < 50, "{path}?{query} has no end");
    }
}

/// One test, because the memory is that of the process.
fn a_page_of_large_resources_is_bounded_and_every_resource_is_on_one(house: &House) {
    let mut created: Vec<String> = (0..100)
        .map(|at| house.create("/Users", &large(&format!("u{at:03}"))))
        .collect();
    let members: Vec<_> = created.iter().map(|id| json!({"value": id})).collect();
    let group = json!({"schemas": [uri::GROUP], "displayName": "G", "members": members});
    let group = house.create("/Groups", &group);
    created.sort();

    #[cfg(target_os = "linux")]
    {
        let _begun = peak();
        let before = peak();
        let answer = get(house, "/Users", "count=1000");
        let grown = peak().saturating_sub(before);
        let bytes = answer.written.unwrap().len();
        assert!(bytes > 3_000_000, "{bytes}");
        assert!(grown < 64 * 1024 * 1024, "{grown} for {bytes}");
    }
    for query in [
        "count=1000",
        "count=60",
        "count=1000&sortBy=userName&sortOrder=descending",
    ] {
        for by_cursor in [true, false] {
            let (pages, mut seen) = walk(house, "/Users", query, by_cursor);
            assert!(pages >= 2, "{query}");
            seen.sort();
            assert_eq!(seen, created, "{query} {by_cursor}");
        }
    }
    // Of every type; the page that the users fill does not hide the groups.
    for query in ["count=1000", "count=1000&sortBy=displayName"] {
        for by_cursor in [true, false] {
            let (_, seen) = walk(house, "/", query, by_cursor);
            let all: HashSet<_> = seen.iter().collect();
            assert_eq!((seen.len(), all.len()), (101, 101), "{query} {by_cursor}");
            assert!(all.contains(&group));
        }
    }
    // What is not asked for takes no room.
    let (pages, _) = walk(house, "/Users", "count=1000&attributes=userName", false);
    assert_eq!(pages, 1);
    let answer = get(house, "/Users", "count=0").document().unwrap();
    assert_eq!(
        (&answer["totalResults"], ids(&answer).len()),
        (&json!(100), 0)
    );
}

engines::tests! {
    in_turn;
    on_both(House::new):
        a_page_of_large_resources_is_bounded_and_every_resource_is_on_one;
}
