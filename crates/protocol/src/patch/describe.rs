//! What a value filter says of the values that it selects.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::filter::{Comparand, Filter, Operator};
use crate::path::same_name;
use crate::resource::without_value;
use crate::schema::{Attribute, AttributeType, Resolved};

/// The sub-attributes that a filter names.
pub(super) fn mentioned<'f>(
    filter: &Filter,
    attribute: &'f Attribute,
    named: &mut HashSet<&'f str>,
) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            for part in parts {
                mentioned(part, attribute, named);
            }
        }
        Filter::Not(part) => mentioned(part, attribute, named),
        Filter::Present(path)
        | Filter::Comparison { path, .. }
        | Filter::ValuePath { path, .. } => {
            let sub = attribute.sub_attribute(&path.attribute);
            named.extend(sub.map(|sub| sub.name.as_str()));
        }
    }
}

/// The value that a filter of `eq` joined by `and` describes; `None` for any other filter.
pub(super) fn describe(
    filter: &Filter,
    attribute: &Attribute,
    element: &mut Map<String, Value>,
) -> Option<()> {
    match filter {
        Filter::And(parts) => parts
            .iter()
            .try_for_each(|part| describe(part, attribute, element).ok_or(()))
            .ok(),
        Filter::Comparison {
            path,
            operator: Operator::Equal,
            value,
        } => {
            let sub = attribute.sub_attribute(&path.attribute)?;
            let value = match value {
                Comparand::Text(text) if sub.kind == AttributeType::Boolean => {
                    Value::Bool(text.eq_ignore_ascii_case("true"))
                }
                Comparand::Text(text) => Value::String(text.clone()),
                Comparand::Number(number) => Value::Number(number.clone()),
                Comparand::Boolean(flag) => Value::Bool(*flag),
                Comparand::Null => return None,
            };
            if without_value(&value) {
                return None;
            }
            // No value has two different values of one sub-attribute.
            let other = element.insert(sub.name.clone(), value.clone());
            other.is_none_or(|other| other == value).then_some(())
        }
        _ => None,
    }
}

/// What a single complex attribute, such as `manager`, gets for its `value` that is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Emptied {
    /// The empty text.
    Text,
    /// `null` (RFC 7643 section 2.5).
    Null,
}

/// Whether a single complex attribute that is known by its `value` loses it.
pub(super) fn emptied(target: Resolved<'_>, value: Option<&Value>) -> Option<Emptied> {
    let attribute = target.attribute;
    if attribute.multi_valued || attribute.sub_attribute("value").is_none() {
        return None;
    }
    let given = match (target.sub_attribute, value?) {
        (Some(sub), value) => (sub.name == "value").then_some(value)?,
        (None, Value::Object(members)) => {
            let named = members.iter().find(|(name, _)| same_name(name, "value"));
            named.map(|(_, value)| value)?
        }
        (None, value) => value,
    };
    match given {
        Value::Null => Some(Emptied::Null),
        Value::String(text) if text.is_empty() => Some(Emptied::Text),
        _ => None,
    }
}
