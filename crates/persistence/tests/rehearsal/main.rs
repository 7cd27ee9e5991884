//! Rehearsals: nothing of the directory changes, and to go live comes to what a live run comes to.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod brought_back;
#[path = "../common/mod.rs"]
mod common;
mod cycle;
mod house;
mod random;

use common::{Engine, House, actor};
use scim_admin::event::EventQuery;
use scim_admin::rehearsal::{Moved, RehearsedAction, RehearsedPlace};
use scim_admin::run::{Chosen, RunState, RunsQuery};
use scim_admin::{AdminError, AdminService, ConfigurationStatus, WhyQuery};
use scim_persistence::Database;
use scim_provisioning::{Caller, Method, RunKind};
use serde_json::{Value, json};

use brought_back::who_was_brought_back_is_held_in_a_rehearsal_too;
use cycle::a_whole_cycle_goes_live_as_it_runs_live;
use house::*;
use random::what_goes_live_is_what_a_live_run_comes_to;

/// A first sync beside people who were created by hand.
fn a_first_sync_is_rehearsed_looked_at_and_goes_live(house: &mut House) {
    linking(house);
    let person = by_hand(house, "bo", false);
    by_hand(house, "root", true);
    let before = dump(house);
    let (rehearsal, provider) = rehearse(house);
    let ask =
        |method, path: &str, body: &Value| answered(&provider, &house.caller, method, path, body);
    let ava = id(&ask(Method::Post, "/Users", &user("ava")));
    let bo = id(&ask(Method::Post, "/Users", &user("bo")));
    assert_eq!(bo, person, "who was there keeps the id");
    let refused = ask(Method::Post, "/Users", &user("root"));
    assert_eq!(refused.status, 409);
    let ops = id(&ask(Method::Post, "/Groups", &group("Ops", &[&ava, &bo])));
    let path = format!("/Users/{ava}");
    assert_eq!(
        ask(Method::Patch, &path, &replace("title", "Chief")).status,
        200
    );
    // The provider reads its own writes, here and on another server.
    let read = ask(Method::Get, &path, &Value::Null).body.unwrap();
    assert_eq!(read["title"], "Chief");
    assert_eq!(read["groups"][0]["value"], ops);
    // What it asks for is counted where it is answered from.
    house.admin.count_rehearsed();
    let page = house
        .admin
        .rehearsed_items(&rehearsal, None, RehearsedPlace::FIRST, 1);
    let counts = page.unwrap().counts;
    assert_eq!((counts.of("requests"), counts.of("reads")), (6, 1));
    house.provider.count_cycles().unwrap();
    assert_eq!(
        house
            .admin
            .runs(&RunsQuery {
                limit: 9,
                ..RunsQuery::default()
            })
            .unwrap()
            .len(),
        0
    );
    let other = Database::open_existing(&house.settings).unwrap();
    let other = AdminService::new(other.clone(), house.keys.clone()).with_rehearsals(other);
    let provider = other.rehearsed(&house.provider, rehearsal.id).unwrap();
    let again = answered(&provider, &house.caller, Method::Get, &path, &Value::Null);
    assert_eq!(again.body.unwrap(), read);
    // Nothing of it is in the directory.
    assert_eq!(differences(&before, &dump(house)), "");
    assert_eq!(house.request(Method::Get, &path, &Value::Null).status, 404);

    let shown = items(house, &rehearsal);
    let told = |item: &scim_admin::rehearsal::RehearsedItem| {
        (item.action, item.name.clone().unwrap_or_default())
    };
    let mut told: Vec<_> = shown.iter().map(told).collect();
    told.sort_by_key(|(_, name)| name.clone());
    assert_eq!(
        told,
        [
            (RehearsedAction::Create, "Ops".to_owned()),
            (RehearsedAction::Create, "ava".to_owned()),
            (RehearsedAction::Link, "bo".to_owned()),
            (RehearsedAction::Refuse, "root".to_owned()),
        ]
    );
    let created = shown.iter().find(|item| item.id.as_ref() == Some(&ava));
    let fields = &created.unwrap().fields;
    let field = |key: &str| fields.iter().find(|field| field.field == key).unwrap();
    assert_eq!(field("job_title").new, "Chief");
    let group = shown.iter().find(|item| item.id.as_ref() == Some(&ops));
    let members = group
        .unwrap()
        .fields
        .iter()
        .find(|field| field.field == "members");
    assert_eq!(members.unwrap().new, json!(["ava", "bo"]));

    let run = go_live(house, false);
    assert_eq!(found(house).status, ConfigurationStatus::Enabled);
    let live = house.get(&path);
    assert_eq!(live, read, "as the provider was told, to the letter");
    let run = house.admin.run(&run).unwrap();
    assert_eq!(
        (run.kind.known(), run.state),
        (Some(RunKind::GoLive), RunState::Done)
    );
    let count = |word: &str| run.counts.of(word);
    assert_eq!(
        (count("created"), count("linked"), count("skipped")),
        (2, 1, 1)
    );
    assert!(matches!(
        house.admin.rehearsal(&found(house)),
        Err(AdminError::NotFound { .. })
    ));

    let undone = house
        .admin
        .begin_undo(&actor(), &run, Chosen::default())
        .unwrap();
    house.admin.finish_undo(undone.id).unwrap();
    let after = dump(house);
    let people = |dump: &Dump| {
        let mut rows: Vec<Value> = dump["users"]
            .iter()
            .map(|row| serde_json::from_str(row).unwrap())
            .collect();
        rows.retain(|row| row["status"] != "archived");
        for row in &mut rows {
            row["version"] = Value::Null;
            row["updated_at"] = Value::Null;
        }
        rows
    };
    assert_eq!(people(&after), people(&before));
    assert_eq!(after["group_members"], before["group_members"]);
}

