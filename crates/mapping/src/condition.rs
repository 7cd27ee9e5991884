//! Conditions of rules: for which resources a rule is.

use scim_protocol::filter::{Condition, Target};
use scim_protocol::path::same_name;
use scim_protocol::schema::{Mutability, Resolved};
use scim_protocol::{AttributePath, Filter, Limits, ResourceDefinition, Tolerance};
use serde_json::{Map, Value};

use crate::error::RuleErrorKind;

/// A condition bound to the schemas of a resource type.
#[derive(Debug, Clone)]
pub(crate) struct RuleCondition(Condition);

impl RuleCondition {
    /// Compiles a filter; the error says what is wrong with it.
    ///
    /// What the service provider assigns (RFC 7643 section 7, `readOnly`) is no part of the document
    /// that rules see, so that a condition on it would never hold.
    pub(crate) fn compile(
        text: &str,
        definition: &ResourceDefinition,
    ) -> Result<Self, RuleErrorKind> {
        let limits = Limits {
            filter_bytes: CONDITION_BYTES,
            filter_depth: CONDITION_DEPTH,
            filter_terms: CONDITION_TERMS,
            ..Limits::default()
        };
        let mut tolerance = Tolerance::default();
        let condition = Filter::parse(text, &limits, &mut tolerance)
            .map_err(|error| RuleErrorKind::Condition(error.into()))?
            .bind(definition, &mut tolerance)
            .map_err(RuleErrorKind::Condition)?;
        let mut assigned = None;
        each_target(&condition, &mut |target| {
            let path = path_of(target);
            if definition.resolve(&path).is_some_and(|of| is_assigned(&of)) {
                assigned.get_or_insert(path);
            }
        });
        match assigned {
            None => Ok(Self(condition)),
            Some(path) => Err(RuleErrorKind::Assigned {
                path: path.to_string(),
            }),
        }
    }

    /// Whether the condition holds for a resource.
    pub(crate) fn holds(&self, attributes: &Map<String, Value>) -> bool {
        self.0.matches(attributes)
    }

    /// Whether the condition reads the attribute.
    pub(crate) fn reads(&self, path: &AttributePath) -> bool {
        let mut reads = false;
        each_target(&self.0, &mut |target| {
            let same_schema = match (&target.extension, &path.schema) {
                (None, None) => true,
                (Some(left), Some(right)) => same_name(left, right),
                _ => false,
            };
            reads |= same_schema && same_name(&target.attribute, &path.attribute);
        });
        reads
    }
}

fn is_assigned(of: &Resolved<'_>) -> bool {
    of.attribute.mutability == Mutability::ReadOnly
        || of.sub_attribute.is_none() && ASSIGNED.contains(&&*of.attribute.name)
}

/// A target within brackets is one of the attribute before them.
fn each_target(condition: &Condition, visit: &mut dyn FnMut(&Target)) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| each_target(part, visit));
        }
        Condition::Not(part) => each_target(part, visit),
        Condition::Value { target, .. } | Condition::Some { target, .. } => visit(target),
        Condition::Constant(_) => {}
    }
}

fn path_of(target: &Target) -> AttributePath {
    let path = AttributePath::new(&*target.attribute);
    AttributePath {
        schema: target.extension.as_deref().map(str::to_owned),
        ..path
    }
}

/// Attributes that are no part of a document; members are kept beside it.
const ASSIGNED: [&str; 4] = ["id", "meta", "schemas", "members"];
const CONDITION_BYTES: usize = 1024;
const CONDITION_DEPTH: usize = 4;
const CONDITION_TERMS: usize = 50;
