//! `/healthz`, `/readyz` and `/version`.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::readiness::Readiness;
use crate::{answer, edge};

/// The name and the version of the program.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The three routes, which need a [`Product`] and a [`Readiness`].
pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/healthz", web::route().to(alive))
        .route("/readyz", web::route().to(ready))
        .route("/version", web::route().to(version));
}

/// Alive: the process answers.
async fn alive(request: HttpRequest) -> HttpResponse {
    read_only(&request, || json!({"status": "ok"}))
}

/// The version.
async fn version(request: HttpRequest, product: web::Data<Product>) -> HttpResponse {
    let Product { name, version } = **product;
    read_only(&request, || json!({"name": name, "version": version}))
}

/// Ready: the database answers in time and takes writes, and the server is not about to stop.
async fn ready(request: HttpRequest, readiness: web::Data<Readiness>) -> HttpResponse {
    if edge::drains(&request) {
        return answer::problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is about to stop. What is sent meanwhile is served; send further requests to \
             another one.",
            &request,
        );
    }
    match readiness.fault().await {
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
