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

fn not_in_a_url(character: char) -> bool {
    !character.is_ascii_graphic()
}

const SCHEME: &str = "https://";

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
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
