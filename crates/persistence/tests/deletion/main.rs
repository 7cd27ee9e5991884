//! A configuration is deleted piece by piece, and what is left is what one transaction would leave.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod copies;

use common::crowd::{Crowd, filled, id};
use common::{Engine, House, actor, caller, configuration};
use copies::{Copy, Original, assert_same, batch, lines};
use scim_admin::declaration::Declaration;
use scim_admin::event::AuditQuery;
use scim_admin::people::PersonInput;
use scim_admin::run::{RunState, RunsQuery};
use scim_admin::survey::SurveyKind;
use scim_admin::{
    AdminError, AdminService, AdminStoreExt, Application, ConfigurationInput, ConfigurationStatus,
};
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::{Method, RunId, RunKind};
use serde_json::json;

const USERS: usize = 1_100;

/// Everything that a configuration can have, with the ids of two people by hand.
fn crowded(engine: &Engine) -> House {
    let house = filled(
        engine,
        Crowd {
            users: USERS,
            groups: 30,
            large: 60,
            events: 10,
        },
    );
    let test = house.id_of("Test");
    configuration(&house.admin, "Other");
    house
        .admin
        .ask_survey(&actor(), &house.provider, test, SurveyKind::Drift)
        .unwrap();
    let mut people = Vec::new();
    for name in ["hanna", "hugo"] {
        let input = PersonInput {
            user_name: name.to_owned(),
            email: None,
            tenant_admin: false,
            role: None,
        };
        people.push(house.admin.add_person(&actor(), &input).unwrap());
    }
    for (number, person) in people.iter().enumerate() {
        house.tamper(&format!(
            "INSERT INTO pending_links (configuration_id, person_id, attribute, document, at) \
             VALUES ('{test}', '{person}', 'userName', '{{}}', 1); \
             INSERT INTO link_candidates \
             (id, configuration_id, person_id, candidate_key, attribute, document, at) \
             VALUES ('l{number}', '{test}', '{person}', 'k', 'userName', '{{}}', 1);"
        ));
    }
    for number in 1..=40 {
        let user = id('u', number);
        house.tamper(&format!(
            "UPDATE users SET held = 1 WHERE id = '{user}'; \
             INSERT INTO held_changes (id, configuration_id, user_id, deleted, status, at) \
             VALUES ('h{number:03}', '{test}', '{user}', 0, 'blocked', 1);"
        ));
    }
    let (gone, protected) = (id('u', 41), id('u', 42));
    house.tamper(&format!(
        "UPDATE users SET status = 'archived', left_at = 5, purge_at = 9999999999999 \
         WHERE id = '{gone}'; \
         UPDATE users SET is_tenant_admin = 1 WHERE id = '{protected}'; \
         UPDATE group_members SET held_id = group_id || '.' || member_id, held_by = '{test}', \
         held_at = 1 WHERE group_id = '{}' AND member_id < '{}'; \
         INSERT INTO attributes_seen \
         (configuration_id, resource, path, value_type, times, last_seen_at, sample) \
         VALUES ('{test}', 'user', 'title', 'string', 1, 1, 'E…'); \
         INSERT INTO jobs (id, configuration_id, total, done, changed, failed, finished, actor, \
         created_at, updated_at, claimed_until) \
         VALUES ('0190a0a0-0000-7000-8000-000000000001', '{test}', 1, 1, 1, 0, 1, 'test', 1, 1, 0);",
        id('g', 1),
        id('u', 30),
    ));
    house
}

/// The run that deletes or deleted the configuration, and how it is.
fn run_of(admin: &AdminService) -> (RunId, RunState) {
    let query = RunsQuery {
        kind: Some(RunKind::ConfigurationDeleted),
        limit: 10,
        ..RunsQuery::default()
    };
    let mut runs = admin.runs(&query).unwrap();
    assert_eq!(runs.len(), 1, "one deletion is one run");
    let run = runs.remove(0);
    assert_eq!(run.ended.is_some(), run.state == RunState::Done);
    (run.id, run.state)
}

