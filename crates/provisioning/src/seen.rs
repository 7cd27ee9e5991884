//! Which attributes an identity provider sends: counted in memory, written now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use scim_protocol::path::same_name;
use serde_json::{Map, Value};

use crate::id::{ConfigurationId, ResourceKind};

/// An attribute that was received.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAttribute {
    /// By this configuration.
    pub configuration: ConfigurationId,
    /// Of a User or a Group.
    pub kind: ResourceKind,
    /// The path, such as `emails[type eq "work"].value`.
    pub path: String,
    /// The JSON type of the last value.
    pub value_type: &'static str,
    /// In how many requests.
    pub count: u64,
    /// When it was received last.
    pub last_seen: DateTime<Utc>,
    /// The last value, masked: enough to recognise, too little to read.
    pub sample: String,
}

/// What was received since it was written last.
#[derive(Default)]
pub(crate) struct Seen {
    attributes: Mutex<HashMap<(ConfigurationId, ResourceKind, String), SeenAttribute>>,
}

impl Seen {
    /// Counts the attributes of a request body: a resource, or a PATCH.
    pub(crate) fn note(
        &self,
        configuration: ConfigurationId,
        kind: ResourceKind,
        body: &Value,
        now: DateTime<Utc>,
    ) {
        let mut found = Vec::new();
        let Some(members) = body.as_object() else {
            return;
        };
        let operations = members
            .iter()
            .find(|(name, _)| same_name(name, "Operations"))
            .and_then(|(_, operations)| operations.as_array());
        match operations {
            Some(operations) => operations
                .iter()
                .take(PATHS)
                .for_each(|operation| changed(operation, &mut found)),
            None => flatten(members, &mut found),
        }
        let mut attributes = self
            .attributes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (path, value) in found {
            let key = (configuration, kind, path);
            if attributes.len() >= KEPT && !attributes.contains_key(&key) {
                continue;
            }
            let path = key.2.clone();
            let seen = attributes.entry(key).or_insert_with(|| SeenAttribute {
                configuration,
                kind,
                path,
                value_type: "null",
                count: 0,
                last_seen: now,
                sample: String::new(),
            });
            seen.count += 1;
            seen.last_seen = now;
            seen.value_type = type_of(value);
            seen.sample = masked(value);
        }
    }

    /// What was counted, which is counted anew from now on.
    pub(crate) fn take(&self) -> Vec<SeenAttribute> {
        let mut attributes = self
            .attributes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        attributes.drain().map(|(_, seen)| seen).collect()
    }
}

/// The attributes that an operation of a PATCH names.
fn changed<'v>(operation: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    let member = |name: &str| {
        let members = operation.as_object()?.iter();
        let mut named = members.filter(|(key, _)| same_name(key, name));
        named.next().map(|(_, value)| value)
    };
    let value = member("value").unwrap_or(&Value::Null);
    match member("path").and_then(Value::as_str) {
        Some(path) => flatten_value(path, value, found),
        None => {
            if let Some(members) = value.as_object() {
                flatten(members, found);
            }
        }
    }
}

fn flatten<'v>(members: &'v Map<String, Value>, found: &mut Vec<(String, &'v Value)>) {
    for (name, value) in members {
        if same_name(name, "schemas") || same_name(name, "meta") || same_name(name, "password") {
            continue;
        }
        match value {
            // An extension: its attributes stand behind a colon.
            Value::Object(members) if name.contains(':') => {
                for (attribute, value) in members {
                    flatten_value(&format!("{name}:{attribute}"), value, found);
                }
            }
            value => flatten_value(name, value, found),
        }
    }
}

fn flatten_value<'v>(path: &str, value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    if found.len() >= PATHS || path.len() > PATH_BYTES || path.contains("password") {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name != "$ref" {
                    flatten_value(&format!("{path}.{name}"), value, found);
                }
            }
        }
        // The members of a group are many and alike.
        Value::Array(elements) => {
            for element in elements.iter().take(ELEMENTS) {
                match element.get("type").and_then(Value::as_str) {
                    Some(kind) => {
                        let kind = Value::from(kind);
                        let of_type = format!("{path}[type eq {kind}]");
                        for (name, value) in element.as_object().into_iter().flatten() {
                            if name != "type" && name != "$ref" {
                                flatten_value(&format!("{of_type}.{name}"), value, found);
                            }
                        }
                    }
                    None => flatten_value(path, element, found),
                }
            }
        }
        value => found.push((path.to_owned(), value)),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Text keeps its first letter and its length.
fn masked(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let length = text.chars().count();
            let first: String = text.chars().take(1).collect();
            match length {
                0 => String::new(),
                1 => "*".to_owned(),
                _ => format!("{first}{}", "*".repeat((length - 1).min(12))),
            }
        }
        Value::Bool(flag) => flag.to_string(),
        Value::Number(_) => "0".to_owned(),
        _ => String::new(),
    }
}

/// Paths of one request at most.
const PATHS: usize = 200;
const PATH_BYTES: usize = 256;
/// Values of a multi-valued attribute that are looked at.
const ELEMENTS: usize = 10;
/// Paths that are kept between two times of writing.
const KEPT: usize = 5_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(body: &Value) -> Vec<(String, String, u64)> {
        let seen = Seen::default();
        let id = ConfigurationId::new();
        seen.note(id, ResourceKind::User, body, Utc::now());
        let mut found: Vec<_> = seen
            .take()
            .into_iter()
            .map(|seen| (seen.path, seen.sample, seen.count))
            .collect();
        found.sort();
        assert_eq!(seen.take(), []);
        found
    }

    fn row(path: &str, sample: &str, count: u64) -> (String, String, u64) {
        (path.to_owned(), sample.to_owned(), count)
    }

    #[test]
    fn a_resource_is_seen_by_its_paths_and_masked() {
        let body = json!({
            "schemas": ["x"], "userName": "ava", "password": "secret", "badge": 4711,
            "name": {"givenName": "Ava"}, "active": true,
            "emails": [{"type": "work", "value": "ava@x"}, {"value": "b"}],
            "urn:x:User": {"manager": {"value": "m1", "$ref": "../m1"}}});
        assert_eq!(
            paths(&body),
            [
                row("active", "true", 1),
                row("badge", "0", 1),
                row("emails.value", "*", 1),
                row("emails[type eq \"work\"].value", "a****", 1),
                row("name.givenName", "A**", 1),
                row("urn:x:User:manager.value", "m*", 1),
                row("userName", "a**", 1),
            ]
        );
    }

    #[test]
    fn a_patch_is_seen_by_its_paths() {
        let body = json!({"Operations": [
            {"op": "Replace", "path": "title", "value": "Chief"},
            {"op": "add", "value": {"nickName": "A", "name.familyName": "Li"}},
            {"op": "replace", "path": "password", "value": "secret"},
            {"op": "remove", "path": "emails[type eq \"home\"]"}]});
        assert_eq!(
            paths(&body),
            [
                row("emails[type eq \"home\"]", "", 1),
                row("name.familyName", "L*", 1),
                row("nickName", "*", 1),
                row("title", "C****", 1),
            ]
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let members: Map<String, Value> =
            (0..10_000).map(|at| (format!("a{at}"), json!(1))).collect();
        assert_eq!(paths(&Value::Object(members)).len(), PATHS);
    }
}
