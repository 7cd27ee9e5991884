//! What is wrong with a part of a rule, a source path or a value.

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
    /// The condition cannot be read, or compares what no schema knows.
    #[error("{}", .0.detail())]
    Condition(scim_protocol::Error),
    /// The condition is about an attribute that this server assigns.
    #[error("a condition is about what the identity provider says, and \"{path}\" is not")]
    Assigned {
        /// The attribute.
        path: String,
    },
    /// No rule gives the field that the source reads.
    #[error("no rule gives \"{0}\", which the source reads")]
    ReadsNothing(String),
    /// A rule behind it gives the field that the source reads.
    #[error("the source reads \"{0}\", which rules before this one alone may give")]
    ReadsLater(String),
    /// The field that the source reads comes from the field of the rule.
    #[error("the source reads \"{0}\", which comes from the field that this rule gives")]
    ReadsItself(String),
    /// Records of the kind have no such field.
    #[error("\"{0}\" is no field of this record")]
    UnknownField(String),
    /// A test names what is no field of the records.
    #[error("\"{key}\" is no field of this record")]
    NoField {
        /// The key.
        key: String,
    },
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
    /// There is no lookup table of the name.
    #[error("there is no table \"{name}\"")]
    NoTable {
        /// The name.
        name: String,
    },
    /// A lookup table has no column of the title.
    #[error("the table \"{table}\" has no column \"{column}\"")]
    NoColumn {
        /// The name of the table.
        table: String,
        /// The title.
        column: String,
    },
    /// A zone of dates is none.
    #[error("\"{zone}\" is no time zone")]
    Zone {
        /// The zone.
        zone: String,
    },
    /// A date is moved further than a rule may move it.
    #[error("a date is moved by {most} days at most")]
    TooManyDays {
        /// Days at most.
        most: u64,
    },
    /// A mapping of users has group rules.
    #[error("group rules belong to the mapping of groups")]
    NotForUsers,
    /// A group rule compares with nothing.
    #[error("the text to compare with is empty")]
    EmptyMatch,
    /// A group rule lists no group, or more than it may.
    #[error("a rule may list 1 to {most} groups")]
    GroupCount {
        /// How many it may list.
        most: usize,
    },
    /// A group rule grants what is no field, or one that no group may give.
    #[error("\"{key}\" is no field that a group can give")]
    NotGranted {
        /// The key.
        key: String,
    },
    /// A value that a group rule grants does not fit its field.
    #[error("what is granted of \"{key}\" does not fit: {error}")]
    Grant {
        /// The key of the field.
        key: String,
        /// Why.
        error: Box<ValueError>,
    },
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
    /// What stands in `field()` is no field of the records.
    #[error("\"{key}\" is no {of} field")]
    UnknownField {
        /// What stands there.
        key: String,
        /// Whose field it is not.
        of: &'static str,
    },
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
    /// The value is no JSON object, of which a transform takes a member.
    #[error("no JSON object")]
    NoObject,
    /// The value is longer than what a pattern looks at.
    #[error("longer than the {most} bytes that a pattern looks at")]
    TooLongForPattern {
        /// Bytes at most.
        most: usize,
    },
    /// The value is none of the options.
    #[error("none of {}{}", .some.join(", "), if *.more { ", ..." } else { "" })]
    Choice {
        /// The first of the options.
        some: Vec<String>,
        /// Whether there are others.
        more: bool,
    },
    /// The value is none of a kind that the catalogue has of its own.
    #[error("no {expected}")]
    Own {
        /// What it is not.
        expected: &'static str,
    },
}

impl From<SourcePathError> for RuleErrorKind {
    fn from(error: SourcePathError) -> Self {
        Self::Path(error)
    }
}
