//! JSON whose members have the names of a schema.

use serde_json::{Map, Value};

use crate::path::same_name;
use crate::schema::Attribute;

/// The members of an object under the names of these attributes, in whatever case they were written
/// (RFC 7643 section 2.1), and so within them. What no attribute is called stays as it is.
pub(crate) fn with_names_of(attributes: &[Attribute], value: Value) -> Value {
    match value {
        Value::Array(elements) => {
            let elements = elements.into_iter().filter(|element| !element.is_null());
            let named = elements.map(|element| with_names_of(attributes, element));
            named.collect()
        }
        Value::Object(members) => {
            let named = members.into_iter().map(|(name, value)| {
                let mut known = attributes.iter();
                match known.find(|known| same_name(&known.name, &name)) {
                    Some(known) => {
                        let value = with_names_of(&known.sub_attributes, value);
                        (known.name.clone(), value)
                    }
                    None => (name, value),
                }
            });
            Value::Object(named.collect::<Map<_, _>>())
        }
        simple => simple,
    }
}

/// The same without members that are null, which are no value (RFC 7643 section 2.5).
#[cfg(feature = "discovery")]
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(elements) => elements.into_iter().map(without_nulls).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            let members = members.map(|(name, value)| (name, without_nulls(value)));
            Value::Object(members.collect())
        }
        simple => simple,
    }
}
