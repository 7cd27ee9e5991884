//! `healthcheck`: whether the server on this machine is ready.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use ureq::tls::{TlsConfig, TlsProvider};

use crate::output;
use crate::record::{self, Record, Socket};
use crate::settings::{Common, DEFAULT_LISTEN, Listen, listening_on_this_machine};

/// Options of `healthcheck`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the server listens [default: where it says so in the data directory]
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_LISTEN",
        value_name = "ADDR:PORT|unix:PATH,...",
        value_delimiter = ','
    )]
    listen: Vec<Listen>,
}

/// Asks `/readyz`.
///
/// # Errors
/// When the server cannot be reached or is not ready.
pub(crate) fn run(common: &Common, options: &Options) -> anyhow::Result<()> {
    let place = place(common, options)?;
    let status = match &place {
        Place::Address(address) => by_tls(*address),
        Place::Socket(socket) => by_socket(socket),
    };
    let status =
        status.with_context(|| format!("the server does not answer on {place}; is it running?"))?;
    match status {
        200 if common.json => output::json(&json!({"status": "ready"})),
        200 => output::line("ready"),
        status => bail!("the server on {place} is not ready (status {status}); see its log"),
    }
}

fn by_tls(address: SocketAddr) -> anyhow::Result<u16> {
    // The connection carries no secret, and the certificate is made for the public name.
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .disable_verification(true)
        .build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent();
    let answer = agent.get(format!("https://{address}/readyz")).call()?;
    Ok(answer.status().as_u16())
}

fn by_socket(socket: &Socket) -> anyhow::Result<u16> {
    let mut stream = UnixStream::connect(&socket.path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let origin = if socket.proxy_protocol { UNKNOWN } else { "" };
    write!(
        stream,
        "{origin}GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut line = String::new();
    BufReader::new(stream)
        .take(LONGEST_LINE)
        .read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.1 ");
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    status.context("what answers there speaks no HTTP")
}

/// Where a server is asked.
enum Place {
    Address(SocketAddr),
    Socket(Socket),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Socket(socket) => write!(formatter, "unix:{}", socket.path.display()),
        }
    }
}

/// The first address that is named, else the first socket; else where the server noted that it is.
fn place(common: &Common, options: &Options) -> anyhow::Result<Place> {
    let recorded = record::read(&common.data_dir);
    let noted = recorded.as_ref().and_then(Record::local_address);
    let socket = recorded.as_ref().and_then(Record::socket);
    let named = |listen: &Listen| match listen {
        Listen::Address(address) => Some(address.clone()),
        Listen::Socket(_) => None,
    };
    if let Some(listen) = options.listen.iter().find_map(named) {
        let address = listening_on_this_machine(&listen)?;
        return Ok(Place::Address(match noted {
            // Port 0 says nothing; the server noted what it became.
            Some(noted) if address.port() == 0 => noted,
            _ => address,
        }));
    }
    if let Some(Listen::Socket(path)) = options.listen.first() {
        return Ok(Place::Socket(Socket {
            path: path.clone(),
            proxy_protocol: socket.is_some_and(|noted| noted.proxy_protocol),
        }));
    }
    match (noted, socket) {
        (Some(address), _) => Ok(Place::Address(address)),
        (None, Some(socket)) => Ok(Place::Socket(socket.clone())),
        (None, None) => listening_on_this_machine(DEFAULT_LISTEN).map(Place::Address),
    }
}

/// What is said first where the PROXY protocol is spoken: the connection is nobody else's.
const UNKNOWN: &str = "PROXY UNKNOWN\r\n";
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_LINE: u64 = 256;
