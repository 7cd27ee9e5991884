#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use serde_json::json;

use super::*;
use crate::dialect::Dialect;
use crate::entra::Entra;
use crate::links::{GroupLink, UserLink};
use crate::population::{Scale, plan};

/// A directory and a service provider that has exactly that.
struct Sides {
    directory: Directory,
    links: Links,
    users: Vec<Value>,
    groups: Vec<Value>,
}

impl Sides {
    fn equal() -> Self {
        let scale = Scale {
            seed: 3,
            users: 40,
            groups: 6,
            prefix: "demo".to_owned(),
        };
        let directory = plan(&scale, &Entra.habits()).first;
        let mut links = Links::default();
        for number in 0..directory.users.len() {
            let id = user_id(number);
            links.put_user(number, UserLink { id, manager: None });
        }
        for number in 0..directory.groups.len() {
            let id = group_id(number);
            let members = BTreeSet::new();
            links.put_group(number, GroupLink { id, members });
        }
        let users = (0..directory.users.len())
            .map(|number| found_user(&directory, number))
            .collect();
        let groups = (0..directory.groups.len())
            .map(|number| found_group(&directory, number))
            .collect();
        Self {
            directory,
            links,
            users,
            groups,
        }
    }

    fn differences(&self) -> Vec<String> {
        compare(&self.directory, &self.links, &self.users, &self.groups)
            .iter()
            .map(|finding| format!("{}|{}|{}", finding.what, finding.expected, finding.found))
            .collect()
    }

    fn user_name(&self, number: usize) -> String {
        self.directory.user(number).unwrap().user_name.clone()
    }
}

fn user_id(number: usize) -> String {
    format!("u{number}")
}

fn group_id(number: usize) -> String {
    format!("g{number}")
}

fn found_user(directory: &Directory, number: usize) -> Value {
    let user = directory.user(number).unwrap();
    let manager = user.manager.map(user_id);
    let mut resource = user.resource(manager.as_deref());
    resource["id"] = json!(user_id(number));
    let groups: Vec<Value> = directory
        .groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.as_ref().unwrap().members.contains(&number))
        .map(|(at, group)| {
            json!({"value": group_id(at), "display": group.as_ref().unwrap().display_name})
        })
        .collect();
    resource["groups"] = json!(groups);
    resource["meta"] = json!({"resourceType": "User"});
    resource
}

fn found_group(directory: &Directory, number: usize) -> Value {
    let group = directory.group(number).unwrap();
    let members: Vec<Value> = group
        .members
        .iter()
        .map(|member| json!({"value": user_id(*member)}))
        .collect();
    json!({
        "schemas": [GROUP],
        "id": group_id(number),
        "externalId": group.external_id,
        "displayName": group.display_name,
        "members": members,
    })
}

#[test]
fn equal_sides_have_no_differences() {
    assert_eq!(Sides::equal().differences(), [""; 0]);
}

#[test]
fn resources_of_others_are_ignored() {
    let mut sides = Sides::equal();
    sides.users.push(json!({"id": "x", "userName": "somebody"}));
    sides
        .groups
        .push(json!({"id": "y", "displayName": "Theirs"}));
    sides.users[0]["groups"]
        .as_array_mut()
        .unwrap()
        .push(json!({"value": "y"}));
    assert_eq!(sides.differences(), [""; 0]);
}

#[test]
fn a_changed_value_is_found() {
    let mut sides = Sides::equal();
    let title = sides.users[2]["title"].take();
    assert_eq!(sides.differences(), [format!("title|{title}|nothing")]);
    sides.users[2]["title"] = json!("Other");
    assert_eq!(sides.differences(), [format!("title|{title}|\"Other\"")]);
}

#[test]
fn activation_as_text_is_a_difference() {
    let mut sides = Sides::equal();
    let active = sides.users[0]["active"].as_bool().unwrap();
    sides.users[0]["active"] = json!(if active { "True" } else { "False" });
    assert_eq!(sides.differences().len(), 1);
}

