//! From a resource to a record.

use std::fmt;

use scim_protocol::path::same_name;
use scim_protocol::{AttributePath, Error, ScimType};
use serde_json::{Map, Value};

use crate::catalog::FieldKind;
use crate::compile::{CompiledMapping, CompiledPart, CompiledRule, CompiledSource};
use crate::convert::convert;
use crate::error::ValueError;
use crate::path::SourcePath;
use crate::record::{Field, FieldValue, Record};
use crate::rule::{Apply, OnAbsent, OnError};
use crate::transform::joined;

/// What happens to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is created.
    Create,
    /// It changes.
    Change,
}

/// A record, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The fields that have a value.
    pub record: Record,
    /// The fields that are cleared.
    pub cleared: Vec<Field>,
    /// One verdict per rule, in the order of the rules.
    pub verdicts: Vec<Verdict>,
}

/// What one rule made of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The number of the rule in its set, from 1.
    pub rule: usize,
    /// The SCIM path, where the source is one.
    pub path: String,
    /// The field.
    pub field: Field,
    /// The name that people see of the field.
    pub label: String,
    /// How it went.
    pub status: VerdictStatus,
}

/// How a rule went.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum VerdictStatus {
    /// The field has the attribute's value.
    Ok,
    /// The field has the default.
    Defaulted,
    /// The field was left alone or cleared, for this reason, and that is all right.
    Skipped(SkipReason),
    /// The field did not get the value, and an administrator should know why.
    Warning(ValueError),
    /// The resource is refused.
    Error(ValueError),
}

/// Why a field was left alone or cleared, where that is all right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// The field is written when the resource is created, and it was before.
    #[error("written on creation")]
    Created,
    /// The resource has no value.
    #[error("no value")]
    Absent,
}

impl Projection {
    /// The verdict for which the resource is refused.
    pub fn rejection(&self) -> Option<&Verdict> {
        self.verdicts
            .iter()
            .find(|verdict| matches!(verdict.status, VerdictStatus::Error(_)))
    }

    /// The verdicts that an administrator should look at.
    pub fn warnings(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts
            .iter()
            .filter(|verdict| matches!(verdict.status, VerdictStatus::Warning(_)))
    }

    /// The record of a resource that changed: fields that no rule wrote or cleared stay.
    pub fn onto(&self, current: &Record) -> Record {
        let mut record = current.clone();
        for field in &self.cleared {
            record.remove(field);
        }
        record.extend(self.record.clone());
        record
    }
}

impl Verdict {
    /// The error that the client is told.
    pub fn to_error(&self) -> Error {
        Error::new(ScimType::InvalidValue, format!("{self}."))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason: &dyn fmt::Display = match &self.status {
            VerdictStatus::Ok => &"mapped",
            VerdictStatus::Defaulted => &"defaulted",
            VerdictStatus::Skipped(reason) => reason,
            VerdictStatus::Warning(reason) | VerdictStatus::Error(reason) => reason,
        };
        write!(
            formatter,
            "\"{}\": {reason} (ServiceOps field \"{}\", rule {})",
            self.path, self.label, self.rule
        )
    }
}

impl CompiledMapping {
    /// Maps a resource of canonical attributes to a record.
    pub fn project(&self, attributes: &Map<String, Value>, event: Event) -> Projection {
        self.run(attributes, event, |_| true)
    }

    /// Evaluates the rules that read one of the attributes, such as those that a PATCH touches;
    /// [`Projection::onto`] leaves the fields of the others as they are.
    pub fn project_touched(
        &self,
        attributes: &Map<String, Value>,
        touched: &[AttributePath],
    ) -> Projection {
        self.run(attributes, Event::Change, |rule| {
            touched.iter().any(|path| rule.reads(path))
        })
    }

    /// Whether a rule reads the attribute.
    pub fn reads(&self, path: &AttributePath) -> bool {
        self.rules.iter().any(|rule| rule.reads(path))
    }

    fn run(
        &self,
        attributes: &Map<String, Value>,
        event: Event,
        concerns: impl Fn(&CompiledRule) -> bool,
    ) -> Projection {
        let mut projection = Projection {
            record: Record::new(),
            cleared: Vec::new(),
            verdicts: Vec::new(),
        };
        for rule in self.rules.iter().filter(|rule| concerns(rule)) {
            let status = match (rule.rule.apply, event) {
                (Apply::OnCreate, Event::Change) => VerdictStatus::Skipped(SkipReason::Created),
                _ => rule.project(attributes, event, &mut projection),
            };
            projection.verdicts.push(Verdict {
                rule: rule.number,
                path: rule.path(attributes),
                field: rule.rule.target.clone(),
                label: rule.label.clone(),
                status,
            });
        }
        projection
    }
}

