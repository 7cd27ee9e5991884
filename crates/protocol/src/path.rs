//! Attribute paths: `userName`, `name.givenName`, `urn:...:User:department`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::quote;
use crate::word::serde_as_text;

/// The path of an attribute or sub-attribute (RFC 7644 section 3.10), as it was written.
///
/// Names and schema URIs compare without regard to case (RFC 7643 section 2.1).
///
/// ```
/// use scim_protocol::AttributePath;
///
/// let path: AttributePath =
///     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value".parse()?;
/// assert_eq!(path.attribute, "manager");
/// assert_eq!(path.sub_attribute.as_deref(), Some("value"));
/// assert_eq!(path, path.to_string().to_uppercase().parse()?);
/// # Ok::<(), scim_protocol::path::PathError>(())
/// ```
#[derive(Debug, Clone)]
pub struct AttributePath {
    /// The schema URI in front of the name, without the colon that ends it.
    pub schema: Option<String>,
    /// The name of the attribute.
    pub attribute: String,
    /// The name of the sub-attribute.
    pub sub_attribute: Option<String>,
}

/// Why a text is no path: where it stopped making sense, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is no attribute path: {expected} expected at character {}", quote(.input), .position + 1)]
#[non_exhaustive]
pub struct PathError {
    /// The text.
    pub input: String,
    /// The offset of the first character that does not fit, counted in characters.
    pub position: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl AttributePath {
    /// The path of an attribute without schema URI and sub-attribute.
    ///
    /// ```
    /// use scim_protocol::AttributePath;
    ///
    /// assert_eq!(AttributePath::new("title").to_string(), "title");
    /// ```
    pub fn new(attribute: impl Into<String>) -> Self {
        Self {
            schema: None,
            attribute: attribute.into(),
            sub_attribute: None,
        }
    }

    /// Whether the path is the URI of a schema, and so names no attribute of it.
    ///
    /// ```
    /// use scim_protocol::AttributePath;
    ///
    /// let path: AttributePath = "urn:example:2.0:Badge".parse()?;
    /// assert!(path.is_schema("urn:example:2.0:badge") && !path.is_schema("urn:example:2.0"));
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    pub fn is_schema(&self, uri: &str) -> bool {
        let attribute = self.attribute.len() + usize::from(self.schema.is_some());
        let sub = self.sub_attribute.as_ref().map_or(0, |sub| sub.len() + 1);
        let length = self.schema.as_ref().map_or(0, String::len) + attribute + sub;
        length == uri.len() && same_name(&self.to_string(), uri)
    }

    /// The same path with a sub-attribute.
    ///
    /// ```
    /// use scim_protocol::AttributePath;
    ///
    /// let path = AttributePath::new("name").with_sub_attribute("givenName");
    /// assert_eq!(path.to_string(), "name.givenName");
    /// ```
    #[must_use]
    pub fn with_sub_attribute(mut self, name: impl Into<String>) -> Self {
        self.sub_attribute = Some(name.into());
        self
    }
}

impl PartialEq for AttributePath {
    fn eq(&self, other: &Self) -> bool {
        same(self.schema.as_deref(), other.schema.as_deref())
            && same_name(&self.attribute, &other.attribute)
            && same(
                self.sub_attribute.as_deref(),
                other.sub_attribute.as_deref(),
            )
    }
}

impl Eq for AttributePath {}

/// Paths that are equal sort as equal and have one hash, whatever the case of their letters.
impl Ord for AttributePath {
    fn cmp(&self, other: &Self) -> Ordering {
        let folded = |path: &'_ Self| {
            [
                path.schema.as_deref().map(str::to_ascii_lowercase),
                Some(path.attribute.to_ascii_lowercase()),
                path.sub_attribute.as_deref().map(str::to_ascii_lowercase),
            ]
        };
        folded(self).cmp(&folded(other))
    }
}

impl PartialOrd for AttributePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for AttributePath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut part = |part: Option<&str>| {
            let letters = part.into_iter().flat_map(str::bytes);
            letters.for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
            // No path has this byte, so that parts do not run into each other.
            state.write_u8(if part.is_some() { 0xFF } else { 0xFE });
        };
        part(self.schema.as_deref());
        part(Some(&self.attribute));
        part(self.sub_attribute.as_deref());
    }
}

serde_as_text!(AttributePath);

