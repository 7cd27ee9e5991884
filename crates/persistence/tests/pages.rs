//! What the administrators' pages read and do, on every engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use chrono::{Duration, Utc};
use common::{House, actor, configuration, found};
use scim_admin::account::Role;
use scim_admin::event::{AuditQuery, EventQuery};
use scim_admin::mapping::DraftSeen;
use scim_admin::people::{ManagedBy, PeopleQuery, PersonChange, UserType};
use scim_admin::policy::LinksQuery;
use scim_admin::survey::{Survey, SurveyKind};
use scim_admin::{AdminError, Attempt, ConfigurationInput, ConfigurationStatus, VersionChoice};
use scim_mapping::ResourceKind;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use scim_provisioning::event::Outcome;
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "externalId": format!("x-{name}"), "password": "s3cret-s3cret"})
}

fn one_person_and_one_group_are_shown_with_what_belongs_to_them(house: &House) {
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

fn people_are_blocked_and_unlinked_by_hand(house: &House) {
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

fn the_last_administrator_stays(house: &House) {
    let add = |name: &str, role| {
        let password = "a long enough pass phrase";
        house
            .admin
            .add_account(&actor(), name, role, password)
            .unwrap()
            .id
    };
    let (one, two) = (add("one", Role::Administrator), add("two", Role::Auditor));
    let last = |done: Result<(), AdminError>| matches!(done, Err(AdminError::Invalid(_)));
    assert!(last(house.admin.delete_account(&actor(), &one)));
    assert!(last(house.admin.set_role(&actor(), &one, Role::Auditor)));
    assert_eq!(house.admin.account(&one).unwrap().role, Role::Administrator);
    house
        .admin
        .set_role(&actor(), &two, Role::Administrator)
        .unwrap();
    house.admin.delete_account(&actor(), &one).unwrap();
    assert!(matches!(
        house.admin.account(&one),
        Err(AdminError::NotFound { .. })
    ));
    // What was refused is not in the audit either.
    let audit = AuditQuery {
        event: Some("account.".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(house.admin.audit(&audit).unwrap().len(), 4);
}

fn sessions_are_seen_and_ended(house: &House) {
    let password = "a long enough pass phrase";
    let account = house
        .admin
        .add_account(&actor(), "one", Role::Administrator, password);
    let token = house
        .admin
        .sign_in(&Attempt {
            name: "one",
            password,
            ..Attempt::default()
        })
        .unwrap()
        .session;
    let sessions = house.admin.sessions().unwrap();
    assert_eq!((sessions.len(), sessions[0].1.as_str()), (1, "one"));
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_some()
    );
    house
        .admin
        .revoke_session(&actor(), &sessions[0].0.hash)
        .unwrap();
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_none()
    );
    let token = house
        .admin
        .sign_in(&Attempt {
            name: "one",
            password,
            ..Attempt::default()
        })
        .unwrap()
        .session;
    house
        .admin
        .add_account(&actor(), "two", Role::Administrator, password)
        .unwrap();
    house
        .admin
        .set_role(&actor(), &account.unwrap().id, Role::Auditor)
        .unwrap();
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_none()
    );
}

fn the_audit_is_found_by_who_what_and_when(house: &House) {
    configuration(&house.admin, "Second");
    house
        .admin
        .exported(&actor(), "log", json!({"rows": 3}))
        .unwrap();
    let by = |query: AuditQuery| {
        house
            .admin
            .audit(&AuditQuery { limit: 10, ..query })
            .unwrap()
            .len()
    };
    assert_eq!(by(AuditQuery::default()), 3);
    assert_eq!(
        by(AuditQuery {
            event: Some("configuration.".to_owned()),
            ..AuditQuery::default()
        }),
        2
    );
    assert_eq!(
        by(AuditQuery {
            actor: Some("nobody".to_owned()),
            ..AuditQuery::default()
        }),
        0
    );
    assert_eq!(
        by(AuditQuery {
            since: Some(Utc::now() + Duration::minutes(1)),
            ..AuditQuery::default()
        }),
        0
    );
    assert_eq!(
        by(AuditQuery {
            until: Some(Utc::now() + Duration::minutes(1)),
            ..AuditQuery::default()
        }),
        3
    );
}

fn people_are_found_by_how_they_are_and_who_manages_them(house: &House) {
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

fn a_group_that_is_unlinked_stays_and_is_out_of_sight(house: &House) {
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

fn a_custom_field_changes_but_for_its_type(house: &House) {
    let field = |label: &str, kind: Value| -> scim_mapping::CustomField {
        let field = json!({"key": "badge", "label": label, "type": kind});
        serde_json::from_value(field).unwrap()
    };
    let edit = |field| house.admin.edit_custom_field(&actor(), &field);
    let short = || field("Badge", json!({"text": {"max": 10}}));
    assert!(matches!(edit(short()), Err(AdminError::NotFound { .. })));
    house.admin.add_custom_field(&actor(), &short()).unwrap();
    let before = house.admin.find_configuration("Test").unwrap().model.fields;
    edit(field("Badge number", json!({"text": {"max": 40}}))).unwrap();
    let stored = house.admin.custom_fields().unwrap().remove(0);
    assert_eq!(stored, field("Badge number", json!({"text": {"max": 40}})));
    let after = house.admin.find_configuration("Test").unwrap().model.fields;
    assert!(after > before, "servers are told");
    for other in [json!("boolean"), json!({"number": {"integer": true}})] {
        let refused = edit(field("Badge", other));
        assert!(matches!(refused, Err(AdminError::Invalid(_))));
    }
}

fn a_configuration_has_a_history_of_its_own(house: &House) {
    let other = configuration(&house.admin, "Other");
    let one = house.admin.find_configuration("Test").unwrap();
    let mut input = ConfigurationInput::of(&one);
    input.name = "Renamed".to_owned();
    house
        .admin
        .edit_configuration(&actor(), &one, &input)
        .unwrap();
    house
        .admin
        .add_token(&actor(), one.id, Some(1), None)
        .unwrap();
    let history = |id| {
        let query = AuditQuery {
            configuration: Some(id),
            limit: 10,
            ..AuditQuery::default()
        };
        let found = house.admin.audit(&query).unwrap().into_iter();
        found
            .map(|(_, entry)| entry.event.into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        history(one.id),
        [
            "token.created",
            "configuration.edited",
            "configuration.created"
        ]
    );
    assert_eq!(history(other.id), ["configuration.created"]);
    assert_eq!(house.admin.verify_audit(None).unwrap().fault, None);
}

fn nobody_overwrites_what_they_have_not_seen(house: &House) {
    let seen = house.admin.find_configuration("Test").unwrap();
    let own = seen.id;
    let named = |name: &str| ConfigurationInput {
        name: name.to_owned(),
        ..ConfigurationInput::of(&seen)
    };
    let edit = |name| {
        house
            .admin
            .edit_configuration(&actor(), &seen, &named(name))
    };
    edit("First").unwrap();
    assert!(matches!(edit("Second"), Err(AdminError::Stale)));
    let paused = house
        .admin
        .set_status(&actor(), &seen, ConfigurationStatus::Paused);
    assert!(matches!(paused, Err(AdminError::Stale)));

    let rules = serde_json::to_value(scim_mapping::MappingSet::default_user()).unwrap();
    let draft = |note: &str, seen: &DraftSeen| {
        let admin = &house.admin;
        let kept = admin.draft_mapping(&actor(), own, &rules, note, seen);
        kept.map(|(draft, _)| DraftSeen::Checksum(draft.checksum))
    };
    let activate = |seen: &DraftSeen| {
        let (admin, resource) = (&house.admin, ResourceKind::User);
        admin.activate_mapping(&actor(), own, resource, seen)
    };
    let mine = draft("mine", &DraftSeen::None).unwrap();
    assert!(matches!(
        draft("theirs", &DraftSeen::None),
        Err(AdminError::Stale)
    ));
    assert!(matches!(
        activate(&DraftSeen::Checksum("another".to_owned())),
        Err(AdminError::Stale)
    ));
    assert_eq!(activate(&mine).unwrap().version, 2);
    assert!(matches!(activate(&mine), Err(AdminError::NotFound { .. })));
}

fn the_audit_tells_what_a_draft_changes_member_by_member(house: &House) {
    let set = scim_mapping::MappingSet::default_user();
    let mut rules = serde_json::to_value(set).unwrap();
    let draft = |rules: &Value, seen: &DraftSeen| {
        let kept = house
            .admin
            .draft_mapping(&actor(), house.id_of("Test"), rules, "", seen);
        DraftSeen::Checksum(kept.unwrap().0.checksum)
    };
    let told = || {
        let query = AuditQuery {
            event: Some("mapping.drafted".to_owned()),
            limit: 1,
            ..AuditQuery::default()
        };
        house.admin.audit(&query).unwrap().remove(0).1.details
    };
    // Of what is in use.
    let first = rules["rules"][0]["key"].as_str().unwrap().to_owned();
    let was = rules["rules"][0]["warnIfMissing"].clone();
    let is = json!(was != true);
    rules["rules"][0]["warnIfMissing"] = is.clone();
    let removed = rules["rules"].as_array_mut().unwrap().pop().unwrap();
    let last = removed["key"].as_str().unwrap().to_owned();
    let seen = draft(&rules, &DraftSeen::None);
    let details = told();
    assert_eq!(
        details["old"],
        json!({ (first.clone()): {"warnIfMissing": was}, (last): removed })
    );
    assert_eq!(
        details["new"],
        json!({ (first.clone()): {"warnIfMissing": is} })
    );
    // Of the draft that was there.
    rules["rules"][0]["warnIfMissing"] = was.clone();
    draft(&rules, &seen);
    let details = told();
    assert_eq!(
        details["old"],
        json!({ (first.clone()): {"warnIfMissing": is} })
    );
    assert_eq!(details["new"], json!({ (first): {"warnIfMissing": was} }));
}

fn of_many_who_draft_at_once_one_is_kept(house: &House) {
    let rules = serde_json::to_value(scim_mapping::MappingSet::default_user()).unwrap();
    let kept = std::thread::scope(|scope| {
        let drafting: Vec<_> = (0..8)
            .map(|number| {
                let (admin, rules) = (&house.admin, &rules);
                let note = number.to_string();
                scope.spawn(move || {
                    admin.draft_mapping(
                        &actor(),
                        house.id_of("Test"),
                        rules,
                        &note,
                        &DraftSeen::None,
                    )
                })
            })
            .collect();
        let done = drafting.into_iter().map(|one| one.join().unwrap());
        done.filter(|kept| match kept {
            Ok(_) => true,
            Err(AdminError::Stale) => false,
            Err(error) => panic!("{error}"),
        })
        .count()
    });
    assert_eq!(kept, 1);
}

fn what_is_allowed_does_not_reach_whoever_was_protected_meanwhile(house: &House) {
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

fn whoever_stays_keeps_what_belongs_to_them(house: &House) {
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

fn a_name_stands_for_nobody_else(house: &House) {
    let id = house
        .admin
        .find_configuration("Test")
        .unwrap()
        .id
        .to_string();
    let named = |name: &str| {
        let input = ConfigurationInput {
            name: name.to_owned(),
            ..ConfigurationInput::fresh()
        };
        house.admin.add_configuration(&actor(), &input, None)
    };
    for name in [&*id, "Te\u{200b}st", "\u{202e}tseT", "a\u{0}"] {
        let refused = named(name);
        assert!(matches!(refused, Err(AdminError::Invalid(_))), "{name:?}");
    }
    let password = "a long enough pass phrase";
    for name in ["Command Line", "API key k", "nobody", "a\u{ad}da"] {
        let (role, admin) = (Role::Auditor, &house.admin);
        let refused = admin.add_account(&actor(), name, role, password);
        assert!(matches!(refused, Err(AdminError::Invalid(_))), "{name:?}");
    }
}

fn a_name_that_nobody_has_is_answered_as_one_that_somebody_has(house: &House) {
    let password = "a long enough pass phrase";
    let (role, admin) = (Role::Administrator, &house.admin);
    admin.add_account(&actor(), "ada", role, password).unwrap();
    let said = |name: &str| -> Vec<String> {
        let refused = |_| {
            admin
                .sign_in(&Attempt {
                    source: Some("192.0.2.1"),
                    name,
                    password: "wrong",
                    ..Attempt::default()
                })
                .unwrap_err()
        };
        (0..6).map(refused).map(|error| error.to_string()).collect()
    };
    let (known, unknown) = (said("ada"), said("bob"));
    assert_eq!(known, unknown);
    assert_ne!(known[5], known[4], "the sixth has to wait");
    let audit = admin.audit(&AuditQuery {
        event: Some("session.refused".to_owned()),
        limit: 100,
        ..AuditQuery::default()
    });
    let objects: Vec<String> = audit
        .unwrap()
        .into_iter()
        .map(|(_, one)| one.object)
        .collect();
    let of = |name: &str| objects.iter().filter(|object| *object == name).count();
    assert_eq!((of("ada"), of("an unknown name"), of("bob")), (5, 5, 0));
}

fn what_is_counted_over_many_is_counted_in_the_background(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let change = PersonChange::Block;
    house.admin.change_person(&actor(), &ava, change).unwrap();
    let admin = &house.admin;
    let survey = || {
        let found = admin.find_configuration("Test").unwrap();
        admin.survey(&found, SurveyKind::Drift).unwrap()
    };
    assert_eq!(survey(), None);
    let ask = || {
        admin.ask_survey(
            &actor(),
            &house.provider,
            house.id_of("Test"),
            SurveyKind::Drift,
        )
    };
    ask().unwrap();
    let few = survey().unwrap();
    assert!(few.done.is_some(), "few are counted at once");
    let count = |survey: &Survey, name: &str| survey.result.as_ref().unwrap()[name].clone();
    assert_eq!(
        (count(&few, "users"), count(&few, "drifted")),
        (json!(1), json!(1))
    );

    let seen = || {
        let found = admin.find_configuration("Test").unwrap();
        admin.survey(&found, SurveyKind::Impact).unwrap().unwrap()
    };
    admin
        .ask_survey(
            &actor(),
            &house.provider,
            house.id_of("Test"),
            SurveyKind::Impact,
        )
        .unwrap();
    assert_eq!(count(&seen(), "users"), json!(1));
    let resource = ResourceKind::User;
    let mut rules = admin
        .mapping(house.id_of("Test"), resource, VersionChoice::Active)
        .unwrap()
        .rules;
    rules.rules.pop();
    let rules = json!(rules);
    admin
        .draft_mapping(&actor(), house.id_of("Test"), &rules, "", &DraftSeen::None)
        .unwrap();

    let old = seen();
    assert!(old.done.is_some());
    assert_eq!(old.result, None, "other rules are counted anew");

    // As it is with many: somebody asks, and it waits until somebody has time.
    house.tamper("UPDATE surveys SET done_at = NULL WHERE kind = 'drift'");
    assert!(admin.work_waits().unwrap());
    let waiting = survey().unwrap();
    assert_eq!((waiting.done, waiting.result), (None, few.result));
    assert!(admin.next_survey(&house.provider).unwrap());
    assert!(!admin.next_survey(&house.provider).unwrap());
    assert!(!admin.work_waits().unwrap());
    assert!(survey().unwrap().done.is_some());
}

fn an_approved_link_is_one_change_with_its_entry(house: &House) {
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

engines::tests! {
    on_both(House::new):
        one_person_and_one_group_are_shown_with_what_belongs_to_them,
        people_are_blocked_and_unlinked_by_hand,
        the_last_administrator_stays,
        sessions_are_seen_and_ended,
        the_audit_is_found_by_who_what_and_when,
        people_are_found_by_how_they_are_and_who_manages_them,
        a_group_that_is_unlinked_stays_and_is_out_of_sight,
        a_custom_field_changes_but_for_its_type,
        a_configuration_has_a_history_of_its_own,
        nobody_overwrites_what_they_have_not_seen,
        the_audit_tells_what_a_draft_changes_member_by_member,
        of_many_who_draft_at_once_one_is_kept,
        what_is_allowed_does_not_reach_whoever_was_protected_meanwhile,
        whoever_stays_keeps_what_belongs_to_them,
        a_name_stands_for_nobody_else,
        a_name_that_nobody_has_is_answered_as_one_that_somebody_has,
        what_is_counted_over_many_is_counted_in_the_background,
        an_approved_link_is_one_change_with_its_entry;
}
