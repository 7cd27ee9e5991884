//! What requests of HTTP have in common, whatever library reads them.

use percent_encoding::percent_decode_str;
use scim_protocol::{Error, ScimType};

/// The path of a request below an endpoint, decoded (RFC 3986 section 2.1), without slashes too many
/// and without one at its end; `/` where it is not below it.
///
/// # Errors
/// 400 for what is no UTF-8 or holds control characters.
///
/// ```
/// use scim_service::wire::path_below;
///
/// assert_eq!(path_below("/scim/v2", "/scim/v2//Users/a%20b/").as_deref(), Ok("/Users/a b"));
/// assert_eq!(path_below("/scim/v2", "/scim/v2/%ff").unwrap_err().status(), 400);
/// ```
pub fn path_below(endpoint: &str, path: &str) -> Result<String, Error> {
    let path = decoded(path)?;
    let below = path.strip_prefix(endpoint).unwrap_or_default();
    let segments: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
    Ok(format!("/{}", segments.join("/")))
}

/// RFC 7644 section 3.1: `application/scim+json`, and `application/json` with it; parameters are
/// of no account, and a client that says nothing means JSON.
///
/// # Errors
/// 415 for another media type.
///
/// ```
/// use scim_service::wire::check_media_type;
///
/// assert!(check_media_type(Some(b"Application/SCIM+json; charset=utf-8")).is_ok());
/// assert!(check_media_type(None).is_ok());
/// assert_eq!(check_media_type(Some(b"text/plain")).unwrap_err().status(), 415);
/// ```
pub fn check_media_type(content_type: Option<&[u8]>) -> Result<(), Error> {
    let Some(value) = content_type else {
        return Ok(());
    };
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii();
    let accepted = ["application/scim+json", "application/json"];
    match accepted
        .iter()
        .any(|name| essence.eq_ignore_ascii_case(name.as_bytes()))
    {
        true => Ok(()),
        false => Err(Error::with_status(
            415,
            "The request body must be application/scim+json.",
        )),
    }
}

fn decoded(path: &str) -> Result<String, Error> {
    let malformed = || Error::new(ScimType::InvalidSyntax, "The path is not well encoded.");
    // The library takes a sign that begins no encoding for itself.
    let digits = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count();
    if path.split('%').skip(1).any(|rest| digits(rest) < 2) {
        return Err(malformed());
    }
    let path = percent_decode_str(path).decode_utf8();
    let path = path.map_err(|_not_utf8| malformed())?;
    match path.chars().any(char::is_control) {
        true => Err(Error::new(
            ScimType::InvalidValue,
            "The path contains control characters.",
        )),
        false => Ok(path.into_owned()),
    }
}
