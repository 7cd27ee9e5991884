//! From a request body to a resource of canonical names and typed values.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::Resource;
use crate::error::{Error, ScimType, quote};
use crate::filter::parse_instant;
use crate::path::same_name;
use crate::schema::{Attribute, AttributeType, Mutability, ResourceDefinition};
use crate::text::boolean_word;
use crate::tolerance::{Deviation, Tolerance};

impl Resource {
    /// Reads the body of a POST or PUT.
    ///
    /// Names become canonical, read-only attributes are ignored (RFC 7644 section 3.3), `null` and
    /// the empty array are no value (RFC 7643 section 2.5). Whether required attributes are there
    /// is checked by [`check_required`](Self::check_required).
    ///
    /// # Errors
    /// `invalidSyntax` when the body is no resource, `invalidValue` for a value that does not fit
    /// its attribute; under the strict profile the error of the first deviation.
    pub fn read(
        definition: &ResourceDefinition,
        body: Value,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::new(
                ScimType::InvalidSyntax,
                "The body is not a JSON object.",
            ));
        };
        let listed = listed_schemas(definition, &body, tolerance)?;
        let mut attributes = Map::new();
        for (name, value) in body {
            if same_name(&name, "schemas") {
                continue;
            }
            if let Some(extension) = definition.extension(&name) {
                if let Some(data) = read_extension(extension, value, tolerance)? {
                    if !listed.iter().any(|uri| same_name(uri, &extension.id)) {
                        tolerance.accept(Deviation::SchemaNotListed(extension.id.clone()))?;
                    }
                    attributes.insert(extension.id.clone(), data);
                }
                continue;
            }
            let Some(attribute) = definition.attribute(&name) else {
                tolerance.accept(Deviation::UnknownAttribute(name))?;
                continue;
            };
            if attribute.mutability == Mutability::ReadOnly {
                continue;
            }
            if let Some(value) = read_attribute(attribute, &attribute.name, value, tolerance)? {
                attributes.insert(attribute.name.clone(), value);
            }
        }
        let mut resource = Self { attributes };
        resource.list_schemas(definition);
        Ok(resource)
    }
}

/// The schema URIs that a body lists; unknown ones are noted.
fn listed_schemas(
    definition: &ResourceDefinition,
    body: &Map<String, Value>,
    tolerance: &mut Tolerance,
) -> Result<Vec<String>, Error> {
    let schemas = body.iter().find(|(name, _)| same_name(name, "schemas"));
    let core = &definition.core().id;
    let Some((_, schemas)) = schemas.filter(|(_, value)| !value.is_null()) else {
        tolerance.accept(Deviation::SchemasMissing(core.clone()))?;
        return Ok(Vec::new());
    };
    let wrong = || {
        Error::new(
            ScimType::InvalidSyntax,
            "\"schemas\" is not an array of schema URIs.",
        )
    };
    let mut listed = Vec::new();
    for uri in schemas.as_array().ok_or_else(wrong)? {
        let uri = uri.as_str().ok_or_else(wrong)?;
        if !same_name(uri, core) && definition.extension(uri).is_none() {
            tolerance.accept(Deviation::UnknownAttribute(uri.to_owned()))?;
        }
        listed.push(uri.to_owned());
    }
    if !listed.iter().any(|uri| same_name(uri, core)) {
        tolerance.accept(Deviation::SchemasMissing(core.clone()))?;
    }
    Ok(listed)
}

fn read_extension(
    extension: &crate::Schema,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Value>, Error> {
    let members = match value {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        other => return Err(misfit(&extension.id, "an object", &other)),
    };
    let mut data = Map::new();
    for (name, value) in members {
        let path = format!("{}:{name}", extension.id);
        let Some(attribute) = extension.attribute(&name) else {
            tolerance.accept(Deviation::UnknownAttribute(path))?;
            continue;
        };
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = read_attribute(attribute, &path, value, tolerance)? {
            data.insert(attribute.name.clone(), value);
        }
    }
    Ok((!data.is_empty()).then_some(Value::Object(data)))
}

/// Reads the value of an attribute; `None` when it is no value.
pub(crate) fn read_attribute(
    attribute: &Attribute,
    path: &str,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Value>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return read_single(attribute, path, value, tolerance);
    }
    let elements = match value {
        Value::Array(elements) => elements,
        single => {
            if single.as_str() != Some("") {
                tolerance.accept(Deviation::SingleValue(path.to_owned()))?;
            }
            vec![single]
        }
    };
    let mut read = Vec::with_capacity(elements.len());
    let mut seen = HashSet::new();
    // Whoever stores members one by one counts how many a request names, and tells them apart.
    let value = attribute.sub_attribute("value");
    let named = value.is_some_and(|value| value.mutability == Mutability::Immutable);
    for element in elements {
        if element.is_null() {
            continue;
        }
        // RFC 7643 section 2.4: the same value is there once.
        let element = read_single(attribute, path, element, tolerance)?;
        read.extend(element.filter(|element| named || seen.insert(identity(attribute, element))));
    }
    one_primary(path, &mut read, tolerance)?;
    Ok((!read.is_empty()).then_some(Value::Array(read)))
}

