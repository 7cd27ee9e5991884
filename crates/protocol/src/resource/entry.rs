//! The values of a multi-valued attribute, told apart by keys and never pair by pair.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::budget::{Budget, Exhausted};
use crate::number;
use crate::schema::{Attribute, AttributeType, Mutability};
use crate::text::folded;

/// Whether a value is none: null, an empty string, array or object.
pub(crate) fn without_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// What tells the values of a multi-valued attribute apart (RFC 7643 section 2.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum EntryKey<'e> {
    /// The `value` and the `type`; of a value that is immutable, and so the identity of the entry
    /// (group members), the `value` alone.
    Named {
        value: Cow<'e, str>,
        kind: Option<Cow<'e, str>>,
    },
    /// Everything that is said of it.
    Whole(String),
}

impl<'e> EntryKey<'e> {
    pub(crate) fn of(attribute: &Attribute, element: &'e Value) -> Self {
        let Value::Object(members) = element else {
            return Self::Named {
                value: leaf_key(attribute, element),
                kind: None,
            };
        };
        let part = |sub: &Attribute| {
            let value = members.get(&sub.name).filter(|value| !without_value(value));
            value.map(|value| leaf_key(sub, value))
        };
        let named = attribute.sub_attribute("value").and_then(part);
        match named {
            Some(value) => Self::Named {
                value,
                kind: match is_row(attribute) {
                    true => None,
                    false => attribute.sub_attribute("type").and_then(part),
                },
            },
            None => Self::Whole(exact_key(attribute, element)),
        }
    }
}

/// Whether the values are entries of their own, as members of a group are: the `value` cannot
/// change. Whoever stores them one by one bounds their number, tells them apart and counts how
/// many a request names.
pub(crate) fn is_row(attribute: &Attribute) -> bool {
    attribute
        .sub_attribute("value")
        .is_some_and(|value| value.mutability == Mutability::Immutable)
}

/// The text that is the same for values that are equal to the letter: `"primary": false` is the
/// same as no `primary`, and what is null is not there.
pub(crate) fn exact_key(attribute: &Attribute, element: &Value) -> String {
    let Value::Object(members) = element else {
        return plain_key(element);
    };
    let mut key = String::new();
    for sub in &attribute.sub_attributes {
        let meant = members.get(&sub.name).filter(|value| {
            !(value.is_null() || sub.name == "primary" && **value == Value::Bool(false))
        });
        if let Some(value) = meant {
            // No JSON text has a control character that is not escaped.
            key.push_str(&sub.name);
            key.push('\u{1}');
            key.push_str(&plain_key(value));
            key.push('\u{2}');
        }
    }
    key
}

fn plain_key(value: &Value) -> String {
    match value {
        Value::Number(number) => number::key(number),
        other => other.to_string(),
    }
}

/// The text that is the same for values that the attribute takes for equal.
pub(crate) fn leaf_key<'v>(attribute: &Attribute, value: &'v Value) -> Cow<'v, str> {
    let folds = !attribute.case_exact && attribute.kind != AttributeType::Binary;
    match value {
        Value::String(text) if folds => folded(text),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(plain_key(other)),
    }
}

/// Where each value stands; of equal ones the first.
pub(crate) fn places<'e>(
    attribute: &Attribute,
    elements: &'e [Value],
) -> HashMap<EntryKey<'e>, usize> {
    let mut places = HashMap::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        places.entry(EntryKey::of(attribute, element)).or_insert(at);
    }
    places
}

/// RFC 7643 section 2.4: the same value is there once. What is said of it later counts.
pub(crate) fn unified(attribute: &Attribute, mut elements: Vec<Value>) -> Vec<Value> {
    if differ(attribute, &elements) == Some(true) {
        return elements;
    }
    // Of each value the place of the first one that is the same, mostly its own.
    let mut firsts: HashMap<EntryKey<'_>, usize> = HashMap::with_capacity(elements.len());
    let of = elements.iter().enumerate().map(|(at, element)| {
        let key = EntryKey::of(attribute, element);
        *firsts.entry(key).or_insert(at)
    });
    let of: Vec<usize> = of.collect();
    if firsts.len() == elements.len() {
        return elements;
    }
    for (at, first) in of.iter().enumerate().filter(|(at, first)| at != *first) {
        let said = elements.get_mut(at).map(Value::take);
        if let (Some(same), Some(said)) = (elements.get_mut(*first), said) {
            join(same, said);
        }
    }
    let mut places = of.iter().enumerate();
    elements.retain(|_| places.next().is_some_and(|(at, first)| at == *first));
    elements
}

/// Whether few values differ from each other; `None` of many.
pub(crate) fn differ(attribute: &Attribute, elements: &[Value]) -> Option<bool> {
    if elements.len() > FEW {
        return None;
    }
    match elements {
        [] | [_] => return Some(true),
        [one, other] if differ_at_sight(attribute, one, other) => return Some(true),
        [one, other] => {
            return Some(EntryKey::of(attribute, one) != EntryKey::of(attribute, other));
        }
        _ => {}
    }
    let keys = elements.iter().map(|one| EntryKey::of(attribute, one));
    let keys: Vec<EntryKey<'_>> = keys.collect();
    let mut rest = keys.as_slice();
    while let [first, others @ ..] = rest {
        if others.contains(first) {
            return Some(false);
        }
        rest = others;
    }
    Some(true)
}

