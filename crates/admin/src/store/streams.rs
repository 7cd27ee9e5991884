//! Rows of streams.

use chrono::{DateTime, Utc};
use scim_feed::{Delivery, Position, Stream, Webhook};
use scim_provisioning::StoreError;

/// Reading streams.
pub trait ReadStreams {
    /// The streams, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn streams(&mut self) -> Result<Vec<Stream>, StoreError>;

    /// Where the changes of a stream are sent to; nothing for one that is read.
    ///
    /// # Errors
    /// A fault of the store.
    fn webhook(&mut self, stream: &str) -> Result<Option<Webhook>, StoreError>;

    /// Where the changes of all streams are sent to that can be read.
    ///
    /// # Errors
    /// A fault of the store.
    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError>;

    /// What was sent, or is to be, before one of them or at last, the newest first, at most so many.
    ///
    /// # Errors
    /// A fault of the store.
    fn deliveries(
        &mut self,
        stream: &str,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError>;
}

/// Changing streams.
pub trait WriteStreams {
    /// Inserts a stream with the hash of its key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use.
    fn insert_stream(&mut self, stream: &Stream, key_hash: &str) -> Result<(), StoreError>;

    /// Writes the state of a stream whose version is still the one that was seen; it counts up.
    /// Answers whether it was. Its receiver may move on meanwhile.
    ///
    /// # Errors
    /// A fault of the store.
    fn update_stream(&mut self, stream: &Stream) -> Result<bool, StoreError>;

    /// The same with the position.
    ///
    /// # Errors
    /// A fault of the store.
    fn move_stream(&mut self, stream: &Stream) -> Result<bool, StoreError>;

    /// Writes the hash of another key and who made it, of a stream whose version is still the one
    /// that was seen; it counts up. Answers whether it was.
    ///
    /// # Errors
    /// A fault of the store.
    fn set_stream_key(&mut self, stream: &Stream, key_hash: &str) -> Result<bool, StoreError>;

    /// Deletes a stream whose version is still the one that was seen; answers whether it was.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_stream(&mut self, stream: &Stream) -> Result<bool, StoreError>;

    /// Inserts where the changes of a stream are sent to.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError>;

    /// Writes the secrets of a webhook.
    ///
    /// # Errors
    /// A fault of the store.
    fn update_webhook_secrets(&mut self, webhook: &Webhook) -> Result<(), StoreError>;

    /// Forgets the secrets of a webhook: nothing is sent until it has another one.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_webhook(&mut self, stream: &str) -> Result<(), StoreError>;

    /// Has the next attempt be now, as if none had failed.
    ///
    /// # Errors
    /// A fault of the store.
    fn hurry_webhook(&mut self, stream: &str) -> Result<(), StoreError>;

    /// Inserts what is to be sent by hand.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Forgets every change, and lets positions begin with this second, or behind the last one where
    /// that is later. Answers where they begin.
    ///
    /// # Errors
    /// A fault of the store.
    fn restart_feed(&mut self, now: DateTime<Utc>) -> Result<Position, StoreError>;
}
