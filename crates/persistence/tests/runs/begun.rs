//! An undo that has begun ends, whatever it meets, and nobody begins another one meanwhile.

use chrono::{Duration, Utc};
use scim_admin::AdminError;
use scim_admin::event::EventQuery;
use scim_admin::policy::Which;
use scim_admin::run::{UndoInput, UndoState};
use scim_provisioning::{Cause, Outcome};

use super::common::found;
use super::names::{assert_whole, name_of, refused_for_names};
use super::*;

fn change(house: &House, id: &str, path: &str, value: &str) {
    let answer = house.request(
        Method::Patch,
        &format!("/Users/{id}"),
        &replace(path, value),
    );
    assert_eq!(answer.status, 200, "{path} {value}");
}

/// A cycle that gave both a title.
fn titled(house: &mut House) -> ([String; 2], Run) {
    let ids = ["ava", "bo"].map(|name| house.create("/Users", &user(name)));
    end_cycle(house);
    for id in &ids {
        change(house, id, "title", "T");
    }
    end_cycle(house);
    let run = last_cycle(house);
    (ids, run)
}

fn titles(house: &House, ids: &[String; 2]) -> [Value; 2] {
    [0, 1].map(|at| name_of(house, &format!("/Users/{}", ids[at]), "title"))
}

/// What the database alone refuses, as it does where somebody else was faster, is a refusal of that
/// resource; the others are taken back.
pub(super) fn a_conflict_that_nobody_foresaw_is_refused_and_told(house: &mut House) {
    let ids = ["ava", "bo"].map(|name| house.create("/Users", &user(name)));
    end_cycle(house);
    change(house, &ids[0], "externalId", "other");
    change(house, &ids[1], "title", "T");
    end_cycle(house);
    let run = last_cycle(house);
    change(house, &ids[1], "externalId", "x-ava");
    end_cycle(house);
    house.tamper("CREATE UNIQUE INDEX own_external_ids ON users (external_id)");
    let undone = undo(house, &run, Chosen::default());
    assert_eq!(titles(house, &ids), [Value::Null, Value::Null]);
    assert_eq!(
        name_of(house, &format!("/Users/{}", ids[0]), "externalId"),
        "other"
    );
    assert_eq!(
        (
            refused_for_names(house, &undone),
            undone.counts.of("updated")
        ),
        (1, 1)
    );
    assert_whole(house);
    // Two may have the same, where the database has nothing against it.
    house.tamper("DROP INDEX own_external_ids");
    let undone = undo(house, &run, Chosen::default());
    assert_eq!(
        (undone.counts.of("failed"), undone.counts.of("updated")),
        (0, 1)
    );
    assert_eq!(
        name_of(house, &format!("/Users/{}", ids[0]), "externalId"),
        "x-ava"
    );
}

pub(super) fn a_step_that_fails_is_done_later_and_nobody_begins_meanwhile(house: &mut House) {
    let (ids, run) = titled(house);
    let admin = &house.admin;
    let begun = admin.begin_undo(&actor(), &run, Chosen::default()).unwrap();
    house.tamper("ALTER TABLE user_emails RENAME TO user_emails_away");
    let stands = admin.undo_for_now(begun.clone(), 20);
    assert_eq!((stands.id, stands.state), (begun.id, RunState::Running));
    let second = admin.begin_undo(&actor(), &run, Chosen::default());
    assert!(
        matches!(second, Err(AdminError::UndoUnderWay { by }) if by == begun.id),
        "{second:?}"
    );
    house.tamper("ALTER TABLE user_emails_away RENAME TO user_emails");
    // It is put off for moments, and not for as long as a step may take.
    let before = Utc::now() - Duration::seconds(30);
    let until = format!(
        "UPDATE runs SET claimed_until = 0 WHERE claimed_until < {}",
        (before + Duration::seconds(60)).timestamp_millis()
    );
    house.tamper(&until);
    let done = admin.step_undo(Some(begun.id)).unwrap();
    assert!(done.is_some(), "nobody works on it");
    let done = admin.finish_undo(begun.id).unwrap();
    assert_eq!((done.state, done.counts.of("updated")), (RunState::Done, 2));
    assert_eq!(titles(house, &ids), [Value::Null, Value::Null]);
    let again = house.admin.begin_undo(&actor(), &run, Chosen::default());
    assert!(again.is_ok(), "{again:?}");
}

