//! `/api/admin/v1`: extract, call, respond.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::request::Incoming;
use super::{Service, Shared, body};
use crate::api::{ADMIN, ApiAnswer, Problem};

/// Answers a request to the admin API.
pub(crate) async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let incoming = Arc::new(Incoming::of(&request));
    let answer = answer(&request, payload, &shared, &incoming).await;
    respond(answer.unwrap_or_else(ApiAnswer::from), &incoming)
}

/// Nothing of a body is read before it is known who sends it.
async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
) -> Result<ApiAnswer, Problem> {
    if !shared.admits(incoming.address) {
        return Err(Problem::new(
            403,
            "The admin API is not reached from your network.",
        ));
    }
    let refuse = |error: scim_protocol::Error| Problem::new(error.status(), error.detail());
    let path = Arc::new(incoming.below(ADMIN).map_err(refuse)?);
    let method = Arc::new(request.method().as_str().to_owned());
    let given = (Arc::clone(incoming), Arc::clone(&path), Arc::clone(&method));
    let refused = blocking(shared, incoming, move |service| {
        let (incoming, path, method) = given;
        let source = incoming.source();
        service.admits(&incoming.api_request(&method, &path, &[], source.as_deref()))
    });
    if let Some(refused) = refused.await? {
        return Ok(throttled(refused, shared, incoming));
    }
    let limits = shared.service.limits();
    let body = body::read(request, payload, "", limits);
    let body = body.await.map_err(refuse)?;
    let given = Arc::clone(incoming);
    blocking(shared, incoming, move |service| {
        let source = given.source();
        service.administer(&given.api_request(&method, &path, &body, source.as_deref()))
    })
    .await
}

/// Runs `work` on a thread that may block. A panic there is that request's failure alone.
async fn blocking<T: Send + 'static>(
    shared: &web::Data<Shared>,
    incoming: &Incoming,
    work: impl FnOnce(&dyn Service) -> T + Send + 'static,
) -> Result<T, Problem> {
    let service = Arc::clone(&shared.service);
    let guarded = move || catch_unwind(AssertUnwindSafe(|| work(service.as_ref())));
    match web::block(guarded).await {
        Ok(Ok(done)) => Ok(done),
        _ => {
            tracing::error!(request_id = %incoming.id, "the request ended in an internal error");
            Err(Problem::new(500, "The server failed to carry this out."))
        }
    }
}

/// Failed authentications are counted together with those of SCIM.
fn throttled(answer: ApiAnswer, shared: &Shared, incoming: &Incoming) -> ApiAnswer {
    let failed = incoming.address.filter(|_address| answer.status == 401);
    let wait = failed.and_then(|address| shared.throttle.failure(address, Instant::now()));
    match wait {
        Some(wait) => {
            let seconds = wait.as_secs().saturating_add(1);
            let said = format!("Authentication failed too often; try again in {seconds} seconds.");
            ApiAnswer {
                retry_after: Some(seconds),
                ..Problem::new(429, said).into()
            }
        }
        None => answer,
    }
}

fn respond(answer: ApiAnswer, incoming: &Incoming) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status);
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    let location = answer.location.map(|below| format!("{ADMIN}{below}"));
    let challenge = answer
        .challenge
        .then(|| "Bearer realm=\"admin\"".to_owned());
    let headers = [
        (header::ETAG, answer.tag),
        (header::LOCATION, location),
        (header::ALLOW, answer.allow),
        (header::WWW_AUTHENTICATE, challenge),
        (
            header::RETRY_AFTER,
            answer.retry_after.map(|seconds| seconds.to_string()),
        ),
    ];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.insert_header((name, value));
        }
    }
    let Some(mut body) = answer.body else {
        return response.finish();
    };
    let media_type = match answer.problem {
        true => "application/problem+json",
        false => "application/json",
    };
    if let (true, Some(members)) = (answer.problem, body.as_object_mut()) {
        members.insert("requestId".to_owned(), incoming.id.clone().into());
    }
    response.content_type(media_type).body(body.to_string())
}
