//! Equality of values, and what changed between two resources.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::exact_key;
use crate::number;
use crate::schema::{Attribute, ResourceDefinition};

/// One changed attribute, for a log.
///
/// ```
/// use scim_protocol::resource::changes;
/// use scim_protocol::{Resource, ResourceDefinition};
/// use serde_json::json;
///
/// let users = ResourceDefinition::user();
/// let old: Resource = serde_json::from_value(json!({"userName": "ava", "title": "A"}))?;
/// let new: Resource = serde_json::from_value(json!({"userName": "ava", "title": "B"}))?;
/// let changes = changes(&users, old.attributes(), new.attributes());
/// assert_eq!(json!(changes), json!([{"path": "title", "old": "A", "new": "B"}]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The path of the attribute, with the URI of an extension.
    pub path: String,
    /// The value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// Whether two values of an attribute are the same.
///
/// The values of a multi-valued attribute have no order (RFC 7643 section 2.4), and
/// `"primary": false` is the same as no `primary`. Text is compared to the letter: a change of
/// case is a change, even where a filter does not see it. Numbers are compared as numbers.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::resource::same;
/// use serde_json::json;
///
/// let users = ResourceDefinition::user();
/// let emails = users.attribute("emails").unwrap();
/// let (one, other) = (json!({"value": "a"}), json!({"value": "b", "primary": false}));
/// assert!(same(emails, &json!([one, other]), &json!([{"value": "b"}, one])));
/// ```
pub fn same(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && same_elements(attribute, left, right)
        }
        _ => same_element(attribute, left, right),
    }
}

/// The attributes in which two resources differ; `schemas`, `id` and `meta` are not compared.
///
/// They come in the order of the schemas: `externalId`, the attributes of the core schema, those of
/// each extension. An attribute is told as a whole, with what it was and what it is: a complex one
/// with all of its sub-attributes, even if it is one of them that changed, and a list with all of its
/// values. What was not there has no `old`, and what is gone no `new`.
///
/// ```
/// use scim_protocol::resource::changes;
/// use scim_protocol::{Resource, ResourceDefinition};
/// use serde_json::json;
///
/// let users = ResourceDefinition::user();
/// let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// let before: Resource = serde_json::from_value(json!({"userName": "ava", "title": "A",
///     "emails": [{"value": "a@x.example"}], enterprise: {"department": "Sales"}}))?;
/// let after: Resource = serde_json::from_value(json!({"userName": "ava",
///     "name": {"givenName": "Ava", "familyName": "Öz"},
///     "emails": [{"value": "a@x.example"}, {"value": "b@x.example"}],
///     enterprise: {"department": "Support"}}))?;
/// assert_eq!(json!(changes(&users, before.attributes(), after.attributes())), json!([
///     {"path": "name", "new": {"givenName": "Ava", "familyName": "Öz"}},
///     {"path": "title", "old": "A"},
///     {"path": "emails", "old": [{"value": "a@x.example"}],
///         "new": [{"value": "a@x.example"}, {"value": "b@x.example"}]},
///     {"path": format!("{enterprise}:department"), "old": "Sales", "new": "Support"},
/// ]));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn changes(
    definition: &ResourceDefinition,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Vec<Change> {
    let mut found = Vec::new();
    let common = definition.attribute("externalId");
    compare(
        common.into_iter().chain(&definition.core().attributes),
        "",
        Some(old),
        Some(new),
        &mut found,
    );
    for extension in definition.extensions() {
        compare(
            extension.attributes.iter(),
            &format!("{}:", extension.id),
            old.get(&extension.id).and_then(Value::as_object),
            new.get(&extension.id).and_then(Value::as_object),
            &mut found,
        );
    }
    found
}

fn compare<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    prefix: &str,
    old: Option<&'a Map<String, Value>>,
    new: Option<&'a Map<String, Value>>,
    found: &mut Vec<Change>,
) {
    for attribute in attributes {
        let value = |map: Option<&'a Map<String, Value>>| {
            map.and_then(|map| map.get(&attribute.name))
                .filter(|value| !value.is_null())
        };
        let (old, new) = (value(old), value(new));
        let equal = match (old, new) {
            (None, None) => true,
            (Some(old), Some(new)) => same(attribute, old, new),
            _ => false,
        };
        if !equal {
            found.push(Change {
                path: format!("{prefix}{}", attribute.name),
                old: old.cloned(),
                new: new.cloned(),
            });
        }
    }
}

fn same_elements(attribute: &Attribute, left: &[Value], right: &[Value]) -> bool {
    // Values mostly keep their order.
    let mut pairs = left.iter().zip(right);
    if pairs.all(|(left, right)| same_element(attribute, left, right)) {
        return true;
    }
    let mut counts: HashMap<String, usize> = HashMap::with_capacity(left.len());
    for element in left {
        *counts.entry(exact_key(attribute, element)).or_default() += 1;
    }
    right.iter().all(|element| {
        let count = counts.get_mut(&exact_key(attribute, element));
        count.is_some_and(|count| match count.checked_sub(1) {
            Some(left) => {
                *count = left;
                true
            }
            None => false,
        })
    })
}

fn same_element(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else {
        return same_simple(left, right);
    };
    attribute.sub_attributes.iter().all(|sub| {
        match (meaning(left, &sub.name), meaning(right, &sub.name)) {
            (Some(left), Some(right)) => same_simple(left, right),
            (left, right) => left.is_none() && right.is_none(),
        }
    })
}

/// The value of a sub-attribute, where it says anything.
fn meaning<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members
        .get(name)
        .filter(|value| !(value.is_null() || name == "primary" && **value == Value::Bool(false)))
}

fn same_simple(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            number::compare(left, right) == Ordering::Equal
        }
        _ => left == right,
    }
}
