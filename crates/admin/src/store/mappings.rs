//! Rows of versions of mappings, and of custom fields.

use chrono::{DateTime, Utc};
use scim_mapping::{CustomField, ResourceKind};
use scim_provisioning::{ConfigurationId, StoreError};

use crate::mapping::{MappingVersion, ReceivedAttribute};

/// Reading mappings.
pub trait ReadMappings {
    /// The versions of a mapping, the newest first and the draft last.
    ///
    /// # Errors
    /// A fault of the store.
    fn mapping_versions(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<MappingVersion>, StoreError>;

    /// The custom fields, the oldest first.
    ///
    /// # Errors
    /// A fault of the store.
    fn custom_fields(&mut self) -> Result<Vec<CustomField>, StoreError>;

    /// The attributes that a configuration received, those received most often first.
    ///
    /// # Errors
    /// A fault of the store.
    fn received_attributes(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<ReceivedAttribute>, StoreError>;
}

/// Changing mappings, under the configuration's lock.
pub trait WriteMappings {
    /// Inserts a version, or the draft.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_mapping_version(&mut self, version: &MappingVersion) -> Result<(), StoreError>;

    /// Deletes the draft of a mapping, if there is one.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_draft(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<(), StoreError>;
}

/// Changing custom fields. Each change is counted, so that every server reads the fields anew.
pub trait WriteCustomFields {
    /// Inserts a field.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the key is in use.
    fn insert_custom_field(
        &mut self,
        field: &CustomField,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Puts a definition in the place of the one of its key; answers whether there was one.
    ///
    /// # Errors
    /// A fault of the store.
    fn update_custom_field(&mut self, field: &CustomField) -> Result<bool, StoreError>;

    /// Deletes a field; answers whether there was one.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_custom_field(&mut self, key: &str) -> Result<bool, StoreError>;

    /// Takes the values of a field out of every record, and out of what identity providers said.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_custom_values(&mut self, key: &str, at: DateTime<Utc>) -> Result<(), StoreError>;
}
