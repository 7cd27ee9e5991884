//! What the readers of all messages share: an object, names in any case, values of a type.

use serde_json::{Map, Value};

use crate::error::{Error, ScimType};
use crate::members::take_member;
use crate::number::counted;
use crate::path::same_name;
use crate::tolerance::Tolerance;

/// The members of a message, taken out one by one.
#[derive(Debug)]
pub(crate) struct Message {
    members: Map<String, Value>,
}

impl Message {
    /// The members of a body.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no object.
    pub(crate) fn read(body: Value) -> Result<Self, Error> {
        match body {
            Value::Object(members) => Ok(Self { members }),
            _ => Err(syntax("The body is not a JSON object.")),
        }
    }

    /// Takes `schemas`, and says whether it lists a URI (RFC 7644 section 3.1).
    pub(crate) fn lists(&mut self, uri: &str) -> bool {
        let schemas = self.take("schemas");
        let listed = schemas.as_ref().and_then(Value::as_array);
        let mut listed = listed.into_iter().flatten().filter_map(Value::as_str);
        listed.any(|listed| same_name(listed, uri))
    }

    /// Takes a member; what is null is not there (RFC 7643 section 2.5).
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        take_member(&mut self.members, name).filter(|value| !value.is_null())
    }

    /// Takes a member that is text.
    ///
    /// # Errors
    /// `invalidSyntax` when it is something else.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(syntax(format!("\"{name}\" is not a string."))),
        }
    }

    /// Takes a member that is a whole number, not below 0.
    ///
    /// # Errors
    /// `invalidSyntax` when it is something else; under the strict profile, when it is written as
    /// text.
    pub(crate) fn number(
        &mut self,
        name: &str,
        tolerance: &mut Tolerance,
    ) -> Result<Option<u64>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = counted(name, &value, tolerance)?;
        match number.and_then(|number| u64::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(syntax(format!("\"{name}\" is not a whole number."))),
        }
    }

    /// Takes a member that is an array; none is empty.
    ///
    /// # Errors
    /// `invalidSyntax` when it is something else.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<Value>, Error> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(syntax(format!("\"{name}\" is not an array."))),
        }
    }

    /// What nobody took.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.members
    }
}

/// The error of a body that is no such message.
pub(crate) fn syntax(detail: impl Into<String>) -> Error {
    Error::new(ScimType::InvalidSyntax, detail)
}
