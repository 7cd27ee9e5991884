//! Why a text is no filter.

use crate::error::{Error, ScimType, quote};

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The filter makes no sense at character {} ({}): {kind}.", .position + 1, quote(.snippet))]
#[non_exhaustive]
pub struct FilterError {
    /// What is wrong.
    pub kind: FilterErrorKind,
    /// Where, counted in characters from 0.
    pub position: usize,
    /// The text from there on, shortened.
    pub snippet: String,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// Something else stands where an attribute expression must.
    #[error("an attribute name, \"not\" or a parenthesis is expected")]
    Expression,
    /// A path is malformed.
    #[error("an attribute path is expected")]
    Path,
    /// No operator follows an attribute.
    #[error("an operator is expected (eq ne co sw ew gt ge lt le pr)")]
    Operator,
    /// No value follows an operator.
    #[error("a value is expected: a quoted string, a number, true, false or null")]
    Value,
    /// `not` is not followed by a parenthesis.
    #[error("\"not\" is followed by a parenthesis")]
    Not,
    /// A parenthesis is not closed.
    #[error("a closing parenthesis is expected")]
    Close,
    /// A bracket is not closed.
    #[error("a closing bracket is expected")]
    CloseBracket,
    /// Text follows a complete filter.
    #[error("\"and\", \"or\" or the end of the filter is expected")]
    Trailing,
    /// Brackets stand inside brackets.
    #[error("brackets cannot stand inside brackets")]
    Nested,
    /// A character that no filter has.
    #[error("the character is not part of the filter language")]
    Character,
    /// A string is not closed.
    #[error("the string is not closed")]
    OpenString,
    /// A string has a bad escape or a control character.
    #[error("the string is no JSON string")]
    BadString,
    /// A number is not written as JSON writes it.
    #[error("the number is no JSON number")]
    BadNumber,
    /// The filter is longer than the limit.
    #[error("a filter may have {0} bytes")]
    TooLong(usize),
    /// The filter is nested deeper than the limit.
    #[error("a filter may be nested {0} deep")]
    TooDeep(usize),
    /// The filter has more terms than the limit.
    #[error("a filter may have {0} terms")]
    TooManyTerms(usize),
    /// The strict profile refuses a deviation.
    #[error("{}", .0.detail())]
    Strict(Error),
}

impl FilterError {
    pub(crate) fn new(text: &str, at: usize, kind: FilterErrorKind) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        Self {
            kind,
            position: text
                .char_indices()
                .take_while(|(byte, _)| *byte < at)
                .count(),
            snippet: rest.chars().take(40).collect(),
        }
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::new(ScimType::InvalidFilter, error.to_string())
    }
}
