//! `/healthz`, `/readyz` and `/version`.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::{Shared, answer};

/// Alive: the process answers.
pub(crate) async fn alive(request: HttpRequest) -> HttpResponse {
    read_only(&request, || json!({"status": "ok"}))
}

/// The version.
pub(crate) async fn version(request: HttpRequest) -> HttpResponse {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    read_only(&request, || json!({"name": name, "version": version}))
}

/// Ready: the database is reached and its schema is the binary's.
pub(crate) async fn ready(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let service = Arc::clone(&shared.service);
    let ready = match web::block(move || service.ready()).await {
        Ok(ready) => ready,
        Err(cancelled) => Err(cancelled.into()),
    };
    match ready {
        Ok(()) => read_only(&request, || json!({"status": "ready"})),
        Err(error) => {
            tracing::error!(reason = crate::output::sentence(&error), "not ready");
            answer::problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database cannot be reached.",
                &request,
            )
        }
    }
}

fn read_only(request: &HttpRequest, document: impl FnOnce() -> Value) -> HttpResponse {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return HttpResponse::Ok().json(document());
    }
    let detail = "Only GET and HEAD are possible here.";
    let mut refused = answer::problem(StatusCode::METHOD_NOT_ALLOWED, detail, request);
    let allow = header::HeaderValue::from_static("GET, HEAD");
    refused.headers_mut().insert(header::ALLOW, allow);
    refused
}
