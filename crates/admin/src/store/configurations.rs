//! Rows of provisioning configurations.

use chrono::{DateTime, Utc};
use scim_mapping::ResourceKind;
use scim_provisioning::{ConfigurationId, RunId, StoreError};

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
    /// [`StoreError::Stale`] when it is gone or being deleted.
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
    /// [`StoreError::Conflict`] when the name is in use, [`StoreError::Stale`]; so for one that is
    /// being deleted.
    fn update_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError>;

    /// Deletes a configuration with its tokens and mappings, when it has
    /// [let go](EndConfigurations::let_go) of everything; its log stays.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone already.
    fn delete_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError>;

    /// Deletes the tokens of a configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_tokens(&mut self, id: ConfigurationId) -> Result<(), StoreError>;

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

/// Reading which configurations are being deleted.
pub trait ReadDeletions {
    /// The configuration that is being deleted and whose turn it is, with its run: the one of a run,
    /// or the one that is longest about it. One that was put off is not due before that time.
    ///
    /// # Errors
    /// A fault of the store.
    fn deletion_due(
        &mut self,
        run: Option<RunId>,
        now: DateTime<Utc>,
    ) -> Result<Option<(ConfigurationId, RunId)>, StoreError>;
}

/// Emptying a configuration that is deleted.
pub trait EndConfigurations {
    /// Holds back others who delete the configuration by this run, until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone.
    fn lock_deletion(&mut self, id: ConfigurationId, run: RunId) -> Result<(), StoreError>;

    /// Lets go of at most so many of the people and groups that a configuration manages, who stay and
    /// are managed by nobody, and of what waits of it; answers how many those were. When they are
    /// fewer, nothing is left.
    ///
    /// # Errors
    /// A fault of the store.
    fn let_go(&mut self, id: ConfigurationId, limit: usize) -> Result<usize, StoreError>;
}
