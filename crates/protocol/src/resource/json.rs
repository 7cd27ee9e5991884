//! JSON bodies within limits.

use serde_json::Value;

use crate::error::{Error, ScimType, quote};
use crate::limits::Limits;
use crate::text::storable;

/// Parses a request body and checks depth, string sizes and characters.
///
/// # Errors
/// `invalidSyntax` when it is no JSON or nested too deep, `invalidValue` for a string or name that
/// is too long or holds control characters.
pub fn parse(body: &[u8], limits: &Limits) -> Result<Value, Error> {
    // serde_json gives up at a depth of 128, so that the check below recurses no deeper.
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Error::new(
            ScimType::InvalidSyntax,
            format!("The body is no valid JSON: {error}."),
        )
    })?;
    check(&value, limits, 1)?;
    Ok(value)
}

fn check(value: &Value, limits: &Limits, depth: usize) -> Result<(), Error> {
    if depth > limits.json_depth {
        return Err(Error::new(
            ScimType::InvalidSyntax,
            format!("The body is nested deeper than {}.", limits.json_depth),
        ));
    }
    match value {
        Value::String(text) => check_text(text, limits),
        Value::Array(elements) => elements
            .iter()
            .try_for_each(|element| check(element, limits, depth + 1)),
        Value::Object(map) => map.iter().try_for_each(|(name, member)| {
            check_text(name, limits)?;
            check(member, limits, depth + 1)
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
