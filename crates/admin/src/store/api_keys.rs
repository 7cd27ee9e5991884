//! Rows of API keys.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use crate::api_key::ApiKey;

/// Reading API keys.
pub trait ReadApiKeys {
    /// The keys, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError>;

    /// The key of a hash.
    ///
    /// # Errors
    /// A fault of the store.
    fn api_key_of_hash(&mut self, hash: &str) -> Result<Option<ApiKey>, StoreError>;
}

/// Changing API keys.
pub trait WriteApiKeys {
    /// Inserts a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use.
    fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// Revokes a key; answers whether it was not revoked before.
    ///
    /// # Errors
    /// A fault of the store.
    fn revoke_api_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<bool, StoreError>;
}
