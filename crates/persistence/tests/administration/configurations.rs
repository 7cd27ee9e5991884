//! Configurations, tokens, mappings, jobs and surveys.

use scim_provisioning::RunId;

use super::*;

fn token(configuration: ConfigurationId, id: &str) -> AccessToken {
    AccessToken {
        id: id.to_owned(),
        configuration,
        hash: format!("hash of {id}"),
        sealed: "sealed".to_owned(),
        key_id: "key".to_owned(),
        hint: "hint".to_owned(),
        created: now(),
        created_by: "test".to_owned(),
        made_by: None,
        expires: Some(now() + Duration::days(1)),
        retirement: None,
        revoked: None,
        first_used: None,
        last_used: None,
        last_used_from: None,
        last_used_by: None,
    }
}

fn field(key: &str, label: &str) -> CustomField {
    let field = json!({ "key": key, "label": label, "type": "longText" });
    serde_json::from_value(field).unwrap()
}

pub(super) fn a_configuration_is_written_by_whoever_saw_it_last(house: &Empty) {
    let okta = house.configuration("Okta");
    let again = {
        let other = ProvisioningConfiguration {
            id: ConfigurationId::new(),
            name: "OKTA".to_owned(),
            ..okta.clone()
        };
        house.write(move |rows| rows.insert_configuration(&other))
    };
    assert!(is_conflict(&again), "{again:?}");
    let seen = okta.clone();
    house
        .write(move |rows| {
            rows.reset_guard(seen.id, now())?;
            rows.set_active_mapping(seen.id, ResourceKind::User, 1, 2)
        })
        .unwrap();
    let changed = ProvisioningConfiguration {
        description: "changed".to_owned(),
        ..okta.clone()
    };
    let late = changed.clone();
    house
        .write(move |rows| rows.update_configuration(&changed))
        .unwrap();
    let found = house.found(okta.id);
    assert_eq!((&*found.description, found.version), ("changed", 2));
    assert_eq!(found.model.user, 2, "what has operations of its own stays");
    assert!(found.guard_reset.is_some());
    let late = house.write(move |rows| rows.update_configuration(&late));
    assert!(is_stale(&late), "{late:?}");
    let id = okta.id;
    let late = house.write(move |rows| rows.set_active_mapping(id, ResourceKind::User, 1, 3));
    assert!(is_stale(&late), "{late:?}");
    let by_name = house
        .store
        .read(|rows| Ok(rows.configuration_by_name(" okta ")?));
    assert_eq!(by_name.unwrap().unwrap().id, id);
    house
        .write(move |rows| rows.delete_configuration(id))
        .unwrap();
    let gone = house.write(move |rows| rows.delete_configuration(id));
    assert!(is_stale(&gone), "{gone:?}");
    let gone = house.write(move |rows| rows.lock_configuration(id));
    assert!(is_stale(&gone), "{gone:?}");
}

pub(super) fn a_token_that_is_revoked_never_changes_again(house: &Empty) {
    let id = house.configuration("Okta").id;
    house
        .write(move |rows| {
            rows.insert_token(&token(id, "a"))?;
            rows.insert_token(&token(id, "b"))
        })
        .unwrap();
    let [b, a] = house.tokens(id).try_into().unwrap();
    assert_eq!((&*b.id, &*a.id), ("b", "a"), "newest first");
    let retiring = AccessToken {
        retirement: Some(Retirement {
            by: "b".to_owned(),
            overlap: Duration::hours(2),
            at: Some(now()),
        }),
        first_used: Some(now()),
        ..a.clone()
    };
    let wanted = retiring.clone();
    assert!(
        house
            .write(move |rows| rows.update_token(&retiring))
            .unwrap()
    );
    assert_eq!(house.tokens(id)[1], wanted);
    let revoked = AccessToken {
        revoked: Some(now()),
        ..wanted
    };
    let kept = revoked.clone();
    assert!(
        house
            .write(move |rows| rows.update_token(&revoked))
            .unwrap()
    );
    assert!(!house.write(move |rows| rows.update_token(&a)).unwrap());
    assert_eq!(house.tokens(id)[1], kept);
    let found = house
        .store
        .look_up(|rows| Ok(rows.token_of_hash("hash of b")?));
    let (found, configuration) = found.unwrap().unwrap();
    assert_eq!((found, configuration.id), (b, id));
}

