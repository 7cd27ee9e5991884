//! Values of attributes as values of fields.

use serde_json::Value;

use crate::record::{Field, FieldValue};
use crate::rule::MappedResource;
use crate::transform::plain_text;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    /// Text of at most so many characters.
    Text(usize),
    Email,
    Phone,
    Boolean,
    Texts,
    /// The name of another record.
    Reference,
    /// One of these.
    Choice(&'static [&'static str]),
}

impl Field {
    /// The name of the field on the pages of ServiceOps.
    pub fn label(&self) -> String {
        let label = match self {
            Self::UserName => "Logon Name",
            Self::FirstName => "First Name",
            Self::LastName => "Last Name",
            Self::DisplayName | Self::Name => "Name",
            Self::Email => "Email",
            Self::ContactNo => "Contact No.",
            Self::AltContactNo1 => "Alternate Contact 1",
            Self::AltContactNo2 => "Alternate Contact 2",
            Self::JobTitle => "Designation",
            Self::EmployeeId => "Employee ID",
            Self::Department => "Department",
            Self::Location => "Location",
            Self::Manager => "Manager",
            Self::Company => "Company",
            Self::Language => "Language",
            Self::TimeZone => "Time Zone",
            Self::UserType => "User Type",
            Self::Status => "Status",
            Self::Vip => "VIP",
            Self::ScimExternalId => "External ID",
            Self::Members => "Members",
            Self::Custom(key) => return key.clone(),
        };
        label.to_owned()
    }

    /// Whether records of this kind have the field.
    pub fn belongs_to(&self, resource: MappedResource) -> bool {
        match self {
            Self::ScimExternalId => true,
            Self::Name | Self::Members => resource == MappedResource::Group,
            _ => resource == MappedResource::User,
        }
    }

    pub(crate) fn field_type(&self) -> FieldType {
        match self {
            Self::Email => FieldType::Email,
            Self::ContactNo | Self::AltContactNo1 | Self::AltContactNo2 => FieldType::Phone,
            Self::Department | Self::Location | Self::Company | Self::Manager => {
                FieldType::Reference
            }
            Self::Vip => FieldType::Boolean,
            Self::Members => FieldType::Texts,
            Self::Status => FieldType::Choice(&["active", "blocked"]),
            Self::UserType => FieldType::Choice(&["requester", "technician"]),
            Self::UserName | Self::ScimExternalId | Self::Name => FieldType::Text(512),
            Self::Custom(_) => FieldType::Text(16 * 1024),
            _ => FieldType::Text(255),
        }
    }
}

/// The value of a field; the error says why the value does not fit.
pub(crate) fn convert(kind: FieldType, value: &Value) -> Result<FieldValue, String> {
    if kind == FieldType::Texts {
        return texts(value);
    }
    let value = match value {
        Value::Array(values) => values.first().ok_or("there is no value")?,
        single => single,
    };
    let text = plain_text(value).ok_or("an object is no value of a field")?;
    match kind {
        FieldType::Text(limit) if text.chars().count() > limit => {
            Err(format!("longer than {limit} characters"))
        }
        FieldType::Text(_) => Ok(FieldValue::Text(text)),
        FieldType::Email => email(text.trim()).map(FieldValue::Text),
        FieldType::Phone => phone(&text).map(FieldValue::Text),
        FieldType::Reference => reference(text.trim()).map(FieldValue::Text),
        FieldType::Boolean => boolean(&text).map(FieldValue::Boolean),
        FieldType::Choice(options) => options
            .iter()
            .find(|option| option.eq_ignore_ascii_case(text.trim()))
            .map(|option| FieldValue::Text((*option).to_owned()))
            .ok_or_else(|| format!("none of {}", options.join(", "))),
        FieldType::Texts => texts(value),
    }
}

fn texts(value: &Value) -> Result<FieldValue, String> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    values
        .iter()
        .map(|value| plain_text(value).ok_or_else(|| "an object is no value of a field".to_owned()))
        .collect::<Result<_, _>>()
        .map(FieldValue::Texts)
}

/// An address with one `@`, no spaces, and its domain in lower case (RFC 5321 section 2.4).
fn email(text: &str) -> Result<String, String> {
    let well_formed = |local: &str, domain: &str| {
        !local.is_empty()
            && local.len() <= 64
            && !domain.is_empty()
            && !domain.starts_with(['.', '-'])
            && !domain.ends_with(['.', '-'])
            && !domain.contains("..")
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || c == ',')
    };
    match text.rsplit_once('@') {
        Some((local, domain)) if text.len() <= 254 && well_formed(local, domain) => {
            Ok(format!("{local}@{}", domain.to_lowercase()))
        }
        _ => Err("no e-mail address".to_owned()),
    }
}

fn phone(text: &str) -> Result<String, String> {
    let text = text.trim();
    let number = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default(),
        _ => text,
    };
    if number.chars().count() > 32 {
        return Err("longer than 32 characters".to_owned());
    }
    if !number.chars().any(|c| c.is_ascii_digit()) {
        return Err("no phone number".to_owned());
    }
    Ok(number.to_owned())
}

/// A name finds another record, so that spaces around it do not count.
fn reference(name: &str) -> Result<String, String> {
    match name.chars().count() {
        0 => Err("a blank name".to_owned()),
        1..=REFERENCE_CHARACTERS => Ok(name.to_owned()),
        _ => Err(format!("longer than {REFERENCE_CHARACTERS} characters")),
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

const REFERENCE_CHARACTERS: usize = 255;
