//! Values that are what the schema says, told without moving them.

use serde_json::{Map, Value};

use super::entry::{differ, is_row};
use super::scalar::is_base64;
use super::value::Reader;
use crate::filter::parse_instant;
use crate::path::equal_name;
use crate::schema::{Attribute, AttributeType, Schema};
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
        return plain_single(attribute, value, reader).map(|plain| plain.units);
    }
    let elements = value.as_array().filter(|elements| !elements.is_empty())?;
    if is_row(attribute) || !differ(attribute, elements)? {
        return None;
    }
    let mut units = elements.len();
    let mut primary = false;
    for element in elements {
        let read = plain_single(attribute, element, reader)?;
        if primary && read.is_primary {
            return None;
        }
        primary |= read.is_primary;
        units += read.units;
    }
    Some(units)
}

/// The same of the data of an extension, which is not empty.
pub(super) fn plain_data(
    extension: &Schema,
    members: &Map<String, Value>,
    reader: &Reader<'_>,
) -> Option<usize> {
    let units = members.iter().map(|(name, value)| {
        let mut attributes = extension.attributes.iter();
        let attribute = attributes.find(|one| equal_name(&one.name, name))?;
        let taken = reader.takes(attribute);
        taken.then(|| plain_units(attribute, value, reader))?
    });
    let units: Option<usize> = units.sum();
    units.filter(|_| !members.is_empty())
}

/// What a value is that stays as it is.
#[derive(Default)]
struct Plain {
    units: usize,
    is_primary: bool,
}

fn plain_single(attribute: &Attribute, value: &Value, reader: &Reader<'_>) -> Option<Plain> {
    let plain = match (attribute.kind, value) {
        (AttributeType::String, Value::String(_))
        | (AttributeType::Boolean, Value::Bool(_))
        | (AttributeType::Decimal, Value::Number(_)) => true,
        (AttributeType::Integer, Value::Number(number)) => number.is_i64(),
        (AttributeType::Reference, Value::String(text)) => is_uri_reference(text),
        (AttributeType::DateTime, Value::String(text)) => parse_instant(text).is_some(),
        (AttributeType::Binary, Value::String(text)) => !text.is_empty() && is_base64(text),
        (AttributeType::Complex, Value::Object(members)) => {
            return plain_complex(attribute, members, reader);
        }
        _ => false,
    };
    plain.then(Plain::default)
}

/// A complex value, whose members are looked at once.
fn plain_complex(
    attribute: &Attribute,
    members: &Map<String, Value>,
    reader: &Reader<'_>,
) -> Option<Plain> {
    let mut plain = Plain::default();
    let (mut has_value, mut has_reference) = (false, false);
    for (name, value) in members {
        let mut subs = attribute.sub_attributes.iter();
        let sub = subs.find(|sub| equal_name(&sub.name, name))?;
        if !reader.takes(sub) {
            return None;
        }
        match name.as_str() {
            // An empty `value` clears a single complex attribute.
            "value" if !attribute.multi_valued && value == "" => return None,
            "value" => has_value = true,
            "$ref" => has_reference = true,
            "primary" => plain.is_primary = *value == Value::Bool(true),
            _ => {}
        }
        plain.units += plain_units(sub, value, reader)?;
    }
    // A reference alone names a `value`.
    let refers = has_reference && !has_value;
    (!members.is_empty() && !refers).then_some(plain)
}
