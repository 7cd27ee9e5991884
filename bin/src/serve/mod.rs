//! `serve`: the HTTPS server.

pub(crate) mod address;
mod admin;
mod admission;
mod answer;
mod body;
mod console;
mod edge;
mod expect;
mod listener;
mod log;
mod outbound;
mod readiness;
pub(crate) mod record;
mod request;
mod sampling;
mod scim;
mod service;
mod signals;
mod start_text;
mod status;
mod throttle;
mod unread;

use std::collections::HashMap;
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, middleware, web};
use anyhow::Context;
use ipnet::IpNet;
use scim_provisioning::{Configuration, ConfigurationId};

use self::admission::Admission;
pub(crate) use self::admission::Bounds;
use self::outbound::Outbound;
use self::readiness::Readiness;
use self::sampling::Sampler;
pub(crate) use self::service::{Presented, Refusal, Service};
pub(crate) use self::throttle::Throttle;
use crate::console::openid::OpenId;
use crate::instance::{Instance, Retention};
use crate::settings::{Common, PublicUrl, ServeOptions};
use crate::tls::{self, CertificateFiles, ReloadingCertificate};

/// Serves until a signal says to stop.
///
/// # Errors
/// When the server cannot start.
pub(crate) fn run(common: &Common, options: ServeOptions) -> anyhow::Result<()> {
    log::install(options.log_format, &options.log_level)?;
    actix_web::rt::System::new().block_on(serve(common, options))
}

/// What every request handler needs.
pub(crate) struct Shared {
    service: Arc<dyn Service>,
    readiness: Readiness,
    throttle: Throttle,
    admission: Admission,
    /// Configurations that spoke, as they were when they did last, for the log of what is turned
    /// away before it is known who speaks.
    known: Mutex<HashMap<ConfigurationId, Arc<Configuration>>>,
    /// From where administrators come; from everywhere when it is empty.
    admin_networks: Vec<IpNet>,
    /// The proxies that say where their clients are.
    trusted_proxies: Vec<IpNet>,
    /// The log lines of what is refused.
    sampler: Sampler,
    /// The threads that ask the OpenID provider.
    outbound: Outbound,
}

impl Shared {
    fn know(&self, configuration: &Arc<Configuration>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(configuration.id, Arc::clone(configuration));
    }

    fn known(&self, id: ConfigurationId) -> Option<Arc<Configuration>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).map(Arc::clone)
    }

    /// Whether console and admin API answer this address at all.
    fn admits(&self, address: Option<IpAddr>) -> bool {
        let within = |address| self.admin_networks.iter().any(|net| net.contains(&address));
        self.admin_networks.is_empty() || address.is_some_and(within)
    }
}

async fn serve(common: &Common, options: ServeOptions) -> anyhow::Result<()> {
    let files = CertificateFiles::of(common, &options.tls)?;
    let listener = listener::bind(&options)?;
    let address = listener.local_addr()?;
    let local = || PublicUrl::local(address.port());
    let public_url = common.public_url.clone().unwrap_or_else(local);

    crate::instance::create_folder(&common.data_dir)?;
    files.prepare(&public_url)?;
    let certificate = Arc::new(ReloadingCertificate::open(files.clone())?);
    let instance = Instance::open(common, &public_url, options.database_connections)?;
    let openid = OpenId::of(&options.openid, &format!("{public_url}/admin"))?;
    let kept = |days: u32| Some(i64::from(days)).filter(|days| *days > 0);
    let retention = Retention {
        events: kept(options.event_retention_days),
        requests: kept(options.request_retention_days),
    };
    let backend: Arc<dyn Service> =
        Arc::new(instance.backend(options.limits.protocol(), openid, retention));
    let shared = web::Data::new(Shared {
        readiness: Readiness::of(Arc::clone(&backend))?,
        service: backend,
        throttle: Throttle::new(options.limits.failed_authentications(), throttle::MINUTE),
        admission: Admission::new(options.limits.bounds(options.database_connections)),
        known: Mutex::default(),
        admin_networks: options.admin_networks.clone(),
        trusted_proxies: options.trusted_proxies.clone(),
        sampler: Sampler::default(),
        outbound: Outbound::start()?,
    });

    let service = Arc::clone(&shared.service);
    let shared_service = Arc::clone(&service);
    let keeping = actix_web::rt::spawn(housekeep(Arc::clone(&service), shared.clone()));
    let signals = signals::Signals::install()?;
    let server = start(listener, Arc::clone(&certificate), shared)?;
    record::write(&common.data_dir, address, &public_url)?;
    let setup = shared_service.setup_secret()?;
    start_text::print(common, &public_url, &files, setup.as_deref())?;
    let stopping = actix_web::rt::spawn(signals.follow(server.handle(), certificate));
    let ended = server.await.context("the server failed");
    stopping.abort();
    keeping.abort();
    // What was counted meanwhile is written before the end.
    background(move || service.housekeep()).await;
    tracing::info!("stopped");
    ended
}

/// Does what time brings, again and again, and then what waits in the background, step by step:
/// between two steps the server can stop.
async fn housekeep(service: Arc<dyn Service>, shared: web::Data<Shared>) {
    loop {
        edge::summarize(&shared.sampler);
        let keeper = Arc::clone(&service);
        background(move || keeper.housekeep()).await;
        for _ in 0..LOOKS {
            loop {
                let worker = Arc::clone(&service);
                match background(move || worker.work()).await {
                    Some(true) => {}
                    _ => break,
                }
            }
            actix_web::rt::time::sleep(LOOK).await;
        }
    }
}

/// What came of work in the background; the log has what went wrong.
async fn background<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Option<T> {
    match web::block(work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            let reason = crate::output::sentence(&error);
            tracing::warn!(reason, "housekeeping failed");
            None
        }
        Err(error) => {
            tracing::error!(%error, "housekeeping was cut short");
            None
        }
    }
}

fn start(
    listener: TcpListener,
    certificate: Arc<ReloadingCertificate>,
    shared: web::Data<Shared>,
) -> anyhow::Result<actix_server::Server> {
    let config = tls::server_config(certificate);
    listener::start(listener, config, move || {
        App::new()
            .app_data(shared.clone())
            .wrap(middleware::from_fn(edge::guard))
            .configure(routes)
    })
}

/// Every route of the server.
fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::route().to(front))
        .route("/healthz", web::route().to(status::alive))
        .route("/readyz", web::route().to(status::ready))
        .route("/version", web::route().to(status::version))
        .route("/api/scim/v2{tail:(/.*)?}", web::route().to(scim::handle))
        .route("/api/admin/v1{tail:(/.*)?}", web::route().to(admin::handle))
        .route("/admin{tail:(/.*)?}", web::route().to(console::handle))
        .default_service(web::route().to(not_found));
}

/// People who know the host alone are led to the console.
async fn front(request: HttpRequest) -> HttpResponse {
    match request.method().is_safe() {
        true => HttpResponse::SeeOther()
            .insert_header((actix_web::http::header::LOCATION, crate::console::CONSOLE))
            .finish(),
        false => not_found(request).await,
    }
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    answer::problem(
        actix_web::http::StatusCode::NOT_FOUND,
        &format!(
            "There is nothing here; SCIM is served below {}.",
            edge::SCIM
        ),
        &request,
    )
}

/// How often somebody looks for work that waits, and how many times before the next housekeeping.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: usize = 10;

#[cfg(test)]
mod tests;
