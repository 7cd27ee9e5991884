//! Bulk responses.

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::message::{Message, syntax};
use crate::uri;
use crate::word::serde_as_message;

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

impl BulkResult {
    /// Reads a member of `Operations` in a bulk response. `status` may be a number.
    ///
    /// # Errors
    /// `invalidSyntax` when it is no outcome of an operation.
    pub fn from_json(member: Value) -> Result<Self, Error> {
        let mut members = Message::read(member)?;
        let status = match members.take("status") {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(other) => other.as_u64().and_then(|status| u16::try_from(status).ok()),
            None => None,
        };
        Ok(Self {
            method: members.text("method")?.unwrap_or_default(),
            bulk_id: members.text("bulkId")?,
            location: members.text("location")?,
            version: members.text("version")?,
            status: status.ok_or_else(|| syntax("\"status\" is no HTTP status."))?,
            response: members.take("response"),
        })
    }

    /// The error of an operation that failed; without a body that is one, its status alone.
    ///
    /// ```
    /// use scim_protocol::bulk::BulkResult;
    /// use serde_json::json;
    ///
    /// let done = BulkResult::from_json(json!({"method": "DELETE", "status": "204"}))?;
    /// assert_eq!(done.error(), None);
    /// let failed = BulkResult::from_json(json!({"method": "DELETE", "status": "412"}))?;
    /// assert_eq!(failed.error().map(|error| error.status()), Some(412));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn error(&self) -> Option<Error> {
        if self.status < 400 {
            return None;
        }
        let body = self.response.clone().unwrap_or_default();
        let read = Error::from_json(body).ok();
        Some(read.unwrap_or_else(|| Error::with_status(self.status, "The operation failed.")))
    }

    /// The member of `Operations` in a bulk response; `status` is a string.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        if !self.method.is_empty() {
            members.insert("method".into(), self.method.as_str().into());
        }
        // RFC 7644 section 3.7: the name of what was created is answered with it.
        for (name, value) in [
            ("bulkId", &self.bulk_id),
            ("version", &self.version),
            ("location", &self.location),
        ] {
            if let Some(value) = value {
                members.insert(name.into(), value.as_str().into());
            }
        }
        // RFC 7644 section 3.7.3: the status that a single request would have had.
        members.insert("status".into(), self.status.to_string().into());
        if let Some(response) = &self.response {
            members.insert("response".into(), response.clone());
        }
        Value::Object(members)
    }
}

/// A bulk response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BulkResponse {
    /// The outcomes of the operations that were run, in the order of the response.
    pub operations: Vec<BulkResult>,
}

impl BulkResponse {
    /// Reads the body of a bulk response.
    ///
    /// # Errors
    /// `invalidSyntax` when it is none.
    pub fn from_json(body: Value) -> Result<Self, Error> {
        let mut body = Message::read(body)?;
        let operations = body.values("Operations")?;
        let operations = operations.into_iter().map(BulkResult::from_json);
        Ok(Self {
            operations: operations.collect::<Result<_, _>>()?,
        })
    }

    /// The body of the response.
    pub fn to_json(&self) -> Value {
        response(&self.operations)
    }

    /// The outcome of the operation that has a name.
    ///
    /// ```
    /// use scim_protocol::bulk::BulkResponse;
    /// use serde_json::json;
    ///
    /// let body = json!({"Operations": [{"method": "POST", "bulkId": "ava", "status": "201"}]});
    /// let response = BulkResponse::from_json(body)?;
    /// assert_eq!(response.named("ava").map(|result| result.status), Some(201));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn named(&self, bulk_id: &str) -> Option<&BulkResult> {
        let mut operations = self.operations.iter();
        operations.find(|result| result.bulk_id.as_deref() == Some(bulk_id))
    }
}

serde_as_message!(BulkResponse);

/// The body of a bulk response.
///
/// ```
/// assert_eq!(scim_protocol::bulk::response(&[])["Operations"], serde_json::json!([]));
/// ```
pub fn response(results: &[BulkResult]) -> Value {
    json!({
        "schemas": [uri::BULK_RESPONSE],
        "Operations": results.iter().map(BulkResult::to_json).collect::<Vec<_>>(),
    })
}
