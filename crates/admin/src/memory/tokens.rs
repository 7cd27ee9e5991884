//! Authentication tokens in memory.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, StoreError};

use super::rows::{Rows, StoredToken};
use crate::configuration::ProvisioningConfiguration;
use crate::store::{KeepTokens, ReadConfigurations, ReadTokens, WriteTokens};
use crate::token::AccessToken;

impl Rows {
    fn token_mut(&mut self, id: &str) -> Option<&mut StoredToken> {
        self.tokens.iter_mut().find(|stored| stored.token.id == id)
    }

    fn named(
        &mut self,
        mut tokens: Vec<AccessToken>,
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        tokens.sort_by_key(|token| Reverse(token.id.clone()));
        let mut named = Vec::new();
        for token in tokens {
            if let Some(found) = self.configuration(token.configuration)? {
                named.push((token, found.name));
            }
        }
        Ok(named)
    }

    fn tokens_that(&self, fit: impl Fn(&StoredToken) -> bool) -> Vec<AccessToken> {
        let found = self.tokens.iter().filter(|stored| fit(stored));
        found.map(|stored| stored.token.clone()).collect()
    }
}

impl ReadTokens for Rows {
    fn authority(&mut self) -> Result<String, StoreError> {
        let unused = |stored: &StoredToken| AccessToken {
            last_used: None,
            last_used_from: None,
            last_used_by: None,
            ..stored.token.clone()
        };
        let tokens: Vec<AccessToken> = self.tokens.iter().map(unused).collect();
        let (configurations, fields) = (&self.configurations, self.field_revision);
        Ok(format!("{tokens:?} {configurations:?} {fields}"))
    }

    fn tokens(&mut self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, StoreError> {
        let mut tokens = self.tokens_that(|stored| stored.token.configuration == configuration);
        tokens.sort_by_key(|token| Reverse(token.id.clone()));
        Ok(tokens)
    }

    fn token_of_hash(
        &mut self,
        hash: &str,
    ) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError> {
        let Some(token) = self.tokens_that(|stored| stored.token.hash == hash).pop() else {
            return Ok(None);
        };
        let configuration = self.configuration(token.configuration)?;
        Ok(configuration.map(|configuration| (token, configuration)))
    }

    fn tokens_made_by(
        &mut self,
        keys: &[String],
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let made = self.tokens_that(|stored| {
            let token = &stored.token;
            token.revoked.is_none() && token.made_by.as_ref().is_some_and(|by| keys.contains(by))
        });
        self.named(made)
    }

    fn ended_tokens(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let ended = self.tokens_that(|stored| {
            let ends = stored.token.ends();
            !stored.end_noted
                && stored.token.revoked.is_none()
                && ends.is_some_and(|end| end <= now)
        });
        self.named(ended)
    }
}

impl WriteTokens for Rows {
    fn insert_token(&mut self, token: &AccessToken) -> Result<(), StoreError> {
        self.tokens.push(StoredToken {
            token: token.clone(),
            end_noted: false,
            signed_by: None,
        });
        Ok(())
    }

    fn update_token(&mut self, token: &AccessToken) -> Result<bool, StoreError> {
        let live = |stored: &&mut StoredToken| stored.token.revoked.is_none();
        let Some(stored) = self.token_mut(&token.id).filter(live) else {
            return Ok(false);
        };
        stored.token = AccessToken {
            last_used: stored.token.last_used,
            last_used_from: stored.token.last_used_from.clone(),
            last_used_by: stored.token.last_used_by.clone(),
            ..token.clone()
        };
        Ok(true)
    }

    fn note_token_end(&mut self, id: &str) -> Result<bool, StoreError> {
        let new = |stored: &&mut StoredToken| !stored.end_noted;
        let Some(stored) = self.token_mut(id).filter(new) else {
            return Ok(false);
        };
        stored.end_noted = true;
        Ok(true)
    }
}

impl KeepTokens for Rows {
    fn touch_token(
        &mut self,
        id: &str,
        at: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
    ) -> Result<bool, StoreError> {
        let Some(StoredToken { token, .. }) = self.token_mut(id) else {
            // Nothing begins with the use of a token that is gone.
            return Ok(true);
        };
        token.last_used = Some(at);
        token.last_used_from = from.map(str::to_owned);
        token.last_used_by = client.map(str::to_owned);
        Ok(token.first_used.is_some())
    }
}
