//! ServiceOps' catalogue: its fields, what they hold, and how they are called.

use scim_protocol::text::fold;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::convert::{single_text, texts};
use crate::error::ValueError;
use crate::kind::ResourceKind;
use crate::record::{Field, FieldValue};
use crate::table::LookupTables;
use crate::target::{FieldCatalog, OwnKind, TargetField};
use crate::value_kind::{FieldKind, ReferenceKind};

impl TargetField for Field {
    type Own = ReferenceKind;
    const RECORDS: &'static str = "ServiceOps";

    fn from_key(key: &str) -> Option<Self> {
        Self::from_key(key)
    }

    /// ServiceOps keeps no difference between no and nothing for VIPs.
    fn unset(&self) -> Option<&'static FieldValue> {
        match self {
            Self::Vip => Some(&FieldValue::Boolean(false)),
            _ => None,
        }
    }

    fn creates_unknown(&self) -> bool {
        *self != Self::Roles
    }

    /// Who somebody is and whether they work is no group's to say; a manager is a person, not a
    /// value; and the others have members of their own.
    fn is_grantable(&self) -> bool {
        !matches!(
            self,
            Self::UserName
                | Self::Email
                | Self::ScimExternalId
                | Self::Status
                | Self::Manager
                | Self::Roles
                | Self::UserType
                | Self::Department
                | Self::Vip
        )
    }
}

impl FieldCatalog for Catalog {
    type Field = Field;

    fn kind(&self, field: &Field, resource: ResourceKind) -> Option<FieldKind> {
        self.kind(field, resource)
    }

    fn label(&self, field: &Field) -> String {
        self.label(field)
    }

    fn identity(&self, resource: ResourceKind) -> Option<Field> {
        Some(match resource {
            ResourceKind::User => Field::UserName,
            ResourceKind::Group => Field::Name,
        })
    }

    fn tables(&self) -> &LookupTables {
        self.tables()
    }
}

impl OwnKind for ReferenceKind {
    fn convert(&self, value: &Value) -> Result<FieldValue, ValueError> {
        match self {
            Self::Role => roles(value),
            _ => reference(single_text(value)?.trim()).map(FieldValue::Text),
        }
    }

    fn keeps(&self, text: &str) -> bool {
        *self != Self::Role && text.trim().len() == text.len()
    }

    /// A reference may have been named by its id, or by a name that nobody knows, which leaves the
    /// field empty.
    fn is_same(
        &self,
        given: Option<&FieldValue>,
        current: Option<&FieldValue>,
        unknown_is_nothing: bool,
    ) -> bool {
        match (given, current) {
            (Some(FieldValue::Texts(_)), _) => true,
            (Some(_), None) => unknown_is_nothing,
            (Some(FieldValue::Text(name)), Some(_)) => uuid_like(name),
            _ => false,
        }
    }

    fn checks_constants(&self) -> bool {
        *self == Self::Role
    }
}

impl Field {
    /// What a field of the product holds.
    pub(crate) fn kind(&self) -> FieldKind {
        let choice = |options: [&str; 2]| FieldKind::SingleChoice {
            options: options.map(str::to_owned).to_vec(),
        };
        match self {
            Self::Email => FieldKind::Email,
            Self::ContactNo | Self::AltContactNo1 | Self::AltContactNo2 => FieldKind::Phone,
            Self::Department => FieldKind::Reference(ReferenceKind::Department),
            Self::Location => FieldKind::Reference(ReferenceKind::Location),
            Self::Company => FieldKind::Reference(ReferenceKind::Company),
            Self::Manager => FieldKind::Reference(ReferenceKind::Manager),
            Self::Roles => FieldKind::Reference(ReferenceKind::Role),
            Self::Vip => FieldKind::Boolean,
            Self::Members => FieldKind::Texts,
            Self::Status => choice(["active", "blocked"]),
            Self::UserType => choice(["requester", "technician"]),
            Self::UserName | Self::ScimExternalId | Self::Name => FieldKind::Text { max: 512 },
            Self::Custom(_) => FieldKind::Text { max: 16 * 1024 },
            _ => FieldKind::Text { max: 255 },
        }
    }
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
            Self::Roles => "Roles",
            Self::Custom(key) => return key.clone(),
        };
        label.to_owned()
    }

    /// Whether records of this kind have the field.
    pub fn belongs_to(&self, resource: ResourceKind) -> bool {
        match self {
            Self::ScimExternalId => true,
            Self::Name | Self::Members => resource == ResourceKind::Group,
            _ => resource == ResourceKind::User,
        }
    }
}

/// Names of roles, each once. Whether ServiceOps has them, and may give them, is looked up when they
/// are written.
fn roles(value: &Value) -> Result<FieldValue, ValueError> {
    let mut names: Vec<String> = Vec::new();
    for name in texts(value)? {
        let name = reference(name.trim())?;
        if !names.iter().any(|known| fold(known) == fold(&name)) {
            names.push(name);
        }
    }
    Ok(FieldValue::Texts(names))
}

/// A name finds another record, so that spaces around it do not count.
fn reference(name: &str) -> Result<String, ValueError> {
    match name.chars().count() {
        0 => Err(ValueError::BlankName),
        1..=REFERENCE_CHARACTERS => Ok(name.to_owned()),
        _ => Err(ValueError::TooLong {
            most: REFERENCE_CHARACTERS,
        }),
    }
}

fn uuid_like(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

const REFERENCE_CHARACTERS: usize = 255;
