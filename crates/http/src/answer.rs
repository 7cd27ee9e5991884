//! Answers as HTTP responses.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use scim_protocol::Error;
use scim_service::Answer;
use serde_json::json;

use crate::deadline::RETRY_AFTER;
use crate::request::id_of;
use crate::service::Refusal;

/// An answer whose body is written out already.
#[derive(Debug, Default)]
pub struct Reply {
    status: u16,
    body: Option<Vec<u8>>,
    headers: Vec<(HeaderName, String)>,
}

impl Reply {
    /// The reply that carries an answer. What failed in the server is not told to the client, but
    /// under which id the log has it.
    pub fn new(answer: Answer, request_id: &str) -> Self {
        let failed = answer.status >= 500 && answer.status != 501;
        let body = match failed {
            true => Some(failure(answer.status, request_id).to_json()),
            false => answer.body,
        };
        let retry_after = answer.retry_after.map(|seconds| seconds.to_string());
        let headers = [
            (header::LOCATION, answer.location),
            (
                header::ETAG,
                answer.version.map(|version| version.to_string()),
            ),
            (header::ALLOW, answer.allow.map(str::to_owned)),
            (header::RETRY_AFTER, retry_after),
        ];
        let headers = headers.into_iter();
        Self {
            status: answer.status,
            body: match answer.written.filter(|_| !failed) {
                Some(written) => Some(written.into_bytes()),
                None => body.map(|body| body.to_string().into_bytes()),
            },
            headers: headers
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        }
    }

    /// The reply that carries an error.
    pub fn error(error: &Error) -> Self {
        Self::new(Answer::from(error), "")
    }

    /// 500, for what must not happen.
    pub fn internal(request_id: &str) -> Self {
        Self::new(Answer::empty(500), request_id)
    }

    /// The reply to somebody who could not be authenticated.
    pub fn refused(refusal: Refusal, request_id: &str) -> Self {
        let error = Error::with_status(refusal.status, refusal.detail);
        if let Some(seconds) = refusal.retry_after {
            // Nothing failed: the client is told why it is to come back.
            let told = Self {
                status: refusal.status,
                body: Some(error.to_json().to_string().into_bytes()),
                headers: Vec::new(),
            };
            return told.with(header::RETRY_AFTER, &seconds.to_string());
        }
        let reply = Self::new(Answer::from(&error), request_id);
        if let Some(challenge) = refusal.challenge {
            return reply.with(header::WWW_AUTHENTICATE, challenge);
        }
        reply
    }

    /// 429 with whole seconds (RFC 7231 section 7.1.3 also knows dates, which clients do not read).
    pub fn too_many_failures(seconds: u64) -> Self {
        let detail = format!("Authentication failed too often; try again in {seconds} seconds.");
        let reply = Self::error(&Error::with_status(429, detail));
        reply.with(header::RETRY_AFTER, &seconds.to_string())
    }

    /// 429 to a configuration that asks for too much, with whole seconds.
    pub fn too_many(detail: &str, seconds: u64) -> Self {
        let reply = Self::error(&Error::with_status(429, detail));
        reply.with(header::RETRY_AFTER, &seconds.to_string())
    }

    /// 503, for more than can be queued.
    pub fn busy(request_id: &str) -> Self {
        let answer = Answer {
            retry_after: Some(1),
            ..Answer::empty(503)
        };
        Self::new(answer, request_id)
    }

    /// 503, for what a database does not answer in time.
    pub(crate) fn late(request_id: &str) -> Self {
        let answer = Answer {
            retry_after: Some(RETRY_AFTER),
            ..Answer::empty(503)
        };
        Self::new(answer, request_id)
    }

    /// Adds a header.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The response.
    pub fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.insert_header((name, value));
            }
        }
        match self.body {
            Some(body) => response.content_type(SCIM_JSON).body(body),
            None => response.finish(),
        }
    }
}

/// An error outside SCIM (RFC 7807).
pub fn problem(status: StatusCode, detail: &str, request: &HttpRequest) -> HttpResponse {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "requestId": id_of(request),
    });
    HttpResponse::build(status)
        .content_type("application/problem+json")
        .body(body.to_string())
}

fn failure(status: u16, request_id: &str) -> Error {
    let sentence = match status {
        503 => "The server is busy or the database cannot be reached; try again later.",
        _ => "The server failed to process the request.",
    };
    Error::with_status(status, format!("{sentence} Request id: {request_id}"))
}

const SCIM_JSON: &str = "application/scim+json";
