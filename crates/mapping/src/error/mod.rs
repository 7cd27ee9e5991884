//! Why rules, fields and values are refused: each a value of a type, in words only where it is shown.

mod field;
mod kind;

use std::fmt;

pub use self::field::{FieldError, FieldErrorKind, FieldPart};
pub use self::kind::{RoleProblem, RuleErrorKind, SourcePathError, ValueError};

/// Why a mapping set cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A rule or a group rule cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// There are more rules than a set may have.
    #[error("a set may have {most} {}, and this one has {count}", .list.noun())]
    TooManyRules {
        /// Which of its lists.
        list: RuleList,
        /// How many it has.
        count: usize,
        /// How many it may have.
        most: usize,
    },
    /// A document is no mapping set.
    #[error("{place}: {syntax}")]
    Document {
        /// Where.
        place: DocumentPlace,
        /// What the reader of JSON met.
        syntax: String,
    },
    /// The rules make something else of a sample than a test of the set expects.
    #[error("test {number} ({key}): {reason}")]
    Test {
        /// The number of the test, from 1.
        number: usize,
        /// Its key.
        key: String,
        /// Which fields differ, or why the sample is refused.
        reason: String,
    },
    /// No enabled, required rule writes the field by which records are told apart.
    #[error("a required rule must write \"{0}\" with every change")]
    Unnamed(String),
}

/// Where a document cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentPlace {
    /// In a rule, counted from 1.
    Rule(RuleList, usize),
    /// Around the rules.
    Set,
}

impl fmt::Display for DocumentPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(list, number) => write!(formatter, "{}, rule {number}", list.member()),
            Self::Set => formatter.write_str("the mapping"),
        }
    }
}

/// Why a rule cannot be used: which one, which part of it, and what is wrong there.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{rule}: {kind}")]
pub struct RuleError {
    /// Which rule.
    pub rule: RuleName,
    /// The part of it that is at fault.
    pub part: RulePart,
    /// What is wrong.
    pub kind: RuleErrorKind,
}

/// One of the two lists of a mapping set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleList {
    /// From attributes to fields.
    Rules,
    /// What groups are, and what they give.
    GroupRules,
    /// What the rules must make of samples.
    Tests,
}

impl RuleList {
    fn noun(self) -> &'static str {
        match self {
            Self::Rules | Self::GroupRules => "rules",
            Self::Tests => "tests",
        }
    }

    /// The name of the list in the document of a mapping set.
    pub fn member(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::GroupRules => "groupRules",
            Self::Tests => "tests",
        }
    }
}

/// Which rule of a mapping set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    /// In which list.
    pub list: RuleList,
    /// Its number there, from 1.
    pub number: usize,
    /// Its key.
    pub key: String,
}

impl fmt::Display for RuleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = match self.list {
            RuleList::Rules => "rule",
            RuleList::GroupRules => "group rule",
            RuleList::Tests => "test",
        };
        write!(formatter, "{list} {} ({})", self.number, self.key)
    }
}

/// A part of a rule or a group rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RulePart {
    /// The rule as such.
    Whole,
    /// Its key.
    Key,
    /// Where the value comes from.
    Source,
    /// What stands between joined values.
    Separator,
    /// One of its transforms, counted from 0; the list of them where no single one is at fault.
    Transform(Option<usize>),
    /// The field.
    Target,
    /// The default.
    Default,
    /// When the field is written.
    Apply,
    /// Whether the identity provider is shown the field.
    Direction,
    /// What a value does that does not fit.
    OnError,
    /// What becomes of the field when there is no value.
    OnAbsent,
    /// What a reference does that names nothing.
    OnUnknown,
    /// The rank among the fields by which an existing user is found.
    MatchRank,
    /// For which resources a rule is.
    Condition,
    /// Which groups a group rule is about.
    When,
    /// One of the transforms of a group's name, counted from 0; the list where no single one is.
    NameTransform(Option<usize>),
    /// The roles that a group rule grants.
    Roles,
    /// The user type that a group rule grants.
    UserType,
    /// The other fields that a group rule grants.
    Grants,
    /// The sample of a test.
    Sample,
    /// What a test expects.
    Record,
}

impl RulePart {
    /// Where the part stands in the document of its rule, as a JSON pointer (RFC 6901).
    pub fn pointer(self) -> String {
        let (member, at) = match self {
            Self::Whole => return String::new(),
            Self::Key => ("key", None),
            Self::Source => ("source", None),
            Self::Separator => ("source/join/separator", None),
            Self::Transform(at) => ("transforms", at),
            Self::Target => ("target", None),
            Self::Default => ("default", None),
            Self::Apply => ("apply", None),
            Self::Direction => ("direction", None),
            Self::OnError => ("onError", None),
            Self::OnAbsent => ("onAbsent", None),
            Self::OnUnknown => ("onUnknown", None),
            Self::MatchRank => ("matchRank", None),
            Self::Condition | Self::When => ("when", None),
            Self::NameTransform(at) => ("nameTransforms", at),
            Self::Roles => ("grants/roles", None),
            Self::UserType => ("grants/userType", None),
            Self::Grants => ("grants/fields", None),
            Self::Sample => ("sample", None),
            Self::Record => ("record", None),
        };
        at.map_or_else(|| format!("/{member}"), |at| format!("/{member}/{at}"))
    }
}

impl MappingError {
    /// Where the error stands in the document of the mapping set, as a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let at = |list: RuleList, number: usize| {
            format!("/{}/{}", list.member(), number.saturating_sub(1))
        };
        match self {
            Self::Rule(error) => {
                let rule = at(error.rule.list, error.rule.number);
                format!("{rule}{}", error.part.pointer())
            }
            Self::Document {
                place: DocumentPlace::Rule(list, number),
                ..
            } => at(*list, *number),
            Self::Test { number, .. } => at(RuleList::Tests, *number),
            Self::TooManyRules { list, .. } => format!("/{}", list.member()),
            Self::Unnamed(_) => "/rules".to_owned(),
            Self::Document {
                place: DocumentPlace::Set,
                ..
            } => String::new(),
        }
    }
}

/// What is wrong with a part of a rule whose name is not known yet.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) part: RulePart,
    pub(crate) kind: RuleErrorKind,
}

impl RuleErrorKind {
    /// This, in a part of a rule.
    pub(crate) fn at(self, part: RulePart) -> Fault {
        Fault { part, kind: self }
    }
}

impl Fault {
    /// This, in a rule.
    pub(crate) fn of(self, list: RuleList, number: usize, key: &str) -> RuleError {
        RuleError {
            rule: RuleName {
                list,
                number,
                key: key.to_owned(),
            },
            part: self.part,
            kind: self.kind,
        }
    }
}
