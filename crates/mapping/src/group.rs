//! Group rules: what a group of the identity provider is in ServiceOps, and what its members get.

use std::collections::HashSet;

use regex_lite::Regex;
use scim_protocol::text::fold;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::check::{check_key, check_pattern, check_text, compile_transforms};
use crate::convert::convert;
use crate::error::{Fault, RuleErrorKind, RulePart};
use crate::kind::ResourceKind;
use crate::target::{FieldCatalog, TargetField};
use crate::transform::{CompiledTransform, Transform, apply_all, compile_pattern, plain_text};

/// What a group is, and what it gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupRule {
    /// The stable name of the rule.
    pub key: String,
    /// Which groups.
    pub when: GroupMatch,
    /// What the group is.
    #[serde(default)]
    pub kind: GroupKind,
    /// Which group of ServiceOps it is.
    #[serde(default)]
    pub link: GroupLink,
    /// What happens to its name on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_transforms: Vec<Transform>,
    /// What its members get.
    #[serde(default)]
    pub grants: Grants,
    /// Whether the rule rests: groups that it matches are as if it were not there.
    #[serde(default)]
    pub paused: bool,
}

/// Which groups a rule is about. Names are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum GroupMatch {
    /// Every group.
    Any,
    /// The group of this name.
    Name(String),
    /// Groups whose name begins so.
    NameStartsWith(String),
    /// Groups whose name ends so.
    NameEndsWith(String),
    /// Groups whose name contains this.
    NameContains(String),
    /// The groups of these names.
    NameIn(Vec<String>),
    /// Groups in whose name a pattern finds something, in the language of the crate `regex-lite`.
    NameMatches(String),
    /// The group of this `externalId`.
    ExternalId(String),
    /// The groups of these `externalId`s.
    ExternalIdIn(Vec<String>),
}

/// A match with its names folded and its pattern compiled.
#[derive(Debug, Clone)]
enum CompiledMatch {
    Any,
    Names(HashSet<String>),
    NameStartsWith(String),
    NameEndsWith(String),
    NameContains(String),
    NameMatches(Box<Regex>),
    ExternalIds(HashSet<String>),
}

impl GroupMatch {
    fn compile(&self) -> Result<CompiledMatch, RuleErrorKind> {
        let texts = self.texts();
        match texts.len() {
            0 if matches!(self, Self::Any) => return Ok(CompiledMatch::Any),
            1..=GROUPS => {}
            _ => return Err(RuleErrorKind::GroupCount { most: GROUPS }),
        }
        for text in &texts {
            if text.trim().is_empty() {
                return Err(RuleErrorKind::EmptyMatch);
            }
            check_text(text)?;
        }
        Ok(match self {
            Self::Any => CompiledMatch::Any,
            Self::Name(_) | Self::NameIn(_) => {
                CompiledMatch::Names(texts.into_iter().map(|name| fold(name.trim())).collect())
            }
            Self::NameStartsWith(text) => CompiledMatch::NameStartsWith(fold(text)),
            Self::NameEndsWith(text) => CompiledMatch::NameEndsWith(fold(text)),
            Self::NameContains(text) => CompiledMatch::NameContains(fold(text)),
            Self::NameMatches(pattern) => {
                check_pattern(pattern)?;
                CompiledMatch::NameMatches(Box::new(compile_pattern(pattern, true)?))
            }
            Self::ExternalId(_) | Self::ExternalIdIn(_) => {
                CompiledMatch::ExternalIds(texts.into_iter().map(str::to_owned).collect())
            }
        })
    }

    /// What is compared with.
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Any => Vec::new(),
            Self::Name(text)
            | Self::NameStartsWith(text)
            | Self::NameEndsWith(text)
            | Self::NameContains(text)
            | Self::NameMatches(text)
            | Self::ExternalId(text) => vec![text],
            Self::NameIn(texts) | Self::ExternalIdIn(texts) => {
                texts.iter().map(String::as_str).collect()
            }
        }
    }
}

impl CompiledMatch {
    fn matches(&self, name: &str, external_id: Option<&str>) -> bool {
        let folded = || fold(name.trim());
        match self {
            Self::Any => true,
            Self::Names(names) => names.contains(&folded()),
            Self::NameStartsWith(text) => folded().starts_with(text),
            Self::NameEndsWith(text) => folded().ends_with(text),
            Self::NameContains(text) => folded().contains(text),
            Self::NameMatches(pattern) => {
                name.len() <= PATTERN_INPUT && pattern.is_match(name.trim())
            }
            Self::ExternalIds(ids) => external_id.is_some_and(|id| ids.contains(id)),
        }
    }
}

/// What a group is in ServiceOps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum GroupKind {
    /// Requesters, for approvals and notifications.
    #[default]
    RequesterGroup,
    /// Technicians, for assignment.
    TechnicianGroup,
    /// No group of ServiceOps; its members still get what the rule grants.
    Ignore,
}

impl GroupKind {
    /// The kind as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequesterGroup => "requester_group",
            Self::TechnicianGroup => "technician_group",
            Self::Ignore => "ignored",
        }
    }
}

