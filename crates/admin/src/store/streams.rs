//! Rows of streams.

use scim_feed::Stream;
use scim_provisioning::StoreError;

/// Reading streams.
pub trait ReadStreams {
    /// The streams, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn streams(&mut self) -> Result<Vec<Stream>, StoreError>;
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
}
