//! Members whom nobody sees, the guard of members, and ids that several have.

use super::*;

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

pub(super) fn a_repeated_external_id_is_accepted_and_told_or_refused(engine: &Engine) {
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

pub(super) fn a_group_that_is_not_shown_is_no_part_of_the_entity_tag_that_is_looked_for(
    house: &House,
) {
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

pub(super) fn unknown_members_refuse_the_request_or_are_left_out_and_join_when_they_come(
    engine: &Engine,
) {
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

pub(super) fn whoever_comes_back_joins_what_awaits_them_then_and_nothing_forgets_them(
    engine: &Engine,
) {
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

pub(super) fn the_guard_of_members_holds_until_an_administrator_decides(engine: &Engine) {
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

pub(super) fn the_guard_of_members_refuses_or_warns_where_the_policy_says_so(engine: &Engine) {
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

pub(super) fn every_user_who_waits_for_a_person_is_kept_and_the_strongest_comes_first(
    house: &House,
) {
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
