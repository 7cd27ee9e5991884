//! ServiceOps records: the fields of a user or group, and their values.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The fields of one record: of a ServiceOps user or group, unless another catalogue's fields are named.
pub type Record<F = Field> = BTreeMap<F, FieldValue>;

/// A field of ServiceOps that a rule can write.
///
/// Tenant-admin rights, passwords, sessions and ids are no fields: nothing can be mapped to them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Field {
    /// `user_name`, the logon name.
    UserName,
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `display_name`
    DisplayName,
    /// `email`
    Email,
    /// `contact_no`
    ContactNo,
    /// `alt_contact_no1`
    AltContactNo1,
    /// `alt_contact_no2`
    AltContactNo2,
    /// `job_title`
    JobTitle,
    /// `employee_id`
    EmployeeId,
    /// `department`, by name.
    Department,
    /// `location`, by name.
    Location,
    /// `manager`: the SCIM id of a user.
    Manager,
    /// `company`
    Company,
    /// `language`, a language tag.
    Language,
    /// `time_zone`, an IANA zone.
    TimeZone,
    /// `user_type`: `requester` or `technician`.
    UserType,
    /// `status`: `active` or `blocked`.
    Status,
    /// `is_vip`
    Vip,
    /// `scim_external_id`
    ScimExternalId,
    /// `name` of a group.
    Name,
    /// `members` of a group: the SCIM ids of users and groups.
    Members,
    /// `roles`, by name.
    Roles,
    /// `custom_fields.<key>`
    Custom(String),
}

/// The value of a field.
///
/// A number that is whole is an integer, however it was written: there is one value for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, from = "Written")]
pub enum FieldValue {
    /// Yes or no.
    Boolean(bool),
    /// A whole number, exactly.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// Text; it comes before instants so that text which looks like one stays as it is.
    Text(String),
    /// An instant. The engine makes none: [`FieldKind::DateTime`](crate::FieldKind::DateTime) gives
    /// text. It is for records that hold instants as such, and for an [`OwnKind`](crate::OwnKind);
    /// [`drift`](crate::CompiledMapping::drift) takes it for the same as its text.
    DateTime(DateTime<Utc>),
    /// Several texts.
    Texts(Vec<String>),
}

/// A value as it is written, with `5.0` for the integer that it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    DateTime(DateTime<Utc>),
    Texts(Vec<String>),
}

impl From<Written> for FieldValue {
    fn from(written: Written) -> Self {
        match written {
            Written::Boolean(flag) => Self::Boolean(flag),
            Written::Integer(number) => Self::Integer(number),
            Written::Number(number) => Self::number(number),
            Written::Text(text) => Self::Text(text),
            Written::DateTime(instant) => Self::DateTime(instant),
            Written::Texts(texts) => Self::Texts(texts),
        }
    }
}

impl FieldValue {
    /// A number, which is an integer where it is whole and no larger than such numbers are exact.
    pub fn number(number: f64) -> Self {
        match number.fract() == 0.0 && number.abs() <= EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
            true => Self::Integer(number as i64),
            false => Self::Number(number),
        }
    }

    /// The value as texts: of several texts each, of anything else the one that says it.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Texts(texts) => texts.clone(),
            Self::Text(text) => vec![text.clone()],
            Self::Boolean(flag) => vec![flag.to_string()],
            Self::Integer(number) => vec![number.to_string()],
            Self::Number(number) => vec![number.to_string()],
            Self::DateTime(instant) => {
                vec![instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)]
            }
        }
    }

    /// The text, where the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// 2 to the power of 53: up to here every whole number is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

const BUILT_IN: [(&str, Field); 23] = [
    ("user_name", Field::UserName),
    ("first_name", Field::FirstName),
    ("last_name", Field::LastName),
    ("display_name", Field::DisplayName),
    ("email", Field::Email),
    ("contact_no", Field::ContactNo),
    ("alt_contact_no1", Field::AltContactNo1),
    ("alt_contact_no2", Field::AltContactNo2),
    ("job_title", Field::JobTitle),
    ("employee_id", Field::EmployeeId),
    ("department", Field::Department),
    ("location", Field::Location),
    ("manager", Field::Manager),
    ("company", Field::Company),
    ("language", Field::Language),
    ("time_zone", Field::TimeZone),
    ("user_type", Field::UserType),
    ("status", Field::Status),
    ("is_vip", Field::Vip),
    ("scim_external_id", Field::ScimExternalId),
    ("name", Field::Name),
    ("members", Field::Members),
    ("roles", Field::Roles),
];

impl Field {
    /// The key of the field as it stands in a mapping set (`user_name`, `custom_fields.badge`).
    pub fn key(&self) -> String {
        if let Self::Custom(key) = self {
            return format!("{CUSTOM}{key}");
        }
        BUILT_IN
            .iter()
            .find(|(_, field)| field == self)
            .map_or_else(String::new, |(key, _)| (*key).to_owned())
    }

    /// The fields of the product.
    pub(crate) fn product() -> impl Iterator<Item = Self> {
        BUILT_IN.iter().map(|(_, field)| field.clone())
    }

    /// The field of this key.
    pub fn from_key(key: &str) -> Option<Self> {
        if let Some(custom) = key.strip_prefix(CUSTOM) {
            return (!custom.is_empty()).then(|| Self::Custom(custom.to_owned()));
        }
        BUILT_IN
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, field)| field.clone())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key())
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.key()
    }
}

/// A text is the key of no field of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key:?} is no {of} field")]
pub struct UnknownField {
    /// The text.
    pub key: String,
    /// Whose field it is not ([`TargetField::RECORDS`](crate::TargetField::RECORDS)).
    pub of: &'static str,
}

impl TryFrom<String> for Field {
    type Error = UnknownField;

    fn try_from(key: String) -> Result<Self, UnknownField> {
        Self::from_key(&key).ok_or(UnknownField {
            key,
            of: "ServiceOps",
        })
    }
}

const CUSTOM: &str = "custom_fields.";
