//! Cycles and their counts, and what is taken back of whom.

use chrono::{Duration, Utc};
use scim_admin::AdminError;
use scim_admin::event::EventQuery;
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::Which;
use scim_admin::run::{UndoInput, UndoState};
use scim_persistence::Database;

use super::common::found;
use super::*;

pub(super) fn a_read_is_no_write_and_is_counted_with_the_others(house: &House) {
    let id = house.create("/Users", &user("ava"));
    house.provider.count_cycles().unwrap();
    let path = format!("/Users/{id}");
    house.get(&path);
    let before = Database::statements();
    house.get(&path);
    assert_eq!(Database::statements() - before, 1);
    house.request(Method::Patch, &path, &replace("title", "T"));
    house.request(Method::Post, "/Users", &user("ava"));
    let run = last_cycle(house);
    assert_eq!(run.state, RunState::Running);
    let counts = |word| run.counts.of(word);
    assert_eq!((counts("requests"), counts("reads")), (5, 2));
    assert_eq!(
        (counts("created"), counts("updated"), counts("failed")),
        (1, 1, 1)
    );
    let refused: Vec<_> = run.counts.refused().collect();
    assert_eq!(refused, [("uniqueness.own", 1)]);
    assert_eq!(run.actor, "configuration:Test");
    // Each entry of the log links to it.
    let entries = found(
        house,
        EventQuery {
            run: Some(run.id),
            ..EventQuery::default()
        },
    );
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| entry.run == Some(run.id)));
}

/// Writes that change nothing are counted with the requests, and cost no statement more: whoever
/// says again what is there is counted once for each request and resource, and whoever is refused not.
pub(super) fn what_changes_nothing_is_counted(house: &House) {
    let [ava, bo] = ["ava", "bo"].map(|name| house.create("/Users", &user(name)));
    let group = json!({"schemas": [uri::GROUP], "displayName": "Ops",
        "members": [{"value": ava}]});
    let ops = house.create("/Groups", &group);
    let unchanged = || {
        house.provider.count_cycles().unwrap();
        last_cycle(house).counts.of("unchanged")
    };
    assert_eq!(unchanged(), 0);
    let path = format!("/Users/{ava}");
    let title = replace("title", "T");
    let changed = house.request(Method::Patch, &path, &title);
    assert_eq!((changed.status, unchanged()), (200, 0));
    let again = house.request(Method::Patch, &path, &title);
    assert_eq!((again.status, unchanged()), (200, 1));
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ava}]}]);
    let ops = format!("/Groups/{ops}");
    let added = house.request(Method::Patch, &ops, &patch(&add));
    assert_eq!((added.status, unchanged()), (200, 2));
    let refused = house.request(Method::Patch, &path, &replace("userName", "bo"));
    assert_eq!((refused.status, unchanged()), (409, 2));
    let operation = |id: &str, body: &Value| json!({"method": "PATCH", "path": format!("/Users/{id}"), "data": body});
    let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
        operation(&ava, &title), operation(&ava, &replace("title", "U")),
        operation(&ava, &replace("title", "U")), operation(&bo, &replace("userName", "bo")),
    ]});
    let bulk = house.request(Method::Post, "/Bulk", &body);
    // What was said last of each changed nothing.
    assert_eq!((bulk.status, unchanged()), (200, 4));
}