/// Deletes the configuration in one transaction, statement by statement, as a small one goes.
fn delete_at_once(copy: &Copy) {
    let test = copy.original;
    let run = "0190a0a0-0000-7000-8000-00000000000f";
    let speak = match copy.settings.url.starts_with("sqlite:") {
        true => {
            format!("INSERT INTO feed_author (actor, run) VALUES ('administrator:test', '{run}')")
        }
        false => format!(
            "SELECT set_config('serviceops_scim.actor', 'administrator:test', true), \
             set_config('serviceops_scim.run', '{run}', true), \
             set_config('serviceops_scim.request', '', true)"
        ),
    };
    let silent = match copy.settings.url.starts_with("sqlite:") {
        true => "DELETE FROM feed_author",
        false => "SELECT 1",
    };
    batch(
        &copy.settings.url,
        &format!(
            "BEGIN; \
             INSERT INTO runs (id, kind, configuration_id, configuration_name, actor, began_at, \
             last_request_at, ended_at, state, claimed_until) VALUES ('{run}', \
             'configurationDeleted', '{test}', 'Test', 'administrator:test', 1, 1, 1, 'done', 0); \
             {speak}; \
             DELETE FROM provisioning_configurations WHERE id = '{test}'; \
             UPDATE users SET managed_by = NULL, left_at = NULL, purge_at = NULL, held = 0 \
             WHERE managed_by = '{test}'; \
             UPDATE groups SET managed_by = NULL WHERE managed_by = '{test}'; \
             UPDATE group_members SET held_id = NULL, held_by = NULL, held_at = NULL \
             WHERE held_id IS NOT NULL AND held_by = '{test}'; \
             DELETE FROM resource_totals WHERE configuration_id = '{test}'; \
             {silent}; \
             COMMIT;"
        ),
    );
}

fn what_is_left_is_what_one_transaction_leaves(engine: &Engine) {
    let original = Original::of(crowded(engine), engine);
    let once = original.copy();
    delete_at_once(&once);
    let expected = once.dump();
    assert!(expected["run_images"].len() > USERS, "they are kept");
    // Whoever is killed behind a piece leaves the rest to another process, behind every one.
    let mut stop = 0;
    loop {
        let mut copy = original.copy();
        let admin = &copy.admin;
        let begun = admin.begin_deletion(&actor(), original.test).unwrap();
        assert!(!begun.gone);
        let mut steps = 0;
        while steps < stop && admin.step_deletion(Some(begun.run)).unwrap().is_some() {
            steps += 1;
        }
        let killed = admin.configuration(original.test).is_ok();
        if killed {
            assert_eq!(run_of(admin), (begun.run, RunState::Running));
            let found = admin.configuration(original.test).unwrap();
            assert_eq!(found.status, ConfigurationStatus::Deleting);
            assert!(admin.work_waits().unwrap());
            // Within a piece nothing of it stays.
            let (of, run) = (original.test, begun.run);
            let left = admin.managed_counts(of).unwrap();
            let database = Database::open_existing(&copy.settings).unwrap();
            let cut = database.upkeep(move |rows| {
                rows.lock_deletion(of, run)?;
                rows.let_go(of, 100)?;
                Err::<(), _>(AdminError::Stale)
            });
            assert!(matches!(cut, Err(AdminError::Stale)));
            assert_eq!(admin.managed_counts(of).unwrap(), left);
        }
        copy.admin = original.admin(&copy.settings);
        let admin = &copy.admin;
        while admin.step_deletion(None).unwrap().is_some() {
            steps += 1;
        }
        assert!(!admin.work_waits().unwrap());
        assert_eq!(run_of(admin), (begun.run, RunState::Done));
        assert!(admin.configuration(original.test).is_err());
        assert_same(&copy.dump(), &expected);
        let word = |text: &str| text.to_owned();
        assert_eq!(
            copy.last_audit(),
            (word("configuration.deleted"), word("test"), word("Test"))
        );
        if !killed {
            assert!(steps >= 2, "there were pieces");
            break;
        }
        stop += 1;
    }
    drop(original.folder);
}

