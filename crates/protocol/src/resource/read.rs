//! From a request body to a resource of canonical names and typed values.

use serde_json::{Map, Value};

use super::place::Place;
use super::unfold::unfolded;
use super::value::canonical_name;
use super::{Read, Reader, Resource};
use crate::error::{Error, ScimType};
use crate::path::{equal_name, same_name};
use crate::schema::{Attribute, ResourceDefinition, Schema};
use crate::tolerance::{Deviation, Profile, Tolerance};

impl Resource {
    /// Reads the body of a POST or PUT.
    ///
    /// Names become canonical, read-only attributes are ignored (RFC 7644 section 3.3), `null` and
    /// the empty array are no value (RFC 7643 section 2.5). Whether required attributes are there
    /// is checked by [`check_required`](Self::check_required).
    ///
    /// ```
    /// use scim_protocol::{Resource, ResourceDefinition, ScimType, Tolerance};
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let body = json!({"schemas": [], "userName": "ava", "active": "maybe"});
    /// let refused = Resource::read(&users, body, &mut Tolerance::default());
    /// assert_eq!(refused.unwrap_err().scim_type(), Some(ScimType::InvalidValue));
    /// ```
    ///
    /// # Errors
    /// `invalidSyntax` when the body is no resource, `invalidValue` for a value that does not fit
    /// its attribute; under the strict profile the error of the first deviation.
    pub fn read(
        definition: &ResourceDefinition,
        body: Value,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        read(definition, body, Reader::new(tolerance))
    }

    /// Reads a resource that a service provider answered, as a client does.
    ///
    /// It keeps what the service provider alone writes, such as `id`, `meta` and `groups`, and what
    /// no schema of the definition knows, extensions among it; `schemas` stays as it was written.
    ///
    /// ```
    /// use scim_protocol::{Resource, ResourceDefinition, Tolerance};
    /// use serde_json::json;
    ///
    /// let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:Badge"],
    ///     "id": "2819c223", "USERNAME": "ava", "meta": {"resourceType": "User", "version": "W/\"3\""},
    ///     "groups": [{"value": "e9e30dba", "display": "Ops"}], "urn:example:Badge": {"number": 7}});
    /// let users = ResourceDefinition::user();
    /// let ava = Resource::read_response(&users, body, &mut Tolerance::default())?;
    /// assert_eq!((ava.id(), ava.text("userName")), (Some("2819c223"), Some("ava")));
    /// assert_eq!(ava.attributes()["groups"][0]["display"], "Ops");
    /// assert_eq!(ava.attributes()["urn:example:Badge"]["number"], 7);
    /// assert_eq!(ava.attributes()["meta"]["version"], "W/\"3\"");
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_response(
        definition: &ResourceDefinition,
        body: Value,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        read(definition, body, Reader::of_response(tolerance))
    }
}

fn read(
    definition: &ResourceDefinition,
    body: Value,
    mut reader: Reader<'_>,
) -> Result<Resource, Error> {
    let Value::Object(body) = body else {
        return Err(Error::new(
            ScimType::InvalidSyntax,
            "The body is not a JSON object.",
        ));
    };
    let listed = listed_schemas(definition, &body, &mut reader)?;
    let attributes = match canonical(definition, &body, &reader) {
        Some(known) => read_in_place(&known, body, &listed, &mut reader)?,
        None => read_deviating(definition, body, &listed, &mut reader)?,
    };
    let written = attributes.get("schemas").is_some_and(Value::is_array);
    let mut resource = Resource::from_map(attributes);
    let keeps_schemas = written && reader.keeps_all();
    resource.unread = reader.into_unread();
    if !keeps_schemas {
        resource.list_schemas(definition);
    }
    Ok(resource)
}

/// What a member of a body is.
enum Known<'d> {
    Attribute(&'d Attribute),
    Extension(&'d Schema),
}

/// What every member is, if each name is that of an attribute or extension to the letter, and counts.
fn canonical<'d>(
    definition: &'d ResourceDefinition,
    body: &Map<String, Value>,
    reader: &Reader<'_>,
) -> Option<Vec<Known<'d>>> {
    let known = body.keys().map(|name| {
        let mut attributes = definition.attributes();
        if let Some(attribute) = attributes.find(|one| equal_name(&one.name, name)) {
            return reader
                .takes(attribute)
                .then_some(Known::Attribute(attribute));
        }
        let mut extensions = definition.extensions().iter();
        let extension = extensions.find(|one| equal_name(&one.id, name));
        extension.map(Known::Extension)
    });
    let mut all = Vec::with_capacity(body.len());
    for one in known {
        all.push(one?);
    }
    Some(all)
}

