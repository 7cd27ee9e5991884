//! Documents of a service provider, as a client reads them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::canonical::{with_names_of, without_nulls};
use crate::error::{Error, ScimType};
use crate::path::same_name;
use crate::schema::{Attribute, ResourceDefinition, ResourceType, Schema, builtin};

impl ResourceType {
    /// Reads a resource at `/ResourceTypes`, as a client does. Names are read in any case, and what
    /// RFC 7643 section 6 leaves optional may be missing.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no resource type.
    pub fn from_json(body: Value) -> Result<Self, Error> {
        document(body, &builtin::resource_type().attributes)
    }
}

impl Schema {
    /// Reads a resource at `/Schemas`, as a client does. Names are read in any case, and what RFC
    /// 7643 section 7 leaves optional has the default that it names.
    ///
    /// ```
    /// use scim_protocol::schema::{AttributeType, Schema};
    /// use serde_json::json;
    ///
    /// let schema = Schema::from_json(json!({"id": "urn:example:2.0:Badge",
    ///     "attributes": [{"name": "number", "TYPE": "integer"}, {"name": "colour"}]}))?;
    /// assert_eq!(schema.attributes[0].kind, AttributeType::Integer);
    /// assert_eq!(schema.attributes[1].kind, AttributeType::String);
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalidSyntax` when it is no schema.
    pub fn from_json(body: Value) -> Result<Self, Error> {
        document(body, &builtin::schema_schema().attributes)
    }
}

impl ResourceDefinition {
    /// The definition of a resource type that a service provider describes, for a client that knows
    /// nothing else of it. Extensions whose schema is missing are left out.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::schema::{ResourceType, Schema};
    /// use serde_json::json;
    ///
    /// let lamps = ResourceType::from_json(json!({"name": "Lamp", "endpoint": "/Lamps",
    ///     "schema": "urn:example:Lamp"}))?;
    /// let schema = Schema::from_json(json!({"id": "urn:example:Lamp",
    ///     "attributes": [{"name": "watt", "type": "integer"}]}))?;
    /// let lamps = ResourceDefinition::described_by(&lamps, &[schema]).unwrap();
    /// assert!(lamps.attribute("watt").is_some() && lamps.attribute("meta").is_some());
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn described_by(resource_type: &ResourceType, schemas: &[Schema]) -> Option<Self> {
        let schema = |uri: &str| schemas.iter().find(|schema| same_name(&schema.id, uri));
        let definition = Self::new(
            &resource_type.name,
            &resource_type.endpoint,
            &resource_type.description,
            schema(&resource_type.schema)?.clone(),
        );
        let extensions = resource_type.schema_extensions.iter();
        Some(extensions.fold(definition, |definition, extension| {
            match schema(&extension.schema) {
                Some(schema) => definition.extended(schema.clone(), extension.required),
                None => definition,
            }
        }))
    }
}

/// A document of one of the schemas of RFC 7643 sections 5 to 7.
pub(super) fn document<T: DeserializeOwned>(
    body: Value,
    attributes: &[Attribute],
) -> Result<T, Error> {
    let named = without_nulls(with_names_of(attributes, body));
    serde_json::from_value(named).map_err(|error| {
        let detail = format!("Not such a document: {error}.");
        Error::new(ScimType::InvalidSyntax, detail)
    })
}
