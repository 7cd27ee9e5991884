//! Bulk requests (RFC 7644 section 3.7).

mod order;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

pub use order::{Order, Reference, References};

use crate::error::{Error, ScimType, quote};
use crate::limits::Limits;
use crate::members::take_member;
use crate::path::same_name;
use crate::tolerance::{Deviation, Tolerance};
use crate::uri;

/// The method of a bulk operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMethod {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Modify.
    Patch,
    /// Delete.
    Delete,
}

/// One operation of a bulk request.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// The method.
    pub method: BulkMethod,
    /// The name by which other operations refer to the resource that a POST creates.
    pub bulk_id: Option<String>,
    /// The path below the base URL (`/Users`, `/Users/{id}`, `/Users/bulkId:{name}`).
    pub path: String,
    /// The entity tag of the resource version that is meant.
    pub version: Option<String>,
    /// The body of the operation.
    pub data: Option<Value>,
}

/// What an operation was read as: one that is malformed fails alone.
#[derive(Debug, Clone, PartialEq)]
pub enum BulkEntry {
    /// An operation.
    Operation(BulkOperation),
    /// What is none.
    Malformed(MalformedOperation),
}

/// A member of `Operations` that is no operation, and what it can be told by.
#[derive(Debug, Clone, PartialEq)]
pub struct MalformedOperation {
    /// What stands in the place of the method.
    pub method: String,
    /// The `bulkId`.
    pub bulk_id: Option<String>,
    /// Why it is none.
    pub error: Error,
}

impl BulkEntry {
    /// The operation, if it is one.
    pub fn operation(&self) -> Option<&BulkOperation> {
        match self {
            Self::Operation(operation) => Some(operation),
            Self::Malformed(_) => None,
        }
    }

    fn read(member: Value, tolerance: &mut Tolerance) -> Self {
        let text = |name: &str| {
            let members = member.as_object()?.iter();
            let mut named = members.filter(|(key, _)| same_name(key, name));
            named.next()?.1.as_str().map(str::to_owned)
        };
        let (method, bulk_id) = (text("method"), text("bulkId"));
        match BulkOperation::read(member, tolerance) {
            Ok(operation) => Self::Operation(operation),
            Err(error) => Self::Malformed(MalformedOperation {
                method: method.unwrap_or_default(),
                bulk_id,
                error,
            }),
        }
    }

    /// An operation whose name another one has as well: who refers to it means nobody can say which.
    fn ambiguous(self) -> Self {
        match self {
            Self::Operation(operation) => {
                let name = operation.bulk_id.as_deref().unwrap_or_default();
                let detail = format!("bulkId {} stands twice.", quote(name));
                Self::Malformed(MalformedOperation {
                    method: operation.method.as_str().to_owned(),
                    bulk_id: operation.bulk_id,
                    error: Error::new(ScimType::InvalidValue, detail),
                })
            }
            malformed @ Self::Malformed(_) => malformed,
        }
    }
}

/// A bulk request.
///
/// ```
/// use scim_protocol::{Limits, Tolerance, bulk::{BulkRequest, references}};
/// use serde_json::json;
///
/// let body = json!({
///     "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
///     "failOnErrors": 1,
///     "Operations": [
///         {"method": "POST", "path": "/Users", "bulkId": "ava", "data": {"userName": "ava"}},
///         {"method": "POST", "path": "/Groups", "bulkId": "ops", "data": {
///             "displayName": "Ops", "members": [{"value": "bulkId:ava"}]}}
///     ]
/// });
/// let request = BulkRequest::read(body, &Limits::default(), &mut Tolerance::default())?;
/// let group = request.operations[1].operation().unwrap();
/// assert_eq!(references(group), ["ava"]);
/// # Ok::<(), scim_protocol::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// How many errors end the request; `None` for any number.
    pub fail_on_errors: Option<u64>,
    /// The operations.
    pub operations: Vec<BulkEntry>,
}

