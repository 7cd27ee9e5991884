//! What fields hold.

use serde::{Deserialize, Serialize};

/// What a field holds. `R` are the kinds that the catalogue has of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FieldKind<R = ReferenceKind> {
    /// Text in one line.
    Text {
        /// Characters at most.
        max: u32,
    },
    /// Text in several lines.
    LongText,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A number.
    Number {
        /// The smallest one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The largest one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
        /// Whether it is whole.
        #[serde(default)]
        integer: bool,
    },
    /// Yes or no.
    Boolean,
    /// An instant. A record holds it as text of RFC 3339 in UTC (`FieldValue::Text`).
    ///
    /// It is read in RFC 3339, as `2026-01-31T08:00:00` (of UTC), `2026-01-31` or `31-01-2026 08:00`;
    /// the transform `date` reads other formats.
    DateTime,
    /// One of several options.
    SingleChoice {
        /// The options.
        options: Vec<String>,
    },
    /// Some of several options.
    MultiChoice {
        /// The options.
        options: Vec<String>,
    },
    /// A kind of the catalogue's own, such as another record by its name or id.
    Reference(R),
    /// Several texts.
    Texts,
}

/// What a reference points to in ServiceOps: the kinds of its catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum ReferenceKind {
    /// A department.
    Department,
    /// A location.
    Location,
    /// A company.
    Company,
    /// Roles of a technician.
    Role,
    /// Another user.
    Manager,
}

impl<R: PartialEq> FieldKind<R> {
    /// Whether values of the one are of the type of the other, whatever their options and limits.
    pub fn same_type(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number { integer: one, .. }, Self::Number { integer: other, .. }) => {
                one == other
            }
            (Self::Reference(one), Self::Reference(other)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
