//! Transforms prepared once and applied to any number of values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use regex_lite::{Regex, RegexBuilder};
use scim_protocol::text::fold;
use serde_json::{Number, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::date::{parse_date, plus_days, write_date};
use super::text::{OUTPUT_BYTES, deduped, joined, limited, plain_text, replaced, title_case, word};
use super::{DateFormats, Days, Otherwise, Transform};
use crate::error::RuleErrorKind;
use crate::record::FieldValue;
use crate::table::{LookupTable, LookupTables};

/// A transform with what its parameters are prepared to, so that a value costs no preparation.
#[derive(Debug, Clone)]
pub(crate) struct CompiledTransform {
    pub(crate) transform: Transform,
    prepared: Prepared,
}

/// What a transform needs beside its parameters.
#[derive(Debug, Clone)]
enum Prepared {
    Nothing,
    Pattern(Regex),
    /// The entries of a value map by their folded sources.
    Entries(HashMap<String, Value>),
    /// The folded words that are true.
    Words(HashSet<String>),
    /// The zone of a date.
    Zone(Tz),
    /// A table, and the place of the column.
    Column(Arc<LookupTable>, usize),
}

impl CompiledTransform {
    /// Prepares a transform, which finds the table that it names among these.
    pub(crate) fn new(transform: &Transform, tables: &LookupTables) -> Result<Self, RuleErrorKind> {
        let prepared = match transform {
            Transform::RegexExtract { pattern, .. } | Transform::RegexReplace { pattern, .. } => {
                Prepared::Pattern(compile_pattern(pattern, false)?)
            }
            Transform::ValueMap { entries, .. } => {
                let mut folded = HashMap::with_capacity(entries.len());
                for (from, to) in entries {
                    folded.entry(fold(from)).or_insert_with(|| to.clone());
                }
                Prepared::Entries(folded)
            }
            Transform::Table { name, column, .. } => {
                let no_table = || RuleErrorKind::NoTable { name: name.clone() };
                let table = tables.find(name).ok_or_else(no_table)?;
                let no_column = || RuleErrorKind::NoColumn {
                    table: name.clone(),
                    column: column.clone().unwrap_or_default(),
                };
                let place = table.column(column.as_deref()).ok_or_else(no_column)?;
                Prepared::Column(Arc::clone(table), place)
            }
            Transform::ToBool(words) => {
                let words = words.iter().map(String::as_str).chain(TRUE_WORDS);
                Prepared::Words(words.map(fold).collect())
            }
            Transform::Date(DateFormats {
                zone: Some(zone), ..
            })
            | Transform::PlusDays(Days {
                zone: Some(zone), ..
            })
            | Transform::WriteDate {
                zone: Some(zone), ..
            } => Prepared::Zone(compile_zone(zone)?),
            _ => Prepared::Nothing,
        };
        Ok(Self {
            transform: transform.clone(),
            prepared,
        })
    }

    /// The pattern, for a text that is not too long for one.
    fn pattern_for(&self, text: &str) -> Option<&Regex> {
        match &self.prepared {
            Prepared::Pattern(pattern) if text.len() <= REGEX_INPUT => Some(pattern),
            _ => None,
        }
    }

    /// What a value map or a table makes of a text, compared without regard to case.
    fn entry(&self, text: &str) -> Option<Value> {
        match &self.prepared {
            Prepared::Entries(entries) => entries.get(&fold(text)).cloned(),
            Prepared::Column(table, column) => table.value(text, *column).map(Value::from),
            _ => None,
        }
    }

    fn zone(&self) -> Option<Tz> {
        match self.prepared {
            Prepared::Zone(zone) => Some(zone),
            _ => None,
        }
    }

    fn is_true_word(&self, word: &str) -> bool {
        matches!(&self.prepared, Prepared::Words(words) if words.contains(&fold(word)))
    }

    /// Applies the transform; `None` is no value.
    pub(crate) fn apply(&self, value: Option<Value>) -> Option<Value> {
        let value = match (&self.transform, value) {
            (Transform::Default(default), None) => return Some(default.clone()),
            (_, None) => return None,
            (Transform::Default(_), value) => return value,
            (_, Some(value)) => value,
        };
        match (&self.transform, value) {
            (Transform::Item(at), Value::Array(values)) => values.into_iter().nth(*at),
            (Transform::First, Value::Array(values)) => values.into_iter().next(),
            (Transform::Last, Value::Array(values)) => values.into_iter().next_back(),
            (Transform::Dedupe, Value::Array(values)) => Some(Value::Array(deduped(values))),
            (Transform::Count, Value::Array(values)) => Some(Value::from(values.len())),
            (Transform::Count, _) => Some(Value::from(1)),
            (Transform::IfEmpty, Value::Array(values)) => {
                (!values.is_empty()).then_some(Value::Array(values))
            }
            (Transform::Join(separator), Value::Array(values)) => {
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
        let text = match &self.transform {
            Transform::Trim => text.trim().to_owned(),
            Transform::CollapseSpaces => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Transform::StripSpaces => text.split_whitespace().collect(),
            Transform::Lower => text.to_lowercase(),
            Transform::Upper => text.to_uppercase(),
            Transform::TitleCase => title_case(&text),
            Transform::StripDiacritics => text.nfkd().filter(|c| !is_combining_mark(*c)).collect(),
            Transform::Prefix(prefix) => format!("{prefix}{text}"),
            Transform::Suffix(suffix) => format!("{text}{suffix}"),
            Transform::Replace { find, with } if !find.is_empty() => replaced(&text, find, with),
            Transform::Substring { start, length } => {
                text.chars().skip(*start).take(*length).collect()
            }
            Transform::Left(length) | Transform::Truncate(length) => {
                text.chars().take(*length).collect()
            }
            Transform::Right(length) => {
                let skipped = text.chars().count().saturating_sub(*length);
                text.chars().skip(skipped).collect()
            }
            Transform::PadLeft { length, with } => {
                let missing = length.saturating_sub(text.chars().count());
                let filled = std::iter::repeat_n(*with, missing.min(OUTPUT_BYTES));
                filled.chain(text.chars()).collect()
            }
            Transform::DigitsOnly => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                return (!digits.is_empty()).then_some(Value::String(digits));
            }
            Transform::Word { number, separators } => word(&text, *number, separators)?.to_owned(),
            Transform::IfEmpty if text.trim().is_empty() => return None,
            Transform::JsonField(name) => {
                let document: Value = serde_json::from_str(&text).ok()?;
                let found = document.as_object()?.get(name)?;
                return (!found.is_null()).then(|| found.clone());
            }
            Transform::RegexExtract { group, .. } => {
                let found = self.pattern_for(&text)?.captures(&text)?.get(*group)?;
                found.as_str().to_owned()
            }
            Transform::RegexReplace { with, .. } => {
                let pattern = self.pattern_for(&text)?;
                pattern.replace_all(&text, with.as_str()).into_owned()
            }
            Transform::Before(mark) => text.split_once(mark.as_str())?.0.to_owned(),
            Transform::After(mark) => text.split_once(mark.as_str())?.1.to_owned(),
            Transform::ValueMap { otherwise, .. } | Transform::Table { otherwise, .. } => {
                return match (self.entry(&text), otherwise) {
                    (Some(to), _) => Some(to),
                    (None, Otherwise::Keep) => Some(value),
                    (None, Otherwise::Drop) => None,
                    (None, Otherwise::Value(to)) => Some(to.clone()),
                };
            }
            Transform::Split(separator) if !separator.is_empty() => {
                let parts = text.split(separator.as_str()).map(str::trim);
                let parts = parts.filter(|part| !part.is_empty()).map(Value::from);
                return Some(Value::Array(parts.collect()));
            }
            Transform::ToBool(_) => return Some(Value::Bool(self.is_true_word(text.trim()))),
            Transform::ToInt => {
                let number = text.trim();
                // 42.0 is how some clients write a whole number.
                let whole = number.trim_end_matches('0').strip_suffix('.');
                let number: i64 = whole.unwrap_or(number).parse().ok()?;
                return Some(Value::Number(Number::from(number)));
            }
            Transform::ToNumber => {
                let number = text.trim();
                if let Ok(whole) = number.parse::<i64>() {
                    return Some(whole.into());
                }
                let number: f64 = number.parse().ok()?;
                return number
                    .is_finite()
                    .then(|| FieldValue::number(number).to_json());
            }
            Transform::Date(DateFormats { formats, .. }) => {
                let zone = self.zone().unwrap_or(Tz::UTC);
                let instant = parse_date(text.trim(), formats, zone)?;
                instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
            }
            Transform::WriteDate { format, .. } => {
                write_date(text.trim(), format, self.zone().unwrap_or(Tz::UTC))?
            }
            Transform::PlusDays(Days { days, .. }) => plus_days(text.trim(), *days, self.zone())?,
            _ => return Some(value),
        };
        Some(Value::String(text))
    }

    /// What a value map or a table turned into `value`, where only one thing could be.
    pub(crate) fn inverse(&self, value: &Value) -> Option<Value> {
        let (sources, otherwise) = match (&self.transform, &self.prepared) {
            (Transform::ValueMap { entries, otherwise }, _) => {
                let sources = entries.iter().filter(|(_, to)| *to == value);
                let sources: Vec<&str> = sources.map(|(from, _)| &**from).take(2).collect();
                (sources, otherwise)
            }
            (Transform::Table { otherwise, .. }, Prepared::Column(table, column)) => {
                let text = value.as_str()?;
                (table.keys_of(text, *column).take(2).collect(), otherwise)
            }
            _ => return None,
        };
        match sources.as_slice() {
            [only] => Some(Value::from(*only)),
            [] if *otherwise == Otherwise::Keep => {
                (self.single(value.clone()).as_ref() == Some(value)).then(|| value.clone())
            }
            _ => None,
        }
    }
}

fn compile_zone(name: &str) -> Result<Tz, RuleErrorKind> {
    let zone = name.parse();
    zone.map_err(|_unknown| RuleErrorKind::Zone {
        zone: name.to_owned(),
    })
}

/// Compiles a pattern; one that takes too much memory is none.
pub(crate) fn compile_pattern(
    pattern: &str,
    case_insensitive: bool,
) -> Result<Regex, RuleErrorKind> {
    #[cfg(test)]
    PATTERNS_COMPILED.with(|count| count.set(count.get() + 1));
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(case_insensitive);
    let built = builder.size_limit(REGEX_SIZE).build();
    built.map_err(|_error| RuleErrorKind::Pattern {
        pattern: pattern.to_owned(),
    })
}

#[cfg(test)]
thread_local! {
    /// How many patterns this thread compiled.
    pub(crate) static PATTERNS_COMPILED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Bytes of a text that a pattern looks at.
const REGEX_INPUT: usize = 4 * 1024;
/// Bytes of a compiled pattern.
const REGEX_SIZE: usize = 64 * 1024;
const LIST_BYTES: usize = 1024 * 1024;
/// What is true in every mapping.
const TRUE_WORDS: [&str; 3] = ["true", "yes", "1"];