#[test]
fn a_value_that_should_not_be_there_is_found() {
    let mut sides = Sides::equal();
    let number = (0..40)
        .find(|number| sides.directory.user(*number).unwrap().address.is_none())
        .unwrap();
    sides.users[number]["addresses"] = json!([{"type": "home", "locality": "Oslo"}]);
    assert_eq!(
        sides.differences(),
        ["addresses[type eq \"home\"].locality|nothing|\"Oslo\""]
    );
}

#[test]
fn a_wrong_manager_is_found() {
    let mut sides = Sides::equal();
    sides.users[9][ENTERPRISE]["manager"]["value"] = json!("u5");
    let differences = sides.differences();
    assert_eq!(differences.len(), 1);
    assert!(differences[0].ends_with(":manager|\"u1\"|\"u5\""));
}

#[test]
fn a_missing_schema_is_found() {
    let mut sides = Sides::equal();
    sides.users[1]["schemas"] = json!([USER]);
    sides.groups[1]["schemas"] = json!([]);
    let expected = [
        format!("schemas|{ENTERPRISE}|no such value"),
        format!("schemas|{GROUP}|no such value"),
    ];
    assert_eq!(sides.differences(), expected);
}

#[test]
fn a_missing_resource_is_found() {
    let mut sides = Sides::equal();
    sides.users.pop();
    sides.groups.remove(4);
    assert_eq!(
        sides.differences(),
        ["resource|present|missing", "resource|present|missing"]
    );
}

#[test]
fn a_lost_member_is_found_on_both_sides() {
    let mut sides = Sides::equal();
    sides.groups[0]["members"].as_array_mut().unwrap().remove(0);
    let name = sides.user_name(0);
    assert_eq!(
        sides.differences(),
        [format!("members|{name}|no such value")]
    );

    let mut sides = Sides::equal();
    let group = sides.directory.group(0).unwrap().display_name.clone();
    sides.users[0]["groups"].as_array_mut().unwrap().remove(0);
    assert_eq!(
        sides.differences(),
        [format!("groups|{group:?}|no such value")]
    );
}

#[test]
fn a_member_too_many_is_found_on_both_sides() {
    let mut sides = Sides::equal();
    sides.groups[4]["members"] = json!([{"value": "u7"}]);
    assert_eq!(sides.differences(), ["members|no such value|user u7"]);
    sides.groups[4]["members"] = json!([]);
    sides.users[7]["groups"]
        .as_array_mut()
        .unwrap()
        .push(json!({"value": "g4"}));
    assert_eq!(sides.differences(), ["groups|no such value|group g4"]);
}

#[test]
fn an_old_group_name_at_a_user_is_found() {
    let mut sides = Sides::equal();
    sides.users[0]["groups"][0]["display"] = json!("Old");
    let group = sides.directory.group(0).unwrap().display_name.clone();
    assert_eq!(
        sides.differences(),
        [format!("groups.display|{group:?}|\"Old\"")]
    );
}

#[test]
fn a_resource_that_comes_twice_is_found() {
    let mut sides = Sides::equal();
    sides.users.push(sides.users[3].clone());
    assert_eq!(
        sides.differences(),
        ["walk of the pages|one occurrence|several"]
    );
}

#[test]
fn a_second_holder_of_a_name_is_found() {
    let mut sides = Sides::equal();
    let name = sides.user_name(3).to_uppercase();
    sides.users.push(json!({"id": "copy", "userName": name}));
    assert_eq!(sides.differences(), ["userName|only resource u3|also copy"]);
}

#[test]
fn what_was_deleted_must_stay_away() {
    let mut sides = Sides::equal();
    let name = sides.user_name(39);
    sides.links.user_is_gone(39, &name);
    sides.directory.users[39] = None;
    for group in sides.directory.groups.iter_mut().flatten() {
        group.members.remove(&39);
    }
    let found = sides.differences();
    assert!(found.contains(&"resource|deleted|present".to_owned()));
    assert!(found.contains(&"userName|nobody|resource u39".to_owned()));
    assert!(found.contains(&"members|no such value|user u39".to_owned()));

    sides.users.retain(|user| user["id"] != "u39");
    for group in &mut sides.groups {
        let members = group["members"].as_array_mut().unwrap();
        members.retain(|member| member["value"] != "u39");
    }
    assert_eq!(sides.differences(), [""; 0]);
}
