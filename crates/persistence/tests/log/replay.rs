//! Requests of the log that are carried out again.

use super::*;

/// What comes of a replay: its status and entry, or why it may not be.
fn replay(house: &House, id: i64) -> Result<(u16, Option<LoggedEvent>), String> {
    let ada = Actor::new("ada", Some("192.0.2.7"));
    let replay = house.admin.to_replay(&ada, id);
    let replay = replay.map_err(|error| error.to_string())?;
    let done = house.admin.replay(&ada, &house.provider, &replay).unwrap();
    Ok((done.answer.status, done.made))
}

pub(super) fn a_failed_request_is_carried_out_again_as_it_was(house: &House) {
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
        event: Some("event.replayed".to_owned()),
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

pub(super) fn an_old_request_does_not_undo_what_is_newer(house: &House) {
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

pub(super) fn what_was_bound_to_a_version_stays_bound_to_it(house: &House) {
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

pub(super) fn only_what_the_log_keeps_whole_is_replayed(house: &House) {
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
