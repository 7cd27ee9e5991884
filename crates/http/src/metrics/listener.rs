//! `/metrics`, on a listener of its own: plain HTTP, for the network of whoever operates the server.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};

use super::{Metrics, Reading};

/// What is read when somebody asks.
pub type Source = Arc<dyn Fn() -> Vec<Reading> + Send + Sync>;

/// What the handler needs.
#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    sources: Arc<[Source]>,
}

/// Serves `/metrics` and nothing else, below the `path` of the public URL as well where it has one.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    sources: Vec<Source>,
    path: &str,
) -> std::io::Result<Server> {
    let shared = Shared {
        metrics,
        sources: sources.into(),
    };
    let below = format!("{path}/metrics");
    let app = move || {
        App::new()
            .app_data(web::Data::new(shared.clone()))
            .route("/metrics", web::get().to(show))
            .route(&below, web::get().to(show))
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    Ok(server.listen(listener)?.run())
}

async fn show(shared: web::Data<Shared>) -> HttpResponse {
    let sources = Arc::clone(&shared.sources);
    // What is read asks the database.
    let read = web::block(move || sources.iter().flat_map(|source| source()).collect()).await;
    let text = read
        .ok()
        .map(|readings: Vec<_>| shared.metrics.render(readings));
    match text {
        Some(Ok(text)) => HttpResponse::Ok().content_type(OPEN_METRICS).body(text),
        _ => HttpResponse::InternalServerError().finish(),
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
