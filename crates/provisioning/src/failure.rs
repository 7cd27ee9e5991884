//! Why an operation did not succeed.

use scim_protocol::{Error, ScimType};
use scim_service::{Abort, Refusal, StoreError};

use crate::directory::PendingLink;
use crate::event::Outcome;
use crate::id::{ResourceId, ResourceKind};
use crate::refusal::Cause;

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// What the protocol refuses to read.
    #[error(transparent)]
    Scim(#[from] Error),
    /// The answer is a SCIM error, and the log may say more than the client may know.
    #[error("{error}")]
    Refused {
        /// Why, where it was decided.
        cause: Cause,
        /// What the client is told.
        error: Error,
        /// What the log says.
        reason: String,
        /// How the log counts it.
        outcome: Outcome,
        /// The links that an administrator may approve, one for each person whom it meets.
        pending: Vec<PendingLink>,
    },
    /// Others change what the request is about again and again, and to find out about it while they
    /// wait would take too long. The same request may be sent again. It is no failure of the store,
    /// which would run the work once more.
    #[error("others change what the request is about again and again")]
    Contended,
    /// The store did not do what it was asked for.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// A refusal of which the log says what the client is told.
    pub(crate) fn because(cause: Cause, error: Error) -> Self {
        Self::Refused {
            cause,
            reason: error.detail().to_owned(),
            error,
            outcome: Outcome::Failure,
            pending: Vec::new(),
        }
    }

    /// Why the operation did not succeed.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Scim(error) => Cause::of_error(error),
            Self::Refused { cause, .. } => *cause,
            Self::Contended => Cause::ServerBusy,
            Self::Store(error) => Cause::of_store(error),
        }
    }

    /// The request named an account that is never provisioned, and is answered as if there were
    /// no such account.
    pub(crate) fn protected(cause: Cause, error: Error, id: ResourceId) -> Self {
        Self::Refused {
            cause,
            error,
            reason: format!("User {id} is a protected account, which is never provisioned."),
            outcome: Outcome::Skipped,
            pending: Vec::new(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let error = match &refusal {
            Refusal::NoSelf => Error::with_status(
                501,
                "The caller is a provisioning configuration, not a person.",
            ),
            other => other.to_error(),
        };
        Self::because(Cause::of_refusal(&refusal), error)
    }
}

impl Abort for Failure {
    fn into_store(self) -> Result<StoreError, Self> {
        match self {
            Self::Store(error) => Ok(error),
            other => Err(other),
        }
    }
}

/// 409 in words that do not tell what was met.
pub(crate) fn taken(kind: ResourceKind) -> Error {
    let detail = match kind {
        ResourceKind::Group => "A group with this displayName or externalId exists already.",
        ResourceKind::User => {
            "A user with this userName, e-mail address or externalId exists already."
        }
    };
    Error::new(ScimType::Uniqueness, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_nobody_and_says_so() {
        let Failure::Refused { cause, error, .. } = Failure::from(Refusal::NoSelf) else {
            unreachable!("a refusal");
        };
        assert_eq!(cause, Cause::RequestUnsupported);
        assert_eq!(
            (error.status(), error.detail()),
            (
                501,
                "The caller is a provisioning configuration, not a person."
            )
        );
    }
}
