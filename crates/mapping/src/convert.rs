//! Values of attributes as values of fields.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use scim_protocol::text::fold;
use serde_json::Value;

use crate::error::ValueError;
use crate::record::FieldValue;
use crate::target::OwnKind;
use crate::transform::plain_text;
use crate::value_kind::FieldKind;

/// The value of a field; the error says why the value does not fit.
pub(crate) fn convert<R: OwnKind>(
    kind: &FieldKind<R>,
    value: &Value,
) -> Result<FieldValue, ValueError> {
    match kind {
        FieldKind::Texts => return texts(value).map(FieldValue::Texts),
        FieldKind::Reference(own) => return own.convert(value),
        FieldKind::MultiChoice { options } => {
            let values = texts(value)?;
            let chosen: Result<_, _> = values.iter().map(|text| choice(options, text)).collect();
            return chosen.map(FieldValue::Texts);
        }
        _ => {}
    }
    let text = single_text(value)?;
    match kind {
        FieldKind::Text { max } => within(text, *max as usize).map(FieldValue::Text),
        FieldKind::LongText => within(text, LONG_TEXT).map(FieldValue::Text),
        FieldKind::Email => email(text.trim()).map(FieldValue::Text),
        FieldKind::Phone => phone(&text).map(FieldValue::Text),
        FieldKind::Boolean => boolean(&text).map(FieldValue::Boolean),
        FieldKind::SingleChoice { options } => choice(options, &text).map(FieldValue::Text),
        FieldKind::Number { min, max, integer } => number(&text, *min, *max, *integer),
        FieldKind::DateTime => date_time(&text).map(FieldValue::Text),
        FieldKind::Texts | FieldKind::MultiChoice { .. } => texts(value).map(FieldValue::Texts),
        FieldKind::Reference(own) => own.convert(value),
    }
}

/// The text of a value, or of the first of several.
pub(crate) fn single_text(value: &Value) -> Result<String, ValueError> {
    let value = match value {
        Value::Array(values) => values.first().ok_or(ValueError::EmptyList)?,
        single => single,
    };
    plain_text(value).ok_or(ValueError::Complex)
}

fn within(text: String, max: usize) -> Result<String, ValueError> {
    match text.chars().count() > max {
        true => Err(ValueError::TooLong { most: max }),
        false => Ok(text),
    }
}

/// An option as it is defined, found without regard to case.
fn choice(options: &[String], text: &str) -> Result<String, ValueError> {
    let wanted = fold(text.trim());
    let found = options.iter().find(|option| fold(option) == wanted);
    found.cloned().ok_or_else(|| ValueError::Choice {
        some: options.iter().take(NAMED).cloned().collect(),
        more: options.len() > NAMED,
    })
}

/// A number: whole ones of 64 bits exactly, others as doubles.
fn number(
    text: &str,
    min: Option<f64>,
    max: Option<f64>,
    integer: bool,
) -> Result<FieldValue, ValueError> {
    let text = text.trim();
    let value = match text.parse() {
        Ok(whole) => FieldValue::Integer(whole),
        Err(_) => {
            let number: f64 = text.parse().map_err(|_number| ValueError::Number)?;
            if !number.is_finite() {
                return Err(ValueError::Number);
            }
            FieldValue::number(number)
        }
    };
    let (below, above) = match value {
        FieldValue::Integer(whole) => (
            min.is_some_and(|min| i128::from(whole) < rounded(min.ceil())),
            max.is_some_and(|max| i128::from(whole) > rounded(max.floor())),
        ),
        FieldValue::Number(number) => (
            min.is_some_and(|min| number < min),
            max.is_some_and(|max| number > max),
        ),
        _ => (false, false),
    };
    match (min, max, &value) {
        (Some(min), ..) if below => Err(ValueError::Below { least: min }),
        (_, Some(max), _) if above => Err(ValueError::Above { most: max }),
        (_, _, FieldValue::Number(number)) if integer && number.fract() != 0.0 => {
            Err(ValueError::NotWhole)
        }
        (_, _, FieldValue::Number(_)) if integer => Err(ValueError::TooManyBits),
        _ => Ok(value),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is beyond counts as the limit"
)]
fn rounded(bound: f64) -> i128 {
    bound as i128
}

/// An instant in RFC 3339, UTC; without an offset it is taken for UTC.
fn date_time(text: &str) -> Result<String, ValueError> {
    let text = text.trim();
    let utc = |local: NaiveDateTime| local.and_utc();
    let instant = DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(utc))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%d-%m-%Y %H:%M").map(utc))
        .or_else(|_| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map(|day| day.and_time(NaiveTime::MIN).and_utc())
        });
    instant
        .map(|instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        .map_err(|_date| ValueError::DateTime)
}

/// The texts of a value, or of each of several.
pub(crate) fn texts(value: &Value) -> Result<Vec<String>, ValueError> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    values
        .iter()
        .map(|value| plain_text(value).ok_or(ValueError::Complex))
        .collect()
}

/// An address with one `@`, no spaces, and its domain in lower case (RFC 5321 section 2.4).
fn email(text: &str) -> Result<String, ValueError> {
    let well_formed = |local: &str, domain: &str| {
        !local.is_empty()
            && local.len() <= 64
            && !domain.is_empty()
            && !domain.starts_with(['.', '-'])
            && !domain.ends_with(['.', '-'])
            && !domain.contains("..")
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || c == ',')
    };
    match text.rsplit_once('@') {
        Some((local, domain)) if text.len() <= 254 && well_formed(local, domain) => {
            Ok(format!("{local}@{}", domain.to_lowercase()))
        }
        _ => Err(ValueError::Email),
    }
}

fn phone(text: &str) -> Result<String, ValueError> {
    let text = text.trim();
    let number = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default(),
        _ => text,
    };
    if number.chars().count() > 32 {
        return Err(ValueError::TooLong { most: 32 });
    }
    if !number.chars().any(|c| c.is_ascii_digit()) {
        return Err(ValueError::Phone);
    }
    Ok(number.to_owned())
}

fn boolean(text: &str) -> Result<bool, ValueError> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(ValueError::Boolean),
    }
}

const LONG_TEXT: usize = 16 * 1024;
const NAMED: usize = 10;
