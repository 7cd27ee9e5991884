//! Users of whom no more is read than an answer needs.

use chrono::{DateTime, Utc};
use scim_protocol::Version;

use super::types::{StoreError, StoredGroup, StoredUser};
use crate::id::ResourceId;

/// A user as a store has it, of whom neither the document nor the fields were read yet.
pub trait UnreadUser: std::fmt::Debug + Send {
    /// The id.
    fn id(&self) -> &ResourceId;

    /// The version.
    fn version(&self) -> Version;

    /// When the user was created.
    fn created(&self) -> DateTime<Utc>;

    /// When the user last changed.
    fn last_modified(&self) -> DateTime<Utc>;

    /// The manager, where the scope shows one.
    fn manager(&self) -> Option<ResourceId>;

    /// The canonical SCIM document, as the text that is stored.
    fn document(&self) -> &str;

    /// Gives, always in the same order, everything that [`read`](Self::read) makes the user of but id,
    /// version and times: where all of it is the same, so is the user.
    fn contents(&self, take: &mut dyn FnMut(Option<&[u8]>));

    /// The user.
    ///
    /// # Errors
    /// [`StoreError`] when what is stored cannot be read.
    fn read(&self) -> Result<StoredUser, StoreError>;
}

/// A user who is to be shown.
#[derive(Debug)]
pub enum UserRow {
    /// Read.
    Read(Box<StoredUser>),
    /// As the store has it.
    Unread(Box<dyn UnreadUser>),
}

impl UserRow {
    /// The id.
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::Read(user) => &user.id,
            Self::Unread(user) => user.id(),
        }
    }

    /// The version.
    pub fn version(&self) -> Version {
        match self {
            Self::Read(user) => user.version,
            Self::Unread(user) => user.version(),
        }
    }

    /// The user.
    ///
    /// # Errors
    /// [`StoreError`] when what is stored cannot be read.
    pub fn read(self) -> Result<Box<StoredUser>, StoreError> {
        match self {
            Self::Read(user) => Ok(user),
            Self::Unread(user) => user.read().map(Box::new),
        }
    }
}

/// A user or a group that is to be shown.
#[derive(Debug)]
pub enum Row {
    /// A user.
    User(UserRow),
    /// A group.
    Group(StoredGroup),
}

impl Row {
    /// The id.
    pub fn id(&self) -> ResourceId {
        match self {
            Self::User(user) => *user.id(),
            Self::Group(group) => group.id,
        }
    }
}
