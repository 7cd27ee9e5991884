//! What was taken back before a rehearsal, and is asked for again in it.

use scim_protocol::Limits;
use scim_provisioning::ServiceProvider;

use super::*;

/// Begins the next cycle.
fn end_cycle(house: &mut House) {
    house.provider.count_cycles().unwrap();
    house.tamper("UPDATE runs SET state = 'done', ended_at = last_request_at WHERE kind = 'cycle'");
    let (directory, keys) = (house.database.clone(), house.keys.clone());
    house.provider = ServiceProvider::new(directory, keys, common::BASE, Limits::default());
}

/// Who was brought back, and whoever was put back into a group, is held in a rehearsal as live, and
/// stays held when that goes live.
pub(super) fn who_was_brought_back_is_held_in_a_rehearsal_too(house: &mut House) {
    let [ava, bo, cy] = ["ava", "bo", "cy"].map(|name| house.create("/Users", &user(name)));
    let ops = house.create("/Groups", &group("Ops", &[&ava, &bo, &cy]));
    end_cycle(house);
    let (in_group, of_bo) = (format!("/Groups/{ops}"), format!("/Users/{bo}"));
    let remove =
        |id: &str| patch(&json!([{"op": "remove", "path": "members", "value": [{"value": id}]}]));
    let removed = house.request(Method::Patch, &in_group, &remove(&ava));
    assert!(removed.status < 300);
    let blocked = house.request(Method::Patch, &of_bo, &replace("active", false));
    assert_eq!(blocked.status, 200);
    end_cycle(house);
    let query = RunsQuery {
        kind: Some(RunKind::Cycle),
        limit: 1,
        ..RunsQuery::default()
    };
    let cycle = house.admin.runs(&query).unwrap().swap_remove(0);
    let begun = house.admin.begin_undo(&actor(), &cycle, Chosen::default());
    house.admin.finish_undo(begun.unwrap().id).unwrap();
    let status = |house: &House| {
        let person = house.admin.person(&bo).unwrap().person;
        person.status.as_str().to_owned()
    };
    assert_eq!(status(house), "active");

    let (rehearsal, provider) = rehearse(house);
    let before = dump(house);
    for (at, (path, change)) in [
        (&in_group, remove(&ava)),
        (&in_group, remove(&cy)),
        (&of_bo, replace("active", false)),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = Caller {
            request_id: format!("request-{at}"),
            ..house.caller.clone()
        };
        let answer = answered(&provider, &caller, Method::Patch, path, &change);
        assert!(answer.status < 300, "{:?}", answer.body);
        let left = house
            .admin
            .let_leave(&house.provider, &caller, rehearsal.id);
        left.unwrap();
    }
    // To the identity provider it looks done.
    let shown = answered(
        &provider,
        &house.caller,
        Method::Get,
        &in_group,
        &Value::Null,
    );
    let shown = shown.body.unwrap()["members"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(
        differences(&before, &dump(house)),
        "",
        "nobody left at once"
    );
    let held = |item: &scim_admin::rehearsal::RehearsedItem| (item.held, item.id.clone());
    let shown: Vec<_> = items(house, &rehearsal).iter().map(held).collect();
    assert!(shown.contains(&(true, Some(bo.clone()))), "{shown:?}");

    go_live(house, false);
    assert_eq!(status(house), "active");
    let of = house.caller.configuration.id;
    let held = house.admin.held(of, None, 10).unwrap();
    let mut held: Vec<String> = held.into_iter().map(|one| one.user).collect();
    held.sort();
    assert_eq!(held, [ava, bo], "and cy, who was not brought back, left");
}
