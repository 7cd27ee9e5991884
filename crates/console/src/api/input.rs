//! What clients send.

use chrono::{DateTime, Utc};
use scim_mapping::MappingSet;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A configuration; what is not named stays as it is, or as usual.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Entra ID", "description": "Workforce",
    "provisioningType": { "users": true, "groups": true }, "identityProvider": "entra",
    "allowedNetworks": ["192.0.2.0/24"],
}))]
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
    /// Networks such as `192.0.2.0/24` from which its tokens are accepted; none for everywhere.
    #[schema(max_items = 100)]
    pub(super) allowed_networks: Option<Vec<String>>,
    /// How many days the first token of a new configuration lives; a year without it.
    #[schema(minimum = 1, maximum = 730)]
    pub(super) token_days: Option<i64>,
}

/// What is provisioned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvisioningInput {
    pub(super) users: Option<bool>,
    pub(super) groups: Option<bool>,
}

/// A token to be made, in the place of the one that is there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "overlapHours": 24, "days": 365 }))]
pub(super) struct TokenInput {
    /// For how many hours the token that is there goes on once the new one was used; a day without
    /// it. Until the first use it goes on anyway.
    #[schema(minimum = 0, maximum = 720)]
    pub(super) overlap_hours: Option<i64>,
    /// How many days the new token lives; a year without it.
    #[schema(minimum = 1, maximum = 730)]
    pub(super) days: Option<i64>,
}

/// Which tokens are revoked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "issuedBefore": "2026-11-24T00:00:00Z", "configuration": "Entra ID",
}))]
pub(super) struct RevokedTokens {
    /// Those that were issued before this time, which has passed.
    #[schema(value_type = String, format = DateTime)]
    pub(super) issued_before: DateTime<Utc>,
    /// Those of this configuration alone, by its id or name.
    pub(super) configuration: Option<String>,
}

/// When a token ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "expiresAt": "2027-06-30T00:00:00Z" }))]
pub(super) struct TokenEnd {
    /// In the future, and within two years.
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires_at: DateTime<Utc>,
}

/// Which version is to be active; without it the draft.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "version": 6 }))]
pub(super) struct VersionInput {
    #[schema(minimum = 1)]
    pub(super) version: Option<i64>,
}

/// What of a run is taken back; all of it where nothing is said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "only": ["ava.berg@example.com"], "preview": true }))]
pub(super) struct UndoInput {
    /// What it did to these users and groups alone, by the names that they had or by id.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub(super) only: Vec<String>,
    /// What this entry of the log did alone.
    #[schema(minimum = 1)]
    pub(super) event: Option<i64>,
    /// Whether what somebody changed since is taken back as well.
    #[serde(default)]
    pub(super) overwrite: bool,
    /// Whether the configuration is paused with it, so that its identity provider does not do it
    /// again; of a cycle, or of a rehearsal that went live, of a configuration that is enabled.
    #[serde(default)]
    pub(super) pause: bool,
    /// Whether it is only said what would become of each.
    #[serde(default)]
    pub(super) preview: bool,
    /// Whether it is answered before it is done.
    #[serde(default)]
    pub(super) background: bool,
    /// `next` of the page of the preview before.
    pub(super) cursor: Option<String>,
    /// How many resources a page of the preview has.
    #[schema(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<i64>,
}

/// How a rehearsal goes live.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "anyway": false, "background": true }))]
pub(super) struct GoLiveInput {
    /// Also where somebody changed meanwhile what was rehearsed: that becomes what was rehearsed.
    #[serde(default)]
    pub(super) anyway: bool,
    /// Whether it is answered before it is done.
    #[serde(default)]
    pub(super) background: bool,
}

/// The person of a link that waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "person": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4" }))]
pub(super) struct LinkInput {
    /// The id of the person who is there.
    pub(super) person: String,
    /// The id of the link, where several wait of the person.
    pub(super) link: Option<String>,
}

