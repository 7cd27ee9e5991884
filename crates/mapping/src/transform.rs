//! What happens to a value on its way. Every transform is pure and total.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use scim_protocol::text::fold;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::record::FieldValue;

/// A step between an attribute's value and a field's.
///
/// Text transforms act on every text of a list; what a transform does not fit stays as it is.
///
/// ```
/// use scim_mapping::Transform;
/// use serde_json::json;
///
/// let initials = Transform::Substring { start: 0, length: 1 };
/// assert_eq!(initials.apply(Some(json!("Ava"))), Some(json!("A")));
/// assert_eq!(initials.apply(Some(json!(["Ava", "Stone"]))), Some(json!(["A", "S"])));
/// assert_eq!(initials.apply(None), None);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Transform {
    /// Without white space at both ends.
    Trim,
    /// With single spaces inside, none at the ends.
    CollapseSpaces,
    /// Without any white space.
    StripSpaces,
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
    /// So many characters from the beginning.
    Left(usize),
    /// So many characters from the end.
    Right(usize),
    /// So many characters at most.
    Truncate(usize),
    /// Filled up in front until it has so many characters.
    PadLeft {
        /// How many characters it gets.
        length: usize,
        /// With what.
        with: char,
    },
    /// The digits alone; nothing when there are none.
    DigitsOnly,
    /// One word, counted from 0; words end at any of these characters.
    Word {
        /// Which word.
        number: usize,
        /// The characters that end a word; white space without them.
        separators: String,
    },
    /// What stands before the first occurrence of a text; nothing when it does not occur.
    Before(String),
    /// What stands behind the first occurrence of a text; nothing when it does not occur.
    After(String),
    /// Other values for known ones, compared without regard to case.
    ValueMap {
        /// From what to what.
        entries: Map<String, Value>,
        /// What a value becomes that is not among them.
        otherwise: Otherwise,
    },
    /// No value where the text is blank or the list is empty.
    IfEmpty,
    /// A value where there is none.
    Default(Value),
    /// A list of the parts of a text.
    Split(String),
    /// One value of a list, counted from 0.
    Item(usize),
    /// The first value of a list.
    First,
    /// The last value of a list.
    Last,
    /// A list with every value once, compared without regard to case.
    Dedupe,
    /// How many values there are.
    Count,
    /// A text of the values of a list.
    Join(String),
    /// A boolean: these words, `true`, `yes` and `1` are true, the rest is false.
    ToBool(Vec<String>),
    /// A whole number; nothing when the value is none.
    ToInt,
    /// A number; nothing when the value is none.
    ToNumber,
    /// A member of a JSON object that is sent as text; nothing when there is none.
    JsonField(String),
    /// What a pattern finds in the text; nothing when it finds nothing.
    RegexExtract {
        /// The pattern, in the language of the crate `regex-lite`.
        pattern: String,
        /// Which group of it; 0 is all that it finds.
        #[serde(default)]
        group: usize,
    },
    /// The text with everything replaced that a pattern finds.
    RegexReplace {
        /// The pattern, in the language of the crate `regex-lite`.
        pattern: String,
        /// What takes its place; `$1` is its first group.
        with: String,
    },
    /// An instant, read in RFC 3339 or one of these formats and written in RFC 3339.
    ///
    /// A format is made of `strftime` fields (`%d-%m-%Y %H:%M`); one without an offset is UTC.
    Date(Vec<String>),
}

