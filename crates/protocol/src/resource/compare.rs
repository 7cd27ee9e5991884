//! Equality of values, and what changed between two resources.

use serde_json::{Map, Value};

use super::without_value;
use crate::schema::{Attribute, ResourceDefinition};
use crate::text::fold;

/// One changed attribute, for a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The path of the attribute, with the URI of an extension.
    pub path: String,
    /// The value before.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
}

/// Whether two values of an attribute are the same.
///
/// The values of a multi-valued attribute have no order (RFC 7643 section 2.4), and
/// `"primary": false` is the same as no `primary`. Text is compared to the letter: a change of
/// case is a change, even where a filter does not see it.
pub fn same(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && same_elements(attribute, left, right)
        }
        _ => same_element(attribute, left, right),
    }
}

/// The attributes in which two resources differ; `schemas`, `id` and `meta` are not compared.
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
    old: Option<&Map<String, Value>>,
    new: Option<&Map<String, Value>>,
    found: &mut Vec<Change>,
) {
    for attribute in attributes {
        let value = |map: Option<&Map<String, Value>>| {
            map.and_then(|map| map.get(&attribute.name))
                .filter(|value| !value.is_null())
                .cloned()
        };
        let (old, new) = (value(old), value(new));
        let equal = match (&old, &new) {
            (None, None) => true,
            (Some(old), Some(new)) => same(attribute, old, new),
            _ => false,
        };
        if !equal {
            found.push(Change {
                path: format!("{prefix}{}", attribute.name),
                old,
                new,
            });
        }
    }
}

fn same_elements(attribute: &Attribute, left: &[Value], right: &[Value]) -> bool {
    // Values mostly keep their order, so that the quadratic search is rare.
    if left
        .iter()
        .zip(right)
        .all(|(left, right)| same_element(attribute, left, right))
    {
        return true;
    }
    let mut taken = vec![false; right.len()];
    left.iter().all(|element| {
        let free = right
            .iter()
            .zip(taken.iter_mut())
            .find(|(other, taken)| !**taken && same_element(attribute, element, other));
        match free {
            Some((_, taken)) => {
                *taken = true;
                true
            }
            None => false,
        }
    })
}

fn same_element(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else {
        return left == right;
    };
    let meant = |value: Option<&Value>, name: &str| -> Option<Value> {
        let value = value.filter(|value| !value.is_null())?;
        let idle = name == "primary" && value == &Value::Bool(false);
        (!idle).then(|| value.clone())
    };
    attribute
        .sub_attributes
        .iter()
        .all(|sub| meant(left.get(&sub.name), &sub.name) == meant(right.get(&sub.name), &sub.name))
}

/// Whether two texts are the same to the attribute: folded unless it is `caseExact`.
pub(crate) fn same_text(attribute: &Attribute, left: &str, right: &str) -> bool {
    left == right || (!attribute.case_exact && fold(left) == fold(right))
}

/// Whether an element of a multi-valued attribute is the one that `named` names: by `value` where
/// it has one, else by every sub-attribute that it has.
pub(crate) fn names(attribute: &Attribute, named: &Value, element: &Value) -> bool {
    let (Value::Object(named), Value::Object(element)) = (named, element) else {
        return match (named, element) {
            (Value::String(named), Value::String(element)) => same_text(attribute, named, element),
            _ => named == element,
        };
    };
    let agrees = |sub: &Attribute| match (named.get(&sub.name), element.get(&sub.name)) {
        (Some(Value::String(left)), Some(Value::String(right))) => same_text(sub, left, right),
        (left, right) => left == right,
    };
    match attribute.sub_attribute("value") {
        Some(value) if named.contains_key(&value.name) => agrees(value),
        _ => {
            let mut subs = attribute
                .sub_attributes
                .iter()
                .filter(|sub| named.get(&sub.name).is_some_and(|v| !without_value(v)))
                .peekable();
            subs.peek().is_some() && subs.all(agrees)
        }
    }
}
