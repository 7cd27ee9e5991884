//! Requests and answers, whatever carries them.

use scim_protocol::{EntityTag, Error};
use serde_json::Value;

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
    ///
    /// ```
    /// assert_eq!(scim_service::Method::Patch.as_str(), "PATCH");
    /// ```
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
    /// The path below the base URL (`/Users/0198...`), percent-decoded: of the path of a request over
    /// HTTP [`path_below`](crate::wire::path_below) makes it. The slash in front may be missing.
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

impl<'a> Request<'a> {
    /// A request without query, body and conditions.
    ///
    /// ```
    /// use scim_service::{Method, Request};
    ///
    /// let search = Request { query: "count=0", ..Request::new(Method::Get, "/Users") };
    /// assert!(search.body.is_empty() && search.if_match.is_none());
    /// ```
    pub fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: "",
            body: &[],
            if_match: None,
            if_none_match: None,
        }
    }
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
    ///
    /// ```
    /// use scim_service::Answer;
    ///
    /// let answer = Answer::json(200, serde_json::json!({"id": "1"}));
    /// assert_eq!(answer.into_text().as_deref(), Some(r#"{"id":"1"}"#));
    /// ```
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
            ..Self::default()
        }
    }

    /// The body as a document, whether it was written out or not.
    ///
    /// ```
    /// use scim_service::Answer;
    ///
    /// let written = Answer { written: Some(r#"{"totalResults": 0}"#.into()), ..Answer::empty(200) };
    /// assert_eq!(written.document().unwrap()["totalResults"], 0);
    /// ```
    pub fn document(&self) -> Option<Value> {
        let written = self.written.as_deref();
        let written = written.and_then(|text| serde_json::from_str(text).ok());
        written.or_else(|| self.body.clone())
    }

    /// The body as text, written out.
    ///
    /// ```
    /// use scim_service::Answer;
    ///
    /// assert_eq!(Answer::json(200, serde_json::json!([1])).into_text().as_deref(), Some("[1]"));
    /// assert_eq!(Answer::empty(204).into_text(), None);
    /// ```
    pub fn into_text(self) -> Option<String> {
        self.written
            .or_else(|| self.body.map(|body| body.to_string()))
    }

    /// An answer without a body.
    ///
    /// ```
    /// assert_eq!(scim_service::Answer::empty(204).document(), None);
    /// ```
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
