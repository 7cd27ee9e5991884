//! A service provider in memory, behind axum.
//! `provider-axum PORT TOKEN` serves it at `http://127.0.0.1:PORT/scim/v2`.
use std::env;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scim_protocol::{Limits, ResourceDefinition};
use scim_service::{Authenticate, HttpEndpoint, MemoryStore, Policy, ServiceProvider};

/// Reads the body, and answers on a thread that may block.
async fn answer<P, A>(endpoint: Arc<HttpEndpoint<P, A>>, request: Request) -> Response
where
    P: Policy<Caller = A::Caller> + 'static,
    A: Authenticate,
{
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, Limits::default().bulk_body).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = Request::from_parts(parts, body);
    let answered = tokio::task::spawn_blocking(move || endpoint.answer(&request)).await;
    answered.map_or_else(
        |_failed| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |response| response.map(Body::from),
    )
}

fn main() -> std::io::Result<()> {
    let [port, token] = [1, 2].map(|at| env::args().nth(at).unwrap_or_default());
    let base = format!("http://127.0.0.1:{port}/scim/v2");
    let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    let provider = ServiceProvider::new(store, &base, token.as_bytes());
    let known = move |sent: &str| (sent == token).then_some(());
    let endpoint = Arc::new(HttpEndpoint::new("/scim/v2", provider, known));
    let app =
        Router::new().fallback(move |request: Request| answer(Arc::clone(&endpoint), request));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        axum::serve(listener, app).await
    })
}
