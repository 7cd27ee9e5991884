//! Resources that are named by their URI.

use serde_json::{Map, Value, json};

use crate::schema::{Attribute, AttributeType, Resolved};

/// A resource that is named by its URI alone (RFC 7643 section 4.3) has the id that ends it.
pub(super) fn name_by_reference(attribute: &Attribute, members: &mut Map<String, Value>) {
    if members.contains_key("value") || !is_reference(attribute) {
        return;
    }
    let reference = members.get("$ref").and_then(Value::as_str);
    if let Some(id) = reference.and_then(referred_id) {
        let id = Value::String(id.to_owned());
        members.insert("value".to_owned(), id);
    }
}

/// The value of which a URI is set that names another resource, and the URI with its id.
pub(crate) fn named_by_reference<'a>(
    target: Resolved<'a>,
    value: &Value,
) -> Option<(Resolved<'a>, Value)> {
    let sub = target.sub_attribute.filter(|sub| sub.name == "$ref")?;
    if target.attribute.multi_valued || !is_reference(target.attribute) {
        return None;
    }
    let id = referred_id(value.as_str()?)?;
    let named = json!({ "value": id, sub.name.as_str(): value });
    let sub_attribute = None;
    Some((
        Resolved {
            sub_attribute,
            ..target
        },
        named,
    ))
}

/// Whether the values of an attribute name resources by `value` or by `$ref` (RFC 7643 section 2.4).
fn is_reference(attribute: &Attribute) -> bool {
    let reference = attribute.sub_attribute("$ref");
    reference.is_some_and(|reference| reference.kind == AttributeType::Reference)
        && attribute.sub_attribute("value").is_some()
}

/// The id of the resource that has a URI.
fn referred_id(uri: &str) -> Option<&str> {
    let path = uri.split(['?', '#']).next()?.trim_end_matches('/');
    let (_, id) = path.rsplit_once('/')?;
    (!id.is_empty() && id != "..").then_some(id)
}
