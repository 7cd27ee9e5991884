//! What an entry holds.

use super::*;

pub(super) fn the_log_keeps_requests_without_their_secrets(house: &House) {
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

pub(super) fn an_entry_knows_what_the_client_was_answered(house: &House) {
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

pub(super) fn the_entry_of_a_large_group_has_the_status_that_was_answered(house: &House) {
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

pub(super) fn a_refused_name_that_cannot_be_stored_is_left_out_of_the_entry(house: &House) {
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

pub(super) fn a_refusal_keeps_its_step_and_cause_and_the_name_of_what_it_was_about(house: &House) {
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

pub(super) fn what_another_version_wrote_of_an_entry_is_shown_as_it_stands(house: &House) {
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

pub(super) fn a_damaged_entry_takes_nothing_but_its_own_values_along(house: &House) {
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
