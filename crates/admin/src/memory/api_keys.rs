//! API keys in memory.

use chrono::{DateTime, Utc};
use scim_protocol::text::fold;
use scim_provisioning::StoreError;

use super::rows::Rows;
use crate::api_key::ApiKey;
use crate::store::{ReadApiKeys, WriteApiKeys};

impl ReadApiKeys for Rows {
    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys = self.api_keys.clone();
        keys.sort_by_key(|key| fold(&key.name));
        Ok(keys)
    }

    fn api_key_of_hash(&mut self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let found = self.api_keys.iter().find(|key| key.hash == hash);
        Ok(found.cloned())
    }
}

impl WriteApiKeys for Rows {
    fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let name = fold(&key.name);
        if self.api_keys.iter().any(|known| fold(&known.name) == name) {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.api_keys.push(key.clone());
        Ok(())
    }

    fn revoke_api_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let live = |key: &&mut ApiKey| key.id == id && key.revoked.is_none();
        let Some(key) = self.api_keys.iter_mut().find(live) else {
            return Ok(false);
        };
        key.revoked = Some(at);
        Ok(true)
    }
}