impl CompiledRule {
    /// Whether the source reads the attribute.
    fn reads(&self, path: &AttributePath) -> bool {
        let reads = |source: &SourcePath| {
            let same_schema = match (&source.extension, &path.schema) {
                (None, None) => true,
                (Some(left), Some(right)) => same_name(left, right),
                _ => false,
            };
            same_schema && same_name(&source.attribute, &path.attribute)
        };
        match &self.source {
            CompiledSource::Constant(_) => false,
            CompiledSource::FirstOf(paths) => paths.iter().any(reads),
            CompiledSource::All(path) => reads(path),
            CompiledSource::Join(_, parts) => parts.iter().any(|part| match part {
                CompiledPart::Path(path) => reads(path),
                CompiledPart::Literal(_) => false,
            }),
        }
    }

    fn project(
        &self,
        attributes: &Map<String, Value>,
        event: Event,
        projection: &mut Projection,
    ) -> VerdictStatus {
        let field = &self.rule.target;
        let value = self.value(attributes);
        let Some(value) = value.filter(|value| !self.is_blank(value)) else {
            return self.absent(event, projection);
        };
        match convert(&self.kind, &value) {
            Ok(value) => {
                projection.record.insert(field.clone(), value);
                VerdictStatus::Ok
            }
            Err(reason) if self.rule.required || self.rule.on_error == OnError::Reject => {
                VerdictStatus::Error(reason)
            }
            Err(reason) => {
                if let (OnError::UseDefault, Some(default)) = (self.rule.on_error, &self.default) {
                    projection.record.insert(field.clone(), default.clone());
                }
                VerdictStatus::Warning(reason)
            }
        }
    }

    /// Without a value a field gets the default, if there is one; a field that is kept gets it
    /// once.
    fn absent(&self, event: Event, projection: &mut Projection) -> VerdictStatus {
        let field = &self.rule.target;
        let kept = self.rule.on_absent == OnAbsent::Keep && event == Event::Change;
        if let (Some(default), false) = (&self.default, kept) {
            projection.record.insert(field.clone(), default.clone());
            return VerdictStatus::Defaulted;
        }
        if self.rule.required {
            return VerdictStatus::Error(ValueError::Required);
        }
        if self.rule.on_absent != OnAbsent::Keep {
            projection.cleared.push(field.clone());
        }
        match self.rule.warn_if_missing {
            true => VerdictStatus::Warning(ValueError::Absent),
            false => VerdictStatus::Skipped(SkipReason::Absent),
        }
    }

    /// The value of the source.
    pub(crate) fn source_value(&self, attributes: &Map<String, Value>) -> Option<Value> {
        match &self.source {
            CompiledSource::Constant(value) => Some(value.clone()),
            CompiledSource::FirstOf(paths) => paths.iter().find_map(|path| path.single(attributes)),
            CompiledSource::Join(separator, parts) => join(separator, parts, attributes),
            CompiledSource::All(path) => {
                let values: Vec<Value> = path.all(attributes).into_iter().cloned().collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
        }
    }

    /// The value of the source after the transforms.
    pub(crate) fn value(&self, attributes: &Map<String, Value>) -> Option<Value> {
        let transforms = self.transforms.iter();
        let value = transforms.fold(self.source_value(attributes), |value, transform| {
            transform.apply(value)
        });
        value.filter(|value| {
            !value.is_null() && value != "" && value.as_array().is_none_or(|v| !v.is_empty())
        })
    }

    /// Whether this is no value of the field, though it is one of its attribute: blank text where
    /// something else belongs.
    fn is_blank(&self, value: &Value) -> bool {
        let measured = matches!(
            self.kind,
            FieldKind::Number { .. } | FieldKind::Boolean | FieldKind::DateTime
        );
        let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        measured
            && match value {
                Value::Array(values) => values.iter().all(blank),
                single => blank(single),
            }
    }

    /// The path that gave the value, else the first.
    fn path(&self, attributes: &Map<String, Value>) -> String {
        match &self.source {
            CompiledSource::FirstOf(paths) => {
                let gave = paths.iter().find(|path| path.first(attributes).is_some());
                gave.or(paths.first()).map(|path| path.text.clone())
            }
            CompiledSource::All(path) => Some(path.text.clone()),
            CompiledSource::Constant(_) | CompiledSource::Join(..) => None,
        }
        .unwrap_or_else(|| self.rule.key.clone())
    }
}

/// Parts without a value are left out, and the separator with them.
fn join(separator: &str, parts: &[CompiledPart], attributes: &Map<String, Value>) -> Option<Value> {
    let mut found = false;
    let values: Vec<Value> = parts
        .iter()
        .filter_map(|part| match part {
            CompiledPart::Literal(text) => Some(Value::from(text.as_str())),
            CompiledPart::Path(path) => {
                let value = path.single(attributes);
                found |= value.is_some();
                value
            }
        })
        .collect();
    found.then(|| Value::String(joined(&values, separator)))
}

impl FieldValue {
    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
