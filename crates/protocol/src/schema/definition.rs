//! A resource type together with the schemas that define it.

use super::{
    Attribute, AttributeType, Mutability, ResourceType, Returned, Schema, SchemaExtension,
    Uniqueness,
};
use crate::path::{AttributePath, same_name};

/// Everything that defines the resources of one type: the core schema, the extensions, and the
/// common attributes of RFC 7643 section 3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDefinition {
    resource_type: ResourceType,
    common: Vec<Attribute>,
    core: Schema,
    extensions: Vec<Schema>,
}

/// An attribute path resolved against the schemas of a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The extension schema that defines the attribute; `None` for core and common attributes.
    pub extension: Option<&'a Schema>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, where the path names one.
    pub sub_attribute: Option<&'a Attribute>,
}

impl<'a> Resolved<'a> {
    /// The attribute that holds the values the path names: the sub-attribute if there is one.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// let users = ResourceDefinition::user();
    /// let resolved = users.resolve(&"name.givenName".parse()?).unwrap();
    /// assert_eq!(resolved.leaf().name, "givenName");
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    pub fn leaf(&self) -> &'a Attribute {
        self.sub_attribute.unwrap_or(self.attribute)
    }

    /// When a value is returned, in the light of the attribute that holds it.
    pub fn visibility(&self) -> Returned {
        match self.attribute.visibility() {
            Returned::Never => Returned::Never,
            _ => self.leaf().visibility(),
        }
    }

    /// The path in canonical case, with the URI of an extension.
    pub fn path(&self) -> AttributePath {
        AttributePath {
            schema: self.extension.map(|schema| schema.id.clone()),
            attribute: self.attribute.name.clone(),
            sub_attribute: self.sub_attribute.map(|sub| sub.name.clone()),
        }
    }
}

