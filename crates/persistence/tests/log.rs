//! The provisioning log: what is found in it quickly, and what administrators do with its entries.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use chrono::{DateTime, Duration, Utc};
use common::{House, actor, configuration, found, names};
use scim_admin::event::{AuditQuery, EventQuery, EventState, LoggedEvent, Word};
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::{Actor, AdminError};
use scim_protocol::schema::uri;
use scim_provisioning::ResourceKind;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{ConfigurationId, Method, Request};
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

fn the_log_is_found_by_what_people_look_for(house: &House) {
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

fn a_name_is_found_among_few_entries_and_among_many(house: &House) {
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

fn the_log_keeps_requests_without_their_secrets(house: &House) {
    let secret = |name: &str| {
        let mut user = user(name);
        user["password"] = json!("s3cret-s3cret");
        user
    };
    house.create("/Users", &secret("ava"));
    let bulk = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": secret("bo")}]});
    assert_eq!(house.request(Method::Post, "/Bulk", &bulk).status, 200);
    let events = found(house, EventQuery::default());
    assert_eq!(names(&events), ["bo", "ava"]);
    for event in &events {
        let request = event.request.as_ref().unwrap();
        assert_eq!(request["method"], "POST");
        assert_eq!(request["target"], "/Users");
        assert_eq!(
            request["body"]["userName"],
            event.resource_name.clone().unwrap()
        );
        assert!(!request.to_string().contains("s3cret"), "{request}");
    }
}

fn what_happened_is_counted_once_however_often_hours_are_closed(house: &House) {
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

fn a_time_is_found_from_either_side_in_either_order(house: &House) {
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

/// The entries of two failures, a warning and a success, the newest first.
fn trouble(house: &House) -> [LoggedEvent; 4] {
    house.create("/Users", &user("ava"));
    let mut warned = user("bo");
    warned["title"] = json!("x".repeat(5_000));
    house.create("/Users", &warned);
    for _ in 0..2 {
        let again = house.request(Method::Post, "/Users", &user("AVA"));
        assert_eq!(again.status, 409);
    }
    let events = found(house, EventQuery::default());
    let outcomes: Vec<&str> = events.iter().map(|event| event.outcome.as_str()).collect();
    assert_eq!(outcomes, ["failure", "failure", "warning", "success"]);
    events.try_into().unwrap()
}

/// How often the audit has an event.
fn audited(house: &House, event: &str) -> usize {
    let query = AuditQuery {
        event: Some(event.to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    house.admin.audit(&query).unwrap().len()
}

fn a_failure_is_resolved_and_opened_again(house: &House) {
    let [second, first, warning, success] = trouble(house);
    let ids = |query: EventQuery| -> Vec<i64> {
        found(house, query).iter().map(|event| event.id).collect()
    };
    let of = |state, outcome: Option<&str>| EventQuery {
        state: Some(state),
        outcome: outcome.and_then(Outcome::parse),
        ..EventQuery::default()
    };
    let (open, resolved) = (EventState::Open, EventState::Resolved);
    assert_eq!(ids(of(open, None)), [second.id, first.id, warning.id]);
    assert!(ids(of(resolved, None)).is_empty());

    let done = house.admin.resolve_event(&actor(), first.id).unwrap();
    assert_eq!(done.resolved_by.as_deref(), Some("test"));
    assert!(done.resolved_at.unwrap() >= first.at);
    assert_eq!(done.state(), Some(resolved));
    let again = house.admin.resolve_event(&actor(), first.id).unwrap();
    assert_eq!(again, done, "who was first stays");
    house.admin.resolve_event(&actor(), warning.id).unwrap();
    assert_eq!(audited(house, "event.resolved"), 2);

    assert_eq!(ids(of(open, None)), [second.id]);
    assert_eq!(ids(of(open, Some("failure"))), [second.id]);
    assert!(ids(of(open, Some("warning"))).is_empty());
    assert!(ids(of(open, Some("success"))).is_empty());
    assert_eq!(ids(of(resolved, None)), [first.id, warning.id]);
    assert_eq!(ids(of(resolved, Some("warning"))), [warning.id]);
    let own = house.caller.configuration.id;
    let other = configuration(&house.admin, "Other").id;
    let of_configuration = |id: ConfigurationId| EventQuery {
        configuration: Some(id),
        ..of(open, None)
    };
    assert_eq!(ids(of_configuration(own)), [second.id]);
    assert!(ids(of_configuration(other)).is_empty());

    let open_again = house.admin.reopen_event(&actor(), first.id).unwrap();
    assert_eq!(open_again, house.admin.event(first.id).unwrap());
    assert_eq!(
        (open_again.resolved_at, open_again.resolved_by),
        (None, None)
    );
    house.admin.reopen_event(&actor(), first.id).unwrap();
    assert_eq!(audited(house, "event.reopened"), 1);
    assert_eq!(ids(of(open, Some("failure"))), [second.id, first.id]);

    let refused = house.admin.resolve_event(&actor(), success.id);
    assert!(
        matches!(refused, Err(AdminError::Invalid(_))),
        "{refused:?}"
    );
    let refused = house.admin.reopen_event(&actor(), success.id);
    assert!(
        matches!(refused, Err(AdminError::Invalid(_))),
        "{refused:?}"
    );
    let missing = house.admin.resolve_event(&actor(), second.id + 1_000);
    assert!(
        matches!(missing, Err(AdminError::NotFound { .. })),
        "{missing:?}"
    );
    assert_eq!(audited(house, "event."), 3);
}

fn an_entry_knows_what_the_client_was_answered(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let person = |name: &str, tenant_admin| PersonInput {
        user_name: name.to_owned(),
        email: None,
        tenant_admin,
        role: None,
    };
    let by_hand = house
        .admin
        .add_person(&actor(), &person("eve", false))
        .unwrap();
    let protected = house
        .admin
        .add_person(&actor(), &person("root", true))
        .unwrap();
    let none = uuid::Uuid::now_v7();
    let path = |id: &dyn std::fmt::Display| format!("/Users/{id}");
    for (method, path, body) in [
        (Method::Post, "/Users".to_owned(), user("AVA")),
        // The client does not learn whom it met.
        (Method::Post, "/Users".to_owned(), user("eve")),
        (Method::Post, "/Users".to_owned(), user("root")),
        (Method::Put, path(&protected), user("x")),
        (Method::Delete, path(&by_hand), Value::Null),
        (Method::Delete, path(&none), Value::Null),
        (
            Method::Post,
            "/Users".to_owned(),
            json!({"schemas": [uri::USER]}),
        ),
        (
            Method::Patch,
            path(&ava),
            json!({"schemas": [uri::PATCH_OP], "Operations": 1}),
        ),
    ] {
        let answer = house.request(method, &path, &body);
        assert!(answer.status >= 400, "{path} {body}");
        let event = &found(house, EventQuery::default())[0];
        assert_eq!(i32::from(answer.status), event.status);
        assert_eq!(event.answer(), answer.body, "{path} {body}");
    }
    let neutral = found(house, EventQuery::default());
    assert!(
        neutral
            .iter()
            .filter(|event| event.reason != event.detail)
            .count()
            >= 3
    );
    // A HEAD is kept as the GET that it is, and has no body.
    assert_eq!(
        house
            .request(Method::Get, &path(&none), &Value::Null)
            .status,
        404
    );
    assert_eq!(found(house, EventQuery::default())[0].answer(), None);
    house.create("/Users", &user("bo"));
    assert_eq!(found(house, EventQuery::default())[0].answer(), None);
    // An older version did not keep it.
    house.tamper("UPDATE provisioning_events SET detail = NULL");
    let events = found(house, EventQuery::default());
    assert!(events.iter().all(|event| event.answer().is_none()));
}

fn the_entry_of_a_large_group_has_the_status_that_was_answered(house: &House) {
    let operations: Vec<Value> = (0..101)
        .map(|at| {
            let data = user(&format!("u{at}"));
            json!({"method": "POST", "path": "/Users", "bulkId": format!("{at}"), "data": data})
        })
        .collect();
    let bulk = json!({"schemas": [uri::BULK_REQUEST], "Operations": operations});
    let created = house.request(Method::Post, "/Bulk", &bulk).body.unwrap();
    let created = created["Operations"].as_array().unwrap();
    let members: Vec<Value> = created
        .iter()
        .map(|one| json!({"value": one["location"].as_str().unwrap().rsplit('/').next()}))
        .collect();
    let group = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "G"}),
    );
    for (members, status) in [
        (&members[..100], 200),
        (&members[100..], 204),
        (&members[100..], 204),
    ] {
        let operation = json!({"op": "add", "path": "members", "value": members});
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
        let answer = house.request(Method::Patch, &format!("/Groups/{group}"), &body);
        assert_eq!(answer.status, status);
        assert_eq!(
            found(house, EventQuery::default())[0].status,
            i32::from(status)
        );
    }
}

/// What comes of a replay: its status and entry, or why it may not be.
fn replay(house: &House, id: i64) -> Result<(u16, Option<LoggedEvent>), String> {
    let ada = Actor::new("ada", Some("192.0.2.7"));
    let replay = house.admin.to_replay(&ada, id);
    let replay = replay.map_err(|error| error.to_string())?;
    let answer = house.provider.replay(&replay.caller, &replay.kept);
    let made = house.admin.replayed(&ada, &replay, &answer).unwrap();
    Ok((answer.status, made))
}

/// The id of the newest entry, which is a failure.
fn failure(house: &House) -> i64 {
    let event = &found(house, EventQuery::default())[0];
    assert_eq!(event.outcome.as_str(), "failure");
    event.id
}

fn title(value: &str) -> Value {
    json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": value}]})
}

fn a_failed_request_is_carried_out_again_as_it_was(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    assert_eq!(
        house.request(Method::Post, "/Users", &user("Ava")).status,
        409
    );
    let failed = failure(house);
    let (status, made) = replay(house, failed).unwrap();
    let made = made.unwrap();
    assert_eq!((status, made.status), (409, 409), "the same is in its way");
    assert_eq!(made.source.as_deref(), Some("192.0.2.7"));
    assert_eq!(made.actor.as_deref(), Some("ada"));
    assert_eq!(made.request, house.admin.event(failed).unwrap().request);
    assert_eq!(house.admin.event(failed).unwrap().resolved_at, None);

    let rename = json!({"schemas": [uri::PATCH_OP], "Operations": [
        {"op": "replace", "path": "userName", "value": "ava.old"},
        {"op": "replace", "path": "externalId", "value": "old"}]});
    let path = format!("/Users/{ava}");
    assert_eq!(house.request(Method::Patch, &path, &rename).status, 200);
    let (status, made) = replay(house, failed).unwrap();
    let made = made.unwrap();
    assert_eq!((status, made.resource_name.as_deref()), (201, Some("Ava")));
    assert_ne!(
        made.request_id,
        house.admin.event(failed).unwrap().request_id
    );
    let resolved = house.admin.event(failed).unwrap();
    assert_eq!(resolved.resolved_by.as_deref(), Some("ada"));
    let query = AuditQuery {
        event: Some("event.".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    let audit = house.admin.audit(&query).unwrap();
    let said: Vec<(&str, &Value, &Value)> = audit
        .iter()
        .map(|(_, entry)| {
            (
                &*entry.event,
                &entry.details["outcome"],
                &entry.details["entry"],
            )
        })
        .collect();
    assert_eq!(audit[0].1.object, format!("log entry {failed}"));
    assert_eq!(
        said[0],
        ("event.replayed", &json!("success"), &json!(made.id))
    );
    assert_eq!((said.len(), said[1].1), (2, &json!("failure")));
}

fn an_old_request_does_not_undo_what_is_newer(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let path = format!("/Users/{ava}");
    house.create("/Users", &user("bo"));
    let rename = json!({"schemas": [uri::PATCH_OP], "Operations": [
        {"op": "replace", "path": "userName", "value": "bo"},
        {"op": "replace", "path": "title", "value": "old"}]});
    assert_eq!(house.request(Method::Patch, &path, &rename).status, 409);
    let renamed = failure(house);
    assert!(house.admin.to_replay(&actor(), renamed).is_ok());
    assert_eq!(
        house.request(Method::Patch, &path, &title("new")).status,
        200
    );
    let newer = found(house, EventQuery::default())[0].id;
    // The later success closed the failure.
    house.admin.reopen_event(&actor(), renamed).unwrap();
    let refused = replay(house, renamed).unwrap_err();
    assert!(
        refused.starts_with(&format!("entry {newer} of the log")),
        "{refused}"
    );
    // What is read of the log alone.
    house.tamper("UPDATE users SET updated_at = 0");
    for (outcome, may) in [("held", false), ("warning", false), ("skipped", true)] {
        house.tamper(&format!(
            "UPDATE provisioning_events SET outcome = '{outcome}' WHERE id = {newer}"
        ));
        assert_eq!(
            house.admin.to_replay(&actor(), renamed).is_ok(),
            may,
            "{outcome}"
        );
    }
    // A failure changes nothing.
    assert_eq!(house.request(Method::Patch, &path, &rename).status, 409);
    let renamed = failure(house);
    assert_eq!(house.request(Method::Patch, &path, &rename).status, 409);
    assert!(house.admin.to_replay(&actor(), renamed).is_ok());

    // What an administrator did by hand is newer as well.
    std::thread::sleep(std::time::Duration::from_millis(2));
    let change = PersonChange::Block;
    house.admin.change_person(&actor(), &ava, change).unwrap();
    let refused = replay(house, renamed).unwrap_err();
    assert!(refused.contains("changed later by hand"), "{refused}");

    // Who was created and has left meanwhile is not created again.
    assert_eq!(
        house.request(Method::Post, "/Users", &user("BO")).status,
        409
    );
    let created = failure(house);
    let bo = house.get("/Users?filter=userName%20eq%20%22bo%22")["Resources"][0]["id"].clone();
    let bo = format!("/Users/{}", bo.as_str().unwrap());
    house.request(Method::Patch, &bo, &title("Boss"));
    house.request(Method::Delete, &bo, &Value::Null);
    house.admin.reopen_event(&actor(), created).unwrap();
    let refused = replay(house, created).unwrap_err();
    assert!(refused.contains("changed it later"), "{refused}");
    // A group of the name is another thing.
    assert_eq!(
        house.request(Method::Post, "/Users", &user("AVA")).status,
        409
    );
    let other = failure(house);
    house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "ava"}),
    );
    assert!(house.admin.to_replay(&actor(), other).is_ok());
}

fn what_was_bound_to_a_version_stays_bound_to_it(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let path = format!("/Users/{ava}");
    let body = title("Boss").to_string();
    let request = Request {
        method: Method::Patch,
        path: &path,
        query: "",
        body: body.as_bytes(),
        if_match: Some("W/\"7\""),
        if_none_match: None,
    };
    assert_eq!(house.provider.answer(&house.caller, &request).status, 412);
    assert_eq!(replay(house, failure(house)).unwrap().0, 412);
}

fn only_what_the_log_keeps_whole_is_replayed(house: &House) {
    house.create("/Users", &user("ava"));
    let mut hidden = user("ava");
    hidden["password"] = json!("s3cret");
    let circle = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
        {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {"schemas": [uri::GROUP],
            "displayName": "", "members": [{"value": "bulkId:b"}]}},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"schemas": [uri::USER, uri::ENTERPRISE_USER],
            "userName": "b", uri::ENTERPRISE_USER: {"manager": {"value": "bulkId:a"}}}}]});
    let search = json!({"schemas": [uri::SEARCH_REQUEST], "filter": "no filter"});
    for (method, path, body, reason) in [
        (Method::Post, "/Users/.search", search, "only the creation"),
        (Method::Post, "/Users", hidden, "hides a secret"),
        (
            Method::Post,
            "/Users",
            json!({"userName": "x".repeat(20_000)}),
            "not keep the whole",
        ),
        (
            Method::Post,
            "/Bulk",
            circle,
            "refers to what was not there",
        ),
    ] {
        house.request(method, path, &body);
        let events = found(house, EventQuery::default());
        let failed = events
            .iter()
            .find(|event| event.outcome.as_str() == "failure")
            .unwrap();
        let refused = replay(house, failed.id).unwrap_err();
        assert!(refused.contains(reason), "{path}: {refused}");
    }
    let success = found(
        house,
        EventQuery {
            outcome: Outcome::parse("success"),
            ..EventQuery::default()
        },
    );
    assert!(
        replay(house, success[0].id)
            .unwrap_err()
            .contains("only a failure")
    );
    assert!(
        replay(house, 1_000_000)
            .unwrap_err()
            .contains("no log entry")
    );
    assert_eq!(
        house.request(Method::Post, "/Users", &user("ava")).status,
        409
    );
    let failed = failure(house);
    let own = house.caller.configuration.id;
    house.admin.resolve_event(&actor(), failed).unwrap();
    assert!(replay(house, failed).unwrap_err().contains("resolved"));
    house.admin.reopen_event(&actor(), failed).unwrap();
    let found = house.admin.configuration(own).unwrap();
    let disabled = scim_admin::ConfigurationStatus::Disabled;
    house.admin.set_status(&actor(), &found, disabled).unwrap();
    assert!(replay(house, failed).unwrap_err().contains("disabled"));
    house.admin.delete_configuration(&actor(), own).unwrap();
    assert!(
        replay(house, failed)
            .unwrap_err()
            .contains("not there any more")
    );
    house.tamper("UPDATE provisioning_events SET request = NULL");
    assert!(
        replay(house, failed)
            .unwrap_err()
            .contains("not keep the request")
    );
    assert_eq!(audited(house, "event.replayed"), 0);
}

