//! The log, and beside it the traces that OpenTelemetry exports, where the build has it.

use scim_cli::{log, settings::ServeOptions};

#[cfg(feature = "opentelemetry")]
pub(super) fn install(options: &ServeOptions) -> anyhow::Result<impl Sized + use<>> {
    use super::PRODUCT;
    let mut exporting = None;
    log::install(options.log_format, &options.log_level, || {
        let started = scim_http::traces::Exporting::start(PRODUCT.name, PRODUCT.version);
        let (layer, started) = started
            .inspect_err(|error| tracing::warn!("no traces are exported: {error}"))
            .ok()??;
        exporting = Some(started);
        Some(layer)
    })?;
    Ok(exporting)
}

#[cfg(not(feature = "opentelemetry"))]
pub(super) fn install(options: &ServeOptions) -> anyhow::Result<impl Sized + use<>> {
    log::install(options.log_format, &options.log_level, || None)?;
    log::tell_of_no_traces();
    Ok(())
}
