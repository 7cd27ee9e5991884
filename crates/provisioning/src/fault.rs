//! What a client and the server's log are told when the store fails.

use scim_protocol::{Error, ScimType};

use crate::directory::StoreError;
use crate::id::ResourceKind;
use crate::operation::Answer;
use crate::service::taken;

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

/// What the client is told when the store did not do what it was asked for. A fault of the store
/// is 503: the same request may be sent again.
pub(crate) fn store_error(error: &StoreError, kind: Option<ResourceKind>) -> Error {
    match error {
        StoreError::Conflict { .. } => taken(kind.unwrap_or(ResourceKind::User)),
        StoreError::Stale => Error::with_status(
            412,
            "The resource was changed by another request meanwhile.",
        ),
        StoreError::TooExpensive => Error::new(
            ScimType::TooMany,
            "The query takes too long. Filter by userName, externalId, displayName or an e-mail \
             address, or ask for smaller pages.",
        ),
        StoreError::TooLarge => Error::new(
            ScimType::InvalidValue,
            "A value is larger than the directory can keep.",
        ),
        StoreError::Busy => Error::with_status(503, "The server has too much to do; try again."),
        StoreError::Timeout(_)
        | StoreError::Full(_)
        | StoreError::ReadOnly(_)
        | StoreError::Io(_)
        | StoreError::Corrupt(_)
        | StoreError::Unavailable(_)
        | StoreError::Unknown(_) => Error::with_status(
            503,
            "The directory cannot be used at the moment; try again later.",
        ),
    }
}