fn what_is_older_than_it_is_kept_goes_block_by_block(house: &House) {
    for name in ["a", "b", "c", "d"] {
        house.create("/Users", &user(name));
    }
    house.tamper("UPDATE provisioning_events SET at = id WHERE resource_name <> 'd'");
    let yesterday = Utc::now() - Duration::days(1);
    let forget = || house.admin.forget_events(yesterday, 2);
    assert_eq!(forget().unwrap(), 2);
    assert_eq!(names(&found(house, EventQuery::default())), ["d", "c"]);
    assert_eq!(forget().unwrap(), 1);
    assert_eq!(forget().unwrap(), 0);
    assert_eq!(names(&found(house, EventQuery::default())), ["d"]);
}

fn what_an_old_request_said_is_forgotten_block_by_block_and_its_entry_stays(house: &House) {
    for name in ["a", "b", "c", "d"] {
        house.create("/Users", &user(name));
    }
    house.tamper("UPDATE provisioning_events SET at = id WHERE resource_name <> 'd'");
    let month = Utc::now() - Duration::days(30);
    let forget = || house.admin.forget_requests(month, 2).unwrap();
    let kept = || {
        let entries = found(house, EventQuery::default());
        let whole = |id| house.admin.event(id).unwrap();
        let whole = entries.iter().map(|entry| whole(entry.id));
        names(
            &whole
                .filter(|entry| entry.request.is_some())
                .collect::<Vec<_>>(),
        )
        .iter()
        .map(|name| (*name).to_owned())
        .collect::<Vec<_>>()
    };
    assert_eq!(kept(), ["d", "c", "b", "a"]);
    assert_eq!(forget(), 2);
    assert_eq!(kept(), ["d", "c"]);
    assert_eq!((forget(), forget()), (1, 0));
    assert_eq!(kept(), ["d"]);
    let entries = found(house, EventQuery::default());
    assert_eq!(names(&entries), ["d", "c", "b", "a"]);
}

