//! The SCIM error response (RFC 7644 section 3.12).

use serde_json::{Value, json};

use crate::uri;
use crate::word::{serde_as_message, written_as_word};

/// The detail keyword of an error: RFC 7644 table 9 and RFC 9865 table 3.
///
/// ```
/// use scim_protocol::ScimType;
///
/// assert_eq!("invalidPath".parse(), Ok(ScimType::InvalidPath));
/// assert_eq!(ScimType::Uniqueness.to_string(), "uniqueness");
/// assert_eq!(ScimType::Uniqueness.status(), 409);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ScimType {
    /// The filter cannot be parsed, or cannot be applied to the attribute.
    InvalidFilter,
    /// The filter yields more results than the service provider is willing to calculate.
    TooMany,
    /// A unique attribute value is in use already.
    Uniqueness,
    /// A read-only attribute, or an immutable attribute that has a value, was to be changed.
    Mutability,
    /// The request body cannot be parsed or does not conform to the request schema.
    InvalidSyntax,
    /// The `path` of a PATCH operation is malformed.
    InvalidPath,
    /// The `path` of a PATCH operation selects nothing that could be changed.
    NoTarget,
    /// A required value is missing, or a value does not fit the attribute.
    InvalidValue,
    /// The SCIM protocol version is not supported.
    InvalidVers,
    /// The request cannot be completed because sensitive data stands in the URI.
    Sensitive,
    /// The cursor is not one that this service provider issued for this query (RFC 9865 section 2).
    InvalidCursor,
    /// The cursor was valid once (RFC 9865).
    ExpiredCursor,
    /// The `count` of a cursor query is not acceptable (RFC 9865).
    InvalidCount,
}

impl ScimType {
    /// The keyword as it stands in the error response.
    ///
    /// ```
    /// assert_eq!(scim_protocol::ScimType::TooMany.as_str(), "tooMany");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    /// The HTTP status that belongs to the keyword.
    ///
    /// ```
    /// assert_eq!(scim_protocol::ScimType::NoTarget.status(), 400);
    /// ```
    pub fn status(self) -> u16 {
        match self {
            // RFC 7644 section 3.3.
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            _ => 400,
        }
    }
}

written_as_word!(
    ScimType,
    "scimType",
    [
        InvalidFilter,
        TooMany,
        Uniqueness,
        Mutability,
        InvalidSyntax,
        InvalidPath,
        NoTarget,
        InvalidValue,
        InvalidVers,
        Sensitive,
        InvalidCursor,
        ExpiredCursor,
        InvalidCount,
    ]
);

/// A SCIM error response: HTTP status, detail keyword and a sentence for people.
///
/// ```
/// use scim_protocol::{Error, ScimType};
///
/// let error = Error::new(ScimType::InvalidPath, "\"emails[\" is not closed");
/// assert_eq!(error.status(), 400);
/// assert_eq!(error.to_json()["scimType"], "invalidPath");
/// assert_eq!(error.to_json()["status"], "400");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    status: u16,
    scim_type: Option<ScimType>,
    detail: String,
}

