//! Very many who left in one cycle and come back.

use scim_admin::event::{AuditQuery, EventQuery, LoggedEvent};
use scim_admin::policy::Which;
use scim_admin::why::WhyCause;
use scim_admin::{ConfigurationStatus, WhyQuery};
use scim_persistence::Database;
use scim_provisioning::Cause;
use scim_provisioning::event::Outcome;

use super::*;

/// What it takes to bring one back does not grow with how many left. Times are printed to be read;
/// `SERVICEOPS_SCIM_TEST_LEAVERS` says how many leave.
pub(super) fn leavers_come_back(house: &mut House) {
    let many = std::env::var("SERVICEOPS_SCIM_TEST_LEAVERS");
    let many: usize = many.map_or(450, |text| text.parse().unwrap());
    with_policy(house, |policies| policies.guard.count = 0);
    let ids: Vec<String> = (0..many)
        .map(|number| house.create("/Users", &user(&format!("p{number}"))))
        .collect();
    end_cycle(house);
    for id in &ids {
        let answer = house.request(Method::Delete, &format!("/Users/{id}"), &Value::Null);
        assert_eq!(answer.status, 204);
    }
    end_cycle(house);
    let run = last_cycle(house);
    assert!(listed(house, "/Users").is_empty());
    let (before, began) = (Database::statements(), std::time::Instant::now());
    let undone = undo(house, &run, Chosen::default());
    let statements = Database::statements() - before;
    println!("{many} leavers were back after {:?}", began.elapsed());
    assert_eq!(undone.counts.of("unblocked"), i64::try_from(many).unwrap());
    let found = house.get("/Users?count=0");
    assert_eq!(found["totalResults"], many);
    let most = 15 * u64::try_from(many).unwrap();
    assert!(statements < most, "{statements} statements");
}

/// What was taken back is not done again by the next cycle of an identity provider that did not hear
/// of it, however few leave, and whether the guard is on or off.
pub(super) fn who_was_brought_back_is_held_when_they_are_to_leave_again(house: &mut House) {
    with_policy(house, |policies| policies.guard.count = 0);
    let [ava, bo, cy] = ["ava", "bo", "cy"].map(|name| house.create("/Users", &user(name)));
    end_cycle(house);
    let path = |id: &str| format!("/Users/{id}");
    let leave = |house: &House| {
        let answer = house.request(Method::Delete, &path(&ava), &Value::Null);
        assert_eq!(answer.status, 204);
        let off = replace("active", false);
        let answer = house.request(Method::Patch, &path(&bo), &off);
        assert_eq!(answer.body.unwrap()["active"], false);
    };
    let title = replace("title", "Director");
    assert_eq!(house.request(Method::Patch, &path(&cy), &title).status, 200);
    leave(house);
    end_cycle(house);
    let run = last_cycle(house);
    undo(house, &run, Chosen::default());
    leave(house);
    let configuration = house.caller.configuration.id;
    let held = |house: &House| house.admin.held(configuration, None, 10).unwrap();
    let users: Vec<String> = held(house).into_iter().map(|one| one.user).collect();
    assert_eq!(users, [ava.clone(), bo.clone()]);
    let query = EventQuery {
        outcome: Some(Outcome::Held),
        limit: 10,
        ..EventQuery::default()
    };
    let told = house.admin.events(&query).unwrap();
    let causes: Vec<_> = told.iter().map(LoggedEvent::known_cause).collect();
    assert_eq!(causes, [Some(Cause::GuardRepeated); 2]);
    let query = WhyQuery {
        who: "ava".to_owned(),
        ..WhyQuery::default()
    };
    let why = house.admin.why(&actor(), &house.provider, &query).unwrap();
    assert_eq!(why.cause, WhyCause::Held(Cause::GuardRepeated));
    // Who did not leave in that run may leave, and so may who was brought back a day ago.
    let answer = house.request(Method::Delete, &path(&cy), &Value::Null);
    assert_eq!(answer.status, 204);
    let rejected = house
        .admin
        .decide_held(&actor(), configuration, Which::All, false);
    assert_eq!(rejected.unwrap().len(), 2);
    house.tamper("UPDATE provisioning_events SET at = at - 86400000");
    leave(house);
    assert!(held(house).is_empty());
}