/// Whether two values differ in what their key has of them, whatever the case of letters, told without
/// making the keys.
fn differ_at_sight(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    let parts = match is_row(attribute) {
        true => ["value"].as_slice(),
        false => ["value", "type"].as_slice(),
    };
    parts.iter().any(|part| {
        let texts = (one.get(part), other.get(part));
        let (Some(Value::String(one)), Some(Value::String(other))) = texts else {
            return false;
        };
        // What is not ASCII may be folded to it.
        let differ = !one.eq_ignore_ascii_case(other) && one.is_ascii() && other.is_ascii();
        differ && attribute.sub_attribute(part).is_some()
    })
}

/// As many values as are compared with each other, where more are looked up in a table.
const FEW: usize = 8;

/// Adds to a value what is said of the same one. It stays primary unless told otherwise.
pub(crate) fn join(same: &mut Value, added: Value) {
    match (same, added) {
        (Value::Object(members), Value::Object(mut added)) => {
            added.retain(|_, value| !value.is_null());
            members.extend(added);
        }
        (same, added) => *same = added,
    }
}

/// The values of which a request names some to be removed: by `value` and `type` where it gives them,
/// else by everything that it says. One without a `type` is named with whatever type it has.
pub(crate) struct Named<'n> {
    attribute: &'n Attribute,
    keys: HashSet<EntryKey<'n>>,
    described: Vec<&'n Value>,
}

impl<'n> Named<'n> {
    pub(crate) fn new(attribute: &'n Attribute, named: &'n [Value]) -> Self {
        let mut keys = HashSet::new();
        let mut described = Vec::new();
        for one in named {
            match EntryKey::of(attribute, one) {
                EntryKey::Whole(_) => described.push(one),
                key @ EntryKey::Named { .. } => {
                    keys.insert(key);
                }
            }
        }
        Self {
            attribute,
            keys,
            described,
        }
    }

    /// Whether a value is one of them.
    pub(crate) fn names(&self, element: &Value, budget: &Budget) -> Result<bool, Exhausted> {
        budget.charge(1 + self.described.len())?;
        let described = || {
            let mut described = self.described.iter();
            described.any(|one| self.describes(one, element))
        };
        let key = EntryKey::of(self.attribute, element);
        if self.keys.contains(&key) {
            return Ok(true);
        }
        let EntryKey::Named { value, kind: _ } = key else {
            return Ok(described());
        };
        let of_any_type = EntryKey::Named { value, kind: None };
        Ok(self.keys.contains(&of_any_type) || described())
    }

    fn describes(&self, one: &Value, element: &Value) -> bool {
        let said = self.attribute.sub_attributes.iter().filter_map(|sub| {
            let said = one.get(&sub.name).filter(|value| !without_value(value))?;
            Some((sub, said))
        });
        let mut said = said.peekable();
        said.peek().is_some()
            && said.all(|(sub, said)| {
                let value = element.get(&sub.name);
                value.is_some_and(|value| leaf_key(sub, value) == leaf_key(sub, said))
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Limits, ResourceDefinition};

    #[test]
    fn a_value_is_named_with_its_type_where_one_is_given() {
        let users = ResourceDefinition::user();
        let phones = users.attribute("phoneNumbers").unwrap();
        let work = json!({"value": "100", "type": "work"});
        for (named, wanted) in [
            (json!({"value": "100", "type": "Work"}), true),
            (json!({"value": "100", "type": "mobile"}), false),
            (json!({"value": "100"}), true),
            (json!({"value": "100", "type": null, "display": "x"}), true),
            (json!({"type": "work"}), true),
            (json!({"value": null, "type": "home"}), false),
            (json!({"value": null}), false),
            (json!({}), false),
        ] {
            let some = [named];
            let names = Named::new(phones, &some).names(&work, &Budget::of(&Limits::default()));
            assert_eq!(names.unwrap(), wanted, "{some:?}");
        }
        let groups = ResourceDefinition::group();
        let members = groups.attribute("members").unwrap();
        let some = [json!({"value": "u1", "type": "Group"})];
        let member = json!({"value": "u1", "type": "User"});
        let names = Named::new(members, &some).names(&member, &Budget::of(&Limits::default()));
        assert!(names.unwrap(), "an id has one type");
    }

    #[test]
    fn the_same_value_and_type_are_one() {
        let users = ResourceDefinition::user();
        let emails = users.attribute("emails").unwrap();
        let joined = unified(
            emails,
            vec![
                json!({"value": "a@x", "type": "work", "primary": true}),
                json!({"value": "a@x", "type": "home"}),
                json!({"value": "A@x", "type": "Work", "display": "A"}),
                json!({"value": "a@x"}),
                json!({"type": "work"}),
                json!({"type": "work", "primary": false}),
            ],
        );
        assert_eq!(
            joined,
            [
                json!({"value": "A@x", "type": "Work", "primary": true, "display": "A"}),
                json!({"value": "a@x", "type": "home"}),
                json!({"value": "a@x"}),
                json!({"type": "work", "primary": false}),
            ]
        );
    }
}
