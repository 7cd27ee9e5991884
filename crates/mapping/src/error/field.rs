//! Why a custom field cannot be defined.

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
