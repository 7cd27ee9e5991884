//! Why a store or an operation did not do what it was asked for.

use std::sync::Arc;

use scim_protocol::{Error, ScimType, Version};

/// What a database said when it failed, for the server's log.
pub type FaultSource = Arc<dyn std::error::Error + Send + Sync>;

/// Why the store did not do what it was asked for.
///
/// The first four tell the caller something about what it asked for. All others are faults of the
/// store ([`StoreError::is_fault`]): the same request may well succeed later, so that whoever sent
/// it is asked to come again. A store tells them apart by kinds, codes and its own clock, never by
/// the words of a message.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A unique value is in use.
    #[error("{attribute} is in use")]
    Conflict {
        /// The SCIM attribute, such as `userName`.
        attribute: &'static str,
    },
    /// The resource changed since it was read, or is gone.
    #[error("the resource changed meanwhile")]
    Stale,
    /// A query of the client's own making took more than its budget of work.
    #[error("the query takes too long")]
    TooExpensive,
    /// A value or a statement is larger than the database takes.
    #[error("a value is too large for the database")]
    TooLarge,
    /// The store has more to do than it can queue, or somebody else holds what is to be written.
    #[error("the store is busy")]
    Busy,
    /// The statement waited or worked longer than any statement may.
    #[error("the database took too long")]
    Timeout(#[source] FaultSource),
    /// There is no room left for what is to be written.
    #[error("the database is full")]
    Full(#[source] FaultSource),
    /// The database takes no writes.
    #[error("the database is read-only")]
    ReadOnly(#[source] FaultSource),
    /// The database's files cannot be read or written.
    #[error("the database cannot read or write its files")]
    Io(#[source] FaultSource),
    /// The database's files hold what they should not, or their disk does not give it: SQLite tells
    /// a read that failed with `EIO` as it tells a damaged page.
    #[error("the database is damaged, or its disk cannot be read")]
    Corrupt(#[source] FaultSource),
    /// A row holds what this program cannot have written. The others are as they were, and no
    /// request that is sent again mends it.
    #[error("a row of the database cannot be read")]
    Unreadable(#[source] FaultSource),
    /// The database cannot be reached, or the connection to it was lost.
    #[error("the database cannot be reached")]
    Unavailable(#[source] FaultSource),
    /// What stands in the place of the database is another one, or nothing: nobody writes beside it.
    #[error("the database was replaced while the server ran")]
    Replaced(#[source] FaultSource),
    /// The database failed and does not tell why in a way that a program can read.
    #[error("the database failed")]
    Unknown(#[source] FaultSource),
}

impl StoreError {
    /// A fault whose kind nothing but its text tells.
    ///
    /// ```
    /// use scim_service::StoreError;
    ///
    /// let failed = StoreError::unknown(std::io::Error::other("no idea"));
    /// assert_eq!(failed.to_error().status(), 503);
    /// ```
    pub fn unknown(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unknown(Arc::new(cause))
    }

    /// A value in the store that this program cannot have written.
    ///
    /// ```
    /// use scim_service::StoreError;
    ///
    /// let row = StoreError::unreadable("column `active` of row 7");
    /// assert!(row.is_fault() && row.retry_after().is_none());
    /// ```
    pub fn unreadable(what: impl std::fmt::Display) -> Self {
        Self::Unreadable(Arc::new(Unreadable(what.to_string())))
    }

    /// Whether the store failed, rather than the request.
    ///
    /// ```
    /// use scim_service::StoreError;
    ///
    /// assert!(StoreError::Busy.is_fault());
    /// assert!(!StoreError::Conflict { attribute: "userName" }.is_fault());
    /// ```
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Unreadable(_)) || self.retry_after().is_some()
    }

    /// After how many seconds the same request may be sent again, when the store failed.
    ///
    /// ```
    /// use scim_service::StoreError;
    ///
    /// assert_eq!(StoreError::Busy.retry_after(), Some(1));
    /// assert_eq!(StoreError::Stale.retry_after(), None);
    /// ```
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Conflict { .. }
            | Self::Stale
            | Self::TooExpensive
            | Self::TooLarge
            | Self::Unreadable(_) => None,
            Self::Busy => Some(1),
            Self::Timeout(_) | Self::Unavailable(_) | Self::Unknown(_) => Some(5),
            // Somebody has to look after the database first.
            Self::Full(_)
            | Self::ReadOnly(_)
            | Self::Io(_)
            | Self::Corrupt(_)
            | Self::Replaced(_) => Some(30),
        }
    }

    /// What the client is told. A fault of the store is 503, as the same request may be sent again;
    /// what cannot be read is 500, as that would help nobody.
    ///
    /// ```
    /// use scim_service::StoreError;
    ///
    /// let told = StoreError::Conflict { attribute: "userName" }.to_error();
    /// assert_eq!((told.status(), told.detail()), (409, "A resource with this userName exists already."));
    /// ```
    pub fn to_error(&self) -> Error {
        match self {
            Self::Conflict { attribute } => Error::new(
                ScimType::Uniqueness,
                format!("A resource with this {attribute} exists already."),
            ),
            Self::Stale => Error::with_status(
                412,
                "The resource was changed by another request meanwhile.",
            ),
            Self::TooExpensive => Error::new(
                ScimType::TooMany,
                "The query takes too long. Filter by userName, externalId, displayName or an e-mail \
                 address, or ask for smaller pages.",
            ),
            Self::TooLarge => Error::new(
                ScimType::InvalidValue,
                "A value is larger than the directory can keep.",
            ),
            Self::Unreadable(_) => Error::with_status(
                500,
                "The directory holds a value that cannot be read; the server's log says where.",
            ),
            Self::Busy => Error::with_status(503, "The server has too much to do; try again."),
            Self::Timeout(_)
            | Self::Full(_)
            | Self::ReadOnly(_)
            | Self::Io(_)
            | Self::Corrupt(_)
            | Self::Unavailable(_)
            | Self::Replaced(_)
            | Self::Unknown(_) => Error::with_status(
                503,
                "The directory cannot be used at the moment; try again later.",
            ),
        }
    }
}

/// A stored value that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0} holds a value that makes no sense")]
struct Unreadable(String);

/// What the service provider refuses by itself, before any policy is asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such resource, or nothing that the caller sees.
    NotFound,
    /// The request names another version than the resource has (RFC 7644 section 3.14).
    VersionMismatch(Version),
    /// `/Me`: the caller is no resource (RFC 7644 section 3.11).
    NoSelf,
    /// A filter on a discovery endpoint (RFC 7644 section 4).
    FilteredDiscovery,
}

impl Refusal {
    /// RFC 7644 section 3.14: a request that names another version changes nothing.
    pub(crate) fn unless_matches(version: Version, if_match: Option<&str>) -> Result<(), Self> {
        match if_match {
            Some(header) if !version.matches(header) => Err(Self::VersionMismatch(version)),
            _ => Ok(()),
        }
    }

    /// What the client is told.
    ///
    /// ```
    /// use scim_protocol::Version;
    /// use scim_service::Refusal;
    ///
    /// let told = Refusal::VersionMismatch(Version(3)).to_error();
    /// assert_eq!((told.status(), told.detail()), (412, "The resource has version W/\"3\"."));
    /// ```
    pub fn to_error(&self) -> Error {
        match self {
            Self::NotFound => Error::not_found(),
            Self::VersionMismatch(version) => {
                Error::with_status(412, format!("The resource has version {version}."))
            }
            Self::NoSelf => Error::with_status(501, "The caller is no resource of its own."),
            Self::FilteredDiscovery => {
                Error::with_status(403, "Discovery endpoints cannot be filtered.")
            }
        }
    }
}

/// Why a transaction is rolled back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Rollback {
    /// The work decided so; whoever began it knows why.
    #[error("the work was not to be kept")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A failure of work in a transaction, in which the store's own may stand.
///
/// A port that runs work needs no more of what the work answers than whether to keep it:
/// [`carry`](Self::carry) takes the answer out.
pub trait Abort: From<StoreError> + Sized {
    /// The store's own failure.
    ///
    /// ```
    /// use scim_service::{Abort, Failure, Refusal, StoreError};
    ///
    /// assert!(Failure::from(StoreError::Busy).into_store().is_ok());
    /// assert!(Failure::from(Refusal::NotFound).into_store().is_err());
    /// ```
    ///
    /// # Errors
    /// The failure itself, where it is another.
    fn into_store(self) -> Result<StoreError, Self>;

    /// Puts the outcome of work into a slot, and says whether the transaction is kept.
    ///
    /// ```
    /// use scim_service::{Abort, Failure, Refusal, Rollback};
    ///
    /// let mut slot = None;
    /// let kept = Failure::carry::<u8>(Err(Refusal::NotFound.into()), &mut slot);
    /// assert!(matches!(kept, Err(Rollback::Refused)));
    /// assert_eq!(slot.unwrap().unwrap_err().to_error().status(), 404);
    /// ```
    ///
    /// # Errors
    /// [`Rollback`] when the work failed.
    fn carry<T>(
        outcome: Result<T, Self>,
        slot: &mut Option<Result<T, Self>>,
    ) -> Result<(), Rollback> {
        *slot = None;
        match outcome {
            Ok(value) => {
                *slot = Some(Ok(value));
                Ok(())
            }
            Err(failure) => match failure.into_store() {
                Ok(store) => Err(Rollback::Store(store)),
                Err(failure) => {
                    *slot = Some(Err(failure));
                    Err(Rollback::Refused)
                }
            },
        }
    }

    /// The outcome of a transaction, of which the work left its own in a slot.
    ///
    /// ```
    /// use scim_service::{Abort, Failure, Rollback, StoreError};
    ///
    /// assert_eq!(Failure::conclude(Ok(()), Some(Ok(7))).unwrap(), 7);
    /// let failed = Failure::conclude::<u8>(Err(Rollback::Store(StoreError::Busy)), None);
    /// assert_eq!(failed.unwrap_err().to_error().status(), 503);
    /// ```
    ///
    /// # Errors
    /// Why the work failed, or the transaction around it.
    fn conclude<T>(ran: Result<(), Rollback>, slot: Option<Result<T, Self>>) -> Result<T, Self> {
        match (ran, slot) {
            (Err(Rollback::Store(fault)), _) => Err(fault.into()),
            (Err(Rollback::Refused), Some(Err(failure))) => Err(failure),
            (Ok(()), Some(Ok(value))) => Ok(value),
            // A store that did not run the work, or keeps what was to be rolled back.
            _ => Err(StoreError::unknown(Broken).into()),
        }
    }
}

/// A store that answers for work that it did not run.
#[derive(Debug, thiserror::Error)]
#[error("the store did not run the work of a transaction as it says")]
struct Broken;

impl Abort for StoreError {
    fn into_store(self) -> Result<StoreError, Self> {
        Ok(self)
    }
}

/// Why an operation of a service provider without rules of its own did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// What the protocol refuses.
    #[error(transparent)]
    Scim(#[from] Error),
    /// What the service provider refuses.
    #[error("{}", .0.to_error().detail())]
    Refused(Refusal),
    /// The store did not do what it was asked for.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
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

impl Failure {
    /// What the client is told.
    ///
    /// ```
    /// use scim_service::{Failure, StoreError};
    ///
    /// assert_eq!(Failure::from(StoreError::Busy).to_error(), StoreError::Busy.to_error());
    /// ```
    pub fn to_error(&self) -> Error {
        match self {
            Self::Scim(error) => error.clone(),
            Self::Refused(refusal) => refusal.to_error(),
            Self::Store(error) => error.to_error(),
        }
    }
}
