//! Whether a key ring and a database belong together.

use std::path::{Path, PathBuf};

use crate::error::AdminError;
use crate::instance::{InstanceRecord, KeyNeed, Needed};
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
    /// There is no ring, and something needs one.
    #[error(
        "there is no key file {}, and it is needed for {needed}; put it back or name it with \
         --key-file. Where it is lost for good, run: serviceops-scim keys rotate --lost", .path.display()
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
        /// What needs it.
        needed: Needed,
    },
    /// The ring is that of another instance.
    #[error(
        "the key file {} is that of another instance, and that of this database is needed for \
         {needed}; put it back or name it with --key-file. Where it is lost for good, run: \
         serviceops-scim keys rotate --lost", .path.display()
    )]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// What needs another one.
        needed: Needed,
    },
    /// Keys are missing in the ring.
    #[error(
        "the key file {} lacks keys that are needed for {needed} ({}); put a newer copy of it in its \
         place. Where they are lost for good, run: serviceops-scim keys rotate --lost",
        .path.display(), .keys.join(", ")
    )]
    Lacks {
        /// The file.
        path: PathBuf,
        /// The ids of the keys.
        keys: Vec<String>,
        /// What needs them, at least.
        needed: Needed,
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

    /// What needs a ring.
    fn needed(&self) -> Needed {
        Needed::by(self.needs.iter())
    }

    pub(crate) fn check(&self, ring: &KeyRing) -> Result<(), RingError> {
        let needed = self.needed();
        if needed.is_nothing() {
            return Ok(());
        }
        let path = ring.path().to_owned();
        if self.is_of_another(ring) {
            return Err(RingError::OfAnother { path, needed });
        }
        let there = self.usable(ring);
        let lacking: Vec<&KeyNeed> = self
            .needs
            .iter()
            .filter(|need| !there.contains(&need.id))
            .collect();
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(RingError::Lacks {
                path,
                keys: lacking.iter().map(|need| need.id.clone()).collect(),
                needed: Needed::by(lacking.into_iter()),
            }),
        }
    }

    /// The keys of a ring that are good for what this database keeps: none of another instance.
    pub(crate) fn usable(&self, ring: &KeyRing) -> Vec<String> {
        match self.is_of_another(ring) {
            true => Vec::new(),
            false => ring.keys().into_iter().map(|key| key.id).collect(),
        }
    }

    fn is_of_another(&self, ring: &KeyRing) -> bool {
        let id = self.record.id.as_ref();
        id.is_some_and(|id| *id != ring.instance())
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

/// What needs a key ring: live tokens, and secrets of webhooks.
///
/// # Errors
/// [`RingError::Store`].
pub fn find_needed(store: &dyn AdminStore, now: DateTime<Utc>) -> Result<Needed, RingError> {
    Ok(Known::read(store, now)?.needed())
}

/// Whether a ring belongs to a database: it is that of its instance and has every key that a live
/// token or a webhook needs. Nothing is written.
///
/// # Errors
/// [`RingError`], which says what to do.
pub fn check_ring(
    store: &dyn AdminStore,
    ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<(), RingError> {
    Known::read(store, now)?.check(ring)
}

/// Reads the ring of a database. It is made where there is none and nothing needs one; the database
/// keeps whose it is.
///
/// # Errors
/// [`RingError`], which says what to do.
pub fn open_ring(
    store: &dyn AdminStore,
    path: &Path,
    now: DateTime<Utc>,
) -> Result<KeyRing, RingError> {
    let known = Known::read(store, now)?;
    let ring = match KeyRing::read(path) {
        Err(KeyRingError::Missing(path)) => {
            let needed = known.needed();
            if !needed.is_nothing() {
                return Err(RingError::Lost { path, needed });
            }
            KeyRing::open(&path)?
        }
        read => read?,
    };
    known.check(&ring)?;
    known.bind(store, &ring)?;
    Ok(ring)
}
