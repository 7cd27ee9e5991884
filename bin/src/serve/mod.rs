//! `serve`: the HTTPS server.

mod metrics;
mod traces;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_server::ServerHandle;
use actix_web::rt::task::JoinHandle;
use actix_web::{App, middleware, web};
use anyhow::Context;
use chrono::TimeDelta;
use scim_admin::AdminStore;
use scim_admin::Deliverer;
use scim_admin::requests::RequestCounts;
use scim_admin::safekeeping::Upgraded;
use scim_admin::upkeep::Upkeep;
use scim_cli::certificate::{CertificateFiles, not_after};
use scim_cli::host::{Host as _, Instance};
use scim_cli::settings::{Common, DEFAULT_PORT, PublicUrl, ServeOptions};
use scim_cli::{manager, record, start_text};
use scim_console::Administration;
use scim_console::api::ADMIN;
use scim_console::console::CONSOLE;
use scim_console::console::openid::OpenId;
use scim_console::serving::{
    Backend, Delivering, Mailing, SmtpPostman, background, keep_up, note_look_ups, routes,
};
use scim_http::admission::Bounds;
use scim_http::edge::{self, Edge};
use scim_http::endpoint::Endpoint;
use scim_http::feed::{FEED, FeedEndpoint, HttpsCourier};
use scim_http::listener::{self, Balancers, Listeners};
use scim_http::local::LocalSocket;
use scim_http::readiness::Readiness;
use scim_http::status::Product;
use scim_http::stopping::Signals;
use scim_http::throttle::{self, Throttle};
use scim_provisioning::StoreError;

use crate::instance;
use crate::tls::{self, ReloadingCertificate};

/// Serves until a signal says to stop.
///
/// # Errors
/// When the server cannot start.
pub(crate) fn run(common: &Common, options: ServeOptions) -> anyhow::Result<()> {
    let _exporting = traces::install(&options)?;
    actix_web::rt::System::new().block_on(serve(common, options))
}

async fn serve(common: &Common, options: ServeOptions) -> anyhow::Result<()> {
    let files = CertificateFiles::of(common, &options.tls)?;
    options.check(common)?;
    let listeners = listen(&options)?;
    let address = match listeners.tls.first() {
        Some(listener) => Some(listener.local_addr()?),
        None => None,
    };
    let local = || PublicUrl::local(address.map_or(DEFAULT_PORT, |address| address.port()));
    let public_url = common.public_url.clone().unwrap_or_else(local);

    instance::create_folder(&common.data_dir)?;
    files.prepare(&public_url)?;
    let certificate = Arc::new(ReloadingCertificate::open(files.clone())?);
    if !options.no_migrate {
        let waits = &mut || tracing::warn!("waiting for who brings the tables to another version");
        let upgraded = instance::Program.upgrade(common, UPGRADE_PATIENCE, waits)?;
        if !upgraded.applied.is_empty() {
            let Upgraded { applied, version } = upgraded;
            tracing::info!(
                applied = applied.len(),
                version,
                "the tables were brought to this version"
            );
        }
    }
    let (connections, limits) = (options.database_connections, options.limits.protocol());
    let (instance, keys) = instance::open(common, &public_url, connections, limits)?;
    let silence = TimeDelta::minutes(i64::from(options.cycle_silence_minutes));
    instance.services.provider.set_cycle_silence(silence);
    let requests = Arc::new(RequestCounts::default());
    let upkeep = Upkeep::new(
        instance.services.clone(),
        Arc::clone(&requests),
        options.retention(),
    );
    // At sockets alone the certificate is that of the proxy.
    let presented = address.map(|_address| Arc::clone(&certificate));
    let watched = presented.clone();
    let upkeep = upkeep.watching(move || not_after(&watched.as_ref()?.current()).ok());
    let upkeep = Arc::new(upkeep);
    let courier = HttpsCourier::new(
        options.feed_allow_networks.clone(),
        options.feed_ca.as_deref(),
    )?;
    let deliverer = Deliverer::new(
        instance.services.clone(),
        Arc::clone(&instance.deliveries),
        Arc::clone(&keys),
        Arc::new(courier),
    );
    let backend = Backend::new(
        Arc::clone(&instance.store),
        keys,
        &instance.services,
        requests,
    );
    let data = Data::new(&options, &instance, backend, &public_url)?;
    let setup = data.administration.setup_secret()?;
    let measuring = measuring(&options, &instance, &data, &upkeep, presented)?;

    let keeping = actix_web::rt::spawn(keep_up(Arc::clone(&upkeep), data.edge.clone()));
    let noting = actix_web::rt::spawn(note_look_ups(Arc::clone(&upkeep)));
    let delivering = Delivering::start(deliverer).context("cannot start a thread")?;
    let mailing = mailing(&options, &upkeep, &public_url)?;
    let signals = Signals::install().context("cannot handle signals")?;
    let draining = data.edge.draining.clone();
    let balancers = Balancers {
        networks: options.balancers().into(),
        local: options.proxy_protocol,
    };
    let server = start(listeners, Arc::clone(&certificate), balancers, data)?;
    let socket = options.sockets().next().map(|path| record::Socket {
        path: path.to_owned(),
        proxy_protocol: options.proxy_protocol,
    });
    record::write(&common.data_dir, address, socket, &public_url)?;
    start_text::print(common, &options, &public_url, &files, setup.as_deref())?;
    manager::tell_ready();
    let reload = move || certificate.reload_and_tell();
    let following = signals.follow(server.handle(), draining, options.drain(), reload);
    let stopping = actix_web::rt::spawn(following);
    let gone = Arc::new(OnceLock::new());
    let (store, noted) = (Arc::clone(&instance.store), Arc::clone(&gone));
    let watching = actix_web::rt::spawn(stop_beside_another(store, server.handle(), noted));
    let ended = server.await.context("the server failed");
    drop(delivering);
    drop(mailing);
    stopping.abort();
    keeping.abort();
    if let Some(measuring) = measuring {
        measuring.abort();
    }
    noting.abort();
    watching.abort();
    if let Some(error) = gone.get().cloned() {
        return Err(anyhow::Error::new(error).context(GONE));
    }
    // What was counted meanwhile is written before the end.
    background(move || upkeep.run()).await;
    tracing::info!("stopped");
    ended
}

