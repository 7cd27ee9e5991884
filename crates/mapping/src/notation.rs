//! The notation of rules: how people write one in a line.
//!
//! ```text
//! emails[type eq "work"].value > trim > lower -> email
//! join name.givenName > left: 1, name.familyName with ". " -> display_name
//! constant "External" -> job_title when userType eq "Contractor"
//! first of nickName, field(first_name) -> custom_fields.alias ; {"onAbsent":"keep"}
//! ```
//!
//! A rule is its source, its transforms behind `>`, its field behind `->` and its condition behind
//! `when`; what else it says stands behind `;` as its document has it. What is written is read back
//! as the same rule.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::record::UnknownField;
use crate::rule::{JoinPart, Rule, Source};
use crate::target::{TargetField, field_of};
use crate::transform::{Transform, TransformParseError};

/// Why a line is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleParseError {
    /// There is no source in front.
    #[error("a rule begins with its source")]
    NoSource,
    /// There is no field behind an arrow.
    #[error("a rule names its field behind “->”")]
    NoTarget,
    /// The field is none.
    #[error("{0}")]
    Field(#[from] UnknownField),
    /// A transform cannot be read.
    #[error("{0}")]
    Transform(#[from] TransformParseError),
    /// A value, or what stands behind the semicolon, is not the JSON that belongs there.
    #[error("{0} cannot be read as JSON")]
    Json(&'static str),
    /// The separator of a join is no text in quotation marks.
    #[error(
        "the separator behind “with” is a text in quotation marks and nothing else; transforms of \
         the joined text stand behind “>>”"
    )]
    Separator,
    /// What stands behind the semicolon has a member that rules do not have.
    #[error("“{name}” behind “;” is no member of a rule")]
    NoMember {
        /// Its name.
        name: String,
    },
    /// What stands behind the semicolon has a member that is not what belongs there.
    #[error("“{name}” behind “;” cannot be read: {syntax}")]
    Member {
        /// Its name.
        name: String,
        /// What the reader of JSON met.
        syntax: String,
    },
}

impl fmt::Display for JoinPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { path, transforms } => {
                formatter.write_str(path)?;
                write_steps(formatter, transforms)
            }
            Self::Literal(text) => write!(formatter, "{}", json!(text)),
        }
    }
}

impl FromStr for JoinPart {
    type Err = TransformParseError;

    /// Reads a part of a join: a literal in quotation marks, or a path with its transforms.
    fn from_str(line: &str) -> Result<Self, TransformParseError> {
        if let Ok(text) = serde_json::from_str::<String>(line.trim()) {
            return Ok(Self::Literal(text));
        }
        let (path, transforms) = read_steps(line)?;
        Ok(Self::Path {
            path: path.to_owned(),
            transforms,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => formatter.write_str(path),
            Self::Constant(value) => write!(formatter, "{CONSTANT}{value}"),
            Self::FirstOf(paths) => write!(formatter, "{FIRST_OF}{}", paths.join(", ")),
            Self::All(path) => write!(formatter, "{ALL}{path}"),
            Self::Join { separator, parts } => {
                let parts: Vec<String> = parts.iter().map(JoinPart::to_string).collect();
                let separator = json!(separator);
                write!(formatter, "{JOIN}{}{WITH}{separator}", parts.join(", "))
            }
        }
    }
}

impl FromStr for Source {
    type Err = RuleParseError;

    /// Reads the source in front of a rule's line; [`Rule`] has a table of the forms.
    fn from_str(text: &str) -> Result<Self, RuleParseError> {
        let text = text.trim();
        if let Some(value) = text.strip_prefix(CONSTANT) {
            let value = serde_json::from_str(value);
            return Ok(Self::Constant(
                value.map_err(|_json| RuleParseError::Json("the constant"))?,
            ));
        }
        if let Some(paths) = text.strip_prefix(FIRST_OF) {
            let paths = split(paths, ",").into_iter().map(str::trim);
            return Ok(Self::FirstOf(paths.map(str::to_owned).collect()));
        }
        if let Some(path) = text.strip_prefix(ALL) {
            return Ok(Self::All(path.trim().to_owned()));
        }
        let Some(joined) = text.strip_prefix(JOIN) else {
            return match text {
                "" => Err(RuleParseError::NoSource),
                path => Ok(Self::Path(path.to_owned())),
            };
        };
        let (parts, separator) = match split(joined, WITH).as_slice() {
            [parts] => (*parts, String::new()),
            [parts, separator] => {
                let separator = serde_json::from_str(separator);
                (
                    *parts,
                    separator.map_err(|_json| RuleParseError::Separator)?,
                )
            }
            _ => return Err(RuleParseError::Separator),
        };
        let parts: Result<Vec<JoinPart>, _> =
            split(parts, ",").into_iter().map(str::parse).collect();
        Ok(Self::Join {
            separator,
            parts: parts?,
        })
    }
}

impl<F: TargetField> fmt::Display for Rule<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.source)?;
        if matches!(self.source, Source::Join { .. }) && !self.transforms.is_empty() {
            // Behind the separator, so that they are not those of the last part.
            formatter.write_str(THEN)?;
            let steps: Vec<String> = self.transforms.iter().map(Transform::to_string).collect();
            formatter.write_str(&steps.join(STEP))?;
        } else {
            write_steps(formatter, &self.transforms)?;
        }
        write!(formatter, "{TO}{}", self.target)?;
        if let Some(when) = &self.when {
            write!(formatter, "{WHEN}{when}")?;
        }
        let rest = self.rest();
        match rest.is_empty() {
            true => Ok(()),
            false => write!(formatter, "{REST}{}", Value::Object(rest)),
        }
    }
}

