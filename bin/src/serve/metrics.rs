//! What is measured, on a listener of its own.

use std::net::TcpListener;
use std::sync::Arc;

use actix_server::Server;
use actix_web::web;
use anyhow::Context;
use scim_admin::upkeep::Upkeep;
use scim_cli::certificate::not_after;
use scim_cli::host::Instance;
use scim_console::measures;
use scim_http::endpoint::Endpoint;
use scim_http::metrics::{self, BUILD, CERTIFICATE_END, Metrics, Reading, Source};

use crate::tls::ReloadingCertificate;

/// Where metrics come from.
pub(super) struct Sources {
    pub(super) path: String,
    pub(super) metrics: Arc<Metrics>,
    pub(super) endpoint: web::Data<Endpoint>,
    pub(super) upkeep: Arc<Upkeep>,
    /// What is presented, where anything is.
    pub(super) certificate: Option<Arc<ReloadingCertificate>>,
}

/// Serves metrics at an address.
///
/// # Errors
/// When it cannot be listened at.
pub(super) fn start(listen: &str, instance: &Instance, sources: Sources) -> anyhow::Result<Server> {
    let cannot = || {
        format!(
            "cannot listen on {listen}; stop what uses it or choose another with --metrics-listen"
        )
    };
    let listener = TcpListener::bind(listen).with_context(cannot)?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "metrics are served at /metrics, by plain HTTP");
    let Sources {
        path,
        metrics,
        endpoint,
        upkeep,
        certificate,
    } = sources;
    let (store, services) = (Arc::clone(&instance.store), instance.services.clone());
    let of_process = instance.services.clone();
    let sources: Vec<Source> = vec![
        Arc::new(move || endpoint.readings()),
        Arc::new(move || measures::of_store(&*store)),
        Arc::new(move || measures::of_process(&of_process, &upkeep)),
        Arc::new(move || of_server(certificate.as_deref())),
        Arc::new(move || measures::of_database(&services)),
    ];
    metrics::serve(listener, metrics, sources, &path).with_context(cannot)
}

fn of_server(certificate: Option<&ReloadingCertificate>) -> Vec<Reading> {
    let version = env!("CARGO_PKG_VERSION");
    let mut readings = vec![Reading::new(BUILD, 1.0).of("version", version)];
    if let Some(Ok(end)) = certificate.map(|one| not_after(&one.current())) {
        readings.push(Reading::new(CERTIFICATE_END, end.timestamp() as f64));
    }
    readings
}
