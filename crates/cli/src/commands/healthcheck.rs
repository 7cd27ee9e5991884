//! `healthcheck`: whether the server on this machine is ready.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use ureq::tls::{TlsConfig, TlsProvider};

use crate::output;
use crate::record;
use crate::settings::{Common, listening_on_this_machine};

/// Options of `healthcheck`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the server listens [default: where it says so in the data directory]
    #[arg(long, env = "SERVICEOPS_SCIM_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<String>,
}

/// Asks `/readyz`.
///
/// # Errors
/// When the server cannot be reached or is not ready.
pub(crate) fn run(common: &Common, options: &Options) -> anyhow::Result<()> {
    let address = address(common, options)?;
    // The connection carries no secret, and the certificate is made for the public name.
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .disable_verification(true)
        .build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent();
    let answer = agent
        .get(format!("https://{address}/readyz"))
        .call()
        .with_context(|| format!("the server does not answer on {address}; is it running?"))?;
    match answer.status().as_u16() {
        200 if common.json => output::json(&json!({"status": "ready"})),
        200 => output::line("ready"),
        status => bail!("the server on {address} is not ready (status {status}); see its log"),
    }
}

fn address(common: &Common, options: &Options) -> anyhow::Result<SocketAddr> {
    let recorded = record::read(&common.data_dir).map(|record| record.local_address());
    match (&options.listen, recorded) {
        (Some(listen), recorded) => {
            let address = listening_on_this_machine(listen)?;
            Ok(match recorded {
                // Port 0 says nothing; the server noted what it became.
                Some(recorded) if address.port() == 0 => recorded,
                _ => address,
            })
        }
        (None, Some(recorded)) => Ok(recorded),
        (None, None) => listening_on_this_machine(crate::settings::DEFAULT_LISTEN),
    }
}