impl Error {
    /// An error with a detail keyword; the status follows from it.
    ///
    /// ```
    /// use scim_protocol::{Error, ScimType};
    ///
    /// assert_eq!(Error::new(ScimType::Uniqueness, "It is taken.").status(), 409);
    /// ```
    pub fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            status: scim_type.status(),
            scim_type: Some(scim_type),
            detail: shorten(detail.into()),
        }
    }

    /// An error without a detail keyword, such as 404 or 412.
    ///
    /// ```
    /// use scim_protocol::Error;
    ///
    /// let error = Error::with_status(412, "Somebody else was faster.");
    /// assert_eq!((error.status(), error.scim_type()), (412, None));
    /// ```
    pub fn with_status(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: shorten(detail.into()),
        }
    }

    /// 404: the resource does not exist, or the caller cannot see it.
    ///
    /// ```
    /// assert_eq!(scim_protocol::Error::not_found().status(), 404);
    /// ```
    pub fn not_found() -> Self {
        Self::with_status(404, "The resource does not exist.")
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The detail keyword, where the RFCs define one.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// A sentence for people.
    ///
    /// ```
    /// use scim_protocol::Error;
    ///
    /// assert_eq!(Error::with_status(412, "Changed.").detail(), "Changed.");
    /// ```
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Reads the body of an error response, as a client does. `status` may be a number, and a
    /// `scimType` that the RFCs do not define is none.
    ///
    /// ```
    /// use scim_protocol::{Error, ScimType};
    /// use serde_json::json;
    ///
    /// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
    ///     "status": "409", "scimType": "uniqueness", "detail": "userName is taken."});
    /// let error = Error::from_json(body)?;
    /// assert_eq!((error.status(), error.scim_type()), (409, Some(ScimType::Uniqueness)));
    /// assert_eq!(error.detail(), "userName is taken.");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalidSyntax` when it is no error response: no object, or one without a `status`.
    pub fn from_json(body: Value) -> Result<Self, Self> {
        let syntax = |detail: &str| Self::new(ScimType::InvalidSyntax, detail);
        let Value::Object(members) = body else {
            return Err(syntax("The body is not a JSON object."));
        };
        let member = |name: &str| {
            let mut members = members.iter();
            members.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
        };
        let status = match member("status") {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(other) => other.as_u64().and_then(|status| u16::try_from(status).ok()),
            None => None,
        };
        let text = |name: &str| member(name).and_then(Value::as_str);
        Ok(Self {
            status: status.ok_or_else(|| syntax("\"status\" is no HTTP status."))?,
            scim_type: text("scimType").and_then(|word| word.parse().ok()),
            detail: shorten(text("detail").unwrap_or_default().to_owned()),
        })
    }

    /// The response body; `status` is a string as RFC 7644 section 3.12 asks for.
    ///
    /// ```
    /// use scim_protocol::Error;
    ///
    /// assert_eq!(Error::with_status(412, "Changed.").to_json()["status"], "412");
    /// ```
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [uri::ERROR], "status": self.status.to_string() });
        if let Some(map) = body.as_object_mut() {
            if let Some(scim_type) = self.scim_type {
                map.insert("scimType".into(), scim_type.as_str().into());
            }
            map.insert("detail".into(), self.detail.as_str().into());
        }
        body
    }
}

serde_as_message!(Error);

/// Quotes a piece of input for an error message: escaped, at most 64 characters.
///
/// ```
/// assert_eq!(scim_protocol::error::quote("a\nb"), "\"a\\nb\"");
/// ```
pub fn quote(input: &str) -> String {
    let mut quoted: String = input.chars().take(QUOTED).collect();
    if quoted.len() < input.len() {
        quoted.push('…');
    }
    format!("{quoted:?}")
}

fn shorten(mut detail: String) -> String {
    if detail.len() > DETAIL {
        let end = (0..=DETAIL).rev().find(|i| detail.is_char_boundary(*i));
        detail.truncate(end.unwrap_or(0));
    }
    detail
}

const QUOTED: usize = 64;
const DETAIL: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_details_and_quotes_are_cut_at_a_character() {
        let error = Error::new(ScimType::InvalidValue, "é".repeat(2_000));
        assert!(error.detail().len() <= DETAIL);
        assert_eq!(quote(&"é".repeat(100)).chars().count(), QUOTED + 3);
        assert_eq!(quote("a\u{0}b"), "\"a\\0b\"");
    }

    #[test]
    fn the_status_follows_from_the_keyword() {
        assert_eq!(Error::new(ScimType::Uniqueness, "x").status(), 409);
        assert_eq!(Error::not_found().to_json()["status"], "404");
        assert!(Error::not_found().to_json().get("scimType").is_none());
    }
}
