//! The body of a PATCH request.

use serde_json::{Map, Value};

use super::path::PatchPath;
use crate::error::{Error, ScimType, quote};
use crate::limits::Limits;
use crate::members::take_member;
use crate::message::{Message, syntax};
use crate::tolerance::{Deviation, Tolerance};
use crate::uri;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `add`
    Add,
    /// `remove`
    Remove,
    /// `replace`
    Replace,
}

/// One operation of a PATCH request.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchOperation {
    /// What it does.
    pub verb: Verb,
    /// To what; `None` where `value` names the attributes.
    pub path: Option<PatchPath>,
    /// With what.
    pub value: Option<Value>,
}

/// A PATCH request.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRequest {
    /// The operations, in the order in which they apply.
    pub operations: Vec<PatchOperation>,
    pub(crate) limits: Limits,
}

impl PatchRequest {
    /// Reads the body of a PATCH request.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no PATCH request, `invalidPath`, `noTarget` for a `remove`
    /// without path, `invalidValue` for an `add` or `replace` without value, 413 for more
    /// operations than [`Limits::patch_operations`].
    pub fn read(body: Value, limits: &Limits, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let mut body = Message::read(body)?;
        if !body.lists(uri::PATCH_OP) {
            tolerance.accept(Deviation::SchemasMissing(uri::PATCH_OP.to_owned()))?;
        }
        let Some(Value::Array(operations)) = body.take("Operations") else {
            return Err(syntax("\"Operations\" is missing or not an array."));
        };
        if operations.is_empty() {
            return Err(syntax("\"Operations\" holds no operation."));
        }
        if operations.len() > limits.patch_operations {
            return Err(Error::with_status(
                413,
                format!(
                    "A PATCH request may hold {} operations, not {}.",
                    limits.patch_operations,
                    operations.len()
                ),
            ));
        }
        ignore(&body.into_rest(), tolerance)?;
        let operations = operations
            .into_iter()
            .map(|operation| PatchOperation::read(operation, limits, tolerance))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            operations,
            limits: limits.clone(),
        })
    }
}

impl PatchOperation {
    fn read(operation: Value, limits: &Limits, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let Value::Object(mut members) = operation else {
            return Err(syntax("An operation is not a JSON object."));
        };
        let verb = match take_member(&mut members, "op") {
            Some(Value::String(word)) => Verb::read(&word, tolerance)?,
            _ => return Err(syntax("\"op\" is missing or not a string.")),
        };
        let path = match take_member(&mut members, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(PatchPath::parse(&text, limits, tolerance)?),
            Some(_) => {
                return Err(Error::new(
                    ScimType::InvalidPath,
                    "\"path\" is not a string.",
                ));
            }
        };
        let value = take_member(&mut members, "value");
        ignore(&members, tolerance)?;
        if verb == Verb::Remove && path.is_none() {
            return Err(Error::new(
                ScimType::NoTarget,
                "A remove operation needs a \"path\".",
            ));
        }
        if verb != Verb::Remove && value.is_none() {
            return Err(Error::new(
                ScimType::InvalidValue,
                "An add or replace operation needs a \"value\".",
            ));
        }
        Ok(Self { verb, path, value })
    }
}

impl Verb {
    /// The word of the operation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }

    fn read(word: &str, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let verb = [Self::Add, Self::Remove, Self::Replace]
            .into_iter()
            .find(|verb| word.eq_ignore_ascii_case(verb.as_str()))
            .ok_or_else(|| {
                syntax(format!(
                    "\"op\" is {}; it can be add, remove or replace.",
                    quote(word)
                ))
            })?;
        if word != verb.as_str() {
            tolerance.accept(Deviation::OperationCase(word.to_owned()))?;
        }
        Ok(verb)
    }
}

/// Members that no PATCH request has are noted; to the strict they are no request.
fn ignore(members: &Map<String, Value>, tolerance: &mut Tolerance) -> Result<(), Error> {
    for name in members.keys() {
        tolerance
            .accept(Deviation::UnknownAttribute(name.clone()))
            .map_err(|refused| syntax(refused.detail()))?;
    }
    Ok(())
}
