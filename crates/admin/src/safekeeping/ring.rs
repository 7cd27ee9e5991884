//! Whether a key ring and a database belong together.

use std::path::{Path, PathBuf};

use crate::error::AdminError;
use crate::instance::{InstanceRecord, KeyNeed};
use crate::keyring::{KeyRing, KeyRingError};
use crate::store::{AdminStore, AdminStoreExt};
use chrono::{DateTime, Utc};

/// Why a key ring is not used with a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The ring cannot be used at all.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    /// The database failed.
    #[error("what the database keeps of keys cannot be read or written")]
    Store(#[source] AdminError),
    /// There is no ring, and live tokens need one.
    #[error(
        "there is no key file {}, and {tokens} live tokens need one; put it back or name it with \
         --key-file. Where it is lost for good, run: serviceops-scim keys rotate --lost", .path.display()
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
        /// How many live tokens need it.
        tokens: i64,
    },
    /// The ring is that of another instance.
    #[error(
        "the key file {} is that of another instance, and {tokens} live tokens need that of this \
         database; put it back or name it with --key-file. Where it is lost for good, run: \
         serviceops-scim keys rotate --lost", .path.display()
    )]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// How many live tokens need another one.
        tokens: i64,
    },
    /// Keys are missing in the ring.
    #[error(
        "the key file {} lacks keys that live tokens need ({}); put a newer copy of it in its place. \
         Where they are lost for good, run: serviceops-scim keys rotate --lost",
        .path.display(), .keys.join(", ")
    )]
    Lacks {
        /// The file.
        path: PathBuf,
        /// The ids of the keys.
        keys: Vec<String>,
    },
}

/// What a database says of keys.
pub(crate) struct Known {
    record: InstanceRecord,
    needs: Vec<KeyNeed>,
}

impl Known {
    pub(crate) fn read(store: &dyn AdminStore, now: DateTime<Utc>) -> Result<Self, RingError> {
        let read = store.read(|rows| {
            Ok(Self {
                record: rows.instance()?,
                needs: rows.key_needs(now)?,
            })
        });
        read.map_err(RingError::Store)
    }

    /// How many live tokens there are: each was signed by one key.
    fn tokens(&self) -> i64 {
        self.needs.iter().map(|need| need.signed).sum()
    }

    pub(crate) fn check(&self, ring: &KeyRing) -> Result<(), RingError> {
        let tokens = self.tokens();
        if tokens == 0 {
            return Ok(());
        }
        let path = ring.path().to_owned();
        if self
            .record
            .id
            .as_ref()
            .is_some_and(|id| *id != ring.instance())
        {
            return Err(RingError::OfAnother { path, tokens });
        }
        let there = ring.keys();
        let lacks = |need: &&KeyNeed| !there.iter().any(|key| key.id == need.id);
        let keys: Vec<String> = self
            .needs
            .iter()
            .filter(lacks)
            .map(|need| need.id.clone())
            .collect();
        match keys.is_empty() {
            true => Ok(()),
            false => Err(RingError::Lacks { path, keys }),
        }
    }

    /// Writes down whose ring it is, where that is not written yet.
    pub(crate) fn bind(&self, store: &dyn AdminStore, ring: &KeyRing) -> Result<(), RingError> {
        let id = ring.instance();
        let known = |id: &str| self.record.keys.iter().any(|known| known.id == id);
        let keys = ring.keys().into_iter().filter(|key| !known(&key.id));
        let keys: Vec<_> = keys.map(|key| (key.id, key.created)).collect();
        if keys.is_empty() && self.record.id.as_deref() == Some(&*id) {
            return Ok(());
        }
        let bound = store.upkeep(move |rows| Ok(rows.bind_instance(&id, &keys)?));
        bound.map_err(RingError::Store)
    }
}

/// How many live tokens there are, which need a key ring.
///
/// # Errors
/// [`RingError::Store`].
pub fn count_live_tokens(store: &dyn AdminStore) -> Result<i64, RingError> {
    Ok(Known::read(store, Utc::now())?.tokens())
}

/// Whether a ring belongs to a database: it is that of its instance and has every key that a live
/// token needs. Nothing is written.
///
/// # Errors
/// [`RingError`], which says what to do.
pub fn check_ring(store: &dyn AdminStore, ring: &KeyRing) -> Result<(), RingError> {
    Known::read(store, Utc::now())?.check(ring)
}

/// Reads the ring of a database. It is made where there is none and no live token needs one; the
/// database keeps whose it is.
///
/// # Errors
/// [`RingError`], which says what to do.
pub fn open_ring(store: &dyn AdminStore, path: &Path) -> Result<KeyRing, RingError> {
    let known = Known::read(store, Utc::now())?;
    let ring = match (KeyRing::read(path), known.tokens()) {
        (Err(KeyRingError::Missing(_)), 0) => KeyRing::open(path)?,
        (Err(KeyRingError::Missing(path)), tokens) => {
            return Err(RingError::Lost { path, tokens });
        }
        (read, _) => read?,
    };
    known.check(&ring)?;
    known.bind(store, &ring)?;
    Ok(ring)
}