fn read_single(
    attribute: &Attribute,
    path: &str,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Value>, Error> {
    let read = match attribute.kind {
        AttributeType::Complex => return read_complex(attribute, path, value, tolerance),
        AttributeType::Boolean => read_boolean(path, value, tolerance)?,
        AttributeType::Integer | AttributeType::Decimal => {
            read_number(attribute.kind, path, value, tolerance)?
        }
        AttributeType::String | AttributeType::Reference => match value {
            Value::String(text) => Value::String(text),
            other => return Err(misfit(path, "a string", &other)),
        },
        AttributeType::DateTime => match value {
            Value::String(text) if parse_instant(&text).is_some() => Value::String(text),
            other => {
                return Err(misfit(
                    path,
                    "a dateTime such as 2026-01-31T08:00:00Z",
                    &other,
                ));
            }
        },
        AttributeType::Binary => match value {
            Value::String(text) if is_base64(&text) => Value::String(text),
            other => return Err(misfit(path, "base64", &other)),
        },
    };
    Ok(Some(read))
}

fn read_complex(
    attribute: &Attribute,
    path: &str,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Value>, Error> {
    let members = match value {
        Value::Object(members) => members,
        Value::String(text) if attribute.sub_attribute("value").is_some() => {
            if text.is_empty() {
                tolerance.accept(Deviation::EmptyClears(path.to_owned()))?;
                return Ok(None);
            }
            tolerance.accept(Deviation::BareValue(path.to_owned()))?;
            Map::from_iter([("value".to_owned(), Value::String(text))])
        }
        other => return Err(misfit(path, "an object", &other)),
    };
    let mut read = read_members(attribute, path, members, tolerance)?;
    read.retain(|_, value| !value.is_null());
    if !attribute.multi_valued && read.get("value").is_some_and(|v| v == "") {
        tolerance.accept(Deviation::EmptyClears(path.to_owned()))?;
        return Ok(None);
    }
    Ok((!read.is_empty()).then_some(Value::Object(read)))
}

/// Reads what a PATCH says of one value: of a complex one the sub-attributes that it names, with
/// `null` for those that lose their value. It may name none.
pub(crate) fn read_part(
    attribute: &Attribute,
    path: &str,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Value>, Error> {
    match value {
        Value::Object(members) if attribute.kind == AttributeType::Complex => {
            let members = read_members(attribute, path, members, tolerance)?;
            Ok(Some(Value::Object(members)))
        }
        Value::Null => Ok(None),
        other => read_single(attribute, path, other, tolerance),
    }
}

/// The sub-attributes that a complex value names; what is no value is null. Unknown and read-only
/// ones are ignored.
fn read_members(
    attribute: &Attribute,
    path: &str,
    members: Map<String, Value>,
    tolerance: &mut Tolerance,
) -> Result<Map<String, Value>, Error> {
    let mut read = Map::new();
    for (name, value) in members {
        let Some(sub) = attribute.sub_attribute(&name) else {
            tolerance.accept(Deviation::UnknownAttribute(format!("{path}.{name}")))?;
            continue;
        };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        let sub_path = format!("{path}.{}", sub.name);
        let value = read_attribute(sub, &sub_path, value, tolerance)?;
        read.insert(sub.name.clone(), value.unwrap_or_default());
    }
    Ok(read)
}

/// What tells the values of a multi-valued attribute apart: all of their sub-attributes.
fn identity(attribute: &Attribute, element: &Value) -> String {
    match element {
        Value::Object(members) => attribute
            .sub_attributes
            .iter()
            .map(|sub| members.get(&sub.name).cloned().unwrap_or_default())
            .collect::<Value>()
            .to_string(),
        simple => simple.to_string(),
    }
}

fn read_boolean(path: &str, value: Value, tolerance: &mut Tolerance) -> Result<Value, Error> {
    match value {
        Value::Bool(flag) => Ok(Value::Bool(flag)),
        Value::String(text) => {
            let flag = boolean_word(&text)
                .ok_or_else(|| misfit(path, "true or false", &Value::String(text)))?;
            tolerance.accept(Deviation::BooleanAsText(path.to_owned()))?;
            Ok(Value::Bool(flag))
        }
        other => Err(misfit(path, "true or false", &other)),
    }
}

fn read_number(
    kind: AttributeType,
    path: &str,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Value, Error> {
    let whole = kind == AttributeType::Integer;
    let expected = if whole { "a whole number" } else { "a number" };
    let number = match &value {
        Value::Number(number) => Some(number.clone()),
        // Text is read where the schema says integer, and nowhere else.
        Value::String(text) if whole => {
            let number = serde_json::from_str::<Number>(text.trim()).ok();
            if number.is_some() {
                tolerance.accept(Deviation::NumberAsText(path.to_owned()))?;
            }
            number
        }
        _ => None,
    };
    match number {
        Some(number) if !whole || number.is_i64() || number.is_u64() => Ok(Value::Number(number)),
        _ => Err(misfit(path, expected, &value)),
    }
}

/// RFC 7643 section 2.4: `primary` is true for no more than one value.
fn one_primary(path: &str, elements: &mut [Value], tolerance: &mut Tolerance) -> Result<(), Error> {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    let count = elements
        .iter()
        .filter(|element| is_primary(element))
        .count();
    if count < 2 {
        return Ok(());
    }
    tolerance.accept(Deviation::SeveralPrimary(path.to_owned()))?;
    let mut seen = 0;
    for element in elements {
        if is_primary(element) {
            seen += 1;
            if let Some(map) = element.as_object_mut().filter(|_| seen < count) {
                map.insert("primary".into(), Value::Bool(false));
            }
        }
    }
    Ok(())
}

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

fn is_base64(text: &str) -> bool {
    // RFC 7643 section 2.3.6: base64 or base64url, padding may be left out.
    let body = text.trim_end_matches('=');
    text.len() - body.len() <= 2
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/-_\r\n".contains(&b))
}

fn misfit(path: &str, expected: &str, value: &Value) -> Error {
    Error::new(
        ScimType::InvalidValue,
        format!("\"{path}\" must be {expected}, not {}.", describe(value)),
    )
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