fn a_refused_name_that_cannot_be_stored_is_left_out_of_the_entry(house: &House) {
    for (path, body) in [
        ("/Users", user("a\u{0}b")),
        (
            "/Groups",
            json!({"schemas": [uri::GROUP], "displayName": "a\u{0}b"}),
        ),
    ] {
        assert_eq!(house.request(Method::Post, path, &body).status, 400);
        let entry = &found(house, EventQuery::default())[0];
        assert_eq!((entry.status, &entry.resource_name), (400, &None), "{path}");
        assert!(house.admin.to_replay(&actor(), entry.id).is_ok());
    }
    assert_eq!(found(house, EventQuery::default()).len(), 2);
}

fn a_refusal_keeps_its_step_and_cause_and_the_name_of_what_it_was_about(house: &House) {
    use scim_provisioning::{Cause, Stage};
    let ava = house.create("/Users", &user("ava"));
    let path = format!("/Users/{ava}");
    let none = format!("/Users/{}", uuid::Uuid::now_v7());
    let group = json!({"schemas": [uri::GROUP], "displayName": "G",
        "members": [{"value": uuid::Uuid::now_v7().to_string()}]});
    let long = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "userName", "value": " "}]});
    let circle = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "emails[", "value": "x"}]});
    for (method, path, body, stage, cause, name) in [
        (
            Method::Post,
            "/Users",
            user("Ava"),
            Stage::Match,
            Cause::UniquenessOwn,
            Some("Ava"),
        ),
        (
            Method::Post,
            "/Groups",
            group,
            Stage::Match,
            Cause::MemberUnknown,
            Some("G"),
        ),
        (
            Method::Patch,
            path.as_str(),
            long,
            Stage::Read,
            Cause::ValueInvalid,
            Some("ava"),
        ),
        (
            Method::Patch,
            path.as_str(),
            circle,
            Stage::Read,
            Cause::PathInvalid,
            Some("ava"),
        ),
        (
            Method::Patch,
            none.as_str(),
            title("x"),
            Stage::Match,
            Cause::ResourceUnknown,
            None,
        ),
    ] {
        assert!(house.request(method, path, &body).status >= 400);
        let event = &found(house, EventQuery::default())[0];
        assert_eq!(event.stage, Some(stage.into()));
        assert_eq!(event.cause, Some(cause.into()));
        assert_eq!(event.resource_name.as_deref(), name, "{cause:?}");
        assert_eq!(event.outcome.as_str(), "failure");
        assert_eq!((&event.actor, event.occurrences), (&None, 1));
    }
    // To look for what is gone is no failure.
    assert_eq!(house.request(Method::Get, &none, &Value::Null).status, 404);
    let event = &found(house, EventQuery::default())[0];
    assert_eq!(
        (event.action.as_str(), event.outcome.as_str()),
        ("read", "skipped")
    );
    assert_eq!(event.known_cause(), Some(Cause::ResourceUnknown));
    // What was carried out has neither.
    house.create("/Users", &user("bo"));
    let event = &found(house, EventQuery::default())[0];
    assert_eq!((&event.stage, &event.cause), (&None, &None));
}

