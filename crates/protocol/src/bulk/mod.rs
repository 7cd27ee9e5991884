//! Bulk requests and responses (RFC 7644 section 3.7).
//!
//! A service provider reads a [`BulkRequest`], looks up once with [`References`] which operations
//! refer to which, runs them in the [order](References::order) that comes of it, and answers a
//! [`BulkResponse`]. A client builds the request and reads the response:
//!
//! ```
//! use scim_protocol::bulk::{BulkOperation, BulkRequest, BulkResponse};
//! use serde_json::json;
//!
//! let request = BulkRequest::new([
//!     BulkOperation::post("/Users", "ava", json!({"userName": "ava"})),
//!     BulkOperation::post("/Groups", "ops", json!({"displayName": "Ops",
//!         "members": [{"value": "bulkId:ava"}]})),
//!     BulkOperation::delete("/Users/26118915"),
//! ]);
//! let body = serde_json::to_string(&request)?;
//! assert_eq!(serde_json::from_str::<BulkRequest>(&body)?, request);
//!
//! let response = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
//!     "Operations": [{"method": "DELETE", "location": "https://scim.example/v2/Users/26118915",
//!         "status": "404", "response": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
//!             "status": "404", "detail": "The resource does not exist."}}]});
//! let response = BulkResponse::from_json(response)?;
//! assert_eq!(response.operations[0].error().map(|error| error.status()), Some(404));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod mention;
mod order;
mod reference;
mod request;
mod response;

pub use order::{Order, Reference, References};
pub use reference::{
    references, references_in_attribute, references_in_data, referring, resolve, resolve_path,
};
pub use request::{BulkEntry, BulkMethod, BulkOperation, BulkRequest, MalformedOperation};
pub use response::{BulkResponse, BulkResult, response};

#[cfg(test)]
mod tests;