/// The outcome of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkResult {
    /// The method of the operation, as it was written where it is none.
    pub method: String,
    /// The name that the operation gave the resource.
    pub bulk_id: Option<String>,
    /// The address of the resource.
    pub location: Option<String>,
    /// The entity tag of the resource.
    pub version: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// The body, which an error always has.
    pub response: Option<Value>,
}

impl BulkMethod {
    /// The method as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn read(word: &str, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let method = [Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| word.eq_ignore_ascii_case(method.as_str()))
            .ok_or_else(|| {
                syntax(format!(
                    "\"method\" is {}; it can be POST, PUT, PATCH or DELETE.",
                    quote(word)
                ))
            })?;
        if word != method.as_str() {
            tolerance.accept(Deviation::OperationCase(word.to_owned()))?;
        }
        Ok(method)
    }
}

impl BulkRequest {
    /// Reads the body of a bulk request.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no bulk request, 413 for more operations than
    /// [`Limits::bulk_operations`]. An operation that is none, or whose `bulkId` stands twice, is
    /// [`BulkEntry::Malformed`].
    pub fn read(body: Value, limits: &Limits, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let Value::Object(mut body) = body else {
            return Err(syntax("The body is not a JSON object."));
        };
        let listed = take_member(&mut body, "schemas").is_some_and(|schemas| {
            schemas.as_array().is_some_and(|uris| {
                uris.iter()
                    .filter_map(Value::as_str)
                    .any(|u| same_name(u, uri::BULK_REQUEST))
            })
        });
        if !listed {
            tolerance.accept(Deviation::SchemasMissing(uri::BULK_REQUEST.to_owned()))?;
        }
        let fail_on_errors = match take_member(&mut body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(number) => Some(
                number
                    .as_u64()
                    .filter(|number| *number > 0)
                    .ok_or_else(|| syntax("\"failOnErrors\" is not a whole number from 1."))?,
            ),
        };
        let Some(Value::Array(operations)) = take_member(&mut body, "Operations") else {
            return Err(syntax("\"Operations\" is missing or not an array."));
        };
        if operations.len() > limits.bulk_operations {
            return Err(Error::with_status(
                413,
                format!(
                    "A bulk request may hold {} operations, not {}.",
                    limits.bulk_operations,
                    operations.len()
                ),
            ));
        }
        let operations: Vec<BulkEntry> = operations
            .into_iter()
            .map(|member| BulkEntry::read(member, tolerance))
            .collect();
        let mut named: HashMap<String, usize> = HashMap::new();
        let names = operations
            .iter()
            .filter_map(|entry| entry.operation()?.bulk_id.clone());
        names.for_each(|name| *named.entry(name).or_default() += 1);
        let operations = operations.into_iter().map(|entry| {
            let name = entry
                .operation()
                .and_then(|operation| operation.bulk_id.as_ref());
            match name.and_then(|name| named.get(name)) {
                Some(count) if *count > 1 => entry.ambiguous(),
                _ => entry,
            }
        });
        let operations = operations.collect();
        Ok(Self {
            fail_on_errors,
            operations,
        })
    }
}

impl BulkOperation {
    fn read(operation: Value, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let Value::Object(mut members) = operation else {
            return Err(syntax("An operation is not a JSON object."));
        };
        let mut text = |name: &str| match take_member(&mut members, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(syntax(format!("\"{name}\" is not a string."))),
        };
        let method = text("method")?.ok_or_else(|| syntax("\"method\" is missing."))?;
        let method = BulkMethod::read(&method, tolerance)?;
        let path = text("path")?.ok_or_else(|| syntax("\"path\" is missing."))?;
        let bulk_id = text("bulkId")?;
        let version = text("version")?;
        if method == BulkMethod::Post && bulk_id.is_none() {
            return Err(syntax("A POST needs a \"bulkId\"."));
        }
        let data = take_member(&mut members, "data").filter(|data| !data.is_null());
        if method != BulkMethod::Delete && !data.as_ref().is_some_and(Value::is_object) {
            return Err(syntax(format!(
                "A {} needs an object as \"data\".",
                method.as_str()
            )));
        }
        Ok(Self {
            method,
            bulk_id,
            path,
            version,
            data,
        })
    }
}

