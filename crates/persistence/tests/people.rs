//! What must never happen to people by what an identity provider leaves unsaid, or by what the
//! rules are applied to again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{Engine, House, actor};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use scim_admin::AdminError;
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::{LinksQuery, Which};
use scim_protocol::schema::uri;
use scim_provisioning::policy::{
    Deletion, ExistingUsers, Guard, MemberGuard, MemberGuardAction, RepeatedExternalIds,
    UnknownMembers,
};
use scim_provisioning::{Method, Policies};
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

fn patched(house: &House, id: &str, operations: &Value) -> Value {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let answer = house.request(Method::Patch, &format!("/Users/{id}"), &body);
    assert_eq!(answer.status, 200, "{operations}: {:?}", answer.body);
    answer.body.unwrap()
}

fn status(house: &House, id: &str) -> String {
    house.admin.person(id).unwrap().person.status
}

fn total(house: &House, filter: &str) -> u64 {
    let list = house.get(&format!("/Users?filter={}", filter.replace(' ', "%20")));
    list["totalResults"].as_u64().unwrap()
}

/// The same house with other policies of its caller.
fn with_policies(house: &mut House, policies: Policies) {
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies = policies;
    house.caller.configuration = configuration.into();
}

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

fn what_says_nothing_of_active_lets_nobody_in_and_keeps_nobody_out(house: &House) {
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
fn silence_undoes_no_administrator(house: &House) {
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

fn a_person_blocked_by_hand_who_is_linked_in_silence_stays_blocked(house: &House) {
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

fn a_person_who_is_linked_at_once_keeps_the_status_unless_it_is_said(engine: &Engine) {
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

fn a_user_of_whom_nobody_said_it_is_answered_and_found_as_active(house: &House) {
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
fn users_of_an_older_version_are_found_as_active_after_the_migration(house: &House) {
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
            include_str!("../migrations/sqlite/2026-11-26-030001_active/up.sql"),
        ),
        false => (
            "(scim_document::jsonb - 'active')::text",
            "search_document - 'active'",
            include_str!("../migrations/postgres/2026-11-26-030001_active/up.sql"),
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

fn report(name: &str, manager: &str) -> Value {
    json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": name,
        uri::ENTERPRISE_USER: {"manager": {"value": manager}}})
}

fn manager(house: &House, id: &str) -> Option<String> {
    house.admin.person(id).unwrap().person.manager
}

fn reference(user: &Value) -> &Value {
    &user[uri::ENTERPRISE_USER]["manager"]["$ref"]
}

/// Applies the rules to everybody, in as many steps as it takes.
fn reapply(house: &House) {
    let mut job = house
        .admin
        .begin_reapply(&actor(), house.id_of("Test"))
        .unwrap();
    while !job.finished {
        job = house
            .provider
            .reapply(&house.caller.configuration, &job)
            .unwrap();
    }
}

/// Writes that say nothing new of a manager, one of each kind.
fn rewrite(house: &House, id: &str, body: &Value, title: &str) {
    patched(
        house,
        id,
        &json!([{"op": "replace", "path": "title", "value": title}]),
    );
    let mut body = body.clone();
    body["title"] = format!("{title} again").into();
    let answer = house.request(Method::Put, &format!("/Users/{id}"), &body);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

fn a_manager_whose_deletion_is_held_or_who_left_stays_the_manager(engine: &Engine) {
    let mut house = House::new(engine);
    with_policies(
        &mut house,
        Policies {
            guard: Guard {
                count: 1,
                percent: 1,
                ..Guard::default()
            },
            ..Policies::default()
        },
    );
    let house = &house;
    let boss = house.create(
        "/Users",
        &json!({"userName": "boss", "externalId": "E1",
        "emails": [{"value": "boss@x.example", "type": "work"}]}),
    );
    let left = house.create("/Users", &user("left"));
    let names = [
        boss.clone(),
        "E1".into(),
        "Boss".into(),
        "BOSS@x.example".into(),
        left.clone(),
    ];
    let reports: Vec<(String, Value)> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let body = report(&format!("report{at}"), name);
            (house.create("/Users", &body), body)
        })
        .collect();
    let managers = || {
        reports
            .iter()
            .map(|(id, _)| manager(house, id))
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = [&boss, &boss, &boss, &boss, &left]
        .map(|id| Some(id.clone()))
        .into();
    assert_eq!(managers(), expected);
    // The first one may leave; the second is held.
    for id in [&left, &boss] {
        let gone = house.request(Method::Delete, &format!("/Users/{id}"), &Value::Null);
        assert_eq!(gone.status, 204);
    }
    assert_eq!(
        (status(house, &left), status(house, &boss)),
        ("archived".into(), "active".into())
    );
    assert_eq!(managers(), expected, "after DELETE");
    for (id, body) in &reports {
        rewrite(house, id, body, "Guide");
    }
    assert_eq!(managers(), expected, "after PATCH and PUT");
    house.tamper("UPDATE users SET first_name = 'Nobody'");
    reapply(house);
    assert_eq!(managers(), expected, "after the rules were applied again");
    // A new report of somebody whose deletion is held has that manager, too.
    let late = house.create("/Users", &report("late", "boss@x.example"));
    assert_eq!(manager(house, &late).as_ref(), Some(&boss));
    house
        .admin
        .decide_held(&actor(), house.id_of("Test"), Which::All, false)
        .unwrap();
    assert_eq!(managers(), expected, "after it was refused");
    // Somebody else, and nobody.
    let operations = json!([{"op": "replace", "path": format!("{}:manager", uri::ENTERPRISE_USER),
        "value": {"value": "late"}}]);
    patched(house, &reports[0].0, &operations);
    assert_eq!(manager(house, &reports[0].0), Some(late));
    patched(
        house,
        &reports[0].0,
        &json!([{"op": "remove",
        "path": format!("{}:manager", uri::ENTERPRISE_USER)}]),
    );
    assert_eq!(manager(house, &reports[0].0), None);
}

fn reports_of_one_who_left_go_to_the_one_who_comes_in_the_place(house: &House) {
    let first = house.create("/Users", &json!({"userName": "boss", "externalId": "E1"}));
    let report = house.create("/Users", &report("report", "E1"));
    house.request(Method::Delete, &format!("/Users/{first}"), &Value::Null);
    assert_eq!(manager(house, &report), Some(first.clone()));
    let second = house.create("/Users", &json!({"userName": "boss", "externalId": "E1"}));
    assert_ne!(first, second);
    assert_eq!(manager(house, &report), Some(second));
}

fn whoever_came_at_the_same_time_as_the_manager_is_linked_when_the_manager_changes(house: &House) {
    let boss = house.create("/Users", &user("boss"));
    let ada = house.create("/Users", &report("ada", "boss"));
    assert_eq!(manager(house, &ada).as_ref(), Some(&boss));
    // Neither saw the other.
    house.tamper(&format!(
        "UPDATE users SET manager_id = NULL WHERE id = '{ada}'"
    ));
    assert_eq!(manager(house, &ada), None);
    let title = json!([{"op": "replace", "path": "title", "value": "Chief"}]);
    patched(house, &boss, &title);
    assert_eq!(manager(house, &ada).as_ref(), Some(&boss));
}

fn only_a_manager_who_can_be_read_has_a_reference(house: &House) {
    let boss = house.create("/Users", &user("boss"));
    let other = house.create("/Users", &user("other"));
    let created = house
        .request(Method::Post, "/Users", &report("ava", &boss))
        .body
        .unwrap();
    let url = format!("{}/Users/{boss}", common::BASE);
    assert_eq!(reference(&created), &json!(url));
    let id = created["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    assert_eq!(reference(&house.get(&path)), &json!(url));
    assert_eq!(
        reference(&house.get("/Users?filter=userName%20eq%20%22ava%22")["Resources"][0]),
        &json!(url)
    );
    // What was read is sent back whole.
    let put = house.request(Method::Put, &path, &created).body.unwrap();
    assert_eq!(reference(&put), &json!(url));
    house.request(Method::Delete, &format!("/Users/{boss}"), &Value::Null);
    assert_eq!(reference(&house.get(&path)), &Value::Null);
    assert_eq!(
        house.get(&path)[uri::ENTERPRISE_USER]["manager"]["value"],
        json!(boss)
    );
    for named in [uuid::Uuid::new_v4().to_string(), "other".into()] {
        let body = report("ava", &named);
        let answer = house.request(Method::Put, &path, &body).body.unwrap();
        assert_eq!(reference(&answer), &Value::Null, "{named}");
    }
    let answer = house
        .request(Method::Put, &path, &report("ava", &other))
        .body
        .unwrap();
    assert_eq!(
        reference(&answer),
        &json!(format!("{}/Users/{other}", common::BASE))
    );
}

const FIELDS: &str = scim_mapping::EXTENSION;

fn field(house: &House, key: &str, kind: Value) {
    let field = json!({"key": key, "label": key, "type": kind});
    house
        .admin
        .add_custom_field(&actor(), &serde_json::from_value(field).unwrap())
        .unwrap();
}

/// The caller with the fields and rules that are there now.
fn again(house: &mut House) {
    let stored = house.admin.find_configuration("Test").unwrap();
    house.caller = common::caller(stored.to_provisioning());
}

fn person(house: &House, id: &str) -> Value {
    Value::Object(house.admin.person(id).unwrap().person.fields)
}

fn whole_numbers_reach_the_record_exactly_and_edits_of_them_reach_the_identity_provider(
    engine: &Engine,
) {
    let mut house = House::new(engine);
    field(&house, "badge", json!({"number": {"integer": true}}));
    field(&house, "rate", json!({"number": {}}));
    again(&mut house);
    let house = &house;
    for (badge, rate) in [
        (json!(5), json!(5)),
        (json!(12_345_678_901_234_567_i64), json!(1.5)),
    ] {
        let id = house.create(
            "/Users",
            &json!({"userName": badge.to_string(),
            FIELDS: {"badge": badge, "rate": rate}}),
        );
        let fields = person(house, &id);
        assert_eq!(fields["custom_fields.badge"].to_string(), badge.to_string());
        assert_eq!(fields["custom_fields.rate"].to_string(), rate.to_string());
        let shown = house.get(&format!("/Users/{id}"));
        assert_eq!(shown[FIELDS]["badge"].to_string(), badge.to_string());
        assert_eq!(shown[FIELDS]["rate"].to_string(), rate.to_string());
        let edited = r#"{"badge": 7, "rate": 2.5}"#;
        house.tamper(&format!(
            "UPDATE users SET custom_fields = '{edited}' WHERE id = '{id}'"
        ));
        let shown = house.get(&format!("/Users/{id}"));
        assert_eq!(shown[FIELDS], json!({"badge": 7, "rate": 2.5}));
        // As an older version wrote it, it is no edit.
        let older = format!(r#"{{"badge": {badge}, "rate": 5.0}}"#).replace("5,", "5.0,");
        house.tamper(&format!(
            "UPDATE users SET custom_fields = '{older}' WHERE id = '{id}'"
        ));
        let drift = house
            .provider
            .drift_of(&house.caller.configuration, &id)
            .unwrap();
        let expected: &[&str] = if rate == json!(5) {
            &[]
        } else {
            &["custom_fields.rate"]
        };
        assert_eq!(drift, expected);
    }
}

fn a_field_that_is_deleted_takes_its_values_along_and_leaves_the_others(engine: &Engine) {
    let mut house = House::new(engine);
    field(&house, "site", json!("longText"));
    field(&house, "badge", json!({"number": {"integer": true}}));
    again(&mut house);
    let both = house.create(
        "/Users",
        &json!({"userName": "ava",
        FIELDS: {"site": "Berlin", "badge": 7}}),
    );
    let one = house.create("/Users", &json!({"userName": "bob", FIELDS: {"badge": 8}}));
    house.admin.delete_custom_field(&actor(), "badge").unwrap();
    again(&mut house);
    let ava = house.get(&format!("/Users/{both}"));
    assert_eq!(ava[FIELDS], json!({"site": "Berlin"}));
    assert_eq!(total(&house, &format!("{FIELDS}:site eq \"Berlin\"")), 1);
    let bob = house.get(&format!("/Users/{one}"));
    assert_eq!(bob.get(FIELDS), None);
    assert!(
        !bob["schemas"].as_array().unwrap().contains(&json!(FIELDS)),
        "{bob}"
    );
    for id in [&both, &one] {
        assert_eq!(person(&house, id).get("custom_fields.badge"), None);
        let document = house.admin.person(id).unwrap().document;
        assert_eq!(document[FIELDS].get("badge"), None, "{document}");
    }
    // The same key with another type begins without values.
    field(&house, "badge", json!("longText"));
    again(&mut house);
    let house = &house;
    assert_eq!(
        house.get(&format!("/Users/{both}"))[FIELDS],
        json!({"site": "Berlin"})
    );
    let put = json!({"userName": "ava", FIELDS: {"site": "Berlin", "badge": "B-7"}});
    let answer = house.request(Method::Put, &format!("/Users/{both}"), &put);
    assert_eq!(
        answer.body.unwrap()[FIELDS],
        json!({"site": "Berlin", "badge": "B-7"})
    );
    assert_eq!(person(house, &both)["custom_fields.badge"], "B-7");
    assert_eq!(total(house, &format!("{FIELDS}:badge eq \"b-7\"")), 1);
    reapply(house);
    assert_eq!(person(house, &both)["custom_fields.badge"], "B-7");
}

fn logged(house: &House) -> Vec<scim_admin::event::LoggedEvent> {
    common::found(house, scim_admin::event::EventQuery::default())
}

fn an_update_of_which_something_was_dropped_is_a_warning_that_names_it(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let ops = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Ops"}),
    );
    let patch = |operations: Value| json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let (user_path, group_path) = (format!("/Users/{ava}"), format!("/Groups/{ops}"));
    for (method, path, body, named) in [
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "add", "path": "favouriteColour", "value": "x"}])),
            Some("favouriteColour"),
        ),
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "replace", "value": {"shoeSize": 9}}])),
            Some("shoeSize"),
        ),
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "replace", "value": {"title": "T", "shoeSize": 9}}])),
            Some("shoeSize"),
        ),
        (
            Method::Put,
            &user_path,
            json!({"userName": "ava", "title": "T", "hat": 7}),
            Some("hat"),
        ),
        (
            Method::Patch,
            &group_path,
            patch(json!([{"op": "add", "path": "memebers", "value": [{"value": ava}]}])),
            Some("memebers"),
        ),
        (
            Method::Put,
            &group_path,
            json!({"displayName": "Ops", "colour": "red"}),
            Some("colour"),
        ),
        // Ordinary updates that change nothing write nothing.
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "Replace", "path": "title", "value": "T"}])),
            None,
        ),
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "remove", "path": "nickName"}])),
            None,
        ),
        (
            Method::Put,
            &group_path,
            json!({"displayName": "Ops"}),
            None,
        ),
    ] {
        let before = logged(house).len();
        let answer = house.request(method, path, &body);
        assert!(
            [200, 204].contains(&answer.status),
            "{body}: {:?}",
            answer.body
        );
        let events = logged(house);
        let Some(named) = named else {
            assert_eq!(events.len(), before, "{body}");
            continue;
        };
        assert_eq!(events.len(), before + 1, "{body}");
        assert_eq!(events[0].outcome.as_str(), "warning", "{body}");
        let told = events[0].deviations.to_string();
        assert!(told.contains(named), "{body}: {told}");
        assert!(events[0].resource_name.is_some());
    }
}

