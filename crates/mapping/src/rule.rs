//! Mapping sets and their rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::group::GroupRule;
use crate::kind::ResourceKind;
use crate::record::Field;
use crate::target::TargetField;
use crate::transform::Transform;

/// The rules for one kind of resource.
///
/// They are for ServiceOps, unless the fields of another catalogue are named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(bound = ""))]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct MappingSet<F: TargetField = Field> {
    /// The kind of resource.
    pub resource: ResourceKind,
    /// The rules, in order.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Rule>))]
    pub rules: Vec<Rule<F>>,
    /// What groups are in ServiceOps and what they give; the first one that matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_rules: Vec<GroupRule>,
    /// What the rules must make of samples before they become the active version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<MappingTest>,
}

/// A sample of what an identity provider sends, and the fields that the rules must make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingTest {
    /// The stable name of the test.
    pub key: String,
    /// The resource.
    pub sample: Map<String, Value>,
    /// The values of fields by their keys, `null` for none; what is not named may be anything.
    pub record: Map<String, Value>,
}

impl<F: TargetField> MappingSet<F> {
    /// The rules for resources of a kind, without group rules and tests.
    pub fn new(resource: ResourceKind, rules: Vec<Rule<F>>) -> Self {
        Self {
            resource,
            rules,
            group_rules: Vec::new(),
            tests: Vec::new(),
        }
    }

    /// The lookup tables that rules name, each with the keys of those rules, in their order.
    pub fn tables(&self) -> BTreeMap<&str, Vec<&str>> {
        let rules = self.rules.iter().map(|rule| {
            let parts = match &rule.source {
                Source::Join { parts, .. } => parts.as_slice(),
                _ => &[],
            };
            let of_parts = parts.iter().flat_map(JoinPart::transforms);
            let transforms: Vec<_> = rule.transforms.iter().chain(of_parts).collect();
            (rule.key.as_str(), transforms)
        });
        let groups = self.group_rules.iter();
        let groups = groups.map(|rule| (&*rule.key, rule.name_transforms.iter().collect()));
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, transforms) in rules.chain(groups) {
            for name in transforms.into_iter().filter_map(Transform::table_name) {
                let keys = found.entry(name).or_default();
                if keys.last() != Some(&key) {
                    keys.push(key);
                }
            }
        }
        found
    }

    /// The key of a rule that gives a field: a rule for it, or a group rule that grants it.
    pub fn rule_that_gives(&self, field: &F) -> Option<&str> {
        let key = field.to_string();
        let rules = self.rules.iter().filter(|rule| rule.target == *field);
        let groups = self.group_rules.iter();
        let groups = groups.filter(|rule| rule.grants.fields.contains_key(&key));
        let mut keys = rules
            .map(|rule| rule.key.as_str())
            .chain(groups.map(|rule| rule.key.as_str()));
        keys.next()
    }
}

/// From attributes to one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(bound = ""))]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct Rule<F: TargetField = Field> {
    /// The stable name of the rule.
    pub key: String,
    /// Whether it takes part.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// For which resources: a filter (RFC 7644 section 3.4.2.2) over their attributes.
    ///
    /// Of several rules for one field the first counts whose condition holds; a rule without one
    /// is for every resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// What happens to it on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
    /// The field it goes to.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::target")]
    pub target: F,
    /// The value of the field when there is no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether a resource without it is refused.
    #[serde(default)]
    pub required: bool,
    /// When the field is written.
    #[serde(default)]
    pub apply: Apply,
    /// Whether the field is shown to the identity provider.
    #[serde(default)]
    pub direction: Direction,
    /// What a value does that does not fit the field.
    #[serde(default)]
    pub on_error: OnError,
    /// What becomes of the field when there is no value.
    #[serde(default)]
    pub on_absent: OnAbsent,
    /// What happens when a reference names a record that is not there; without it departments,
    /// locations and companies are created, and roles ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
    /// Whether a missing value is worth a warning.
    #[serde(default)]
    pub warn_if_missing: bool,
    /// The rank of the field among those by which an existing user is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_rank: Option<u8>,
}

