//! A query answers alike from SQLite, from PostgreSQL and from the protocol crate's evaluator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

mod common;

use common::{Engine, House, actor, caller};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use scim_mapping::{Catalog, CustomField, EXTENSION};
use scim_protocol::filter::Filter;
use scim_protocol::schema::uri;
use scim_protocol::{ResourceDefinition, Tolerance};
use serde_json::{Map, Value, json};

const TEXTS: [&str; 15] = [
    "",
    "ava",
    "Ava",
    "AVA",
    "eve",
    "Ärzte",
    "ärzte",
    "straße",
    "STRASSE",
    "a%b",
    "a_b",
    "a\\b",
    "ﬁne",
    "e\u{301}ve",
    "7",
];

fn text() -> impl Strategy<Value = String> {
    proptest::sample::select(TEXTS.to_vec()).prop_map(str::to_owned)
}

fn email() -> impl Strategy<Value = Value> {
    let kind = proptest::option::of(proptest::sample::select(vec!["work", "home", "Work"]));
    (proptest::option::of(text()), kind, any::<bool>(), text()).prop_map(
        |(value, kind, primary, display)| {
            let mut email = json!({"display": display});
            if let Some(value) = value {
                let address = if value.is_empty() {
                    value
                } else {
                    format!("{value}@x.example")
                };
                email["value"] = json!(address);
            }
            if let Some(kind) = kind {
                email["type"] = json!(kind);
            }
            if primary {
                email["primary"] = json!(true);
            } else if display == "7" {
                email["primary"] = json!(false);
            }
            email
        },
    )
}

/// Values of the custom fields: whole numbers, fractions, instants and several texts.
fn custom() -> impl Strategy<Value = Value> {
    let level = proptest::option::of(proptest::sample::select(vec![-3, 5, 17, 100, 2]));
    let grade = proptest::option::of(proptest::sample::select(vec![-0.5, 0.1, 3.25, 10.0, 1e21]));
    let since = proptest::option::of(proptest::sample::select(vec![
        "2026-03-01T00:00:00Z",
        "2026-02-28T23:30:00-05:00",
        "2026-03-01T00:00:00.001Z",
        "2025-12-31T23:59:59",
    ]));
    (level, grade, since)
        .prop_map(|(level, grade, since)| json!({"level": level, "grade": grade, "since": since}))
}

fn user() -> impl Strategy<Value = Value> {
    let some = || proptest::option::weighted(0.7, text());
    (
        (some(), some(), some(), some()),
        proptest::collection::vec(email(), 0..3),
        proptest::option::of(any::<bool>()),
        (some(), some(), some(), custom()),
    )
        .prop_map(
            |((title, nick, given, family), emails, active, (department, manager, url, custom))| {
                let mut user = json!({
                    "schemas": [uri::USER, uri::ENTERPRISE_USER],
                    "title": title, "nickName": nick, "externalId": null, "emails": [],
                    "name": {"givenName": given, "familyName": family}, "profileUrl": url,
                    uri::ENTERPRISE_USER: {"department": department,
                        "manager": {"value": manager, "$ref": url}},
                    EXTENSION: custom,
                });
                // One primary at most, as a strict client sends it.
                let mut primary = false;
                let mut kept = Vec::new();
                for mut email in emails {
                    if email["primary"] == true && std::mem::replace(&mut primary, true) {
                        email.as_object_mut().unwrap().remove("primary");
                    }
                    kept.push(email);
                }
                user["emails"] = json!(kept);
                if let Some(active) = active {
                    user["active"] = json!(active);
                }
                user
            },
        )
}

fn attribute() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "userName",
        "externalId",
        "title",
        "nickName",
        "name.givenName",
        "name.familyName",
        "name",
        "profileUrl",
        "emails",
        "emails.value",
        "emails.type",
        "emails.display",
        "active",
        "id",
        "meta.created",
        "meta.lastModified",
        "meta.resourceType",
        "groups",
        "groups.display",
        "groups.value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref",
        "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User:level",
        "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User:grade",
        "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User:since",
        "emails.primary",
        "meta",
        "phoneNumbers",
        "password",
    ])
    .prop_map(str::to_owned)
}

