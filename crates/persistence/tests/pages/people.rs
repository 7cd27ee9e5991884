//! People and groups.

use super::*;

pub(super) fn one_person_and_one_group_are_shown_with_what_belongs_to_them(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let group =
        json!({"schemas": [uri::GROUP], "displayName": "Crew", "members": [{"value": ava}]});
    let crew = house.create("/Groups", &group);
    let person = house.admin.person(&ava).unwrap();
    assert_eq!(person.external_id.as_deref(), Some("x-ava"));
    assert_eq!(person.configuration, Some(house.caller.configuration.id));
    assert_eq!(person.document["userName"], "ava");
    assert!(!person.document.to_string().contains("s3cret"));
    assert_eq!(
        (person.groups.len(), person.groups[0].name.as_str()),
        (1, "Crew")
    );
    let shown = house.admin.group(&crew).unwrap();
    assert_eq!(
        (shown.group.members, shown.group.name.as_str()),
        (1, "Crew")
    );
    let members = house.admin.members(&crew, None, 10).unwrap();
    assert_eq!(members[0].name.as_deref(), Some("ava"));
    assert!(
        house
            .admin
            .members(&crew, Some(&ava), 10)
            .unwrap()
            .is_empty()
    );
    let counts = house
        .admin
        .managed_counts(house.caller.configuration.id)
        .unwrap();
    assert_eq!((counts.active, counts.groups, counts.held), (1, 1, 0));
    assert!(matches!(
        house.admin.person(&crew),
        Err(AdminError::NotFound { .. })
    ));
    assert!(matches!(
        house.admin.group("x"),
        Err(AdminError::NotFound { .. })
    ));
}

