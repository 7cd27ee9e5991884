//! Deviations from the RFCs that are accepted, each by name.
//!
//! Identity providers deviate. What is accepted beyond the RFCs is the closed list of
//! [`Deviation`]; every place that accepts one says so to the request's [`Tolerance`], so that
//! the deviations of a request can be shown to an administrator. Under [`Profile::Strict`] the
//! same place answers with the error that the RFC asks for.

use std::fmt;

use crate::budget::Budget;
use crate::error::{Error, ScimType};
use crate::word::written_as_word;

/// How far a service provider meets a client that deviates from the RFCs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Profile {
    /// Deviations of the closed list are accepted and noted.
    #[default]
    Tolerant,
    /// A deviation is the error that the RFC asks for.
    Strict,
}

impl Profile {
    /// The word for it, as it stands in settings.
    ///
    /// ```
    /// use scim_protocol::Profile;
    ///
    /// assert_eq!(Profile::Strict.as_str(), "strict");
    /// assert_eq!("tolerant".parse(), Ok(Profile::Tolerant));
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tolerant => "tolerant",
            Self::Strict => "strict",
        }
    }
}

written_as_word!(Profile, "protocol profile", [Tolerant, Strict]);

/// One accepted deviation; the text is what it met, such as an attribute path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deviation {
    /// The `op` of a PATCH operation is not written in lower case (`Replace`).
    OperationCase(String),
    /// A boolean is sent as text (`"True"`).
    BooleanAsText(String),
    /// A number is sent as text.
    NumberAsText(String),
    /// A `remove` names the values to be removed in `value` instead of a filter in `path`.
    RemoveByValue(String),
    /// A filtered path selects nothing and its filter describes the element to create.
    CreatedByFilter(String),
    /// A key of a path-less operation is a path (`name.givenName`, `urn:...:User:department`).
    PathAsKey(String),
    /// An attribute, schema URI or member that no schema knows is ignored.
    UnknownAttribute(String),
    /// Extension data is sent while the extension's URI is missing from `schemas`.
    SchemaNotListed(String),
    /// A complex value is sent as its bare `value` (`manager`, `members`).
    BareValue(String),
    /// A multi-valued attribute is sent as one value instead of an array.
    SingleValue(String),
    /// An empty string or an empty `value` clears a complex attribute (`manager`).
    EmptyClears(String),
    /// A filter compares a sub-attribute behind brackets (`emails[type eq "work"].value eq "x"`).
    ComparedValuePath(String),
    /// A filter compares with a word that is not quoted (`userName eq ava`).
    UnquotedValue(String),
    /// A filter leaves out a space that the grammar asks for, or has one too many.
    FilterSpacing(String),
    /// A read-only attribute in a PATCH operation carries the value it has, and is ignored.
    ReadOnlyRepeated(String),
    /// `schemas` is missing from a request body.
    SchemasMissing(String),
    /// A `primary` is set on more than one value; the last one keeps it.
    SeveralPrimary(String),
    /// What is sent for an optional attribute cannot be read, and is passed over.
    Unreadable(String),
    /// A value of a simple attribute is wrapped as one of a complex one (`[{"value": "x"}]`).
    WrappedValue(String),
    /// A number or a boolean is sent where text belongs; it is taken as it is written.
    TextUnquoted(String),
    /// A whole number is sent with a fraction of nothing (`3.0`).
    DecimalAsInteger(String),
    /// An attribute stands twice, with its name in two cases; the last one counts.
    RepeatedAttribute(String),
    /// A schema has a URI of before the RFC, or a misspelt one (`urn:scim:schemas:extension:enterprise:1.0`).
    SchemaAlias(String),
    /// A schema URI and an attribute are joined by a dot, or by nothing.
    SchemaJoined(String),
    /// Brackets stand behind an attribute that has a single value (`manager[value eq "x"]`).
    SingleBrackets(String),
    /// A value filter stands in a list of attributes (`attributes=emails[type eq "work"]`).
    FilteredAttribute(String),
}

