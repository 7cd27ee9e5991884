//! Mapping sets checked and compiled against the schemas of a resource type.

use std::collections::HashSet;

use scim_protocol::ResourceDefinition;
use serde_json::Value;

use crate::catalog::{Catalog, FieldKind};
use crate::check::{check_constant, check_text, check_transform};
use crate::convert::convert;
use crate::group::GroupRule;
use crate::path::SourcePath;
use crate::record::{Field, FieldValue};
use crate::rule::{
    Apply, JoinPart, MappedResource, MappingSet, OnAbsent, OnError, OnUnknown, Rule, Source,
};

/// Why a mapping set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A rule cannot be used.
    #[error("rule {rule} ({key}): {reason}")]
    Rule {
        /// The number of the rule, from 1.
        rule: usize,
        /// The key of the rule.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// There are more rules than a set may have.
    #[error("a set may have {RULES} rules, and this one has {0}")]
    TooManyRules(usize),
    /// A group rule cannot be used.
    #[error("group rule {rule} ({key}): {reason}")]
    Group {
        /// The number of the rule, from 1.
        rule: usize,
        /// The key of the rule.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A document is no mapping set.
    #[error("{place}: {reason}")]
    Document {
        /// Where.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// No enabled, required rule writes the field by which records are told apart.
    #[error("a required rule must write \"{0}\" with every change")]
    Unnamed(Field),
}

/// A mapping set whose paths are compiled, so that mapping fails for nothing but data.
#[derive(Debug, Clone)]
pub struct CompiledMapping {
    pub(crate) rules: Vec<CompiledRule>,
    pub(crate) group_rules: Vec<GroupRule>,
}

#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    /// The number of the rule in its set, from 1.
    pub(crate) number: usize,
    pub(crate) rule: Rule,
    pub(crate) kind: FieldKind,
    /// The name that people see of the field.
    pub(crate) label: String,
    pub(crate) source: CompiledSource,
    pub(crate) default: Option<FieldValue>,
}

#[derive(Debug, Clone)]
pub(crate) enum CompiledSource {
    Constant(Value),
    FirstOf(Vec<SourcePath>),
    Join(String, Vec<CompiledPart>),
    All(SourcePath),
}

#[derive(Debug, Clone)]
pub(crate) enum CompiledPart {
    Path(Box<SourcePath>),
    Literal(String),
}

impl CompiledMapping {
    /// What happens when a reference field names a record that is not there.
    pub fn on_unknown(&self, field: &Field) -> OnUnknown {
        let rule = self.rules.iter().find(|rule| rule.rule.target == *field);
        let said = rule.and_then(|rule| rule.rule.on_unknown);
        said.unwrap_or(match field {
            Field::Roles => OnUnknown::Ignore,
            _ => OnUnknown::Create,
        })
    }
}

impl MappingSet {
    /// Checks the limits and compiles the enabled rules.
    ///
    /// # Errors
    /// [`MappingError`] for the first rule that cannot be used, and for a set without a required
    /// rule for the logon name of a user or the name of a group.
    pub fn compile(
        &self,
        definition: &ResourceDefinition,
        catalog: &Catalog,
    ) -> Result<CompiledMapping, MappingError> {
        if self.rules.len() > RULES {
            return Err(MappingError::TooManyRules(self.rules.len()));
        }
        let mut keys = HashSet::new();
        let mut targets = HashSet::new();
        let mut rules = Vec::with_capacity(self.rules.len());
        for (number, rule) in (1..).zip(&self.rules) {
            let fail = |reason: String| MappingError::Rule {
                rule: number,
                key: rule.key.clone(),
                reason,
            };
            if !keys.insert(rule.key.as_str()) {
                return Err(fail("another rule has the same key".to_owned()));
            }
            if rule.enabled && !targets.insert(&rule.target) {
                return Err(fail(format!("another rule writes \"{}\"", rule.target)));
            }
            let compiled =
                compile_rule(number, rule, self.resource, definition, catalog).map_err(fail)?;
            if rule.enabled {
                rules.push(compiled);
            }
        }
        self.check_name(&rules)?;
        self.check_groups()?;
        Ok(CompiledMapping {
            rules,
            group_rules: self.group_rules.clone(),
        })
    }

    fn check_groups(&self) -> Result<(), MappingError> {
        if self.group_rules.len() > RULES {
            return Err(MappingError::TooManyRules(self.group_rules.len()));
        }
        let mut keys = HashSet::new();
        for (number, rule) in (1..).zip(&self.group_rules) {
            rule.check(number)?;
            let wrong = |reason: &str| MappingError::Group {
                rule: number,
                key: rule.key.clone(),
                reason: reason.to_owned(),
            };
            if self.resource == MappedResource::User {
                return Err(wrong("group rules belong to the mapping of groups"));
            }
            if !keys.insert(rule.key.as_str()) {
                return Err(wrong("another rule has the same key"));
            }
        }
        Ok(())
    }

    fn check_name(&self, rules: &[CompiledRule]) -> Result<(), MappingError> {
        let name = match self.resource {
            MappedResource::User => Field::UserName,
            MappedResource::Group => Field::Name,
        };
        let named =
            |rule: &Rule| rule.target == name && rule.required && rule.apply == Apply::Always;
        match rules.iter().any(|compiled| named(&compiled.rule)) {
            true => Ok(()),
            false => Err(MappingError::Unnamed(name)),
        }
    }
}

fn compile_rule(
    number: usize,
    rule: &Rule,
    resource: MappedResource,
    definition: &ResourceDefinition,
    catalog: &Catalog,
) -> Result<CompiledRule, String> {
    check_rule(rule)?;
    let kind = catalog
        .kind(&rule.target, resource)
        .ok_or_else(|| format!("\"{}\" is no field of this record", rule.target))?;
    if let Source::Constant(value) = &rule.source
        && rule.target == Field::Roles
    {
        convert(&kind, value)?;
    }
    Ok(CompiledRule {
        number,
        source: compile_source(&rule.source, definition)?,
        default: compile_default(&kind, rule.default.as_ref())?,
        label: catalog.label(&rule.target),
        rule: rule.clone(),
        kind,
    })
}

fn check_rule(rule: &Rule) -> Result<(), String> {
    if rule.key.is_empty() || rule.key.len() > KEY_BYTES {
        return Err(format!("a key has 1 to {KEY_BYTES} bytes"));
    }
    let uses_default = rule.on_absent == OnAbsent::Default || rule.on_error == OnError::UseDefault;
    if uses_default && rule.default.is_none() {
        return Err("there is no default to use".to_owned());
    }
    if rule.transforms.len() > TRANSFORMS {
        return Err(format!("a rule may have {TRANSFORMS} transforms"));
    }
    rule.transforms.iter().try_for_each(check_transform)
}

fn compile_source(
    source: &Source,
    definition: &ResourceDefinition,
) -> Result<CompiledSource, String> {
    let path = |text: &String| SourcePath::compile(text, definition);
    let check = |count: usize| match count {
        1..=PARTS => Ok(()),
        _ => Err(format!("a source has 1 to {PARTS} parts")),
    };
    match source {
        Source::Path(text) => Ok(CompiledSource::FirstOf(vec![path(text)?])),
        Source::Constant(value) => {
            check_constant(value)?;
            Ok(CompiledSource::Constant(value.clone()))
        }
        Source::FirstOf(texts) => {
            check(texts.len())?;
            let paths: Result<_, _> = texts.iter().map(path).collect();
            Ok(CompiledSource::FirstOf(paths?))
        }
        Source::Join { separator, parts } => {
            check(parts.len())?;
            check_text(separator)?;
            let parts: Result<_, String> = parts
                .iter()
                .map(|part| match part {
                    JoinPart::Path(text) => {
                        path(text).map(|path| CompiledPart::Path(Box::new(path)))
                    }
                    JoinPart::Literal(text) => {
                        check_text(text)?;
                        Ok(CompiledPart::Literal(text.clone()))
                    }
                })
                .collect();
            Ok(CompiledSource::Join(separator.clone(), parts?))
        }
        Source::All(text) => Ok(CompiledSource::All(path(text)?)),
    }
}

fn compile_default(
    kind: &FieldKind,
    default: Option<&Value>,
) -> Result<Option<FieldValue>, String> {
    default
        .map(|value| {
            check_constant(value)?;
            convert(kind, value).map_err(|why| format!("the default does not fit the field: {why}"))
        })
        .transpose()
}

const RULES: usize = 200;
const TRANSFORMS: usize = 8;
const KEY_BYTES: usize = 128;
const PARTS: usize = 6;
