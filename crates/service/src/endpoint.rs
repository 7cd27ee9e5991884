//! The service provider behind any server that speaks in the types of the crate `http`.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use scim_protocol::Error;

use crate::answer::{Answer, Method, Request};
use crate::authenticate::Authenticate;
use crate::policy::Policy;
use crate::provider::answer;
use crate::wire::{check_media_type, path_below};

/// The SCIM endpoint of a service provider behind axum, hyper, or whatever else has requests and
/// responses of the crate `http`.
///
/// It is not async: it answers a request whose body was read, and may block while it does, so that
/// an async server runs it on a thread of its own. How long bodies may be is for the server to say,
/// as it reads them; what is longer than the limits of the service provider is answered 413.
///
/// ```
/// use http::{Request, StatusCode};
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{HttpEndpoint, MemoryStore, ServiceProvider};
///
/// let store = MemoryStore::new([ResourceDefinition::user()]);
/// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"a secret of the server");
/// let known = |token: &str| (token == "open sesame").then_some(());
/// let endpoint = HttpEndpoint::new("/v2", provider, known);
///
/// let request = Request::post("/v2/Users")
///     .header("Authorization", "Bearer open sesame")
///     .header("Content-Type", "application/scim+json")
///     .body(br#"{"userName": "ava"}"#)?;
/// let response = endpoint.answer(&request);
/// assert_eq!(response.status(), StatusCode::CREATED);
/// assert!(response.headers()["location"].to_str()?.starts_with("https://scim.example/v2/Users/"));
///
/// let stranger = endpoint.answer(&Request::get("/v2/Users").body("")?);
/// assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(stranger.headers()["www-authenticate"], "Bearer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpEndpoint<P, A> {
    path: String,
    policy: P,
    authenticate: A,
}

impl<P, A> HttpEndpoint<P, A>
where
    P: Policy<Caller = A::Caller>,
    A: Authenticate,
{
    /// The endpoint at a path, such as `/scim/v2`.
    pub fn new(path: &str, policy: P, authenticate: A) -> Self {
        Self {
            path: path.trim_end_matches('/').to_owned(),
            policy,
            authenticate,
        }
    }

    /// Answers a request. It may block.
    ///
    /// Nobody is answered who is not known. What failed in the service provider is not told to the
    /// client.
    pub fn answer<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Response<Vec<u8>> {
        let answered = self.ask(request);
        response(answered.unwrap_or_else(|error| Answer::from(&error)))
    }

    fn ask<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Result<Answer, Error> {
        let headers = request.headers();
        let shown = headers.get(header::AUTHORIZATION);
        let shown = shown.and_then(|value| value.to_str().ok());
        let caller = self.authenticate.authenticate(shown)?;
        let path = path_below(&self.path, request.uri().path())?;
        let method = method(request.method());
        let body = match method {
            Method::Post | Method::Put | Method::Patch => request.body().as_ref(),
            _ => &[],
        };
        if !body.is_empty() {
            check_media_type(headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes))?;
        }
        let (if_match, if_none_match) = (
            joined(headers, header::IF_MATCH),
            joined(headers, header::IF_NONE_MATCH),
        );
        let asked = Request {
            query: request.uri().query().unwrap_or_default(),
            body,
            if_match: if_match.as_deref(),
            if_none_match: if_none_match.as_deref(),
            ..Request::new(method, &path)
        };
        Ok(answer(&self.policy, &caller, &asked))
    }
}

fn method(method: &http::Method) -> Method {
    match *method {
        http::Method::GET | http::Method::HEAD => Method::Get,
        http::Method::POST => Method::Post,
        http::Method::PUT => Method::Put,
        http::Method::PATCH => Method::Patch,
        http::Method::DELETE => Method::Delete,
        _ => Method::Other,
    }
}

/// A header's lines as one list (RFC 7230 section 3.2.2).
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines = headers.get_all(name).into_iter();
    let lines: Vec<_> = lines
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

fn response(answer: Answer) -> Response<Vec<u8>> {
    let failed = answer.status >= 500 && answer.status != 501;
    let status = StatusCode::from_u16(answer.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    let retry_after = answer.retry_after.map(|seconds| seconds.to_string());
    // RFC 7235 section 3.1: a 401 says how to authenticate.
    let challenge = (status == StatusCode::UNAUTHORIZED).then(|| "Bearer".to_owned());
    let version = answer.version.as_ref().map(ToString::to_string);
    for (name, value) in [
        (header::LOCATION, answer.location.clone()),
        (header::ETAG, version),
        (header::ALLOW, answer.allow.map(str::to_owned)),
        (header::RETRY_AFTER, retry_after),
        (header::WWW_AUTHENTICATE, challenge),
    ] {
        let value = value.and_then(|value| HeaderValue::from_str(&value).ok());
        response
            .headers_mut()
            .extend(value.map(|value| (name, value)));
    }
    let body = match failed {
        true => Some(failure(answer.status).to_json().to_string()),
        false => answer.into_text(),
    };
    if let Some(body) = body {
        let kind = HeaderValue::from_static("application/scim+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        *response.body_mut() = body.into_bytes();
    }
    response
}

fn failure(status: u16) -> Error {
    let sentence = match status {
        503 => "The server is busy; try again later.",
        _ => "The server failed to process the request.",
    };
    Error::with_status(status, sentence)
}
