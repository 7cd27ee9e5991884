//! Names, of which only one may have each, when a run is taken back.

use scim_admin::run::{UndoInput, UndoState};
use scim_provisioning::Cause;

use super::common::found;
use super::*;

fn rename(house: &House, id: &str, name: &str) {
    let answer = house.request(
        Method::Patch,
        &format!("/Users/{id}"),
        &replace("userName", name),
    );
    assert_eq!(answer.status, 200, "{name}");
}

pub(super) fn name_of(house: &House, path: &str, attribute: &str) -> Value {
    house.get(path)[attribute].clone()
}

fn user_names(house: &House, ids: &[&String]) -> Vec<Value> {
    let names = ids
        .iter()
        .map(|id| name_of(house, &format!("/Users/{id}"), "userName"));
    names.collect()
}

fn found_by_name(house: &House, name: &str) -> usize {
    let found = house.get(&format!("/Users?filter=userName%20eq%20%22{name}%22"));
    found["Resources"].as_array().map_or(0, Vec::len)
}

/// Every key says the name beside it: whoever lost one would be found by nobody.
pub(super) fn assert_whole(house: &House) {
    let dump = dump(house);
    let broken: Vec<_> = dump
        .iter()
        .filter(|(_, line)| line.contains('\u{1}'))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// What the preview says of each, in the order of their first change.
pub(super) fn foreseen(
    house: &House,
    run: &Run,
    chosen: &Chosen,
) -> Vec<(Option<UndoState>, Option<Cause>)> {
    let previewed = preview(house, run, chosen);
    previewed.iter().map(|one| (one.state, one.cause)).collect()
}

pub(super) fn refused_for_names(house: &House, run: &Run) -> usize {
    let query = scim_admin::event::EventQuery {
        run: Some(run.id),
        ..scim_admin::event::EventQuery::default()
    };
    let entries = found(house, query).into_iter();
    entries
        .filter(|entry| {
            entry
                .cause
                .as_ref()
                .is_some_and(|cause| *cause == Cause::UniquenessOwn)
        })
        .count()
}

/// Whom somebody gave the name since keeps it, whatever the run did to them otherwise.
pub(super) fn a_name_that_was_given_since_is_not_taken(house: &mut House) {
    let ava = house.create("/Users", &user("ava"));
    let bo = house.create("/Users", &user("bo"));
    end_cycle(house);
    rename(house, &ava, "aval");
    let answer = house.request(
        Method::Patch,
        &format!("/Users/{bo}"),
        &replace("title", "T"),
    );
    assert_eq!(answer.status, 200);
    end_cycle(house);
    let run = last_cycle(house);
    rename(house, &bo, "ava");
    end_cycle(house);
    let foreseen = foreseen(house, &run, &Chosen::default());
    let refused = (Some(UndoState::Kept), Some(Cause::UniquenessOwn));
    assert_eq!(foreseen, [refused, (Some(UndoState::Undo), None)]);
    let undone = undo(house, &run, Chosen::default());
    assert_eq!(user_names(house, &[&ava, &bo]), ["aval", "ava"]);
    assert_eq!(
        name_of(house, &format!("/Users/{bo}"), "title"),
        Value::Null
    );
    assert_eq!(
        (found_by_name(house, "ava"), found_by_name(house, "aval")),
        (1, 1)
    );
    assert_eq!(refused_for_names(house, &undone), 1);
    assert_whole(house);
}

/// Whoever is not chosen keeps the name, even if the run gave it to them.
pub(super) fn a_name_of_whom_nobody_chose_is_not_taken(house: &mut House) {
    let ava = house.create("/Users", &user("ava"));
    let bo = house.create("/Users", &user("bo"));
    end_cycle(house);
    rename(house, &ava, "aval");
    rename(house, &bo, "ava");
    end_cycle(house);
    let run = last_cycle(house);
    let input = UndoInput {
        only: vec![ava.clone()],
        overwrite: false,
    };
    let chosen = house.admin.chosen_of_run(run.id, &input).unwrap();
    let undone = undo(house, &run, chosen);
    assert_eq!(user_names(house, &[&ava, &bo]), ["aval", "ava"]);
    assert_eq!(found_by_name(house, "ava"), 1);
    assert_eq!(refused_for_names(house, &undone), 1);
    assert_whole(house);
    // With everybody it is given back.
    let undone = undo(house, &run, Chosen::default());
    assert_eq!(user_names(house, &[&ava, &bo]), ["ava", "bo"]);
    assert_eq!(refused_for_names(house, &undone), 0);
    assert_whole(house);
}

/// A group of which the run changed the members alone keeps a name that it got since.
pub(super) fn a_group_whose_members_changed_keeps_its_name(house: &mut House) {
    let ava = house.create("/Users", &user("ava"));
    let group = |name: &str| json!({"schemas": [uri::GROUP], "displayName": name});
    let one = house.create("/Groups", &group("one"));
    let two = house.create("/Groups", &group("two"));
    end_cycle(house);
    let rename = |id: &str, name: &str| {
        let path = format!("/Groups/{id}");
        let answer = house.request(Method::Patch, &path, &replace("displayName", name));
        assert!(answer.status < 300, "{}", answer.status);
    };
    rename(&one, "first");
    let members = json!([{"op": "add", "path": "members", "value": [{"value": ava}]}]);
    let answer = house.request(Method::Patch, &format!("/Groups/{two}"), &patch(&members));
    assert!(answer.status < 300, "{}", answer.status);
    end_cycle(house);
    let run = last_cycle(house);
    let path = format!("/Groups/{two}");
    let answer = house.request(Method::Patch, &path, &replace("displayName", "one"));
    assert!(answer.status < 300, "{}", answer.status);
    end_cycle(house);
    let undone = undo(house, &run, Chosen::default());
    assert_eq!(name_of(house, &path, "displayName"), "one");
    assert_eq!(name_of(house, &path, "members"), Value::Null);
    assert_eq!(
        name_of(house, &format!("/Groups/{one}"), "displayName"),
        "first"
    );
    assert_eq!(refused_for_names(house, &undone), 1);
    assert_whole(house);
}

/// A protected account keeps the name that the run gave it, and the undo ends all the same.
pub(super) fn a_name_of_a_protected_account_is_not_taken(house: &mut House) {
    let ava = house.create("/Users", &user("ava"));
    let bo = house.create("/Users", &user("bo"));
    end_cycle(house);
    rename(house, &ava, "aval");
    rename(house, &bo, "ava");
    end_cycle(house);
    let run = last_cycle(house);
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1 WHERE id = '{bo}'"
    ));
    let undone = undo(house, &run, Chosen::default());
    let person = |id: &str| house.admin.person(id).unwrap().person.user_name;
    assert_eq!(
        (person(&ava), person(&bo)),
        ("aval".to_owned(), "ava".to_owned())
    );
    assert_eq!(refused_for_names(house, &undone), 1);
    assert_whole(house);
}

