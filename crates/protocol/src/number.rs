//! Numbers compared as what they are: integers exactly, decimals as doubles.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::error::Error;
use crate::tolerance::{Deviation, Tolerance};

/// How two numbers compare. An integer of 64 bits is not rounded to be compared with a decimal.
///
/// ```
/// use scim_protocol::number::compare;
/// use std::cmp::Ordering::{Equal, Greater};
///
/// let integer = serde_json::Number::from(9_007_199_254_740_993_i64);
/// let decimal = serde_json::Number::from_f64(9_007_199_254_740_992.0).unwrap();
/// assert_eq!(compare(&integer, &decimal), Greater);
/// assert_eq!(compare(&5.into(), &serde_json::Number::from_f64(5.0).unwrap()), Equal);
/// ```
pub fn compare(left: &Number, right: &Number) -> Ordering {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => with_decimal(left, decimal(right)),
        (None, Some(right)) => with_decimal(right, decimal(left)).reverse(),
        (None, None) => decimal(left).total_cmp(&decimal(right)),
    }
}

/// The text that is the same for numbers that are equal.
pub(crate) fn key(number: &Number) -> String {
    let whole = whole(number).or_else(|| exact(decimal(number)));
    whole.map_or_else(|| number.to_string(), |whole| whole.to_string())
}

/// The integer that a number is, if it is written as one or has no fraction.
pub(crate) fn integer(number: &Number) -> Option<i64> {
    let whole = whole(number).or_else(|| exact(decimal(number)));
    i64::try_from(whole?).ok()
}

/// The whole number that a member of a message is, also where it is written as text or with a
/// fraction of nothing; `None` where it is none.
///
/// # Errors
/// Under the strict profile, when it would have been understood.
pub(crate) fn counted(
    name: &str,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<Option<i64>, Error> {
    let (number, deviation) = match value {
        Value::Number(number) if number.is_i64() => return Ok(number.as_i64()),
        Value::Number(number) => (
            integer(number),
            Deviation::DecimalAsInteger(name.to_owned()),
        ),
        Value::String(text) => {
            let deviation = Deviation::NumberAsText(name.to_owned());
            (text.trim().parse().ok(), deviation)
        }
        _ => return Ok(None),
    };
    if number.is_some() {
        tolerance.accept(deviation)?;
    }
    Ok(number)
}

fn whole(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

fn decimal(number: &Number) -> f64 {
    // Zero has no sign.
    number.as_f64().unwrap_or(f64::MAX) + 0.0
}

/// The integer that a decimal is, if it has no fraction and no more than 64 bits.
fn exact(decimal: f64) -> Option<i128> {
    let bounded = decimal.abs() <= TWO_TO_64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction and fits"
    )]
    (bounded && decimal.fract() == 0.0).then_some(decimal as i128)
}

fn with_decimal(whole: i128, decimal: f64) -> Ordering {
    if decimal.abs() > TWO_TO_64 {
        return if decimal > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    let floor = decimal.floor();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction and fits"
    )]
    let below = floor as i128;
    match whole.cmp(&below) {
        Ordering::Equal if decimal > floor => Ordering::Less,
        ordering => ordering,
    }
}

const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn neighbours_are_told_apart() {
        let ascending = [
            "-1e300",
            "-9223372036854775808",
            "-9007199254740993",
            "-9007199254740992.0",
            "-5",
            "-4.5",
            "-4",
            "0",
            "0.1",
            "1",
            "9007199254740992.0",
            "9007199254740993",
            "9223372036854775807",
            "18446744073709551615",
            "1e300",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (beside, right) in ascending.iter().enumerate() {
                let (left, right) = (number(left), number(right));
                assert_eq!(compare(&left, &right), at.cmp(&beside), "{left} {right}");
                assert_eq!(key(&left) == key(&right), at == beside, "{left} {right}");
            }
        }
    }

    #[test]
    fn the_same_number_is_equal_however_it_is_written() {
        for (left, right) in [("5", "5.0"), ("0", "-0.0"), ("100", "1e2"), ("0.5", "5e-1")] {
            let (left, right) = (number(left), number(right));
            assert_eq!(compare(&left, &right), Ordering::Equal, "{left} {right}");
            assert_eq!(key(&left), key(&right));
        }
        assert_eq!(integer(&number("3.0")), Some(3));
        assert_eq!(integer(&number("3.5")), None);
        assert_eq!(integer(&number("9223372036854775808")), None);
        assert_eq!(integer(&number("9223372036854775807")), Some(i64::MAX));
    }
}