pub(super) fn servers_share_a_cycle_and_silence_ends_it(house: &House) {
    house.create("/Users", &user("ava"));
    let second = another_server(house);
    let body = user("bo").to_string();
    let request = scim_provisioning::Request {
        method: Method::Post,
        path: "/Users",
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    assert_eq!(second.answer(&house.caller, &request).status, 201);
    house.provider.count_cycles().unwrap();
    second.count_cycles().unwrap();
    let cycles = runs(house, RunKind::Cycle);
    assert_eq!(cycles.len(), 1);
    assert_eq!(
        (
            cycles[0].counts.of("requests"),
            cycles[0].counts.of("created")
        ),
        (2, 2)
    );
    // An hour of silence, and somebody comes again.
    house.tamper("UPDATE runs SET began_at = began_at - 3600000, last_request_at = last_request_at - 3600000");
    assert_eq!(
        runs(house, RunKind::Cycle)[0].state,
        RunState::Done,
        "its end is not written yet"
    );
    let third = another_server(house);
    let body = user("cy").to_string();
    let request = scim_provisioning::Request {
        body: body.as_bytes(),
        ..request
    };
    assert_eq!(third.answer(&house.caller, &request).status, 201);
    third.count_cycles().unwrap();
    let cycles = runs(house, RunKind::Cycle);
    assert_eq!(cycles.len(), 2);
    assert_eq!(
        (
            cycles[0].counts.of("created"),
            cycles[1].counts.of("created")
        ),
        (1, 2)
    );
    assert_eq!(
        (cycles[0].state, cycles[1].state),
        (RunState::Running, RunState::Done)
    );
    assert!(cycles[1].ended.is_some());
}

pub(super) fn what_somebody_changed_since_is_kept_and_told_before(house: &House) {
    let id = house.create("/Users", &user("ava"));
    let path = format!("/Users/{id}");
    let first = last_cycle(house);
    assert_eq!(
        preview(house, &first, &Chosen::default())[0].state,
        Some(UndoState::Undo)
    );
    house.tamper("UPDATE runs SET state = 'done', ended_at = last_request_at");
    let second = another_server(house);
    let body = patch(&json!([{"op": "replace", "value": {"title": "T", "active": false}}]));
    let body = body.to_string();
    let request = scim_provisioning::Request {
        method: Method::Patch,
        path: &path,
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    assert_eq!(second.answer(&house.caller, &request).status, 200);
    second.count_cycles().unwrap();
    let run = runs(house, RunKind::Cycle).swap_remove(0);
    let changes = house.admin.run_changes(run.id, None, 10).unwrap();
    let told: Vec<_> = changes[0]
        .fields
        .iter()
        .map(|one| (&*one.field, &one.new))
        .collect();
    assert_eq!(
        told,
        [("job_title", &json!("T")), ("status", &json!("blocked"))]
    );
    // By hand meanwhile.
    house.tamper("UPDATE users SET job_title = 'By hand', version = version + 1");
    let previewed = preview(house, &run, &Chosen::default());
    let kept: Vec<_> = previewed[0]
        .fields
        .iter()
        .map(|one| (&*one.field, one.kept))
        .collect();
    assert_eq!(kept, [("job_title", true), ("status", false)]);
    undo(house, &run, Chosen::default());
    let person = house.admin.person(&id).unwrap().person;
    assert_eq!(person.status, "active");
    assert_eq!(person.fields["job_title"], json!("By hand"));
    let document = house.admin.person(&id).unwrap().document;
    assert_eq!(document.get("title"), None);
    // Or not.
    let overwrite = Chosen {
        overwrite: true,
        ..Chosen::default()
    };
    undo(house, &run, overwrite);
    let person = house.admin.person(&id).unwrap().person;
    assert_eq!(person.fields.get("job_title"), None);
}

pub(super) fn chosen_people_and_single_entries_are_taken_back_alone(house: &House) {
    let ids: Vec<String> = ["ava", "bo"]
        .map(|name| house.create("/Users", &user(name)))
        .to_vec();
    for id in &ids {
        for text in ["One", "Two"] {
            house.request(
                Method::Patch,
                &format!("/Users/{id}"),
                &replace("nickName", text),
            );
            let mut caller = house.caller.clone();
            caller.request_id = format!("{id}-{text}");
            let body = replace("title", text).to_string();
            let request = scim_provisioning::Request {
                method: Method::Patch,
                path: &format!("/Users/{id}"),
                query: "",
                body: body.as_bytes(),
                if_match: None,
                if_none_match: None,
            };
            assert_eq!(house.provider.answer(&caller, &request).status, 200);
        }
    }
    let title = |id: &str| house.get(&format!("/Users/{id}"))["title"].clone();
    let run = last_cycle(house);
    let only = |names: &[&str]| UndoInput {
        only: names.iter().map(|name| (*name).to_owned()).collect(),
        overwrite: false,
    };
    let missing = house.admin.chosen_of_run(run.id, &only(&["nobody"]));
    assert!(matches!(missing, Err(AdminError::NotFound { .. })));
    // One entry.
    let entries = found(
        house,
        EventQuery {
            search: Some(ids[0].clone()),
            ..EventQuery::default()
        },
    );
    let (of, chosen) = house.admin.run_of_event(entries[0].id).unwrap();
    assert_eq!(of.id, run.id);
    undo(house, &of, chosen);
    assert_eq!(
        (title(&ids[0]), title(&ids[1])),
        (json!("One"), json!("Two"))
    );
    // One person, who was created by the run.
    let chosen = house.admin.chosen_of_run(run.id, &only(&["bo"])).unwrap();
    undo(house, &run, chosen);
    assert_eq!(listed(house, "/Users"), [ids[0].clone()]);
    let undone = runs(house, RunKind::Undo);
    assert_eq!(undone.len(), 2);
    assert_eq!(undone[0].counts.of("archived"), 1);
    assert_eq!(undone[0].actor, "administrator:test");
}

pub(super) fn a_protected_account_and_what_is_purged_stay_as_they_are(house: &mut House) {
    let id = house.create("/Users", &user("ava"));
    let gone = house.create("/Users", &user("bo"));
    end_cycle(house);
    for id in [&id, &gone] {
        house.request(
            Method::Patch,
            &format!("/Users/{id}"),
            &replace("title", "T"),
        );
    }
    let run = last_cycle(house);
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1 WHERE id = '{id}'"
    ));
    house.tamper(&format!(
        "UPDATE users SET left_at = 1, purge_at = 1 WHERE id = '{gone}'"
    ));
    assert_eq!(house.admin.purge_people(Utc::now(), 10).unwrap(), 1);
    let previewed = preview(house, &run, &Chosen::default());
    let states: Vec<_> = previewed
        .iter()
        .map(|one| (one.id.clone(), one.state))
        .collect();
    // Of whom is deleted for good nothing is kept.
    assert_eq!(states, [(id.clone(), Some(UndoState::Kept))]);
    let before = dump(house);
    let undone = undo(
        house,
        &run,
        Chosen {
            overwrite: true,
            ..Chosen::default()
        },
    );
    assert_eq!(dump(house), before);
    assert_eq!(undone.counts.of("skipped"), 1);
}

