//! From a request body to a resource of canonical names and typed values.

use serde_json::{Map, Value};

use super::{Read, Reader, Resource};
use crate::error::{Error, ScimType};
use crate::path::same_name;
use crate::schema::{Mutability, ResourceDefinition};
use crate::tolerance::{Deviation, Profile, Tolerance};

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
            if let Some(named) = definition.schema_named(&name)
                && let Some(extension) = named.noted(&name, tolerance)?.extension
            {
                let Some(data) = read_extension(extension, value, tolerance)? else {
                    continue;
                };
                if !listed.iter().any(|uri| same_name(uri, &extension.id)) {
                    tolerance.accept(Deviation::SchemaNotListed(extension.id.clone()))?;
                }
                match attributes
                    .get_mut(&extension.id)
                    .and_then(Value::as_object_mut)
                {
                    Some(there) => {
                        tolerance.accept(Deviation::RepeatedAttribute(extension.id.clone()))?;
                        there.extend(data);
                    }
                    None => {
                        attributes.insert(extension.id.clone(), Value::Object(data));
                    }
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
            let read = Reader::new(tolerance).attribute(attribute, &attribute.name, value)?;
            keep(
                &mut attributes,
                &attribute.name,
                &attribute.name,
                read,
                tolerance,
            )?;
        }
        attributes.retain(|_, value| !value.is_null());
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
    let mut listed = Vec::new();
    let one = std::slice::from_ref(schemas);
    let uris = match schemas {
        Value::Array(uris) => uris.as_slice(),
        Value::String(_) if tolerance.profile() == Profile::Tolerant => one,
        _ => return Err(no_schemas()),
    };
    for written in uris {
        let written = written.as_str().ok_or_else(no_schemas)?;
        match definition.schema_named(written) {
            Some(named) => {
                let extension = named.noted(written, tolerance)?.extension;
                listed.push(extension.map_or(core, |schema| &schema.id).clone());
            }
            None => tolerance.accept(Deviation::UnknownAttribute(written.to_owned()))?,
        }
    }
    if !listed.iter().any(|uri| same_name(uri, core)) {
        tolerance.accept(Deviation::SchemasMissing(core.clone()))?;
    }
    Ok(listed)
}

fn no_schemas() -> Error {
    Error::new(
        ScimType::InvalidSyntax,
        "\"schemas\" is not an array of schema URIs.",
    )
}

/// Keeps what was read of an attribute. Where its name stands twice, in two cases, the last one counts.
fn keep(
    attributes: &mut Map<String, Value>,
    name: &str,
    path: &str,
    read: Read,
    tolerance: &mut Tolerance,
) -> Result<(), Error> {
    let value = match read {
        Read::Value(value) => value,
        Read::Nothing => Value::Null,
        Read::Dropped => return Ok(()),
    };
    if attributes.insert(name.to_owned(), value).is_some() {
        tolerance.accept(Deviation::RepeatedAttribute(path.to_owned()))?;
    }
    Ok(())
}

/// The data of an extension; `None` when it says nothing.
fn read_extension(
    extension: &crate::Schema,
    value: Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Map<String, Value>>, Error> {
    let members = match value {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => {
            // The attributes of an extension are optional, unless they say otherwise by themselves.
            let unreadable = Deviation::Unreadable(extension.id.clone());
            tolerance.accept(unreadable)?;
            return Ok(None);
        }
    };
    let mut data = Map::new();
    for (name, value) in members {
        let Some(attribute) = extension.attribute(&name) else {
            let path = format!("{}:{name}", extension.id);
            tolerance.accept(Deviation::UnknownAttribute(path))?;
            continue;
        };
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        let path = format!("{}:{}", extension.id, attribute.name);
        let read = Reader::new(tolerance).attribute(attribute, &path, value)?;
        keep(&mut data, &attribute.name, &path, read, tolerance)?;
    }
    data.retain(|_, value| !value.is_null());
    Ok((!data.is_empty()).then_some(data))
}
