//! What administrators do to everything else.

use super::*;

/// What administrators do with the log and with configurations.
pub(super) fn administration(script: &mut Script, house: &House) {
    let admin = &house.admin;
    let configuration = Some(house.caller.configuration.id);
    let text = |text: &str| Some(text.to_owned());
    let day = Some(chrono::Utc::now() - chrono::Duration::days(1));
    for (name, query) in [
        ("all", EventQuery::default()),
        (
            "of a configuration",
            EventQuery {
                configuration,
                ..EventQuery::default()
            },
        ),
        (
            "failures",
            EventQuery {
                outcome: Outcome::parse("failure"),
                ..EventQuery::default()
            },
        ),
        (
            "open",
            EventQuery {
                state: Some(EventState::Open),
                configuration,
                ..EventQuery::default()
            },
        ),
        (
            "resolved",
            EventQuery {
                state: Some(EventState::Resolved),
                ..EventQuery::default()
            },
        ),
        (
            "creates",
            EventQuery {
                action: Action::parse("create"),
                ..EventQuery::default()
            },
        ),
        (
            "of groups",
            EventQuery {
                kind: ResourceKind::parse("Group"),
                ..EventQuery::default()
            },
        ),
        (
            "of an id",
            EventQuery {
                search: Some(crowd::id('u', 30)),
                ..EventQuery::default()
            },
        ),
        (
            "of a name",
            EventQuery {
                search: text("zz30"),
                ..EventQuery::default()
            },
        ),
        (
            "since yesterday",
            EventQuery {
                since: day,
                ..EventQuery::default()
            },
        ),
        (
            "before one",
            EventQuery {
                before: Some(3_000),
                ..EventQuery::default()
            },
        ),
        (
            "after one",
            EventQuery {
                after: Some(3_000),
                ..EventQuery::default()
            },
        ),
    ] {
        let query = EventQuery { limit: 50, ..query };
        script.run(&format!("the log: {name}"), || {
            admin.events(&query).unwrap()
        });
    }
    let failure = EventQuery {
        outcome: Outcome::parse("failure"),
        ..EventQuery::default()
    };
    let failure = found(house, failure).remove(0);
    script.run("an entry", || admin.event(failure.id).unwrap());
    script.run("replay an entry", || {
        drop(admin.to_replay(&actor(), failure.id))
    });
    script.run("resolve an entry", || {
        admin.resolve_event(&actor(), failure.id).unwrap()
    });
    script.run("reopen an entry", || {
        admin.reopen_event(&actor(), failure.id).unwrap()
    });
    for query in [
        AuditQuery::default(),
        AuditQuery {
            configuration,
            ..AuditQuery::default()
        },
        AuditQuery {
            before: Some(500),
            ..AuditQuery::default()
        },
    ] {
        let query = AuditQuery { limit: 50, ..query };
        script.run("the audit", || admin.audit(&query).unwrap());
    }
    script.run("verify the audit", || admin.verify_audit(None).unwrap());
    script.run("activity", || {
        admin
            .activity(
                chrono::Utc::now() - chrono::Duration::days(7),
                configuration,
            )
            .unwrap()
    });
    script.run("count hours", || admin.count_hours().unwrap());

    let stored = script.run("a configuration", || {
        admin.find_configuration("Test").unwrap()
    });
    script.run("configurations", || admin.configurations(None).unwrap());
    script.run("jobs", || admin.jobs(house.id_of("Test")).unwrap());
    let job = script.run("begin to apply rules again", || {
        admin.begin_reapply(&actor(), house.id_of("Test")).unwrap()
    });
    script.run("apply rules again", || {
        let job = admin.claim_job(Some(job.id)).unwrap().unwrap();
        house
            .provider
            .reapply(&stored.to_provisioning(), &job)
            .unwrap()
    });
    script.run("drift", || {
        house.provider.drift(&stored.to_provisioning()).unwrap()
    });
    script.run("drift of one", || {
        house
            .provider
            .drift_of(&stored.to_provisioning(), &crowd::id('u', 40))
            .unwrap()
    });
    script.run("ask for a survey", || {
        admin
            .ask_survey(
                &actor(),
                &house.provider,
                house.id_of("Test"),
                SurveyKind::Impact,
            )
            .unwrap();
    });
    script.run("make a survey", || {
        while admin.next_survey(&house.provider).unwrap() {}
    });
    script.run("preview", || {
        let choice = VersionChoice::Active;
        let model = admin
            .model(house.id_of("Test"), ResourceKind::User, choice)
            .unwrap();
        house
            .provider
            .preview(
                &stored.to_provisioning(),
                &model,
                ResourceKind::User,
                crowd::user("zz50"),
            )
            .unwrap()
    });
    script.run("note what was received", || {
        house.admin.note_seen(house.provider.take_seen()).unwrap()
    });
    script.run("what was received", || {
        admin
            .received_attributes(house.id_of("Test"), ResourceKind::User)
            .unwrap()
    });
    let later = chrono::Utc::now() + chrono::Duration::days(400);
    script.run("note look-ups", || {
        house.get("/Users?filter=userName%20eq%20%22nobody%22");
        let look_ups = house.provider.take_look_ups();
        admin.note_look_ups(look_ups).unwrap();
    });
    script.run("forget look-ups", || admin.forget_look_ups(100).unwrap());
    script.run("people who were there before words were kept", || {
        house.tamper("INSERT INTO person_terms_fill (position) VALUES ('')");
        admin.fill_terms(100).unwrap()
    });
    script.run("purge", || admin.purge_people(later, 100).unwrap());
    script.run("forget requests", || {
        admin.forget_requests(later, 100).unwrap()
    });
    script.run("forget entries", || {
        admin.forget_events(later, 100).unwrap()
    });
    let field = json!({"key": "desk", "label": "Desk", "type": "longText"});
    let field = serde_json::from_value(field).unwrap();
    script.unserved(
        "add a custom field",
        "what is left of an older one is taken away",
        || admin.add_custom_field(&actor(), &field).unwrap(),
    );
    script.run("custom fields", || admin.custom_fields().unwrap());
    script.unserved(
        "delete a custom field",
        "what everybody has of it is taken away",
        || admin.delete_custom_field(&actor(), "desk").unwrap(),
    );
    let centers = scim_mapping::TableContent::read_csv("code,department\n1,IT\n").unwrap();
    let seen = scim_admin::TableSeen::Any;
    script.run("put a lookup table", || {
        admin
            .put_table(&actor(), "centers", centers.clone(), seen)
            .unwrap()
    });
    script.run("lookup tables", || admin.lookup_tables().unwrap());
    script.run("a lookup table", || {
        admin.lookup_table("centers", None).unwrap()
    });
    script.run("delete a lookup table", || {
        admin.delete_table(&actor(), "centers").unwrap()
    });
    let begun = script.run("begin to delete a configuration", || {
        admin.begin_deletion(&actor(), house.id_of("Test")).unwrap()
    });
    script.run("work that waits", || admin.work_waits().unwrap());
    script.run("delete a configuration to its end", || {
        admin.finish_deletion(begun, |_let_go| {}).unwrap()
    });
}