/// Whoever keeps what was read of a token relies on it.
pub(super) fn authority_changes_with_who_may_speak_and_not_with_who_does(house: &Empty) {
    let okta = house.configuration("Okta");
    let id = okta.id;
    house
        .write(move |rows| {
            rows.insert_token(&token(id, "a"))?;
            rows.insert_token(&token(id, "b"))
        })
        .unwrap();
    let authority = || house.store.look_up(|rows| Ok(rows.authority()?)).unwrap();
    let mut before = authority();
    assert_eq!(before, authority());
    house.upkeep(|rows| rows.touch_token("a", now(), Some("192.0.2.1"), Some("test")));
    house
        .write(move |rows| {
            rows.lock_configuration(id)?;
            rows.insert_account(&account("ada"))
        })
        .unwrap();
    let refused: Result<(), _> = house.write(move |rows| {
        rows.set_active_mapping(id, ResourceKind::User, 1, 2)?;
        Err(StoreError::Busy)
    });
    assert!(refused.is_err());
    assert_eq!(before, authority(), "it is what it was");
    let of_a = |change: fn(AccessToken) -> AccessToken| {
        let a = house.tokens(id).into_iter().find(|token| token.id == "a");
        change(a.unwrap())
    };
    type Change = Box<dyn FnMut(&mut dyn AdminTransaction) -> Result<(), StoreError> + Send>;
    let with = |token: AccessToken| -> Change {
        Box::new(move |rows| rows.update_token(&token).map(drop))
    };
    let entered = move |input: ProvisioningConfiguration| -> Change {
        Box::new(move |rows| rows.update_configuration(&input))
    };
    let renamed = ProvisioningConfiguration {
        name: "Okta 2".to_owned(),
        ..okta.clone()
    };
    let paused = ProvisioningConfiguration {
        status: ConfigurationStatus::Paused,
        version: okta.version + 1,
        ..okta
    };
    let mut changed = |what: &str, change: Change| {
        house.write(change).unwrap();
        let after = authority();
        assert_ne!(before, after, "{what}");
        before = after;
    };
    changed("its name", entered(renamed));
    changed("its status", entered(paused));
    changed(
        "its rules",
        Box::new(move |rows| rows.set_active_mapping(id, ResourceKind::User, 1, 2)),
    );
    changed(
        "its guard",
        Box::new(move |rows| rows.reset_guard(id, now())),
    );
    changed(
        "the fields",
        Box::new(|rows| rows.insert_custom_field(&field("badge", "Badge"), now())),
    );
    let end = |token| AccessToken {
        expires: Some(now() + Duration::days(2)),
        ..token
    };
    changed("an end", with(of_a(end)));
    let first_use = |token| AccessToken {
        first_used: Some(now()),
        ..token
    };
    changed("a first use", with(of_a(first_use)));
    let retirement = |token| AccessToken {
        retirement: Some(Retirement {
            by: "b".to_owned(),
            overlap: Duration::hours(2),
            at: Some(now()),
        }),
        ..token
    };
    changed("a retirement", with(of_a(retirement)));
    let revocation = |token| AccessToken {
        revoked: Some(now()),
        ..token
    };
    changed("a revocation", with(of_a(revocation)));
    changed(
        "its deletion",
        Box::new(move |rows| rows.delete_configuration(id)),
    );
}

pub(super) fn a_use_of_a_token_is_noted_and_its_first_one_known(house: &Empty) {
    let id = house.configuration("Okta").id;
    house
        .write(move |rows| rows.insert_token(&token(id, "a")))
        .unwrap();
    let at = now();
    let touch = move || {
        house.upkeep(move |rows| rows.touch_token("a", at, Some("192.0.2.1"), Some("test")))
    };
    assert!(!touch());
    let first = AccessToken {
        first_used: Some(at),
        ..house.tokens(id).remove(0)
    };
    assert_eq!(first.last_used, Some(at));
    assert_eq!(first.last_used_by.as_deref(), Some("test"));
    house.write(move |rows| rows.update_token(&first)).unwrap();
    assert!(touch());
    assert!(house.upkeep(|rows| rows.touch_token("gone", now(), None, None)));
}

