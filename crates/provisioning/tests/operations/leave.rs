//! Leaving: DELETE, `active: false`, and the guard.

use chrono::TimeDelta;
use scim_protocol::Version;
use scim_provisioning::directory::{HeldAction, Status};
use scim_provisioning::policy::{Deletion, Guard, GuardAction};
use scim_provisioning::{Cause, Method, Outcome, ResourceId};
use serde_json::{Value, json};

use crate::house::{House, group, patch, path_of, user};

fn delete(house: &House, id: ResourceId) -> u16 {
    house
        .ask(Method::Delete, &path_of("Users", id), &Value::Null)
        .status
}

/// A guard that lets two of ten leave.
fn guarded(action: GuardAction) -> (House, Vec<ResourceId>) {
    let house = House::with(|policies| {
        policies.guard = Guard {
            count: 1,
            percent: 20,
            minutes: 60,
            action,
        };
    });
    let users = (0..10).map(|at| house.create("/Users", &user(&format!("user{at}"))));
    let users = users.collect();
    (house, users)
}

#[test]
fn a_delete_does_what_the_policy_says() {
    for (policy, status, action, days) in [
        (Deletion::Archive, Status::Archived, "archive", None),
        (Deletion::Block, Status::Blocked, "block", None),
        (
            Deletion::Delete { after_days: 30 },
            Status::Archived,
            "delete",
            Some(30),
        ),
    ] {
        let house = House::with(|policies| policies.deletion = policy);
        let ava = house.create("/Users", &user("ava"));
        let ops = house.create("/Groups", &group("Ops", &[ava]));
        assert_eq!(delete(&house, ava), 204);
        let person = house.person(ava);
        assert_eq!(
            (person.user.status, person.left),
            (status, Some(house.now()))
        );
        assert_eq!(
            person.purge,
            days.map(|days| house.now() + TimeDelta::days(days))
        );
        assert_eq!(house.told(), (action, Outcome::Success));
        assert_eq!(house.directory.members(ops), []);
        assert_eq!(house.get("/Users")["totalResults"], 0);
        assert_eq!(
            house
                .refused(Method::Delete, &path_of("Users", ava), &Value::Null)
                .0,
            404
        );
    }
}

#[test]
fn whoever_would_be_too_many_is_held_and_answered_as_if_it_were_done() {
    let (house, users) = guarded(GuardAction::Hold);
    let ops = house.create("/Groups", &group("Ops", &users));
    for id in &users[..2] {
        assert_eq!(delete(&house, *id), 204);
        assert_eq!(house.told(), ("archive", Outcome::Success));
    }
    assert_eq!(delete(&house, users[2]), 204);
    let told = house.last();
    assert_eq!(
        (told.outcome, told.cause),
        (Outcome::Held, Some(Cause::GuardHeld))
    );
    let person = house.person(users[2]);
    assert_eq!(
        (person.user.status, person.user.held),
        (Status::Active, true)
    );
    assert!(person.left.is_some(), "the identity provider sees nobody");
    assert_eq!(
        house.directory.members(ops).len(),
        8,
        "the person goes on working"
    );
    let held = house.directory.held();
    assert_eq!((held.len(), held[0].user), (1, users[2]));
    let action = HeldAction {
        deleted: true,
        status: Status::Archived,
        purge: None,
    };
    assert_eq!(held[0].action, action);
    assert_eq!(house.get("/Users")["totalResults"], 7);
}

#[test]
fn what_is_held_of_active_is_withdrawn_when_it_is_taken_back() {
    let (house, users) = guarded(GuardAction::Hold);
    let set = |id, active: bool| {
        let operations = patch(json!([{"op": "replace", "path": "active", "value": active}]));
        house.done(Method::Patch, &path_of("Users", id), &operations)
    };
    for id in &users[..2] {
        set(*id, false);
    }
    let shown = set(users[2], false);
    assert_eq!(
        shown["active"], false,
        "what the client was told must not look undone"
    );
    assert_eq!(house.told(), ("block", Outcome::Held));
    let stored = house.stored(users[2]);
    assert_eq!((stored.status, stored.held), (Status::Active, true));
    let again = set(users[2], false);
    assert_eq!(
        again["meta"]["version"], shown["meta"]["version"],
        "what is held stays held"
    );
    assert_eq!(set(users[2], true)["active"], true);
    let stored = house.stored(users[2]);
    assert_eq!((stored.status, stored.held), (Status::Active, false));
    assert!(house.directory.held().is_empty());
}

#[test]
fn a_guard_that_rejects_changes_nothing_and_counts_within_its_window() {
    let (house, users) = guarded(GuardAction::Reject);
    for id in &users[..2] {
        assert_eq!(delete(&house, *id), 204);
    }
    let path = path_of("Users", users[2]);
    assert_eq!(
        house.refused(Method::Delete, &path, &Value::Null),
        (403, Cause::GuardRejected)
    );
    let inactive = patch(json!([{"op": "replace", "path": "active", "value": false}]));
    assert_eq!(
        house.refused(Method::Patch, &path, &inactive),
        (403, Cause::GuardRejected)
    );
    assert_eq!(house.stored(users[2]).version, Version(1));
    assert!(house.directory.held().is_empty());
    house.environment.advance(TimeDelta::minutes(61));
    assert_eq!(delete(&house, users[2]), 204);
}

#[test]
fn an_administrator_who_allows_what_was_held_begins_anew() {
    let (mut house, users) = guarded(GuardAction::Reject);
    for id in &users[..2] {
        delete(&house, *id);
    }
    assert_eq!(delete(&house, users[2]), 403);
    let mut configuration = (*house.caller.configuration).clone();
    configuration.guard_reset = Some(house.now());
    house.caller.configuration = configuration.into();
    assert_eq!(delete(&house, users[2]), 204);
}
