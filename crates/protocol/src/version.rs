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
    /// assert!(Version(3).matches("W/\"3-1-1700000000000\""), "an EntityTag of this version");
    /// ```
    pub fn matches(self, header: &str) -> bool {
        names(header, |opaque| {
            let number = opaque.split_once('-').map_or(opaque, |(number, _)| number);
            number == self.0.to_string()
        })
    }
}

/// The entity tag of a resource that is shown with others, such as a user with groups: its version,
/// how many the others are, and when the last of them was changed, in milliseconds since 1970.
///
/// ```
/// use scim_protocol::{EntityTag, Version};
///
/// let alone = EntityTag::from(Version(3));
/// assert_eq!(alone.to_string(), "W/\"3\"");
/// let tag = EntityTag { beside: Some((2, 1_700_000_000_000)), ..alone };
/// assert_eq!(tag.to_string(), "W/\"3-2-1700000000000\"");
/// assert!(tag.matches("W/\"3-2-1700000000000\"") && !tag.matches("W/\"3\""));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag {
    /// The version of the resource.
    pub version: Version,
    /// How many others are shown with it, and when the last of them was changed.
    pub beside: Option<(usize, i64)>,
}

impl EntityTag {
    /// Whether an `If-None-Match` header names just this, or is `*`.
    pub fn matches(self, header: &str) -> bool {
        let written = self.to_string();
        names(header, |opaque| format!("W/\"{opaque}\"") == written)
    }
}

impl From<Version> for EntityTag {
    fn from(version: Version) -> Self {
        Self {
            version,
            beside: None,
        }
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.beside {
            None => self.version.fmt(formatter),
            Some((count, changed)) => {
                write!(formatter, "W/\"{}-{count}-{changed}\"", self.version.0)
            }
        }
    }
}

/// Whether a list of entity tags has one that is meant, or is `*`. Tags compare weakly.
fn names(header: &str, is_meant: impl Fn(&str) -> bool) -> bool {
    header.split(',').map(str::trim).any(|tag| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        tag == "*" || is_meant(opaque)
    })
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "W/\"{}\"", self.0)
    }
}