fn what_is_discarded_was_never_there(house: &House) {
    let before = dump(house);
    let disabled = ConfigurationStatus::Disabled;
    house
        .admin
        .set_status(&actor(), &found(house), disabled)
        .unwrap();
    let (rehearsal, provider) = rehearse(house);
    let ava = id(&answered(
        &provider,
        &house.caller,
        Method::Post,
        "/Users",
        &user("ava"),
    ));
    house
        .admin
        .discard_rehearsal(&actor(), &found(house))
        .unwrap();
    assert_eq!(found(house).status, disabled, "what it was before");
    assert_eq!(differences(&before, &dump(house)), "");
    let path = format!("/Users/{ava}");
    assert_eq!(house.request(Method::Get, &path, &Value::Null).status, 404);
    assert!(matches!(
        house.admin.rehearsed(&house.provider, rehearsal.id),
        Err(AdminError::NoCopy)
    ));
    // A second one begins from what the directory is.
    let (_, provider) = rehearse(house);
    let answer = answered(&provider, &house.caller, Method::Get, &path, &Value::Null);
    assert_eq!(answer.status, 404);
}

fn one_rehearsal_at_a_time_and_nothing_else_ends_it(house: &House) {
    let seen = found(house);
    rehearse(house);
    let again = house.admin.begin_rehearsal(&actor(), &found(house));
    assert!(matches!(again, Err(AdminError::Rehearses(_))));
    // Whoever saw the configuration before it rehearsed, too.
    let again = house.admin.begin_rehearsal(&actor(), &seen);
    assert!(matches!(again, Err(AdminError::Rehearses(_))), "{again:?}");
    let paused = ConfigurationStatus::Paused;
    let set = house.admin.set_status(&actor(), &found(house), paused);
    assert!(matches!(set, Err(AdminError::Rehearses(_))));
    let deleted = house.admin.delete_configuration(&actor(), found(house).id);
    assert!(matches!(deleted, Err(AdminError::Rehearses(_))));
    house
        .admin
        .discard_rehearsal(&actor(), &found(house))
        .unwrap();
    let nothing = house.admin.discard_rehearsal(&actor(), &found(house));
    assert!(matches!(nothing, Err(AdminError::NotFound { .. })));
    let nothing = house.admin.begin_going_live(&actor(), &found(house), false);
    assert!(matches!(nothing, Err(AdminError::NotFound { .. })));
}

