//! `/api/admin/v1`: extract, call, respond.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use scim_http::body;
use scim_http::deadline::{self, Unfinished};
use scim_http::request::Incoming;

use super::{ADMIN, Api, ApiAnswer, ApiRequest, Problem};
use crate::Administration;

/// The admin API.
pub(crate) fn routes(app: &mut web::ServiceConfig) {
    let pattern = format!("{ADMIN}{{tail:(/.*)?}}");
    app.route(&pattern, web::route().to(handle));
}

/// Answers a request to the admin API.
async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Administration>,
) -> HttpResponse {
    let incoming = Arc::new(Incoming::of(&request));
    let answer = answer(&request, payload, &shared, &incoming).await;
    respond(answer.unwrap_or_else(ApiAnswer::from), &incoming)
}

/// Nothing of a body is read before it is known who sends it.
async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    shared: &web::Data<Administration>,
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
    let refused = blocking(shared, incoming, move |api| {
        let (incoming, path, method) = given;
        let source = incoming.source();
        let request = api_request(&incoming, &method, &path, &[], source.as_deref());
        api.authenticate(&request).err().map(ApiAnswer::from)
    });
    if let Some(refused) = refused.await? {
        return Ok(throttled(refused, shared, incoming));
    }

    let body = body::read(request, payload, "", &shared.limits);
    let body = body.await.map_err(refuse)?;
    let given = Arc::clone(incoming);
    blocking(shared, incoming, move |api| {
        let source = given.source();
        api.answer(&api_request(
            &given,
            &method,
            &path,
            &body,
            source.as_deref(),
        ))
    })
    .await
}

/// The request as the admin API takes it.
fn api_request<'a>(
    incoming: &'a Incoming,
    method: &'a str,
    path: &'a str,
    body: &'a [u8],
    source: Option<&'a str>,
) -> ApiRequest<'a> {
    ApiRequest {
        method,
        path,
        query: &incoming.query,
        body,
        authorization: incoming.authorization.first().map(Vec::as_slice),
        if_match: incoming.if_match.as_deref(),
        source,
    }
}

/// Runs `work` on a thread that may block, and waits for it as long as a client does.
async fn blocking<T: Send + 'static>(
    shared: &web::Data<Administration>,
    incoming: &Incoming,
    work: impl FnOnce(&Api) -> T + Send + 'static,
) -> Result<T, Problem> {
    let theirs = shared.clone();
    let done = deadline::within(shared.patience, move || work(&theirs.api)).await;
    done.map_err(|unfinished| without_result(unfinished, incoming))
}

/// What is answered where there is no result.
fn without_result(unfinished: Unfinished, incoming: &Incoming) -> Problem {
    match unfinished {
        Unfinished::Late => {
            tracing::error!(request_id = %incoming.id, "the database does not answer in time");
            Problem::late(
                deadline::RETRY_AFTER,
                "The database does not answer in time; try again later.",
            )
        }
        Unfinished::Failed => {
            tracing::error!(request_id = %incoming.id, "the request ended in an internal error");
            Problem::new(500, "The server failed to carry this out.")
        }
    }
}

/// Failed authentications are counted together with those of SCIM.
fn throttled(answer: ApiAnswer, shared: &Administration, incoming: &Incoming) -> ApiAnswer {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn whoever_is_answered_too_late_is_told_when_to_come_again() {
        let incoming = Incoming::of(&TestRequest::default().to_http_request());
        let late = respond(
            without_result(Unfinished::Late, &incoming).into(),
            &incoming,
        );
        assert_eq!(late.status(), 503);
        assert_eq!(late.headers().get("retry-after").unwrap(), "5");
        let failed = respond(
            without_result(Unfinished::Failed, &incoming).into(),
            &incoming,
        );
        assert_eq!(failed.status(), 500);
        assert!(!failed.headers().contains_key("retry-after"));
    }
}
