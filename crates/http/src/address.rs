//! From where a request comes: the one place that decides it, for throttles, networks, logs and audit.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use actix_web::{HttpMessage, HttpRequest};
use ipnet::IpNet;

/// The address of the client, which the outermost layer has found.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub Option<IpAddr>);

/// The address of the client of a request.
pub fn of(request: &HttpRequest) -> Option<IpAddr> {
    match request.extensions().get::<Client>() {
        Some(Client(address)) => *address,
        None => request.peer_addr().map(|peer| peer.ip().to_canonical()),
    }
}

/// Where somebody is whose request came through listed proxies: the rightmost address that they
/// forward and that is none of theirs. What is left of it anybody can have written. A peer that is
/// not listed speaks for itself, whatever it sends.
pub fn client(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = peer.map(|peer| peer.to_canonical());
    let listed = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let Some(peer) = peer.filter(listed) else {
        return peer;
    };
    let (plain, standard) = (plain(headers), standard(headers));
    let found = match (plain.is_empty(), standard.is_empty()) {
        (true, true) => return Some(peer),
        (false, true) => rightmost(&plain, peer, listed),
        (true, false) => rightmost(&standard, peer, listed),
        // A proxy writes one of them, and a client may have sent the other: only what both say is
        // known to be the proxy's.
        (false, false) => {
            let (one, other) = (
                rightmost(&plain, peer, listed),
                rightmost(&standard, peer, listed),
            );
            if one == other { one } else { peer }
        }
    };
    Some(found)
}

/// Where somebody is whose request came through a proxy on this machine that has no address: as
/// behind a listed one, and unknown where it does not say.
pub(crate) fn client_of_local(headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let nowhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let proxies = [proxies, &[IpNet::from(nowhere)]].concat();
    client(Some(nowhere), headers, &proxies).filter(|address| *address != nowhere)
}

/// Whether a peer is a listed proxy.
pub(crate) fn is_proxy(peer: Option<IpAddr>, proxies: &[IpNet]) -> bool {
    let peer = peer.map(|peer| peer.to_canonical());
    peer.is_some_and(|peer| proxies.iter().any(|network| network.contains(&peer)))
}

/// The rightmost address that is none of a proxy; of what cannot be read the proxy before it is all
/// that is known.
fn rightmost(
    forwarded: &[Option<IpAddr>],
    peer: IpAddr,
    listed: impl Fn(&IpAddr) -> bool,
) -> IpAddr {
    let mut known = peer;
    for address in forwarded.iter().rev() {
        match address {
            Some(address) if listed(address) => known = *address,
            Some(address) => return *address,
            None => return known,
        }
    }
    known
}

/// The addresses of `X-Forwarded-For`, from left to right.
fn plain(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let name = HeaderName::from_static("x-forwarded-for");
    let lines = headers.get_all(name);
    let items = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    items
        .map(|item| address(std::str::from_utf8(item).ok()?))
        .collect()
}

/// The addresses of `Forwarded` (RFC 7239 section 4), from left to right.
fn standard(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED);
    let items = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let origin = |item: &[u8]| {
        let item = std::str::from_utf8(item).ok()?;
        let pairs = item.split(';').filter_map(|pair| pair.split_once('='));
        let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
        let (_, value) = named.next()?;
        address(value.trim().trim_matches('"'))
    };
    items.map(origin).collect()
}

/// An address, with a port or without (RFC 7239 section 6).
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let alone = || bare.unwrap_or(text).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|pair| pair.ip());
    alone().or_else(with_port).map(|found| found.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn found(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48"].map(|net| net.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let found = client(Some(peer.parse().unwrap()), &map, &proxies);
        found.unwrap().to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_forwarded_address_that_is_no_proxy() {
        let plain = "x-forwarded-for";
        for (peer, headers, client) in [
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("10.0.0.1", &[(plain, "192.0.2.7")], "192.0.2.7"),
            ("::ffff:10.0.0.1", &[(plain, "192.0.2.7")], "192.0.2.7"),
            (
                "10.0.0.1",
                &[(plain, "1.1.1.1, 192.0.2.7 , 10.9.9.9")],
                "192.0.2.7",
            ),
            (
                "10.0.0.1",
                &[(plain, "1.1.1.1"), (plain, "192.0.2.7")],
                "192.0.2.7",
            ),
            ("10.0.0.1", &[(plain, "192.0.2.7:4711")], "192.0.2.7"),
            ("10.0.0.1", &[(plain, "[2001:db8::7]:4711")], "2001:db8::7"),
            ("10.0.0.1", &[(plain, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            (
                "10.0.0.1",
                &[("forwarded", "for=192.0.2.7;proto=https")],
                "192.0.2.7",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=1.1.1.1, by=x;For=\"[2001:db8::7]:9\"")],
                "2001:db8::7",
            ),
            (
                "2001:db8:1::5",
                &[("forwarded", "for=192.0.2.7, for=10.0.0.2")],
                "192.0.2.7",
            ),
        ] {
            assert_eq!(found(peer, headers), client, "{peer} {headers:?}");
        }
    }

    #[test]
    fn a_proxy_at_a_socket_says_where_its_client_is_and_without_it_nobody_knows() {
        let local = |headers: &[(&str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                map.append(name, HeaderValue::from_str(value).unwrap());
            }
            let found = client_of_local(&map, &["10.0.0.0/8".parse().unwrap()]);
            found.map(|address| address.to_string())
        };
        let plain = "x-forwarded-for";
        for (headers, client) in [
            (&[(plain, "192.0.2.7")][..], Some("192.0.2.7")),
            (
                &[(plain, "1.1.1.1, 192.0.2.7, 10.0.0.3")],
                Some("192.0.2.7"),
            ),
            (&[(plain, "10.0.0.3")], Some("10.0.0.3")),
            (
                &[("forwarded", "for=\"[2001:db8::7]:1\"")],
                Some("2001:db8::7"),
            ),
            (&[], None),
            (&[(plain, "unknown")], None),
            (&[(plain, "0.0.0.0")], None),
            (&[(plain, "192.0.2.7"), ("forwarded", "for=1.1.1.1")], None),
        ] {
            assert_eq!(local(headers).as_deref(), client, "{headers:?}");
        }
    }

    #[test]
    fn nobody_says_for_themselves_where_they_are() {
        let plain = "x-forwarded-for";
        for (peer, headers, client) in [
            // A peer that is no proxy.
            ("192.0.2.7", &[(plain, "10.0.0.1")][..], "192.0.2.7"),
            ("192.0.2.7", &[("forwarded", "for=1.1.1.1")], "192.0.2.7"),
            // What a client wrote, to the left of what the proxy added.
            ("10.0.0.1", &[(plain, "10.0.0.1, 192.0.2.7")], "192.0.2.7"),
            // What cannot be read.
            ("10.0.0.1", &[(plain, "1.1.1.1, unknown")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[(plain, "1.1.1.1, _hidden, 10.0.0.2")],
                "10.0.0.2",
            ),
            ("10.0.0.1", &[(plain, "")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[("forwarded", "for=1.1.1.1, proto=https")],
                "10.0.0.1",
            ),
            // The header that the proxy does not write.
            (
                "10.0.0.1",
                &[(plain, "192.0.2.7"), ("forwarded", "for=1.1.1.1")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[(plain, "192.0.2.7"), ("forwarded", "for=192.0.2.7")],
                "192.0.2.7",
            ),
        ] {
            assert_eq!(found(peer, headers), client, "{peer} {headers:?}");
        }
    }
}
