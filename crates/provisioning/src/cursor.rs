//! What a page cursor is authenticated with.

/// A key that authenticates the cursors of RFC 9865, so that nobody can make one up.
pub trait CursorKey: Send + Sync {
    /// The tag of a message.
    fn tag(&self, message: &[u8]) -> [u8; 32];

    /// Whether the tag is that of the message; takes the same time for every wrong tag.
    fn verify(&self, message: &[u8], tag: &[u8]) -> bool;
}
