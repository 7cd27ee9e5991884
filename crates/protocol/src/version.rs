//! Resource versions as entity tags (RFC 7644 section 3.14).

use std::fmt;

/// The version of a resource: a counter, written as a weak entity tag such as `W/"3"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

impl Version {
    /// Whether an `If-Match` or `If-None-Match` header names this version, or is `*`.
    ///
    /// ```
    /// use scim_protocol::Version;
    ///
    /// assert!(Version(3).matches("W/\"3\""));
    /// assert!(Version(3).matches("\"2\", W/\"3\""));
    /// assert!(Version(3).matches("*"));
    /// assert!(!Version(3).matches("W/\"4\""));
    /// ```
    pub fn matches(self, header: &str) -> bool {
        header.split(',').map(str::trim).any(|tag| {
            let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            tag == "*" || opaque == self.0.to_string()
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "W/\"{}\"", self.0)
    }
}
