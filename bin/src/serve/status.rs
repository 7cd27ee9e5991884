//! `/healthz`, `/readyz` and `/version`.

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

/// Ready: the database answers in time and takes writes.
pub(crate) async fn ready(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    match shared.readiness.fault().await {
        None => read_only(&request, || json!({"status": "ready"})),
        Some(reason) => {
            tracing::error!(reason, "not ready");
            answer::problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database cannot be reached, or takes no writes.",
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
