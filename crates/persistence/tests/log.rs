//! The provisioning log: what is found in it quickly, and what administrators do with its entries.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use chrono::{DateTime, Duration, Utc};
use common::{Engine, House};
use scim_admin::event::{EventQuery, LoggedEvent};
use scim_protocol::schema::uri;
use serde_json::{Value, json};

fn on_every_engine(test: fn(&House)) {
    for engine in Engine::all() {
        test(&House::new(&engine));
    }
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

/// The newest first.
fn found(house: &House, query: EventQuery) -> Vec<LoggedEvent> {
    let query = EventQuery {
        limit: 100,
        before: Some(i64::MAX),
        ..query
    };
    house.admin.events(&query).unwrap()
}

fn names(events: &[LoggedEvent]) -> Vec<&str> {
    let names = events
        .iter()
        .filter_map(|event| event.resource_name.as_deref());
    names.collect()
}

#[test]
fn a_time_is_found_from_either_side_in_either_order() {
    on_every_engine(|house| {
        let noon: DateTime<Utc> = "2026-03-02T12:00:00Z".parse().unwrap();
        let hours = |hours: i64| Some(noon + Duration::hours(hours));
        for (hour, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            house.create("/Users", &user(name));
            let at = hours(i64::try_from(hour).unwrap()).unwrap();
            house.tamper(&format!(
                "UPDATE provisioning_events SET at = {} WHERE resource_name = '{name}'",
                at.timestamp_millis()
            ));
        }
        let between = |since, until| EventQuery {
            since,
            until,
            ..EventQuery::default()
        };
        for (since, until, wanted) in [
            (hours(1), hours(3), vec!["c", "b"]),
            (None, hours(1), vec!["a"]),
            (hours(3), None, vec!["d"]),
            (hours(4), None, vec![]),
            (None, hours(9), vec!["d", "c", "b", "a"]),
            (hours(3), hours(1), vec![]),
        ] {
            let events = found(house, between(since, until));
            assert_eq!(names(&events), wanted, "{since:?} {until:?}");
            let forward = EventQuery {
                after: Some(0),
                limit: 100,
                ..between(since, until)
            };
            let mut events = house.admin.events(&forward).unwrap();
            assert!(events.is_sorted_by_key(|event| event.id));
            events.reverse();
            assert_eq!(names(&events), wanted, "{since:?} {until:?}");
        }
        let newest = EventQuery {
            limit: 2,
            ..between(hours(0), hours(3))
        };
        assert_eq!(names(&house.admin.events(&newest).unwrap()), ["b", "c"]);
        let older = found(house, between(None, None))[0].id;
        let before = EventQuery {
            before: Some(older),
            limit: 1,
            ..between(hours(0), None)
        };
        assert_eq!(names(&house.admin.events(&before).unwrap()), ["c"]);
    });
}