/// Administrators decide, and undo, without a request of an identity provider.
pub(super) fn an_entry_of_a_decision_and_of_an_undo_is_taken_back(house: &mut House) {
    with_policy(house, |policies| {
        policies.guard.count = 1;
        policies.guard.percent = 1;
    });
    let ids = ["ava", "bo", "cy"].map(|name| house.create("/Users", &user(name)));
    // An entry of a request that changed nothing is none, whatever else the cycle did to them.
    house.caller.request_id = "refused".to_owned();
    let taken = replace("userName", "bo");
    let refused = house.request(Method::Patch, &format!("/Users/{}", ids[0]), &taken);
    assert_eq!(refused.status, 409);
    let query = EventQuery {
        outcome: Outcome::parse("failure"),
        ..EventQuery::default()
    };
    let entry = found(house, query).remove(0);
    let (of, chosen) = house.admin.run_of_event(entry.id).unwrap();
    let nothing = house.admin.begin_undo(&actor(), &of, chosen);
    assert!(
        matches!(&nothing, Err(AdminError::Invalid(_))),
        "{nothing:?}"
    );
    for id in &ids {
        house.request(Method::Delete, &format!("/Users/{id}"), &Value::Null);
    }
    let status = |house: &House| {
        let status = |id: &String| house.admin.person(id).unwrap().person.status;
        [status(&ids[0]), status(&ids[1]), status(&ids[2])]
    };
    let held = status(house);
    let waiting: Vec<usize> = (0..3).filter(|at| held[*at] == "active").collect();
    assert!(waiting.len() > 1, "{held:?}");
    let configuration = house.caller.configuration.id;
    house
        .admin
        .decide_held(&actor(), configuration, Which::All, true)
        .unwrap();
    assert_eq!(status(house), ["archived", "archived", "archived"]);
    let one = waiting[0];
    let undo_entry_of = |house: &House, run: &Run| {
        let query = EventQuery {
            run: Some(run.id),
            search: Some(ids[one].clone()),
            ..EventQuery::default()
        };
        let entry = found(house, query).remove(0);
        let (of, chosen) = house.admin.run_of_event(entry.id).unwrap();
        assert_eq!(of.id, run.id);
        undo(house, &of, chosen)
    };
    let decision = runs(house, RunKind::HeldDecision).swap_remove(0);
    let undone = undo_entry_of(house, &decision);
    let now = status(house);
    assert_eq!(now.iter().filter(|status| *status == "active").count(), 1);
    assert_eq!(now[one], "active");
    undo_entry_of(house, &undone);
    assert_eq!(status(house), ["archived", "archived", "archived"]);
}

pub(super) fn somebody_whose_memberships_alone_changed_is_chosen_by_name(house: &mut House) {
    let ids = ["ava", "bo"].map(|name| house.create("/Users", &user(name)));
    let group = json!({"schemas": [uri::GROUP], "displayName": "g"});
    let group = format!("/Groups/{}", house.create("/Groups", &group));
    end_cycle(house);
    let members = json!([{"op": "add", "path": "members",
        "value": [{"value": ids[0]}, {"value": ids[1]}]}]);
    assert!(
        house
            .request(Method::Patch, &group, &patch(&members))
            .status
            < 300
    );
    end_cycle(house);
    let run = last_cycle(house);
    let only = UndoInput {
        only: vec!["AVA".to_owned()],
        overwrite: false,
    };
    let chosen = house.admin.chosen_of_run(run.id, &only).unwrap();
    undo(house, &run, chosen);
    let members = name_of(house, &group, "members");
    let left: Vec<_> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["value"])
        .collect();
    assert_eq!(left, [&json!(ids[1])]);
}