/// Writes to people about alerts, if somebody asked for it.
fn mailing(
    options: &ServeOptions,
    upkeep: &Upkeep,
    public_url: &PublicUrl,
) -> anyhow::Result<Option<Mailing>> {
    let Some(settings) = options.mail.settings() else {
        return Ok(None);
    };
    let postman = SmtpPostman::new(&settings, public_url.host())?;
    let mailer = upkeep.mailer(Arc::new(postman), public_url.console());
    let mailing = Mailing::start(mailer).context("cannot start a thread")?;
    Ok(Some(mailing))
}

/// Takes every place where the server listens.
fn listen(options: &ServeOptions) -> anyhow::Result<Listeners> {
    let cannot = |place: &str| {
        format!("cannot listen on {place}; stop what uses it or choose another with --listen")
    };
    let mut listeners = Listeners::default();
    for address in options.addresses() {
        let listener = listener::bind(address, !options.listens_by_default());
        listeners
            .tls
            .push(listener.with_context(|| cannot(address))?);
    }
    for path in options.sockets() {
        let socket = LocalSocket::bind(path);
        let cannot = || cannot(&format!("unix:{}", path.display()));
        listeners.local.push(socket.with_context(cannot)?);
    }
    Ok(listeners)
}

/// Serves metrics, if somebody asked for it.
fn measuring(
    options: &ServeOptions,
    instance: &Instance,
    data: &Data,
    upkeep: &Arc<Upkeep>,
    certificate: Option<Arc<ReloadingCertificate>>,
) -> anyhow::Result<Option<JoinHandle<std::io::Result<()>>>> {
    let (Some(listen), Some(metrics)) = (&options.metrics_listen, &data.edge.metrics) else {
        return Ok(None);
    };
    let sources = metrics::Sources {
        path: data.edge.path.clone(),
        metrics: Arc::clone(metrics),
        endpoint: data.endpoint.clone(),
        upkeep: Arc::clone(upkeep),
        certificate,
    };
    let server = metrics::start(listen, instance, sources)?;
    Ok(Some(actix_web::rt::spawn(server)))
}