impl BulkResult {
    /// The member of `Operations` in a bulk response; `status` is a string.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        if !self.method.is_empty() {
            members.insert("method".into(), self.method.as_str().into());
        }
        for (name, value) in [
            ("bulkId", &self.bulk_id),
            ("version", &self.version),
            ("location", &self.location),
        ] {
            if let Some(value) = value {
                members.insert(name.into(), value.as_str().into());
            }
        }
        members.insert("status".into(), self.status.to_string().into());
        if let Some(response) = &self.response {
            members.insert("response".into(), response.clone());
        }
        Value::Object(members)
    }
}

/// The body of a bulk response.
pub fn response(results: &[BulkResult]) -> Value {
    json!({
        "schemas": [uri::BULK_RESPONSE],
        "Operations": results.iter().map(BulkResult::to_json).collect::<Vec<_>>(),
    })
}

/// The names (`bulkId:name`) that an operation refers to, each once.
pub fn references(operation: &BulkOperation) -> Vec<String> {
    let mut found = Vec::new();
    let in_path = operation.path.split('/').filter_map(referred);
    found.extend(in_path.map(str::to_owned));
    found.extend(operation.data.iter().flat_map(references_in));
    let mut seen = std::collections::HashSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found
}

/// The names that a value refers to, as often as it does.
pub fn references_in(data: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(data, &mut found);
    found
}

/// The path of an operation with references replaced by what `id` knows.
pub fn resolve_path(path: &str, id: &dyn Fn(&str) -> Option<String>) -> String {
    path.split('/')
        .map(|part| {
            referred(part)
                .and_then(id)
                .unwrap_or_else(|| part.to_owned())
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// The data of an operation with references replaced by what `id` knows. What refers to anything
/// else is left out: values of an array whole, other members alone.
pub fn resolve(data: &Value, id: &dyn Fn(&str) -> Option<String>) -> Value {
    // The recursion is as deep as the body, which is limited when it is parsed.
    match data {
        Value::String(text) => match referred(text) {
            Some(name) => id(name).map_or(Value::Null, Value::String),
            None => data.clone(),
        },
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .filter(|element| !dangles(element, id))
                .map(|element| resolve(element, id))
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, value)| !dangles_itself(value, id))
                .map(|(name, value)| (name.clone(), resolve(value, id)))
                .collect(),
        ),
        simple => simple.clone(),
    }
}

/// The attributes of a resource that refer to others: what is left to be set when the resource had
/// to be created before those that it refers to.
pub fn referring(data: &Value) -> Value {
    let refers = |value: &Value| !references_in(value).is_empty();
    let mut left = Map::new();
    for (name, value) in data.as_object().into_iter().flatten() {
        match value {
            // An extension is a namespace, not an attribute.
            Value::Object(_) if refers(value) && name.contains(':') => {
                left.insert(name.clone(), referring(value));
            }
            _ if refers(value) => {
                left.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(left)
}

/// Whether an element of an array refers to something unknown, itself or in one of its members.
fn dangles(element: &Value, id: &dyn Fn(&str) -> Option<String>) -> bool {
    match element {
        Value::Object(members) => members.values().any(|value| dangles_itself(value, id)),
        other => dangles_itself(other, id),
    }
}

fn dangles_itself(value: &Value, id: &dyn Fn(&str) -> Option<String>) -> bool {
    value
        .as_str()
        .and_then(referred)
        .is_some_and(|name| id(name).is_none())
}

fn collect(data: &Value, found: &mut Vec<String>) {
    match data {
        Value::String(text) => found.extend(referred(text).map(str::to_owned)),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn referred(text: &str) -> Option<&str> {
    let (scheme, name) = text.split_once(':')?;
    (same_name(scheme, "bulkId") && !name.is_empty()).then_some(name)
}

fn syntax(detail: impl Into<String>) -> Error {
    Error::new(ScimType::InvalidSyntax, detail)
}

#[cfg(test)]
mod tests;
