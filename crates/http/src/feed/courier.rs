//! Sends to receivers over HTTPS, to those addresses alone that may be reached.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use scim_feed::{Answered, Courier, DeliveryProblem, Outgoing};
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::authorities::{AuthorityError, certificates};
use crate::spans;

/// Sends over HTTPS. Redirects are not followed, no proxy is asked, and the connection goes to the
/// address that was looked at.
pub struct HttpsCourier {
    agent: ureq::Agent,
}

impl HttpsCourier {
    /// A courier that reaches public addresses, and those of these networks. It trusts the
    /// authorities whose certificates the file holds, or else those that browsers trust.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn new(allowed: Vec<IpNet>, authorities: Option<&Path>) -> Result<Self, AuthorityError> {
        let roots = match authorities {
            Some(file) => RootCerts::Specific(Arc::new(certificates(file)?)),
            None => RootCerts::WebPki,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Each attempt looks at the address anew.
            .max_idle_connections(0)
            .timeout_global(Some(PATIENCE))
            .user_agent("serviceops-scim")
            .build();
        let resolver = Reachable {
            resolver: DefaultResolver::default(),
            allowed,
        };
        Ok(Self {
            agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver),
        })
    }
}

impl Courier for HttpsCourier {
    fn send(&self, outgoing: &Outgoing<'_>) -> Result<Answered, DeliveryProblem> {
        let span = spans::outgoing(outgoing.url);
        let mut request = self.agent.post(outgoing.url);
        for (name, value) in &outgoing.headers {
            request = request.header(*name, value);
        }
        if let Some(trace) = spans::trace_of(&span) {
            request = request.header("traceparent", trace.parent);
        }
        let answer = request.send(outgoing.body).map_err(|error| {
            let problem = problem(&error);
            spans::failed(&span, &format!("{problem:?}"));
            problem
        })?;
        spans::received(&span, answer.status().as_u16());
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let status = answer.status().as_u16();
        let mut text = Vec::new();
        // How it goes on does not matter: the status says whether it was taken.
        let mut body = answer.into_body().into_reader().take(READ);
        let _cut_off = body.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        let seen = |letter: &char| !letter.is_control();
        Ok(Answered {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            text: text.chars().filter(seen).take(SHOWN).collect(),
        })
    }
}

fn problem(error: &ureq::Error) -> DeliveryProblem {
    match error {
        ureq::Error::Timeout(_) => DeliveryProblem::Timeout,
        ureq::Error::HostNotFound => DeliveryProblem::UnknownHost,
        ureq::Error::Other(other) if other.is::<NotAllowed>() => DeliveryProblem::AddressNotAllowed,
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => DeliveryProblem::Untrusted,
        ureq::Error::Io(error) => of_io(error),
        _ => DeliveryProblem::Unreachable,
    }
}

/// The library hands on as a fault of the socket what a handshake refuses.
fn of_io(error: &io::Error) -> DeliveryProblem {
    match error.get_ref() {
        Some(cause) if cause.is::<rustls::Error>() => DeliveryProblem::Untrusted,
        _ if error.kind() == io::ErrorKind::TimedOut => DeliveryProblem::Timeout,
        _ => DeliveryProblem::Unreachable,
    }
}

/// Finds the addresses of a host that may be reached.
#[derive(Debug)]
struct Reachable {
    resolver: DefaultResolver,
    allowed: Vec<IpNet>,
}

/// A host has none.
#[derive(Debug, thiserror::Error)]
#[error("no address of the host may be reached")]
struct NotAllowed;

impl Resolver for Reachable {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let mut kept = self.resolver.empty();
        let allowed = |address: &&SocketAddr| may_reach(address.ip(), &self.allowed);
        for address in found.iter().filter(allowed) {
            kept.push(*address);
        }
        match kept.is_empty() {
            true => Err(ureq::Error::Other(Box::new(NotAllowed))),
            false => Ok(kept),
        }
    }
}

/// Whether something may be sent to an address: one of these networks, or a public one.
fn may_reach(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    if allowed.iter().any(|network| network.contains(&address)) {
        return true;
    }
    match address {
        IpAddr::V4(address) => is_public(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(embedded) => is_public(embedded),
            // Global unicast (RFC 4291 section 2.4), without what documentation has (RFC 3849 and
            // 9637) and without what is assigned to protocols (RFC 2928).
            None => {
                let [first, second, ..] = address.segments();
                (0x2000..0x4000).contains(&first)
                    && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                    && !(first == 0x3fff && second < 0x1000)
            }
        },
    }
}

/// The address that a translator behind an address would send to (RFC 6052, RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// The networks of version 4 that are not reachable from everywhere (RFC 6890, RFC 5771).
const NOT_PUBLIC: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public(address: Ipv4Addr) -> bool {
    let within = |(network, length): &(Ipv4Addr, u8)| {
        u32::from(address) >> (32 - length) == u32::from(*network) >> (32 - length)
    };
    !NOT_PUBLIC.iter().any(within)
}

/// For how long is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes of an answer are read, and how many letters of it are kept.
const READ: u64 = 4 << 10;
const SHOWN: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_into_networks_that_are_not_public_unless_they_are_allowed() {
        let reached = |address: &str| may_reach(address.parse().unwrap(), &[]);
        for public in [
            "93.184.216.34",
            "8.8.8.8",
            "100.128.0.1",
            "2606:2800:220:1::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(reached(public), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001::1",
            "3fff:1::",
        ] {
            assert!(!reached(private), "{private}");
        }
        let allowed: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd12::/16".parse().unwrap()];
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fd12::1", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(
                may_reach(address.parse().unwrap(), &allowed),
                expected,
                "{address}"
            );
        }
    }

    #[test]
    fn a_host_whose_addresses_are_all_private_is_not_asked() {
        let courier = HttpsCourier::new(Vec::new(), None).unwrap();
        for url in [
            "https://127.0.0.1:1/",
            "https://[::1]:1/",
            "https://localhost:1/",
            "https://2130706433/",
        ] {
            let outgoing = Outgoing {
                url,
                headers: Vec::new(),
                body: "{}",
            };
            assert_eq!(
                courier.send(&outgoing),
                Err(DeliveryProblem::AddressNotAllowed),
                "{url}"
            );
        }
    }
}