fn a_failure_closes_when_the_same_object_succeeds_later(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let path = format!("/Users/{ava}");
    let blank = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "userName", "value": " "}]});
    let event = |id: i64| house.admin.event(id).unwrap();
    // A change that failed, and one of somebody else.
    assert_eq!(house.request(Method::Patch, &path, &blank).status, 400);
    let failed = failure(house);
    let bo = house.create("/Users", &user("bo"));
    assert_eq!(event(failed).resolved_at, None, "another succeeded");
    let changed = house.request(Method::Patch, &path, &title("Boss"));
    assert_eq!(changed.status, 200);
    let closed = event(failed);
    assert_eq!(closed.resolved_by.as_deref(), Some("a later success"));
    assert!(closed.resolved_at.is_some());
    // A creation that failed closes under its name, whatever its case.
    assert_eq!(
        house.request(Method::Post, "/Users", &user("AVA")).status,
        409
    );
    let failed = failure(house);
    let rename = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "userName", "value": "eva"}]});
    house.request(Method::Patch, &path, &rename);
    assert_eq!(event(failed).resolved_at, None);
    house.create("/Users", &user("ava"));
    assert_eq!(
        event(failed).resolved_by.as_deref(),
        Some("a later success")
    );
    // What an administrator opens again is open.
    let ada = actor();
    house.admin.reopen_event(&ada, failed).unwrap();
    assert_eq!(event(failed).state(), Some(EventState::Open));
    // A failure that comes later is none that closed.
    assert_eq!(
        house.request(Method::Post, "/Users", &user("bo")).status,
        409
    );
    assert_eq!(event(failure(house)).resolved_at, None);
    assert_eq!(
        house
            .request(Method::Delete, &format!("/Users/{bo}"), &Value::Null)
            .status,
        204
    );
}

