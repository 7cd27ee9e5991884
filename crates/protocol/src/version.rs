//! Resource versions as entity tags (RFC 7644 section 3.14).

use std::fmt;
use std::str::FromStr;

use crate::word::{UnknownWord, serde_as_text};

/// The version of a resource: a counter, written as a weak entity tag such as `W/"3"` (RFC 7643 section
/// 3.1: what is no strong validator says so).
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

/// An entity tag of HTTP: strong or weak, of any text (RFC 9110 section 8.8.3, RFC 7644 section 3.14).
///
/// ```
/// use scim_protocol::ETag;
///
/// let strong: ETag = "\"3694e05e9dff591\"".parse()?;
/// let weak: ETag = "W/\"3694e05e9dff591\"".parse()?;
/// assert!(weak.is_weak() && !strong.is_weak());
/// assert!(strong.is_same(&weak) && !strong.is_identical(&weak));
/// assert_eq!(weak.to_string(), "W/\"3694e05e9dff591\"");
/// # Ok::<(), scim_protocol::UnknownWord>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag {
    opaque: String,
    weak: bool,
}

impl ETag {
    /// A strong tag: equal ones are of the same bytes. What no tag may hold is left out.
    ///
    /// ```
    /// assert_eq!(scim_protocol::ETag::strong("3\"").to_string(), "\"3\"");
    /// ```
    pub fn strong(opaque: impl Into<String>) -> Self {
        let mut opaque = opaque.into();
        opaque.retain(is_tag_character);
        Self {
            opaque,
            weak: false,
        }
    }

    /// A weak tag: equal ones mean the same. What no tag may hold is left out.
    ///
    /// ```
    /// assert_eq!(scim_protocol::ETag::weak("3").to_string(), "W/\"3\"");
    /// ```
    pub fn weak(opaque: impl Into<String>) -> Self {
        Self {
            weak: true,
            ..Self::strong(opaque)
        }
    }

    /// What stands between the quotes.
    ///
    /// ```
    /// assert_eq!(scim_protocol::ETag::weak("3").opaque(), "3");
    /// ```
    pub fn opaque(&self) -> &str {
        &self.opaque
    }

    /// Whether it is weak.
    ///
    /// ```
    /// use scim_protocol::ETag;
    ///
    /// assert!(ETag::weak("3").is_weak() && !ETag::strong("3").is_weak());
    /// ```
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// Weak comparison (RFC 9110 section 8.8.3.2): `If-None-Match`, and the versions of SCIM.
    ///
    /// ```
    /// use scim_protocol::ETag;
    ///
    /// assert!(ETag::weak("3").is_same(&ETag::strong("3")));
    /// ```
    pub fn is_same(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }

    /// Strong comparison (RFC 9110 section 8.8.3.2): what is weak is identical to nothing.
    ///
    /// ```
    /// use scim_protocol::ETag;
    ///
    /// assert!(ETag::strong("3").is_identical(&ETag::strong("3")));
    /// assert!(!ETag::weak("3").is_identical(&ETag::weak("3")));
    /// ```
    pub fn is_identical(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.is_same(other)
    }

    /// Whether an `If-Match` or `If-None-Match` header names the tag, or is `*`. Tags compare
    /// weakly; a comma inside a tag is part of it.
    ///
    /// ```
    /// use scim_protocol::ETag;
    ///
    /// let tag = ETag::weak("a,b");
    /// assert!(tag.is_named_by("\"x\", W/\"a,b\"") && tag.is_named_by("*"));
    /// assert!(!tag.is_named_by("\"a\", \"b\""));
    /// ```
    pub fn is_named_by(&self, header: &str) -> bool {
        let mut rest = header.trim();
        if rest == "*" {
            return true;
        }
        while !rest.is_empty() {
            let start = rest.strip_prefix("W/").unwrap_or(rest);
            let Some((opaque, behind)) = start.strip_prefix('"').and_then(|s| s.split_once('"'))
            else {
                return false;
            };
            if opaque == self.opaque {
                return true;
            }
            rest = behind.trim_start_matches([' ', '\t', ',']);
        }
        false
    }
}

/// RFC 9110 section 8.8.3: no quotes, no blanks, no control characters.
fn is_tag_character(character: char) -> bool {
    character != '"' && !character.is_whitespace() && !character.is_control()
}

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.weak { "W/" } else { "" };
        write!(formatter, "{prefix}\"{}\"", self.opaque)
    }
}

impl FromStr for ETag {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (weak, quoted) = match text.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let opaque = quoted.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
        let opaque = opaque.filter(|opaque| opaque.chars().all(is_tag_character));
        match opaque {
            Some(opaque) => Ok(Self {
                opaque: opaque.to_owned(),
                weak,
            }),
            None => Err(no_tag(text, "entity tag")),
        }
    }
}

fn no_tag(written: &str, expected: &'static str) -> UnknownWord {
    let written = written.to_owned();
    UnknownWord { written, expected }
}

serde_as_text!(ETag);
serde_as_text!(Version);
serde_as_text!(EntityTag);

impl From<Version> for ETag {
    fn from(version: Version) -> Self {
        Self::weak(version.0.to_string())
    }
}

/// Reads what `Display` writes: `W/"3"`.
impl FromStr for Version {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let number = text.strip_prefix("W/\"").and_then(|s| s.strip_suffix('"'));
        let number = number.and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| no_tag(text, "version"))
    }
}

/// Reads what `Display` writes: `W/"3"` or `W/"3-2-1700000000000"`.
impl FromStr for EntityTag {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if let Ok(version) = text.parse::<Version>() {
            return Ok(version.into());
        }
        let parts = text.strip_prefix("W/\"").and_then(|s| s.strip_suffix('"'));
        let read = || {
            let mut parts = parts?.splitn(3, '-');
            let version = Version(parts.next()?.parse().ok()?);
            let count = parts.next()?.parse().ok()?;
            let beside = Some((count, parts.next()?.parse().ok()?));
            Some(Self { version, beside })
        };
        read().ok_or_else(|| no_tag(text, "version"))
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
/// assert_eq!(tag.to_string().parse(), Ok(tag));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