pub(super) fn the_end_of_a_token_is_noted_once(house: &Empty) {
    let id = house.configuration("Okta").id;
    let over = AccessToken {
        expires: Some(now() - Duration::hours(1)),
        ..token(id, "over")
    };
    house
        .write(move |rows| {
            rows.insert_token(&over)?;
            rows.insert_token(&token(id, "live"))
        })
        .unwrap();
    let ended = || {
        let found = house.store.read(|rows| Ok(rows.ended_tokens(now())?));
        let found = found.unwrap().into_iter();
        found.map(|(token, of)| (token.id, of)).collect::<Vec<_>>()
    };
    assert_eq!(ended(), [("over".to_owned(), "Okta".to_owned())]);
    for first in [true, false] {
        let noted = house.write(|rows| rows.note_token_end("over"));
        assert_eq!(noted.unwrap(), first);
    }
    assert!(ended().is_empty());
}

pub(super) fn tokens_are_found_by_the_keys_that_made_them(house: &Empty) {
    let id = house.configuration("Okta").id;
    let made = AccessToken {
        made_by: Some("id of key".to_owned()),
        ..token(id, "a")
    };
    house
        .write(move |rows| {
            rows.insert_api_key(&api_key("key"))?;
            rows.insert_token(&made)?;
            rows.insert_token(&token(id, "b"))
        })
        .unwrap();
    let keys = ["id of key".to_owned(), "another".to_owned()];
    let found = house.store.read(|rows| Ok(rows.tokens_made_by(&keys)?));
    let found = found.unwrap();
    assert_eq!(
        (found.len(), &*found[0].0.id, &*found[0].1),
        (1, "a", "Okta")
    );
}

pub(super) fn versions_of_a_mapping_are_listed_with_the_draft_last(house: &Empty) {
    let id = house.configuration("Okta").id;
    let version = move |number| {
        let rules = MappingSet::default_user();
        MappingVersion::new(id, number, rules, "note", "test", now())
    };
    house
        .write(move |rows| {
            for number in [1, DRAFT, 2] {
                rows.insert_mapping_version(&version(number))?;
            }
            Ok(())
        })
        .unwrap();
    let numbers = || {
        let found = house
            .store
            .read(|rows| Ok(rows.mapping_versions(id, ResourceKind::User)?));
        let found = found.unwrap().into_iter();
        found.map(|version| version.version).collect::<Vec<_>>()
    };
    assert_eq!(numbers(), [2, 1, DRAFT]);
    house
        .write(move |rows| {
            rows.delete_draft(id, ResourceKind::Group)?;
            rows.delete_draft(id, ResourceKind::User)
        })
        .unwrap();
    assert_eq!(numbers(), [2, 1]);
}

pub(super) fn each_change_of_the_fields_is_counted(house: &Empty) {
    let id = house.configuration("Okta").id;
    let revision = || house.found(id).model.fields;
    let before = revision();
    house
        .write(move |rows| rows.insert_custom_field(&field("desk", "Desk"), now()))
        .unwrap();
    let again = house.write(move |rows| rows.insert_custom_field(&field("desk", "A"), now()));
    assert!(is_conflict(&again), "{again:?}");
    for (key, there) in [("desk", true), ("chair", false)] {
        let updated = house.write(move |rows| rows.update_custom_field(&field(key, "Table")));
        assert_eq!(updated.unwrap(), there);
    }
    let fields = house.store.read(|rows| Ok(rows.custom_fields()?)).unwrap();
    assert_eq!((fields.len(), &*fields[0].label), (1, "Table"));
    for there in [true, false] {
        let deleted = house.write(|rows| {
            let deleted = rows.delete_custom_field("desk")?;
            rows.forget_custom_values("desk", now())?;
            Ok(deleted)
        });
        assert_eq!(deleted.unwrap(), there);
    }
    assert_eq!(revision(), before + 3);
}

