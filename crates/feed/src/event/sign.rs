//! The port to who signs tokens.

use serde_json::{Map, Value};

use crate::position::Position;

/// Signs Security Event Tokens. The keys are asymmetric: who verifies cannot sign.
pub trait EventSigner: Send + Sync {
    /// Who issues them (`iss`).
    fn issuer(&self) -> &str;

    /// The token of claims, as a JSON Web Signature in its compact form, of the type `secevent+jwt`.
    ///
    /// # Errors
    /// [`SigningError`].
    fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningError>;

    /// The keys by which tokens are verified, as a JSON Web Key Set (RFC 7517).
    fn public_keys(&self) -> Value;
}

/// There is no key to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("security events cannot be signed: there is no key")]
pub struct SigningError;

/// A token, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    /// Its `jti`.
    pub id: String,
    /// The position of its change.
    pub position: Position,
    /// It.
    pub token: String,
}

/// Tokens behind a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvents {
    /// The tokens, in the order of their changes.
    pub items: Vec<SignedEvent>,
    /// Where to go on from, also when there are none.
    pub next: Position,
}
