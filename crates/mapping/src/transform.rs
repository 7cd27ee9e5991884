//! What happens to a value on its way. Every transform is pure and total.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A step between an attribute's value and a field's.
///
/// Text transforms act on every text of a list; what a transform does not fit stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Transform {
    /// Without white space at both ends.
    Trim,
    /// With single spaces inside, none at the ends.
    CollapseSpaces,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// With every word beginning in upper case.
    TitleCase,
    /// Without accents and other marks.
    StripDiacritics,
    /// With a text in front.
    Prefix(String),
    /// With a text behind.
    Suffix(String),
    /// With every occurrence of a text replaced.
    Replace {
        /// The text.
        find: String,
        /// What takes its place.
        with: String,
    },
    /// A part, counted in characters from 0.
    Substring {
        /// Where it begins.
        start: usize,
        /// How long it is.
        length: usize,
    },
    /// What stands before the first occurrence of a text; nothing when it does not occur.
    Before(String),
    /// What stands behind the first occurrence of a text; nothing when it does not occur.
    After(String),
    /// Other values for known ones, compared without regard to case.
    ValueMap {
        /// From what to what.
        entries: Vec<(String, Value)>,
        /// What a value becomes that is not among them.
        otherwise: Otherwise,
    },
    /// A value where there is none.
    Default(Value),
    /// A list of the parts of a text.
    Split(String),
    /// One value of a list, counted from 0.
    Item(usize),
    /// The first value of a list.
    First,
    /// A text of the values of a list.
    Join(String),
    /// A boolean: these words, `true`, `yes` and `1` are true, the rest is false.
    ToBool(Vec<String>),
    /// A whole number; nothing when it is none.
    ToInt,
    /// An instant, read in one of these formats or RFC 3339 and written in RFC 3339.
    Date(Vec<String>),
}

/// What a value becomes that is in no entry of a value map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Otherwise {
    /// It stays.
    Keep,
    /// It is dropped.
    Drop,
    /// It becomes this.
    Value(Value),
}

impl Transform {
    /// Applies the transform; `None` is no value. Text is cut at 16 KiB.
    pub fn apply(&self, value: Option<Value>) -> Option<Value> {
        let value = match (self, value) {
            (Self::Default(default), None) => return Some(default.clone()),
            (_, None) => return None,
            (Self::Default(_), value) => return value,
            (_, Some(value)) => value,
        };
        let result = match (self, value) {
            (Self::Item(at), Value::Array(values)) => values.into_iter().nth(*at),
            (Self::First, Value::Array(values)) => values.into_iter().next(),
            (Self::Join(separator), Value::Array(values)) => {
                let texts: Vec<String> = values.iter().filter_map(plain_text).collect();
                Some(Value::String(texts.join(separator)))
            }
            (_, Value::Array(values)) => Some(Value::Array(
                values.into_iter().filter_map(|v| self.single(v)).collect(),
            )),
            (_, single) => self.single(single),
        };
        result.map(limited)
    }

    fn single(&self, value: Value) -> Option<Value> {
        let Some(text) = plain_text(&value) else {
            return Some(value);
        };
        let text = match self {
            Self::Trim => text.trim().to_owned(),
            Self::CollapseSpaces => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::TitleCase => title_case(&text),
            Self::StripDiacritics => text.nfkd().filter(|c| !is_combining_mark(*c)).collect(),
            Self::Prefix(prefix) => format!("{prefix}{text}"),
            Self::Suffix(suffix) => format!("{text}{suffix}"),
            Self::Replace { find, with } if !find.is_empty() => text.replace(find, with),
            Self::Substring { start, length } => text.chars().skip(*start).take(*length).collect(),
            Self::Before(mark) => text.split_once(mark.as_str())?.0.to_owned(),
            Self::After(mark) => text.split_once(mark.as_str())?.1.to_owned(),
            Self::ValueMap { entries, otherwise } => {
                let found = entries
                    .iter()
                    .find(|(from, _)| from.to_lowercase() == text.to_lowercase());
                return match (found, otherwise) {
                    (Some((_, to)), _) => Some(to.clone()),
                    (None, Otherwise::Keep) => Some(value),
                    (None, Otherwise::Drop) => None,
                    (None, Otherwise::Value(to)) => Some(to.clone()),
                };
            }
            Self::Split(separator) if !separator.is_empty() => {
                let parts = text.split(separator.as_str()).map(str::trim);
                let parts = parts.filter(|part| !part.is_empty()).map(Value::from);
                return Some(Value::Array(parts.collect()));
            }
            Self::ToBool(words) => {
                let word = text.trim().to_lowercase();
                let known = ["true", "yes", "1"].contains(&word.as_str());
                return Some(Value::Bool(
                    known || words.iter().any(|w| w.to_lowercase() == word),
                ));
            }
            Self::ToInt => {
                let number: i64 = text.trim().parse().ok()?;
                return Some(Value::Number(Number::from(number)));
            }
            Self::Date(formats) => {
                let instant = parse_date(text.trim(), formats)?;
                instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
            }
            _ => return Some(value),
        };
        Some(Value::String(text))
    }

    /// What a value map turned into `value`, where only one thing could be.
    pub(crate) fn inverse(&self, value: &Value) -> Option<String> {
        let Self::ValueMap { entries, .. } = self else {
            return None;
        };
        let mut sources = entries.iter().filter(|(_, to)| to == value);
        match (sources.next(), sources.next()) {
            (Some((from, _)), None) => Some(from.clone()),
            _ => None,
        }
    }
}

/// The text of a simple value.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An instant in one of the formats, or as RFC 3339 writes it.
fn parse_date(text: &str, formats: &[String]) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    formats.iter().find_map(|format| {
        NaiveDateTime::parse_from_str(text, format)
            .ok()
            .or_else(|| {
                NaiveDate::parse_from_str(text, format)
                    .ok()?
                    .and_hms_opt(0, 0, 0)
            })
            .map(|instant| instant.and_utc())
    })
}

fn title_case(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .flat_map(|character| {
            let first = character.is_alphanumeric() && !inside;
            inside = character.is_alphanumeric() || character == '\'';
            let cased: Vec<char> = if first {
                character.to_uppercase().collect()
            } else {
                character.to_lowercase().collect()
            };
            cased
        })
        .collect()
}

fn limited(value: Value) -> Value {
    match value {
        Value::String(mut text) if text.len() > OUTPUT_BYTES => {
            let end = (0..=OUTPUT_BYTES)
                .rev()
                .find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or(0));
            Value::String(text)
        }
        other => other,
    }
}

/// Bytes of a field's value at most.
const OUTPUT_BYTES: usize = 16 * 1024;
