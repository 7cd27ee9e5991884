//! The log on standard error.

use anyhow::Context;
use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, registry};

use crate::settings::LogFormat;

/// What is told of everything that happens.
pub type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// Installs the log, and beside it what else listens, if anything does. What that warns of while it
/// begins is logged as well.
///
/// # Errors
/// When the level is none.
pub fn install(
    format: LogFormat,
    level: &str,
    beside: impl FnOnce() -> Option<Listener>,
) -> anyhow::Result<()> {
    let log = written(format, &directives(level)).with_context(|| {
        format!("the log level {level:?} is none; error, warn, info and debug are levels")
    })?;
    let meanwhile = Dispatch::new(registry().with(written(format, "warn")?));
    let beside = tracing::dispatcher::with_default(&meanwhile, beside);
    let listeners: Vec<Listener> = beside.into_iter().chain([log]).collect();
    let installed = registry().with(listeners).try_init();
    installed.map_err(|error| anyhow::anyhow!("cannot install the log: {error}"))
}

/// Says that this build exports no traces, if the environment asks for them.
pub fn tell_of_no_traces() {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = ENDPOINTS.into_iter().find(is_set) {
        tracing::warn!(
            "{name} is set, but this build exports no traces; build it with the feature opentelemetry"
        );
    }
}

fn written(format: LogFormat, directives: &str) -> anyhow::Result<Listener> {
    let filter = EnvFilter::try_new(directives)?;
    let log = fmt::layer().with_writer(std::io::stderr);
    Ok(match format {
        LogFormat::Text => log.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_filter(filter)
            .boxed(),
    })
}

/// A bare level is for the project's own modules; libraries are heard when they warn. Of the exporter
/// of traces we say ourselves that it fails, once instead of at every attempt.
fn directives(level: &str) -> String {
    match level.parse::<LevelFilter>() {
        Ok(level) => {
            let ours = OURS.map(|module| format!("{module}={level}"));
            format!("warn,opentelemetry-otlp=error,{}", ours.join(","))
        }
        Err(_not_bare) => level.to_owned(),
    }
}

/// Where OpenTelemetry would send traces.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

const OURS: [&str; 9] = [
    "serviceops_scim",
    "scim_protocol",
    "scim_mapping",
    "scim_provisioning",
    "scim_admin",
    "scim_persistence",
    "scim_http",
    "scim_console",
    "scim_cli",
];
