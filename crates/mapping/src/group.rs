//! Group rules: what a group of the identity provider is in ServiceOps, and what its members get.

use scim_protocol::text::fold;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::{check_key, check_text, compile_transforms};
use crate::error::{Fault, RuleErrorKind, RulePart};
use crate::transform::{CompiledTransform, Transform};

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
    /// The group of this `externalId`.
    ExternalId(String),
}

impl GroupMatch {
    /// The same with the name folded, as [`GroupMatch::matches`] takes it.
    fn folded(&self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Name(text) => Self::Name(fold(text.trim())),
            Self::NameStartsWith(text) => Self::NameStartsWith(fold(text)),
            Self::NameEndsWith(text) => Self::NameEndsWith(fold(text)),
            Self::NameContains(text) => Self::NameContains(fold(text)),
            Self::ExternalId(id) => Self::ExternalId(id.clone()),
        }
    }

    fn matches(&self, name: &str, external_id: Option<&str>) -> bool {
        let name = || fold(name.trim());
        match self {
            Self::Any => true,
            Self::Name(folded) => name() == *folded,
            Self::NameStartsWith(folded) => name().starts_with(folded),
            Self::NameEndsWith(folded) => name().ends_with(folded),
            Self::NameContains(folded) => name().contains(folded),
            Self::ExternalId(id) => external_id == Some(id.as_str()),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Name(text)
            | Self::NameStartsWith(text)
            | Self::NameEndsWith(text)
            | Self::NameContains(text)
            | Self::ExternalId(text) => Some(text),
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
}

impl Grants {
    /// What is granted, as fields and values.
    pub fn entries(&self) -> Vec<(&'static str, String)> {
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
        roles.chain(single).collect()
    }
}

impl GroupRule {
    /// Checks the rule and prepares what it compares with and what happens to names.
    pub(crate) fn compile(&self) -> Result<CompiledGroupRule, Fault> {
        check_key(&self.key)?;
        match self.when.text() {
            Some(text) if text.trim().is_empty() => {
                return Err(RuleErrorKind::EmptyMatch.at(RulePart::When));
            }
            Some(text) => check_text(text).map_err(|kind| kind.at(RulePart::When))?,
            None => {}
        }
        let name_transforms = compile_transforms(&self.name_transforms, RulePart::NameTransform)?;
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
        Ok(CompiledGroupRule {
            rule: self.clone(),
            when: self.when.folded(),
            name_transforms,
        })
    }
}

/// A group rule, compiled.
#[derive(Debug, Clone)]
pub struct CompiledGroupRule {
    rule: GroupRule,
    /// The match with its name folded.
    when: GroupMatch,
    name_transforms: Vec<CompiledTransform>,
}

impl CompiledGroupRule {
    /// The rule.
    pub fn rule(&self) -> &GroupRule {
        &self.rule
    }

    /// The name of the group in ServiceOps.
    pub fn name(&self, display_name: &str) -> String {
        let name = Some(Value::from(display_name));
        let transforms = self.name_transforms.iter();
        match transforms.fold(name, |name, transform| transform.apply(name)) {
            Some(Value::String(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => display_name.trim().to_owned(),
        }
    }

    /// Whether the rule is about a group and does not rest.
    pub(crate) fn is_about(&self, display_name: &str, external_id: Option<&str>) -> bool {
        !self.rule.paused && self.when.matches(display_name, external_id)
    }
}

const ROLES: usize = 50;
