//! Who may work: what is said of `active`, and what is not.

use super::*;

fn by_hand(house: &House, name: &str) -> String {
    let input = PersonInput {
        user_name: name.to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    house.admin.add_person(&actor(), &input).unwrap()
}

const SILENT: [&str; 6] = [
    r#"[{"op": "replace", "path": "active", "value": null}]"#,
    r#"[{"op": "add", "path": "active", "value": null}]"#,
    r#"[{"op": "remove", "path": "active"}]"#,
    r#"[{"op": "replace", "value": {"active": null}}]"#,
    r#"[{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": null}]"#,
    r#"[{"op": "replace", "path": "title", "value": "Guide"}]"#,
];

pub(super) fn what_says_nothing_of_active_lets_nobody_in_and_keeps_nobody_out(house: &House) {
    for (active, expected) in [(false, "blocked"), (true, "active")] {
        let id = house.create("/Users", &user(expected));
        let say = json!([{"op": "replace", "path": "active", "value": active}]);
        assert_eq!(patched(house, &id, &say)["active"], active);
        let check = |answer: &Value, after: &str| {
            assert_eq!(status(house, &id), expected, "{after}");
            assert_eq!(answer["active"], active, "{after}");
            let found = format!("userName eq \"{expected}\" and active eq {active}");
            assert_eq!(total(house, &found), 1, "{after}");
        };
        for operations in SILENT {
            let answer = patched(house, &id, &serde_json::from_str(operations).unwrap());
            check(&answer, operations);
        }
        for body in [
            user(expected),
            json!({"userName": expected, "active": null}),
        ] {
            let answer = house.request(Method::Put, &format!("/Users/{id}"), &body);
            check(&answer.body.unwrap(), "PUT");
        }
        let operations = json!([
            {"method": "PATCH", "path": format!("/Users/{id}"), "data":
                {"Operations": [{"op": "remove", "path": "active"}]}},
            {"method": "PUT", "path": format!("/Users/{id}"), "data": user(expected)}]);
        let bulk = json!({"schemas": [uri::BULK_REQUEST], "Operations": operations});
        let answer = house.request(Method::Post, "/Bulk", &bulk).body.unwrap();
        assert_eq!(answer["Operations"][1]["status"], "200", "{answer}");
        check(&house.get(&format!("/Users/{id}")), "bulk");
    }
}

/// What an administrator did by hand is not undone by a request that says nothing of it.
pub(super) fn silence_undoes_no_administrator(house: &House) {
    let id = house.create("/Users", &user("ava"));
    for (change, wanted) in [
        (PersonChange::Block, "blocked"),
        (PersonChange::Unblock, "active"),
        (PersonChange::Archive, "archived"),
    ] {
        house.admin.change_person(&actor(), &id, change).unwrap();
        for operations in SILENT {
            patched(house, &id, &serde_json::from_str(operations).unwrap());
            assert_eq!(status(house, &id), wanted, "{operations}");
        }
        let answer = house.request(Method::Put, &format!("/Users/{id}"), &user("ava"));
        assert_eq!(answer.status, 200);
        assert_eq!(status(house, &id), wanted, "PUT");
    }
    // Nor is somebody blocked whom an administrator let in again.
    house
        .admin
        .change_person(&actor(), &id, PersonChange::Unblock)
        .unwrap();
    patched(
        house,
        &id,
        &json!([{"op": "replace", "path": "active", "value": false}]),
    );
    house
        .admin
        .change_person(&actor(), &id, PersonChange::Unblock)
        .unwrap();
    patched(
        house,
        &id,
        &json!([{"op": "replace", "path": "title", "value": "Chief"}]),
    );
    assert_eq!(status(house, &id), "active");
}

pub(super) fn a_person_blocked_by_hand_who_is_linked_in_silence_stays_blocked(house: &House) {
    let ask = by_hand(house, "ava");
    house
        .admin
        .change_person(&actor(), &ask, PersonChange::Block)
        .unwrap();
    let refused = house.request(Method::Post, "/Users", &user("ava"));
    assert_eq!(refused.status, 409);
    let links = house
        .admin
        .link_requests(house.id_of("Test"), &LinksQuery::default())
        .unwrap();
    house
        .admin
        .approve_link(&actor(), &house.provider, house.id_of("Test"), &links[0])
        .unwrap();
    assert_eq!(status(house, &ask), "blocked");
    assert_eq!(house.get(&format!("/Users/{ask}"))["active"], false);
    assert_eq!(total(house, "active eq false"), 1);
}

pub(super) fn a_person_who_is_linked_at_once_keeps_the_status_unless_it_is_said(engine: &Engine) {
    let mut house = House::new(engine);
    with_policies(
        &mut house,
        Policies {
            existing_users: ExistingUsers::Link,
            ..Policies::default()
        },
    );
    let house = &house;
    for (name, said, expected) in [
        ("ava", None, "blocked"),
        ("bea", Some(true), "active"),
        ("cay", Some(false), "blocked"),
    ] {
        let id = by_hand(house, name);
        house
            .admin
            .change_person(&actor(), &id, PersonChange::Block)
            .unwrap();
        let mut body = user(name);
        if let Some(active) = said {
            body["active"] = active.into();
        }
        assert_eq!(house.create("/Users", &body), id);
        assert_eq!(status(house, &id), expected, "{name}");
        let active = house.get(&format!("/Users/{id}"))["active"].clone();
        assert_eq!(active, expected == "active", "{name}");
    }
}

pub(super) fn a_user_of_whom_nobody_said_it_is_answered_and_found_as_active(house: &House) {
    let answer = house
        .request(Method::Post, "/Users", &user("ava"))
        .body
        .unwrap();
    assert_eq!(answer["active"], true);
    let id = answer["id"].as_str().unwrap();
    assert_eq!(house.get(&format!("/Users/{id}"))["active"], true);
    for filter in [
        "active eq true",
        "active pr",
        "active ne false",
        "not (active eq false)",
    ] {
        assert_eq!(total(house, filter), 1, "{filter}");
    }
    assert_eq!(total(house, "active eq false"), 0);
}

/// The users of an older version, which kept no `active` where none was sent.
pub(super) fn users_of_an_older_version_are_found_as_active_after_the_migration(house: &House) {
    let id = house.create(
        "/Users",
        &json!({"schemas": [uri::USER], "userName": "ava",
        "displayName": "Ava {\"active\"}"}),
    );
    let blocked = house.create("/Users", &json!({"userName": "bob", "active": false}));
    let (scim, search, migration) = match house.settings.url.starts_with("sqlite:") {
        true => (
            "json_remove(scim_document, '$.active')",
            "json_remove(search_document, '$.active')",
            include_str!("../../migrations/sqlite/2026-11-26-030001_active/up.sql"),
        ),
        false => (
            "(scim_document::jsonb - 'active')::text",
            "search_document - 'active'",
            include_str!("../../migrations/postgres/2026-11-26-030001_active/up.sql"),
        ),
    };
    house.tamper(&format!(
        "UPDATE users SET scim_document = {scim}, search_document = {search} WHERE id = '{id}'"
    ));
    assert_eq!(total(house, "active eq true"), 0);
    house.tamper(migration);
    assert_eq!(total(house, "active eq true"), 1);
    let ava = house.get(&format!("/Users/{id}"));
    assert_eq!(
        (&ava["active"], &ava["displayName"]),
        (&json!(true), &json!("Ava {\"active\"}"))
    );
    assert_eq!(house.get(&format!("/Users/{blocked}"))["active"], false);
    assert_eq!(total(house, "active eq false"), 1);
}
