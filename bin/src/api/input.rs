//! What clients send.

use scim_mapping::MappingSet;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A configuration; what is not named stays as it is, or as usual.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConfigurationInput {
    /// Unique without regard to case; a new configuration must have one.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: Option<String>,
    #[schema(max_length = 500)]
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "object")]
    pub(super) provisioning_type: Option<ProvisioningInput>,
    /// Such as `entra` or `okta`.
    pub(super) identity_provider: Option<String>,
    /// `tolerant` or `strict`.
    pub(super) profile: Option<String>,
}

/// What is provisioned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvisioningInput {
    pub(super) users: Option<bool>,
    pub(super) groups: Option<bool>,
}

/// How long the token that is there is accepted beside the new one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenInput {
    /// In hours; without it until it is revoked.
    #[schema(minimum = 1, maximum = 720)]
    pub(super) overlap_hours: Option<i64>,
}

/// A draft, with what is to be said of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftInput {
    #[schema(value_type = MappingSet)]
    pub(super) mapping: Value,
    /// For those who read it later.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(super) note: String,
}

/// Which held changes: of these users, or all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldInput {
    /// Ids or logon names.
    #[serde(default)]
    pub(super) users: Vec<String>,
    #[serde(default)]
    pub(super) all: bool,
}

/// An account to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// `administrator` or `auditor`.
    pub(super) role: String,
    #[schema(min_length = 15)]
    pub(super) password: String,
}

/// What becomes of an account: its role or its password, one at a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountInput {
    /// `administrator` or `auditor`.
    pub(super) role: Option<String>,
    #[schema(min_length = 15)]
    pub(super) password: Option<String>,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// `administrator` or `auditor`.
    pub(super) role: String,
    /// How long it lives.
    #[serde(default = "days")]
    #[schema(minimum = 1, maximum = 365)]
    pub(super) days: i64,
}

/// An object or null; a derived `Deserialize` takes an array as well.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let Some(members) = Option::<Map<String, Value>>::deserialize(from)? else {
        return Ok(None);
    };
    let read = serde_json::from_value(Value::Object(members));
    read.map(Some).map_err(serde::de::Error::custom)
}

fn days() -> i64 {
    90
}