/// What a value becomes that is in no entry of a value map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Applies the transform; `None` is no value.
    ///
    /// A text is cut at 16 KiB, and a list ends where its texts reach 1 MiB.
    pub fn apply(&self, value: Option<Value>) -> Option<Value> {
        let value = match (self, value) {
            (Self::Default(default), None) => return Some(default.clone()),
            (_, None) => return None,
            (Self::Default(_), value) => return value,
            (_, Some(value)) => value,
        };
        match (self, value) {
            (Self::Item(at), Value::Array(values)) => values.into_iter().nth(*at),
            (Self::First, Value::Array(values)) => values.into_iter().next(),
            (Self::Last, Value::Array(values)) => values.into_iter().next_back(),
            (Self::Dedupe, Value::Array(values)) => Some(Value::Array(deduped(values))),
            (Self::Count, Value::Array(values)) => Some(Value::from(values.len())),
            (Self::Count, _) => Some(Value::from(1)),
            (Self::IfEmpty, Value::Array(values)) => {
                (!values.is_empty()).then_some(Value::Array(values))
            }
            (Self::Join(separator), Value::Array(values)) => {
                Some(Value::String(joined(&values, separator)))
            }
            (_, Value::Array(values)) => Some(Value::Array(self.each(values))),
            (_, single) => self.single(limited(single)).map(limited),
        }
    }

    fn each(&self, values: Vec<Value>) -> Vec<Value> {
        let mut bytes = 0;
        values
            .into_iter()
            .filter_map(|value| self.single(limited(value)).map(limited))
            .flat_map(|value| match value {
                Value::Array(parts) => parts,
                single => vec![single],
            })
            .take_while(|value| {
                bytes += value.as_str().map_or(1, str::len);
                bytes <= LIST_BYTES
            })
            .collect()
    }

    fn single(&self, value: Value) -> Option<Value> {
        let Some(text) = plain_text(&value) else {
            return Some(value);
        };
        let text = match self {
            Self::Trim => text.trim().to_owned(),
            Self::CollapseSpaces => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::StripSpaces => text.split_whitespace().collect(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::TitleCase => title_case(&text),
            Self::StripDiacritics => text.nfkd().filter(|c| !is_combining_mark(*c)).collect(),
            Self::Prefix(prefix) => format!("{prefix}{text}"),
            Self::Suffix(suffix) => format!("{text}{suffix}"),
            Self::Replace { find, with } if !find.is_empty() => replaced(&text, find, with),
            Self::Substring { start, length } => text.chars().skip(*start).take(*length).collect(),
            Self::Left(length) | Self::Truncate(length) => text.chars().take(*length).collect(),
            Self::Right(length) => {
                let skipped = text.chars().count().saturating_sub(*length);
                text.chars().skip(skipped).collect()
            }
            Self::PadLeft { length, with } => {
                let missing = length.saturating_sub(text.chars().count());
                let filled = std::iter::repeat_n(*with, missing.min(OUTPUT_BYTES));
                filled.chain(text.chars()).collect()
            }
            Self::DigitsOnly => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                return (!digits.is_empty()).then_some(Value::String(digits));
            }
            Self::Word { number, separators } => word(&text, *number, separators)?.to_owned(),
            Self::IfEmpty if text.trim().is_empty() => return None,
            Self::JsonField(name) => {
                let document: Value = serde_json::from_str(&text).ok()?;
                let found = document.as_object()?.get(name)?;
                return (!found.is_null()).then(|| found.clone());
            }
            Self::RegexExtract { pattern, group } => {
                let found = regex(pattern, &text)?.captures(&text)?.get(*group)?;
                found.as_str().to_owned()
            }
            Self::RegexReplace { pattern, with } => {
                let regex = regex(pattern, &text)?;
                regex.replace_all(&text, with.as_str()).into_owned()
            }
            Self::Before(mark) => text.split_once(mark.as_str())?.0.to_owned(),
            Self::After(mark) => text.split_once(mark.as_str())?.1.to_owned(),
            Self::ValueMap { entries, otherwise } => {
                let found = entries.iter().find(|(from, _)| same_text(from, &text));
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
                let word = text.trim();
                let known = TRUE_WORDS.iter().any(|known| same_text(known, word));
                return Some(Value::Bool(
                    known || words.iter().any(|known| same_text(known, word)),
                ));
            }
            Self::ToInt => {
                let number = text.trim();
                // 42.0 is how some clients write a whole number.
                let whole = number.trim_end_matches('0').strip_suffix('.');
                let number: i64 = whole.unwrap_or(number).parse().ok()?;
                return Some(Value::Number(Number::from(number)));
            }
            Self::ToNumber => {
                let number = text.trim();
                if let Ok(whole) = number.parse::<i64>() {
                    return Some(whole.into());
                }
                let number: f64 = number.parse().ok()?;
                return number
                    .is_finite()
                    .then(|| FieldValue::number(number).to_json());
            }
            Self::Date(formats) => {
                let instant = parse_date(text.trim(), formats)?;
                instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
            }
            _ => return Some(value),
        };
        Some(Value::String(text))
    }

    /// Whether it makes another number of values of a list than came in.
    pub(crate) fn reshapes(&self) -> bool {
        matches!(
            self,
            Self::Split(_)
                | Self::Item(_)
                | Self::First
                | Self::Last
                | Self::Count
                | Self::Join(_)
                | Self::JsonField(_)
        )
    }

    /// What a value map turned into `value`, where only one thing could be.
    pub(crate) fn inverse(&self, value: &Value) -> Option<Value> {
        let Self::ValueMap { entries, otherwise } = self else {
            return None;
        };
        let mut sources = entries.iter().filter(|(_, to)| *to == value);
        match (sources.next(), sources.next()) {
            (Some((from, _)), None) => Some(Value::from(from.as_str())),
            (None, _) if *otherwise == Otherwise::Keep => {
                (self.single(value.clone()).as_ref() == Some(value)).then(|| value.clone())
            }
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

/// An instant as RFC 3339 writes it, or in one of the formats.
fn parse_date(text: &str, formats: &[String]) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    formats.iter().find_map(|format| {
        let zoned = DateTime::parse_from_str(text, format).map(|instant| instant.to_utc());
        let local = || NaiveDateTime::parse_from_str(text, format).ok();
        let midnight = || {
            let day = NaiveDate::parse_from_str(text, format).ok()?;
            day.and_hms_opt(0, 0, 0)
        };
        zoned
            .ok()
            .or_else(|| local().or_else(midnight).map(|instant| instant.and_utc()))
    })
}

/// Without regard to case.
pub(crate) fn same_text(left: &str, right: &str) -> bool {
    let ascii = left.is_ascii() && right.is_ascii();
    left.eq_ignore_ascii_case(right) || (!ascii && fold(left) == fold(right))
}

/// A pattern, for a text that is not too long for one.
pub(crate) fn regex(pattern: &str, text: &str) -> Option<regex_lite::Regex> {
    if text.len() > REGEX_INPUT {
        return None;
    }
    let mut builder = regex_lite::RegexBuilder::new(pattern);
    builder.size_limit(REGEX_SIZE).build().ok()
}

fn word<'t>(text: &'t str, number: usize, separators: &str) -> Option<&'t str> {
    text.split(|c: char| match separators.is_empty() {
        true => c.is_whitespace(),
        false => separators.contains(c),
    })
    .filter(|word| !word.is_empty())
    .nth(number)
}

