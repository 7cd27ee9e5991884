//! The client: one for all threads, patient with a server that asks to wait, and measured.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use scim_client::{ClientError, Method, Request, Response, Transport, UreqTransport};
use serde_json::Value;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::dialect::Headers;

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// The HTTP method.
    pub(crate) method: Method,
    /// Path and query, after the base URL.
    pub(crate) path: String,
    /// The body, if it has one.
    pub(crate) body: Option<Value>,
}

impl Call {
    /// A request without a body.
    pub(crate) fn new(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            body: None,
        }
    }

    /// The same request with a body.
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// An answer whose status was expected.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body; null when there is none.
    pub(crate) body: Value,
    /// Whether a `Location` header came with it.
    pub(crate) has_location: bool,
}

impl Answer {
    /// The id of the resource in the body.
    pub(crate) fn id(&self) -> Option<&str> {
        self.body.get("id").and_then(Value::as_str)
    }
}

/// Why a request did not do what it was for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CallError {
    /// No answer came.
    #[error("{method} {path}: {source}")]
    Transport {
        /// The method of the request.
        method: &'static str,
        /// The path of the request.
        path: String,
        /// What went wrong.
        source: Box<ClientError<ureq::Error>>,
    },
    /// The answer has another status than the expected ones.
    #[error("{method} {path}: status {status}, {detail}")]
    Status {
        /// The method of the request.
        method: &'static str,
        /// The path of the request.
        path: String,
        /// The status of the answer.
        status: u16,
        /// What the server says about it.
        detail: String,
    },
    /// The answer cannot be understood.
    #[error("{method} {path}: status {status}, {problem}")]
    Unusable {
        /// The method of the request.
        method: &'static str,
        /// The path of the request.
        path: String,
        /// The status of the answer.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
}

/// Where the server is and how to speak to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The base URL, without a slash at its end.
    pub(crate) base: String,
    /// The bearer token.
    pub(crate) token: String,
    /// The headers of the dialect.
    pub(crate) headers: Headers,
    /// Which certificates are trusted.
    pub(crate) trust: Trust,
    /// How many connections are kept open.
    pub(crate) connections: usize,
}

/// Which server certificates are accepted.
#[derive(Debug)]
pub(crate) enum Trust {
    /// Every certificate.
    Anything,
    /// Those that chain to one of these.
    Roots(Vec<Certificate<'static>>),
}

impl Trust {
    /// Trusts the certificates of a PEM file.
    ///
    /// # Errors
    /// One sentence when the file cannot be read, or has no certificate in it.
    pub(crate) fn from_file(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let pem = std::fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
        let roots: Vec<Certificate<'static>> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if roots.is_empty() {
            return Err(format!("{shown} has no PEM certificate in it"));
        }
        Ok(Self::Roots(roots))
    }
}

/// What was measured since the last time that somebody asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    /// How long each answer took, repetitions each on their own.
    pub(crate) durations: Vec<Duration>,
    /// How many requests failed for good.
    pub(crate) failed: u64,
    /// How many requests were repeated because the server asked to wait.
    pub(crate) repeated: u64,
}

