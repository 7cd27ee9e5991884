//! How entries are found and counted.

use super::*;

pub(super) fn the_log_is_found_by_what_people_look_for(house: &House) {
    let ava = house.create("/Users", &user("Ava"));
    house.create("/Users", &user("bo"));
    house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Avalanche"}),
    );
    assert_eq!(
        house.request(Method::Post, "/Users", &user("BO")).status,
        409
    );
    let by = |query| found(house, query);
    let search = |text: &str| {
        by(EventQuery {
            search: Some(text.to_owned()),
            ..EventQuery::default()
        })
    };
    assert_eq!(names(&search("ava")), ["Avalanche", "Ava"]);
    assert_eq!(names(&search(&ava)), ["Ava"]);
    assert_eq!((search("a%").len(), search("valanche").len()), (0, 0));
    assert_eq!(names(&search("AVAL")), ["Avalanche"]);
    let request = search("bo")[0].request_id.clone();
    assert!(
        search(&request)
            .iter()
            .all(|event| event.request_id == request)
    );
    let failures = by(EventQuery {
        outcome: Outcome::parse("failure"),
        ..EventQuery::default()
    });
    assert_eq!((failures.len(), failures[0].status), (1, 409));
    let groups = by(EventQuery {
        kind: ResourceKind::parse("Group"),
        ..EventQuery::default()
    });
    assert_eq!(names(&groups), ["Avalanche"]);
    let action = by(EventQuery {
        action: Action::parse("update"),
        ..EventQuery::default()
    });
    assert_eq!(action.len(), 0);
    let soon = Utc::now() + Duration::minutes(1);
    assert_eq!(
        by(EventQuery {
            since: Some(soon),
            ..EventQuery::default()
        })
        .len(),
        0
    );
    assert_eq!(
        by(EventQuery {
            until: Some(soon),
            ..EventQuery::default()
        })
        .len(),
        4
    );
    let ago = Utc::now() - Duration::minutes(1);
    assert_eq!(
        by(EventQuery {
            since: Some(ago),
            ..EventQuery::default()
        })
        .len(),
        4
    );
    assert_eq!(
        by(EventQuery {
            until: Some(ago),
            ..EventQuery::default()
        })
        .len(),
        0
    );
}

pub(super) fn a_name_is_found_among_few_entries_and_among_many(house: &House) {
    house.create("/Users", &user("ava"));
    house.create("/Users", &user("bo"));
    let columns = "at, configuration_id, configuration_name, request_id, action, \
                   resource_type, resource_id, resource_name, mapping_version, outcome, \
                   status, changes, deviations, duration_micros, resource_key";
    let again = format!(
        "INSERT INTO provisioning_events ({columns}) \
         SELECT {columns} FROM provisioning_events WHERE resource_key = 'ava'"
    );
    for _ in 0..12 {
        house.tamper(&again);
    }
    let search = |text: &str| {
        let search = Some(text.to_owned());
        found(
            house,
            EventQuery {
                search,
                ..EventQuery::default()
            },
        )
    };
    let many = search("AV");
    assert_eq!(many.len(), 100, "a page of 4,096 entries");
    assert!(
        many.iter()
            .all(|event| event.resource_name.as_deref() == Some("ava"))
    );
    assert!(many.is_sorted_by(|one, next| one.id > next.id));
    assert_eq!(names(&search("b")), ["bo"]);
    assert_eq!(search(" ").len(), 100);
}

pub(super) fn what_happened_is_counted_once_however_often_hours_are_closed(house: &House) {
    house.create("/Users", &user("ava"));
    house.create("/Users", &user("bo"));
    assert_eq!(
        house.request(Method::Post, "/Users", &user("bo")).status,
        409
    );
    // Two hours ago, as seen from the clock that closes hours.
    house.tamper("UPDATE provisioning_events SET at = at - 7200000 WHERE outcome = 'success'");
    let since = Utc::now() - Duration::hours(24);
    let counted = || {
        let activity = house.admin.activity(since, None).unwrap();
        let of = |outcome: &str| {
            let of = activity
                .iter()
                .filter(|one| one.outcome.as_str() == outcome);
            of.map(|one| one.entries).sum::<i64>()
        };
        (of("success"), of("failure"))
    };
    assert_eq!(counted(), (2, 1));
    house.admin.count_hours().unwrap();
    assert_eq!(counted(), (2, 1));
    house.admin.count_hours().unwrap();
    house.create("/Users", &user("cy"));
    assert_eq!(counted(), (3, 1));
    assert!(
        house
            .admin
            .activity(Utc::now() + Duration::hours(1), None)
            .unwrap()
            .is_empty()
    );
}

pub(super) fn a_time_is_found_from_either_side_in_either_order(house: &House) {
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
}

pub(super) fn requests_are_added_up_by_hour(house: &House) {
    use scim_admin::event::Activity;
    let hour = "2026-11-24T10:00:00Z".parse().unwrap();
    let one = |outcome: &str, entries| Activity {
        configuration: house.caller.configuration.id,
        hour,
        outcome: Outcome::parse(outcome).unwrap(),
        entries,
    };
    house
        .admin
        .count_requests(vec![one("success", 3), one("failure", 1)])
        .unwrap();
    house.admin.count_requests(vec![one("success", 2)]).unwrap();
    for configuration in [None, Some(house.caller.configuration.id)] {
        let counted = house.admin.requests(hour, configuration).unwrap();
        assert_eq!(counted, [one("failure", 1), one("success", 5)]);
    }
    assert!(
        house
            .admin
            .requests(hour + Duration::hours(1), None)
            .unwrap()
            .is_empty()
    );
}
