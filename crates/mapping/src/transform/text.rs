//! What transforms do to texts and lists of them.

use std::collections::HashSet;

use scim_protocol::text::fold;
use serde_json::Value;

/// The text of a simple value.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn word<'t>(text: &'t str, number: usize, separators: &str) -> Option<&'t str> {
    text.split(|c: char| match separators.is_empty() {
        true => c.is_whitespace(),
        false => separators.contains(c),
    })
    .filter(|word| !word.is_empty())
    .nth(number)
}

pub(super) fn deduped(values: Vec<Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    let key = |value: &Value| plain_text(value).map_or_else(|| value.to_string(), |t| fold(&t));
    values
        .into_iter()
        .filter(|value| seen.insert(key(value)))
        .collect()
}

/// Stops where the result would be cut anyway.
pub(super) fn replaced(text: &str, find: &str, with: &str) -> String {
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

pub(super) fn title_case(text: &str) -> String {
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

pub(super) fn limited(value: Value) -> Value {
    match value {
        Value::String(mut text) => {
            cut(&mut text);
            Value::String(text)
        }
        other => other,
    }
}

pub(super) fn cut(text: &mut String) {
    let mut end = OUTPUT_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// Bytes of a field's text at most.
pub(crate) const OUTPUT_BYTES: usize = 16 * 1024;
