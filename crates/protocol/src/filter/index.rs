//! Resources in the form in which a database searches them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::bind::parse_instant;
use super::condition::TextForm;
use crate::schema::{Attribute, AttributeType, ResourceDefinition};

/// A resource whose values compare byte by byte.
///
/// Text stands in its [`TextForm`], instants are written by [`instant_key`], multi-valued
/// attributes are arrays with the primary value first, and what is no value is left out; an empty
/// string is one (RFC 7643 section 2.5). A
/// database that compares these values as they are answers as
/// [`Condition::matches`](super::Condition::matches) does, and sorts by the primary or first value
/// (RFC 7644 section 3.4.2.3).
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::filter::index::search_document;
/// use serde_json::json;
///
/// let ava = json!({"userName": "AVA", "title": null});
/// let document = search_document(&ResourceDefinition::user(), ava.as_object().unwrap());
/// assert_eq!(document, json!({"userName": "ava"}));
/// ```
pub fn search_document(definition: &ResourceDefinition, attributes: &Map<String, Value>) -> Value {
    let mut document = keyed(definition.attributes(), attributes);
    for extension in definition.extensions() {
        if let Some(Value::Object(data)) = attributes.get(&extension.id) {
            let data = keyed(extension.attributes.iter(), data);
            if !data.is_empty() {
                document.insert(extension.id.clone(), Value::Object(data));
            }
        }
    }
    Value::Object(document)
}

/// An instant as text that sorts by time: UTC with nine digits behind the second.
pub fn instant_key(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

fn keyed<'a>(
    definitions: impl Iterator<Item = &'a Attribute>,
    attributes: &Map<String, Value>,
) -> Map<String, Value> {
    definitions
        .filter_map(|attribute| {
            let value = key(attribute, attributes.get(&attribute.name)?)?;
            Some((attribute.name.clone(), value))
        })
        .collect()
}

fn key(attribute: &Attribute, value: &Value) -> Option<Value> {
    if !attribute.multi_valued {
        return element_key(attribute, value);
    }
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut keys: Vec<Value> = elements
        .iter()
        .filter_map(|element| element_key(attribute, element))
        .collect();
    keys.sort_by_key(|element| element.get("primary") != Some(&Value::Bool(true)));
    (!keys.is_empty()).then_some(Value::Array(keys))
}

fn element_key(attribute: &Attribute, value: &Value) -> Option<Value> {
    match (attribute.kind, value) {
        (_, Value::Null) => None,
        (AttributeType::Complex, Value::Object(members)) => {
            let members = keyed(attribute.sub_attributes.iter(), members);
            (!members.is_empty()).then_some(Value::Object(members))
        }
        (AttributeType::DateTime, Value::String(text)) => {
            parse_instant(text).map(|instant| Value::String(instant_key(instant)))
        }
        (AttributeType::String | AttributeType::Reference, Value::String(text)) => {
            Some(Value::String(TextForm::of(attribute).write(text)))
        }
        (_, Value::Array(_) | Value::Object(_)) => None,
        (_, simple) => Some(simple.clone()),
    }
}