/// What the request handlers need.
#[derive(Clone)]
struct Data {
    edge: web::Data<Edge>,
    endpoint: web::Data<Endpoint>,
    feed: web::Data<FeedEndpoint>,
    administration: web::Data<Administration>,
    readiness: web::Data<Readiness>,
}

impl Data {
    fn new(
        options: &ServeOptions,
        instance: &Instance,
        backend: Backend,
        public_url: &PublicUrl,
    ) -> anyhow::Result<Self> {
        let failures = options.limits.failed_authentications();
        let throttle = Arc::new(Throttle::new(failures, throttle::MINUTE));
        let (at_once, share) = options
            .limits
            .at_once_and_share(options.database_connections);
        let bounds = Bounds {
            at_once,
            share,
            rate: options.limits.rate(),
            bytes: options.limits.held_bytes(),
        };
        let openid = options.openid.settings();
        let openid = openid.map(|settings| OpenId::new(&settings, &public_url.console()));
        let administration = Administration::new(
            &instance.services,
            &instance.scim_endpoint,
            openid.transpose()?.map(Arc::new),
            Arc::clone(&throttle),
            options.admin_networks.clone(),
        );
        let administration = administration.context("cannot start a thread")?;
        let patience = options.limits.patience();
        let feed = instance.services.feed.clone();
        let feed = FeedEndpoint::new(
            feed,
            scim_admin::api_key::hash_of_stream,
            Arc::clone(&throttle),
        );
        let store = Arc::clone(&instance.store);
        let service = Arc::new(backend) as _;
        Ok(Self {
            edge: web::Data::new(Edge {
                trusted_proxies: options.trusted_proxies.clone(),
                named_by_words: &[ADMIN, CONSOLE, FEED],
                metrics: options.metrics_listen.is_some().then(Arc::default),
                path: public_url.path().to_owned(),
                server: Some((public_url.host().to_owned(), public_url.port())),
                ..Edge::default()
            }),
            endpoint: web::Data::new(
                Endpoint::new(service, throttle, bounds).with_patience(patience),
            ),
            feed: web::Data::new(feed.with_patience(patience)),
            administration: web::Data::new(administration.with_patience(patience)),
            readiness: web::Data::new(Readiness::start(move || store.ready())?),
        })
    }
}

/// Stops at once when another database, or none, stands in the place of the one that was opened:
/// it writes nothing there, and what it would go on to read is not what is there.
async fn stop_beside_another(
    store: Arc<dyn AdminStore>,
    server: ServerHandle,
    gone: Arc<OnceLock<StoreError>>,
) {
    loop {
        actix_web::rt::time::sleep(LOOK).await;
        let store = Arc::clone(&store);
        if let Ok(Err(error)) = web::block(move || store.check_in_place()).await {
            // Nobody else sets it.
            let _first = gone.set(error);
            // Who is being served is answered that it was not done.
            server.stop(true).await;
            return;
        }
    }
}

fn start(
    listeners: Listeners,
    certificate: Arc<ReloadingCertificate>,
    balancers: Balancers,
    data: Data,
) -> anyhow::Result<actix_server::Server> {
    let config = tls::server_config(certificate);
    let server = listener::start(listeners, config, balancers, move |stopping| {
        App::new()
            .app_data(stopping)
            .app_data(data.edge.clone())
            .app_data(data.endpoint.clone())
            .app_data(data.feed.clone())
            .app_data(data.administration.clone())
            .app_data(data.readiness.clone())
            .app_data(web::Data::new(PRODUCT))
            .wrap(middleware::from_fn(edge::guard))
            .configure(routes)
    });
    server.context("cannot use the listening sockets")
}

/// What is told when the database was replaced.
const GONE: &str = "stopped; put the right database in its place and start again";
/// How long a start waits for another program that brings the tables to its version.
const UPGRADE_PATIENCE: Duration = Duration::from_secs(600);
/// How often somebody looks whether the database is in its place.
const LOOK: Duration = Duration::from_secs(1);

const PRODUCT: Product = Product {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

#[cfg(test)]
mod tests;
