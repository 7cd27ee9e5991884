//! Microsoft Entra ID, without the flag that asks it to follow the RFC more closely.
//!
//! Operation words begin with a capital letter, booleans are text, every attribute has an
//! operation of its own, and references (managers, members) follow in a later pass.

use scim_client::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::attributes::{Attributes, MANAGER, differing, is_path, user_attributes};
use crate::client::Call;
use crate::dialect::{
    Dialect, GroupCreation, Headers, Member, Probe, Wanted, encode, equals, group_path, patch,
    user_path,
};
use crate::model::{GROUP, Group, User};
use crate::population::Habits;

/// The default dialect of Microsoft Entra ID.
#[derive(Debug)]
pub(crate) struct Entra;

impl Dialect for Entra {
    fn name(&self) -> &'static str {
        "entra"
    }

    fn headers(&self) -> Headers {
        Headers {
            user_agent: "simulated-idp (Microsoft Entra ID)",
            accept: "application/scim+json",
            content_type: "application/scim+json; charset=utf-8",
        }
    }

    fn habits(&self) -> Habits {
        Habits {
            deletes_users: true,
            user_key: |number| Uuid::from_u128(number).to_string(),
            group_key: |number| Some(Uuid::from_u128(number).to_string()),
        }
    }

    fn probes(&self) -> Vec<Probe> {
        let nobody = || Uuid::new_v4().to_string();
        [self.user_lookup(&nobody()), self.group_lookup(&nobody())]
            .into_iter()
            .map(|call| Probe {
                call,
                wanted: Wanted::EmptyList,
            })
            .collect()
    }

    fn user_lookup(&self, user_name: &str) -> Call {
        let filter = equals("userName", user_name);
        Call::new(Method::Get, format!("/Users?filter={filter}"))
    }

    fn group_lookup(&self, display_name: &str) -> Call {
        let filter = equals("displayName", display_name);
        let path = format!("/Groups?excludedAttributes=members&filter={filter}");
        Call::new(Method::Get, path)
    }

    fn user_creation(&self, user: &User) -> Call {
        let mut resource = user.resource(None);
        if let Some(attributes) = resource.as_object_mut() {
            attributes.insert("roles".to_owned(), json!([]));
            attributes.insert("meta".to_owned(), json!({"resourceType": "User"}));
        }
        Call::new(Method::Post, "/Users".to_owned()).body(resource)
    }

    fn user_changes(&self, id: &str, current: &Value, wanted: &User) -> Vec<Call> {
        let mut current = user_attributes(current);
        current.remove(MANAGER);
        let operations = operations(
            &current,
            &user_attributes(&wanted.resource(None)),
            habit_of(wanted),
        );
        if operations.is_empty() {
            return Vec::new();
        }
        vec![patch(user_path(id), operations)]
    }

    fn manager_change(&self, id: &str, current: &Value, manager: Option<&str>) -> Call {
        let known = user_attributes(current).contains_key(MANAGER);
        let (op, value) = match manager {
            Some(manager) if known => ("Replace", json!(manager)),
            Some(manager) => ("Add", json!(manager)),
            None => ("Replace", json!({"value": ""})),
        };
        let operation = json!({"op": op, "path": MANAGER, "value": value});
        patch(user_path(id), vec![operation])
    }

    fn group_creation(&self, group: &Group, _: &[Member<'_>]) -> GroupCreation {
        let body = json!({
            "schemas": [GROUP, ENTRA_GROUP],
            "externalId": group.external_id,
            "displayName": group.display_name,
            "meta": {"resourceType": "Group"},
        });
        GroupCreation {
            call: Call::new(Method::Post, "/Groups".to_owned()).body(body),
            carried: 0,
        }
    }

    fn group_rename(&self, id: &str, group: &Group) -> Call {
        let name = &group.display_name;
        let operation = json!({"op": "Replace", "path": "displayName", "value": name});
        patch(group_path(id), vec![operation])
    }

    fn member_changes(
        &self,
        id: &str,
        _: &Group,
        added: &[Member<'_>],
        removed: &[String],
    ) -> Vec<Call> {
        let added: Vec<&str> = added.iter().map(|member| member.id.as_str()).collect();
        let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
        [("Add", added), ("Remove", removed)]
            .iter()
            .flat_map(|(op, ids)| ids.chunks(BATCH).map(|ids| member_patch(id, op, ids)))
            .collect()
    }

    fn membership_lookup(&self, group: &str, user: &str) -> Option<Call> {
        let filter = encode(&format!("id eq \"{group}\" and members eq \"{user}\""));
        let path = format!("/Groups?excludedAttributes=members&filter={filter}");
        Some(Call::new(Method::Get, path))
    }
}

/// Which word a user's missing values are sent with: both occur, and mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// `Add` also where a value is there already.
    AlwaysAdd,
    /// `Replace` also where there is no value yet.
    AlwaysReplace,
    /// Each word where it belongs.
    Exact,
}

fn habit_of(user: &User) -> Habit {
    match user.external_id.bytes().map(usize::from).sum::<usize>() % 3 {
        0 => Habit::AlwaysAdd,
        1 => Habit::AlwaysReplace,
        _ => Habit::Exact,
    }
}

fn operations(current: &Attributes, wanted: &Attributes, habit: Habit) -> Vec<Value> {
    let paths = differing(current, wanted);
    let mut removed: Vec<&str> = Vec::new();
    let mut set = Vec::new();
    for path in paths {
        match wanted.get(path) {
            Some(value) => {
                let op = word(path, current.contains_key(path), habit);
                set.push(json!({"op": op, "path": path, "value": as_text(value)}));
            }
            None if !is_path(path) => {}
            None => {
                let path = removal_path(path, wanted);
                if !removed.contains(&path) {
                    removed.push(path);
                }
            }
        }
    }
    let removals = removed
        .into_iter()
        .map(|path| json!({"op": "Remove", "path": path}));
    removals.chain(set).collect()
}

fn word(path: &str, exists: bool, habit: Habit) -> &'static str {
    let filtered = path.contains('[');
    match (habit, exists) {
        (Habit::AlwaysAdd, _) if filtered => "Add",
        (Habit::AlwaysReplace, _) => "Replace",
        (_, true) => "Replace",
        (_, false) => "Add",
    }
}

/// A whole element is removed when nothing of it is wanted.
fn removal_path<'a>(path: &'a str, wanted: &Attributes) -> &'a str {
    let Some((element, _)) = path.rsplit_once("].") else {
        return path;
    };
    if wanted.keys().any(|other| other.starts_with(element)) {
        return path;
    }
    path.get(..=element.len()).unwrap_or(path)
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Bool(true) => json!("True"),
        Value::Bool(false) => json!("False"),
        other => other.clone(),
    }
}

fn member_patch(group: &str, op: &str, ids: &[&str]) -> Call {
    let value: Vec<Value> = ids
        .iter()
        .map(|id| json!({"$ref": null, "value": id}))
        .collect();
    let operation = json!({"op": op, "path": "members", "value": value});
    patch(group_path(group), vec![operation])
}

/// The schema URI that Entra ID adds to its groups.
const ENTRA_GROUP: &str =
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
/// How many members one request names.
const BATCH: usize = 25;

#[cfg(test)]
mod tests;
