//! Mapping sets checked and compiled against the schemas of a resource type.

use std::collections::HashSet;

use scim_protocol::ResourceDefinition;
use serde_json::Value;

use crate::convert::convert;
use crate::path::SourcePath;
use crate::record::{Field, FieldValue};
use crate::rule::{JoinPart, MappingSet, Rule, Source};
use crate::transform::Transform;

/// Why a mapping set cannot be used: the rule, counted from 1, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} ({key}): {reason}")]
pub struct MappingError {
    /// The number of the rule.
    pub rule: usize,
    /// The key of the rule.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// A mapping set whose paths are compiled, so that mapping fails for nothing but data.
#[derive(Debug, Clone)]
pub struct CompiledMapping {
    pub(crate) rules: Vec<CompiledRule>,
}

#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    /// The number of the rule in its set, from 1.
    pub(crate) number: usize,
    pub(crate) rule: Rule,
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
    Path(SourcePath),
    Literal(String),
}

impl MappingSet {
    /// Checks the limits and compiles the enabled rules.
    ///
    /// # Errors
    /// [`MappingError`] for the first rule that cannot be used.
    pub fn compile(
        &self,
        definition: &ResourceDefinition,
    ) -> Result<CompiledMapping, MappingError> {
        let mut keys = HashSet::new();
        let mut targets = HashSet::new();
        let mut rules = Vec::with_capacity(self.rules.len());
        for (at, rule) in self.rules.iter().enumerate() {
            let number = at + 1;
            let fail = |reason: String| MappingError {
                rule: number,
                key: rule.key.clone(),
                reason,
            };
            if number > RULES {
                return Err(fail(format!("a set may have {RULES} rules")));
            }
            if !keys.insert(rule.key.as_str()) {
                return Err(fail("another rule has the same key".to_owned()));
            }
            if rule.enabled && !targets.insert(&rule.target) {
                return Err(fail(format!("another rule writes \"{}\"", rule.target)));
            }
            check_transforms(&rule.transforms).map_err(fail)?;
            let source = compile_source(&rule.source, definition).map_err(fail)?;
            let default = compile_default(&rule.target, rule.default.as_ref()).map_err(fail)?;
            if rule.enabled {
                rules.push(CompiledRule {
                    number,
                    rule: rule.clone(),
                    source,
                    default,
                });
            }
        }
        Ok(CompiledMapping { rules })
    }
}

fn check_transforms(transforms: &[Transform]) -> Result<(), String> {
    if transforms.len() > TRANSFORMS {
        return Err(format!("a rule may have {TRANSFORMS} transforms"));
    }
    let long = transforms.iter().any(
        |transform| matches!(transform, Transform::ValueMap { entries, .. } if entries.len() > ENTRIES),
    );
    if long {
        return Err(format!("a value map may have {ENTRIES} entries"));
    }
    Ok(())
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
        Source::Constant(value) => Ok(CompiledSource::Constant(value.clone())),
        Source::FirstOf(texts) => {
            check(texts.len())?;
            let paths: Result<_, _> = texts.iter().map(path).collect();
            Ok(CompiledSource::FirstOf(paths?))
        }
        Source::Join { separator, parts } => {
            check(parts.len())?;
            let parts: Result<_, String> = parts
                .iter()
                .map(|part| match part {
                    JoinPart::Path(text) => path(text).map(CompiledPart::Path),
                    JoinPart::Literal(text) => Ok(CompiledPart::Literal(text.clone())),
                })
                .collect();
            Ok(CompiledSource::Join(separator.clone(), parts?))
        }
        Source::All(text) => Ok(CompiledSource::All(path(text)?)),
    }
}

fn compile_default(target: &Field, default: Option<&Value>) -> Result<Option<FieldValue>, String> {
    default
        .map(|value| {
            convert(target.field_type(), value)
                .map_err(|why| format!("the default does not fit the field: {why}"))
        })
        .transpose()
}

const RULES: usize = 200;
const TRANSFORMS: usize = 8;
const ENTRIES: usize = 200;
const PARTS: usize = 6;
