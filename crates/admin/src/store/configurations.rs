//! Rows of provisioning configurations.

use scim_mapping::ResourceKind;
use scim_provisioning::{ConfigurationId, StoreError};

use crate::configuration::ProvisioningConfiguration;

/// Reading configurations.
pub trait ReadConfigurations {
    /// The configurations, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn configurations(&mut self) -> Result<Vec<ProvisioningConfiguration>, StoreError>;

    /// The configuration of an id.
    ///
    /// # Errors
    /// A fault of the store.
    fn configuration(
        &mut self,
        id: ConfigurationId,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError>;

    /// The configuration of a name, without regard to case.
    ///
    /// # Errors
    /// A fault of the store.
    fn configuration_by_name(
        &mut self,
        name: &str,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError>;
}

/// Changing configurations.
pub trait WriteConfigurations {
    /// Holds back other changes of a configuration, of its tokens and of its mappings until the
    /// transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone.
    fn lock_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError>;

    /// Inserts a configuration, with version 1.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use.
    fn insert_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError>;

    /// Writes a configuration whose version is still the given one, and counts it up.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use, [`StoreError::Stale`].
    fn update_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError>;

    /// Deletes a configuration with its tokens, mappings and what waits of it. The people and
    /// groups that it managed stay, managed by nobody; its log stays.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone already.
    fn delete_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError>;

    /// Makes a version of a mapping the active one, if `expected` still is.
    ///
    /// # Errors
    /// [`StoreError::Stale`].
    fn set_active_mapping(
        &mut self,
        id: ConfigurationId,
        resource: ResourceKind,
        expected: i64,
        version: i64,
    ) -> Result<(), StoreError>;
}
