//! Okta: profiles by PUT of the whole resource, activation by PATCH, groups by group push.

use scim_client::Method;
use serde_json::{Value, json};

use crate::attributes::{MANAGER, differing, user_attributes};
use crate::client::Call;
use crate::dialect::{
    Dialect, GroupCreation, Headers, Member, Probe, Wanted, equals, group_path, patch, user_path,
};
use crate::model::{ENTERPRISE, GROUP, Group, User};
use crate::population::Habits;

/// An Okta integration with group push.
#[derive(Debug)]
pub(crate) struct Okta;

impl Dialect for Okta {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn headers(&self) -> Headers {
        Headers {
            user_agent: "Okta SCIM Client 1.0.0",
            accept: "application/scim+json; charset=utf-8",
            content_type: "application/json",
        }
    }

    fn habits(&self) -> Habits {
        Habits {
            deletes_users: false,
            user_key,
            group_key: |_| None,
        }
    }

    fn probes(&self) -> Vec<Probe> {
        let probe = |path: &str, wanted| Probe {
            call: Call::new(Method::Get, path.to_owned()),
            wanted,
        };
        vec![
            probe("/Users?startIndex=1&count=1", Wanted::List),
            probe("/ServiceProviderConfig", Wanted::Configuration),
            probe("/Groups?startIndex=1&count=1", Wanted::List),
        ]
    }

    fn user_lookup(&self, user_name: &str) -> Call {
        let filter = equals("userName", user_name);
        let path = format!("/Users?filter={filter}&startIndex=1&count=100");
        Call::new(Method::Get, path)
    }

    fn group_lookup(&self, display_name: &str) -> Call {
        let filter = equals("displayName", display_name);
        let path = format!("/Groups?filter={filter}&startIndex=1&count=100");
        Call::new(Method::Get, path)
    }

    fn user_creation(&self, user: &User) -> Call {
        let mut resource = user.resource(None);
        if let Some(attributes) = resource.as_object_mut() {
            let password = format!("n0t-Used-{}", user.external_id);
            attributes.insert("password".to_owned(), Value::from(password));
            attributes.insert("groups".to_owned(), json!([]));
        }
        Call::new(Method::Post, "/Users".to_owned()).body(resource)
    }

    fn user_changes(&self, id: &str, current: &Value, wanted: &User) -> Vec<Call> {
        let have = user_attributes(current);
        let want = user_attributes(&wanted.resource(None));
        let mut calls = Vec::new();
        let differs = differing(&have, &want);
        if differs
            .iter()
            .any(|path| !["active", MANAGER].contains(path))
        {
            let body = overlaid(current, wanted);
            calls.push(Call::new(Method::Put, user_path(id)).body(body));
        }
        if differs.contains(&"active") {
            let operation = json!({"op": "replace", "value": {"active": wanted.active}});
            calls.push(patch(user_path(id), vec![operation]));
        }
        calls
    }

    fn manager_change(&self, id: &str, current: &Value, manager: Option<&str>) -> Call {
        let mut body = current.clone();
        let extension = body
            .as_object_mut()
            .map(|attributes| attributes.entry(ENTERPRISE).or_insert_with(|| json!({})));
        if let Some(extension) = extension.and_then(Value::as_object_mut) {
            extension.remove("manager");
            if let Some(manager) = manager {
                extension.insert("manager".to_owned(), json!({"value": manager}));
            }
        }
        Call::new(Method::Put, user_path(id)).body(body)
    }

    fn group_creation(&self, group: &Group, members: &[Member<'_>]) -> GroupCreation {
        let carried = members.chunks(MEMBERS).next().unwrap_or_default();
        let body = json!({
            "schemas": [GROUP],
            "displayName": group.display_name,
            "members": elements(carried),
        });
        GroupCreation {
            call: Call::new(Method::Post, "/Groups".to_owned()).body(body),
            carried: carried.len(),
        }
    }

    fn group_rename(&self, id: &str, group: &Group) -> Call {
        let value = json!({"id": id, "displayName": group.display_name});
        let operation = json!({"op": "replace", "value": value});
        patch(group_path(id), vec![operation])
    }

    fn member_changes(
        &self,
        id: &str,
        group: &Group,
        added: &[Member<'_>],
        removed: &[String],
    ) -> Vec<Call> {
        // The name is pushed again with every change of the members.
        let mut calls = vec![self.group_rename(id, group)];
        let mut added = added.chunks(MEMBERS);
        let mut removed = removed.chunks(REMOVALS);
        loop {
            let (added, removed) = (added.next(), removed.next());
            if added.is_none() && removed.is_none() {
                return calls;
            }
            let mut operations: Vec<Value> = removed
                .unwrap_or_default()
                .iter()
                .map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}))
                .collect();
            if let Some(added) = added {
                let value = elements(added);
                operations.push(json!({"op": "add", "path": "members", "value": value}));
            }
            calls.push(patch(group_path(id), operations));
        }
    }

    fn membership_lookup(&self, _: &str, _: &str) -> Option<Call> {
        None
    }
}

/// The resource as it was read, with the profile written over it.
///
/// Activation is not part of it, nor is the manager: both have requests of their own.
fn overlaid(current: &Value, wanted: &User) -> Value {
    let mut body = current.clone();
    let profile = wanted.resource(None);
    let (Some(body_attributes), Some(profile)) = (body.as_object_mut(), profile.as_object()) else {
        return profile;
    };
    for name in ["emails", "phoneNumbers", "addresses"] {
        body_attributes.insert(name.to_owned(), json!([]));
    }
    for (name, value) in profile {
        if name != "active" && name != ENTERPRISE {
            body_attributes.insert(name.clone(), value.clone());
        }
    }
    let extension = body_attributes
        .entry(ENTERPRISE)
        .or_insert_with(|| json!({}));
    if let (Some(extension), Some(profile)) = (
        extension.as_object_mut(),
        profile.get(ENTERPRISE).and_then(Value::as_object),
    ) {
        extension.extend(profile.clone());
    }
    body
}

fn elements(members: &[Member<'_>]) -> Vec<Value> {
    members
        .iter()
        .map(|member| json!({"value": member.id, "display": member.user.user_name}))
        .collect()
}

/// A key like Okta's: `00u` and 17 letters and digits.
fn user_key(mut number: u128) -> String {
    let mut key = String::from("00u");
    for _ in 0..17 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        key.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    key
}

/// How many members one request adds.
const MEMBERS: usize = 200;
/// How many members one request removes.
const REMOVALS: usize = 100;

#[cfg(test)]
mod tests;
