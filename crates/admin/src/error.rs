//! What an administrator's request can meet.

use scim_provisioning::{RunId, StoreError};

use crate::invalid::InvalidInput;
use crate::item::ItemName;

/// Why an administrator's request was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// There is nothing of this name or id.
    #[error("there is no {kind} \"{name}\"")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// By which name or id.
        name: String,
    },
    /// The name is in use.
    #[error("the name \"{0}\" is in use")]
    NameTaken(String),
    /// What was to be changed is a protected account, or a group that confers an administrative
    /// right.
    #[error("the {kind} \"{name}\" is protected; it is changed in ServiceOps alone")]
    Protected {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something that was entered does not fit, or what was asked for is not possible.
    #[error("{0}")]
    Invalid(InvalidInput),
    /// A configuration has as many live tokens as it may have.
    #[error("a configuration has at most {0} live tokens; revoke one first")]
    TooManyTokens(usize),
    /// An API key asks for what is more than its own rights.
    #[error("an API key gives no rights but its own: {0}")]
    BeyondKey(String),
    /// The name or the password is wrong.
    #[error("the name or the password is wrong")]
    SignIn,
    /// Signing in failed too often; the number of seconds to wait.
    #[error("signing in failed too often; try again in {0} seconds")]
    SignInLater(i64),
    /// Signing in failed so often that it is closed to devices that the account does not know.
    #[error(
        "signing in as this name failed too often and is closed to new devices; whoever runs the \
         server opens it with `account unlock` or `account device-link`"
    )]
    SignInClosed,
    /// A thing that a document declares cannot be so.
    #[error("{item}: {error}")]
    Declared {
        /// Which one.
        item: ItemName,
        /// Why.
        error: Box<Self>,
    },
    /// What would be done is not what was planned.
    #[error("{} moved since the plan was made; plan again", named(.moved))]
    PlanMoved {
        /// What differs.
        moved: Vec<ItemName>,
    },
    /// A run is being taken back already.
    #[error(
        "the run is being taken back already, by the run {by}; it can be again when that is done"
    )]
    UndoUnderWay {
        /// By which run.
        by: RunId,
    },
    /// The configuration rehearses, and what was asked for waits until that ends.
    #[error("the configuration \"{0}\" rehearses; let that go live or discard it first")]
    Rehearses(String),
    /// The configuration is being deleted, and nothing else is done with it. Its name is free when it
    /// is gone.
    #[error("the configuration \"{0}\" is being deleted")]
    BeingDeleted(String),
    /// The rehearsal goes live.
    #[error("the rehearsal of \"{0}\" goes live already")]
    GoesLive(String),
    /// The copy of a rehearsal is not there, such as in a database that was restored.
    #[error("the copy of this rehearsal is not there; discard the rehearsal")]
    NoCopy,
    /// Something is not as it was when a rehearsal began.
    #[error(
        "{} changed since the rehearsal began; look at what moved, and go live anyway or discard \
         the rehearsal", counted(.moved)
    )]
    RehearsalMoved {
        /// The names of the first of what moved.
        moved: Vec<String>,
    },
    /// Somebody else changed it meanwhile.
    #[error("it was changed meanwhile; try again")]
    Stale,
    /// The store failed.
    #[error("the database failed")]
    Store(#[source] StoreError),
}

impl AdminError {
    /// The error, said of the thing that it is about. What the store met is about none.
    pub(crate) fn of(self, item: ItemName) -> Self {
        match self {
            Self::Store(_) | Self::Stale | Self::Declared { .. } => self,
            error => Self::Declared {
                item,
                error: Box::new(error),
            },
        }
    }

    pub(crate) fn not_found(kind: &'static str, name: &str) -> Self {
        Self::NotFound {
            kind,
            name: name.to_owned(),
        }
    }
}

/// The first of the things that moved, and how many others.
fn named(moved: &[ItemName]) -> String {
    let first: Vec<String> = moved.iter().take(NAMED).map(ItemName::to_string).collect();
    match moved.len().saturating_sub(NAMED) {
        0 if first.is_empty() => "the document".to_owned(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The first of the people and groups that moved, and how many others.
fn counted(moved: &[String]) -> String {
    let first: Vec<&str> = moved.iter().take(NAMED).map(String::as_str).collect();
    match moved.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

const NAMED: usize = 5;

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale => Self::Stale,
            other => Self::Store(other),
        }
    }
}