/// The client: it measures, and asks of answers what the RFC asks of them.
#[derive(Debug)]
pub(crate) struct Client {
    scim: scim_client::Client<Measured>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let tls = TlsConfig::builder();
        let tls = match &endpoint.trust {
            Trust::Anything => tls.disable_verification(true),
            Trust::Roots(roots) => tls.root_certs(RootCerts::Specific(Arc::new(roots.clone()))),
        };
        let mut config = UreqTransport::config()
            .max_idle_connections(endpoint.connections)
            .max_idle_connections_per_host(endpoint.connections)
            .tls_config(tls.build());
        if is_local(&endpoint.base) {
            config = config.proxy(None);
        }
        let transport = Measured {
            http: UreqTransport::new(config.build().new_agent()),
            samples: Mutex::default(),
            unanswered: AtomicU32::new(0),
        };
        let headers = endpoint.headers;
        let scim = scim_client::Client::new(transport, endpoint.base)
            .with_bearer_token(&endpoint.token)
            .with_header("user-agent", headers.user_agent)
            .with_header("accept", headers.accept)
            .with_media_type(headers.content_type);
        Self { scim }
    }

    /// Sends a request and gives the answer, if its status is one of `expected`.
    ///
    /// An answer of 429 or 503 is waited out and the request repeated, a few times.
    ///
    /// # Errors
    /// [`CallError`], when no answer came, or another one.
    pub(crate) fn call(&self, call: &Call, expected: &[u16]) -> Result<Answer, CallError> {
        let result = self.answer(call).and_then(|answer| {
            if expected.contains(&answer.status) {
                return Ok(answer);
            }
            Err(CallError::Status {
                method: call.method.as_str(),
                path: call.path.clone(),
                status: answer.status,
                detail: detail(&answer.body),
            })
        });
        if result.is_err() {
            self.scim.transport().samples().failed += 1;
        }
        result
    }

    /// Whether so many requests went unanswered that the server must be gone.
    pub(crate) fn is_cut_off(&self) -> bool {
        let unanswered = &self.scim.transport().unanswered;
        unanswered.load(Ordering::Relaxed) >= UNANSWERED
    }

    /// What was measured since the last time.
    pub(crate) fn take_samples(&self) -> Samples {
        std::mem::take(&mut *self.scim.transport().samples())
    }

    fn answer(&self, call: &Call) -> Result<Answer, CallError> {
        let sent = self
            .scim
            .send(call.method, &call.path, call.body.as_ref(), None);
        let response = sent.map_err(|error| CallError::Transport {
            method: call.method.as_str(),
            path: call.path.clone(),
            source: Box::new(error),
        })?;
        read(call, &response)
    }
}

/// Sends, and measures how long it takes.
#[derive(Debug)]
struct Measured {
    http: UreqTransport,
    samples: Mutex<Samples>,
    unanswered: AtomicU32,
}

impl Measured {
    fn samples(&self) -> std::sync::MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Measured {
    type Error = ureq::Error;

    fn send(&self, request: &Request) -> Result<Response, ureq::Error> {
        let started = Instant::now();
        let result = self.http.send(request);
        match &result {
            Ok(_) => {
                self.unanswered.store(0, Ordering::Relaxed);
                self.samples().durations.push(started.elapsed());
            }
            Err(_) => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            }
        }
        result
    }

    fn wait(&self, pause: Duration) {
        self.samples().repeated += 1;
        self.http.wait(pause);
    }
}

fn read(call: &Call, response: &Response) -> Result<Answer, CallError> {
    let status = response.status;
    let media_type = response.header("content-type").unwrap_or_default();
    let unusable = |problem: String| CallError::Unusable {
        method: call.method.as_str(),
        path: call.path.clone(),
        status,
        problem,
    };
    let body = if response.body.is_empty() {
        Value::Null
    } else if !is_scim(media_type) {
        // RFC 7644 section 3.1: answers are `application/scim+json`.
        return Err(unusable(format!("the answer is of type {media_type:?}")));
    } else {
        serde_json::from_slice(&response.body)
            .map_err(|error| unusable(format!("the answer is not JSON: {error}")))?
    };
    Ok(Answer {
        status,
        body,
        has_location: response.header("location").is_some(),
    })
}

fn is_scim(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/scim+json")
}

/// What an error answer says, as RFC 7644 section 3.12 has it.
fn detail(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (text("scimType"), text("detail")) {
        (Some(kind), Some(detail)) => format!("{kind}: {detail}"),
        (None, Some(detail)) => detail.to_owned(),
        (Some(kind), None) => kind.to_owned(),
        (None, None) => "without a detail".to_owned(),
    }
}

fn is_local(base: &str) -> bool {
    let host = base.parse::<Uri>().ok().and_then(|uri| {
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        Some(host)
    });
    host.is_some_and(|host| {
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

const UNANSWERED: u32 = 8;

#[cfg(test)]
mod tests;
