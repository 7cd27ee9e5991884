//! The `path` of a PATCH operation (RFC 7644 section 3.5.2, figure 7).

use std::fmt;

use crate::error::{Error, ScimType, quote};
use crate::filter::Filter;
use crate::filter::{FilterErrorKind, Parsed, Parser, TokenKind};
use crate::limits::Limits;
use crate::path::AttributePath;
use crate::tolerance::Tolerance;
use crate::word::serde_as_text;

/// A path: an attribute, perhaps narrowed by a value filter and a sub-attribute behind it.
///
/// ```
/// use scim_protocol::{Limits, Tolerance, patch::PatchPath};
///
/// let (limits, mut tolerance) = (Limits::default(), Tolerance::default());
/// let path = PatchPath::parse("emails[type eq \"work\"].value", &limits, &mut tolerance)?;
/// assert_eq!(path.attribute.attribute, "emails");
/// assert_eq!(path.sub_attribute.as_deref(), Some("value"));
/// assert_eq!(path.to_string(), "emails[type eq \"work\"].value");
/// assert!(PatchPath::parse("emails[", &limits, &mut tolerance).is_err());
/// # Ok::<(), scim_protocol::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    /// The attribute; with a sub-attribute where there is no filter.
    pub attribute: AttributePath,
    /// The value filter.
    pub filter: Option<Filter>,
    /// The sub-attribute behind the value filter.
    pub sub_attribute: Option<String>,
}

impl PatchPath {
    /// Parses a path.
    ///
    /// # Errors
    /// `invalidPath`.
    pub fn parse(text: &str, limits: &Limits, tolerance: &mut Tolerance) -> Result<Self, Error> {
        let invalid = |why: &dyn fmt::Display| {
            Error::new(
                ScimType::InvalidPath,
                format!("{} is no path. {why}", quote(text)),
            )
        };
        if !text.contains('[') {
            return Ok(Self {
                attribute: text.parse().map_err(|error| invalid(&error))?,
                filter: None,
                sub_attribute: None,
            });
        }
        Self::narrowed(text, limits, tolerance).map_err(|error| invalid(&error))
    }

    fn narrowed(text: &str, limits: &Limits, tolerance: &mut Tolerance) -> Parsed<Self> {
        let mut parser = Parser::new(text, limits, tolerance);
        parser.begin()?;
        let attribute = parser.path()?;
        if parser.current() != TokenKind::OpenBracket || attribute.sub_attribute().is_some() {
            return Err(parser.error(FilterErrorKind::Path));
        }
        let filter = parser.brackets()?;
        let sub_attribute = match parser.current() {
            TokenKind::Dot => Some(parser.sub_attribute()?.to_owned()),
            _ => None,
        };
        parser.expect(TokenKind::End, FilterErrorKind::Trailing)?;
        Ok(Self {
            attribute: attribute.to_path(),
            filter: Some(*filter),
            sub_attribute,
        })
    }
}

impl From<AttributePath> for PatchPath {
    fn from(attribute: AttributePath) -> Self {
        Self {
            attribute,
            filter: None,
            sub_attribute: None,
        }
    }
}

/// Parses as [`PatchPath::parse`] does, within the default limits and in the tolerant profile.
impl std::str::FromStr for PatchPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, &Limits::default(), &mut Tolerance::default())
    }
}

serde_as_text!(PatchPath);

impl fmt::Display for PatchPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attribute.fmt(formatter)?;
        if let Some(filter) = &self.filter {
            write!(formatter, "[{filter}]")?;
        }
        match &self.sub_attribute {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}