pub(super) fn what_administrators_decide_is_a_run_that_can_be_taken_back(house: &mut House) {
    with_policy(house, |policies| {
        policies.guard.count = 1;
        policies.guard.percent = 1;
    });
    let ids: Vec<String> = ["ava", "bo", "cy"]
        .map(|name| house.create("/Users", &user(name)))
        .to_vec();
    for id in &ids {
        house.request(Method::Delete, &format!("/Users/{id}"), &Value::Null);
    }
    let configuration = house.caller.configuration.id;
    let held = dump(house);
    let decided = house
        .admin
        .decide_held(&actor(), configuration, Which::All, true)
        .unwrap();
    assert!(!decided.is_empty());
    let run = runs(house, RunKind::HeldDecision).swap_remove(0);
    assert_eq!(run.configuration.as_ref().unwrap().1, "Test");
    undo(house, &run, Chosen::default());
    assert_eq!(differences(&held, &dump(house)).join("\n"), "");
    // Rules that are applied again are a run, too, which ends with them.
    let mut job = house.admin.begin_reapply(&actor(), configuration).unwrap();
    assert_eq!(runs(house, RunKind::Reapply)[0].state, RunState::Running);
    while !job.finished {
        job = house
            .provider
            .reapply(&house.caller.configuration, &job)
            .unwrap();
    }
    let reapplied = runs(house, RunKind::Reapply).swap_remove(0);
    assert_eq!((reapplied.id, reapplied.state), (job.id, RunState::Done));
    let nothing = house
        .admin
        .begin_undo(&actor(), &reapplied, Chosen::default());
    assert!(
        matches!(nothing, Err(AdminError::Invalid(_))),
        "{nothing:?}"
    );
    // Whom a configuration managed that is gone, nobody can manage again.
    house
        .admin
        .delete_configuration(&actor(), configuration)
        .unwrap();
    let deleted = runs(house, RunKind::ConfigurationDeleted).swap_remove(0);
    let previewed = preview(house, &deleted, &Chosen::default());
    let users = previewed
        .iter()
        .filter(|one| one.fields.iter().any(|field| field.field == "managed_by"));
    assert!(users.clone().count() > 0);
    assert!(users.clone().all(|one| one.state == Some(UndoState::Gone)));
    let refused = house
        .admin
        .begin_undo(&actor(), &deleted, Chosen::default());
    assert!(
        matches!(refused, Err(AdminError::Invalid(_))),
        "{refused:?}"
    );
}