/// What is left of a run, of which a part is forgotten, is nothing that was before it.
pub(super) fn a_run_is_forgotten_as_a_whole(house: &mut House) {
    let (_, run) = titled(house);
    let ago = Utc::now() - Duration::days(30);
    let of = run.id;
    let forget = |house: &House, limit| house.admin.forget_images(ago, limit).unwrap();
    // It goes on until after that.
    house.tamper(&format!("UPDATE run_images SET at = 1 WHERE run = '{of}'"));
    assert_eq!(forget(house, 100), 0);
    house.tamper(&format!("UPDATE runs SET ended_at = 2 WHERE id = '{of}'"));
    // Nor while it is being taken back.
    let begun = house
        .admin
        .begin_undo(&actor(), &run, Chosen::default())
        .unwrap();
    assert_eq!(forget(house, 100), 0);
    house.admin.finish_undo(begun.id).unwrap();
    assert_eq!(forget(house, 1), 1);
    let run = house.admin.run(&of.to_string()).unwrap();
    assert!(run.forgotten);
    let previewed = preview(house, &run, &Chosen::default());
    assert_eq!(previewed.len(), 1);
    assert_eq!(previewed[0].state, Some(UndoState::Gone));
    let refused = house.admin.begin_undo(&actor(), &run, Chosen::default());
    assert!(
        matches!(&refused, Err(AdminError::Invalid(_))),
        "{refused:?}"
    );
    assert!(refused.unwrap_err().to_string().contains("too long ago"));
    assert_eq!(forget(house, 100), 1);
    assert!(preview(house, &run, &Chosen::default()).is_empty());
}

/// Why something stays, as the preview says it.
pub(super) fn kept_for(house: &House, run: &Run) -> Vec<Option<Cause>> {
    let previewed = preview(house, run, &Chosen::default());
    previewed.iter().map(|one| one.cause).collect()
}

/// A request of the log that is carried out again is a run: it is listed, taken back, and held when the
/// identity provider asks for the same.
pub(super) fn a_request_that_is_replayed_is_a_run_of_its_own(house: &mut House) {
    let [ava, bo] = ["ava", "bo"].map(|name| house.create("/Users", &user(name)));
    let path = format!("/Users/{ava}");
    let change = patch(&json!([
        {"op": "replace", "path": "userName", "value": "bo"},
        {"op": "replace", "path": "active", "value": false},
    ]));
    assert_eq!(house.request(Method::Patch, &path, &change).status, 409);
    let query = EventQuery {
        outcome: Some(Outcome::Failure),
        limit: 1,
        ..EventQuery::default()
    };
    let failed = house.admin.events(&query).unwrap()[0].id;
    let replay = |house: &House| {
        let replay = house.admin.to_replay(&actor(), failed).unwrap();
        let done = house.admin.replay(&actor(), &house.provider, &replay);
        let run = house.admin.run(&replay.run().to_string()).unwrap();
        (done.unwrap(), run)
    };
    // One that fails again is a run in which something failed.
    let (done, run) = replay(house);
    assert_eq!(done.answer.status, 409);
    assert_eq!((run.counts.of("requests"), run.counts.of("failed")), (1, 1));
    let renamed = patch(&json!([{"op": "replace", "path": "userName", "value": "bob"}]));
    let renaming = format!("/Users/{bo}");
    assert_eq!(
        house.request(Method::Patch, &renaming, &renamed).status,
        200
    );
    end_cycle(house);
    let before = dump(house);
    let (done, run) = replay(house);
    assert_eq!(done.answer.status, 200, "{:?}", done.answer.body);
    assert_eq!(done.made.unwrap().run, Some(run.id));
    assert_eq!(run.kind.known(), Some(RunKind::Replay));
    assert_eq!((run.state, run.ended.is_some()), (RunState::Done, true));
    assert_eq!(
        (run.counts.of("requests"), run.counts.of("blocked")),
        (1, 1)
    );
    assert_eq!(runs(house, RunKind::Replay).len(), 2);
    undo(house, &run, Chosen::default());
    assert_eq!(differences(&before, &dump(house)), Vec::<String>::new());
    // The identity provider asks for the same.
    let again = patch(&json!([{"op": "replace", "path": "active", "value": false}]));
    assert_eq!(house.request(Method::Patch, &path, &again).status, 200);
    let configuration = house.caller.configuration.id;
    let held = house.admin.held(configuration, None, 10).unwrap();
    assert_eq!(held.iter().map(|one| &one.user).collect::<Vec<_>>(), [&ava]);
}
