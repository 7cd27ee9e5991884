//! What is small to send and would be dear to answer: each ends with a refusal, or is done within a
//! part of the work that one request may cause.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::crowd::{self, Crowd};
use common::{BASE, Engine, House};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::{Method, Request, ServiceProvider};
use serde_json::{Value, json};

const PEOPLE: usize = 10_000;
const CROWD: Crowd = Crowd {
    users: PEOPLE,
    groups: 1,
    large: PEOPLE,
    events: 1,
};

/// The service over a house, in which one request may cause so much work.
struct Service<'a> {
    house: &'a House,
    provider: ServiceProvider,
}

impl<'a> Service<'a> {
    fn of(house: &'a House, work: u64) -> Self {
        let limits = Limits {
            work,
            ..Limits::default()
        };
        let provider =
            ServiceProvider::new(house.database.clone(), house.keys.clone(), BASE, limits);
        Self { house, provider }
    }

    /// The status and the kind of error.
    fn asked(&self, row: &Row) -> (u16, Option<String>) {
        let body = row.body.to_string();
        let request = Request {
            method: row.method,
            path: &row.path,
            query: &row.query,
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        let answer = self.provider.answer(&self.house.caller, &request);
        let document = answer.document().unwrap_or_default();
        let kind = document["scimType"].as_str().map(str::to_owned);
        (answer.status, kind)
    }
}

struct Row {
    name: &'static str,
    method: Method,
    path: String,
    query: String,
    body: Value,
    expected: Expected,
}

/// What comes of it within the limits that are set without an option.
enum Expected {
    Refused(u16, Option<&'static str>),
    /// Done, for more units of work than the first and at most the second.
    Done(u16, u64, u64),
}

fn emails(from: usize, count: usize) -> Vec<Value> {
    (from..from + count)
        .map(|at| json!({"value": format!("a{at}@x.example"), "type": "work"}))
        .collect()
}

fn terms(comparison: &str, count: usize) -> String {
    let terms: Vec<_> = (0..count)
        .map(|at| format!("{comparison} \"zz{at}\""))
        .collect();
    terms.join(" or ")
}

fn bulk(count: usize, members: impl Fn(usize) -> Vec<usize>) -> Value {
    let operation = |at: usize| {
        let members: Vec<_> = members(at)
            .into_iter()
            .filter(|member| *member < count)
            .map(|member| json!({"value": format!("bulkId:g{member}"), "type": "Group"}))
            .collect();
        json!({"method": "POST", "path": "/Groups", "bulkId": format!("g{at}"),
            "data": {"schemas": [uri::GROUP], "displayName": format!("bulk {count} {at}"), "members": members}})
    };
    let operations: Vec<_> = (0..count).map(operation).collect();
    json!({"schemas": [uri::BULK_REQUEST], "Operations": operations})
}

fn row(name: &'static str, method: Method, path: &str, body: Value, expected: Expected) -> Row {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    Row {
        name,
        method,
        path,
        query,
        body,
        expected,
    }
}

fn patch(name: &'static str, path: &str, operations: Vec<Value>, expected: Expected) -> Row {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    row(name, Method::Patch, path, body, expected)
}

/// The inputs that once kept a server busy for seconds and minutes.
fn rows(user: &str) -> Vec<Row> {
    use Expected::{Done, Refused};
    let user = format!("/Users/{user}");
    let group = format!("/Groups/{}", crowd::id('g', 1));
    let add = |values: Vec<Value>| json!({"op": "add", "path": "emails", "value": values});
    let remove = |filter: &str| json!({"op": "remove", "path": format!("emails[{filter}]")});
    let out = |filter: &str| json!({"op": "remove", "path": format!("members[{filter}]")});
    let keys: serde_json::Map<_, _> = (0..20_000)
        .map(|at| {
            (
                format!("emails[value eq \"a{at}@x.example\"].display"),
                json!("x"),
            )
        })
        .collect();
    let reversed: Vec<_> = emails(0, 1_000).into_iter().rev().collect();
    let whole = json!({"schemas": [uri::USER], "userName": "ava", "emails": reversed});
    let search = |more: Value| {
        let mut body = json!({"schemas": [uri::SEARCH_REQUEST]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let filters = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|at| out(&format!("display co \"nobody {at}\"")))
            .collect()
    };
    vec![
        patch(
            "PATCH of n values onto n",
            &user,
            vec![add(emails(1_000, 8_000))],
            Refused(413, None),
        ),
        patch(
            "PATCH of the values that are there",
            &user,
            vec![add(emails(0, 1_000))],
            Done(200, 100, 20_000),
        ),
        row(
            "PUT of the same in reverse",
            Method::Put,
            &user,
            whole,
            Done(200, 100, 20_000),
        ),
        patch(
            "PATCH of one operation and 20,000 keys",
            &user,
            vec![json!({"op": "replace", "value": keys})],
            Refused(413, None),
        ),
        patch(
            "PATCH of 60 operations of 490 terms",
            &user,
            vec![remove(&terms("value co", 490)); 60],
            Refused(413, None),
        ),
        patch(
            "PATCH of 100 filters over 10,000 members",
            &group,
            filters(100),
            Refused(413, None),
        ),
        patch(
            "PATCH of 1,000 filters over 10,000 members",
            &group,
            filters(1_000),
            Refused(413, None),
        ),
        patch(
            "PATCH of one filter 1,000 times",
            &group,
            vec![out("display co \"nobody\""); 1_000],
            Done(204, 40_000, 60_000),
        ),
        patch(
            "PATCH of one filter over 10,000 members",
            &group,
            vec![out("display co \"nobody\"")],
            Done(204, 40_000, 60_000),
        ),
        row(
            "Bulk of 1,000 creates in a chain",
            Method::Post,
            "/Bulk",
            bulk(1_000, |at| vec![at + 1]),
            Done(200, 0, 200_000),
        ),
        row(
            "Bulk of creates in dense circles",
            Method::Post,
            "/Bulk",
            bulk(100, |at| (0..100).filter(|other| *other != at).collect()),
            Done(200, 0, 200_000),
        ),
        row(
            "GET filter of 480 terms",
            Method::Post,
            "/Users/.search",
            search(json!({"filter": terms("title co", 480)})),
            Refused(400, Some("tooMany")),
        ),
        row(
            ".search of 60,000 attributes",
            Method::Post,
            "/Users/.search",
            search(json!({"attributes": vec!["userName"; 60_000]})),
            Refused(413, None),
        ),
        row(
            "POST of 40,000 addresses",
            Method::Post,
            "/Users",
            json!({"schemas": [uri::USER], "userName": "many", "emails": emails(0, 40_000)}),
            Refused(413, None),
        ),
    ]
}

fn every_input_that_is_dear_is_refused_or_bounded(engine: &Engine) {
    let house = crowd::filled(engine, CROWD);
    let ava = json!({"schemas": [uri::USER], "userName": "ava", "emails": emails(0, 1_000)});
    let user = house.create("/Users", &ava);
    let usual = Service::of(&house, Limits::default().work);
    for row in rows(&user) {
        let name = format!("{engine:?}: {}", row.name);
        match row.expected {
            Expected::Refused(status, kind) => {
                assert_eq!(
                    usual.asked(&row),
                    (status, kind.map(str::to_owned)),
                    "{name}"
                );
            }
            Expected::Done(status, little, enough) => {
                if little > 0 {
                    let (refused, _) = Service::of(&house, little).asked(&row);
                    assert_eq!(refused, 413, "{name} costs no more than {little}");
                }
                let (done, _) = Service::of(&house, enough).asked(&row);
                assert_eq!(done, status, "{name} costs more than {enough}");
            }
        }
    }
}

fn a_filter_of_as_many_terms_as_clients_write_is_held_to_the_statement_budget_alone(
    engine: &Engine,
) {
    let house = crowd::filled(engine, CROWD);
    let service = Service::of(&house, Limits::default().work);
    let searched = |filter: String| {
        let body = json!({"schemas": [uri::SEARCH_REQUEST], "filter": filter, "count": 1});
        let row = row(
            "",
            Method::Post,
            "/Users/.search",
            body,
            Expected::Done(200, 0, 0),
        );
        service.asked(&row).0
    };
    assert_eq!(searched(terms("title co", 15)), 200, "{engine:?}");
    // Where an index finds the rows, any number of tests is made of few.
    let narrow = format!(
        "userName eq \"{}\" and ({})",
        crowd::name(7),
        terms("title co", 480)
    );
    assert_eq!(searched(narrow), 200, "{engine:?}");
    assert_eq!(searched(terms("title co", 480)), 400, "{engine:?}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        every_input_that_is_dear_is_refused_or_bounded,
        a_filter_of_as_many_terms_as_clients_write_is_held_to_the_statement_budget_alone;
}
