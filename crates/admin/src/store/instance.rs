//! What is known of the instance whose rows these are.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use crate::instance::{ClockDoubt, InstanceRecord, KeyNeed};
use crate::token::AccessToken;

/// Reading what is known of the instance.
pub trait ReadInstance {
    /// The instance, the keys that its ring had, and when time last brought something.
    ///
    /// # Errors
    /// A fault of the store.
    fn instance(&mut self) -> Result<InstanceRecord, StoreError>;

    /// The keys that live tokens and secrets of webhooks need.
    ///
    /// # Errors
    /// A fault of the store.
    fn key_needs(&mut self, now: DateTime<Utc>) -> Result<Vec<KeyNeed>, StoreError>;

    /// Live tokens that another key than this one sealed, at most so many, by their ids behind one
    /// of them.
    ///
    /// # Errors
    /// A fault of the store.
    fn tokens_sealed_by_others(
        &mut self,
        key: &str,
        now: DateTime<Utc>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<AccessToken>, StoreError>;

    /// Live tokens that a key signed or sealed which is not among these, each with one of those, at
    /// most so many, by their ids behind one of them.
    ///
    /// # Errors
    /// A fault of the store.
    fn tokens_lacking_keys(
        &mut self,
        there: &[String],
        now: DateTime<Utc>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(AccessToken, String)>, StoreError>;
}

/// What administrators change of it.
pub trait WriteInstance {
    /// Notes that a key was taken out of the ring.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_retired_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Writes the seal of a token in place of one that is still the one that was read; answers
    /// whether it was. The key that signed the token stays known.
    ///
    /// # Errors
    /// A fault of the store.
    fn reseal_token(
        &mut self,
        read: &AccessToken,
        sealed: &str,
        key: &str,
    ) -> Result<bool, StoreError>;
}

/// What programs note of it by themselves.
pub trait KeepInstance {
    /// Writes the id of the instance and adds keys of its ring, each with when it was made.
    ///
    /// # Errors
    /// A fault of the store.
    fn bind_instance(
        &mut self,
        id: &str,
        keys: &[(String, DateTime<Utc>)],
    ) -> Result<(), StoreError>;

    /// Notes that time brought something now, by a clock that is believed.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_upkeep(&mut self, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Notes that the clock is not believed.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_doubt(&mut self, doubt: ClockDoubt) -> Result<(), StoreError>;
}