fn what_another_version_wrote_of_an_entry_is_shown_as_it_stands(house: &House) {
    house.create("/Users", &user("ava"));
    house.create("/Users", &user("bo"));
    let all = found(house, EventQuery::default());
    let columns = ["action", "resource_type", "outcome", "cause", "stage"];
    for column in columns {
        house.tamper(&format!(
            "UPDATE provisioning_events SET {column} = 'promote' WHERE id = {}",
            all[0].id
        ));
    }
    let strange = &found(house, EventQuery::default())[0];
    let word = "promote";
    let shown = [
        Some(strange.action.as_str()),
        strange.kind.as_ref().map(Word::as_str),
        Some(strange.outcome.as_str()),
        strange.cause.as_ref().map(Word::as_str),
        strange.stage.as_ref().map(Word::as_str),
    ];
    assert_eq!(shown, [Some(word); 5]);
    assert_eq!(strange.outcome.known(), None);
    assert_eq!(strange.state(), None);
    assert_eq!(strange.resource_name, all[0].resource_name);
    let since = Utc::now() - Duration::days(1);
    let counted = house.admin.activity(since, None).unwrap();
    let counted: Vec<_> = counted
        .iter()
        .map(|one| (one.outcome, one.entries))
        .collect();
    assert_eq!(counted, [(Outcome::Success, 1)]);
}

