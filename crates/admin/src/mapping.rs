//! Versions of mappings, and the fields that administrators define.

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use scim_mapping::{MappingError, MappingSet, ResourceKind};
use scim_provisioning::ConfigurationId;
use scim_provisioning::model::{Model, ModelSource};
use serde_json::{Value, json};

use crate::hex::hex;
use crate::table::TablePins;

/// A version of the mapping of one kind of resource. Versions never change; the draft does.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingVersion {
    /// Of this configuration.
    pub configuration: ConfigurationId,
    /// The number, from 1; 0 is the draft.
    pub version: i64,
    /// The rules.
    pub rules: MappingSet,
    /// In which versions the rules use lookup tables, since they are in force; a draft uses the
    /// newest.
    pub tables: TablePins,
    /// SHA-256 of the rules as they are exported, in hexadecimal.
    pub checksum: String,
    /// What the administrator wrote about it.
    pub note: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl MappingVersion {
    /// A version of these rules.
    pub fn new(
        configuration: ConfigurationId,
        version: i64,
        rules: MappingSet,
        note: &str,
        created_by: &str,
        created: DateTime<Utc>,
    ) -> Self {
        Self {
            configuration,
            version,
            checksum: checksum(&rules),
            rules,
            tables: TablePins::new(),
            note: note.trim().to_owned(),
            created_by: created_by.to_owned(),
            created,
        }
    }

    /// `draft`, `active` or `archived`.
    pub fn state(&self, active: i64) -> &'static str {
        match self.version {
            DRAFT => "draft",
            version if version == active => "active",
            _ => "archived",
        }
    }

    /// The versions of tables that the rules use; `None` for the newest, which a draft uses.
    pub(crate) fn pins(&self) -> Option<&TablePins> {
        (self.version != DRAFT).then_some(&self.tables)
    }

    /// The rules as they are exported.
    pub fn document(&self) -> Value {
        serde_json::to_value(&self.rules).unwrap_or_else(|_| json!({}))
    }
}

/// An attribute that an identity provider sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedAttribute {
    /// The path, such as `emails[type eq "work"].value`.
    pub path: String,
    /// The JSON type of the last value.
    pub value_type: String,
    /// In how many requests.
    pub count: i64,
    /// When it was received last.
    pub last_seen: DateTime<Utc>,
    /// The last value, masked.
    pub sample: String,
    /// Whether a rule reads it.
    pub mapped: bool,
}

fn checksum(rules: &MappingSet) -> String {
    let written = serde_json::to_vec(rules).unwrap_or_default();
    hex(digest(&SHA256, &written).as_ref())
}

/// Checks that the rules for a kind of resource do what their own tests say; the first that fails is
/// the error.
pub(crate) fn check_tests(
    source: &ModelSource,
    resource: ResourceKind,
) -> Result<(), MappingError> {
    let outcomes = Model::compile(source)?.run_tests(source, resource);
    let mut failed = (1..)
        .zip(&outcomes)
        .filter_map(|(at, outcome)| outcome.error(at));
    failed.next().map_or(Ok(()), Err)
}

/// How many custom fields there can be.
pub(crate) const FIELDS: usize = 200;

/// The number of the draft.
pub const DRAFT: i64 = 0;

/// Which draft somebody saw who puts another one in its place, or activates it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DraftSeen {
    /// Nobody looked: whatever is there.
    #[default]
    Any,
    /// None was there.
    None,
    /// The one of this checksum.
    Checksum(String),
}

impl DraftSeen {
    /// The draft among the versions of a mapping.
    pub fn among(versions: &[MappingVersion]) -> Self {
        let draft = versions.iter().find(|version| version.version == DRAFT);
        draft.map_or(Self::None, |draft| Self::Checksum(draft.checksum.clone()))
    }

    /// Whether what was seen is what is there: a draft of this checksum, or none.
    pub fn is_still(&self, checksum: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::None => checksum.is_none(),
            Self::Checksum(seen) => checksum == Some(seen),
        }
    }
}
