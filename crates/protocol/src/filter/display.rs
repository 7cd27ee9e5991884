//! Filters as text.

use std::fmt;

use super::expression::{Comparand, Filter};

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(formatter, parts, " and "),
            Self::Or(parts) => joined(formatter, parts, " or "),
            Self::Not(part) => write!(formatter, "not ({part})"),
            Self::Present(path) => write!(formatter, "{path} pr"),
            Self::Comparison {
                path,
                operator,
                value,
            } => write!(formatter, "{path} {} {value}", operator.as_str()),
            Self::ValuePath { path, filter } => write!(formatter, "{path}[{filter}]"),
        }
    }
}

/// `and` binds closer than `or`, so that an `or` inside an `and` needs parentheses. Lists inside
/// lists of their own kind do not come out of the parser; they are written as they are.
fn joined(formatter: &mut fmt::Formatter<'_>, parts: &[Filter], with: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            formatter.write_str(with)?;
        }
        match part {
            Filter::Or(_) => write!(formatter, "({part})")?,
            _ => write!(formatter, "{part}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Comparand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                let literal = serde_json::to_string(text).map_err(|_json| fmt::Error)?;
                formatter.write_str(&literal)
            }
            Self::Number(number) => number.fmt(formatter),
            Self::Boolean(flag) => flag.fmt(formatter),
            Self::Null => formatter.write_str("null"),
        }
    }
}
