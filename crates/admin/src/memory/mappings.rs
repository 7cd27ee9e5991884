//! Versions of mappings and custom fields in memory.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use scim_mapping::CustomField;
use scim_provisioning::{ConfigurationId, ResourceKind, StoreError};

use super::rows::Rows;
use crate::mapping::{DRAFT, MappingVersion, ReceivedAttribute};
use crate::store::{ReadMappings, WriteCustomFields, WriteMappings};

impl ReadMappings for Rows {
    fn mapping_versions(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<MappingVersion>, StoreError> {
        let of = |version: &&MappingVersion| {
            version.configuration == configuration && version.rules.resource == resource
        };
        let mut found: Vec<_> = self.mappings.iter().filter(of).cloned().collect();
        found.sort_by_key(|version| Reverse(version.version));
        Ok(found)
    }

    fn custom_fields(&mut self) -> Result<Vec<CustomField>, StoreError> {
        Ok(self.custom_fields.clone())
    }

    fn received_attributes(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<ReceivedAttribute>, StoreError> {
        let kind = resource;
        let seen = self.seen.iter();
        let mut found: Vec<_> = seen
            .filter(|seen| seen.configuration == configuration && seen.kind == kind)
            .map(|seen| ReceivedAttribute {
                path: seen.path.clone(),
                value_type: seen.value_type.to_owned(),
                count: i64::try_from(seen.count).unwrap_or(i64::MAX),
                last_seen: seen.last_seen,
                sample: seen.sample.clone(),
                mapped: false,
            })
            .collect();
        found.sort_by_key(|received| (Reverse(received.count), received.path.clone()));
        Ok(found)
    }
}

impl WriteMappings for Rows {
    fn insert_mapping_version(&mut self, version: &MappingVersion) -> Result<(), StoreError> {
        self.mappings.push(version.clone());
        Ok(())
    }

    fn delete_draft(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<(), StoreError> {
        self.mappings.retain(|version| {
            (
                version.configuration,
                version.rules.resource,
                version.version,
            ) != (configuration, resource, DRAFT)
        });
        Ok(())
    }
}

impl WriteCustomFields for Rows {
    fn insert_custom_field(
        &mut self,
        field: &CustomField,
        _at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if self
            .custom_fields
            .iter()
            .any(|known| known.key == field.key)
        {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.custom_fields.push(field.clone());
        self.field_revision += 1;
        Ok(())
    }

    fn update_custom_field(&mut self, field: &CustomField) -> Result<bool, StoreError> {
        let mut known = self.custom_fields.iter_mut();
        let Some(known) = known.find(|known| known.key == field.key) else {
            return Ok(false);
        };
        *known = field.clone();
        self.field_revision += 1;
        Ok(true)
    }

    fn delete_custom_field(&mut self, key: &str) -> Result<bool, StoreError> {
        let before = self.custom_fields.len();
        self.custom_fields.retain(|field| field.key != key);
        let deleted = self.custom_fields.len() < before;
        self.field_revision += i64::from(deleted);
        Ok(deleted)
    }

    fn forget_custom_values(&mut self, _key: &str, _at: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }
}
