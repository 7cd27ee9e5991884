//! Where the values of rules come from, compiled.

use scim_protocol::path::same_name;
use scim_protocol::{AttributePath, ResourceDefinition};
use serde_json::{Map, Value};

use crate::check::{check_constant, check_text, compile_transforms};
use crate::error::{Fault, RuleErrorKind, RulePart, SourcePathError, ValueError};
use crate::path::SourcePath;
use crate::rule::{JoinPart, Source};
use crate::table::LookupTables;
use crate::target::TargetField;
use crate::transform::{CompiledTransform, Given, apply_all, joined};

/// What a source reads: the attributes of a resource, and what rules give the fields that other
/// rules read.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'r> {
    pub(crate) attributes: &'r Map<String, Value>,
    /// By the place of the field among the rules.
    pub(crate) given: &'r [Given],
}

#[derive(Debug, Clone)]
pub(crate) enum CompiledSource<F> {
    Constant(Value),
    FirstOf(Vec<CompiledPath<F>>),
    Join(String, Vec<CompiledPart<F>>),
    All(CompiledPath<F>),
}

#[derive(Debug, Clone)]
pub(crate) enum CompiledPart<F> {
    Path(CompiledPath<F>, Vec<CompiledTransform>),
    Literal(String),
}

/// A path of a rule: an attribute, or what the rules before give a field.
#[derive(Debug, Clone)]
pub(crate) enum CompiledPath<F> {
    Attribute(Box<SourcePath>),
    Field(FieldSource<F>),
}

/// `field(department)`
#[derive(Debug, Clone)]
pub(crate) struct FieldSource<F> {
    pub(crate) field: F,
    /// The place of the field among the rules, once they are together.
    pub(crate) place: usize,
    /// As it is shown in messages.
    pub(crate) text: String,
}

impl<F: TargetField> CompiledSource<F> {
    pub(crate) fn compile(
        source: &Source,
        definition: &ResourceDefinition,
        tables: &LookupTables,
    ) -> Result<Self, Fault> {
        let at_source = |kind: RuleErrorKind| kind.at(RulePart::Source);
        let path = |text: &String| {
            CompiledPath::compile(text, definition).map_err(|e| at_source(e.into()))
        };
        let check = |count: usize| match count {
            1..=PARTS => Ok(()),
            _ => Err(at_source(RuleErrorKind::Parts { most: PARTS })),
        };
        match source {
            Source::Path(text) => Ok(Self::FirstOf(vec![path(text)?])),
            Source::Constant(value) => {
                check_constant(value).map_err(at_source)?;
                Ok(Self::Constant(value.clone()))
            }
            Source::FirstOf(texts) => {
                check(texts.len())?;
                let paths: Result<_, _> = texts.iter().map(path).collect();
                Ok(Self::FirstOf(paths?))
            }
            Source::Join { separator, parts } => {
                check(parts.len())?;
                check_text(separator).map_err(|kind| kind.at(RulePart::Separator))?;
                let parts: Result<_, Fault> = parts
                    .iter()
                    .map(|part| match part {
                        JoinPart::Path {
                            path: text,
                            transforms,
                        } => {
                            let transforms =
                                compile_transforms(transforms, |_at| RulePart::Source, tables)?;
                            Ok(CompiledPart::Path(path(text)?, transforms))
                        }
                        JoinPart::Literal(text) => {
                            check_text(text).map_err(at_source)?;
                            Ok(CompiledPart::Literal(text.clone()))
                        }
                    })
                    .collect();
                Ok(Self::Join(separator.clone(), parts?))
            }
            Source::All(text) => Ok(Self::All(path(text)?)),
        }
    }

    /// Whether the source reads the attribute.
    pub(crate) fn reads(&self, path: &AttributePath) -> bool {
        let mut reads = false;
        self.each_path(&mut |source| reads |= source.reads(path));
        reads
    }

    /// The fields that the source reads.
    pub(crate) fn fields(&self) -> Vec<F> {
        let mut fields = Vec::new();
        self.each_path(&mut |path| {
            if let CompiledPath::Field(source) = path {
                fields.push(source.field.clone());
            }
        });
        fields
    }

    fn each_path(&self, visit: &mut dyn FnMut(&CompiledPath<F>)) {
        match self {
            Self::Constant(_) => {}
            Self::FirstOf(paths) => paths.iter().for_each(visit),
            Self::All(path) => visit(path),
            Self::Join(_, parts) => parts.iter().for_each(|part| match part {
                CompiledPart::Path(path, _) => visit(path),
                CompiledPart::Literal(_) => {}
            }),
        }
    }

    /// Notes where among the rules the fields stand that the source reads.
    pub(crate) fn place(&mut self, of: &dyn Fn(&F) -> Option<usize>) {
        let place = |path: &mut CompiledPath<F>| {
            if let CompiledPath::Field(source) = path {
                source.place = of(&source.field).unwrap_or(usize::MAX);
            }
        };
        match self {
            Self::Constant(_) => {}
            Self::FirstOf(paths) => paths.iter_mut().for_each(place),
            Self::All(path) => place(path),
            Self::Join(_, parts) => parts.iter_mut().for_each(|part| match part {
                CompiledPart::Path(path, _) => place(path),
                CompiledPart::Literal(_) => {}
            }),
        }
    }