fn group(name: &str, external_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [uri::GROUP], "displayName": name, "externalId": external_id,
        "members": members})
}

fn member_ids(house: &House, group: &str) -> Vec<String> {
    let group = house.get(&format!("/Groups/{group}"));
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members
        .iter()
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect()
}

fn a_repeated_external_id_is_accepted_and_told_or_refused(engine: &Engine) {
    let mut house = House::new(engine);
    let with_id =
        |name: &str, id: &str| json!({"schemas": [uri::USER], "userName": name, "externalId": id});
    house.create("/Users", &with_id("ava", "7"));
    house.create("/Users", &with_id("bob", "7"));
    assert_eq!(logged(&house)[0].outcome.as_str(), "warning");
    assert!(
        logged(&house)[0]
            .deviations
            .to_string()
            .contains("repeatedExternalId")
    );
    let cay = house.create("/Users", &with_id("cay", "8"));
    assert_eq!(logged(&house)[0].outcome.as_str(), "success");
    let id = |id: &str| json!([{"op": "replace", "path": "externalId", "value": id}]);
    patched(&house, &cay, &id("7"));
    assert_eq!(logged(&house)[0].outcome.as_str(), "warning");
    assert_eq!(total(&house, "externalId eq \"7\""), 3);
    // It is told when it happens, and not with every change.
    patched(
        &house,
        &cay,
        &json!([{"op": "replace", "path": "title", "value": "T"}]),
    );
    assert_eq!(logged(&house)[0].outcome.as_str(), "success");
    house.create("/Groups", &group("Ops", "7", &[]));
    let other = house.create("/Groups", &group("Desk", "7", &[]));
    assert_eq!(logged(&house)[0].outcome.as_str(), "warning");

    with_policies(
        &mut house,
        Policies {
            external_ids: RepeatedExternalIds::Refuse,
            ..Policies::default()
        },
    );
    let house = &house;
    let refused = house.request(Method::Post, "/Users", &with_id("dan", "7"));
    assert_eq!(refused.body.unwrap()["scimType"], "uniqueness");
    let body = json!({"Operations": id("7")});
    let eve = house.create("/Users", &with_id("eve", "9"));
    assert_eq!(
        house
            .request(Method::Patch, &format!("/Users/{eve}"), &body)
            .status,
        409
    );
    assert_eq!(
        house
            .request(Method::Post, "/Groups", &group("New", "7", &[]))
            .status,
        409
    );
    let free = json!({"Operations": id("10")});
    assert_eq!(
        house
            .request(Method::Patch, &format!("/Groups/{other}"), &free)
            .status,
        200
    );
    assert_eq!(
        house
            .request(Method::Patch, &format!("/Groups/{other}"), &body)
            .status,
        409
    );
    // Those that are there go on being changed.
    patched(
        house,
        &cay,
        &json!([{"op": "replace", "path": "title", "value": "U"}]),
    );
}