pub(super) fn people_are_blocked_and_unlinked_by_hand(house: &House) {
    let mut said = user("ava");
    said["active"] = json!(true);
    let ava = house.create("/Users", &said);
    let change = |change| house.admin.change_person(&actor(), &ava, change);
    change(PersonChange::Block).unwrap();
    assert!(matches!(
        change(PersonChange::Block),
        Err(AdminError::Invalid(_))
    ));
    assert_eq!(house.get(&format!("/Users/{ava}"))["active"], false);
    change(PersonChange::Unblock).unwrap();
    assert_eq!(house.get(&format!("/Users/{ava}"))["active"], true);
    change(PersonChange::Unlink).unwrap();
    assert_eq!(
        house
            .request(Method::Get, &format!("/Users/{ava}"), &Value::Null)
            .status,
        404
    );
    assert!(matches!(
        change(PersonChange::Unlink),
        Err(AdminError::Invalid(_))
    ));
    let audit = house.admin.audit(&AuditQuery {
        event: Some("person.".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    });
    let events: Vec<_> = audit
        .unwrap()
        .into_iter()
        .map(|(_, entry)| entry.event)
        .collect();
    assert_eq!(
        events,
        ["person.unlinked", "person.unblocked", "person.blocked"]
    );
}

pub(super) fn people_are_found_by_how_they_are_and_who_manages_them(house: &House) {
    let (ava, bo) = (
        house.create("/Users", &user("ava")),
        house.create("/Users", &user("bo")),
    );
    let by_hand = scim_admin::people::PersonInput {
        user_name: "cy".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    house.admin.add_person(&actor(), &by_hand).unwrap();
    let change = |id: &str, change| house.admin.change_person(&actor(), id, change);
    change(&ava, PersonChange::Archive).unwrap();
    change(&bo, PersonChange::Convert(UserType::Technician)).unwrap();
    // Twice is once too often.
    for (id, again) in [
        (&ava, PersonChange::Archive),
        (&bo, PersonChange::Convert(UserType::Technician)),
    ] {
        assert!(matches!(change(id, again), Err(AdminError::Invalid(_))));
    }
    let names = |query: PeopleQuery| -> Vec<String> {
        let query = PeopleQuery { limit: 10, ..query };
        let found = house.admin.people(&query).unwrap().into_iter();
        found.map(|person| person.user_name).collect()
    };
    let of = |query| names(query);
    let own = house.admin.find_configuration("Test").unwrap().id;
    assert_eq!(
        of(PeopleQuery {
            status: Some("archived".to_owned()),
            ..PeopleQuery::default()
        }),
        ["ava"]
    );
    assert_eq!(
        of(PeopleQuery {
            user_type: Some(UserType::Technician),
            ..PeopleQuery::default()
        }),
        ["bo"]
    );
    assert_eq!(
        of(PeopleQuery {
            managed_by: ManagedBy::Nobody,
            ..PeopleQuery::default()
        }),
        ["cy"]
    );
    assert_eq!(
        of(PeopleQuery {
            managed_by: ManagedBy::Configuration(own),
            search: Some("A".to_owned()),
            ..PeopleQuery::default()
        }),
        ["ava"]
    );
    // The name of somebody archived is free; whoever comes back then has none.
    house.create(
        "/Users",
        &json!({"schemas": [uri::USER], "userName": "dee"}),
    );
    let cy = names(PeopleQuery::default());
    assert_eq!(cy.len(), 4);
    change(&ava, PersonChange::Unblock).unwrap();
    assert_eq!(house.admin.person(&ava).unwrap().person.status, "active");
}

pub(super) fn a_group_that_is_unlinked_stays_and_is_out_of_sight(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let group = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Crew", "members": [{"value": ava}]}),
    );
    let of = |managed_by| {
        let query = scim_admin::people::GroupsQuery {
            managed_by,
            limit: 10,
            ..Default::default()
        };
        house.admin.groups(&query).unwrap().len()
    };
    let own = ManagedBy::Configuration(house.admin.find_configuration("Test").unwrap().id);
    assert_eq!((of(own), of(ManagedBy::Nobody)), (1, 0));
    let seen = || house.get(&format!("/Groups/{group}"));
    let before = seen()["meta"]["version"].clone();
    let change = PersonChange::Unlink;
    house.admin.change_person(&actor(), &ava, change).unwrap();
    assert_ne!(
        seen()["meta"]["version"],
        before,
        "a member is out of sight"
    );
    let outer = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "All", "members": [{"value": group}]}),
    );
    let outer = || house.get(&format!("/Groups/{outer}"));
    let before = outer();
    assert_eq!(before["members"].as_array().map(Vec::len), Some(1));
    house.admin.unlink_group(&actor(), &group).unwrap();
    assert_eq!((of(own), of(ManagedBy::Nobody)), (1, 1));
    assert_eq!(outer().get("members"), None);
    assert_ne!(outer()["meta"]["version"], before["meta"]["version"]);
    let found = house.admin.group(&group).unwrap().group;
    assert_eq!((found.managed_by, found.members), (None, 1));
    let path = format!("/Groups/{group}");
    assert_eq!(house.request(Method::Get, &path, &Value::Null).status, 404);
    assert!(matches!(
        house.admin.unlink_group(&actor(), &group),
        Err(AdminError::Invalid(_))
    ));
}

