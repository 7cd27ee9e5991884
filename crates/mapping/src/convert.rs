//! Values of attributes as values of fields.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use scim_protocol::text::fold;
use serde_json::Value;

use crate::catalog::{FieldKind, ReferenceKind};
use crate::record::{Field, FieldValue};
use crate::rule::MappedResource;
use crate::transform::plain_text;

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
            Self::Roles => "Roles",
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
}

/// The value of a field; the error says why the value does not fit.
pub(crate) fn convert(kind: &FieldKind, value: &Value) -> Result<FieldValue, String> {
    match kind {
        FieldKind::Texts => return texts(value).map(FieldValue::Texts),
        FieldKind::Reference(ReferenceKind::Role) => return roles(value),
        FieldKind::MultiChoice { options } => {
            let values = texts(value)?;
            let chosen: Result<_, _> = values.iter().map(|text| choice(options, text)).collect();
            return chosen.map(FieldValue::Texts);
        }
        _ => {}
    }
    let value = match value {
        Value::Array(values) => values.first().ok_or("there is no value")?,
        single => single,
    };
    let text = plain_text(value).ok_or("an object is no value of a field")?;
    match kind {
        FieldKind::Text { max } => within(text, *max as usize).map(FieldValue::Text),
        FieldKind::LongText => within(text, LONG_TEXT).map(FieldValue::Text),
        FieldKind::Email => email(text.trim()).map(FieldValue::Text),
        FieldKind::Phone => phone(&text).map(FieldValue::Text),
        FieldKind::Reference(_) => reference(text.trim()).map(FieldValue::Text),
        FieldKind::Boolean => boolean(&text).map(FieldValue::Boolean),
        FieldKind::SingleChoice { options } => choice(options, &text).map(FieldValue::Text),
        FieldKind::Number { min, max, integer } => number(&text, *min, *max, *integer),
        FieldKind::DateTime => date_time(&text).map(FieldValue::Text),
        FieldKind::Texts | FieldKind::MultiChoice { .. } => texts(value).map(FieldValue::Texts),
    }
}

fn within(text: String, max: usize) -> Result<String, String> {
    match text.chars().count() > max {
        true => Err(format!("longer than {max} characters")),
        false => Ok(text),
    }
}

/// An option as it is defined, found without regard to case.
fn choice(options: &[String], text: &str) -> Result<String, String> {
    let wanted = fold(text.trim());
    let found = options.iter().find(|option| fold(option) == wanted);
    found.cloned().ok_or_else(|| {
        let some: Vec<&str> = options.iter().take(NAMED).map(String::as_str).collect();
        let more = if options.len() > NAMED { ", ..." } else { "" };
        format!("none of {}{more}", some.join(", "))
    })
}

/// A number: whole ones of 64 bits exactly, others as doubles.
fn number(
    text: &str,
    min: Option<f64>,
    max: Option<f64>,
    integer: bool,
) -> Result<FieldValue, String> {
    let text = text.trim();
    let value = match text.parse() {
        Ok(whole) => FieldValue::Integer(whole),
        Err(_) => {
            let number: f64 = text.parse().map_err(|_number| "no number".to_owned())?;
            if !number.is_finite() {
                return Err("no number".to_owned());
            }
            FieldValue::number(number)
        }
    };
    let (below, above) = match value {
        FieldValue::Integer(whole) => (
            min.is_some_and(|min| i128::from(whole) < rounded(min.ceil())),
            max.is_some_and(|max| i128::from(whole) > rounded(max.floor())),
        ),
        FieldValue::Number(number) => (
            min.is_some_and(|min| number < min),
            max.is_some_and(|max| number > max),
        ),
        _ => (false, false),
    };
    match (min, max, &value) {
        (Some(min), ..) if below => Err(format!("less than {min}")),
        (_, Some(max), _) if above => Err(format!("more than {max}")),
        (_, _, FieldValue::Number(number)) if integer && number.fract() != 0.0 => {
            Err("not a whole number".to_owned())
        }
        (_, _, FieldValue::Number(_)) if integer => {
            Err("a whole number of more than 64 bits".to_owned())
        }
        _ => Ok(value),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is beyond counts as the limit"
)]
fn rounded(bound: f64) -> i128 {
    bound as i128
}

/// An instant in RFC 3339, UTC; without an offset it is taken for UTC.
fn date_time(text: &str) -> Result<String, String> {
    let text = text.trim();
    let utc = |local: NaiveDateTime| local.and_utc();
    let instant = DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.with_timezone(&Utc))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(utc))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%d-%m-%Y %H:%M").map(utc))
        .or_else(|_| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map(|day| day.and_time(NaiveTime::MIN).and_utc())
        });
    instant
        .map(|instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        .map_err(|_date| "no date and time".to_owned())
}

/// Names of roles, each once. Whether ServiceOps has them, and may give them, is looked up when they
/// are written.
fn roles(value: &Value) -> Result<FieldValue, String> {
    let mut names: Vec<String> = Vec::new();
    for name in texts(value)? {
        let name = reference(name.trim())?;
        if !names.iter().any(|known| fold(known) == fold(&name)) {
            names.push(name);
        }
    }
    Ok(FieldValue::Texts(names))
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    values
        .iter()
        .map(|value| plain_text(value).ok_or_else(|| "an object is no value of a field".to_owned()))
        .collect()
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
const LONG_TEXT: usize = 16 * 1024;
const NAMED: usize = 10;