impl ResourceDefinition {
    /// The definition of a resource type from its core schema. The endpoint is relative to the base
    /// URL; it begins with a slash, and is given one where it has none.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType, Mutability, Schema, Uniqueness};
    /// use scim_protocol::{Resource, ResourceDefinition, Tolerance};
    /// use serde_json::json;
    ///
    /// let text = |name: &str| Attribute::new(name, AttributeType::String);
    /// let lamp = Schema::new("urn:example:2.0:Lamp", "Lamp").with([
    ///     text("serial").required().exact().unique(Uniqueness::Server).mutable(Mutability::Immutable),
    ///     Attribute::new("watt", AttributeType::Integer),
    ///     Attribute::new("colours", AttributeType::Complex).multi().with([text("value"), text("type")]),
    /// ]);
    /// let place = Schema::new("urn:example:2.0:Place", "Place").with([text("room")]);
    /// let lamps = ResourceDefinition::new("Lamp", "/Lamps", "A lamp", lamp).extended(place, false);
    /// assert_eq!(lamps.resource_type().endpoint, "/Lamps");
    ///
    /// let body = json!({"schemas": ["urn:example:2.0:Lamp", "urn:example:2.0:Place"],
    ///     "serial": "L-7", "watt": 40, "colours": [{"value": "red"}],
    ///     "urn:example:2.0:Place": {"room": "B 12"}});
    /// let lamp = Resource::read(&lamps, body, &mut Tolerance::default())?;
    /// lamp.check_required(&lamps)?;
    /// assert_eq!(lamp.attributes()["urn:example:2.0:Place"]["room"], "B 12");
    ///
    /// let room = lamps.resolve(&"urn:example:2.0:Place:ROOM".parse()?).unwrap();
    /// assert_eq!(room.path().to_string(), "urn:example:2.0:Place:room");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        name: impl Into<String>,
        endpoint: impl Into<String>,
        description: impl Into<String>,
        core: Schema,
    ) -> Self {
        let name = name.into();
        // RFC 7643 section 6. Links are the base URL and this, one behind the other.
        let endpoint = format!("/{}", endpoint.into().trim_matches('/'));
        Self {
            resource_type: ResourceType {
                id: name.clone(),
                name,
                endpoint,
                description: description.into(),
                schema: core.id.clone(),
                schema_extensions: Vec::new(),
            },
            common: common_attributes(),
            core,
            extensions: Vec::new(),
        }
    }

    /// The same definition with one more extension schema.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// use scim_protocol::schema::Schema;
    ///
    /// let users = ResourceDefinition::user().extended(Schema::new("urn:example:Badge", "Badge"), true);
    /// assert!(users.requires("urn:example:Badge"));
    /// ```
    #[must_use]
    pub fn extended(mut self, schema: Schema, required: bool) -> Self {
        self.resource_type.schema_extensions.push(SchemaExtension {
            schema: schema.id.clone(),
            required,
        });
        self.extensions.push(schema);
        self
    }

    /// The built-in User with the enterprise extension (RFC 7643 sections 4.1 and 4.3).
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// assert_eq!(ResourceDefinition::user().resource_type().endpoint, "/Users");
    /// ```
    pub fn user() -> Self {
        Self::new("User", "/Users", "User Account", super::builtin::user())
            .extended(super::builtin::enterprise_user(), false)
    }

    /// The built-in Group (RFC 7643 section 4.2).
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// assert_eq!(ResourceDefinition::group().name(), "Group");
    /// ```
    pub fn group() -> Self {
        Self::new("Group", "/Groups", "Group", super::builtin::group())
    }

    /// The resource type.
    pub fn resource_type(&self) -> &ResourceType {
        &self.resource_type
    }

    /// The name of the resource type (`User`).
    pub fn name(&self) -> &str {
        &self.resource_type.name
    }

    /// The core schema.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// assert_eq!(ResourceDefinition::group().core().id, scim_protocol::schema::uri::GROUP);
    /// ```
    pub fn core(&self) -> &Schema {
        &self.core
    }

    /// The extension schemas.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// assert_eq!(ResourceDefinition::user().extensions().len(), 1);
    /// ```
    pub fn extensions(&self) -> &[Schema] {
        &self.extensions
    }

    /// The extension schema of this URI, in any case.
    pub fn extension(&self, uri: &str) -> Option<&Schema> {
        self.extensions
            .iter()
            .find(|schema| same_name(&schema.id, uri))
    }

    /// Whether every resource must have data of this extension schema (RFC 7643 section 6).
    pub fn requires(&self, uri: &str) -> bool {
        let extensions = &self.resource_type.schema_extensions;
        let named = extensions
            .iter()
            .find(|known| same_name(&known.schema, uri));
        named.is_some_and(|known| known.required)
    }

    /// The common and core attribute of this name, in any case.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// assert!(ResourceDefinition::user().attribute("EXTERNALID").is_some());
    /// ```
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.common
            .iter()
            .find(|attribute| same_name(&attribute.name, name))
            .or_else(|| self.core.attribute(name))
    }

    /// Common and core attributes, in the order of a response.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// let users = ResourceDefinition::user();
    /// assert_eq!(users.attributes().next().map(|first| first.name.as_str()), Some("schemas"));
    /// ```
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.common.iter().chain(&self.core.attributes)
    }

    /// Resolves a path; `None` when no schema knows the attribute or the sub-attribute.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    ///
    /// let users = ResourceDefinition::user();
    /// assert!(users.resolve(&"emails.value".parse()?).is_some());
    /// assert!(users.resolve(&"emails.colour".parse()?).is_none());
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    pub fn resolve(&self, path: &AttributePath) -> Option<Resolved<'_>> {
        let (extension, attribute) = match path.schema.as_deref() {
            None => (None, self.attribute(&path.attribute)?),
            Some(uri) if same_name(uri, &self.core.id) => (None, self.attribute(&path.attribute)?),
            Some(uri) => {
                let schema = self.extension(uri)?;
                (Some(schema), schema.attribute(&path.attribute)?)
            }
        };
        let sub_attribute = match path.sub_attribute.as_deref() {
            Some(name) => Some(attribute.sub_attribute(name)?),
            None => None,
        };
        Some(Resolved {
            extension,
            attribute,
            sub_attribute,
        })
    }
}

/// `schemas` and the common attributes `id`, `externalId` and `meta`.
fn common_attributes() -> Vec<Attribute> {
    use AttributeType::{Complex, DateTime, Reference, String};
    let read_only = |name: &str, kind| {
        Attribute::new(name, kind)
            .exact()
            .mutable(Mutability::ReadOnly)
    };
    vec![
        Attribute::new("schemas", Reference)
            .multi()
            .exact()
            .returned(Returned::Always),
        read_only("id", String)
            .returned(Returned::Always)
            .unique(Uniqueness::Server),
        Attribute::new("externalId", String).exact(),
        read_only("meta", Complex).with([
            read_only("resourceType", String),
            read_only("created", DateTime),
            read_only("lastModified", DateTime),
            read_only("location", Reference),
            read_only("version", String),
        ]),
    ]
}
