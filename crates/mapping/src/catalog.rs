//! Which fields there are: those of the product, and those that administrators define.

use std::collections::HashSet;

use scim_protocol::Schema;
use scim_protocol::schema::{Attribute, AttributeType};
use scim_protocol::text::{fold, valid_user_name};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::convert::convert;
use crate::error::{FieldError, FieldErrorKind};
use crate::kind::ResourceKind;
use crate::record::{Field, FieldValue};
use crate::table::LookupTables;
use crate::value_kind::FieldKind;

/// A field that an administrator defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "key": "cost_center", "label": "Cost centre", "type": { "text": { "max": 100 } },
    "required": false,
})))]
#[serde(rename_all = "camelCase")]
pub struct CustomField {
    /// The stable name: `[a-z][a-z0-9_]*`, 63 characters at most.
    pub key: String,
    /// The name that people see.
    pub label: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether every user must have it.
    #[serde(default)]
    pub required: bool,
}

impl CustomField {
    /// Checks the definition.
    ///
    /// # Errors
    /// [`FieldError`] what is wrong with it.
    pub fn check(&self) -> Result<(), FieldError> {
        self.check_parts().map_err(|kind| FieldError {
            key: self.key.clone(),
            kind,
        })
    }

    fn check_parts(&self) -> Result<(), FieldErrorKind> {
        let mut characters = self.key.chars();
        let begins = characters.next().is_some_and(|c| c.is_ascii_lowercase());
        let goes_on = characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !begins || !goes_on || self.key.len() > 63 {
            return Err(FieldErrorKind::Key);
        }
        if Field::from_key(&self.key).is_some() || FORBIDDEN.contains(&self.key.as_str()) {
            return Err(FieldErrorKind::KeyTaken);
        }
        if self.label.chars().count() > 100 || !valid_user_name(&self.label) {
            return Err(FieldErrorKind::Label);
        }
        self.kind.check()
    }
}

impl FieldKind {
    fn check(&self) -> Result<(), FieldErrorKind> {
        match self {
            Self::Text { max } if !(1..=16_384).contains(max) => Err(FieldErrorKind::TextLength),
            Self::Number { min, max, .. } => {
                let finite = [min, max].into_iter().flatten().all(|n| n.is_finite());
                let ordered = !matches!((min, max), (Some(min), Some(max)) if min > max);
                match finite && ordered {
                    true => Ok(()),
                    false => Err(FieldErrorKind::Limits),
                }
            }
            Self::SingleChoice { options } | Self::MultiChoice { options } => {
                let mut seen = HashSet::new();
                let fits =
                    |option: &String| valid_user_name(option) && option.chars().count() <= 255;
                if !(1..=500).contains(&options.len()) || !options.iter().all(fits) {
                    return Err(FieldErrorKind::Options);
                }
                let twice = options.iter().find(|option| !seen.insert(fold(option)));
                twice.map_or(Ok(()), |option| {
                    let option = option.clone();
                    Err(FieldErrorKind::OptionTwice { option })
                })
            }
            Self::Reference(_) | Self::Texts => Err(FieldErrorKind::Type),
            _ => Ok(()),
        }
    }

    /// The attribute of the extension schema.
    fn attribute(&self, name: &str) -> Attribute {
        let of = |kind| Attribute::new(name, kind);
        let choice = |options: &[String]| {
            let mut attribute = of(AttributeType::String);
            attribute.canonical_values = options.to_vec();
            attribute
        };
        match self {
            Self::Number { integer: true, .. } => of(AttributeType::Integer),
            Self::Number { .. } => of(AttributeType::Decimal),
            Self::Boolean => of(AttributeType::Boolean),
            Self::DateTime => of(AttributeType::DateTime),
            Self::SingleChoice { options } => choice(options),
            Self::MultiChoice { options } => choice(options).multi(),
            Self::Texts => of(AttributeType::String).multi(),
            _ => of(AttributeType::String),
        }
    }
}

/// The fields that rules can write, and the lookup tables that they can use.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    custom: Vec<CustomField>,
    tables: LookupTables,
}

impl Catalog {
    /// The fields of the product and these.
    pub fn with_custom(custom: Vec<CustomField>) -> Self {
        Self {
            custom,
            tables: LookupTables::default(),
        }
    }

    /// The same fields with these lookup tables.
    #[must_use]
    pub fn with_tables(self, tables: LookupTables) -> Self {
        Self { tables, ..self }
    }

    /// The lookup tables that rules can use.
    pub fn tables(&self) -> &LookupTables {
        &self.tables
    }

    /// The fields that administrators defined.
    pub fn custom(&self) -> &[CustomField] {
        &self.custom
    }

    /// The custom fields as an extension schema of User; `None` when there are none.
    ///
    /// ```
    /// use scim_mapping::{Catalog, CustomField, FieldKind};
    ///
    /// let badge = CustomField {
    ///     key: "badge".into(),
    ///     label: "Badge".into(),
    ///     kind: FieldKind::Number { min: None, max: None, integer: true },
    ///     required: false,
    /// };
    /// let schema = Catalog::with_custom(vec![badge]).extension_schema().unwrap();
    /// assert_eq!(schema.attributes[0].name, "badge");
    /// ```
    pub fn extension_schema(&self) -> Option<Schema> {
        if self.custom.is_empty() {
            return None;
        }
        Some(Schema {
            id: EXTENSION.to_owned(),
            name: "ServiceOpsUser".to_owned(),
            description: "The custom fields of ServiceOps users".to_owned(),
            attributes: self
                .custom
                .iter()
                .map(|field| field.kind.attribute(&field.key).described(&field.label))
                .collect(),
        })
    }

    /// The name that people see of a field.
    pub fn label(&self, field: &Field) -> String {
        match field {
            Field::Custom(key) => self
                .find(key)
                .map_or_else(|| key.clone(), |field| field.label.clone()),
            field => field.label(),
        }
    }

    /// The fields that records of a kind have, those of the product first.
    pub fn fields(&self, resource: ResourceKind) -> Vec<Field> {
        let custom = self
            .custom
            .iter()
            .map(|field| Field::Custom(field.key.clone()));
        Field::product()
            .chain(custom)
            .filter(|field| field.belongs_to(resource))
            .collect()
    }

    /// What a field holds; `None` when records of the kind have no such field.
    pub fn kind(&self, field: &Field, resource: ResourceKind) -> Option<FieldKind> {
        if !field.belongs_to(resource) {
            return None;
        }
        match field {
            Field::Custom(key) => self.find(key).map(|field| field.kind.clone()),
            field => Some(field.kind()),
        }
    }

    /// The value of a user's field that a text stands for; `None` where it does not fit.
    pub fn value(&self, field: &Field, text: &str) -> Option<FieldValue> {
        let kind = self.kind(field, ResourceKind::User)?;
        convert(&kind, &Value::from(text)).ok()
    }

    fn find(&self, key: &str) -> Option<&CustomField> {
        self.custom.iter().find(|field| field.key == key)
    }
}

/// The URI of the extension schema of the custom fields.
pub const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User";

/// Columns of the directory that are nobody's to define again.
const FORBIDDEN: [&str; 14] = [
    "id",
    "schemas",
    "meta",
    "password",
    "groups",
    "role",
    "is_admin",
    "is_tenant_admin",
    "tenant_admin",
    "tenant_id",
    "admin_role",
    "managed_by",
    "custom_fields",
    "version",
];