/// Where the value of a rule comes from.
///
/// A path is one of an attribute, or `field(KEY)`: what the rules before give that field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// An attribute; of a multi-valued one the selected, else the primary, else the first value.
    Path(String),
    /// Always the same.
    Constant(Value),
    /// The first of these that has a value.
    FirstOf(Vec<String>),
    /// Several values in one text.
    Join {
        /// What stands between them.
        separator: String,
        /// The values.
        parts: Vec<JoinPart>,
    },
    /// Every value of a multi-valued attribute.
    All(String),
}

/// A part of a joined text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenPart", into = "WrittenPart")]
pub enum JoinPart {
    /// An attribute.
    Path {
        /// The path.
        path: String,
        /// What happens to its value before it is joined.
        transforms: Vec<Transform>,
    },
    /// A fixed text.
    Literal(String),
}

/// A part as it is written: a path with its transforms, or a literal.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenPart {
    /// An attribute
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// A fixed text
    #[serde(default, skip_serializing_if = "Option::is_none")]
    literal: Option<String>,
    /// What happens to the value of the attribute before it is joined
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transforms: Vec<Transform>,
}

impl TryFrom<WrittenPart> for JoinPart {
    type Error = &'static str;

    fn try_from(written: WrittenPart) -> Result<Self, &'static str> {
        match (written.path, written.literal) {
            (Some(path), None) => Ok(Self::Path {
                path,
                transforms: written.transforms,
            }),
            (None, Some(text)) if written.transforms.is_empty() => Ok(Self::Literal(text)),
            _ => Err("a part is a path, with its transforms, or a literal"),
        }
    }
}

impl From<JoinPart> for WrittenPart {
    fn from(part: JoinPart) -> Self {
        let (path, literal, transforms) = match part {
            JoinPart::Path { path, transforms } => (Some(path), None, transforms),
            JoinPart::Literal(text) => (None, Some(text), Vec::new()),
        };
        Self {
            path,
            literal,
            transforms,
        }
    }
}

#[cfg(feature = "openapi")]
crate::schema::written_as!(JoinPart, WrittenPart);

impl JoinPart {
    /// What happens to its value before it is joined.
    pub fn transforms(&self) -> &[Transform] {
        match self {
            Self::Path { transforms, .. } => transforms,
            Self::Literal(_) => &[],
        }
    }

    /// An attribute as it is.
    pub fn path(path: impl Into<String>) -> Self {
        Self::Path {
            path: path.into(),
            transforms: Vec::new(),
        }
    }
}

/// When a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Apply {
    /// With every change.
    #[default]
    Always,
    /// When the resource is created.
    OnCreate,
}

/// Whether a field is shown to the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// It is not.
    Inbound,
    /// A change by hand is shown, so that the identity provider repairs it.
    #[default]
    Both,
}

/// What a value does that does not fit the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// The resource is refused.
    Reject,
    /// The field stays as it is, with a warning.
    #[default]
    SkipWarn,
    /// The default takes its place.
    UseDefault,
}

/// What becomes of a field when there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnAbsent {
    /// It is cleared, or gets the default where the rule has one.
    #[default]
    Clear,
    /// It stays; a new record gets the default.
    Keep,
    /// It gets the default, which the rule must have.
    Default,
}

/// What happens when a reference names a record that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnUnknown {
    /// The record is created; a role never is.
    Create,
    /// The field stays empty, with a warning.
    Ignore,
    /// The resource is refused.
    Reject,
}

impl<F: TargetField> Rule<F> {
    /// A rule from an attribute to a field, with the usual choices.
    pub fn new(source: Source, target: F) -> Self {
        Self {
            key: target.to_string(),
            enabled: true,
            when: None,
            source,
            transforms: Vec::new(),
            target,
            default: None,
            required: false,
            apply: Apply::Always,
            direction: Direction::Both,
            on_error: OnError::SkipWarn,
            on_absent: OnAbsent::Clear,
            on_unknown: None,
            warn_if_missing: false,
            match_rank: None,
        }
    }
}

fn yes() -> bool {
    true
}
