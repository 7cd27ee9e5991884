//! Transforms prepared once and applied to any number of values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use regex_lite::{Regex, RegexBuilder};
use scim_protocol::text::fold;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::date::{parse_date, plus_days, write_date};
use super::text::{OUTPUT_BYTES, deduped, joined, limited, plain_text, replaced, title_case, word};
use super::{DateFormats, Days, Otherwise, Transform};
use crate::error::{RuleErrorKind, ValueError};
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

    fn pattern(&self) -> Option<&Regex> {
        match &self.prepared {
            Prepared::Pattern(pattern) => Some(pattern),
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

    /// Applies the transform to what came of those before it. A default takes the place of what
    /// they could not read, too.
    pub(crate) fn follow(&self, before: Given) -> Given {
        match (&self.transform, before) {
            (Transform::Default(default), Err(_) | Ok(None)) => Ok(Some(default.clone())),
            (_, Ok(Some(value))) => self.apply(value),
            (_, nothing) => nothing,
        }
    }

    fn apply(&self, value: Value) -> Given {
        Ok(match (&self.transform, value) {
            (Transform::Default(_), value) => Some(value),
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
            (_, Value::Array(values)) => Some(Value::Array(self.each(values)?)),
            (_, single) => self.single(limited(single))?.map(limited),
        })
    }

    /// A list without a value that cannot be read would be another list: it cannot be read either.
    fn each(&self, values: Vec<Value>) -> Result<Vec<Value>, ValueError> {
        let mut bytes = 0;
        let mut found = Vec::new();
        for value in values {
            let parts = match self.single(limited(value))?.map(limited) {
                None => continue,
                Some(Value::Array(parts)) => parts,
                Some(single) => vec![single],
            };
            for part in parts {
                bytes += part.as_str().map_or(1, str::len);
                if bytes > LIST_BYTES {
                    return Ok(found);
                }
                found.push(part);
            }
        }
        Ok(found)
    }

    fn single(&self, value: Value) -> Given {
        let Some(text) = plain_text(&value) else {
            return Ok(Some(value));
        };
        match &self.transform {
            Transform::Date(_)
            | Transform::WriteDate { .. }
            | Transform::PlusDays(_)
            | Transform::ToInt
            | Transform::ToNumber
            | Transform::JsonField(_) => match text.trim() {
                "" => Ok(None),
                text => self.read(text),
            },
            Transform::RegexExtract { .. } | Transform::RegexReplace { .. }
                if text.len() > REGEX_INPUT =>
            {
                Err(ValueError::TooLongForPattern { most: REGEX_INPUT })
            }
            _ => Ok(self.made(&text, value)),
        }
    }

    /// What a transform makes of a text that it has to read: the error says what it is not.
    fn read(&self, text: &str) -> Given {
        let date = |written: Option<String>| written.ok_or(ValueError::DateTime);
        let zone = self.zone();
        let written = match &self.transform {
            Transform::ToInt => return whole_number(text).map(|number| Some(number.into())),
            Transform::ToNumber => {
                if let Ok(whole) = text.parse::<i64>() {
                    return Ok(Some(whole.into()));
                }
                let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.ok_or(ValueError::Number)?;
                return Ok(Some(FieldValue::number(number).to_json()));
            }
            Transform::JsonField(name) => {
                let document: Option<Value> = serde_json::from_str(text).ok();
                let members = document.as_ref().and_then(Value::as_object);
                let found = members.ok_or(ValueError::NoObject)?.get(name);
                return Ok(found.filter(|found| !found.is_null()).cloned());
            }
            Transform::Date(DateFormats { formats, .. }) => {
                let instant = parse_date(text, formats, zone.unwrap_or(Tz::UTC));
                date(instant.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)))?
            }
            Transform::WriteDate { format, .. } => {
                date(write_date(text, format, zone.unwrap_or(Tz::UTC)))?
            }
            Transform::PlusDays(Days { days, .. }) => date(plus_days(text, *days, zone))?,
            _ => text.to_owned(),
        };
        Ok(Some(Value::String(written)))
    }

    /// What a transform makes of any text; `None` is nothing.
    fn made(&self, text: &str, value: Value) -> Option<Value> {
        let text = match &self.transform {
            Transform::Trim => text.trim().to_owned(),
            Transform::CollapseSpaces => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Transform::StripSpaces => text.split_whitespace().collect(),
            Transform::Lower => text.to_lowercase(),
            Transform::Upper => text.to_uppercase(),
            Transform::TitleCase => title_case(text),
            Transform::StripDiacritics => text.nfkd().filter(|c| !is_combining_mark(*c)).collect(),
            Transform::Prefix(prefix) => format!("{prefix}{text}"),
            Transform::Suffix(suffix) => format!("{text}{suffix}"),
            Transform::Replace { find, with } if !find.is_empty() => replaced(text, find, with),
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
            Transform::Word { number, separators } => word(text, *number, separators)?.to_owned(),
            Transform::IfEmpty if text.trim().is_empty() => return None,
            Transform::RegexExtract { group, .. } => {
                let found = self.pattern()?.captures(text)?.get(*group)?;
                found.as_str().to_owned()
            }
            Transform::RegexReplace { with, .. } => {
                let pattern = self.pattern()?;
                pattern.replace_all(text, with.as_str()).into_owned()
            }
            Transform::Before(mark) => text.split_once(mark.as_str())?.0.to_owned(),
            Transform::After(mark) => text.split_once(mark.as_str())?.1.to_owned(),
            Transform::ValueMap { otherwise, .. } | Transform::Table { otherwise, .. } => {
                return match (self.entry(text), otherwise) {
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
                let kept = self.single(value.clone()).ok().flatten();
                (kept.as_ref() == Some(value)).then(|| value.clone())
            }
            _ => None,
        }
    }
}

/// What came of an attribute: nothing, a value, or why what stands there could not be read.
pub(crate) type Given = Result<Option<Value>, ValueError>;

/// Applies transforms, one behind the other.
pub(crate) fn apply_all(transforms: &[CompiledTransform], given: Given) -> Given {
    let transforms = transforms.iter();
    transforms.fold(given, |given, transform| transform.follow(given))
}

/// 42.0 is how some clients write a whole number.
fn whole_number(text: &str) -> Result<i64, ValueError> {
    let whole = text.trim_end_matches('0').strip_suffix('.');
    let digits = text.trim_start_matches(['+', '-']);
    whole
        .unwrap_or(text)
        .parse()
        .map_err(|_number| match text.parse::<f64>() {
            _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => ValueError::TooManyBits,
            Ok(number) if number.is_finite() && number.fract() != 0.0 => ValueError::NotWhole,
            _ => ValueError::Number,
        })
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
