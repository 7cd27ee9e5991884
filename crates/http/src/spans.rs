//! What a request spends its time on, as spans for whoever follows traces.
//!
//! Their targets begin with `spans::`, by which the log leaves them out and the feature
//! `opentelemetry` finds them: with nobody who does, none is made. Those of level `DEBUG` say
//! something only within another. They tell of methods, routes and statuses, and of nothing that a
//! client writes: no path, query, header or address.

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode, Version};
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::metrics::is_probe;
use crate::request::SCIM;

/// How their targets begin.
#[cfg(feature = "opentelemetry")]
pub(crate) const TARGETS: &str = "spans::";

/// The span of a request to a server whose clients call it so. Nobody follows probes.
pub(crate) fn of_request(request: &ServiceRequest, server: Option<&(String, u16)>) -> Span {
    if is_probe(request.path()) {
        return Span::none();
    }
    let method = method(request.method());
    let (host, port) = server.map(|(host, port)| (host.as_str(), *port)).unzip();
    tracing::info_span!(
        target: "spans::scim_http",
        "request",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        "error.type" = Empty,
        url.scheme = "https",
        server.address = host,
        server.port = port.map(i64::from),
        network.protocol.version = version(request.version()),
        serviceops_scim.request_id = Empty,
        serviceops_scim.configuration_id = Empty,
    )
}

/// Notes how a request was answered.
pub(crate) fn answered(
    span: &Span,
    request: &HttpRequest,
    status: StatusCode,
    id: &str,
    speaker: Option<Uuid>,
) {
    if span.is_disabled() {
        return;
    }
    if let Some(route) = route(request) {
        rename(span, format!("{} {route}", method(request.method())));
        span.record("http.route", route);
    }
    span.record("http.response.status_code", i64::from(status.as_u16()));
    span.record("serviceops_scim.request_id", id);
    if let Some(id) = speaker {
        span.record("serviceops_scim.configuration_id", id.to_string());
    }
    if status.is_server_error() {
        failed(span, status.as_str());
    }
}

/// Notes that what a span tells of failed.
pub(crate) fn failed(span: &Span, kind: &str) {
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}

/// Somebody waits for a place.
pub(crate) fn waiting() -> Span {
    tracing::debug_span!(target: "spans::scim_http", "wait for a place")
}

/// It is found out who speaks.
pub(crate) fn authenticating() -> Span {
    tracing::debug_span!(target: "spans::scim_http", "authenticate")
}

/// A request to a receiver. Its address may hold a secret, but for the host.
#[cfg(feature = "feed")]
pub(crate) fn outgoing(url: &str) -> Span {
    let url: Option<ureq::http::Uri> = url.parse().ok();
    let host = url.as_ref().and_then(|url| url.host());
    tracing::info_span!(
        target: "spans::scim_http",
        "delivery",
        otel.name = "POST",
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = "POST",
        http.response.status_code = Empty,
        "error.type" = Empty,
        server.address = host,
        server.port = i64::from(url.as_ref().and_then(ureq::http::Uri::port_u16).unwrap_or(443)),
    )
}

/// Notes how a receiver answered.
#[cfg(feature = "feed")]
pub(crate) fn received(span: &Span, status: u16) {
    span.record("http.response.status_code", i64::from(status));
    if status >= 400 {
        failed(span, &status.to_string());
    }
}

/// The method, if it is one of those that mean something.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// The route of a request: one of as many as there are, whatever stands in the path.
fn route(request: &HttpRequest) -> Option<String> {
    match request.path().strip_prefix(SCIM) {
        Some(below) if below.is_empty() || below.starts_with('/') => {
            scim_route(below).map(|route| format!("{SCIM}{route}"))
        }
        _ => request.match_pattern(),
    }
}

fn scim_route(below: &str) -> Option<&'static str> {
    let mut parts = below.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    let (second, third) = (parts.next(), parts.next());
    Some(match (first, second, third) {
        ("", None, _) => "",
        (".search", None, _) => "/.search",
        ("Bulk", None, _) => "/Bulk",
        ("Me", None, _) => "/Me",
        ("Users", None, _) => "/Users",
        ("Users", Some(".search"), None) => "/Users/.search",
        ("Users", Some(_), None) => "/Users/{id}",
        ("Groups", None, _) => "/Groups",
        ("Groups", Some(".search"), None) => "/Groups/.search",
        ("Groups", Some(_), None) => "/Groups/{id}",
        ("Schemas", None, _) => "/Schemas",
        ("Schemas", Some(_), None) => "/Schemas/{id}",
        ("ResourceTypes", None, _) => "/ResourceTypes",
        ("ResourceTypes", Some(_), None) => "/ResourceTypes/{id}",
        ("ServiceProviderConfig", None, _) => "/ServiceProviderConfig",
        _ => return None,
    })
}

/// What another service is told of a span, and the log.
pub(crate) struct Trace {
    /// 32 digits.
    pub(crate) trace_id: String,
    /// The header `traceparent`.
    #[cfg_attr(not(feature = "feed"), allow(dead_code))]
    pub(crate) parent: String,
}

/// The trace of a span, if anybody follows it.
#[cfg(not(feature = "opentelemetry"))]
pub(crate) fn trace_of(_span: &Span) -> Option<Trace> {
    None
}

/// Gives a span that has begun another name.
#[cfg(not(feature = "opentelemetry"))]
fn rename(_span: &Span, _name: String) {}

/// Has a span go on with the trace that a request belongs to.
#[cfg(not(feature = "opentelemetry"))]
pub(crate) fn continue_trace(_span: &Span, _request: &ServiceRequest, _believed: bool) {}

#[cfg(feature = "opentelemetry")]
pub(crate) use crate::traces::{continue_trace, rename, trace_of};

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_path_of_anybodys_making_has_one_of_a_few_routes() {
        for (path, expected) in [
            ("/api/scim/v2", Some("/api/scim/v2")),
            ("/api/scim/v2/Users/", Some("/api/scim/v2/Users")),
            (
                "/api/scim/v2/Users/ava@x.y",
                Some("/api/scim/v2/Users/{id}"),
            ),
            (
                "/api/scim/v2/Users/.search",
                Some("/api/scim/v2/Users/.search"),
            ),
            ("/api/scim/v2/Groups/7", Some("/api/scim/v2/Groups/{id}")),
            (
                "/api/scim/v2/Schemas/urn:x",
                Some("/api/scim/v2/Schemas/{id}"),
            ),
            ("/api/scim/v2/Users/1/2", None),
            ("/api/scim/v2/ava@x.y", None),
            ("/api/scim/v21/Users", None),
            ("/ava@x.y", None),
        ] {
            let request = TestRequest::with_uri(path).to_http_request();
            assert_eq!(route(&request).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn methods_of_anybodys_making_are_one() {
        assert_eq!(method(&Method::PATCH), "PATCH");
        assert_eq!(method(&Method::from_bytes(b"AVA").unwrap()), "_OTHER");
    }
}
