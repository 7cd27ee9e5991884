//! Schemas as data (RFC 7643 sections 2 and 7), resource types and the built-in definitions.

pub mod attribute;
pub mod builtin;
mod definition;
mod understand;

use serde::{Deserialize, Serialize};

pub use attribute::{Attribute, AttributeType, Mutability, Returned, Uniqueness};
pub use definition::{Resolved, ResourceDefinition};

use crate::path::same_name;
pub use crate::uri;

/// The definition of a schema: its URI, and the attributes it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// The schema URI.
    pub id: String,
    /// The name for people.
    #[serde(default)]
    pub name: String,
    /// What it is, for people.
    #[serde(default)]
    pub description: String,
    /// The attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// A schema of attributes.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType, Schema};
    ///
    /// let badge = Schema::new("urn:example:2.0:Badge", "Badge")
    ///     .with([Attribute::new("number", AttributeType::Integer)]);
    /// assert!(badge.attribute("NUMBER").is_some());
    /// ```
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            description: String::new(),
            attributes: Vec::new(),
        }
    }

    /// With a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// With further attributes.
    #[must_use]
    pub fn with(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// The attribute of this name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| same_name(&attribute.name, name))
    }
}

/// A resource type: what an endpoint serves (RFC 7643 section 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceType {
    /// The id, which is the name (`User`); a service provider may leave it out.
    #[serde(default)]
    pub id: String,
    /// The name, as it stands in `meta.resourceType`.
    pub name: String,
    /// The endpoint relative to the base URL (`/Users`). That of a
    /// [`ResourceDefinition`] begins with a slash; what a service provider sent is as it was sent.
    pub endpoint: String,
    /// What it is, for people.
    #[serde(default)]
    pub description: String,
    /// The URI of the core schema.
    pub schema: String,
    /// The extension schemas.
    #[serde(default)]
    pub schema_extensions: Vec<SchemaExtension>,
}

/// An extension schema of a resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SchemaExtension {
    /// The URI of the extension schema.
    pub schema: String,
    /// Whether every resource of the type must have it.
    pub required: bool,
}