fn comparison(attribute: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let operator = proptest::sample::select(vec![
        "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le",
    ]);
    let value = prop_oneof![
        6 => text().prop_map(|text| json!(text)),
        2 => text().prop_map(|text| json!(format!("{text}@x.example"))),
        2 => (0..40_u32).prop_map(|n| json!(format!("user{n}"))),
        1 => (0..15_usize).prop_map(|n| json!(format!("\u{a0}{}.user{n} ", TEXTS[n]))),
        1 => proptest::sample::select(vec![" ", " a", "1 ", "\u{3000}"]).prop_map(|text| json!(text)),
        2 => any::<bool>().prop_map(|flag| json!(flag)),
        2 => proptest::sample::select(vec!["work", "home", "", "@x", "a", "s", "Group 1"])
            .prop_map(|text| json!(text)),
        1 => Just(json!("2020-01-01T00:00:00Z")),
        1 => Just(json!("2999-01-01T00:00:00+02:00")),
        1 => Just(Value::Null),
        1 => proptest::sample::select(vec![7.0, 17.0, 0.1, 1e21]).prop_map(|n| json!(n)),
        1 => Just(json!("2026-03-01T04:30:00Z")),
    ];
    (attribute, operator, value)
        .prop_map(|(attribute, operator, value)| format!("{attribute} {operator} {value}"))
}

fn filter() -> impl Strategy<Value = String> {
    let sub = proptest::sample::select(vec!["value", "type", "primary", "display"])
        .prop_map(str::to_owned);
    let inner = prop_oneof![
        comparison(sub.clone()),
        sub.clone().prop_map(|sub| format!("{sub} pr"))
    ];
    let inner = inner.prop_recursive(2, 4, 2, |inner| combined(inner).boxed());
    let name = proptest::sample::select(vec!["givenName", "familyName"]).prop_map(str::to_owned);
    let name = prop_oneof![
        comparison(name.clone()),
        name.prop_map(|sub| format!("not ({sub} pr)"))
    ];
    let meta = proptest::sample::select(vec!["resourceType", "created", "location", "version"]);
    let meta = meta.prop_map(str::to_owned);
    let meta = prop_oneof![
        comparison(meta.clone()),
        meta.prop_map(|sub| format!("{sub} pr")),
        Just("resourceType eq \"user\"".to_owned()),
        Just("resourceType eq \"User\" and created gt \"2020-01-01T00:00:00Z\"".to_owned()),
    ];
    let term = prop_oneof![
        1 => name.prop_map(|inner| format!("name[{inner}]")),
        1 => meta.prop_map(|inner| format!("meta[{inner}]")),
        4 => comparison(attribute()),
        1 => attribute().prop_map(|attribute| format!("{attribute} pr")),
        2 => inner.prop_map(|inner| format!("emails[{inner}]")),
    ];
    term.prop_recursive(3, 8, 3, |inner| combined(inner).boxed())
}