/// A link that was dismissed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "link": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3" }))]
pub(super) struct DismissedLinkInput {
    /// The id of the link.
    pub(super) link: String,
}

/// What becomes of a user; one thing at a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "status": "blocked" }))]
pub(super) struct UserInput {
    /// `active`, `blocked` or `archived`.
    pub(super) status: Option<String>,
    /// `requester` or `technician`.
    pub(super) user_type: Option<String>,
    /// `null`: no identity provider manages the user any more.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(super) managed_by: Option<Value>,
}

/// What becomes of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "managedBy": null }))]
pub(super) struct GroupInput {
    /// `null`: no identity provider manages the group any more.
    #[schema(value_type = Option<String>)]
    pub(super) managed_by: Value,
}

/// A draft, with what is to be said of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "note": "Cost centres" }))]
pub(super) struct DraftInput {
    #[schema(value_type = MappingSet)]
    pub(super) mapping: Value,
    /// For those who read it later.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(super) note: String,
}

/// A lookup table to be added: its columns and rows, or the same as CSV.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "offices", "columns": ["code", "city"],
    "rows": [["BER", "Berlin"], ["OSL", "Oslo"]],
}))]
pub(super) struct NewTable {
    /// By which rules find it.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,62}$")]
    pub(super) name: String,
    /// The titles; the first column has the keys.
    #[schema(min_items = 2, max_items = 20)]
    pub(super) columns: Option<Vec<String>>,
    /// The rows, each with a value for every column.
    #[schema(max_items = 20000)]
    pub(super) rows: Option<Vec<Vec<String>>>,
    /// RFC 4180, with the titles in the first line.
    pub(super) csv: Option<String>,
}

/// What takes the place of a lookup table: columns and rows, or the same as CSV.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "columns": ["code", "city"], "rows": [["BER", "Berlin"], ["OSL", "Oslo"]] }))]
pub(super) struct TableInput {
    /// The titles; the first column has the keys.
    #[schema(min_items = 2, max_items = 20)]
    pub(super) columns: Option<Vec<String>>,
    /// The rows, each with a value for every column.
    #[schema(max_items = 20000)]
    pub(super) rows: Option<Vec<Vec<String>>>,
    /// RFC 4180, with the titles in the first line.
    pub(super) csv: Option<String>,
}

/// Which held changes: of these users, or all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "users": ["ava.berg@example.com"] }))]
pub(super) struct HeldInput {
    /// Ids or logon names.
    #[serde(default)]
    pub(super) users: Vec<String>,
    #[serde(default)]
    pub(super) all: bool,
}

/// A stream to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "asset database", "kind": "webhook", "url": "https://receiver.example.com/feed",
    "topics": ["user.created", "user.updated"],
}))]
pub(super) struct NewStream {
    /// Unique without regard to case.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// `read`: the receiver asks for what changed; `webhook`: it is sent to `url`; `poll` and `push`:
    /// the same as security events (RFC 9967).
    #[serde(default = "read")]
    pub(super) kind: String,
    /// Where what changed is sent to, such as `https://receiver.example/feed`.
    #[schema(max_length = 2048)]
    pub(super) url: Option<String>,
    /// What it is told of, such as `user.created`; everything without it.
    pub(super) topics: Option<Vec<String>>,
}

fn read() -> String {
    "read".to_owned()
}

/// From where a stream begins again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "2026-11-26T12:00:00Z" }))]
pub(super) struct ReplayInput {
    /// A position, or a time such as `2026-11-26T12:00:00Z`.
    pub(super) from: String,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "nightly report", "role": "auditor", "scopes": ["read"], "days": 90 }))]
pub(super) struct NewKey {
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// `administrator` or `auditor`.
    pub(super) role: String,
    /// What it may be used for: `read`, `configure`, `tokens`, `operate`; without it all that its
    /// role may.
    #[schema(min_items = 1, max_items = 4)]
    pub(super) scopes: Option<Vec<String>>,
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

/// A value that may be null, told from one that is not there.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

fn days() -> i64 {
    90
}
