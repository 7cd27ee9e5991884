//! What the parameters of transforms may be, so that their evaluation never fails.

use std::collections::HashSet;

use chrono::format::{Item, StrftimeItems};
use scim_protocol::text::fold;
use serde_json::Value;

use crate::transform::{OUTPUT_BYTES, Otherwise, Transform, regex};

/// Checks the parameters of a transform; the error says which one is wrong.
pub(crate) fn check_transform(transform: &Transform) -> Result<(), String> {
    match transform {
        Transform::Prefix(text) | Transform::Suffix(text) | Transform::Join(text) => {
            check_text(text)
        }
        Transform::Before(text) | Transform::After(text) | Transform::Split(text) => {
            check_mark(text)
        }
        Transform::Replace { find, with } => check_mark(find).and(check_text(with)),
        Transform::Default(value) => check_constant(value),
        Transform::ValueMap { entries, otherwise } => {
            if entries.len() > ENTRIES {
                return Err(format!("a value map may have {ENTRIES} entries"));
            }
            let mut folded = HashSet::new();
            for (from, to) in entries {
                check_text(from)?;
                check_constant(to)?;
                if !folded.insert(fold(from)) {
                    return Err(format!("the value map has two entries for \"{from}\""));
                }
            }
            match otherwise {
                Otherwise::Value(value) => check_constant(value),
                Otherwise::Keep | Otherwise::Drop => Ok(()),
            }
        }
        Transform::Word { separators, .. } => check_text(separators),
        Transform::JsonField(name) => check_mark(name),
        Transform::PadLeft { length, .. } if *length > OUTPUT_BYTES => Err(format!(
            "a text is filled up to {OUTPUT_BYTES} characters at most"
        )),
        Transform::RegexExtract { pattern, .. } => check_pattern(pattern),
        Transform::RegexReplace { pattern, with } => check_pattern(pattern).and(check_text(with)),
        Transform::ToBool(words) => check_list(words),
        Transform::Date(formats) => {
            check_list(formats)?;
            formats.iter().try_for_each(|format| check_format(format))
        }
        _ => Ok(()),
    }
}

/// Checks the length of a text in a rule.
pub(crate) fn check_text(text: &str) -> Result<(), String> {
    match text.len() {
        0..=TEXT_BYTES => Ok(()),
        _ => Err(format!("a text in a rule may have {TEXT_BYTES} bytes")),
    }
}

/// Checks the size of a value in a rule.
pub(crate) fn check_constant(value: &Value) -> Result<(), String> {
    match value.to_string().len() {
        0..=OUTPUT_BYTES => Ok(()),
        _ => Err(format!("a value in a rule may have {OUTPUT_BYTES} bytes")),
    }
}

fn check_mark(text: &str) -> Result<(), String> {
    match text.is_empty() {
        true => Err("the text to look for is empty".to_owned()),
        false => check_text(text),
    }
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() || pattern.len() > PATTERN_BYTES {
        return Err(format!("a pattern has 1 to {PATTERN_BYTES} bytes"));
    }
    match regex(pattern, "") {
        Some(_) => Ok(()),
        None => Err(format!("\"{pattern}\" is no pattern, or too big a one")),
    }
}

fn check_list(texts: &[String]) -> Result<(), String> {
    if texts.len() > WORDS {
        return Err(format!("a transform may have {WORDS} words or formats"));
    }
    texts.iter().try_for_each(|text| check_text(text))
}

fn check_format(format: &str) -> Result<(), String> {
    match StrftimeItems::new(format).any(|item| item == Item::Error) {
        true => Err(format!("\"{format}\" is no date format")),
        false => Ok(()),
    }
}

const ENTRIES: usize = 200;
const TEXT_BYTES: usize = 1024;
const WORDS: usize = 20;
const PATTERN_BYTES: usize = 256;