fn a_damaged_entry_takes_nothing_but_its_own_values_along(house: &House) {
    house.create("/Users", &user("ava"));
    house.create("/Users", &user("bo"));
    let all = found(house, EventQuery::default());
    house.tamper(&format!(
        "UPDATE provisioning_events SET changes = 'odd', deviations = '[', request = '{{', \
         configuration_id = 'odd' WHERE id = {}",
        all[0].id
    ));
    let read = found(house, EventQuery::default());
    assert_eq!(read[1..], all[1..]);
    let damaged = &read[0];
    assert_eq!(
        (&damaged.changes, &damaged.deviations, &damaged.request),
        (&Value::Null, &Value::Null, &None)
    );
    assert_eq!(damaged.resource_name, all[0].resource_name);
    assert!(house.admin.event(damaged.id).is_ok());
}

fn requests_are_added_up_by_hour(house: &House) {
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

engines::tests! {
    on_both(House::new):
        a_refusal_keeps_its_step_and_cause_and_the_name_of_what_it_was_about,
        requests_are_added_up_by_hour,
        what_another_version_wrote_of_an_entry_is_shown_as_it_stands,
        a_damaged_entry_takes_nothing_but_its_own_values_along,
        the_log_is_found_by_what_people_look_for,
        a_name_is_found_among_few_entries_and_among_many,
        the_log_keeps_requests_without_their_secrets,
        what_happened_is_counted_once_however_often_hours_are_closed,
        a_time_is_found_from_either_side_in_either_order,
        a_failure_is_resolved_and_opened_again,
        an_entry_knows_what_the_client_was_answered,
        the_entry_of_a_large_group_has_the_status_that_was_answered,
        a_failed_request_is_carried_out_again_as_it_was,
        an_old_request_does_not_undo_what_is_newer,
        what_was_bound_to_a_version_stays_bound_to_it,
        only_what_the_log_keeps_whole_is_replayed,
        what_is_older_than_it_is_kept_goes_block_by_block,
        what_an_old_request_said_is_forgotten_block_by_block_and_its_entry_stays,
        a_refused_name_that_cannot_be_stored_is_left_out_of_the_entry,
        a_failure_closes_when_the_same_object_succeeds_later;
}
