//! The body of a PATCH request.

use serde_json::{Map, Value, json};

use super::path::PatchPath;
use crate::error::{Error, ScimType, quote};
use crate::limits::Limits;
use crate::members::take_member;
use crate::message::{Message, syntax};
use crate::tolerance::{Deviation, Tolerance};
use crate::uri;
use crate::word::{serde_as_message, written_as_word};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A request of operations, as a client sends it.
    ///
    /// ```
    /// use scim_protocol::patch::{PatchOperation, PatchPath, PatchRequest};
    /// use serde_json::json;
    ///
    /// let work: PatchPath = r#"emails[type eq "work"].value"#.parse()?;
    /// let request = PatchRequest::new([
    ///     PatchOperation::replace("active".parse::<PatchPath>()?, false),
    ///     PatchOperation::add(work, "ava@corp.example"),
    ///     PatchOperation::remove("title".parse::<PatchPath>()?),
    /// ]);
    /// assert_eq!(
    ///     json!(request),
    ///     json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///         {"op": "replace", "path": "active", "value": false},
    ///         {"op": "add", "path": "emails[type eq \"work\"].value", "value": "ava@corp.example"},
    ///         {"op": "remove", "path": "title"}]})
    /// );
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn new(operations: impl IntoIterator<Item = PatchOperation>) -> Self {
        Self {
            operations: operations.into_iter().collect(),
            limits: Limits::default(),
        }
    }

    /// Reads a request within the default limits and in the tolerant profile.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_json(body: Value) -> Result<Self, Error> {
        Self::read(body, &Limits::default(), &mut Tolerance::default())
    }

    /// The body of the request.
    pub fn to_json(&self) -> Value {
        let operations = self.operations.iter().map(PatchOperation::to_json);
        json!({ "schemas": [uri::PATCH_OP], "Operations": operations.collect::<Vec<_>>() })
    }

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
        // RFC 7644 section 3.5.2: one operation or more, each with one `op`.
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
    /// Adds a value to what a path names (RFC 7644 section 3.5.2.1).
    ///
    /// ```
    /// use scim_protocol::patch::{PatchOperation, PatchPath};
    /// use serde_json::json;
    ///
    /// let operation = PatchOperation::add("title".parse::<PatchPath>()?, "Engineer");
    /// assert_eq!(operation.to_json(), json!({"op": "add", "path": "title", "value": "Engineer"}));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn add(path: impl Into<PatchPath>, value: impl Into<Value>) -> Self {
        Self::new(Verb::Add, Some(path.into()), Some(value.into()))
    }

    /// Adds values to the attributes that they stand under, as a resource has them.
    ///
    /// ```
    /// use scim_protocol::patch::PatchOperation;
    /// use serde_json::{Map, json};
    ///
    /// let attributes = Map::from_iter([("nickName".to_owned(), json!("Babs"))]);
    /// let operation = PatchOperation::add_attributes(attributes);
    /// assert_eq!(operation.to_json(), json!({"op": "add", "value": {"nickName": "Babs"}}));
    /// ```
    pub fn add_attributes(attributes: Map<String, Value>) -> Self {
        Self::new(Verb::Add, None, Some(Value::Object(attributes)))
    }

    /// Replaces what a path names (RFC 7644 section 3.5.2.3).
    ///
    /// ```
    /// use scim_protocol::patch::{PatchOperation, PatchPath};
    /// use serde_json::json;
    ///
    /// let operation = PatchOperation::replace("active".parse::<PatchPath>()?, true);
    /// assert_eq!(operation.to_json(), json!({"op": "replace", "path": "active", "value": true}));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn replace(path: impl Into<PatchPath>, value: impl Into<Value>) -> Self {
        Self::new(Verb::Replace, Some(path.into()), Some(value.into()))
    }

    /// Replaces the attributes that values stand under, as a resource has them.
    ///
    /// ```
    /// use scim_protocol::patch::PatchOperation;
    /// use serde_json::{Map, json};
    ///
    /// let attributes = Map::from_iter([("active".to_owned(), json!(false))]);
    /// let operation = PatchOperation::replace_attributes(attributes);
    /// assert_eq!(operation.to_json(), json!({"op": "replace", "value": {"active": false}}));
    /// ```
    pub fn replace_attributes(attributes: Map<String, Value>) -> Self {
        Self::new(Verb::Replace, None, Some(Value::Object(attributes)))
    }

    /// Removes what a path names (RFC 7644 section 3.5.2.2).
    ///
    /// ```
    /// use scim_protocol::patch::{PatchOperation, PatchPath};
    /// use serde_json::json;
    ///
    /// let operation = PatchOperation::remove("title".parse::<PatchPath>()?);
    /// assert_eq!(operation.to_json(), json!({"op": "remove", "path": "title"}));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn remove(path: impl Into<PatchPath>) -> Self {
        Self::new(Verb::Remove, Some(path.into()), None)
    }

    /// The member of `Operations` in a request.
    pub fn to_json(&self) -> Value {
        let mut members = Map::from_iter([("op".to_owned(), self.verb.as_str().into())]);
        if let Some(path) = &self.path {
            members.insert("path".to_owned(), path.to_string().into());
        }
        if let Some(value) = &self.value {
            members.insert("value".to_owned(), value.clone());
        }
        Value::Object(members)
    }

    fn new(verb: Verb, path: Option<PatchPath>, value: Option<Value>) -> Self {
        Self { verb, path, value }
    }

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
    ///
    /// ```
    /// assert_eq!(scim_protocol::patch::Verb::Add.as_str(), "add");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }

    fn read(word: &str, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let verb: Self = word.parse().map_err(|_word| {
            let word = quote(word);
            syntax(format!(
                "\"op\" is {word}; it can be add, remove or replace."
            ))
        })?;
        if word != verb.as_str() {
            tolerance.accept(Deviation::OperationCase(word.to_owned()))?;
        }
        Ok(verb)
    }
}

serde_as_message!(PatchRequest);

written_as_word!(Verb, "PATCH operation", [Add, Remove, Replace]);

/// Members that no PATCH request has are noted; to the strict they are no request.
fn ignore(members: &Map<String, Value>, tolerance: &mut Tolerance) -> Result<(), Error> {
    for name in members.keys() {
        tolerance
            .accept(Deviation::UnknownAttribute(name.clone()))
            .map_err(|refused| syntax(refused.detail()))?;
    }
    Ok(())
}