/// An `externalId` finds nobody's manager where several have it.
fn a_repeated_external_id_names_no_manager(house: &House) {
    let boss = json!({"userName": "boss", "externalId": "E"});
    let first = house.create("/Users", &boss);
    let report_of_one = house.create("/Users", &report("one", "E"));
    assert_eq!(manager(house, &report_of_one), Some(first));
    house.create("/Users", &json!({"userName": "other", "externalId": "E"}));
    let report_of_two = house.create("/Users", &report("two", "E"));
    assert_eq!(manager(house, &report_of_two), None);
}

fn a_group_that_is_not_shown_is_no_part_of_the_entity_tag_that_is_looked_for(house: &House) {
    let ada = house.create("/Users", &user("ada"));
    let ops = house.create("/Groups", &group("Ops", "1", &[&ada]));
    let hidden = format!("UPDATE groups SET confers_admin = 1 WHERE id = '{ops}'");
    house.tamper(&hidden);
    let version = house.get(&format!("/Users/{ada}"))["meta"]["version"].clone();
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": format!("meta.version eq {version}")});
    let found = house.request(Method::Post, "/Users/.search", &body);
    assert_eq!(found.body.unwrap()["totalResults"], 1, "{version}");
}

fn unknown_members_refuse_the_request_or_are_left_out_and_join_when_they_come(engine: &Engine) {
    let mut house = House::new(engine);
    let ava = house.create("/Users", &user("ava"));
    let unknown = uuid::Uuid::new_v4().to_string();
    let refused = house.request(
        Method::Post,
        "/Groups",
        &group("Ops", "1", &[&ava, &unknown]),
    );
    assert_eq!(refused.body.unwrap()["scimType"], "invalidValue");

    with_policies(
        &mut house,
        Policies {
            unknown_members: UnknownMembers::Skip,
            deletion: Deletion::Block,
            ..Policies::default()
        },
    );
    let house = &house;
    let bob = house.create("/Users", &user("bob"));
    house.request(Method::Delete, &format!("/Users/{bob}"), &Value::Null);
    let ops = house.create(
        "/Groups",
        &group("Ops", "1", &[&ava, &unknown, &bob, "no id"]),
    );
    assert_eq!(member_ids(house, &ops), std::slice::from_ref(&ava));
    let told = &logged(house)[0];
    assert_eq!(told.outcome.as_str(), "warning");
    for id in [&unknown, &bob, "no id"] {
        assert!(told.deviations.to_string().contains(id), "{id}");
    }
    let desk = house.create("/Groups", &group("Desk", "2", &[&bob]));
    let path = format!("/Groups/{desk}");
    // What was taken back is awaited no more, and what changes nothing is told all the same.
    let remove = json!([{"op": "remove", "path": "members", "value": [{"value": bob}]}]);
    let patch = |path: &str, operations: &Value| {
        let body = json!({"Operations": operations});
        assert!(house.request(Method::Patch, path, &body).status < 300);
    };
    patch(&path, &remove);
    let before = logged(house).len();
    let add = json!([{"op": "add", "path": "members", "value": [{"value": unknown}]}]);
    patch(&path, &add);
    assert_eq!(logged(house).len(), before + 1);
    assert_eq!(logged(house)[0].outcome.as_str(), "warning");
    let put = group("Desk", "2", &[&ava, &unknown]);
    assert_eq!(house.request(Method::Put, &path, &put).status, 200);
    assert_eq!(member_ids(house, &desk), std::slice::from_ref(&ava));
    // The one who left comes back.
    assert_eq!(house.create("/Users", &user("bob")), bob);
    let mut both = [ava.clone(), bob.clone()];
    both.sort();
    assert_eq!(member_ids(house, &ops), both);
    assert_eq!(member_ids(house, &desk), std::slice::from_ref(&ava));
    let groups = house.get(&format!("/Users/{bob}"))["groups"].clone();
    assert_eq!(groups[0]["value"], json!(ops));
}