fn small_ones_are_gone_at_once(engine: &Engine) {
    let house = House::new(engine);
    house.create("/Users", &common::crowd::user("ada"));
    let deleted = house
        .admin
        .delete_configuration(&actor(), house.id_of("Test"))
        .unwrap();
    assert!(deleted.gone);
    assert_eq!(run_of(&house.admin), (deleted.run, RunState::Done));
    let events: Vec<String> = house
        .admin
        .audit(&AuditQuery {
            limit: 2,
            ..AuditQuery::default()
        })
        .unwrap()
        .into_iter()
        .map(|(_, entry)| entry.event.to_string())
        .collect();
    assert_eq!(events, ["configuration.deleted", "configuration.created"]);
    // Its name is free.
    configuration(&house.admin, "Test");
}

fn is_being_deleted<T>(done: Result<T, AdminError>) {
    match done {
        Err(AdminError::BeingDeleted(name)) => assert_eq!(name, "Test"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was done"),
    }
}

fn nothing_else_is_done_meanwhile_and_others_are_served(engine: &Engine) {
    let house = crowded(engine);
    let (admin, test) = (&house.admin, house.id_of("Test"));
    let other = caller(admin.find_configuration("Other").unwrap().to_provisioning());
    let issued = admin.add_token(&actor(), test, None, None).unwrap();
    let header = format!("Bearer {}", issued.value.reveal());
    let authenticator = house.authenticator();
    let authenticate = || authenticator.authenticate(&[header.as_bytes()], None, admin.now());
    authenticate().unwrap();
    let seen = admin.configuration(test).unwrap();
    admin.begin_reapply(&actor(), test).unwrap();
    let plan_of = |name: &str| {
        Declaration::from_json(json!({"version": 1, "configurations": [{"name": name}]}))
    };
    let begun = admin.begin_deletion(&actor(), test).unwrap();
    assert_eq!(begun.configuration, admin.configuration(test).unwrap());
    assert!(authenticate().is_err(), "its tokens are refused at once");
    let found = admin.configuration(test).unwrap();
    for seen in [&seen, &found] {
        let input = ConfigurationInput {
            description: "changed".to_owned(),
            ..ConfigurationInput::of(seen)
        };
        let edited = admin.edit_configuration(&actor(), seen, &input);
        let enabled = admin.set_status(&actor(), seen, ConfigurationStatus::Paused);
        match seen.deletion {
            None => assert!(matches!(
                (edited, enabled),
                (Err(AdminError::Stale), Err(AdminError::Stale))
            )),
            Some(_run) => {
                is_being_deleted(edited);
                is_being_deleted(enabled);
            }
        }
    }
    is_being_deleted(admin.begin_rehearsal(&actor(), &found));
    is_being_deleted(admin.add_token(&actor(), test, None, None));
    is_being_deleted(admin.begin_reapply(&actor(), test));
    is_being_deleted(admin.ask_survey(&actor(), &house.provider, test, SurveyKind::Drift));
    is_being_deleted(admin.add_configuration(
        &actor(),
        &ConfigurationInput {
            name: "TEST".to_owned(),
            ..ConfigurationInput::fresh()
        },
        None,
    ));
    admin
        .revoke_tokens_before(&actor(), None, admin.now())
        .unwrap();
    // As code it is as good as gone, and its name is not free yet.
    assert_eq!(admin.export().unwrap().configurations.unwrap().len(), 1);
    let planned = admin.plan(&actor(), &plan_of("Test").unwrap(), false);
    match planned {
        Err(AdminError::Declared { error, .. }) => is_being_deleted::<()>(Err(*error)),
        other => is_being_deleted(other),
    }
    assert!(
        admin
            .plan(&actor(), &plan_of("Other").unwrap(), true)
            .unwrap()
            .items
            .is_empty()
    );
    // Jobs of it are over.
    assert!(admin.claim_job(None).unwrap().is_none());
    let ask = |name: String| {
        let body = json!({"schemas": [uri::USER], "userName": name});
        let body = body.to_string();
        let request = scim_provisioning::Request {
            method: Method::Post,
            path: "/Users",
            query: "",
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        request_of(&house, &other, &request)
    };
    let mut pieces = 0;
    loop {
        // Another configuration writes between pieces, and a request that was let in comes late.
        assert_eq!(ask(format!("between{pieces}")), 201);
        house.create(
            "/Users",
            &json!({"schemas": [uri::USER], "userName": format!("late{pieces}")}),
        );
        match admin.step_deletion(Some(begun.run)).unwrap() {
            Some(let_go) => assert!(let_go <= 600, "{let_go} in a piece"),
            None => break,
        }
        pieces += 1;
        if admin.configuration(test).is_err() {
            break;
        }
        // Asked again, it is the same deletion that goes on.
        let again = admin.begin_deletion(&actor(), test).unwrap();
        assert_eq!((again.run, again.gone), (begun.run, false));
    }
    assert!(pieces >= 2);
    let dangling = lines(
        &house.settings.url,
        &format!("SELECT id AS line FROM users WHERE managed_by = '{test}'"),
    );
    assert!(dangling.is_empty(), "{dangling:?}");
    configuration(admin, "Test");
}

fn request_of(
    house: &House,
    caller: &scim_provisioning::Caller,
    request: &scim_provisioning::Request<'_>,
) -> u16 {
    house.provider.answer(caller, request).status
}

fn a_document_lets_a_large_one_go_behind_its_transaction(engine: &Engine) {
    let house = crowded(engine);
    let admin = &house.admin;
    let test = house.id_of("Test");
    let declared =
        Declaration::from_json(json!({"version": 1, "configurations": [{"name": "Third"}]}))
            .unwrap();
    let applied = Application {
        declared,
        prune: true,
        digest: None,
        position: scim_feed::Position::default(),
    };
    admin.apply(&actor(), applied).unwrap();
    // "Other" was empty, and went with the transaction, or right behind it.
    for deletion in admin.deletions().unwrap() {
        admin.finish_deletion(deletion, |_| {}).unwrap();
    }
    let left = admin.configurations(None).unwrap();
    let names: Vec<&str> = left.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Third"]);
    let dangling = lines(
        &house.settings.url,
        &format!(
            "SELECT id AS line FROM users WHERE managed_by = '{test}' \
             UNION ALL SELECT id FROM groups WHERE managed_by = '{test}'"
        ),
    );
    assert!(dangling.is_empty());
}

fn a_piece_costs_as_much_whatever_is_left(engine: &Engine) {
    let house = crowded(engine);
    let begun = house
        .admin
        .begin_deletion(&actor(), house.id_of("Test"))
        .unwrap();
    let mut costs = Vec::new();
    loop {
        let before = Database::statements();
        let Some(let_go) = house.admin.step_deletion(Some(begun.run)).unwrap() else {
            break;
        };
        costs.push((let_go, Database::statements() - before));
    }
    assert!(costs.len() >= 2, "{costs:?}");
    // The last piece deletes the configuration as well.
    for (let_go, statements) in &costs {
        assert!(*statements <= 40, "{let_go} in {statements} statements");
    }
    assert!(costs[0].1 <= 16, "{costs:?}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        what_is_left_is_what_one_transaction_leaves,
        small_ones_are_gone_at_once,
        nothing_else_is_done_meanwhile_and_others_are_served,
        a_document_lets_a_large_one_go_behind_its_transaction,
        a_piece_costs_as_much_whatever_is_left;
}
