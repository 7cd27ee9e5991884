//! One SCIM operation: the request, who speaks, the answer.

pub(crate) mod bulk;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod departure;
pub(crate) mod group;
pub(crate) mod members;
mod plan;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod reference;
mod roster;
pub(crate) mod update;
pub(crate) mod user;
mod written;

use std::sync::Arc;

use scim_protocol::{EntityTag, Error, Version};
use serde_json::Value;

use crate::configuration::Configuration;
use crate::directory::{PendingLink, StoreError};
use crate::event::Outcome;
use crate::id::ResourceId;
use crate::refusal::Cause;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read, list or discover.
    Get,
    /// Create, search or run in bulk.
    Post,
    /// Replace.
    Put,
    /// Modify.
    Patch,
    /// Delete.
    Delete,
    /// Anything else, which is answered with 405.
    Other,
}

impl Method {
    /// The method as it is logged.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Other => "another",
        }
    }
}

/// A SCIM request, taken from its transport.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method; HEAD is GET.
    pub method: Method,
    /// The path below the base URL (`/Users/0198...`), percent-decoded.
    pub path: &'a str,
    /// The raw query string, without the question mark.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The `If-Match` header.
    pub if_match: Option<&'a str>,
    /// The `If-None-Match` header.
    pub if_none_match: Option<&'a str>,
}

/// Who speaks: the configuration whose token came with the request, and what the log says of it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The configuration.
    pub configuration: Arc<Configuration>,
    /// The id of the HTTP request.
    pub request_id: String,
    /// Where the request came from.
    pub source: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The administrator who does it in the name of the configuration.
    pub actor: Option<String>,
}

/// The answer to a request, ready to be sent as `application/scim+json`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Option<Value>,
    /// The body, where it was written out piece by piece; then there is no other.
    pub written: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `ETag` header.
    pub version: Option<EntityTag>,
    /// The `Allow` header of a 405.
    pub allow: Option<&'static str>,
    /// The `Retry-After` header of a 503, in seconds.
    pub retry_after: Option<u32>,
}

impl Answer {
    /// An answer with a body.
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
            ..Self::default()
        }
    }

    /// The body as a document, whether it was written out or not.
    pub fn document(&self) -> Option<Value> {
        let written = self.written.as_deref();
        let written = written.and_then(|text| serde_json::from_str(text).ok());
        written.or_else(|| self.body.clone())
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

impl From<&Error> for Answer {
    fn from(error: &Error) -> Self {
        Self::json(error.status(), error.to_json())
    }
}

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// What the protocol refuses to read.
    #[error(transparent)]
    Scim(#[from] Error),
    /// The answer is a SCIM error, and the log may say more than the client may know.
    #[error("{error}")]
    Refused {
        /// Why, where it was decided.
        cause: Cause,
        /// What the client is told.
        error: Error,
        /// What the log says.
        reason: String,
        /// How the log counts it.
        outcome: Outcome,
        /// The link that an administrator may approve.
        pending: Option<Box<PendingLink>>,
    },
    /// The store did not do what it was asked for.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// A refusal of which the log says what the client is told.
    pub(crate) fn because(cause: Cause, error: Error) -> Self {
        Self::Refused {
            cause,
            reason: error.detail().to_owned(),
            error,
            outcome: Outcome::Failure,
            pending: None,
        }
    }

    /// 404: the resource does not exist, or the caller cannot see it.
    pub(crate) fn not_found() -> Self {
        Self::because(Cause::ResourceUnknown, Error::not_found())
    }

    /// Why the operation did not succeed.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Scim(error) => Cause::of_error(error),
            Self::Refused { cause, .. } => *cause,
            Self::Store(error) => Cause::of_store(error),
        }
    }

    /// The request named an account that is never provisioned, and is answered as if there were
    /// no such account.
    pub(crate) fn protected(cause: Cause, error: Error, id: ResourceId) -> Self {
        Self::Refused {
            cause,
            error,
            reason: format!("User {id} is a protected account, which is never provisioned."),
            outcome: Outcome::Skipped,
            pending: None,
        }
    }
}

/// RFC 7644 section 3.14: a request that names another version changes nothing.
pub(crate) fn check_match(version: Version, if_match: Option<&str>) -> Result<(), Failure> {
    match if_match {
        Some(header) if !version.matches(header) => Err(Failure::because(
            Cause::VersionMismatch,
            Error::with_status(412, format!("The resource has version {version}.")),
        )),
        _ => Ok(()),
    }
}
