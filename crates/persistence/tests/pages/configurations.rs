//! Configurations, their mappings, and the fields.

use super::*;

pub(super) fn a_custom_field_changes_but_for_its_type(house: &House) {
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

pub(super) fn a_configuration_has_a_history_of_its_own(house: &House) {
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

pub(super) fn nobody_overwrites_what_they_have_not_seen(house: &House) {
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

pub(super) fn the_audit_tells_what_a_draft_changes_member_by_member(house: &House) {
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

pub(super) fn of_many_who_draft_at_once_one_is_kept(house: &House) {
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

pub(super) fn a_name_stands_for_nobody_else(house: &House) {
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

pub(super) fn a_name_that_nobody_has_is_answered_as_one_that_somebody_has(house: &House) {
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

pub(super) fn what_is_counted_over_many_is_counted_in_the_background(house: &House) {
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
