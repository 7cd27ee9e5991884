//! What the typed resources of [`user`](crate::user) and [`group`](crate::group) share.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ScimType};
use crate::resource::Resource;

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

/// Reads a typed resource.
pub(crate) fn typed<T: DeserializeOwned>(resource: Resource) -> Result<T, Error> {
    serde_json::from_value(Value::Object(resource.into_map())).map_err(|error| {
        Error::new(
            ScimType::InvalidValue,
            format!("Not such a resource: {error}."),
        )
    })
}

/// Writes a typed resource, whose `schemas` are completed by what it has data of.
pub(crate) fn untyped(resource: &impl Serialize, schemas: &[&str]) -> Resource {
    // Keys are strings and nothing fails by itself, so there is always an object.
    let mut attributes = match serde_json::to_value(resource) {
        Ok(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    };
    let listed = attributes
        .entry("schemas")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(listed) = listed {
        for uri in schemas {
            if !listed.iter().any(|listed| listed == uri) {
                listed.push(Value::from(*uri));
            }
        }
    }
    Resource::from_map(attributes)
}
