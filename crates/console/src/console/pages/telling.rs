//! Changes of fields as people read them: labels for keys, and names for ids.

use std::collections::HashMap;

use scim_admin::run::FieldDifference;
use scim_admin::{AdminError, AdminService};
use scim_mapping::Catalog;
use scim_provisioning::ResourceId;
use serde_json::Value;

use super::super::Failed;
use super::rule::called;

/// A field with what it was and what it became; empty where it was or became nothing.
pub(super) struct ToldField {
    pub(super) label: String,
    pub(super) old: String,
    pub(super) new: String,
    /// Whether it stays when the change is taken back, because somebody changed it since.
    pub(super) kept: bool,
}

/// Tells changes, and remembers the names that it looked up.
pub(super) struct Telling<'a> {
    admin: &'a AdminService,
    catalog: Catalog,
    names: HashMap<String, String>,
}

impl<'a> Telling<'a> {
    pub(super) fn new(admin: &'a AdminService) -> Result<Self, Failed> {
        let configurations = admin.configurations(None)?.into_iter();
        Ok(Self {
            admin,
            catalog: admin.catalog()?,
            names: configurations
                .map(|one| (one.id.to_string(), one.name))
                .collect(),
        })
    }

    pub(super) fn fields(&mut self, fields: &[FieldDifference]) -> Result<Vec<ToldField>, Failed> {
        let told = fields.iter().map(|field| {
            Ok(ToldField {
                label: self.label(&field.field),
                old: self.value(&field.old)?,
                new: self.value(&field.new)?,
                kept: field.kept,
            })
        });
        told.collect()
    }

    fn label(&self, key: &str) -> String {
        match key {
            "members" => "Members".to_owned(),
            "grants" => "What members get".to_owned(),
            "managed_by" => "Managed by".to_owned(),
            "external_id" => "externalId".to_owned(),
            key => called(&self.catalog, key),
        }
    }

    fn value(&mut self, value: &Value) -> Result<String, Failed> {
        Ok(match value {
            Value::Null => String::new(),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.value(item));
                items.collect::<Result<Vec<_>, _>>()?.join(", ")
            }
            Value::String(text) if ResourceId::parse(text).is_some() => self.name(text)?,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// Who has an id; the id of nobody stays.
    fn name(&mut self, id: &str) -> Result<String, Failed> {
        if let Some(name) = self.names.get(id) {
            return Ok(name.clone());
        }
        let name = match self.admin.person(id) {
            Ok(detail) => detail.person.user_name,
            Err(AdminError::NotFound { .. }) => id.to_owned(),
            Err(error) => return Err(error.into()),
        };
        self.names.insert(id.to_owned(), name.clone());
        Ok(name)
    }
}
