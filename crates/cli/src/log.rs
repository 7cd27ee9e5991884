//! The log on standard error.

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::settings::LogFormat;

/// Installs the log.
///
/// # Errors
/// When the level is none.
pub fn install(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(directives(level)).with_context(|| {
        format!("the log level {level:?} is none; error, warn, info and debug are levels")
    })?;
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("cannot install the log: {error}"))
}

/// A bare level is for the project's own modules; libraries are heard when they warn.
fn directives(level: &str) -> String {
    match level.parse::<LevelFilter>() {
        Ok(level) => {
            let ours = OURS.map(|module| format!("{module}={level}"));
            format!("warn,{}", ours.join(","))
        }
        Err(_not_bare) => level.to_owned(),
    }
}

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
