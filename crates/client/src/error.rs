//! Why a request did not do what it was for.

/// Why a request did not do what it was for.
///
/// It is told as one sentence, with the keyword of the RFCs where the service provider gave one;
/// [`source`](std::error::Error::source) is the typed error that it came of, whose words are the end
/// of that sentence.
///
/// ```
/// use std::error::Error as _;
/// use scim_client::ClientError;
/// use scim_protocol::{Error, ScimType};
///
/// let refused: ClientError<std::io::Error> =
///     ClientError::Refused(Error::new(ScimType::InvalidCursor, "It is not of this query."));
/// assert_eq!(refused.to_string(), "status 400 (invalidCursor): It is not of this query.");
/// assert!(refused.source().is_some_and(|source| source.is::<Error>()));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError<E> {
    /// No answer came.
    #[error("no answer came: {0}")]
    Transport(#[source] E),
    /// The service provider refused it, and says why.
    #[error("status {status}{keyword}: {0}", status = .0.status(), keyword = keyword(.0))]
    Refused(#[source] scim_protocol::Error),
    /// The answer is not what SCIM says that it is.
    #[error("status {status}: the answer is {problem}")]
    Unusable {
        /// The status of the answer.
        status: u16,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is no JSON.
    #[error("no JSON")]
    NoJson,
    /// It has no body where one is due.
    #[error("empty")]
    Empty,
    /// It is JSON, but not the document or resource that was asked for.
    #[error("no such document: {0}")]
    Document(#[source] scim_protocol::Error),
    /// A page goes on at the cursor by which it was asked for, without an end.
    #[error("a page that leads back to itself")]
    Endless,
}

/// The keyword of an error, in brackets.
fn keyword(error: &scim_protocol::Error) -> String {
    let keyword = error.scim_type();
    keyword.map_or_else(String::new, |keyword| format!(" ({keyword})"))
}

impl<E> ClientError<E> {
    /// What the service provider said, if it refused the request.
    ///
    /// ```
    /// use scim_client::ClientError;
    /// use scim_protocol::{Error, ScimType};
    ///
    /// let taken: ClientError<std::io::Error> =
    ///     ClientError::Refused(Error::new(ScimType::Uniqueness, "userName is taken."));
    /// assert_eq!(taken.refusal().and_then(Error::scim_type), Some(ScimType::Uniqueness));
    /// ```
    pub fn refusal(&self) -> Option<&scim_protocol::Error> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Transport(_) | Self::Unusable { .. } => None,
        }
    }
}
