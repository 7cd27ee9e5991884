//! When a failure is resolved, and how long entries are kept.

use super::*;

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

pub(super) fn a_failure_is_resolved_and_opened_again(house: &House) {
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

pub(super) fn what_is_older_than_it_is_kept_goes_block_by_block(house: &House) {
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

pub(super) fn what_an_old_request_said_is_forgotten_block_by_block_and_its_entry_stays(
    house: &House,
) {
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

pub(super) fn a_failure_closes_when_the_same_object_succeeds_later(house: &House) {
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