fn deduped(values: Vec<Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    let key = |value: &Value| plain_text(value).map_or_else(|| value.to_string(), |t| fold(&t));
    values
        .into_iter()
        .filter(|value| seen.insert(key(value)))
        .collect()
}

/// Stops where the result would be cut anyway.
fn replaced(text: &str, find: &str, with: &str) -> String {
    let mut result = String::new();
    let mut parts = text.split(find);
    result.extend(parts.next());
    for part in parts {
        if result.len() > OUTPUT_BYTES {
            break;
        }
        result.push_str(with);
        result.push_str(part);
    }
    result
}

/// Stops where the result would be cut anyway.
pub(crate) fn joined(values: &[Value], separator: &str) -> String {
    let mut result = String::new();
    for (at, text) in values.iter().filter_map(plain_text).enumerate() {
        if at > 0 {
            result.push_str(separator);
        }
        result.push_str(&text);
        if result.len() > OUTPUT_BYTES {
            cut(&mut result);
            break;
        }
    }
    result
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
        Value::String(mut text) => {
            cut(&mut text);
            Value::String(text)
        }
        other => other,
    }
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(OUTPUT_BYTES));
}

/// Bytes of a field's text at most.
pub(crate) const OUTPUT_BYTES: usize = 16 * 1024;
/// Bytes of a text that a pattern looks at.
const REGEX_INPUT: usize = 4 * 1024;
/// Bytes of a compiled pattern.
const REGEX_SIZE: usize = 64 * 1024;
const LIST_BYTES: usize = 1024 * 1024;
const TRUE_WORDS: [&str; 3] = ["true", "yes", "1"];
