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