fn members_of(house: &House, group: &str) -> Vec<String> {
    let members = house.get(&format!("/Groups/{group}"))["members"].clone();
    let members = members.as_array().cloned().unwrap_or_default();
    let ids = members.iter().map(|one| one["value"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// A member whose removal was taken back is held when the identity provider removes them again,
/// however it says so; whoever did not leave in that run leaves, and so does everybody a day later.
pub(super) fn a_member_who_was_brought_back_is_held_when_they_are_removed_again(house: &mut House) {
    let [ava, bo, cy, di] =
        ["ava", "bo", "cy", "di"].map(|name| house.create("/Users", &user(name)));
    let with = |ids: &[&String]| {
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": members})
    };
    let ops = house.create("/Groups", &with(&[&ava, &bo, &cy, &di]));
    let path = format!("/Groups/{ops}");
    let remove = |house: &House, operation: Value| {
        let answer = house.request(Method::Patch, &path, &patch(&json!([operation])));
        assert!(answer.status < 300, "{:?}", answer.body);
    };
    let leave = |house: &House| {
        let by_filter = format!("members[value eq \"{ava}\"]");
        remove(house, json!({"op": "remove", "path": by_filter}));
        let named = json!([{"value": bo}]);
        remove(
            house,
            json!({"op": "remove", "path": "members", "value": named}),
        );
        let answer = house.request(Method::Put, &path, &with(&[&di]));
        assert_eq!(answer.status, 200);
        assert_eq!(members_of(house, &ops), std::slice::from_ref(&di));
    };
    end_cycle(house);
    leave(house);
    end_cycle(house);
    let run = last_cycle(house);
    undo(house, &run, Chosen::default());
    assert_eq!(members_of(house, &ops).len(), 4);
    leave(house);
    let configuration = house.caller.configuration.id;
    let held = |house: &House| {
        let held = house.admin.held(configuration, None, 10).unwrap();
        let users = held.into_iter().map(|one| one.user);
        users.collect::<Vec<String>>()
    };
    assert_eq!(held(house), [ava.clone(), bo.clone(), cy.clone()]);
    let query = EventQuery {
        outcome: Some(Outcome::Held),
        limit: 10,
        ..EventQuery::default()
    };
    let told = house.admin.events(&query).unwrap();
    let causes: Vec<_> = told.iter().map(LoggedEvent::known_cause).collect();
    assert_eq!(causes, [Some(Cause::GuardRepeated); 3]);
    // What is asked for once more is held already, and who is added again is not held any more.
    remove(
        house,
        json!({"op": "remove", "path": "members", "value": [{"value": bo}]}),
    );
    assert_eq!(held(house).len(), 3);
    let bo_again = json!({"op": "add", "path": "members", "value": [{"value": bo}]});
    remove(house, bo_again);
    assert_eq!(held(house), [ava.clone(), cy.clone()]);
    // Who did not leave in that run may leave, in a request with somebody who may not.
    let both = json!([{"value": bo}, {"value": di}]);
    remove(
        house,
        json!({"op": "remove", "path": "members", "value": both}),
    );
    // In the order of time.
    assert_eq!(held(house), [ava.clone(), cy.clone(), bo.clone()]);
    assert!(members_of(house, &ops).is_empty());
    let rejected = house
        .admin
        .decide_held(&actor(), configuration, Which::All, false);
    assert_eq!(rejected.unwrap().len(), 3);
    assert_eq!(members_of(house, &ops).len(), 3);
    house.tamper("UPDATE runs SET began_at = began_at - 86400000");
    let all = json!({"op": "remove", "path": "members"});
    remove(house, all);
    assert!(held(house).is_empty());
    assert!(members_of(house, &ops).is_empty());
}

/// With an undo the configuration is paused whose identity provider may do it again, in one step: where
/// the one is refused the other is not done.
pub(super) fn an_undo_pauses_the_configuration_that_may_do_it_again(house: &mut House) {
    let ava = house.create("/Users", &user("ava"));
    end_cycle(house);
    let title = replace("title", "T");
    house.request(Method::Patch, &format!("/Users/{ava}"), &title);
    end_cycle(house);
    let run = last_cycle(house);
    let status = |house: &House| {
        let id = house.caller.configuration.id;
        house.admin.configuration(id).unwrap().status
    };
    assert!(house.admin.pausable(&run).unwrap().is_some());
    let admin = &house.admin;
    let nobody = Chosen {
        resources: Some(vec!["nobody".to_owned()]),
        ..Chosen::default()
    };
    let refused = admin.begin_undo_and(&actor(), &run, nobody, true);
    assert!(refused.is_err());
    assert_eq!(status(house), ConfigurationStatus::Enabled);
    let begun = admin.begin_undo_and(&actor(), &run, Chosen::default(), true);
    let undone = admin.finish_undo(begun.unwrap().id).unwrap();
    assert_eq!(status(house), ConfigurationStatus::Paused);
    let told = AuditQuery {
        limit: 2,
        ..AuditQuery::default()
    };
    let told = admin.audit(&told).unwrap();
    let events: Vec<_> = told.iter().map(|(_, entry)| &*entry.event).collect();
    assert!(events.contains(&"configuration.paused"), "{events:?}");
    assert!(events.contains(&"run.undone"), "{events:?}");
    // It is paused already; and an undo is asked for by no identity provider.
    for run in [&run, &undone] {
        assert!(admin.pausable(run).unwrap().is_none());
        let refused = admin.begin_undo_and(&actor(), run, Chosen::default(), true);
        assert!(matches!(refused, Err(scim_admin::AdminError::Invalid(_))));
    }
}

/// Whose adding was taken back joins again: nothing holds that somebody joins.
pub(super) fn who_was_taken_out_again_may_join_again(house: &mut House) {
    let ava = house.create("/Users", &user("ava"));
    let group = json!({"schemas": [uri::GROUP], "displayName": "Ops"});
    let ops = house.create("/Groups", &group);
    end_cycle(house);
    let add = patch(&json!([{"op": "add", "path": "members", "value": [{"value": ava}]}]));
    let path = format!("/Groups/{ops}");
    assert_eq!(house.request(Method::Patch, &path, &add).status, 200);
    end_cycle(house);
    let run = last_cycle(house);
    undo(house, &run, Chosen::default());
    assert!(members_of(house, &ops).is_empty());
    assert_eq!(house.request(Method::Patch, &path, &add).status, 200);
    assert_eq!(members_of(house, &ops), [ava]);
}
