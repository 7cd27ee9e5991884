//! The language of transforms: how people write one in a line.
//!
//! A transform is its name, and behind a colon what it needs, as JSON. A text that reads as nothing
//! else needs no quotation marks.
//!
//! ```text
//! trim
//! prefix: "EXT-"
//! prefix: EXT-
//! substring: {"start": 0, "length": 3}
//! valueMap: {"entries": {"FTE": "technician"}, "otherwise": "keep"}
//! ```
//!
//! What is written is read back as the same transform, and a line is all that one takes.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::Transform;

/// A transform as it is explained: a line that can be read, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransformExample {
    /// A line that is one.
    pub line: &'static str,
    /// What it makes of a value.
    pub meaning: &'static str,
}

impl TransformExample {
    /// The name of the transform.
    pub fn name(&self) -> &'static str {
        self.line
            .split_once(':')
            .map_or(self.line, |(name, _)| name)
    }
}

/// Why a line is no transform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformParseError {
    /// There is no transform of the name.
    #[error("there is no transform “{name}”")]
    Unknown {
        /// The name, as far as it is worth showing.
        name: String,
    },
    /// The transform needs something else.
    #[error(
        "the transform “{line}” cannot be read; it is written as in “{example}”{}",
        others(.example)
    )]
    Malformed {
        /// The line, as far as it is worth showing.
        line: String,
        /// How the transform is written.
        example: &'static str,
    },
}

impl fmt::Display for Transform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match json!(self) {
            Value::String(name) => formatter.write_str(&name),
            Value::Object(members) => members
                .iter()
                .try_for_each(|(name, needs)| write!(formatter, "{name}: {needs}")),
            other => write!(formatter, "{other}"),
        }
    }
}

impl FromStr for Transform {
    type Err = TransformParseError;

    /// Reads a line as the page of [`Transform`] has it: `trim`, `left: 3`, `prefix: "EXT-"`.
    fn from_str(line: &str) -> Result<Self, TransformParseError> {
        let line = line.trim();
        let (name, document) = match line.split_once(':') {
            None => (line, json!(line)),
            Some((name, needs)) => {
                let (name, needs) = (name.trim(), needs.trim());
                let needs = serde_json::from_str(needs).unwrap_or_else(|_text| json!(needs));
                (name, json!({ name: needs }))
            }
        };
        serde_json::from_value(document).map_err(|_error| {
            let mut examples = Self::EXAMPLES.iter();
            match examples.find(|example| example.name() == name) {
                Some(example) => TransformParseError::Malformed {
                    line: shorten(line),
                    example: example.line,
                },
                None => TransformParseError::Unknown {
                    name: shorten(name),
                },
            }
        })
    }
}

/// What else stands where an example shows one of several words.
fn others(example: &str) -> &'static str {
    match example.contains("\"otherwise\"") {
        true => ", where “otherwise” is \"keep\", \"drop\" or {\"value\": …}",
        false => "",
    }
}

/// So much of a text as an error shows.
fn shorten(text: &str) -> String {
    match text.chars().count() > SHOWN {
        true => text.chars().take(SHOWN - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

const fn example(line: &'static str, meaning: &'static str) -> TransformExample {
    TransformExample { line, meaning }
}

impl Transform {
    /// Every transform, with an example and what it does: the table on the page of [`Transform`].
    pub const EXAMPLES: &'static [TransformExample] = &[
        example("trim", "white space at both ends is gone"),
        example("collapseSpaces", "single spaces inside, none at the ends"),
        example("stripSpaces", "no white space at all"),
        example("lower", "lower case"),
        example("upper", "upper case"),
        example("titleCase", "every word begins in upper case"),
        example("stripDiacritics", "no accents and other marks"),
        example("prefix: \"EXT-\"", "a text in front"),
        example("suffix: \"@corp.example\"", "a text behind"),
        example(
            "replace: {\"find\": \"-\", \"with\": \"\"}",
            "every occurrence replaced",
        ),
        example(
            "substring: {\"start\": 0, \"length\": 3}",
            "a part, counted from 0",
        ),
        example("left: 3", "so many characters from the beginning"),
        example("right: 4", "so many characters from the end"),
        example("truncate: 100", "so many characters at most"),
        example(
            "padLeft: {\"length\": 6, \"with\": \"0\"}",
            "filled up in front",
        ),
        example("digitsOnly", "the digits alone"),
        example(
            "word: {\"number\": 0, \"separators\": \" \"}",
            "one word, counted from 0",
        ),
        example("before: \"@\"", "what stands before a text"),
        example("after: \"\\\\\"", "what stands behind a text"),
        example(
            "valueMap: {\"entries\": {\"FTE\": \"technician\"}, \"otherwise\": \"keep\"}",
            "other values for known ones",
        ),
        example(
            "table: {\"name\": \"cost-centers\", \"column\": \"department\", \"otherwise\": \"keep\"}",
            "other values for known ones, from a lookup table",
        ),
        example("ifEmpty", "no value where the text is blank"),
        example("default: \"unknown\"", "a value where there is none"),
        example("split: \",\"", "a list of the parts"),
        example("item: 1", "one value of a list, counted from 0"),
        example("first", "the first value of a list"),
        example("last", "the last value of a list"),
        example("dedupe", "every value of a list once"),
        example("count", "how many values there are"),
        example("join: \", \"", "a text of the values of a list"),
        example(
            "toBool: [\"on\"]",
            "a boolean; these words, true, yes and 1 are true",
        ),
        example("toInt", "a whole number"),
        example("toNumber", "a number"),
        example(
            "jsonField: \"name\"",
            "a member of a JSON object that is sent as text",
        ),
        example(
            "regexExtract: {\"pattern\": \"CN=([^,]+)\", \"group\": 1}",
            "what a pattern finds",
        ),
        example(
            "regexReplace: {\"pattern\": \"\\\\s+\", \"with\": \" \"}",
            "what a pattern finds, replaced",
        ),
        example(
            "date: [\"%d.%m.%Y\"]",
            "an instant, read in one of these formats",
        ),
        example(
            "writeDate: {\"format\": \"%d.%m.%Y\", \"zone\": \"Europe/Berlin\"}",
            "a date written in a format, by the clock of a zone",
        ),
        example("plusDays: 30", "a date so many days later"),
    ];
}

/// Characters of a line that an error shows.
const SHOWN: usize = 64;