pub(super) fn what_was_held_and_allowed_since_stays_with_the_decision(house: &mut House) {
    with_policy(house, |policies| {
        policies.guard.count = 1;
        policies.guard.percent = 1;
    });
    let ids: Vec<String> = ["ava", "bo", "cy"]
        .map(|name| house.create("/Users", &user(name)))
        .to_vec();
    end_cycle(house);
    let before = dump(house);
    for id in &ids {
        let away = replace("active", false);
        house.request(Method::Patch, &format!("/Users/{id}"), &away);
    }
    end_cycle(house);
    let cycle = last_cycle(house);
    let configuration = house.caller.configuration.id;
    house
        .admin
        .decide_held(&actor(), configuration, Which::All, true)
        .unwrap();
    let decision = runs(house, RunKind::HeldDecision).swap_remove(0);
    let states = |house: &House| {
        let of = |id: &String| {
            let foreseen = preview(house, &cycle, &Chosen::default());
            let one = foreseen.iter().find(|one| one.id == *id).unwrap();
            let kept: Vec<String> = one
                .fields
                .iter()
                .filter(|field| field.kept)
                .map(|field| field.field.clone())
                .collect();
            (one.state, kept.join(" "))
        };
        ids.iter().map(of).collect::<Vec<_>>()
    };
    let (back, stays) = (
        (Some(UndoState::Undo), String::new()),
        (Some(UndoState::Kept), "active".to_owned()),
    );
    assert_eq!(states(house), [back.clone(), stays.clone(), stays]);
    undo(house, &cycle, Chosen::default());
    let status = |id: &str| house.admin.person(id).unwrap().person.status;
    let all: Vec<String> = ids.iter().map(|id| status(id)).collect();
    assert_eq!(all, ["active", "blocked", "blocked"]);
    // The decision first, and everything is as before.
    undo(house, &decision, Chosen::default());
    assert_eq!(states(house), [back.clone(), back.clone(), back]);
    undo(house, &cycle, Chosen::default());
    assert_eq!(differences(&before, &dump(house)).join("\n"), "");
}

pub(super) fn a_run_is_taken_back_in_steps_that_others_take_up(house: &House) {
    for number in 0..450 {
        house.create("/Users", &user(&format!("p{number}")));
    }
    let run = last_cycle(house);
    let begun = house
        .admin
        .begin_undo(&actor(), &run, Chosen::default())
        .unwrap();
    assert!(house.admin.work_waits().unwrap());
    let mut steps = 0;
    // Each step is one that any server takes up where the one before left it.
    while let Some(step) = house.admin.step_undo(None).unwrap() {
        assert_eq!(step.id, begun.id);
        steps += 1;
    }
    assert!(steps > 3, "{steps}");
    assert!(listed(house, "/Users").is_empty());
    assert!(!house.admin.work_waits().unwrap());
    let done = house.admin.run(&begun.id.to_string()).unwrap();
    assert_eq!(done.counts.of("archived"), 450);
    assert_eq!(done.undoes.unwrap().run, run.id);
}

pub(super) fn what_is_by_hand_and_no_run_leaves_no_image(house: &House) {
    let input = PersonInput {
        user_name: "ava".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let id = house.admin.add_person(&actor(), &input).unwrap();
    house
        .admin
        .change_person(&actor(), &id, PersonChange::Block)
        .unwrap();
    assert!(
        house
            .admin
            .runs(&RunsQuery {
                limit: 10,
                ..RunsQuery::default()
            })
            .unwrap()
            .is_empty()
    );
    let since = RunsQuery {
        since: Some(Utc::now() + Duration::hours(1)),
        limit: 10,
        ..RunsQuery::default()
    };
    house.create("/Users", &user("bo"));
    assert!(house.admin.runs(&since).unwrap().is_empty());
}