    /// The value of the source.
    pub(crate) fn value(&self, reading: Reading<'_>) -> Given {
        match self {
            Self::Constant(value) => Ok(Some(value.clone())),
            Self::FirstOf(paths) => first_of(paths, reading),
            Self::Join(separator, parts) => join(separator, parts, reading),
            Self::All(path) => path.all(reading),
        }
    }

    /// The path that gave the value, else the first.
    pub(crate) fn path(&self, reading: Reading<'_>) -> Option<&str> {
        match self {
            Self::FirstOf(paths) => {
                let gave = paths.iter().find(|path| path.has_value(reading));
                gave.or(paths.first()).map(CompiledPath::text)
            }
            Self::All(path) => Some(path.text()),
            Self::Constant(_) | Self::Join(..) => None,
        }
    }
}

impl<F: TargetField> CompiledPath<F> {
    fn compile(text: &str, definition: &ResourceDefinition) -> Result<Self, SourcePathError> {
        let Some(key) = field_key(text) else {
            let path = SourcePath::compile(text, definition)?;
            return Ok(Self::Attribute(Box::new(path)));
        };
        match F::from_key(key) {
            Some(field) => Ok(Self::Field(FieldSource {
                field,
                place: usize::MAX,
                text: text.to_owned(),
            })),
            None => Err(SourcePathError::UnknownField {
                key: key.to_owned(),
                of: F::RECORDS,
            }),
        }
    }

    /// The attribute, where the path is one.
    pub(crate) fn attribute(&self) -> Option<&SourcePath> {
        match self {
            Self::Attribute(path) => Some(path),
            Self::Field(_) => None,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Attribute(path) => &path.text,
            Self::Field(source) => &source.text,
        }
    }

    fn reads(&self, path: &AttributePath) -> bool {
        let Self::Attribute(source) = self else {
            return false;
        };
        let same_schema = match (&source.extension, &path.schema) {
            (None, None) => true,
            (Some(left), Some(right)) => same_name(left, right),
            _ => false,
        };
        same_schema && same_name(&source.attribute, &path.attribute)
    }

    fn has_value(&self, reading: Reading<'_>) -> bool {
        match self {
            Self::Attribute(path) => path.first(reading.attributes).is_some(),
            Self::Field(source) => source.value(reading).is_ok_and(|value| value.is_some()),
        }
    }

    /// Of several values of a field the first.
    fn single(&self, reading: Reading<'_>) -> Given {
        Ok(match self {
            Self::Attribute(path) => path.single(reading.attributes),
            Self::Field(source) => match source.value(reading)? {
                Some(Value::Array(values)) => values.first().cloned(),
                single => single.cloned(),
            },
        })
    }

    fn all(&self, reading: Reading<'_>) -> Given {
        let values: Vec<Value> = match self {
            Self::Attribute(path) => path.all(reading.attributes).into_iter().cloned().collect(),
            Self::Field(source) => match source.value(reading)? {
                Some(Value::Array(values)) => values.clone(),
                single => single.into_iter().cloned().collect(),
            },
        };
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }
}

impl<F> FieldSource<F> {
    /// What the rules before give the field; the error is theirs.
    fn value<'r>(&self, reading: Reading<'r>) -> Result<Option<&'r Value>, ValueError> {
        match reading.given.get(self.place) {
            Some(Ok(value)) => Ok(value.as_ref()),
            Some(Err(reason)) => Err(reason.clone()),
            None => Ok(None),
        }
    }
}

impl Source {
    /// The paths that the source names.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Self::Path(path) | Self::All(path) => vec![path],
            Self::FirstOf(paths) => paths.iter().map(String::as_str).collect(),
            Self::Join { parts, .. } => parts
                .iter()
                .filter_map(|part| match part {
                    JoinPart::Path { path, .. } => Some(path.as_str()),
                    JoinPart::Literal(_) => None,
                })
                .collect(),
            Self::Constant(_) => Vec::new(),
        }
    }

    /// The fields that the source reads.
    pub fn fields<F: TargetField>(&self) -> Vec<F> {
        let keys = self.paths().into_iter().filter_map(field_key);
        keys.filter_map(F::from_key).collect()
    }
}

/// The key in `field(KEY)`.
pub(crate) fn field_key(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("field(")?;
    inside.strip_suffix(')').map(str::trim)
}

/// The first value; what cannot be read counts where there is none.
fn first_of<F: TargetField>(paths: &[CompiledPath<F>], reading: Reading<'_>) -> Given {
    let mut nothing = Ok(None);
    for path in paths {
        match path.single(reading) {
            Ok(None) => {}
            Err(reason) if nothing.is_ok() => nothing = Err(reason),
            Err(_) => {}
            value => return value,
        }
    }
    nothing
}

/// Parts without a value are left out, and the separator with them; what cannot be read counts where
/// no part has one.
fn join<F: TargetField>(separator: &str, parts: &[CompiledPart<F>], reading: Reading<'_>) -> Given {
    let mut nothing = Ok(None);
    let mut found = false;
    let mut values: Vec<Value> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            CompiledPart::Literal(text) => values.push(Value::from(text.as_str())),
            CompiledPart::Path(path, transforms) => {
                let value = apply_all(transforms, path.single(reading));
                let value = value.unwrap_or_else(|reason| {
                    nothing = Err(reason);
                    None
                });
                let value = value.filter(|value| !value.is_null() && value != "");
                found |= value.is_some();
                values.extend(value);
            }
        }
    }
    match found {
        true => Ok(Some(Value::String(joined(&values, separator)))),
        false => nothing,
    }
}

const PARTS: usize = 6;
