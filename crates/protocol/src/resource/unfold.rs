//! Keys of a new resource that are paths.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::path::same_name;
use crate::schema::ResourceDefinition;
use crate::tolerance::{Deviation, Tolerance};

/// A body in which keys that are paths (`urn:...:User:department`, `name.givenName`) stand where the
/// attributes are that they name, as clients send them in PATCH; and likewise what stands below the
/// URI of the core schema, as that of an extension does.
pub(super) fn unfolded(
    definition: &ResourceDefinition,
    body: Map<String, Value>,
    tolerance: &mut Tolerance,
) -> Result<Map<String, Value>, Error> {
    let is_path = |name: &str| {
        name.bytes().any(|byte| matches!(byte, b':' | b'.'))
            && definition.attribute(name).is_none()
            && definition.schema_named(name).is_none()
    };
    let is_core = |name: &str| {
        let named = || definition.schema_named(name);
        name.contains(':') && named().is_some_and(|named| named.extension.is_none())
    };
    if !body.keys().any(|name| is_path(name) || is_core(name)) {
        return Ok(body);
    }
    let (mut plain, mut paths, mut below) = (Map::new(), Vec::new(), Vec::new());
    for (name, value) in body {
        match value {
            Value::Object(members) if is_core(&name) => {
                if let Some(named) = definition.schema_named(&name) {
                    named.noted(&name, tolerance)?;
                }
                tolerance.accept(Deviation::PathAsKey(name))?;
                below.extend(members);
            }
            value if is_path(&name) => paths.push((name, value)),
            value => {
                plain.insert(name, value);
            }
        }
    }
    for (name, value) in below {
        if is_path(&name) {
            paths.push((name, value));
        } else if put(&mut plain, definition, &[&name], value) == Some(true) {
            tolerance.accept(Deviation::RepeatedAttribute(name))?;
        }
    }
    for (name, value) in paths {
        let path = name.parse().ok();
        let resolved = match &path {
            Some(path) => definition.understand(path, tolerance)?,
            None => None,
        };
        let Some(resolved) = resolved else {
            plain.insert(name, value);
            continue;
        };
        let sub = resolved.sub_attribute.map(|sub| sub.name.as_str());
        let attribute = resolved.attribute;
        if sub.is_some() && attribute.multi_valued {
            // Of which value it is, nothing says.
            plain.insert(name, value);
            continue;
        }
        let extension = resolved.extension.map(|schema| schema.id.as_str());
        let way = extension.into_iter().chain([attribute.name.as_str()]);
        let way: Vec<&str> = way.chain(sub).collect();
        match put(&mut plain, definition, &way, value) {
            Some(repeated) => {
                tolerance.accept(Deviation::PathAsKey(name.clone()))?;
                if repeated {
                    tolerance.accept(Deviation::RepeatedAttribute(name))?;
                }
            }
            // What stands in the way cannot be read, and is told as such.
            None => tolerance.accept(Deviation::UnknownAttribute(name))?,
        }
    }
    Ok(plain)
}

/// Puts a value where a way of names leads, and answers whether there was one already; `None` where
/// something stands in the way that has no members.
fn put(
    holder: &mut Map<String, Value>,
    definition: &ResourceDefinition,
    way: &[&str],
    value: Value,
) -> Option<bool> {
    let (first, behind) = way.split_first()?;
    let means = |key: &str| {
        let extension = definition
            .schema_named(key)
            .and_then(|named| named.extension);
        same_name(key, first) || extension.is_some_and(|schema| schema.id == *first)
    };
    let key = holder.keys().find(|key| means(key));
    let key = key.cloned().unwrap_or_else(|| (*first).to_owned());
    if behind.is_empty() {
        return Some(holder.insert(key, value).is_some());
    }
    let inner = holder
        .entry(key)
        .or_insert_with(|| Value::Object(Map::new()));
    if inner.is_null() {
        *inner = Value::Object(Map::new());
    }
    put(inner.as_object_mut()?, definition, behind, value)
}
