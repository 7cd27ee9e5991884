//! Why rules, fields and values are refused: each a value of a type, in words only where it is shown.

use std::fmt;

use crate::record::Field;

/// Why a mapping set cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A rule or a group rule cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// There are more rules than a set may have.
    #[error("a set may have {most} rules, and this one has {count}")]
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
    /// No enabled, required rule writes the field by which records are told apart.
    #[error("a required rule must write \"{0}\" with every change")]
    Unnamed(Field),
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
}

impl RuleList {
    /// The name of the list in the document of a mapping set.
    pub fn member(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::GroupRules => "groupRules",
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
    /// Which groups a group rule is about.
    When,
    /// One of the transforms of a group's name, counted from 0; the list where no single one is.
    NameTransform(Option<usize>),
    /// The roles that a group rule grants.
    Roles,
    /// The user type that a group rule grants.
    UserType,
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
            Self::When => ("when", None),
            Self::NameTransform(at) => ("nameTransforms", at),
            Self::Roles => ("grants/roles", None),
            Self::UserType => ("grants/userType", None),
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
            Self::TooManyRules { list, .. } => format!("/{}", list.member()),
            Self::Unnamed(_) => "/rules".to_owned(),
            Self::Document {
                place: DocumentPlace::Set,
                ..
            } => String::new(),
        }
    }
}

/// What is wrong with a part of a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// The key is empty or too long.
    #[error("a key has 1 to {most} bytes")]
    KeyLength {
        /// Bytes at most.
        most: usize,
    },
    /// A rule before it has the key.
    #[error("another rule has the same key")]
    KeyTaken,
    /// A rule before it writes the field.
    #[error("another rule writes \"{0}\"")]
    TargetTaken(Field),
    /// Records of the kind have no such field.
    #[error("\"{0}\" is no field of this record")]
    UnknownField(Field),
    /// The default is to be used, and there is none.
    #[error("there is no default to use")]
    NoDefault,
    /// The default does not fit the field.
    #[error("the default does not fit the field: {0}")]
    Default(ValueError),
    /// A constant does not fit the field.
    #[error("{0}")]
    Constant(ValueError),
    /// There are more transforms than a rule may have.
    #[error("a rule may have {most} transforms")]
    TooManyTransforms {
        /// How many it may have.
        most: usize,
    },
    /// A source has no parts, or more than it may have.
    #[error("a source has 1 to {most} parts")]
    Parts {
        /// How many it may have.
        most: usize,
    },
    /// A source path cannot be used.
    #[error("{0}")]
    Path(SourcePathError),
    /// A text is too long.
    #[error("a text in a rule may have {most} bytes")]
    TextTooLong {
        /// Bytes at most.
        most: usize,
    },
    /// A value is too long, written as JSON.
    #[error("a value in a rule may have {most} bytes")]
    ValueTooLong {
        /// Bytes at most.
        most: usize,
    },
    /// A text that is looked for is empty.
    #[error("the text to look for is empty")]
    EmptyMark,
    /// A value map is too long.
    #[error("a value map may have {most} entries")]
    TooManyEntries {
        /// How many it may have.
        most: usize,
    },
    /// A value map knows a value twice, compared without regard to case.
    #[error("the value map has two entries for \"{from}\"")]
    EntryTwice {
        /// The value.
        from: String,
    },
    /// A text is filled up to more than a text may have.
    #[error("a text is filled up to {most} characters at most")]
    PadTooLong {
        /// Characters at most.
        most: usize,
    },
    /// A pattern is empty or too long.
    #[error("a pattern has 1 to {most} bytes")]
    PatternLength {
        /// Bytes at most.
        most: usize,
    },
    /// A pattern cannot be read, or takes too much memory.
    #[error("\"{pattern}\" is no pattern, or too big a one")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// A list of words or formats is too long.
    #[error("a transform may have {most} words or formats")]
    TooManyWords {
        /// How many it may have.
        most: usize,
    },
    /// A date format cannot be read.
    #[error("\"{format}\" is no date format")]
    DateFormat {
        /// The format.
        format: String,
    },
    /// A mapping of users has group rules.
    #[error("group rules belong to the mapping of groups")]
    NotForUsers,
    /// A group rule compares with nothing.
    #[error("the text to compare with is empty")]
    EmptyMatch,
    /// A group rule grants more roles than it may.
    #[error("a rule may grant {most} roles")]
    TooManyRoles {
        /// How many it may grant.
        most: usize,
    },
    /// A role that is granted has no name.
    #[error("a role has no name")]
    NamelessRole,
    /// A role may not be given.
    #[error("the role \"{name}\" {problem}")]
    Role {
        /// Its name.
        name: String,
        /// Why.
        problem: RoleProblem,
    },
    /// A user type that is granted is none.
    #[error("a user type is requester or technician")]
    UserType,
}

/// Why a mapping may not name a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleProblem {
    /// ServiceOps has no such role.
    #[error("is no role of ServiceOps")]
    Unknown,
    /// The role administers ServiceOps.
    #[error("administers ServiceOps and cannot be granted")]
    Privileged,
}

