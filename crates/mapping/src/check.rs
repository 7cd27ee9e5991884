//! What the parameters of transforms may be, so that their evaluation never fails.

use std::collections::HashSet;

use chrono::format::{Item, StrftimeItems};
use scim_protocol::text::fold;
use serde_json::Value;

use crate::error::{Fault, RuleErrorKind, RulePart};
use crate::table::LookupTables;
use crate::transform::{CompiledTransform, DateFormats, Days, OUTPUT_BYTES, Otherwise, Transform};

/// Checks the parameters of a transform; the error says which one is wrong.
fn check_transform(transform: &Transform) -> Result<(), RuleErrorKind> {
    match transform {
        Transform::Prefix(text) | Transform::Suffix(text) | Transform::Join(text) => {
            check_text(text)
        }
        Transform::Before(text) | Transform::After(text) | Transform::Split(text) => {
            check_mark(text)
        }
        Transform::Replace { find, with } => check_mark(find).and(check_text(with)),
        Transform::Default(value) => check_constant(value),
        Transform::Table { otherwise, .. } => check_otherwise(otherwise),
        Transform::ValueMap { entries, otherwise } => {
            if entries.len() > ENTRIES {
                return Err(RuleErrorKind::TooManyEntries { most: ENTRIES });
            }
            let mut folded = HashSet::new();
            for (from, to) in entries {
                check_text(from)?;
                check_constant(to)?;
                if !folded.insert(fold(from)) {
                    return Err(RuleErrorKind::EntryTwice { from: from.clone() });
                }
            }
            check_otherwise(otherwise)
        }
        Transform::Word { separators, .. } => check_text(separators),
        Transform::JsonField(name) => check_mark(name),
        Transform::PadLeft { length, .. } if *length > OUTPUT_BYTES => {
            Err(RuleErrorKind::PadTooLong { most: OUTPUT_BYTES })
        }
        Transform::RegexExtract { pattern, .. } => check_pattern(pattern),
        Transform::RegexReplace { pattern, with } => check_pattern(pattern).and(check_text(with)),
        Transform::ToBool(words) => check_list(words),
        Transform::Date(DateFormats { formats, .. }) => {
            check_list(formats)?;
            formats.iter().try_for_each(|format| check_format(format))
        }
        Transform::WriteDate { format, .. } => check_mark(format).and(check_format(format)),
        Transform::PlusDays(Days { days, .. }) if days.unsigned_abs() > DAYS => {
            Err(RuleErrorKind::TooManyDays { most: DAYS })
        }
        _ => Ok(()),
    }
}

fn check_otherwise(otherwise: &Otherwise) -> Result<(), RuleErrorKind> {
    match otherwise {
        Otherwise::Value(value) => check_constant(value),
        Otherwise::Keep | Otherwise::Drop => Ok(()),
    }
}

/// Checks a list of transforms and compiles them; the error says which one is wrong.
pub(crate) fn compile_transforms(
    transforms: &[Transform],
    part: fn(Option<usize>) -> RulePart,
    tables: &LookupTables,
) -> Result<Vec<CompiledTransform>, Fault> {
    if transforms.len() > TRANSFORMS {
        return Err(RuleErrorKind::TooManyTransforms { most: TRANSFORMS }.at(part(None)));
    }
    let compiled = transforms.iter().enumerate().map(|(at, transform)| {
        let compiled =
            check_transform(transform).and_then(|()| CompiledTransform::new(transform, tables));
        compiled.map_err(|kind| kind.at(part(Some(at))))
    });
    compiled.collect()
}

/// Checks the key of a rule or a group rule.
pub(crate) fn check_key(key: &str) -> Result<(), Fault> {
    match key.len() {
        1..=KEY_BYTES => Ok(()),
        _ => Err(RuleErrorKind::KeyLength { most: KEY_BYTES }.at(RulePart::Key)),
    }
}

/// Checks the length of a text in a rule.
pub(crate) fn check_text(text: &str) -> Result<(), RuleErrorKind> {
    match text.len() {
        0..=TEXT_BYTES => Ok(()),
        _ => Err(RuleErrorKind::TextTooLong { most: TEXT_BYTES }),
    }
}

/// Checks the size of a value in a rule.
pub(crate) fn check_constant(value: &Value) -> Result<(), RuleErrorKind> {
    match value.to_string().len() {
        0..=OUTPUT_BYTES => Ok(()),
        _ => Err(RuleErrorKind::ValueTooLong { most: OUTPUT_BYTES }),
    }
}

fn check_mark(text: &str) -> Result<(), RuleErrorKind> {
    match text.is_empty() {
        true => Err(RuleErrorKind::EmptyMark),
        false => check_text(text),
    }
}

/// Checks the length of a pattern.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), RuleErrorKind> {
    match pattern.len() {
        1..=PATTERN_BYTES => Ok(()),
        _ => Err(RuleErrorKind::PatternLength {
            most: PATTERN_BYTES,
        }),
    }
}

fn check_list(texts: &[String]) -> Result<(), RuleErrorKind> {
    if texts.len() > WORDS {
        return Err(RuleErrorKind::TooManyWords { most: WORDS });
    }
    texts.iter().try_for_each(|text| check_text(text))
}

fn check_format(format: &str) -> Result<(), RuleErrorKind> {
    match StrftimeItems::new(format).any(|item| item == Item::Error) {
        true => Err(RuleErrorKind::DateFormat {
            format: format.to_owned(),
        }),
        false => Ok(()),
    }
}

const ENTRIES: usize = 200;
const TEXT_BYTES: usize = 1024;
const WORDS: usize = 20;
const PATTERN_BYTES: usize = 256;
const TRANSFORMS: usize = 8;
/// A hundred years.
const DAYS: u64 = 36_525;
const KEY_BYTES: usize = 128;