impl Deviation {
    /// The stable name of the deviation, as it stands in the provisioning log.
    ///
    /// ```
    /// use scim_protocol::Deviation;
    ///
    /// assert_eq!(Deviation::BareValue("manager".into()).name(), "bareValue");
    /// ```
    pub fn name(&self) -> &'static str {
        match self {
            Self::OperationCase(_) => "operationCase",
            Self::BooleanAsText(_) => "booleanAsText",
            Self::NumberAsText(_) => "numberAsText",
            Self::RemoveByValue(_) => "removeByValue",
            Self::CreatedByFilter(_) => "createdByFilter",
            Self::PathAsKey(_) => "pathAsKey",
            Self::UnknownAttribute(_) => "unknownAttribute",
            Self::SchemaNotListed(_) => "schemaNotListed",
            Self::BareValue(_) => "bareValue",
            Self::SingleValue(_) => "singleValue",
            Self::EmptyClears(_) => "emptyClears",
            Self::ComparedValuePath(_) => "comparedValuePath",
            Self::UnquotedValue(_) => "unquotedValue",
            Self::FilterSpacing(_) => "filterSpacing",
            Self::ReadOnlyRepeated(_) => "readOnlyRepeated",
            Self::SchemasMissing(_) => "schemasMissing",
            Self::SeveralPrimary(_) => "severalPrimary",
            Self::Unreadable(_) => "unreadable",
            Self::WrappedValue(_) => "wrappedValue",
            Self::TextUnquoted(_) => "textUnquoted",
            Self::DecimalAsInteger(_) => "decimalAsInteger",
            Self::RepeatedAttribute(_) => "repeatedAttribute",
            Self::SchemaAlias(_) => "schemaAlias",
            Self::SchemaJoined(_) => "schemaJoined",
            Self::SingleBrackets(_) => "singleBrackets",
            Self::FilteredAttribute(_) => "filteredAttribute",
        }
    }

    /// What the request had where it deviated.
    ///
    /// ```
    /// use scim_protocol::Deviation;
    ///
    /// assert_eq!(Deviation::BareValue("manager".into()).subject(), "manager");
    /// ```
    pub fn subject(&self) -> &str {
        match self {
            Self::OperationCase(text)
            | Self::BooleanAsText(text)
            | Self::NumberAsText(text)
            | Self::RemoveByValue(text)
            | Self::CreatedByFilter(text)
            | Self::PathAsKey(text)
            | Self::UnknownAttribute(text)
            | Self::SchemaNotListed(text)
            | Self::BareValue(text)
            | Self::SingleValue(text)
            | Self::EmptyClears(text)
            | Self::ComparedValuePath(text)
            | Self::UnquotedValue(text)
            | Self::FilterSpacing(text)
            | Self::ReadOnlyRepeated(text)
            | Self::SchemasMissing(text)
            | Self::SeveralPrimary(text)
            | Self::Unreadable(text)
            | Self::WrappedValue(text)
            | Self::TextUnquoted(text)
            | Self::DecimalAsInteger(text)
            | Self::RepeatedAttribute(text)
            | Self::SchemaAlias(text)
            | Self::SchemaJoined(text)
            | Self::SingleBrackets(text)
            | Self::FilteredAttribute(text) => text,
        }
    }

    /// Whether something that was sent is lost by it: neither kept nor without meaning.
    ///
    /// ```
    /// use scim_protocol::Deviation;
    ///
    /// assert!(Deviation::UnknownAttribute("shoeSize".into()).loses());
    /// assert!(!Deviation::BareValue("manager".into()).loses());
    /// ```
    pub fn loses(&self) -> bool {
        matches!(
            self,
            Self::UnknownAttribute(_) | Self::Unreadable(_) | Self::RepeatedAttribute(_)
        )
    }

    /// The error that the RFC asks for in the place of the deviation.
    ///
    /// ```
    /// use scim_protocol::{Deviation, ScimType};
    ///
    /// let error = Deviation::OperationCase("Replace".into()).error();
    /// assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
    /// ```
    pub fn error(&self) -> Error {
        let scim_type = match self {
            Self::OperationCase(_)
            | Self::PathAsKey(_)
            | Self::SchemasMissing(_)
            | Self::RepeatedAttribute(_) => ScimType::InvalidSyntax,
            Self::SchemaJoined(_) | Self::SingleBrackets(_) | Self::FilteredAttribute(_) => {
                ScimType::InvalidPath
            }
            Self::CreatedByFilter(_) => ScimType::NoTarget,
            Self::ComparedValuePath(_) | Self::UnquotedValue(_) | Self::FilterSpacing(_) => {
                ScimType::InvalidFilter
            }
            Self::ReadOnlyRepeated(_) => ScimType::Mutability,
            _ => ScimType::InvalidValue,
        };
        Error::new(scim_type, format!("{self}."))
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = crate::error::quote(self.subject());
        match self {
            Self::OperationCase(_) => write!(formatter, "op written {subject}"),
            Self::BooleanAsText(_) => write!(formatter, "boolean as text in {subject}"),
            Self::NumberAsText(_) => write!(formatter, "number as text in {subject}"),
            Self::RemoveByValue(_) => write!(formatter, "remove with a value on {subject}"),
            Self::CreatedByFilter(_) => {
                write!(
                    formatter,
                    "{subject} selects nothing; its filter describes the value"
                )
            }
            Self::PathAsKey(_) => write!(formatter, "path {subject} as a key of the value"),
            Self::UnknownAttribute(_) => write!(formatter, "{subject} is in no schema"),
            Self::SchemaNotListed(_) => write!(formatter, "{subject} is missing from schemas"),
            Self::BareValue(_) => write!(formatter, "bare value for complex {subject}"),
            Self::SingleValue(_) => write!(formatter, "one value for multi-valued {subject}"),
            Self::EmptyClears(_) => write!(formatter, "empty value clears {subject}"),
            Self::ComparedValuePath(_) => {
                write!(formatter, "comparison behind brackets at {subject}")
            }
            Self::UnquotedValue(_) => write!(formatter, "comparison value {subject} not quoted"),
            Self::FilterSpacing(_) => write!(formatter, "filter spacing at {subject}"),
            Self::ReadOnlyRepeated(_) => write!(formatter, "read-only {subject} repeated"),
            Self::SchemasMissing(_) => write!(formatter, "schemas missing, {subject} assumed"),
            Self::SeveralPrimary(_) => write!(formatter, "several primary values in {subject}"),
            Self::Unreadable(_) => write!(formatter, "{subject} cannot be read and is passed over"),
            Self::WrappedValue(_) => write!(formatter, "values of {subject} wrapped"),
            Self::TextUnquoted(_) => write!(formatter, "number or boolean as text in {subject}"),
            Self::DecimalAsInteger(_) => {
                write!(formatter, "whole number with a fraction in {subject}")
            }
            Self::RepeatedAttribute(_) => write!(formatter, "{subject} stands twice"),
            Self::SchemaAlias(_) => write!(formatter, "{subject} in the place of a schema URI"),
            Self::SchemaJoined(_) => {
                write!(formatter, "schema URI and attribute joined in {subject}")
            }
            Self::SingleBrackets(_) => write!(formatter, "brackets on single-valued {subject}"),
            Self::FilteredAttribute(_) => {
                write!(formatter, "filter on attribute {subject} in a list")
            }
        }
    }
}