/// Reads a body of which some name is not canonical: it may be a path.
fn read_deviating(
    definition: &ResourceDefinition,
    body: Map<String, Value>,
    listed: &[&str],
    reader: &mut Reader<'_>,
) -> Result<Map<String, Value>, Error> {
    if reader.keeps_all() {
        return read_anew(definition, body, listed, reader);
    }
    let body = unfolded(definition, body, reader.tolerance())?;
    match canonical(definition, &body, reader) {
        Some(known) => read_in_place(&known, body, listed, reader),
        None => read_anew(definition, body, listed, reader),
    }
}

/// Reads a body whose names are canonical: its members stay where they are.
fn read_in_place(
    known: &[Known<'_>],
    mut body: Map<String, Value>,
    listed: &[&str],
    reader: &mut Reader<'_>,
) -> Result<Map<String, Value>, Error> {
    let mut gone: Vec<&str> = Vec::new();
    for ((name, value), known) in body.iter_mut().zip(known) {
        match known {
            Known::Attribute(_) if name == "schemas" => {}
            Known::Attribute(attribute) => {
                if reader.stays(attribute, value)? {
                    continue;
                }
                let place = Place::of(&attribute.name);
                match reader.attribute(attribute, place, value.take())? {
                    Read::Value(read) => *value = read,
                    Read::Nothing => gone.push(&attribute.name),
                    Read::Dropped => {
                        reader.pass_over(place);
                        gone.push(&attribute.name);
                    }
                }
            }
            Known::Extension(extension) if reader.data_stays(extension, value)? => {
                note_unlisted(extension, listed, reader)?;
            }
            Known::Extension(extension) => match read_extension(extension, value.take(), reader)? {
                Some(data) => {
                    note_unlisted(extension, listed, reader)?;
                    *value = Value::Object(data);
                }
                None => gone.push(&extension.id),
            },
        }
    }
    if !gone.is_empty() {
        body.retain(|name, _| !gone.contains(&name.as_str()));
    }
    Ok(body)
}

/// Notes data of an extension whose URI is missing from `schemas`.
fn note_unlisted(
    extension: &Schema,
    listed: &[&str],
    reader: &mut Reader<'_>,
) -> Result<(), Error> {
    match listed.iter().any(|uri| same_name(uri, &extension.id)) {
        true => Ok(()),
        false => {
            let unlisted = Deviation::SchemaNotListed(extension.id.clone());
            reader.tolerance().accept(unlisted)
        }
    }
}

/// Reads a body whose names are those of the definition in any case, and others.
fn read_anew(
    definition: &ResourceDefinition,
    body: Map<String, Value>,
    listed: &[&str],
    reader: &mut Reader<'_>,
) -> Result<Map<String, Value>, Error> {
    let mut attributes = Map::new();
    // In front of all others; what it is shows in the end.
    attributes.insert("schemas".to_owned(), Value::Null);
    let mut empty = false;
    for (name, value) in body {
        if same_name(&name, "schemas") {
            if reader.keeps_all() && value.is_array() {
                attributes.insert("schemas".to_owned(), value);
            }
            continue;
        }
        if name.contains(':')
            && let Some(named) = definition.schema_named(&name)
            && let Some(extension) = named.noted(&name, reader.tolerance())?.extension
        {
            let Some(data) = read_extension(extension, value, reader)? else {
                continue;
            };
            note_unlisted(extension, listed, reader)?;
            match attributes
                .get_mut(&extension.id)
                .and_then(Value::as_object_mut)
            {
                Some(there) => {
                    let repeated = Deviation::RepeatedAttribute(extension.id.clone());
                    reader.tolerance().accept(repeated)?;
                    there.extend(data);
                }
                None => {
                    attributes.insert(extension.id.clone(), Value::Object(data));
                }
            }
            continue;
        }
        let Some(attribute) = definition.attribute(&name) else {
            if reader.keeps_all() {
                attributes.insert(name, value);
            } else {
                reader
                    .tolerance()
                    .accept(Deviation::UnknownAttribute(name))?;
            }
            continue;
        };
        if !reader.takes(attribute) {
            continue;
        }
        let place = Place::of(&attribute.name);
        let read = reader.attribute(attribute, place, value)?;
        empty |= read == Read::Nothing;
        let name = canonical_name(name, attribute);
        keep(&mut attributes, name, place, read, reader)?;
    }
    if empty {
        attributes.retain(|name, value| name == "schemas" || !value.is_null());
    }
    Ok(attributes)
}

/// The schema URIs that a body lists (RFC 7643 section 2.1); unknown ones are noted.
fn listed_schemas<'d>(
    definition: &'d ResourceDefinition,
    body: &Map<String, Value>,
    reader: &mut Reader<'_>,
) -> Result<Vec<&'d str>, Error> {
    let keeps_all = reader.keeps_all();
    let tolerance = reader.tolerance();
    let in_any_case = || body.iter().find(|(name, _)| same_name(name, "schemas"));
    let schemas = match body.get("schemas") {
        Some(schemas) => Some(schemas),
        None => in_any_case().map(|(_, schemas)| schemas),
    };
    let core = definition.core().id.as_str();
    let Some(schemas) = schemas.filter(|schemas| !schemas.is_null()) else {
        tolerance.accept(Deviation::SchemasMissing(core.to_owned()))?;
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
                listed.push(extension.map_or(core, |schema| schema.id.as_str()));
            }
            None if keeps_all => {}
            None => tolerance.accept(Deviation::UnknownAttribute(written.to_owned()))?,
        }
    }
    if !listed.iter().any(|uri| same_name(uri, core)) {
        tolerance.accept(Deviation::SchemasMissing(core.to_owned()))?;
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
    name: String,
    place: Place<'_>,
    read: Read,
    reader: &mut Reader<'_>,
) -> Result<(), Error> {
    let value = match read {
        Read::Value(value) => value,
        Read::Nothing => Value::Null,
        Read::Dropped => {
            reader.pass_over(place);
            return Ok(());
        }
    };
    if attributes.insert(name, value).is_some() {
        let repeated = Deviation::RepeatedAttribute(place.to_string());
        reader.tolerance().accept(repeated)?;
    }
    Ok(())
}