fn whoever_comes_back_joins_what_awaits_them_then_and_nothing_forgets_them(engine: &Engine) {
    let mut house = House::new(engine);
    let policies = Policies {
        unknown_members: UnknownMembers::Skip,
        deletion: Deletion::Block,
        ..Policies::default()
    };
    with_policies(&mut house, policies);
    let house = &house;
    let bob = house.create("/Users", &user("bob"));
    house.request(Method::Delete, &format!("/Users/{bob}"), &Value::Null);
    let [ops, desk] = [("Ops", "1"), ("Desk", "2")].map(|(name, external)| {
        let members: &[&str] = if name == "Ops" { &[&bob] } else { &[] };
        house.create("/Groups", &group(name, external, members))
    });
    let mut other: diesel::PgConnection =
        diesel::Connection::establish(&house.settings.url).unwrap();
    // A request that changes whom the group awaits has locked it.
    let lock = format!("BEGIN; SELECT 1 FROM groups WHERE id = '{ops}' FOR UPDATE");
    other.batch_execute(&lock).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| assert_eq!(house.create("/Users", &user("bob")), bob));
        until_somebody_waits(&mut other);
        let forget = format!(
            "DELETE FROM awaited_members WHERE group_id = '{ops}'; \
             INSERT INTO awaited_members (group_id, member_id) VALUES ('{desk}', '{bob}'); COMMIT"
        );
        other.batch_execute(&forget).unwrap();
    });
    assert!(member_ids(house, &ops).is_empty());
    // Who was not seen is awaited still.
    house.request(Method::Delete, &format!("/Users/{bob}"), &Value::Null);
    assert_eq!(house.create("/Users", &user("bob")), bob);
    assert_eq!(member_ids(house, &desk), [bob]);
}