/// The leniency of one request, the deviations it met, and the work it may still cause.
///
/// ```
/// use scim_protocol::{Deviation, Profile, Tolerance};
///
/// let mut tolerance = Tolerance::new(Profile::Tolerant);
/// assert!(tolerance.accept(Deviation::OperationCase("Replace".into())).is_ok());
/// assert_eq!(tolerance.deviations().len(), 1);
///
/// let mut strict = Tolerance::new(Profile::Strict);
/// assert!(strict.accept(Deviation::OperationCase("Replace".into())).is_err());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tolerance {
    profile: Profile,
    budget: Budget,
    deviations: Vec<Deviation>,
}

impl Tolerance {
    /// The leniency of a profile, with nothing met yet.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }

    /// The same leniency on a budget: what is left of the work that the request may cause.
    ///
    /// ```
    /// use scim_protocol::{Budget, Tolerance};
    ///
    /// let budget = Budget::default();
    /// let tolerance = Tolerance::default().on_budget(budget.clone());
    /// budget.charge(5)?;
    /// assert_eq!(tolerance.budget().spent(), 5);
    /// # Ok::<(), scim_protocol::budget::Exhausted>(())
    /// ```
    #[must_use]
    pub fn on_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The work that the request may cause.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The profile.
    ///
    /// ```
    /// use scim_protocol::{Profile, Tolerance};
    ///
    /// assert_eq!(Tolerance::default().profile(), Profile::Tolerant);
    /// ```
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Notes a deviation; the same one is noted once, and at most [`NOTED`] in all.
    ///
    /// # Errors
    /// Under [`Profile::Strict`]: the error that the RFC asks for.
    pub fn accept(&mut self, deviation: Deviation) -> Result<(), Error> {
        if self.profile == Profile::Strict {
            return Err(deviation.error());
        }
        if self.deviations.len() < NOTED && !self.deviations.contains(&deviation) {
            self.deviations.push(deviation);
        }
        Ok(())
    }

    /// The deviations met so far, in order.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The deviations met, in order.
    ///
    /// ```
    /// use scim_protocol::Tolerance;
    ///
    /// assert!(Tolerance::default().into_deviations().is_empty());
    /// ```
    pub fn into_deviations(self) -> Vec<Deviation> {
        self.deviations
    }
}

/// How many deviations of one request are noted.
pub const NOTED: usize = 64;
