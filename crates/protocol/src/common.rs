//! What the typed resources of [`user`](crate::user) and [`group`](crate::group) share.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ScimType};
use crate::path::same_name;
use crate::resource::Resource;
use crate::schema::{Attribute, ResourceDefinition};

/// A value of a multi-valued attribute with its default sub-attributes (RFC 7643 section 2.4).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MultiValue {
    /// The value itself; of a reference the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The URI of the resource that is referred to.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How the value is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `type`: what the value is for, such as `work`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred value; one value at most is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl MultiValue {
    /// A value of a type.
    pub fn new(value: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            kind: Some(kind.into()),
            ..Self::default()
        }
    }

    /// A reference to a resource by its id.
    pub fn to(id: impl Into<String>) -> Self {
        Self {
            value: Some(id.into()),
            ..Self::default()
        }
    }

    /// The same value, as the preferred one.
    #[must_use]
    pub fn preferred(self) -> Self {
        Self {
            primary: Some(true),
            ..self
        }
    }
}

/// `meta` (RFC 7643 section 3.1), which the service provider alone writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// The name of the resource type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// When the resource was added, as it was written; [`created_at`](Self::created_at) reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When the resource changed last, as it was written;
    /// [`last_modified_at`](Self::last_modified_at) reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The URI of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The entity tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Meta {
    /// When the resource was added; `None` without a value or for one that is no dateTime.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created.as_deref().and_then(instant)
    }

    /// When the resource changed last; `None` without a value or for one that is no dateTime.
    pub fn last_modified_at(&self) -> Option<DateTime<Utc>> {
        self.last_modified.as_deref().and_then(instant)
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text).ok()?;
    Some(parsed.with_timezone(&Utc))
}

/// Reads a typed resource. Names are those of the schemas in any case (RFC 7643 section 2.1), and what
/// is null is not there (section 2.5).
pub(crate) fn typed<T: DeserializeOwned>(
    resource: Resource,
    definition: &ResourceDefinition,
) -> Result<T, Error> {
    let mut canonical = Map::new();
    for (name, value) in resource.into_map() {
        if let Some(extension) = definition.extension(&name) {
            let value = named(value, &extension.attributes);
            canonical.insert(extension.id.clone(), value);
        } else if let Some(attribute) = definition.attribute(&name) {
            if !value.is_null() {
                let value = named(value, &attribute.sub_attributes);
                canonical.insert(attribute.name.clone(), value);
            }
        } else {
            canonical.insert(name, value);
        }
    }
    serde_json::from_value(Value::Object(canonical)).map_err(|error| {
        Error::new(
            ScimType::InvalidValue,
            format!("Not such a resource: {error}."),
        )
    })
}

/// A value whose members have the names of these attributes.
fn named(value: Value, attributes: &[Attribute]) -> Value {
    match value {
        Value::Array(elements) => {
            let elements = elements.into_iter().filter(|element| !element.is_null());
            elements.map(|element| named(element, attributes)).collect()
        }
        Value::Object(members) => {
            let mut canonical = Map::new();
            for (name, value) in members {
                let known = attributes
                    .iter()
                    .find(|known| same_name(&known.name, &name));
                match known {
                    Some(_) if value.is_null() => {}
                    Some(known) => {
                        let value = named(value, &known.sub_attributes);
                        canonical.insert(known.name.clone(), value);
                    }
                    None => {
                        canonical.insert(name, value);
                    }
                }
            }
            Value::Object(canonical)
        }
        simple => simple,
    }
}

/// Writes a typed resource, whose `schemas` are completed by what it has data of.
pub(crate) fn untyped(resource: &impl Serialize, schemas: &[&str]) -> Resource {
    // Keys are strings and nothing fails by itself, so there is always an object.
    let mut attributes = match serde_json::to_value(resource) {
        Ok(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    };
    // An extension is an object under the URI of its schema (RFC 7643 section 3.3).
    let extensions = attributes.iter().filter(|(name, data)| {
        let start = name.get(..4).unwrap_or_default();
        start.eq_ignore_ascii_case("urn:") && data.as_object().is_some_and(|data| !data.is_empty())
    });
    let extensions: Vec<String> = extensions.map(|(name, _)| name.clone()).collect();
    let listed = attributes
        .entry("schemas")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(listed) = listed {
        let schemas = schemas.iter().copied();
        for uri in schemas.chain(extensions.iter().map(String::as_str)) {
            let known =
                |listed: &Value| listed.as_str().is_some_and(|listed| same_name(listed, uri));
            if !listed.iter().any(known) {
                listed.push(Value::from(uri));
            }
        }
    }
    Resource::from_map(attributes)
}