/// Those who changed names in a circle get them back together, or none of them does.
pub(super) fn names_in_a_circle_come_back_together(house: &mut House) {
    let ids: Vec<String> = ["ava", "bo", "cy"]
        .map(|name| house.create("/Users", &user(name)))
        .to_vec();
    let ids: Vec<&String> = ids.iter().collect();
    end_cycle(house);
    for (id, name) in [
        (ids[0], "x"),
        (ids[1], "ava"),
        (ids[2], "bo"),
        (ids[0], "cy"),
    ] {
        rename(house, id, name);
    }
    end_cycle(house);
    let run = last_cycle(house);
    let taken_back = (Some(UndoState::Undo), None);
    assert_eq!(foreseen(house, &run, &Chosen::default()), [taken_back; 3]);
    let undone = undo(house, &run, Chosen::default());
    assert_eq!(user_names(house, &ids), ["ava", "bo", "cy"]);
    assert_eq!(undone.counts.of("updated"), 3);
    assert_eq!(undone.counts.of("failed"), 0);
    assert_whole(house);
    undo(house, &undone, Chosen::default());
    assert_eq!(user_names(house, &ids), ["cy", "ava", "bo"]);
    // Somebody else has a name by now: those who wait for one another stay as they are.
    rename(house, ids[2], "dee");
    house.create("/Users", &user("bo"));
    end_cycle(house);
    let before = user_names(house, &ids);
    let overwrite = Chosen {
        overwrite: true,
        ..Chosen::default()
    };
    let refused = (Some(UndoState::Kept), Some(Cause::UniquenessOwn));
    assert_eq!(foreseen(house, &run, &overwrite), [refused; 3]);
    let undone = undo(house, &run, overwrite);
    assert_eq!(refused_for_names(house, &undone), 3);
    assert_eq!(user_names(house, &ids), before);
    assert_whole(house);
}
