//! From JSON to values of the simple types (RFC 7643 section 2.3).

use serde_json::{Number, Value};

use super::place::Place;
use super::value::{Reader, Unread};
use crate::error::{Error, ScimType, quote};
use crate::number;
use crate::text::boolean_word;
use crate::tolerance::Deviation;

impl Reader<'_> {
    /// Text; what is written without quotes is taken as it is written, but for a number that is not
    /// held exactly: two that differ would be one text.
    pub(super) fn text(&mut self, path: Place<'_>, value: Value) -> Result<Value, Unread> {
        let text = match value {
            Value::String(text) => return Ok(Value::String(text)),
            Value::Number(number) if is_exact(&number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            other => return Err(misfit(path, "a string", &other)),
        };
        self.accept(Deviation::TextUnquoted(path.to_string()))?;
        Ok(Value::String(text))
    }

    pub(super) fn boolean(&mut self, path: Place<'_>, value: Value) -> Result<Value, Unread> {
        let wanted = "true or false";
        match value {
            Value::Bool(flag) => Ok(Value::Bool(flag)),
            Value::String(text) => match boolean_word(&text) {
                Some(flag) => {
                    self.accept(Deviation::BooleanAsText(path.to_string()))?;
                    Ok(Value::Bool(flag))
                }
                None => Err(misfit(path, wanted, &Value::String(text))),
            },
            other => Err(misfit(path, wanted, &other)),
        }
    }

    /// A whole number of 64 bits (RFC 7643 section 2.3.4).
    pub(super) fn integer(&mut self, path: Place<'_>, value: Value) -> Result<Value, Unread> {
        let wanted = "a whole number of 64 bits";
        let number = self.number(path, &value)?;
        let whole = number.as_ref().and_then(number::integer);
        let Some(whole) = whole else {
            return Err(misfit(path, wanted, &value));
        };
        if number.is_some_and(|number| number.is_f64()) {
            // `3.0` is a whole number, though not one as RFC 7643 section 2.3.4 has it.
            self.accept(Deviation::DecimalAsInteger(path.to_string()))?;
        }
        Ok(Value::from(whole))
    }

    /// A number as a double holds it.
    pub(super) fn decimal(&mut self, path: Place<'_>, value: Value) -> Result<Value, Unread> {
        match self.number(path, &value)? {
            Some(number) => Ok(Value::Number(number)),
            None => Err(misfit(path, "a number", &value)),
        }
    }

    fn number(&mut self, path: Place<'_>, value: &Value) -> Result<Option<Number>, Unread> {
        match value {
            Value::Number(number) => Ok(Some(number.clone())),
            Value::String(text) => {
                let number = serde_json::from_str::<Number>(text.trim()).ok();
                if number.is_some() {
                    self.accept(Deviation::NumberAsText(path.to_string()))?;
                }
                Ok(number)
            }
            _ => Ok(None),
        }
    }
}

/// Whether no other number is held as this one is.
fn is_exact(number: &Number) -> bool {
    const DOUBLES: f64 = 9_007_199_254_740_992.0;
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|held| held.abs() < DOUBLES)
}

/// RFC 7643 section 2.3.6: base64 or base64url, padding may be left out.
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches(['=', '\r', '\n']);
    let padding = text.bytes().skip(body.len()).filter(|b| *b == b'=').count();
    let digits = |b: u8| b.is_ascii_alphanumeric() || b"+/-_".contains(&b);
    let count = body.bytes().filter(|b| digits(*b)).count();
    // Four digits are three bytes; one digit alone is no byte.
    let whole = match padding {
        0 => count % 4 != 1,
        _ => count > 0 && (count + padding) % 4 == 0 && padding <= 2,
    };
    whole && body.bytes().all(|b| digits(b) || b == b'\r' || b == b'\n')
}

pub(super) fn misfit(path: Place<'_>, expected: &str, value: &Value) -> Unread {
    Unread::Misfit {
        error: Error::new(
            ScimType::InvalidValue,
            format!("\"{path}\" must be {expected}, not {}.", describe(value)),
        ),
        // Text in the place of an object is of another type; in any other place it is misspelt.
        text: value.is_string() && expected != AN_OBJECT,
    }
}

pub(super) const AN_OBJECT: &str = "an object";

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