/// The data of an extension; `None` when it says nothing.
fn read_extension(
    extension: &Schema,
    value: Value,
    reader: &mut Reader<'_>,
) -> Result<Option<Map<String, Value>>, Error> {
    let members = match value {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => {
            // The attributes of an extension are optional, unless they say otherwise by themselves.
            let unreadable = Deviation::Unreadable(extension.id.clone());
            reader.tolerance().accept(unreadable)?;
            for attribute in &extension.attributes {
                if reader.takes(attribute) {
                    reader.pass_over(Place::in_extension(&extension.id, &attribute.name));
                }
            }
            return Ok(None);
        }
    };
    let canonical = members.keys().all(|name| {
        let attribute = extension.attribute(name);
        attribute.is_some_and(|one| one.name == *name && reader.takes(one))
    });
    if canonical {
        let data = extension_in_place(extension, members, reader)?;
        return Ok((!data.is_empty()).then_some(data));
    }
    let mut data = Map::new();
    for (name, value) in members {
        let Some(attribute) = extension.attribute(&name) else {
            if reader.keeps_all() {
                data.insert(name, value);
                continue;
            }
            let unknown = Deviation::UnknownAttribute(format!("{}:{name}", extension.id));
            reader.tolerance().accept(unknown)?;
            continue;
        };
        if !reader.takes(attribute) {
            continue;
        }
        let place = Place::in_extension(&extension.id, &attribute.name);
        let read = reader.attribute(attribute, place, value)?;
        let name = canonical_name(name, attribute);
        keep(&mut data, name, place, read, reader)?;
    }
    data.retain(|_, value| !value.is_null());
    Ok((!data.is_empty()).then_some(data))
}

/// The data of an extension whose names are canonical.
fn extension_in_place(
    extension: &Schema,
    mut data: Map<String, Value>,
    reader: &mut Reader<'_>,
) -> Result<Map<String, Value>, Error> {
    let mut gone: Vec<&str> = Vec::new();
    for (name, value) in &mut data {
        let Some(attribute) = extension.attribute(name) else {
            continue;
        };
        if reader.stays(attribute, value)? {
            continue;
        }
        let place = Place::in_extension(&extension.id, &attribute.name);
        match reader.attribute(attribute, place, value.take())? {
            Read::Value(read) => *value = read,
            Read::Nothing => gone.push(&attribute.name),
            Read::Dropped => {
                reader.pass_over(place);
                gone.push(&attribute.name);
            }
        }
    }
    if !gone.is_empty() {
        data.retain(|name, _| !gone.contains(&name.as_str()));
    }
    Ok(data)
}
