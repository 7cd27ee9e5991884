//! What is known of the instance, in memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use super::rows::{Rows, StoredToken};
use crate::instance::{ClockDoubt, InstanceRecord, KeyNeed, RecordedKey};
use crate::store::{KeepInstance, ReadInstance, WriteInstance};
use crate::token::AccessToken;

impl ReadInstance for Rows {
    fn instance(&mut self) -> Result<InstanceRecord, StoreError> {
        Ok(self.instance.clone())
    }

    fn key_needs(&mut self, now: DateTime<Utc>) -> Result<Vec<KeyNeed>, StoreError> {
        let mut needs = BTreeMap::new();
        for stored in self
            .tokens
            .iter()
            .filter(|stored| stored.token.is_live(now))
        {
            let sealed = &stored.token.key_id;
            let signed = stored.signed_by.as_ref().unwrap_or(sealed);
            KeyNeed::of(&mut needs, signed).sign(1, stored.token.ends());
            KeyNeed::of(&mut needs, sealed).sealed += 1;
        }
        for webhook in &self.webhooks {
            for secret in webhook.secrets(now) {
                KeyNeed::of(&mut needs, &secret.key).webhooks += 1;
            }
        }
        Ok(needs.into_values().collect())
    }

    fn tokens_lacking_keys(
        &mut self,
        there: &[String],
        now: DateTime<Utc>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let live = self.tokens.iter().filter(|stored| {
            let token = &stored.token;
            token.is_live(now) && token.id.as_str() > after
        });
        let mut found: Vec<(AccessToken, String)> = Vec::new();
        for StoredToken {
            token, signed_by, ..
        } in live
        {
            let signed = signed_by.as_ref().unwrap_or(&token.key_id);
            let lacking = [signed, &token.key_id];
            let lacking = lacking.into_iter().find(|key| !there.contains(key));
            found.extend(lacking.map(|key| (token.clone(), key.clone())));
        }
        found.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        found.truncate(usize::try_from(limit).unwrap_or_default());
        Ok(found)
    }

    fn tokens_sealed_by_others(
        &mut self,
        key: &str,
        now: DateTime<Utc>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<AccessToken>, StoreError> {
        let others = |stored: &&StoredToken| {
            let token = &stored.token;
            token.is_live(now) && token.key_id != key && token.id.as_str() > after
        };
        let mut found: Vec<AccessToken> = self
            .tokens
            .iter()
            .filter(others)
            .map(|stored| stored.token.clone())
            .collect();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.truncate(usize::try_from(limit).unwrap_or_default());
        Ok(found)
    }
}

impl WriteInstance for Rows {
    fn note_retired_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut keys = self.instance.keys.iter_mut();
        if let Some(key) = keys.find(|key| key.id == id) {
            key.retired = Some(at);
        }
        Ok(())
    }

    fn reseal_token(
        &mut self,
        read: &AccessToken,
        sealed: &str,
        key: &str,
    ) -> Result<bool, StoreError> {
        let same = |stored: &&mut StoredToken| {
            stored.token.id == read.id && stored.token.sealed == read.sealed
        };
        let Some(stored) = self.tokens.iter_mut().find(same) else {
            return Ok(false);
        };
        stored.signed_by.get_or_insert(read.key_id.clone());
        sealed.clone_into(&mut stored.token.sealed);
        key.clone_into(&mut stored.token.key_id);
        Ok(true)
    }
}

impl KeepInstance for Rows {
    fn bind_instance(
        &mut self,
        id: &str,
        keys: &[(String, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        self.instance.id = Some(id.to_owned());
        for (key, created) in keys {
            if self.instance.keys.iter().any(|known| known.id == *key) {
                continue;
            }
            self.instance.keys.push(RecordedKey {
                id: key.clone(),
                created: *created,
                retired: None,
            });
        }
        Ok(())
    }

    fn note_upkeep(&mut self, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.instance.kept_up = Some(at);
        self.instance.doubt = None;
        Ok(())
    }

    fn note_doubt(&mut self, doubt: ClockDoubt) -> Result<(), StoreError> {
        self.instance.doubt = Some(doubt);
        Ok(())
    }
}