/// Waits until another session waits for a lock.
fn until_somebody_waits(connection: &mut diesel::PgConnection) {
    #[derive(diesel::QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    let sql = "SELECT count(*) AS number FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting: Vec<Waiting> = diesel::sql_query(sql).load(connection).unwrap();
        if waiting[0].number > 0 {
            return;
        }
        std::thread::yield_now();
    }
}

fn the_guard_of_members_holds_until_an_administrator_decides(engine: &Engine) {
    let mut house = House::new(engine);
    with_policies(
        &mut house,
        Policies {
            member_guard: MemberGuard {
                count: 2,
                percent: 50,
                ..MemberGuard::default()
            },
            ..Policies::default()
        },
    );
    let house = &house;
    let ids: Vec<String> = (0..6)
        .map(|at| house.create("/Users", &user(&format!("u{at}"))))
        .collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let ops = house.create("/Groups", &group("Ops", "1", &all));
    let path = format!("/Groups/{ops}");
    let in_directory = || house.admin.members(&ops, None, 100).unwrap().len();
    let put = |members: &[&str]| {
        let answer = house.request(Method::Put, &path, &group("Ops", "1", members));
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    };
    // Half of them may go; so may whoever is named.
    put(&all[..3]);
    assert_eq!((member_ids(house, &ops).len(), in_directory()), (3, 3));
    put(&all);
    let tag = house.get(&path)["meta"]["version"].clone();
    put(&all[..1]);
    // It looks done; the members keep what the group gives.
    assert_ne!(house.get(&path)["meta"]["version"], tag);
    assert_eq!(member_ids(house, &ops), [ids[0].clone()]);
    assert!(
        house
            .get(&format!("/Users/{}", ids[5]))
            .get("groups")
            .is_none()
    );
    assert_eq!(total(house, &format!("groups.value eq \"{ops}\"")), 1);
    let listed = house.get(&format!(
        "/Groups?filter=members.value%20eq%20%22{}%22",
        ids[5]
    ));
    assert_eq!(listed["totalResults"], 0);
    assert_eq!(in_directory(), 6);
    let told = &logged(house)[0];
    assert_eq!(
        (told.outcome.as_str(), told.resource_name.as_deref()),
        ("held", Some("Ops"))
    );
    assert!(
        told.reason.as_ref().unwrap().contains("5 of 6 members"),
        "{told:?}"
    );
    let held = house.admin.held(house.id_of("Test"), None, 100).unwrap();
    assert_eq!(held.len(), 5);
    assert_eq!(house.admin.held_end(house.id_of("Test")).unwrap().0, 5);
    assert!(
        held.iter()
            .all(|change| change.group.as_deref() == Some("Ops"))
    );
    assert_eq!(
        house
            .admin
            .held(house.id_of("Test"), Some(&held[2].id), 100)
            .unwrap()
            .len(),
        2
    );
    // To say it again changes nothing; who is added again is a member as before.
    let before = logged(house).len();
    put(&all[..1]);
    assert_eq!(logged(house).len(), before);
    let add =
        json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": ids[1]}]}]});
    assert_eq!(house.request(Method::Patch, &path, &add).status, 200);
    assert_eq!(
        house
            .admin
            .held(house.id_of("Test"), None, 100)
            .unwrap()
            .len(),
        4
    );
    let decide = |which: Which, allow: bool| {
        house
            .admin
            .decide_held(&actor(), house.id_of("Test"), which, allow)
            .unwrap()
            .len()
    };
    assert_eq!(decide(Which::Users(vec!["u2".into()]), true), 1);
    assert_eq!(decide(Which::Users(vec!["U3".into()]), false), 1);
    assert_eq!(member_ids(house, &ops).len(), 3);
    assert_eq!(in_directory(), 5);
    assert_eq!(decide(Which::All, true), 2);
    assert_eq!((member_ids(house, &ops).len(), in_directory()), (3, 3));
    assert_eq!(
        house.admin.held(house.id_of("Test"), None, 100).unwrap(),
        []
    );
    // A remove of all is the same.
    let clear = json!({"Operations": [{"op": "remove", "path": "members"}]});
    assert_eq!(house.request(Method::Patch, &path, &clear).status, 200);
    assert_eq!((member_ids(house, &ops).len(), in_directory()), (0, 3));
    house.admin.unlink_group(&actor(), &ops).unwrap();
    assert_eq!(
        house.admin.held(house.id_of("Test"), None, 100).unwrap(),
        []
    );
    assert_eq!(in_directory(), 3);
}