/// Which group of ServiceOps a group becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum GroupLink {
    /// A new one.
    #[default]
    Create,
    /// The one created by hand that has its name; a new one without it.
    ExistingByName,
}

/// What the members of a group get for as long as they are in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Grants {
    /// Roles, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// `requester` or `technician`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// A department, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Whether they are VIPs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vip: Option<bool>,
    /// Values of other fields, custom ones too, by their keys.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl Grants {
    /// What is granted, as fields and values; of several values of a field each.
    pub fn entries(&self) -> Vec<(String, String)> {
        let mut entries = self.named();
        for (key, value) in &self.fields {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                single => std::slice::from_ref(single),
            };
            let texts = values.iter().filter_map(plain_text);
            entries.extend(texts.map(|text| (key.clone(), text)));
        }
        entries
    }

    /// What has a member of its own.
    fn named(&self) -> Vec<(String, String)> {
        let roles = self
            .roles
            .iter()
            .map(|role| ("roles", role.trim().to_owned()));
        let single = [
            ("user_type", self.user_type.clone()),
            ("department", self.department.clone()),
            ("is_vip", self.vip.map(|vip| vip.to_string())),
        ];
        let single = single
            .into_iter()
            .filter_map(|(field, value)| Some((field, value?)));
        let named = roles.chain(single);
        named
            .map(|(field, value)| (field.to_owned(), value))
            .collect()
    }

    /// What is granted, in the form in which the fields hold it.
    fn compile<C: FieldCatalog>(
        &self,
        catalog: &C,
    ) -> Result<Vec<(String, String)>, RuleErrorKind> {
        let kind = |field: &C::Field| catalog.kind(field, ResourceKind::User);
        let mut entries = self.named();
        for (key, _) in &entries {
            if C::Field::from_key(key)
                .and_then(|field| kind(&field))
                .is_none()
            {
                return Err(RuleErrorKind::NotGranted { key: key.clone() });
            }
        }
        for (key, value) in &self.fields {
            let field = C::Field::from_key(key).filter(TargetField::is_grantable);
            let kind = field
                .and_then(|field| kind(&field))
                .ok_or_else(|| RuleErrorKind::NotGranted { key: key.clone() })?;
            let converted = convert(&kind, value).map_err(|error| RuleErrorKind::Grant {
                key: key.clone(),
                error: Box::new(error),
            })?;
            entries.extend(
                converted
                    .texts()
                    .into_iter()
                    .map(|text| (key.clone(), text)),
            );
        }
        Ok(entries)
    }
}

impl GroupRule {
    /// Checks the rule and prepares what it compares with and what happens to names.
    pub(crate) fn compile(&self, catalog: &impl FieldCatalog) -> Result<CompiledGroupRule, Fault> {
        check_key(&self.key)?;
        let when = self.when.compile();
        let when = when.map_err(|kind| kind.at(RulePart::When))?;
        let name_transforms = compile_transforms(
            &self.name_transforms,
            RulePart::NameTransform,
            catalog.tables(),
        )?;
        if self.grants.roles.len() > ROLES {
            return Err(RuleErrorKind::TooManyRoles { most: ROLES }.at(RulePart::Roles));
        }
        if self.grants.roles.iter().any(|role| role.trim().is_empty()) {
            return Err(RuleErrorKind::NamelessRole.at(RulePart::Roles));
        }
        match self.grants.user_type.as_deref() {
            None | Some("requester" | "technician") => {}
            Some(_) => return Err(RuleErrorKind::UserType.at(RulePart::UserType)),
        }
        let grants = self.grants.compile(catalog);
        Ok(CompiledGroupRule {
            rule: self.clone(),
            when,
            name_transforms,
            grants: grants.map_err(|kind| kind.at(RulePart::Grants))?,
        })
    }
}

/// A group rule, compiled.
#[derive(Debug, Clone)]
pub struct CompiledGroupRule {
    rule: GroupRule,
    when: CompiledMatch,
    name_transforms: Vec<CompiledTransform>,
    grants: Vec<(String, String)>,
}

impl CompiledGroupRule {
    /// The rule.
    pub fn rule(&self) -> &GroupRule {
        &self.rule
    }

    /// What members get: the key of a field, and a value in the form in which the field holds it.
    pub fn grants(&self) -> &[(String, String)] {
        &self.grants
    }

    /// The name of the group in ServiceOps.
    pub fn name(&self, display_name: &str) -> String {
        let name = Some(Value::from(display_name));
        match apply_all(&self.name_transforms, Ok(name)) {
            Ok(Some(Value::String(name))) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => display_name.trim().to_owned(),
        }
    }

    /// Whether the rule is about a group and does not rest.
    pub(crate) fn is_about(&self, display_name: &str, external_id: Option<&str>) -> bool {
        !self.rule.paused && self.when.matches(display_name, external_id)
    }
}

const ROLES: usize = 50;
/// How many names or ids a match may list.
const GROUPS: usize = 500;
/// Bytes of a name that a pattern looks at.
const PATTERN_INPUT: usize = 4 * 1024;
