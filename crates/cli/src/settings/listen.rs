//! Where the server listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;

/// A place where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port, by TLS.
    Address(String),
    /// A socket of this machine, by plain HTTP for the reverse proxy beside the server.
    Socket(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(path) = text.strip_prefix(UNIX) else {
            return listen_address(text).map(Self::Address);
        };
        match path.starts_with('/') && !path.ends_with('/') {
            true => Ok(Self::Socket(path.into())),
            false => Err("a socket has a whole path, such as unix:/run/scim/http.sock".to_owned()),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => formatter.write_str(address),
            Self::Socket(path) => write!(formatter, "{UNIX}{}", path.display()),
        }
    }
}

/// Checks `ADDR:PORT`; the address may be a host name.
pub(super) fn listen_address(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("a port is missing")?;
    let _: u16 = port
        .parse()
        .map_err(|_error| format!("{port:?} is no port"))?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bare {
        _ if host.is_empty() => Err("an address is missing; 0.0.0.0 means every one".to_owned()),
        None if host.contains(':') => Err(format!(
            "an IPv6 address stands in brackets: [{host}]:{port}"
        )),
        _ => Ok(text.to_owned()),
    }
}

/// The address under which this machine reaches a server that listens there.
///
/// # Errors
/// When the address cannot be resolved.
pub fn listening_on_this_machine(listen: &str) -> anyhow::Result<SocketAddr> {
    let resolved = listen.to_socket_addrs().ok().and_then(|mut all| all.next());
    let address = resolved.with_context(|| format!("{listen} is no address and port"))?;
    Ok(reachable(address))
}

/// The loopback address in place of the one that means every address.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        // A socket for both families is reached by the one that every machine has.
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

const UNIX: &str = "unix:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_a_whole_path_and_an_address_a_port() {
        let socket: Listen = "unix:/run/scim/http.sock".parse().unwrap();
        assert_eq!(socket, Listen::Socket("/run/scim/http.sock".into()));
        assert_eq!(socket.to_string(), "unix:/run/scim/http.sock");
        let address: Listen = "[::1]:8443".parse().unwrap();
        assert_eq!(address, Listen::Address("[::1]:8443".to_owned()));
        for text in [
            "unix:",
            "unix:http.sock",
            "unix:/run/",
            "unix:@scim",
            "scim",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }
}
