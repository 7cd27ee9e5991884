//! The document, as it is written and read.

use std::fmt;
use std::marker::PhantomData;

#[cfg(feature = "openapi")]
use scim_mapping::CustomField;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What is configured, or what is to be.
///
/// A list that is there says what there is of a kind; one that is not there says nothing. Whatever is
/// not named of a thing stays as it is, or is as usual where the thing is new.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "version": 1, "customFields": [{}], "tables": [{}], "configurations": [{}],
    "streams": [{}],
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Declaration {
    /// The form of the document: 1.
    #[serde(default = "form")]
    pub version: u32,
    /// The custom fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<CustomField>>))]
    pub custom_fields: Option<Vec<Value>>,
    /// The lookup tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<DeclaredTable>>,
    /// The provisioning configurations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configurations: Option<Vec<DeclaredConfiguration>>,
    /// The streams of the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<DeclaredStream>>,
}

/// A lookup table, each time as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "name": "offices", "columns": ["code", "city"],
    "rows": [["BER", "Berlin"], ["OSL", "Oslo"]],
})))]
#[serde(deny_unknown_fields)]
pub struct DeclaredTable {
    /// The name, by which rules find it.
    pub name: String,
    /// The titles of the columns; the first one has the keys.
    pub columns: Vec<String>,
    /// The rows, each with a value for every column.
    pub rows: Vec<Vec<String>>,
}

/// A provisioning configuration, without its tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "name": "Entra ID", "description": "Workforce", "status": "enabled",
    "provisioningType": { "users": true, "groups": true }, "identityProvider": "entra",
    "policy": { "deactivation": "block", "guard": { "count": 500 } },
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredConfiguration {
    /// The name, by which it is known.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `enabled`, `paused` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What is provisioned.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub provisioning_type: Option<DeclaredTypes>,
    /// Such as `entra` or `okta`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
    /// `tolerant` or `strict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The networks from which its tokens are accepted; none for everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_networks: Option<Vec<String>>,
    /// The policy; what is not named of it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<scim_provisioning::Policies>))]
    pub policy: Option<Map<String, Value>>,
    /// The rules in use.
    #[serde(
        default,
        deserialize_with = "object",
        skip_serializing_if = "Option::is_none"
    )]
    pub mappings: Option<DeclaredMappings>,
}

/// What is provisioned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeclaredTypes {
    /// Users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<bool>,
    /// Groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<bool>,
}

/// The rules in use, each kind as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeclaredMappings {
    /// Those for users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<scim_mapping::MappingSet>))]
    pub user: Option<Value>,
    /// Those for groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<scim_mapping::MappingSet>))]
    pub group: Option<Value>,
}

/// A stream of the feed, without its secret and its position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "name": "asset database", "kind": "webhook", "url": "https://receiver.example.com/feed",
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredStream {
    /// The name, by which it is known.
    pub name: String,
    /// `read`: the receiver asks for what changed; `webhook`: it is sent to `url`; `poll` and `push`:
    /// the same as security events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where what changed is sent to, such as `https://receiver.example/feed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is told of; without it everything. A stream keeps its topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// `active` or `paused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The form that is written and read.
pub(crate) const FORM: u32 = 1;

fn form() -> u32 {
    FORM
}

/// An object, if there is anything: for a struct serde takes a list of its members as well.
fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_no_object() {
        let read = |member: &str, value: Value| {
            serde_json::from_value::<DeclaredConfiguration>(json!({"name": "A", member: value}))
        };
        for member in ["mappings", "provisioningType"] {
            assert!(read(member, json!([null, null])).is_err(), "{member}");
            assert!(read(member, json!({})).is_ok() && read(member, Value::Null).is_ok());
        }
    }
}