impl<F: TargetField> FromStr for Rule<F> {
    type Err = RuleParseError;

    /// Reads a line as the page of [`Rule`] has it.
    fn from_str(line: &str) -> Result<Self, RuleParseError> {
        let (from, to) = match split(line, TO).as_slice() {
            [from, to] => (*from, *to),
            _ => return Err(RuleParseError::NoTarget),
        };
        let no_members = RuleParseError::Json("what stands behind “;”");
        // Neither keys of fields nor conditions have one outside of quotation marks.
        let (to, rest) = match split(to, REST.trim()).as_slice() {
            [to] => (*to, Map::new()),
            [to, rest] => (*to, serde_json::from_str(rest).map_err(|_json| no_members)?),
            _ => return Err(no_members),
        };
        let (to, when) = match to.split_once(WHEN) {
            Some((to, when)) => (to, Some(when.trim().to_owned())),
            None => (to, None),
        };
        let (source, transforms) = match from.trim_start().starts_with(JOIN) {
            true => match split(from, THEN).as_slice() {
                [source, steps] => {
                    let steps = split(steps, STEP).into_iter().map(str::parse);
                    (*source, steps.collect::<Result<_, _>>()?)
                }
                _ => (from, Vec::new()),
            },
            false => read_steps(from)?,
        };
        let target: F = field_of(to.trim())?;
        let rule = Self {
            transforms,
            when,
            ..Self::new(source.parse()?, target)
        };
        let mut document = match json!(rule) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        // One by one, so that the error names the one that is wrong.
        for (name, value) in rest {
            if !MEMBERS.contains(&&*name) {
                return Err(RuleParseError::NoMember { name });
            }
            document.insert(name.clone(), value);
            let read = serde_json::from_value::<Self>(Value::Object(document.clone()));
            if let Err(error) = read {
                let syntax = error.to_string();
                return Err(RuleParseError::Member { name, syntax });
            }
        }
        let read = serde_json::from_value(Value::Object(document));
        read.map_err(|_json| RuleParseError::Json("the rule"))
    }
}

/// The members of a rule's document.
pub(crate) const MEMBERS: [&str; 15] = [
    "key",
    "enabled",
    "when",
    "source",
    "transforms",
    "target",
    "default",
    "required",
    "apply",
    "direction",
    "onError",
    "onAbsent",
    "onUnknown",
    "warnIfMissing",
    "matchRank",
];

impl<F: TargetField> Rule<F> {
    /// The members of the document that the line does not say in words.
    fn rest(&self) -> Map<String, Value> {
        let plain = json!(Self {
            transforms: self.transforms.clone(),
            when: self.when.clone(),
            ..Self::new(self.source.clone(), self.target.clone())
        });
        let members = match json!(self) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let differs = |(name, value): &(String, Value)| plain.get(name) != Some(value);
        members.into_iter().filter(differs).collect()
    }
}

fn write_steps(formatter: &mut fmt::Formatter<'_>, transforms: &[Transform]) -> fmt::Result {
    let mut transforms = transforms.iter();
    transforms.try_for_each(|transform| write!(formatter, "{STEP}{transform}"))
}

/// What stands in front, and the transforms behind it.
fn read_steps(text: &str) -> Result<(&str, Vec<Transform>), TransformParseError> {
    let mut steps = split(text, STEP).into_iter();
    let first = steps.next().unwrap_or_default().trim();
    let transforms: Result<_, _> = steps.map(str::parse).collect();
    Ok((first, transforms?))
}

/// The parts of a text between marks that stand neither in quotation marks nor in brackets.
fn split<'t>(text: &'t str, mark: &str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let (mut begin, mut skipped) = (0, 0);
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    for (at, character) in text.char_indices() {
        if at < skipped {
            continue;
        }
        if quoted {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        if depth == 0 && rest.starts_with(mark) {
            parts.push(text.get(begin..at).unwrap_or_default());
            begin = at + mark.len();
            skipped = begin;
            continue;
        }
        match character {
            '"' => quoted = true,
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts
}

const CONSTANT: &str = "constant ";
const FIRST_OF: &str = "first of ";
const ALL: &str = "all ";
const JOIN: &str = "join ";
const WITH: &str = " with ";
const STEP: &str = " > ";
const THEN: &str = " >> ";
const TO: &str = " -> ";
const WHEN: &str = " when ";
const REST: &str = " ; ";
