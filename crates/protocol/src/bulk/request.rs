//! Bulk requests.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, ScimType, quote};
use crate::limits::Limits;
use crate::members::take_member;
use crate::message::{Message, syntax};
use crate::patch::PatchRequest;
use crate::path::same_name;
use crate::tolerance::{Deviation, Tolerance};
use crate::uri;
use crate::word::{serde_as_message, written_as_word};

/// The method of a bulk operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[non_exhaustive]
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
/// use scim_protocol::{Limits, ResourceDefinition, Tolerance, bulk::{BulkRequest, references}};
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
/// assert_eq!(references(group, Some(&ResourceDefinition::group())), ["ava"]);
/// # Ok::<(), scim_protocol::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// How many errors end the request; `None` for any number.
    pub fail_on_errors: Option<u64>,
    /// The operations.
    pub operations: Vec<BulkEntry>,
}

impl BulkMethod {
    /// The method as it is written.
    ///
    /// ```
    /// assert_eq!(scim_protocol::bulk::BulkMethod::Patch.as_str(), "PATCH");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn read(word: &str, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let method: Self = word.parse().map_err(|_word| {
            let word = quote(word);
            syntax(format!(
                "\"method\" is {word}; it can be POST, PUT, PATCH or DELETE."
            ))
        })?;
        if word != method.as_str() {
            tolerance.accept(Deviation::OperationCase(word.to_owned()))?;
        }
        Ok(method)
    }
}

impl BulkRequest {
    /// A request of operations, as a client sends it; any number of errors ends it.
    pub fn new(operations: impl IntoIterator<Item = BulkOperation>) -> Self {
        let operations = operations.into_iter().map(BulkEntry::Operation);
        Self {
            fail_on_errors: None,
            operations: operations.collect(),
        }
    }

    /// The same request, which ends after this many errors.
    ///
    /// ```
    /// use scim_protocol::bulk::{BulkOperation, BulkRequest};
    ///
    /// let request = BulkRequest::new([BulkOperation::delete("/Users/1")]).failing_on(1);
    /// assert_eq!(request.to_json()["failOnErrors"], 1);
    /// ```
    #[must_use]
    pub fn failing_on(mut self, errors: u64) -> Self {
        self.fail_on_errors = Some(errors);
        self
    }

    /// Reads a request within the default limits and in the tolerant profile.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_json(body: Value) -> Result<Self, Error> {
        Self::read(body, &Limits::default(), &mut Tolerance::default())
    }

    /// The body of the request. Of what was malformed, `method` and `bulkId` are left.
    pub fn to_json(&self) -> Value {
        let operations = self.operations.iter().map(|entry| match entry {
            BulkEntry::Operation(operation) => operation.to_json(),
            BulkEntry::Malformed(malformed) => {
                json!({ "method": malformed.method, "bulkId": malformed.bulk_id })
            }
        });
        let mut body = json!({ "schemas": [uri::BULK_REQUEST] });
        if let Some(members) = body.as_object_mut() {
            if let Some(errors) = self.fail_on_errors {
                members.insert("failOnErrors".into(), errors.into());
            }
            members.insert("Operations".into(), operations.collect());
        }
        body
    }

    /// Reads the body of a bulk request.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no bulk request, 413 for more operations than
    /// [`Limits::bulk_operations`]. An operation that is none, or whose `bulkId` stands twice, is
    /// [`BulkEntry::Malformed`].
    pub fn read(body: Value, limits: &Limits, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let mut body = Message::read(body)?;
        if !body.lists(uri::BULK_REQUEST) {
            tolerance.accept(Deviation::SchemasMissing(uri::BULK_REQUEST.to_owned()))?;
        }
        let fail_on_errors = body.number("failOnErrors", tolerance)?;
        if fail_on_errors == Some(0) {
            return Err(syntax("\"failOnErrors\" is not a whole number from 1."));
        }
        let Some(Value::Array(operations)) = body.take("Operations") else {
            return Err(syntax("\"Operations\" is missing or not an array."));
        };
        // RFC 7644 section 3.7.4: what exceeds a limit is 413 and is told which.
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
    /// Creates a resource, to which other operations refer as `bulkId:` and its name.
    ///
    /// ```
    /// use scim_protocol::bulk::BulkOperation;
    /// use serde_json::json;
    ///
    /// let create = BulkOperation::post("/Users", "ava", json!({"userName": "ava"}));
    /// assert_eq!(create.to_json()["bulkId"], "ava");
    /// ```
    pub fn post(
        endpoint: impl Into<String>,
        bulk_id: impl Into<String>,
        resource: impl Into<Value>,
    ) -> Self {
        Self {
            bulk_id: Some(bulk_id.into()),
            ..Self::new(BulkMethod::Post, endpoint.into(), Some(resource.into()))
        }
    }

    /// Replaces the resource at a path.
    ///
    /// ```
    /// use scim_protocol::bulk::BulkOperation;
    /// use serde_json::json;
    ///
    /// let replace = BulkOperation::put("/Users/7", json!({"userName": "ava"}));
    /// assert_eq!(replace.to_json()["method"], "PUT");
    /// ```
    pub fn put(path: impl Into<String>, resource: impl Into<Value>) -> Self {
        Self::new(BulkMethod::Put, path.into(), Some(resource.into()))
    }

    /// Changes the resource at a path; the data is a PATCH request (erratum 5050 to RFC 7644).
    ///
    /// ```
    /// use scim_protocol::bulk::BulkOperation;
    /// use scim_protocol::patch::{PatchOperation, PatchPath, PatchRequest};
    ///
    /// let block = PatchOperation::replace("active".parse::<PatchPath>()?, false);
    /// let operation = BulkOperation::patch("/Users/2819c223", &PatchRequest::new([block]))
    ///     .at_version("W/\"3\"");
    /// assert_eq!(operation.to_json()["data"]["Operations"][0]["path"], "active");
    /// assert_eq!(operation.to_json()["version"], "W/\"3\"");
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn patch(path: impl Into<String>, request: &PatchRequest) -> Self {
        Self::new(BulkMethod::Patch, path.into(), Some(request.to_json()))
    }

    /// Deletes the resource at a path.
    ///
    /// ```
    /// use scim_protocol::bulk::BulkOperation;
    ///
    /// assert!(BulkOperation::delete("/Users/7").data.is_none());
    /// ```
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(BulkMethod::Delete, path.into(), None)
    }

    /// The same operation, if the resource has this entity tag.
    #[must_use]
    pub fn at_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The member of `Operations` in a bulk request.
    pub fn to_json(&self) -> Value {
        let mut members = Map::from_iter([("method".to_owned(), self.method.as_str().into())]);
        let path = Some(&self.path);
        for (name, value) in [
            ("bulkId", self.bulk_id.as_ref()),
            ("version", self.version.as_ref()),
            ("path", path),
        ] {
            if let Some(value) = value {
                members.insert(name.to_owned(), value.as_str().into());
            }
        }
        if let Some(data) = &self.data {
            members.insert("data".to_owned(), data.clone());
        }
        Value::Object(members)
    }

    pub(super) fn new(method: BulkMethod, path: String, data: Option<Value>) -> Self {
        Self {
            method,
            bulk_id: None,
            path,
            version: None,
            data,
        }
    }

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
        // RFC 7644 section 3.7: what each method needs.
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

written_as_word!(BulkMethod, "bulk method", [Post, Put, Patch, Delete]);

serde_as_message!(BulkRequest);