fn the_guard_of_members_refuses_or_warns_where_the_policy_says_so(engine: &Engine) {
    let mut house = House::new(engine);
    let ids: Vec<String> = (0..4)
        .map(|at| house.create("/Users", &user(&format!("u{at}"))))
        .collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let ops = house.create("/Groups", &group("Ops", "1", &all));
    let path = format!("/Groups/{ops}");
    let replace =
        json!({"Operations": [{"op": "replace", "path": "members", "value": [{"value": ids[0]}]}]});
    for (action, status, left) in [
        (MemberGuardAction::Reject, 403, 4),
        (MemberGuardAction::Warn, 200, 1),
    ] {
        with_policies(
            &mut house,
            Policies {
                member_guard: MemberGuard {
                    count: 1,
                    percent: 10,
                    action,
                },
                ..Policies::default()
            },
        );
        let answer = house.request(Method::Patch, &path, &replace);
        assert_eq!(answer.status, status, "{:?}", answer.body);
        assert_eq!(member_ids(&house, &ops).len(), left);
    }
    assert_eq!(logged(&house)[0].outcome.as_str(), "warning");
    assert_eq!(
        logged(&house)[1]
            .cause
            .as_ref()
            .map(scim_admin::event::Word::as_str),
        Some("guard.rejected")
    );
}

