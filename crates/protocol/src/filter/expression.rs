//! What a filter says, as it was written.

use serde_json::Number;

use crate::path::AttributePath;
use crate::word::{serde_as_text, written_as_word};

/// A parsed filter. `And` and `Or` are flat lists of two or more; depth is bounded when parsing.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these.
    And(Vec<Self>),
    /// Any of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// The attribute has a value (`pr`).
    Present(AttributePath),
    /// The attribute compares with the value.
    Comparison {
        /// The attribute.
        path: AttributePath,
        /// The operator.
        operator: Operator,
        /// The comparison value.
        value: Comparand,
    },
    /// One and the same value of the attribute satisfies the filter (`emails[type eq "work"]`).
    ValuePath {
        /// The multi-valued attribute.
        path: AttributePath,
        /// The value filter; its paths name sub-attributes.
        filter: Box<Self>,
    },
}

/// A comparison operator.
///
/// ```
/// use scim_protocol::filter::Operator;
///
/// assert_eq!("EQ".parse(), Ok(Operator::Equal), "RFC 7644 section 3.4.2.2: in any case");
/// assert_eq!(Operator::StartsWith.to_string(), "sw");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Operator {
    /// The operator as it is written.
    ///
    /// ```
    /// assert_eq!(scim_protocol::filter::Operator::Contains.as_str(), "co");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }

    /// The operator that is written so, in any case; as parsing a text, without a word for what is none.
    pub(super) fn of(word: &str) -> Option<Self> {
        let letters: [u8; 2] = word.as_bytes().try_into().ok()?;
        Some(match &letters.map(|letter| letter.to_ascii_lowercase()) {
            b"eq" => Self::Equal,
            b"ne" => Self::NotEqual,
            b"co" => Self::Contains,
            b"sw" => Self::StartsWith,
            b"ew" => Self::EndsWith,
            b"gt" => Self::Greater,
            b"ge" => Self::GreaterOrEqual,
            b"lt" => Self::Less,
            b"le" => Self::LessOrEqual,
            _ => return None,
        })
    }
}

written_as_word!(
    Operator,
    "comparison operator",
    [
        Equal,
        NotEqual,
        Contains,
        StartsWith,
        EndsWith,
        Greater,
        GreaterOrEqual,
        Less,
        LessOrEqual,
    ]
);

serde_as_text!(Filter);

/// A comparison value, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparand {
    /// A string.
    Text(String),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`: no value.
    Null,
}