/// Why a source path cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourcePathError {
    /// It is too long.
    #[error("the path is longer than {most} bytes")]
    TooLong {
        /// Bytes at most.
        most: usize,
    },
    /// It, or the filter in its brackets, cannot be read.
    #[error("{}", .0.detail())]
    Syntax(scim_protocol::Error),
    /// What stands behind the bar is no part of a name.
    #[error("\"{part}\" is no part of a name; say givenName or familyName")]
    NamePart {
        /// What stands there.
        part: String,
    },
    /// Brackets select among the values of an attribute that no schema knows.
    #[error("brackets need an attribute that a schema knows, not {path}")]
    UnknownSelection {
        /// The attribute.
        path: String,
    },
    /// The attribute has no such sub-attribute.
    #[error("\"{attribute}\" has no \"{sub_attribute}\"")]
    UnknownSubAttribute {
        /// The attribute.
        attribute: String,
        /// The sub-attribute.
        sub_attribute: String,
    },
    /// Several attributes have a sub-attribute of the name.
    #[error("\"{name}\" could be {}", .candidates.join(" or "))]
    Ambiguous {
        /// The name.
        name: String,
        /// What it could be.
        candidates: Vec<String>,
    },
    /// The attribute is never returned, and no field may hold it.
    #[error("\"{path}\" is a secret, which no field may hold")]
    Secret {
        /// The attribute.
        path: String,
    },
    /// The attribute is complex and has no value of its own.
    #[error("\"{path}\" has several parts; name one of them, such as {path}.{example}")]
    SeveralParts {
        /// The attribute.
        path: String,
        /// One of its sub-attributes.
        example: String,
    },
}

/// Why a value does not fit a field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The resource has no value, and the rule requires one.
    #[error("a value is required")]
    Required,
    /// The resource has no value.
    #[error("no value")]
    Absent,
    /// The list of values is empty.
    #[error("there is no value")]
    EmptyList,
    /// The value has parts.
    #[error("an object is no value of a field")]
    Complex,
    /// The value is too long.
    #[error("longer than {most} characters")]
    TooLong {
        /// Characters at most.
        most: usize,
    },
    /// The value is no e-mail address.
    #[error("no e-mail address")]
    Email,
    /// The value is no phone number.
    #[error("no phone number")]
    Phone,
    /// The name of another record is blank.
    #[error("a blank name")]
    BlankName,
    /// The value is neither true nor false.
    #[error("neither true nor false")]
    Boolean,
    /// The value is no number.
    #[error("no number")]
    Number,
    /// The number is too small.
    #[error("less than {least}")]
    Below {
        /// The smallest one.
        least: f64,
    },
    /// The number is too large.
    #[error("more than {most}")]
    Above {
        /// The largest one.
        most: f64,
    },
    /// The number is not whole.
    #[error("not a whole number")]
    NotWhole,
    /// The number is whole and larger than such numbers are kept.
    #[error("a whole number of more than 64 bits")]
    TooManyBits,
    /// The value is no instant.
    #[error("no date and time")]
    DateTime,
    /// The value is none of the options.
    #[error("none of {}{}", .some.join(", "), if *.more { ", ..." } else { "" })]
    Choice {
        /// The first of the options.
        some: Vec<String>,
        /// Whether there are others.
        more: bool,
    },
}

/// Why a custom field cannot be defined: which one, which part of its definition, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field \"{key}\": {kind}")]
pub struct FieldError {
    /// The key of the field.
    pub key: String,
    /// What is wrong.
    pub kind: FieldErrorKind,
}

/// What is wrong with the definition of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldErrorKind {
    /// The key has other characters than a key may have, or too many.
    #[error(
        "a key begins with a lower-case letter and goes on with 62 of those, digits and \
         underscores at most"
    )]
    Key,
    /// ServiceOps has a field of this key already.
    #[error("ServiceOps has a field of this key already")]
    KeyTaken,
    /// The label is empty, too long or invisible.
    #[error("a label has 1 to 100 characters, and none that nobody sees")]
    Label,
    /// A text has no length, or too great a one.
    #[error("a text has 1 to 16384 characters")]
    TextLength,
    /// The limits of a number are no limits.
    #[error("the smallest number exceeds the largest")]
    Limits,
    /// A choice has too few or too many options, or one that is empty, too long or invisible.
    #[error("a choice has 1 to 500 options of 1 to 255 characters")]
    Options,
    /// An option stands twice, compared without regard to case.
    #[error("the option \"{option}\" stands twice")]
    OptionTwice {
        /// The option.
        option: String,
    },
    /// A custom field cannot hold this.
    #[error("a custom field cannot be of this type")]
    Type,
}

/// A part of the definition of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldPart {
    /// The key.
    Key,
    /// The label.
    Label,
    /// What it holds.
    Type,
    /// How long a text may be.
    TextLength,
    /// The limits of a number.
    Limits,
    /// The options of a choice.
    Options,
}

impl FieldErrorKind {
    /// The part of the definition that is at fault.
    pub fn part(&self) -> FieldPart {
        match self {
            Self::Key | Self::KeyTaken => FieldPart::Key,
            Self::Label => FieldPart::Label,
            Self::TextLength => FieldPart::TextLength,
            Self::Limits => FieldPart::Limits,
            Self::Options | Self::OptionTwice { .. } => FieldPart::Options,
            Self::Type => FieldPart::Type,
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

impl From<SourcePathError> for RuleErrorKind {
    fn from(error: SourcePathError) -> Self {
        Self::Path(error)
    }
}