fn what_moved_is_told_before_and_others_keep_what_is_theirs(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let bo = house.create("/Users", &user("bo"));
    let (rehearsal, provider) = rehearse(house);
    let ask =
        |method, path: &str, body: &Value| answered(&provider, &house.caller, method, path, body);
    for one in [&ava, &bo] {
        let path = format!("/Users/{one}");
        assert_eq!(
            ask(Method::Patch, &path, &replace("title", "T")).status,
            200
        );
    }
    let cy = id(&ask(Method::Post, "/Users", &user("cy")));
    let di = id(&ask(Method::Post, "/Users", &user("di")));
    assert_eq!(house.admin.moved_since(&rehearsal, 10).unwrap(), []);
    // Meanwhile others work: one is changed, one becomes an administrator, a name is taken.
    let vip = scim_admin::people::PersonChange::Block;
    house.admin.change_person(&actor(), &ava, vip).unwrap();
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1 WHERE id = '{bo}'"
    ));
    by_hand(house, "cy", false);
    let moved = house.admin.moved_since(&rehearsal, 10).unwrap();
    let mut told: Vec<_> = moved
        .iter()
        .map(|one| (one.id.clone(), one.moved))
        .collect();
    told.sort_by_key(|(_, moved)| moved.as_str());
    assert_eq!(
        told,
        [
            (ava.clone(), Moved::Changed),
            (cy.clone(), Moved::NameTaken),
            (bo.clone(), Moved::Protected),
        ]
    );
    let refused = house.admin.begin_going_live(&actor(), &found(house), false);
    let Err(AdminError::RehearsalMoved { moved }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(moved, ["ava", "bo", "cy"]);

    let run = go_live(house, true);
    let person = |id: &str| house.admin.person(id).unwrap().person;
    let changed = person(&ava);
    assert_eq!(changed.status.as_str(), "blocked", "what others did stays");
    assert_eq!(house.get(&format!("/Users/{ava}"))["title"], "T");
    assert_eq!(house.get(&format!("/Users/{di}"))["userName"], "di");
    let missing = house.request(Method::Get, &format!("/Users/{cy}"), &Value::Null);
    assert_eq!(missing.status, 404, "the name is somebody else's");
    let run = house.admin.run(&run).unwrap();
    let mut refused: Vec<_> = run.counts.refused().collect();
    refused.sort_unstable();
    assert_eq!(refused, [("resource.protected", 1), ("uniqueness.own", 1)]);
    assert_eq!((run.counts.of("created"), run.counts.of("updated")), (1, 1));
    // What is left out is a failure that is open, and no success beside it.
    let entries = house.admin.events(&EventQuery {
        run: Some(run.id),
        limit: 100,
        ..EventQuery::default()
    });
    let entries = entries.unwrap();
    let of = |name: &str| {
        let mine = entries
            .iter()
            .filter(|entry| entry.resource_name.as_deref() == Some(name));
        let told = mine.map(|one| {
            let (action, outcome) = (one.action.as_str(), one.outcome.as_str());
            let whose = one.configuration_name.as_str();
            (action, outcome, whose, one.resolved_at.is_none())
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(of("cy"), [("create", "failure", "Test", true)]);
    assert_eq!(of("bo"), [("update", "failure", "Test", true)]);
    assert_eq!(of("ava"), [("update", "success", "Test", true)]);
    let query = WhyQuery {
        who: "cy".to_owned(),
        ..WhyQuery::default()
    };
    let why = house.admin.why(&actor(), &house.provider, &query).unwrap();
    assert_eq!(why.cause.as_str(), "uniqueness.own", "{why:?}");
}

/// Leaving does not wait: who was there before is blocked or deleted at once, and counts as that
/// when the rest goes live.
fn who_was_there_before_leaves_at_once(house: &House) {
    let ids: Vec<String> = ["ava", "bo", "cy"]
        .map(|name| house.create("/Users", &user(name)))
        .into();
    let (rehearsal, provider) = rehearse(house);
    let ask = |method, path: &str, body: &Value, request: &str| {
        let caller = Caller {
            request_id: request.to_owned(),
            ..house.caller.clone()
        };
        let answer = answered(&provider, &caller, method, path, body);
        house
            .admin
            .let_leave(&house.provider, &caller, rehearsal.id)
            .unwrap();
        answer
    };
    let path = |at: usize| format!("/Users/{}", ids[at]);
    let both = patch(&json!([{"op": "replace", "value": {"active": false, "title": "T"}}]));
    assert_eq!(ask(Method::Patch, &path(0), &both, "one").status, 200);
    assert_eq!(
        ask(Method::Delete, &path(1), &Value::Null, "two").status,
        204
    );
    assert_eq!(
        ask(Method::Patch, &path(2), &replace("title", "T"), "three").status,
        200
    );
    let new = id(&ask(Method::Post, "/Users", &user("di"), "four"));
    let gone = format!("/Users/{new}");
    assert_eq!(ask(Method::Delete, &gone, &Value::Null, "five").status, 204);
    let status = |at: usize| {
        house
            .admin
            .person(&ids[at])
            .unwrap()
            .person
            .status
            .as_str()
            .to_owned()
    };
    assert_eq!(
        (status(0), status(1), status(2)),
        ("blocked".into(), "archived".into(), "active".into())
    );
    let title = |at: usize| house.get(&path(at))["title"].clone();
    assert_eq!(
        (title(0), title(2)),
        (Value::Null, Value::Null),
        "the rest waits"
    );
    let marked = items(house, &rehearsal)
        .into_iter()
        .filter(|item| item.at_once);
    assert_eq!(
        marked.filter_map(|item| item.name).collect::<Vec<_>>(),
        ["ava", "bo"]
    );
    assert_eq!(house.admin.moved_since(&rehearsal, 10).unwrap(), []);
    let run = go_live(house, false);
    assert_eq!((title(0), title(2)), (json!("T"), json!("T")));
    assert_eq!(status(0), "blocked");
    let run = house.admin.run(&run).unwrap();
    assert_eq!(
        run.counts.of("blocked"),
        0,
        "the log was told when it happened"
    );
}

/// Whoever is killed while it goes live leaves it to others, and nothing is done twice.
fn going_live_is_done_in_steps_that_others_take_up(house: &House) {
    let (_, provider) = rehearse(house);
    let mut first = String::new();
    for number in 0..450 {
        let body = user(&format!("p{number:03}"));
        let made = answered(&provider, &house.caller, Method::Post, "/Users", &body);
        match number {
            0 => first = id(&made),
            _ => assert_eq!(made.status, 201),
        }
    }
    let begun = house
        .admin
        .begin_going_live(&actor(), &found(house), false)
        .unwrap();
    assert!(house.admin.work_waits().unwrap());
    // Writes are to come back, and reads are answered.
    let stage = found(house).rehearsal.map(|of| of.stage);
    assert_eq!(stage, Some(scim_provisioning::RehearsalStage::GoingLive));
    house
        .admin
        .step_going_live(Some(begun.id))
        .unwrap()
        .unwrap();
    let count = |house: &House| {
        house.get("/Users?count=0")["totalResults"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(count(house), 200);
    // Who was let in before and comes late changes nothing of what is carried over.
    for (method, path, body) in [
        (Method::Post, "/Users".to_owned(), user("late")),
        (
            Method::Patch,
            format!("/Users/{first}"),
            replace("title", "T"),
        ),
    ] {
        let late = answered(&provider, &house.caller, method, &path, &body);
        assert_eq!(
            (late.status, late.retry_after.is_some()),
            (503, true),
            "{path}"
        );
    }
    let discarded = house.admin.discard_rehearsal(&actor(), &found(house));
    assert!(matches!(discarded, Err(AdminError::GoesLive(_))));
    let database = Database::open_existing(&house.settings).unwrap();
    let other = AdminService::new(database.clone(), house.keys.clone()).with_rehearsals(database);
    let mut steps = 0;
    while other.step_going_live(None).unwrap().is_some() {
        steps += 1;
    }
    assert!(steps > 4, "{steps} steps");
    assert_eq!(count(house), 450);
    assert!(!house.admin.work_waits().unwrap());
    assert_eq!(found(house).status, ConfigurationStatus::Enabled);
}

/// What is left of a rehearsal that is over is deleted by upkeep, and one that goes on is not.
fn copies_without_a_rehearsal_are_deleted(house: &House) {
    use scim_admin::rehearsal::RehearsalStore;
    let (rehearsal, _) = rehearse(house);
    let left = scim_provisioning::RunId::new();
    let orphan = scim_admin::rehearsal::Rehearsal {
        id: left,
        ..rehearsal.clone()
    };
    house.database.make_copy(&orphan, "Test").unwrap();
    assert_eq!(house.database.copies().unwrap().len(), 2);
    house.admin.forget_old_copies().unwrap();
    assert_eq!(house.database.copies().unwrap(), [rehearsal.id]);
    let page = house
        .admin
        .rehearsed_items(&rehearsal, None, RehearsedPlace::FIRST, 10);
    assert_eq!(page.unwrap().items, []);
}

/// Pages of what would happen have everything once, and a filter has its own alone.
fn what_would_happen_is_listed_in_pages(house: &House) {
    let (rehearsal, provider) = rehearse(house);
    for name in ["a", "b", "c", "a", "d", "b"] {
        let body = user(name);
        answered(&provider, &house.caller, Method::Post, "/Users", &body);
    }
    let mut place = RehearsedPlace::FIRST;
    let mut seen = Vec::new();
    loop {
        let page = house
            .admin
            .rehearsed_items(&rehearsal, None, place, 2)
            .unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.iter().map(|item| item.action.as_str()));
        let Some(next) = page.next else { break };
        assert_eq!(RehearsedPlace::parse(&next.to_string()), Some(next));
        place = next;
    }
    assert_eq!(
        seen,
        ["create", "create", "create", "create", "refuse", "refuse"]
    );
    for (action, wanted) in [
        (RehearsedAction::Create, 4),
        (RehearsedAction::Refuse, 2),
        (RehearsedAction::Link, 0),
    ] {
        let first = RehearsedPlace::FIRST;
        let page = house
            .admin
            .rehearsed_items(&rehearsal, Some(action), first, 100);
        assert_eq!(page.unwrap().items.len(), wanted, "{action:?}");
    }
}

engines::tests! {
    in_turn;
    on_both(House::new): a_first_sync_is_rehearsed_looked_at_and_goes_live,
        what_is_discarded_was_never_there,
        one_rehearsal_at_a_time_and_nothing_else_ends_it,
        what_moved_is_told_before_and_others_keep_what_is_theirs,
        who_was_there_before_leaves_at_once,
        going_live_is_done_in_steps_that_others_take_up,
        copies_without_a_rehearsal_are_deleted,
        who_was_brought_back_is_held_in_a_rehearsal_too,
        what_would_happen_is_listed_in_pages;
    on_both(Engine::clone): what_goes_live_is_what_a_live_run_comes_to,
        a_whole_cycle_goes_live_as_it_runs_live;
}
