//! What every request and every response passes: ids, refusals, headers, the log line.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use ipnet::IpNet;
use scim_protocol::ScimType;
use scim_service::{Environment, SystemEnvironment};
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::address::{self, Client};
use crate::answer::{self, Reply};
use crate::draining::Draining;
use crate::local::ThroughSocket;
use crate::metrics::{Metrics, operation};
use crate::request::{RequestId, SCIM, Speaker};
use crate::sampling::Sampler;
use crate::{spans, trace};

/// What the outermost layer goes by.
#[derive(Default)]
pub struct Edge {
    /// The proxies that say where their clients are.
    pub trusted_proxies: Vec<IpNet>,
    /// The log lines of what is refused.
    pub sampler: Sampler,
    /// The paths below which everything is named by lower-case words and ids, so that the log shows
    /// whole paths there.
    pub named_by_words: &'static [&'static str],
    /// Where requests are counted, if anywhere.
    pub metrics: Option<Arc<Metrics>>,
    /// Whether the server is about to stop.
    pub draining: Draining,
    /// The path of the public URL, such as `/scim`; empty where it has none. What is asked for below
    /// it is what is asked for without it, and redirections lead below it.
    pub path: String,
    /// The host and the port of the public URL, by which spans name the server.
    pub server: Option<(String, u16)>,
}

/// The outermost layer.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let mut id = None;
    let path = path_of(request.request());
    take_off(&mut request, &path);
    let mut span = Span::none();
    if let Some(edge) = request.app_data::<web::Data<Edge>>() {
        let peer = request.peer_addr().map(|peer| peer.ip());
        let (headers, proxies) = (request.headers(), &edge.trusted_proxies);
        // At the other end of a socket of this machine there is a proxy, unless it said from where
        // the connection comes.
        let local = peer.is_none() && request.conn_data::<ThroughSocket>().is_some();
        let client = match local {
            true => address::client_of_local(headers, proxies),
            false => address::client(peer, headers, proxies),
        };
        let listed = local || address::is_proxy(peer, proxies);
        if listed {
            id = trace::forwarded_id(request.headers());
        }
        span = spans::of_request(&request, edge.server.as_ref());
        spans::continue_trace(&span, &request, listed);
        request.extensions_mut().insert(Client(client));
    }
    let id = id.unwrap_or_else(|| SystemEnvironment.uuid().to_string());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = match refusal(&request) {
        Some(refused) => {
            let refused = refused.response(&request);
            request.into_response(refused)
        }
        None => {
            let answered = next.call(request).instrument(span.clone()).await;
            let failed = |error: &Error| {
                let status = error.as_response_error().status_code();
                spans::failed(&span, status.as_str());
            };
            answered.inspect_err(failed)?.map_into_boxed_body()
        }
    };
    finish(response.headers_mut(), &id);
    lead_below(response.headers_mut(), &path);
    if drains(response.request()) {
        let head = response.response_mut().head_mut();
        head.set_connection_type(actix_http::ConnectionType::Close);
    }
    log(&response, &id, began, &span);
    Ok(response)
}

/// The path below which clients reach the server that serves a request; empty where there is none.
pub fn path_of(request: &HttpRequest) -> String {
    let edge = request.app_data::<web::Data<Edge>>();
    edge.map(|edge| edge.path.clone()).unwrap_or_default()
}