fn combined(
    inner: impl Strategy<Value = String> + Clone + 'static,
) -> impl Strategy<Value = String> {
    prop_oneof![
        (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
        (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
        inner.prop_map(|a| format!("not ({a})")),
    ]
}

fn fields() -> Vec<CustomField> {
    let field = |key: &str, kind: Value| json!({"key": key, "label": key, "type": kind});
    let fields = json!([
        field("level", json!({"number": {"integer": true}})),
        field("grade", json!({"number": {}})),
        field("since", json!("dateTime")),
    ]);
    serde_json::from_value(fields).unwrap()
}

/// Users with the extension of the custom fields.
fn definition() -> ResourceDefinition {
    let schema = Catalog::with_custom(fields()).extension_schema().unwrap();
    ResourceDefinition::user().extended(schema, false)
}

/// The same directory on each of the engines.
fn houses(engines: &[Engine], runner: &mut TestRunner) -> Vec<House> {
    let mut houses: Vec<_> = engines.iter().map(House::new).collect();
    for house in &mut houses {
        for field in fields() {
            house.admin.add_custom_field(&actor(), &field).unwrap();
        }
        let configuration = house.admin.find_configuration("Test").unwrap();
        house.caller = caller(configuration.to_provisioning());
    }
    let users: Vec<Value> = (0..40)
        .map(|at| {
            let mut user = user().new_tree(runner).unwrap().current();
            let blanks = ["", " ", "\u{a0}", "\u{3000}"];
            let (lead, trail) = (blanks[at % 4], blanks[at / 4 % 4]);
            let name = TEXTS[at % TEXTS.len()];
            user["userName"] = json!(format!("{lead}{name}.user{at}{trail}"));
            if at % 3 == 0 {
                user["externalId"] = json!(format!("{}-{at}", TEXTS[at % 5]));
            }
            user
        })
        .collect();
    for house in &houses {
        let ids: Vec<_> = users
            .iter()
            .map(|user| house.create("/Users", user))
            .collect();
        for at in 0..4_usize {
            let members: Vec<_> = ids.iter().skip(at).step_by(at + 3).collect();
            let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
            let group = json!({"schemas": [uri::GROUP], "displayName": format!("Group {at}"),
                "members": members});
            house.create("/Groups", &group);
        }
    }
    houses
}

fn names(answer: &Value) -> Vec<String> {
    answer["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["userName"].as_str().unwrap().to_owned())
        .collect()
}

/// The names, or the status and kind of the refusal.
fn asked(house: &House, path: &str, parameters: &[(&str, &str)]) -> Result<Value, Value> {
    let body: Map<String, Value> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .chain([("schemas".to_owned(), json!([uri::SEARCH_REQUEST]))])
        .collect();
    let answer = house.request(scim_provisioning::Method::Post, path, &Value::Object(body));
    let body = answer.body.unwrap();
    if answer.status == 200 {
        Ok(body)
    } else {
        Err(json!([answer.status, body["scimType"]]))
    }
}

fn filters_mean_the_same_everywhere(engine: &Engine) {
    let mut runner = TestRunner::new(Config::default());
    let houses = houses(&[Engine::Sqlite, engine.clone()], &mut runner);
    let users = definition();
    let whole: Vec<Value> = houses
        .iter()
        .map(|house| house.get("/Users?count=1000"))
        .collect();
    let (mut hits, mut misses) = (0, 0);
    for _ in 0..3_000 {
        let text = filter().new_tree(&mut runner).unwrap().current();
        let bound = text
            .parse::<Filter>()
            .map_err(scim_protocol::Error::from)
            .and_then(|filter| filter.bind(&users, &mut Tolerance::default()));
        for (house, whole) in houses.iter().zip(&whole) {
            let found = asked(house, "/Users/.search", &[("filter", &text)]);
            let condition = match &bound {
                Ok(condition) => condition,
                Err(error) => {
                    let refused = found.expect_err(&text);
                    assert_eq!(refused[0], error.status(), "{text}");
                    continue;
                }
            };
            let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected: Vec<_> = whole["Resources"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|user| condition.matches(user.as_object().unwrap()))
                .map(|user| user["userName"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(names(&found), expected, "{text}");
            assert_eq!(found["totalResults"], expected.len(), "{text}");
            if expected.is_empty() {
                misses += 1
            } else {
                hits += 1
            }
        }
    }
    // The filters are worth asking: many find somebody, many find nobody.
    assert!(
        hits > 500 && misses > 200,
        "{hits} found somebody, {misses} nobody"
    );
}

fn orders_and_pages_are_the_same_everywhere(engine: &Engine) {
    let mut runner = TestRunner::new(Config::default());
    let houses = houses(&[Engine::Sqlite, engine.clone()], &mut runner);
    for sort_by in [
        "userName",
        "externalId",
        "title",
        "nickName",
        "name.givenName",
        "emails",
        "emails.value",
        "active",
        "profileUrl",
        "meta.created",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User:level",
        "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User:grade",
        "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User:since",
    ] {
        for order in ["ascending", "descending"] {
            let sorted = [("sortBy", sort_by), ("sortOrder", order)];
            let wholes: Vec<_> = houses
                .iter()
                .map(|house| names(&asked(house, "/Users/.search", &sorted).unwrap()))
                .collect();
            assert_eq!(wholes[0].len(), 40);
            // Users were created in the same order, which decides among equals.
            assert!(
                wholes.iter().all(|whole| *whole == wholes[0]),
                "{sort_by} {order}"
            );
            for (house, whole) in houses.iter().zip(&wholes) {
                assert_eq!(&by_index(house, &sorted), whole, "{sort_by} {order}");
                assert_eq!(
                    &by_cursor(house, sort_by, order),
                    whole,
                    "{sort_by} {order}"
                );
            }
        }
    }
}

fn by_index(house: &House, sorted: &[(&str, &str)]) -> Vec<String> {
    let mut walked = Vec::new();
    for start in ["1", "12", "23", "34"] {
        let mut parameters = sorted.to_vec();
        parameters.extend([("startIndex", start), ("count", "11")]);
        walked.extend(names(&asked(house, "/Users/.search", &parameters).unwrap()));
    }
    walked
}

fn by_cursor(house: &House, sort_by: &str, order: &str) -> Vec<String> {
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!(
            "/Users?sortBy={}&sortOrder={order}&count=7&cursor={cursor}",
            sort_by.replace(':', "%3A")
        );
        let page = house.get(&path);
        walked.extend(names(&page));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return walked,
        }
        assert!(walked.len() < 100, "the walk does not end");
    }
}

engines::tests! {
    on_both(Engine::clone):
        filters_mean_the_same_everywhere,
        orders_and_pages_are_the_same_everywhere;
}