pub(super) fn one_at_a_time_works_on_a_job(house: &Empty) {
    let id = house.configuration("Okta").id;
    let (a, b) = (RunId::new(), RunId::new());
    let job = move |name: RunId| Job {
        id: name,
        configuration: id,
        position: None,
        total: 0,
        done: 0,
        changed: 0,
        failed: 0,
        finished: false,
        actor: "test".to_owned(),
        created: now(),
        updated: now(),
    };
    house
        .write(move |rows| {
            rows.insert_job(&job(a))?;
            rows.delete_unfinished_jobs(id)?;
            rows.insert_job(&job(b))
        })
        .unwrap();
    let jobs = house.store.read(|rows| Ok(rows.jobs(id)?)).unwrap();
    assert_eq!((jobs.len(), jobs[0].id), (1, b));
    assert!(house.store.read(|rows| Ok(rows.work_waits()?)).unwrap());
    let (at, until) = (now(), now() + Duration::minutes(2));
    let claim = move |id: Option<RunId>, at| {
        house
            .upkeep(move |rows| rows.claim_job(id, at, until))
            .map(|job| job.id)
    };
    assert_eq!(claim(Some(a), at), None);
    assert_eq!(claim(None, at), Some(b));
    assert_eq!(claim(None, at), None);
    assert_eq!(claim(Some(b), until), Some(b), "it was given up");
}

pub(super) fn a_survey_is_asked_for_once_and_keeps_what_came_of_the_last(house: &Empty) {
    let id = house.configuration("Okta").id;
    let asked = move |by: &str| Survey {
        configuration: id,
        kind: SurveyKind::Drift,
        asked: now(),
        asked_by: by.to_owned(),
        done: None,
        result: None,
    };
    let ask = move |by: &'static str| house.upkeep(move |rows| rows.ask_survey(&asked(by)));
    let found = || {
        let found = house
            .store
            .read(|rows| Ok(rows.survey(id, SurveyKind::Drift)?));
        found.unwrap().unwrap()
    };
    ask("ada");
    ask("bea");
    assert_eq!(found().asked_by, "ada");
    let (at, until) = (now(), now() + Duration::minutes(2));
    let claim = move || house.upkeep(move |rows| rows.claim_survey(at, until));
    let claimed = claim().unwrap();
    assert_eq!(claim(), None);
    let done = Survey {
        done: Some(at),
        result: Some(json!({ "found": 3 })),
        ..claimed
    };
    house.upkeep(move |rows| rows.save_survey(&done));
    ask("bea");
    let waits = found();
    assert_eq!((&*waits.asked_by, waits.done), ("bea", None));
    assert_eq!(waits.result, Some(json!({ "found": 3 })));
}

pub(super) fn a_plan_is_kept_under_its_digest_for_a_time(house: &Empty) {
    let plan = |digest: &str, age: i64| StoredPlan {
        digest: digest.to_owned(),
        prune: true,
        document: json!({"configurations": []}),
        items: vec![PlanItem {
            kind: ItemKind::Configuration,
            name: "Okta".to_owned(),
            change: Change::Delete,
            changes: Vec::new(),
        }],
        made_by: "test".to_owned(),
        created: now() - Duration::days(age),
    };
    let keep = |plan: &StoredPlan| {
        let plan = plan.clone();
        house.upkeep(move |rows| rows.keep_plan(&plan, now() - Duration::days(30)));
    };
    let found = |digest: &str| house.store.read(|rows| Ok(rows.plan(digest)?)).unwrap();
    assert_eq!(found("a"), None);
    keep(&plan("old", 31));
    keep(&plan("a", 2));
    let again = plan("a", 1);
    keep(&again);
    assert_eq!(found("a"), Some(again));
    assert_eq!(found("old"), None, "its time is over");
}

pub(super) fn a_stream_gets_another_key_as_it_was_seen(house: &Empty) {
    let stream = Stream {
        id: "s".to_owned(),
        name: "Mail".to_owned(),
        kind: StreamKind::Read,
        topics: None,
        state: StreamState::Active,
        position: 3,
        delivered: None,
        version: 1,
        created: now(),
        made_by: None,
        url: None,
    };
    let inserted = stream.clone();
    house
        .write(move |rows| rows.insert_stream(&inserted, "first"))
        .unwrap();
    let renewed = Stream {
        made_by: Some("key".to_owned()),
        ..stream
    };
    let renew = |stream: &Stream| {
        let stream = stream.clone();
        house
            .write(move |rows| rows.set_stream_key(&stream, "second"))
            .unwrap()
    };
    assert!(renew(&renewed));
    assert!(!renew(&renewed), "it is another one now");
    let found = house.store.read(|rows| Ok(rows.streams()?)).unwrap();
    let expected = Stream {
        version: 2,
        ..renewed
    };
    assert_eq!(found, [expected]);
}