/// Takes the path of the public URL from the address, so that everything behind is found where it
/// always is. A proxy may have done so before.
fn take_off(request: &mut ServiceRequest, path: &str) {
    let Some(below) = request.uri().path_and_query().and_then(|whole| {
        let below = whole.as_str().strip_prefix(path)?;
        let ends = below.is_empty() || below.starts_with(['/', '?']);
        (!path.is_empty() && ends).then_some(below)
    }) else {
        return;
    };
    let below = match below.starts_with('/') {
        true => below.to_owned(),
        false => format!("/{below}"),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(below).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Has a redirection to an address of this server lead below the path of the public URL.
fn lead_below(headers: &mut HeaderMap, path: &str) {
    let Some(location) = headers.get(header::LOCATION) else {
        return;
    };
    let own = location.as_bytes();
    if path.is_empty() || !own.starts_with(b"/") || own.starts_with(b"//") {
        return;
    }
    if let Ok(location) = HeaderValue::from_bytes(&[path.as_bytes(), own].concat()) {
        headers.insert(header::LOCATION, location);
    }
}

/// Whether the server that serves a request is about to stop.
pub(crate) fn drains(request: &HttpRequest) -> bool {
    let edge = request.app_data::<web::Data<Edge>>();
    edge.is_some_and(|edge| edge.draining.has_begun())
}

/// What is refused whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Upgrade,
    Connect,
    RepeatedAuthorization,
    TokenInQuery,
    ContentEncoding,
}

fn refusal(request: &ServiceRequest) -> Option<Refused> {
    let headers = request.headers();
    if request.method() == Method::CONNECT {
        return Some(Refused::Connect);
    }
    if headers.contains_key(header::UPGRADE) {
        return Some(Refused::Upgrade);
    }
    if headers.get_all(header::AUTHORIZATION).count() > 1 {
        return Some(Refused::RepeatedAuthorization);
    }
    // Who shows no token where it belongs is asked for one first.
    let anonymous = is_scim(request) && !headers.contains_key(header::AUTHORIZATION);
    if has_token(request.query_string()) && !anonymous {
        return Some(Refused::TokenInQuery);
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    let encoded = encoding.is_some_and(|name| !name.as_bytes().eq_ignore_ascii_case(b"identity"));
    encoded.then_some(Refused::ContentEncoding)
}

impl Refused {
    fn response(self, request: &ServiceRequest) -> HttpResponse {
        let (status, detail) = self.status_and_detail();
        let mut response = match is_scim(request) {
            true => self.scim_error(status, detail),
            false => answer::problem(status, detail, request.request()),
        };
        if self == Self::Connect {
            let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if matches!(self, Self::Connect | Self::Upgrade) {
            response
                .head_mut()
                .set_connection_type(actix_http::ConnectionType::Close);
        }
        response
    }

    fn scim_error(self, status: StatusCode, detail: &str) -> HttpResponse {
        let error = match self {
            Self::TokenInQuery => scim_protocol::Error::new(ScimType::Sensitive, detail),
            _ => scim_protocol::Error::with_status(status.as_u16(), detail),
        };
        let reply = Reply::error(&error);
        match self {
            // RFC 6750 section 3.1
            Self::RepeatedAuthorization => reply.with(
                header::WWW_AUTHENTICATE,
                "Bearer realm=\"scim\", error=\"invalid_request\"",
            ),
            _ => reply,
        }
        .into_response()
    }

    fn status_and_detail(self) -> (StatusCode, &'static str) {
        match self {
            Self::Upgrade => (
                StatusCode::BAD_REQUEST,
                "The protocol of the connection cannot be changed.",
            ),
            Self::Connect => (
                StatusCode::METHOD_NOT_ALLOWED,
                "CONNECT is not possible here.",
            ),
            Self::RepeatedAuthorization => (
                StatusCode::UNAUTHORIZED,
                "The Authorization header must stand once.",
            ),
            Self::TokenInQuery => (
                StatusCode::FORBIDDEN,
                "A token must not stand in the URL; send it in the Authorization header.",
            ),
            Self::ContentEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The request body must not be encoded; send it without Content-Encoding.",
            ),
        }
    }
}

/// RFC 6750 section 2.3 allows a token in the query, where it would reach logs and histories.
fn has_token(query: &str) -> bool {
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    names.any(|name| name.eq_ignore_ascii_case("access_token"))
}

fn is_scim(request: &ServiceRequest) -> bool {
    let below = request.path().strip_prefix(SCIM);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn finish(headers: &mut HeaderMap, id: &str) {
    for (name, value) in FIXED {
        // Only an answer that says so itself may be kept.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

fn log(response: &ServiceResponse<BoxBody>, id: &str, began: Instant, span: &Span) {
    let request = response.request();
    let extensions = request.extensions();
    let speaker = extensions.get::<Speaker>();
    let status = response.status();
    // Whoever is known is bounded by other means, but for what they are told to send later.
    let sampled =
        status.is_client_error() && (speaker.is_none() || status == StatusCode::TOO_MANY_REQUESTS);
    spans::answered(span, request, status, id, speaker.map(|Speaker(id)| *id));
    let edge = request.app_data::<web::Data<Edge>>();
    if let Some(metrics) = edge.and_then(|edge| edge.metrics.as_ref()) {
        let operation = operation(request.method(), request.path());
        let speaker = speaker.map(|Speaker(id)| *id);
        metrics.observe(&operation, status.as_u16(), speaker, began.elapsed());
    }
    if sampled && let Some(edge) = edge {
        let Client(address) = extensions.get().copied().unwrap_or(Client(None));
        if !edge
            .sampler
            .writes(address, status.as_u16(), Instant::now())
        {
            return;
        }
    }
    tracing::info!(
        target: "serviceops_scim::request",
        request_id = id,
        trace_id = spans::trace_of(span).map(|trace| trace.trace_id),
        method = %request.method(),
        path = logged(request.path(), edge.map_or(&[], |edge| edge.named_by_words)),
        status = response.status().as_u16(),
        duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        configuration_id = speaker.map(|Speaker(id)| id.to_string()),
    );
}

/// Says how many refusals were left out.
pub fn summarize(sampler: &Sampler) {
    for (refused, requests) in sampler.take(Instant::now()) {
        tracing::info!(
            target: "serviceops_scim::request",
            address = refused.address.map(tracing::field::display),
            status = refused.status,
            requests,
            "further requests like these were refused"
        );
    }
}

/// The path for the log: what is neither the name of an endpoint nor an id of ours may be the name
/// of a person.
fn logged(path: &str, named_by_words: &[&str]) -> String {
    // What administrators ask for is named by words and ids alone.
    for base in named_by_words {
        if let Some(below) = path.strip_prefix(base) {
            let parts = below.split('/').take(LOGGED_PARTS + 2);
            let parts = parts.map(|part| {
                if is_id(part) || is_name(part) {
                    part
                } else {
                    "*"
                }
            });
            return format!("{base}{}", parts.collect::<Vec<_>>().join("/"));
        }
    }
    let (base, below) = match path.strip_prefix(SCIM) {
        Some(below) => (SCIM, below),
        None => ("", path),
    };
    let parts = below.split('/').enumerate().take(LOGGED_PARTS);
    let parts = parts.map(|(place, part)| match place {
        _ if is_id(part) || part == ".search" => part,
        0 | 1 if is_word(part) => part,
        _ => "*",
    });
    format!("{base}{}", parts.collect::<Vec<_>>().join("/"))
}

fn is_word(part: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'.';
    part.len() <= LONGEST_WORD && part.bytes().all(letter)
}

fn is_name(part: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    part.len() <= LONGEST_WORD && part.bytes().all(fits)
}

fn is_id(part: &str) -> bool {
    let schema = part.strip_prefix("urn:ietf:params:scim:");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.');
    Uuid::try_parse(part).is_ok()
        || schema.is_some_and(|name| name.len() <= LONGEST_SCHEMA && name.bytes().all(plain))
}

/// What every answer has.
pub const FIXED: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];
const LONGEST_WORD: usize = 32;
const LONGEST_SCHEMA: usize = 96;
const LOGGED_PARTS: usize = 5;

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_log_shows_endpoints_and_ids_and_nothing_else_of_a_path() {
        for (path, expected) in [
            ("/healthz", "/healthz"),
            ("/api/scim/v2", "/api/scim/v2"),
            ("/api/scim/v2/Users/.search", "/api/scim/v2/Users/.search"),
            (
                "/api/scim/v2/Users/01a20ba6-40d1-768e-a201-f1b2b9313838",
                "/api/scim/v2/Users/01a20ba6-40d1-768e-a201-f1b2b9313838",
            ),
            (
                "/api/scim/v2/Users/bjensen@example.com",
                "/api/scim/v2/Users/*",
            ),
            ("/api/scim/v2/bjensen@example.com", "/api/scim/v2/*"),
            ("/api/scim/v2/Users/Barbara", "/api/scim/v2/Users/*"),
            (
                "/api/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
                "/api/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
            ),
            (
                "/admin/users/scim-provisioning/01a20ba6-40d1-768e-a201-f1b2b9313838/tokens",
                "/admin/users/scim-provisioning/01a20ba6-40d1-768e-a201-f1b2b9313838/tokens",
            ),
            (
                "/api/admin/v1/configurations/Entra ID/tokens",
                "/api/admin/v1/configurations/*/tokens",
            ),
            ("/a/b/c/d/e/f/g/h", "/a/*/*/*"),
            ("/x\u{1b}", "/*"),
        ] {
            assert_eq!(logged(path, &["/api/admin/v1", "/admin"]), expected);
        }
    }

    #[test]
    fn the_path_of_the_public_url_is_taken_off_and_put_before_redirections() {
        for (asked, found) in [
            (
                "/ops/scim/api/scim/v2/Users?a=/ops",
                "/api/scim/v2/Users?a=/ops",
            ),
            ("/ops/scim", "/"),
            ("/ops/scim/", "/"),
            ("/ops/scim?a=b", "/?a=b"),
            ("/ops/scimitar", "/ops/scimitar"),
            ("/ops", "/ops"),
            // A proxy took it off before.
            ("/api/scim/v2/Users", "/api/scim/v2/Users"),
        ] {
            let mut request = TestRequest::with_uri(asked).to_srv_request();
            take_off(&mut request, "/ops/scim");
            assert_eq!(request.uri().to_string(), found, "{asked}");
            assert_eq!(request.match_info().as_str(), request.uri().path());
        }
        let mut as_it_is = TestRequest::with_uri("/a").to_srv_request();
        take_off(&mut as_it_is, "");
        assert_eq!(as_it_is.uri(), "/a");
        for (location, expected) in [
            ("/admin?x", "/ops/admin?x"),
            ("//evil.example", "//evil.example"),
            ("https://login.example/", "https://login.example/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, HeaderValue::from_static(location));
            lead_below(&mut headers, "/ops");
            assert_eq!(headers.get(header::LOCATION).unwrap(), expected);
        }
    }

    #[test]
    fn a_token_in_the_query_is_found_wherever_it_stands() {
        assert!(has_token("access_token=x"));
        assert!(has_token("a=b&Access_Token"));
        assert!(!has_token("filter=access_token"));
        assert!(!has_token(""));
    }
}
