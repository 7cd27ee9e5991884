//! Filters bound to the schemas of a resource type.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::expression::Operator;
use crate::schema::{Attribute, AttributeType, Uniqueness};
use crate::text::{fold, fold_name};

/// A filter bound to a resource definition, ready to be evaluated or translated.
///
/// Absent attributes satisfy no [`Test`]: `ne` needs a value that differs. An empty string is a
/// value, which every test sees but [`Test::Present`]. Negation is two-valued: `Not` is true exactly
/// where its part is false.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All of these hold.
    All(Vec<Self>),
    /// Any of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A value of the target passes the test; for a multi-valued attribute, any value.
    Value {
        /// Where the values are.
        target: Target,
        /// What they are tested for.
        test: Test,
    },
    /// One and the same value of a multi-valued attribute satisfies the condition, whose targets
    /// are [`Target`]s of the same attribute with the sub-attribute to look at.
    Some {
        /// The multi-valued attribute (no sub-attribute).
        target: Target,
        /// What the one value must satisfy. Every [`Target`] in it has the same attribute.
        condition: Box<Self>,
    },
    /// Always the same.
    Constant(bool),
}

impl Condition {
    /// How many tests it makes of a value.
    ///
    /// ```
    /// use scim_protocol::{Filter, ResourceDefinition, Tolerance};
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// let filter: Filter = "title pr and active eq true".parse()?;
    /// assert_eq!(filter.bind(&users, &mut tolerance)?.terms(), 3, "two, and what joins them");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn terms(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(Self::terms).fold(1, usize::saturating_add)
            }
            Self::Not(part) => part.terms(),
            Self::Some { condition, .. } => condition.terms(),
            Self::Value { .. } | Self::Constant(_) => 1,
        }
    }
}

/// Where the values of a test are: canonical names from the schema, never from the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URI of the extension schema; `None` for core and common attributes.
    pub extension: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Arc<str>,
    /// The sub-attribute.
    pub sub_attribute: Option<Arc<str>>,
    /// Whether the attribute is multi-valued (its sub-attributes never are).
    pub multi_valued: bool,
}

/// The values by which resources are sorted (RFC 7644 section 3.4.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Where they are; of a multi-valued attribute the primary or first value counts.
    pub target: Target,
    /// Whether they are numbers; else they sort as the text that
    /// [`search_document`](super::index::search_document) makes of them.
    pub numeric: bool,
}

/// In which form the text of an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// As it is written: the attribute is `caseExact`.
    Exact,
    /// As [`fold`] writes it.
    Folded,
    /// As [`fold_name`] writes it: of text that is to be unique, what looks the same is the same.
    Name,
}

impl TextForm {
    /// The form of an attribute.
    ///
    /// ```
    /// use scim_protocol::filter::TextForm;
    /// use scim_protocol::schema::builtin;
    ///
    /// let form = |name| TextForm::of(builtin::user().attribute(name).unwrap());
    /// assert_eq!((form("title"), form("userName")), (TextForm::Folded, TextForm::Name));
    /// ```
    pub fn of(attribute: &Attribute) -> Self {
        match attribute.kind {
            AttributeType::Binary => Self::Exact,
            _ if attribute.case_exact => Self::Exact,
            AttributeType::String if attribute.uniqueness != Uniqueness::None => Self::Name,
            _ => Self::Folded,
        }
    }

    /// A value in this form.
    pub fn write(self, text: &str) -> String {
        match self {
            Self::Exact => text.to_owned(),
            Self::Folded => fold(text),
            Self::Name => fold_name(text),
        }
    }

    /// What values in this form are compared with: for a part of a value, the blanks at the end that
    /// is inside the value count.
    pub(super) fn comparand(self, operator: Operator, text: &str) -> String {
        match (self, operator) {
            (Self::Name, Operator::Contains) => fold(text),
            (Self::Name, Operator::StartsWith) => fold(text).trim_start().to_owned(),
            (Self::Name, Operator::EndsWith) => fold(text).trim_end().to_owned(),
            _ => self.write(text),
        }
    }
}

/// A test of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is a value: not null and not an empty string. A complex attribute has one where one of
    /// its sub-attributes has.
    Present,
    /// Text compares.
    Text {
        /// How.
        operator: Operator,
        /// With what, in the form of the attribute. Order is by Unicode scalar value.
        value: String,
        /// The form of the attribute.
        form: TextForm,
    },
    /// The boolean is this one.
    Boolean(bool),
    /// A number compares as [`number::compare`](crate::number::compare) has it; only
    /// `eq ne gt ge lt le`.
    Number {
        /// How.
        operator: Operator,
        /// With what.
        value: serde_json::Number,
    },
    /// An instant compares; only `eq ne gt ge lt le`.
    Instant {
        /// How.
        operator: Operator,
        /// With what.
        value: DateTime<Utc>,
    },
}