impl fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}:")?;
        }
        formatter.write_str(&self.attribute)?;
        match &self.sub_attribute {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for AttributePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        PathNames::of(text).map(PathNames::to_path)
    }
}

/// Where the names are in the text of a path: small, since it goes through many hands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathNames<'p> {
    text: &'p str,
    /// Where the name of the attribute begins; the colon that ends the schema URI is in front of it.
    start: usize,
    /// Where it ends; the dot in front of the sub-attribute follows.
    end: usize,
}

impl<'p> PathNames<'p> {
    /// The names in a text, which must be a path.
    #[inline(always)]
    pub(crate) fn of(text: &'p str) -> Result<Self, PathError> {
        match Self::without_schema(text) {
            Some(names) => Ok(names),
            None => Self::of_uri(text),
        }
    }

    /// An attribute without schema URI and sub-attribute.
    pub(crate) fn of_attribute(text: &'p str) -> Self {
        let (start, end) = (0, text.len());
        Self { text, start, end }
    }

    /// The whole.
    pub(crate) fn text(&self) -> &'p str {
        self.text
    }

    pub(crate) fn schema(&self) -> Option<&'p str> {
        let end = self.start.checked_sub(1)?;
        self.text.get(..end)
    }

    pub(crate) fn attribute(&self) -> &'p str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn sub_attribute(&self) -> Option<&'p str> {
        self.text.get(self.end + 1..)
    }

    pub(crate) fn to_path(self) -> AttributePath {
        AttributePath {
            schema: self.schema().map(str::to_owned),
            attribute: self.attribute().to_owned(),
            sub_attribute: self.sub_attribute().map(str::to_owned),
        }
    }

    /// Those of a path without a schema URI, which most are.
    #[inline(always)]
    fn without_schema(text: &'p str) -> Option<Self> {
        let dot = text.bytes().position(|byte| byte == b'.');
        let (start, end) = (0, dot.unwrap_or(text.len()));
        let names = Self { text, start, end };
        let subs = names.sub_attribute();
        (is_name(names.attribute()) && subs.is_none_or(is_name)).then_some(names)
    }

    /// Any path, and why a text is none.
    #[inline(never)]
    fn of_uri(text: &'p str) -> Result<Self, PathError> {
        let fail = |byte: usize, expected| PathError {
            input: text.to_owned(),
            position: text.char_indices().take_while(|(at, _)| *at < byte).count(),
            expected,
        };
        // Dots before the last colon belong to the URI.
        let (schema, name) = match text.rsplit_once(':') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        let offset = text.len() - name.len();
        if let Some(uri) = schema {
            if !uri
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
            {
                return Err(fail(0, "a schema URI"));
            }
            if let Some(at) = uri.find(|c: char| !is_uri_character(c)) {
                return Err(fail(at, "a character of a URI"));
            }
        }
        // A URI may end in a version, which is no name; what stands behind it is told once the schemas
        // are known.
        let version = schema.is_some() && begins_as_version(name);
        let (attribute, sub) = match name.split_once('.') {
            _ if version => (name, None),
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (name, None),
        };
        if version {
            check_version(name).map_err(|at| fail(offset + at, "an attribute name"))?;
        } else {
            check_name(attribute).map_err(|at| fail(offset + at, "an attribute name"))?;
        }
        if let Some(sub) = sub {
            let start = offset + attribute.len() + 1;
            // A schema URI that is joined by a dot has its last part in the place of the attribute.
            let (first, second) = match sub.split_once('.').filter(|_| schema.is_some()) {
                Some((first, second)) => (first, Some(second)),
                None => (sub, None),
            };
            check_name(first).map_err(|at| fail(start + at, "a sub-attribute name"))?;
            if let Some(second) = second {
                let start = start + first.len() + 1;
                check_name(second).map_err(|at| fail(start + at, "a sub-attribute name"))?;
            }
        }
        Ok(Self {
            text,
            start: offset,
            end: offset + attribute.len(),
        })
    }
}

/// Whether two attribute names are the same: without regard to case.
///
/// ```
/// assert!(scim_protocol::path::same_name("userName", "USERNAME"));
/// ```
#[inline]
pub fn same_name(left: &str, right: &str) -> bool {
    // Names are looked up among many: mostly their length or the first letter tells that they differ.
    let first = |name: &str| name.as_bytes().first().map(u8::to_ascii_lowercase);
    left.len() == right.len()
        && first(left) == first(right)
        && (left == right || left.eq_ignore_ascii_case(right))
}

