//! Traces, exported by OTLP over HTTP to where the environment says.
//!
//! All settings are the environment variables that OpenTelemetry's specification names; with no
//! endpoint in them, nothing is exported. Spans are kept in a queue of bounded length and sent by a
//! thread of their own: a collector that is slow or away costs spans, and no request anything.

use std::env;
use std::future::{Future, ready};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName};
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use scim_service::{Environment, SystemEnvironment};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::{Layer, Registry};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::authorities::{AuthorityError, certificates};
use crate::spans::Trace;

/// What takes spans from the subscriber.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Exports until it is dropped; what is left then is sent within [`FLUSH`].
pub struct Exporting(SdkTracerProvider);

/// Why no traces are exported.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// A variable of the environment does not fit.
    #[error(transparent)]
    Settings(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The certificates of the collector's authority cannot be used.
    #[error(transparent)]
    Authorities(#[from] AuthorityError),
    /// Something else than OTLP is asked for.
    #[error("OTEL_TRACES_EXPORTER is {0:?}, and traces are exported by otlp alone")]
    Exporter(String),
}

impl Exporting {
    /// Begins to export what the layer takes, if the environment names an endpoint: in the name of
    /// this program and its version, where the environment gives no other.
    ///
    /// # Errors
    /// [`TracesError`].
    pub fn start(
        name: &'static str,
        version: &'static str,
    ) -> Result<Option<(SpanLayer, Self)>, TracesError> {
        if !is_asked_for()? {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new()?)
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(name, version))
            .with_batch_exporter(Told::new(exporter))
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(name))
            // Nothing that the spans do not say themselves.
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        let ours = |metadata: &Metadata<'_>| {
            metadata.is_span() && metadata.target().starts_with(crate::spans::TARGETS)
        };
        let within = move |metadata: &Metadata<'_>, context: &Context<'_, Registry>| {
            let alone = *metadata.level() <= Level::INFO;
            ours(metadata) && (alone || context.lookup_current().is_some())
        };
        let filter = dynamic_filter_fn(within)
            .with_max_level_hint(LevelFilter::DEBUG)
            .with_callsite_filter(move |metadata| match ours(metadata) {
                true => tracing::subscriber::Interest::sometimes(),
                false => tracing::subscriber::Interest::never(),
            });
        Ok(Some((layer.with_filter(filter).boxed(), Self(provider))))
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

fn is_asked_for() -> Result<bool, TracesError> {
    if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(false);
    }
    if ENDPOINTS.into_iter().all(|name| variable(name).is_none()) {
        return Ok(false);
    }
    match variable("OTEL_TRACES_EXPORTER") {
        None => Ok(true),
        Some(named) if named == "none" => Ok(false),
        Some(named) if named.split(',').any(|one| one.trim() == "otlp") => Ok(true),
        Some(named) => Err(TracesError::Exporter(named)),
    }
}

/// What says of a variable that it is empty says that it is not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who exports: what the environment says of it, and else this.
fn resource(name: &'static str, version: &'static str) -> Resource {
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", name),
            KeyValue::new("service.version", version),
            KeyValue::new("service.instance.id", SystemEnvironment.uuid().to_string()),
        ])
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match variable("OTEL_SERVICE_NAME") {
        Some(name) => resource.with_service_name(name).build(),
        None => resource.build(),
    }
}

/// An exporter of which the log says once that it fails, and once that it does not any more.
#[derive(Debug)]
struct Told {
    exporter: SpanExporter,
    /// How many spans were lost since it fails.
    lost: AtomicU64,
}

impl Told {
    fn new(exporter: SpanExporter) -> Self {
        Self {
            exporter,
            lost: AtomicU64::new(0),
        }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        match self.exporter.export(batch).await {
            Ok(()) => match self.lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => tracing::info!(lost, "traces are exported again"),
            },
            Err(error) => {
                if self.lost.fetch_add(spans, Ordering::Relaxed) == 0 {
                    tracing::warn!(%error, "traces cannot be exported, and are lost until they can");
                }
            }
        }
        // It was told.
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Speaks to the collector, on the thread that exports.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Result<Self, AuthorityError> {
        let file = FILES.into_iter().find_map(variable).map(PathBuf::from);
        let roots = match file {
            Some(file) => RootCerts::Specific(Arc::new(certificates(&file)?)),
            None => RootCerts::WebPki,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .build();
        let patience = TIMEOUTS
            .into_iter()
            .find_map(|name| variable(name)?.parse().ok())
            .map_or(PATIENCE, Duration::from_millis);
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(patience))
            .build();
        Ok(Self(config.new_agent()))
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, &*body))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(READ).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

impl HttpClient for Client {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(ready(self.send(request)))
    }
}

/// The trace of a span, if anybody follows it.
pub(crate) fn trace_of(span: &Span) -> Option<Trace> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| {
        let (trace_id, flags) = (
            context.trace_id().to_string(),
            context.trace_flags().to_u8(),
        );
        let parent = format!("00-{trace_id}-{}-{flags:02x}", context.span_id());
        Trace { trace_id, parent }
    })
}

/// Gives a span that has begun another name.
pub(crate) fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Has a span go on with the trace that a request belongs to, if whoever says so is believed. Where
/// they are not, their trace is a link of one of our own: else anybody could have everything
/// recorded, or write into the traces of others.
pub(crate) fn continue_trace(span: &Span, request: &ServiceRequest, believed: bool) {
    if span.is_disabled() {
        return;
    }
    let nothing = opentelemetry::Context::new();
    let headers = Headers(request.headers());
    let context = TraceContextPropagator::new().extract_with_context(&nothing, &headers);
    let theirs = context.span().span_context().clone();
    match theirs.is_valid() {
        // It was not begun before.
        true if believed => drop(span.set_parent(context)),
        true => span.add_link(theirs),
        false => {}
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Where traces are sent to.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// The certificates of the authority that vouches for the collector.
const FILES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
];
/// How many milliseconds the collector has for an answer.
const TIMEOUTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes of an answer are read.
const READ: u64 = 64 << 10;
/// How long the end of the process waits for the last traces: less than what is left of the time
/// to stop when the last request has used up its own.
pub const FLUSH: Duration = Duration::from_millis(1_500);
