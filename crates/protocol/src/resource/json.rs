//! JSON bodies within limits.

use serde_json::Value;

use crate::error::{Error, ScimType, quote};
use crate::limits::Limits;
use crate::text::storable;

/// Parses a request body and checks depth, string sizes and characters.
///
/// ```
/// use scim_protocol::{Limits, resource};
///
/// let limits = Limits::default();
/// assert!(resource::parse(br#"{"userName": "ava"}"#, &limits).is_ok());
/// assert!(resource::parse(br#"{"userName": "a\u0000"}"#, &limits).is_err());
/// ```
///
/// # Errors
/// `invalidSyntax` when it is no JSON or nested too deep, `invalidValue` for a string or name that
/// is no Unicode, is too long or holds control characters.
pub fn parse(body: &[u8], limits: &Limits) -> Result<Value, Error> {
    let value = parse_search(body, limits)?;
    check_texts(&value, limits)?;
    Ok(value)
}

/// Parses the body of a search request and checks its depth. Nothing of it is stored, and its
/// parameters are checked by what reads them, with errors of their own.
///
/// # Errors
/// `invalidSyntax` when it is no JSON or nested too deep, `invalidValue` for a string that is no
/// Unicode.
pub fn parse_search(body: &[u8], limits: &Limits) -> Result<Value, Error> {
    // RFC 7644 section 3.8: JSON in UTF-8.
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // serde_json gives up at a depth of 128, so that the checks below recurse no deeper.
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let (scim_type, what) = match is_json_but_for_surrogates(body) {
            true => (ScimType::InvalidValue, "holds a string that is no Unicode"),
            false => (ScimType::InvalidSyntax, "is no valid JSON"),
        };
        Error::new(scim_type, format!("The body {what}: {error}."))
    })?;
    check_depth(&value, limits, 1)?;
    Ok(value)
}

/// RFC 8259 section 8.2: JSON may spell half of a character, which no string holds.
fn is_json_but_for_surrogates(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    // Escapes of surrogates are taken for those of any other character, and nothing else changes.
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let surrogate = escape.get(..4).is_some_and(|start| {
            let start = start.to_ascii_lowercase();
            [
                "\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf",
            ]
            .contains(&start.as_str())
        });
        let length = escape
            .char_indices()
            .nth(2)
            .map_or(escape.len(), |(at, _)| at);
        let (one, behind) = match surrogate {
            true => ("\\u00", escape.get(4..).unwrap_or_default()),
            false => escape.split_at(length),
        };
        mended.push_str(one);
        rest = behind;
    }
    mended.push_str(rest);
    serde_json::from_str::<Value>(&mended).is_ok()
}

fn check_depth(value: &Value, limits: &Limits, depth: usize) -> Result<(), Error> {
    if depth > limits.json_depth {
        return Err(Error::new(
            ScimType::InvalidSyntax,
            format!("The body is nested deeper than {}.", limits.json_depth),
        ));
    }
    let deeper = |value: &Value| check_depth(value, limits, depth + 1);
    match value {
        Value::Array(elements) => elements.iter().try_for_each(deeper),
        Value::Object(map) => map.values().try_for_each(deeper),
        _ => Ok(()),
    }
}

fn check_texts(value: &Value, limits: &Limits) -> Result<(), Error> {
    match value {
        Value::String(text) => check_text(text, limits),
        Value::Array(elements) => elements
            .iter()
            .try_for_each(|element| check_texts(element, limits)),
        Value::Object(map) => map.iter().try_for_each(|(name, member)| {
            check_text(name, limits)?;
            check_texts(member, limits)
        }),
        _ => Ok(()),
    }
}

fn check_text(text: &str, limits: &Limits) -> Result<(), Error> {
    if text.len() > limits.string_bytes {
        return Err(Error::new(
            ScimType::InvalidValue,
            format!(
                "{} is longer than {} bytes.",
                quote(text),
                limits.string_bytes
            ),
        ));
    }
    if !storable(text) {
        return Err(Error::new(
            ScimType::InvalidValue,
            format!("{} holds a control character.", quote(text)),
        ));
    }
    Ok(())
}
