//! What a client and the server's log are told when the store fails.

use scim_protocol::Error;
use scim_service::{Answer, StoreError};

use crate::failure::taken;
use crate::id::ResourceKind;

/// The answer when not even the rules of a configuration could be read.
pub(crate) fn unusable(request_id: &str, error: &StoreError) -> Answer {
    note_fault(request_id, error);
    Answer {
        retry_after: error.retry_after(),
        ..Answer::from(&store_error(error, None))
    }
}

/// Says in the server's log why the store failed, with all that it knows of the cause.
pub(crate) fn note_fault(request_id: &str, error: &StoreError) {
    let mut cause = std::error::Error::source(error);
    let mut source = String::new();
    while let Some(next) = cause {
        let said = next.to_string();
        if !source.contains(&said) {
            source = match source.is_empty() {
                true => said,
                false => format!("{source}: {said}"),
            };
        }
        cause = next.source();
    }
    let source: Vec<&str> = source.split_whitespace().collect();
    tracing::error!(request_id, %error, source = source.join(" "));
}

/// What the client is told when the store did not do what it was asked for: of a collision no more
/// than [`taken`] says.
pub(crate) fn store_error(error: &StoreError, kind: Option<ResourceKind>) -> Error {
    match error {
        StoreError::Conflict { .. } => taken(kind.unwrap_or(ResourceKind::User)),
        other => other.to_error(),
    }
}
