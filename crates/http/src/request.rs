//! What a handler takes out of an HTTP request.

use std::net::IpAddr;
use std::sync::OnceLock;

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpMessage, HttpRequest};
use scim_protocol::Error;
use scim_service::wire::path_below;
use scim_service::{Method, Request};
use uuid::Uuid;

use crate::address;
use crate::service::Presented;

/// Where SCIM is served.
pub const SCIM: &str = "/api/scim/v2";

/// The id of a request: what a listed proxy says, or one of our own.
pub struct RequestId(pub String);

/// Which configuration spoke, for the log.
pub struct Speaker(pub Uuid);

/// A SCIM request that has left its connection.
#[derive(Debug)]
pub struct Incoming {
    /// The method.
    pub method: Method,
    raw_path: String,
    /// The path below [`SCIM`], once somebody asked for it.
    path: OnceLock<Result<String, Error>>,
    /// The raw query string.
    pub query: String,
    /// The value of every `Authorization` header.
    pub authorization: Vec<Vec<u8>>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    if_none_match: Option<String>,
    user_agent: Option<String>,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The id that stands in the answer and in the log.
    pub id: String,
}

impl Incoming {
    /// Takes a request apart.
    pub fn of(request: &HttpRequest) -> Self {
        let authorization = request.headers().get_all(header::AUTHORIZATION);
        let user_agent = joined(request, header::USER_AGENT);
        Self {
            method: method(request),
            raw_path: request.uri().path().to_owned(),
            path: OnceLock::new(),
            query: request.query_string().to_owned(),
            authorization: authorization
                .map(|value| value.as_bytes().to_vec())
                .collect(),
            if_match: joined(request, header::IF_MATCH),
            if_none_match: joined(request, header::IF_NONE_MATCH),
            user_agent: user_agent.map(|text| text.chars().take(USER_AGENT).collect()),
            address: address::of(request),
            id: id_of(request),
        }
    }

    /// What the client shows of itself.
    pub fn presented<'a>(&'a self, path: &'a str) -> Presented<'a> {
        Presented {
            authorization: self.authorization.iter().map(Vec::as_slice).collect(),
            source: self.source(),
            address: self.address,
            user_agent: self.user_agent.as_deref(),
            request_id: &self.id,
            method: self.method,
            path,
        }
    }

    /// Whether the method is one whose body means something.
    pub fn takes_body(&self) -> bool {
        matches!(self.method, Method::Post | Method::Put | Method::Patch)
    }

    /// The path below the SCIM endpoint, decoded, without a slash at its end.
    ///
    /// # Errors
    /// 400 for what is no UTF-8 or holds control characters.
    pub fn path(&self) -> Result<String, Error> {
        self.path.get_or_init(|| self.below(SCIM)).clone()
    }

    /// The path below an endpoint, decoded, without a slash at its end.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn below(&self, endpoint: &str) -> Result<String, Error> {
        path_below(endpoint, &self.raw_path)
    }

    /// The address of the client, as it stands in logs.
    pub fn source(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }

    /// The request as the service provider takes it.
    pub fn request<'a>(&'a self, path: &'a str, body: &'a [u8]) -> Request<'a> {
        Request {
            method: self.method,
            path,
            query: &self.query,
            body,
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
        }
    }
}

/// Whether an encoded query, form or path holds U+0000, which no text that is kept has and no text
/// that PostgreSQL is asked for may have.
pub fn holds_nul(encoded: &str) -> bool {
    encoded.contains("%00") || encoded.contains('\0')
}

/// The id of a request.
pub fn id_of(request: &HttpRequest) -> String {
    let extensions = request.extensions();
    let id = extensions.get::<RequestId>();
    id.map(|RequestId(id)| id.clone()).unwrap_or_default()
}

fn method(request: &HttpRequest) -> Method {
    match request.method().as_str() {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => Method::Other,
    }
}

/// A header's lines as one list (RFC 7230 section 3.2.2).
fn joined(request: &HttpRequest, name: HeaderName) -> Option<String> {
    let lines = request.headers().get_all(name);
    let lines: Vec<_> = lines
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

const USER_AGENT: usize = 256;

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn path(uri: &str) -> Result<String, Error> {
        Incoming::of(&TestRequest::with_uri(uri).to_http_request()).path()
    }

    #[test]
    fn the_path_is_decoded_and_slashes_too_many_are_left_out() {
        for (uri, expected) in [
            ("/api/scim/v2", "/"),
            ("/api/scim/v2/", "/"),
            ("/api/scim/v2/Users/", "/Users"),
            ("/api/scim/v2//Users", "/Users"),
            ("/api/scim/v2/Users?filter=a%20b", "/Users"),
            (
                "/api/scim/v2/Schemas/urn%3Aietf%3Aparams",
                "/Schemas/urn:ietf:params",
            ),
            ("/api/scim/v2/Users/%C3%A9", "/Users/é"),
        ] {
            assert_eq!(path(uri).unwrap(), expected);
        }
    }

    #[test]
    fn a_nul_is_found_encoded_or_not() {
        for (encoded, holds) in [
            ("q=%00", true),
            ("q=%%00", true),
            ("q=\0", true),
            ("q=%2500", false),
            ("q=100%25", false),
        ] {
            assert_eq!(holds_nul(encoded), holds, "{encoded:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for uri in [
            "/api/scim/v2/%ff",
            "/api/scim/v2/%4",
            "/api/scim/v2/%zz",
            "/api/scim/v2/a%00",
        ] {
            assert_eq!(path(uri).unwrap_err().status(), 400, "{uri}");
        }
    }

    #[test]
    fn lines_of_one_header_are_a_list() {
        let request = TestRequest::get()
            .append_header(("If-Match", "W/\"1\""))
            .append_header(("If-Match", "W/\"2\""))
            .to_http_request();
        let incoming = Incoming::of(&request);
        assert_eq!(incoming.if_match.as_deref(), Some("W/\"1\", W/\"2\""));
        assert_eq!(incoming.if_none_match, None);
    }
}
