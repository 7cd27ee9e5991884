//! Very many who left in one cycle and come back.

use scim_admin::WhyQuery;
use scim_admin::event::{EventQuery, LoggedEvent};
use scim_admin::policy::Which;
use scim_admin::why::WhyCause;
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
