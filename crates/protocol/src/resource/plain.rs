//! Values that are what the schema says, told without moving them.

use serde_json::Value;

use super::entry::{differ, is_row};
use super::scalar::is_base64;
use super::value::Reader;
use crate::filter::parse_instant;
use crate::schema::{Attribute, AttributeType};
use crate::text::is_uri_reference;

/// What reading a value costs of the budget, if it stays as it is: every value of its type, every name
/// canonical, nothing to be noted. Of anything else, `None`, and it is read value by value.
///
/// Most values are of this kind, and moving each one costs more than looking at it.
pub(super) fn plain_units(
    attribute: &Attribute,
    value: &Value,
    reader: &Reader<'_>,
) -> Option<usize> {
    if !attribute.multi_valued {
        return plain_single(attribute, value, reader);
    }
    let elements = value.as_array().filter(|elements| !elements.is_empty())?;
    if is_row(attribute) || !differ(attribute, elements)? {
        return None;
    }
    let is_primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
    if elements.iter().filter(is_primary).count() > 1 {
        return None;
    }
    let units = elements
        .iter()
        .map(|one| plain_single(attribute, one, reader));
    let units: Option<usize> = units.sum();
    Some(units? + elements.len())
}

fn plain_single(attribute: &Attribute, value: &Value, reader: &Reader<'_>) -> Option<usize> {
    let plain = match (attribute.kind, value) {
        (AttributeType::String, Value::String(_))
        | (AttributeType::Boolean, Value::Bool(_))
        | (AttributeType::Decimal, Value::Number(_)) => true,
        (AttributeType::Integer, Value::Number(number)) => number.is_i64(),
        (AttributeType::Reference, Value::String(text)) => is_uri_reference(text),
        (AttributeType::DateTime, Value::String(text)) => parse_instant(text).is_some(),
        (AttributeType::Binary, Value::String(text)) => !text.is_empty() && is_base64(text),
        (AttributeType::Complex, Value::Object(members)) => {
            // An empty `value` clears a single complex attribute.
            let clears = !attribute.multi_valued && members.get("value").is_some_and(|v| v == "");
            // A reference alone names a `value`.
            let refers = members.contains_key("$ref") && !members.contains_key("value");
            if members.is_empty() || clears || refers {
                return None;
            }
            let units = members.iter().map(|(name, value)| {
                let mut subs = attribute.sub_attributes.iter();
                let sub = subs.find(|sub| sub.name == *name && reader.takes(sub))?;
                plain_units(sub, value, reader)
            });
            return units.sum();
        }
        _ => false,
    };
    plain.then_some(0)
}
