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
#[cfg_attr(feature = "openapi", schema(example = json!({ "resource": "user", "tests": [{}] })))]
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
///
/// ```
/// use scim_mapping::{Catalog, MappingSet, MappingTest, ResourceKind};
/// use scim_protocol::ResourceDefinition;
/// use serde_json::json;
///
/// let test: MappingTest = serde_json::from_value(json!({
///     "key": "lead",
///     "sample": {"userName": "ava", "title": "Lead"},
///     "record": {"job_title": "Lead", "department": null}
/// }))?;
/// let (users, catalog) = (ResourceDefinition::user(), Catalog::default());
/// let mapping = MappingSet::default_user().compile(&users, &catalog)?;
/// let outcomes = mapping.run_tests(&[test], &users, &catalog, ResourceKind::User);
/// assert!(outcomes[0].passed, "{}", outcomes[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(
        description = "A sample of what an identity provider sends, and the fields that the \
                          rules must make of it."
    )
)]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "key": "lead", "sample": { "userName": "ava", "title": " Lead" },
    "record": { "job_title": "Lead" },
})))]
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
///
/// In JSON its members are those of this type in camel case; `key`, `source` and `target` must be
/// there, the others have the defaults of [`Rule::new`]. People write it in a line, which is read by
/// [`FromStr`](std::str::FromStr) and written by `Display`:
///
/// ```text
/// SOURCE > TRANSFORM > ... -> FIELD when FILTER; {"member": value}
/// ```
///
/// | part | written as | |
/// |---|---|---|
/// | source | `title` | an attribute, `name.givenName`, one of several values (`emails[type eq "work"].value`, `emails[0].value`), one behind a schema URI, a part of a name (`name.formatted \| givenName`) |
/// | | `field(department)` | what rules before give that field; it stands wherever a path does |
/// | | `constant "External"` | always the same, as JSON |
/// | | `first of nickName, name.givenName` | the first path that has a value |
/// | | `all roles.value` | every value of a multi-valued attribute |
/// | | `join name.givenName > left: 1, "-", name.familyName with ". "` | several in one text: paths, each with its own transforms, and literals in quotation marks; the separator is JSON, and empty without `with` |
/// | transforms | `> trim > left: 3` | each as [`Transform`] has it; those of a joined text stand behind `>>`: `with ". " >> upper > left: 3` |
/// | field | `-> email` | its key ([`TargetField::from_key`]) |
/// | condition | `when userType eq "Contractor"` | a filter (RFC 7644 section 3.4.2.2) |
/// | the rest | `; {"onAbsent": "keep"}` | other members, as in JSON |
///
/// `>`, `>>`, `->`, `when` and `with` have a blank on both sides. Marks within quotation marks and
/// brackets are text. The line needs no key: it is that of the field, as in [`Rule::new`].
///
/// ```
/// use scim_mapping::Rule;
/// use serde_json::json;
///
/// for line in [
///     "title -> job_title",
///     r#"emails[type eq "work"].value > trim > lower -> email"#,
///     r#"constant "External" -> job_title when userType eq "Contractor""#,
///     "first of nickName, field(first_name) -> display_name",
///     "all roles.value -> roles",
///     r#"join name.givenName > left: 1, "von", name.familyName with " " >> upper -> display_name"#,
/// ] {
///     let rule: Rule = line.parse()?;
///     assert_eq!(rule.to_string(), line);
/// }
/// let rule: Rule = r#"title -> job_title; {"key": "title", "onAbsent": "keep"}"#.parse()?;
/// let document = json!({
///     "key": "title", "source": {"path": "title"}, "target": "job_title", "onAbsent": "keep"
/// });
/// assert_eq!(rule, serde_json::from_value(document)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(bound = "", description = "From attributes to one field.")
)]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "key": "job_title", "source": { "path": "title" }, "transforms": ["trim"],
    "target": "job_title", "onAbsent": "clear",
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct Rule<F: TargetField = Field> {
    /// The stable name of the rule, which no other rule of its set has. JSON must have it; in a line
    /// it is the key of the field where it is not said, so that of two rules for one field the
    /// second needs another one.
    pub key: String,
    /// Whether it takes part; yes by default.
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
    /// Whether a resource without it is refused; no by default.
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
    /// What happens when a value names a record that is not there. Without it, the record is
    /// created or nothing happens, as the catalogue has it for the field; in
    /// ServiceOps departments, locations and companies are created, and roles ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
    /// Whether a missing value is worth a warning; no by default.
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

/// When a field is written: `always` by default.
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

/// Whether a field is shown to the identity provider: `both` by default.
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

/// What a value does that does not fit the field, or that a transform cannot read:
/// `skipWarn` by default. Such a value never clears a field.
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

/// What becomes of a field when there is no value: `clear` by default.
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

/// What happens when a value names a record that is not there; without a choice, what the catalogue
/// has for the field.
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
    /// A rule from a source to a field, with the defaults: it takes part, for every resource, without
    /// transforms and a default value; not required, written with every change
    /// ([`Apply::Always`]), shown to the identity provider ([`Direction::Both`]); a value that does not
    /// fit is a warning ([`OnError::SkipWarn`]), and without a value the field is cleared
    /// ([`OnAbsent::Clear`]).
    ///
    /// Its key is that of the field. Give one of two rules for the same field another key.
    ///
    /// ```
    /// use scim_mapping::{Field, OnAbsent, Rule, Source};
    ///
    /// let contractor = Rule {
    ///     key: "contractor".to_owned(),
    ///     when: Some(r#"userType eq "Contractor""#.to_owned()),
    ///     on_absent: OnAbsent::Keep,
    ///     ..Rule::new(Source::Constant("External".into()), Field::JobTitle)
    /// };
    /// let everybody = Rule::new(Source::Path("title".to_owned()), Field::JobTitle);
    /// assert_eq!(everybody.key, "job_title");
    /// assert_ne!(contractor.key, everybody.key);
    /// ```
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