fn every_user_who_waits_for_a_person_is_kept_and_the_strongest_comes_first(house: &House) {
    let admin = &house.admin;
    let input = PersonInput {
        user_name: "eve".to_owned(),
        email: Some("eve@corp.example".to_owned()),
        tenant_admin: false,
        role: None,
    };
    let eve = admin.add_person(&actor(), &input).unwrap();
    let same = json!({"schemas": [uri::USER], "userName": "Eve", "title": "right"});
    let other = json!({"schemas": [uri::USER], "userName": "evelyn",
        "emails": [{"value": "eve@corp.example"}]});
    for body in [&same, &other] {
        let refused = house.request(Method::Post, "/Users", body);
        assert_eq!(refused.status, 409);
    }
    let waiting = || {
        admin
            .link_requests(house.id_of("Test"), &LinksQuery::default())
            .unwrap()
    };
    let shown = waiting();
    let names: Vec<&str> = shown
        .iter()
        .map(scim_admin::policy::LinkRequest::user_name)
        .collect();
    assert_eq!(names, ["Eve", "evelyn"], "a later one takes no place");
    assert!(matches!(
        admin.chosen_link(house.id_of("Test"), &eve, None),
        Err(AdminError::Invalid(_))
    ));
    // Asked for again it is another one than was shown.
    house.request(Method::Post, "/Users", &same);
    assert_eq!(waiting().len(), 2);
    assert!(matches!(
        admin.chosen_link(house.id_of("Test"), &eve, Some(&shown[0].id)),
        Err(AdminError::NotFound { .. })
    ));
    let chosen = waiting().remove(0);
    let chosen = admin
        .chosen_link(house.id_of("Test"), &eve, Some(&chosen.id))
        .unwrap();
    admin
        .approve_link(&actor(), &house.provider, house.id_of("Test"), &chosen)
        .unwrap();
    let person = admin.person(&eve).unwrap();
    assert_eq!(person.document["userName"], "Eve");
    assert!(waiting().is_empty(), "nobody waits for her any more");
}

