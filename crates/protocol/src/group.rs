//! The Group (RFC 7643 section 4.2) as a struct.
//!
//! ```
//! use scim_protocol::Resource;
//! use scim_protocol::common::MultiValue;
//! use scim_protocol::group::Group;
//!
//! let operations = Group {
//!     members: vec![MultiValue::to("2819c223-7f76-453a-919d-413861904646")].into(),
//!     ..Group::new("Operations")
//! };
//! let resource = Resource::from(operations.clone());
//! assert_eq!(Group::try_from(resource)?, operations);
//! # Ok::<(), scim_protocol::Error>(())
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::common::{Given, Meta, MultiValue, typed, untyped};
use crate::error::Error;
use crate::resource::Resource;
use crate::schema::ResourceDefinition;
use crate::uri;

/// A Group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The URIs of the schemas that the resource has data of.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// The id that the service provider gave.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub id: Given<String>,
    /// The id that the provisioning client gave.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub external_id: Given<String>,
    /// The name of the group.
    pub display_name: String,
    /// The members: users and groups, by id.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub members: Given<Vec<MultiValue>>,
    /// What the service provider says of the resource.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub meta: Given<Meta>,
    /// Further attributes, those of extensions under the URI of their schema.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Group {
    /// A group that has a name and no members.
    ///
    /// ```
    /// use scim_protocol::group::Group;
    ///
    /// assert_eq!(Group::new("Operations").display_name, "Operations");
    /// ```
    pub fn new(display_name: impl Into<String>) -> Self {
        Self {
            schemas: vec![uri::GROUP.to_owned()],
            display_name: display_name.into(),
            ..Self::default()
        }
    }
}

impl From<Group> for Resource {
    fn from(group: Group) -> Self {
        untyped(&group, &[uri::GROUP])
    }
}

impl TryFrom<Resource> for Group {
    type Error = Error;

    /// # Errors
    /// `invalidValue` when the resource is no Group: without `displayName`, or with a value of
    /// another type than the RFC's.
    fn try_from(resource: Resource) -> Result<Self, Error> {
        typed(resource, &ResourceDefinition::group())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way_to_a_struct_and_back() {
        let document = json!({
            "schemas": [uri::GROUP, "urn:example:2.0:Group"],
            "id": "e9e30dba", "externalId": "g", "displayName": "Tour Guides",
            "members": [{"value": "2819c223", "$ref": "https://example.com/v2/Users/2819c223",
                "type": "User", "display": "Babs Jensen", "since": 2010}],
            "urn:example:2.0:Group": {"owner": null, "sites": ["a", "b"]},
            "meta": {"resourceType": "Group", "created": "2010-01-23T04:56:22Z"},
        });
        let resource = Resource::from_map(document.as_object().unwrap().clone());
        let group = Group::try_from(resource.clone()).unwrap();
        assert_eq!(group.members.values()[0].kind.as_deref(), Some("User"));
        assert_eq!(Resource::from(group), resource);
    }
}
