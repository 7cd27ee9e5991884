//! References of operations to resources that others of the same request create.

use serde_json::{Map, Value};

use super::request::BulkOperation;
use crate::path::same_name;

/// The names (`bulkId:name`) that an operation refers to, each once.
///
/// ```
/// use scim_protocol::bulk::{BulkOperation, references};
///
/// assert_eq!(references(&BulkOperation::delete("/Users/bulkId:ava")), ["ava"]);
/// ```
pub fn references(operation: &BulkOperation) -> Vec<String> {
    let mut found = Vec::new();
    let in_path = operation.path.split('/').filter_map(referred);
    found.extend(in_path.map(str::to_owned));
    found.extend(operation.data.iter().flat_map(references_in));
    let mut seen = std::collections::HashSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found
}

/// The names that a value refers to, as often as it does.
///
/// ```
/// use scim_protocol::bulk::references_in;
///
/// assert_eq!(references_in(&serde_json::json!({"value": "bulkId:ava"})), ["ava"]);
/// ```
pub fn references_in(data: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(data, &mut found);
    found
}

/// The path of an operation with references replaced by what `id` knows.
///
/// ```
/// use scim_protocol::bulk::resolve_path;
///
/// let path = resolve_path("/Users/bulkId:ava", &|_| Some("7".to_owned()));
/// assert_eq!(path, "/Users/7");
/// ```
pub fn resolve_path(path: &str, id: &dyn Fn(&str) -> Option<String>) -> String {
    path.split('/')
        .map(|part| {
            referred(part)
                .and_then(id)
                .unwrap_or_else(|| part.to_owned())
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// The data of an operation with references replaced by what `id` knows. What refers to anything
/// else is left out: values of an array whole, other members alone.
///
/// ```
/// use scim_protocol::bulk::resolve;
/// use serde_json::json;
///
/// let data = json!({"members": [{"value": "bulkId:ava"}, {"value": "bulkId:bo"}]});
/// let resolved = resolve(&data, &|name| (name == "ava").then(|| "7".to_owned()));
/// assert_eq!(resolved, json!({"members": [{"value": "7"}]}));
/// ```
pub fn resolve(data: &Value, id: &dyn Fn(&str) -> Option<String>) -> Value {
    // RFC 7644 section 3.7.2: of whatever attribute, those of extensions among them.
    // The recursion is as deep as the body, which is limited when it is parsed.
    match data {
        Value::String(text) => match referred(text) {
            Some(name) => id(name).map_or(Value::Null, Value::String),
            None => data.clone(),
        },
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .filter(|element| !dangles(element, id))
                .map(|element| resolve(element, id))
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, value)| !dangles_itself(value, id))
                .map(|(name, value)| (name.clone(), resolve(value, id)))
                .collect(),
        ),
        simple => simple.clone(),
    }
}

/// The attributes of a resource that refer to others: what is left to be set when the resource had
/// to be created before those that it refers to.
///
/// ```
/// use scim_protocol::bulk::referring;
/// use serde_json::json;
///
/// let data = json!({"displayName": "Ops", "members": [{"value": "bulkId:ava"}]});
/// assert_eq!(referring(&data), json!({"members": [{"value": "bulkId:ava"}]}));
/// ```
pub fn referring(data: &Value) -> Value {
    let refers = |value: &Value| !references_in(value).is_empty();
    let mut left = Map::new();
    for (name, value) in data.as_object().into_iter().flatten() {
        match value {
            // An extension is a namespace, not an attribute.
            Value::Object(_) if refers(value) && name.contains(':') => {
                left.insert(name.clone(), referring(value));
            }
            _ if refers(value) => {
                left.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(left)
}

/// Whether an element of an array refers to something unknown, itself or in one of its members.
fn dangles(element: &Value, id: &dyn Fn(&str) -> Option<String>) -> bool {
    match element {
        Value::Object(members) => members.values().any(|value| dangles_itself(value, id)),
        other => dangles_itself(other, id),
    }
}

fn dangles_itself(value: &Value, id: &dyn Fn(&str) -> Option<String>) -> bool {
    value
        .as_str()
        .and_then(referred)
        .is_some_and(|name| id(name).is_none())
}

fn collect(data: &Value, found: &mut Vec<String>) {
    match data {
        Value::String(text) => found.extend(referred(text).map(str::to_owned)),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn referred(text: &str) -> Option<&str> {
    let (scheme, name) = text.split_once(':')?;
    (same_name(scheme, "bulkId") && !name.is_empty()).then_some(name)
}