engines::tests! {
    on_both(House::new):
        what_says_nothing_of_active_lets_nobody_in_and_keeps_nobody_out,
        silence_undoes_no_administrator,
        a_person_blocked_by_hand_who_is_linked_in_silence_stays_blocked,
        a_user_of_whom_nobody_said_it_is_answered_and_found_as_active,
        users_of_an_older_version_are_found_as_active_after_the_migration,
        reports_of_one_who_left_go_to_the_one_who_comes_in_the_place,
        whoever_came_at_the_same_time_as_the_manager_is_linked_when_the_manager_changes,
        only_a_manager_who_can_be_read_has_a_reference,
        an_update_of_which_something_was_dropped_is_a_warning_that_names_it,
        a_repeated_external_id_names_no_manager,
        a_group_that_is_not_shown_is_no_part_of_the_entity_tag_that_is_looked_for,
        every_user_who_waits_for_a_person_is_kept_and_the_strongest_comes_first;
    on_both(Engine::clone):
        a_person_who_is_linked_at_once_keeps_the_status_unless_it_is_said,
        a_manager_whose_deletion_is_held_or_who_left_stays_the_manager,
        whole_numbers_reach_the_record_exactly_and_edits_of_them_reach_the_identity_provider,
        a_field_that_is_deleted_takes_its_values_along_and_leaves_the_others,
        a_repeated_external_id_is_accepted_and_told_or_refused,
        unknown_members_refuse_the_request_or_are_left_out_and_join_when_they_come,
        the_guard_of_members_holds_until_an_administrator_decides,
        the_guard_of_members_refuses_or_warns_where_the_policy_says_so;
    on_postgres(Engine::clone):
        whoever_comes_back_joins_what_awaits_them_then_and_nothing_forgets_them;
}
