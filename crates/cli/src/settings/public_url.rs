//! The URL under which clients reach the server.

use std::fmt;
use std::str::FromStr;

/// An `https` URL without query and trailing slash. Links in answers begin with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL of a server on this machine.
    pub fn local(port: u16) -> Self {
        Self(match port {
            443 => "https://localhost".to_owned(),
            port => format!("https://localhost:{port}"),
        })
    }

    /// The SCIM endpoint.
    pub fn scim_endpoint(&self) -> String {
        format!("{}/api/scim/v2", self.0)
    }

    /// The console.
    pub fn console(&self) -> String {
        format!("{}/admin", self.0)
    }

    /// The path, without a slash at its end; empty where there is none.
    pub fn path(&self) -> &str {
        let rest = self.0.get(SCHEME.len()..).unwrap_or_default();
        rest.find('/')
            .and_then(|at| rest.get(at..))
            .unwrap_or_default()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let authority = self.0.trim_start_matches(SCHEME).split('/').next();
        let port = authority.and_then(|authority| authority.rsplit_once(':')?.1.parse().ok());
        port.unwrap_or(443)
    }

    /// The host, without port and brackets.
    pub fn host(&self) -> &str {
        let authority = self.0.trim_start_matches(SCHEME);
        let authority = authority.split('/').next().unwrap_or_default();
        match authority
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        {
            Some((address, _port)) => address,
            None => authority.split(':').next().unwrap_or_default(),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = text.trim_end_matches('/');
        let rest = url
            .strip_prefix(SCHEME)
            .ok_or("it begins with https://, such as https://scim.example.com")?;
        if rest.contains(['?', '#', '@', '\\', '"']) || rest.chars().any(not_in_a_url) {
            return Err("it consists of https://, a host, and maybe a port and a path".to_owned());
        }
        let parsed = Self(url.to_owned());
        if parsed.host().is_empty() {
            return Err("the host is missing".to_owned());
        }
        check_path(parsed.path())?;
        let authority = rest.split('/').next().unwrap_or_default();
        let after_host = authority.rsplit(']').next().unwrap_or_default();
        match after_host.split_once(':') {
            Some((_host, port)) if port.parse::<u16>().is_err() => {
                Err(format!("{port:?} is no port"))
            }
            _ => Ok(parsed),
        }
    }
}

/// The path stands before everything that the server serves, in addresses, pages and cookies.
fn check_path(path: &str) -> Result<(), String> {
    let mut parts = path.split('/').skip(1);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if parts
        .clone()
        .any(|part| part.is_empty() || matches!(part, "." | "..") || !part.bytes().all(plain))
    {
        return Err("its path consists of words of letters, digits, and any of -._~".to_owned());
    }
    match parts.next() {
        Some(first) if OWN.contains(&first) => Err(format!(
            "its path cannot begin with /{first}, which the server serves itself"
        )),
        _ => Ok(()),
    }
}

fn not_in_a_url(character: char) -> bool {
    !character.is_ascii_graphic()
}

const SCHEME: &str = "https://";
/// With what the addresses begin that the server serves.
const OWN: [&str; 6] = ["admin", "api", "healthz", "metrics", "readyz", "version"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_behind_brackets_and_before_port_and_path() {
        for (text, host) in [
            ("https://scim.example.com", "scim.example.com"),
            ("https://scim.example.com:9443/ops/", "scim.example.com"),
            ("https://[2001:db8::1]:8443", "2001:db8::1"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().host(), host);
        }
    }

    #[test]
    fn the_path_is_what_stands_behind_the_host() {
        for (text, path) in [
            ("https://scim.example.com", ""),
            ("https://scim.example.com/", ""),
            ("https://[2001:db8::1]:8443/scim/", "/scim"),
            ("https://host/ops/scim-gw", "/ops/scim-gw"),
            ("https://host/administration/api", "/administration/api"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().path(), path);
        }
    }

    #[test]
    fn the_endpoint_has_no_double_slash() {
        let url: PublicUrl = "https://scim.example.com/".parse().unwrap();
        assert_eq!(url.scim_endpoint(), "https://scim.example.com/api/scim/v2");
        assert_eq!(PublicUrl::local(443).to_string(), "https://localhost");
    }

    #[test]
    fn what_is_no_https_origin_is_refused() {
        for text in [
            "http://scim.example.com",
            "scim.example.com",
            "https://",
            "https://:8443",
            "https://user@host",
            "https://host:99999",
            "https://host/?a=b",
            "https://ho st",
            "https://host/a//b",
            "https://host/a/../b",
            "https://host/a;b",
            "https://host/%61",
            "https://host/api",
            "https://host/admin/scim",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