/// Whether two names are the same to the letter, told by their first where they are looked up among many.
#[inline]
pub(crate) fn equal_name(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left.as_bytes().first() == right.as_bytes().first()
        && left == right
}

/// Whether a character may stand in an attribute name behind its first (RFC 7644 section 3.4.2.2).
///
/// `$` is accepted for `$ref`, which RFC 7643 section 2.4 defines outside the grammar.
///
/// ```
/// use scim_protocol::path::is_name_character;
///
/// assert!(is_name_character('-') && !is_name_character('.'));
/// ```
pub fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '$')
}

/// Whether a character may stand in a schema URI.
///
/// ```
/// use scim_protocol::path::is_uri_character;
///
/// assert!(is_uri_character(':') && !is_uri_character(' '));
/// ```
pub fn is_uri_character(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '"' | '[' | ']' | '(' | ')' | '<' | '>')
}

/// Whether a text is an attribute name, told by its bytes.
fn is_name(name: &str) -> bool {
    let begins = |first: u8| first.is_ascii_alphabetic() || first == b'$';
    name.bytes().next().is_some_and(begins)
        && name.bytes().all(|byte| is_name_character(char::from(byte)))
}

/// Checks an attribute name; the error is the byte offset of the first character that does not fit.
fn check_name(name: &str) -> Result<(), usize> {
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() || first == '$' => {}
        _ => return Err(0),
    }
    match name.find(|c| !is_name_character(c)) {
        Some(at) => Err(at),
        None => Ok(()),
    }
}

/// Whether the last part of a URI begins as a version: `2.0`, and `2.0.department` behind it.
fn begins_as_version(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

/// Checks the last part of a URI that begins as a version: words between dots.
fn check_version(part: &str) -> Result<(), usize> {
    let mut start = 0;
    for word in part.split('.') {
        let stray = word.find(|c| !is_name_character(c));
        if let Some(at) = stray.or_else(|| word.is_empty().then_some(0)) {
            return Err(start + at);
        }
        start += word.len() + 1;
    }
    Ok(())
}

fn same(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same_name(left, right),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn equal_paths_are_one_in_a_set_and_as_text() {
        let texts = [
            "name.givenName",
            "NAME.GIVENNAME",
            "name",
            "nickName",
            "urn:x:name",
        ];
        let paths = || {
            texts
                .iter()
                .map(|text| text.parse::<AttributePath>().unwrap())
        };
        assert_eq!(paths().collect::<HashSet<_>>().len(), 4);
        assert_eq!(paths().collect::<BTreeSet<_>>().len(), 4);
        let path: AttributePath = serde_json::from_str("\"name.givenName\"").unwrap();
        assert_eq!(serde_json::to_string(&path).unwrap(), "\"name.givenName\"");
        assert!(serde_json::from_str::<AttributePath>("\"a b\"").is_err());
    }

    #[test]
    fn dots_before_the_last_colon_belong_to_the_uri() {
        let path: AttributePath = "urn:example:a.b:1.0:Thing:size.width".parse().unwrap();
        assert_eq!(path.schema.as_deref(), Some("urn:example:a.b:1.0:Thing"));
        assert_eq!(path.attribute, "size");
        assert_eq!(path.to_string(), "urn:example:a.b:1.0:Thing:size.width");
    }

    #[test]
    fn a_version_at_the_end_of_a_uri_is_one_part() {
        for text in [
            "urn:scim:schemas:core:1.0",
            "urn:scim:schemas:core:1.0.name.givenName",
            "urn:example:2",
            "urn:example:2.0Badge.serial",
        ] {
            let path: AttributePath = text.parse().unwrap();
            assert_eq!(
                (path.to_string(), path.sub_attribute),
                (text.to_owned(), None)
            );
        }
    }

    #[test]
    fn names_that_are_none_are_refused_with_their_position() {
        for (text, position) in [
            ("", 0),
            ("1user", 0),
            ("user name", 4),
            ("name.", 5),
            ("name.a.b", 6),
            (":userName", 0),
            ("urn:a:b c:d", 7),
            ("üser", 0),
            ("na\u{fc}me", 2),
            ("urn:example:1..title", 14),
            ("urn:example:1.ti/tle", 16),
            ("1.0.title", 0),
        ] {
            let error = text.parse::<AttributePath>().unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
    }
}
