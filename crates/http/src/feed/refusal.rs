//! Why a receiver is told nothing, and how it is told so.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use scim_feed::FeedError;
use scim_service::StoreError;
use serde_json::json;

use super::FEED;
use crate::deadline;
use crate::error::describe_error;
use crate::request::id_of;

/// Why a receiver is told nothing.
#[derive(Debug)]
pub(super) enum Refusal {
    Unknown,
    TooOften(Duration),
    /// The stream has as many requests under way as it may have.
    TooMany,
    Query(String),
    Feed(FeedError),
    Late,
    Failed,
    /// The stream has its changes in another way.
    Kind,
    /// The body of a request cannot be read.
    Body(scim_protocol::Error),
    NotFound,
    Method(&'static str),
}

impl From<FeedError> for Refusal {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Feed(error.into())
    }
}

/// A problem (RFC 9457), whose type names what a receiver is to do.
pub(super) fn refuse(refusal: Refusal, request: &HttpRequest) -> HttpResponse {
    let mut kind = "about:blank";
    let mut wait = None;
    let mut allowed = None;
    let (status, detail) = match refusal {
        Refusal::Unknown => (
            StatusCode::UNAUTHORIZED,
            "The key of a stream is needed as a bearer token.".to_owned(),
        ),
        Refusal::TooOften(left) => {
            wait = Some(left.as_secs().saturating_add(1));
            let detail = "Authentication failed too often; try again later.";
            (StatusCode::TOO_MANY_REQUESTS, detail.to_owned())
        }
        Refusal::TooMany => {
            wait = Some(1);
            let detail = "The stream has too many requests under way; let one be answered first.";
            (StatusCode::TOO_MANY_REQUESTS, detail.to_owned())
        }
        Refusal::NotFound => (
            StatusCode::NOT_FOUND,
            format!(
                "There is nothing here; the feed has {FEED}/changes, {FEED}/poll, {FEED}/snapshot \
                 and {FEED}/jwks."
            ),
        ),
        Refusal::Method(method) => {
            allowed = Some(method);
            let detail = format!("What is here is asked for with {method}.");
            (StatusCode::METHOD_NOT_ALLOWED, detail)
        }
        Refusal::Kind => (
            StatusCode::FORBIDDEN,
            "The stream of this key has its changes in another way: one that is read at \"changes\", \
             one of security events at \"poll\"."
                .to_owned(),
        ),
        Refusal::Body(error) => {
            let status = StatusCode::from_u16(error.status());
            let detail = error.detail().to_owned();
            (status.unwrap_or(StatusCode::BAD_REQUEST), detail)
        }
        Refusal::Query(detail) => (StatusCode::BAD_REQUEST, detail),
        Refusal::Feed(FeedError::SnapshotRequired) => {
            kind = "feed.snapshot-required";
            let detail = "What is behind this position is not kept. Take a snapshot and go on from \
                          its position.";
            (StatusCode::GONE, detail.to_owned())
        }
        Refusal::Feed(FeedError::Paused) => {
            kind = "feed.stream-paused";
            let detail = "An administrator paused the stream. What changes meanwhile is kept.";
            (StatusCode::CONFLICT, detail.to_owned())
        }
        Refusal::Feed(error) => {
            let reason = describe_error(&error);
            let request_id = id_of(request);
            tracing::error!(request_id, reason, "the feed could not be read");
            wait = Some(match &error {
                FeedError::Store(fault) => fault.retry_after().map_or(5, u64::from),
                _ => 5,
            });
            (StatusCode::SERVICE_UNAVAILABLE, BUSY.to_owned())
        }
        Refusal::Late => {
            wait = Some(u64::from(deadline::RETRY_AFTER));
            (StatusCode::SERVICE_UNAVAILABLE, BUSY.to_owned())
        }
        Refusal::Failed => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed to process the request.".to_owned(),
        ),
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if let Some(method) = allowed {
        response.insert_header((header::ALLOW, method));
    }
    if let Some(seconds) = wait {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    let body = json!({
        "type": kind,
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "requestId": id_of(request),
    });
    response
        .content_type("application/problem+json")
        .body(body.to_string())
}

const BUSY: &str = "The server is busy or the database cannot be reached; try again later.";
