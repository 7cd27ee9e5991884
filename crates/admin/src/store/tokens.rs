//! Rows of authentication tokens.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, StoreError};

use crate::configuration::ProvisioningConfiguration;
use crate::token::AccessToken;

/// Reading tokens.
pub trait ReadTokens {
    /// A word that is another one after every change of a token, but for what is noted of its use, of
    /// a configuration, and of the revision of the custom fields: what was read in one view with it
    /// is so for as long as this answers the same.
    ///
    /// # Errors
    /// A fault of the store.
    fn authority(&mut self) -> Result<String, StoreError>;

    /// The tokens of a configuration, newest first.
    ///
    /// # Errors
    /// A fault of the store.
    fn tokens(&mut self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, StoreError>;

    /// The token of a hash, with its configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn token_of_hash(
        &mut self,
        hash: &str,
    ) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError>;

    /// The tokens that API keys made and that are not revoked, each with the name of its
    /// configuration, newest first.
    ///
    /// # Errors
    /// A fault of the store.
    fn tokens_made_by(&mut self, keys: &[String])
    -> Result<Vec<(AccessToken, String)>, StoreError>;

    /// Tokens that have ended by themselves and whose end is not noted, each with the name of its
    /// configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn ended_tokens(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(AccessToken, String)>, StoreError>;
}

/// Changing tokens.
pub trait WriteTokens {
    /// Inserts a token.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_token(&mut self, token: &AccessToken) -> Result<(), StoreError>;

    /// Writes who made a token, when it ends, how it gives way, when it was first used and when it
    /// was revoked; answers whether it was there and not revoked: a token that is revoked never
    /// changes again.
    ///
    /// # Errors
    /// A fault of the store.
    fn update_token(&mut self, token: &AccessToken) -> Result<bool, StoreError>;

    /// Notes that the audit tells of the end of a token; answers whether it did not before.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_token_end(&mut self, id: &str) -> Result<bool, StoreError>;
}

/// What requests tell of tokens.
pub trait KeepTokens {
    /// Notes when, from where and by which client a token was used; answers whether its first use
    /// is noted already.
    ///
    /// # Errors
    /// A fault of the store.
    fn touch_token(
        &mut self,
        id: &str,
        at: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
    ) -> Result<bool, StoreError>;
}