pub(super) fn what_is_allowed_does_not_reach_whoever_was_protected_meanwhile(house: &House) {
    let seen = house.admin.find_configuration("Test").unwrap();
    let mut input = ConfigurationInput::of(&seen);
    (input.policies.guard.count, input.policies.guard.percent) = (1, 1);
    let configuration = house.admin.edit_configuration(&actor(), &seen, &input);
    let caller = common::caller(configuration.unwrap().to_provisioning());
    let ids = ["a", "b", "c", "d"].map(|name| house.create("/Users", &user(name)));
    for id in &ids {
        let body = json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "replace", "path": "active", "value": false}]});
        let body = body.to_string();
        let path = format!("/Users/{id}");
        let request = scim_provisioning::Request {
            method: Method::Patch,
            path: &path,
            query: "",
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        assert_eq!(house.provider.answer(&caller, &request).status, 200);
    }
    let held = house.admin.held(house.id_of("Test"), None, 10).unwrap();
    assert_eq!(held.len(), 3);
    let behind = house
        .admin
        .held(house.id_of("Test"), Some(&held[0].id), 1)
        .unwrap();
    assert_eq!(behind, held[1..2]);
    let end = house.admin.held_end(house.id_of("Test")).unwrap();
    assert_eq!(end, (3, Some(held[2].id.clone())));
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1 WHERE id = '{}'",
        held[0].user
    ));
    let all = scim_admin::policy::Which::All;
    house
        .admin
        .decide_held(&actor(), house.id_of("Test"), all, true)
        .unwrap();
    let status = |id: &str| house.admin.person(id).unwrap().person.status;
    assert_eq!(status(&held[0].user), "active", "protected");
    assert_eq!(status(&held[1].user), "blocked");
    assert_eq!(
        house.admin.held_end(house.id_of("Test")).unwrap(),
        (0, None)
    );
    let skipped = found(
        house,
        EventQuery {
            outcome: Outcome::parse("skipped"),
            ..EventQuery::default()
        },
    );
    assert!(
        skipped[0]
            .reason
            .as_deref()
            .unwrap_or_default()
            .contains("protected")
    );
}

pub(super) fn whoever_stays_keeps_what_belongs_to_them(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let group = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Crew", "members": [{"value": ava}]}),
    );
    // As it was left by a policy that deletes, before somebody changed their mind.
    house.tamper("UPDATE users SET purge_at = 1");
    house.admin.purge_people(Utc::now(), 100).unwrap();
    assert_eq!(house.admin.group(&group).unwrap().group.members, 1);
    house.tamper("UPDATE users SET left_at = 1");
    let change = PersonChange::Unlink;
    house.admin.change_person(&actor(), &ava, change).unwrap();
    house.tamper("UPDATE users SET left_at = 1");
    house.admin.purge_people(Utc::now(), 100).unwrap();
    assert!(house.admin.person(&ava).is_ok(), "nobody is to be deleted");
}

pub(super) fn an_approved_link_is_one_change_with_its_entry(house: &House) {
    let person = |name: &str| scim_admin::people::PersonInput {
        user_name: name.to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let admin = &house.admin;
    let eve = admin.add_person(&actor(), &person("eve")).unwrap();
    let refused = house.request(Method::Post, "/Users", &user("eve"));
    assert_eq!(refused.status, 409);
    let link = admin
        .link_requests(house.id_of("Test"), &LinksQuery::default())
        .unwrap()
        .remove(0);
    let approve = || admin.approve_link(&actor(), &house.provider, house.id_of("Test"), &link);
    let approved = || {
        let query = AuditQuery {
            event: Some("link.approved".to_owned()),
            limit: 10,
            ..AuditQuery::default()
        };
        admin.audit(&query).unwrap().len()
    };
    // Somebody else has the name by now: whoever was approved is not the one in the way.
    house.tamper(&format!(
        "UPDATE users SET user_name = 'eva', user_name_key = 'eva' WHERE id = '{eve}'"
    ));
    let other = admin.add_person(&actor(), &person("eve")).unwrap();
    assert!(matches!(approve(), Err(AdminError::Invalid(_))));
    assert_eq!(admin.person(&other).unwrap().person.managed_by, None);
    assert_eq!(approved(), 0);
    house.tamper(&format!("DELETE FROM users WHERE id = '{other}'"));
    house.tamper("UPDATE users SET user_name = 'eve', user_name_key = 'eve'");
    approve().unwrap();
    assert!(admin.person(&eve).unwrap().person.managed_by.is_some());
    assert_eq!(approved(), 1);
    assert!(
        admin
            .link_requests(house.id_of("Test"), &LinksQuery::default())
            .unwrap()
            .is_empty()
    );
}
