//! Percent-encoding of query strings (RFC 3986 section 2.1).

use crate::error::{Error, ScimType, quote};

/// Percent-decoding. Form data write a blank as a plus sign; who writes it as `%20` does not, and
/// means the sign.
pub(super) fn decode(text: &str) -> Result<String, Error> {
    let plus = if text.contains("%20") { b'+' } else { b' ' };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => plus,
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                    _ => return Err(undecodable(text)),
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_utf8| undecodable(text))
}

fn undecodable(text: &str) -> Error {
    Error::new(
        ScimType::InvalidValue,
        format!("{} is not percent-encoded UTF-8.", quote(text)),
    )
}

/// Percent-encoding of a value: what is not unreserved (RFC 3986 section 2.3) is escaped, a blank as
/// `%20`, which nobody takes for a plus sign.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => {
                let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
                encoded.push('%');
                encoded.push(digit(other >> 4).to_ascii_uppercase());
                encoded.push(digit(other & 15).to_ascii_uppercase());
            }
        }
    }
    encoded
}
