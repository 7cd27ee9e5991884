//! The kinds of resources that there are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a resource is a User or a Group.
///
/// Of resources of other types it says no more than which fields of the catalogue they have
/// ([`FieldCatalog::kind`](crate::FieldCatalog::kind)): a set that is compiled against their
/// definition maps them, as a `User` here. (`MappingTest`s of such a set see `active: true` where
/// their sample says nothing of it.)
///
/// ```
/// use scim_mapping::{Catalog, Event, Field, MappingSet, ResourceKind};
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::schema::{Attribute, AttributeType, Schema};
/// use serde_json::json;
///
/// let mut schema = Schema {
///     id: "urn:example:2.0:Device".to_owned(),
///     name: "Device".to_owned(),
///     description: "A device".to_owned(),
///     attributes: Vec::new(),
/// };
/// for name in ["serial", "room"] {
///     schema.attributes.push(Attribute::new(name, AttributeType::String));
/// }
/// let devices = ResourceDefinition::new("Device", "/Devices", "Devices", schema);
///
/// let rules = [r#"serial -> user_name; {"required": true}"#, "room -> location"];
/// let rules: Result<Vec<_>, _> = rules.into_iter().map(str::parse).collect();
/// // With a catalogue of your own, fields of devices.
/// let set = MappingSet::new(ResourceKind::User, rules?);
/// let mapping = set.compile(&devices, &Catalog::default())?;
/// let device = json!({"serial": "X-1", "room": "B07"});
/// let record = mapping.project(device.as_object().unwrap(), Event::Create).record;
/// assert_eq!(record[&Field::Location].as_text(), Some("B07"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = MappedResource, description = "Whether a resource is a User or a Group.")
)]
#[serde(rename_all = "camelCase")]
pub enum ResourceKind {
    /// A person.
    User,
    /// A group.
    Group,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// The name of the resource type (`User`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The kind of a resource type.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The word for it in a mapping, and where a mapping is named (`user`).
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// The endpoint (`/Users`).
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
