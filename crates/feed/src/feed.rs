//! What a receiver gets for a position.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_service::{Environment, StoreError, SystemEnvironment};
use serde::Serialize;

use crate::change::Change;
use crate::position::Position;
use crate::snapshot::{SnapshotKey, SnapshotRow};
use crate::store::FeedStore;
use crate::stream::{Stream, StreamState};

/// Why a receiver gets nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// What is behind the position is not kept, or it is none of this database: before it was
    /// restored there was another one.
    #[error("what is behind this position is not kept; begin again with a snapshot")]
    SnapshotRequired,
    /// An administrator paused the stream.
    #[error("the stream is paused")]
    Paused,
    /// A fault of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes behind a position.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// The changes, in their order.
    pub items: Vec<Change>,
    /// Where to go on from, also when there are none.
    pub next: Position,
}

/// The feed over a store.
#[derive(Clone)]
pub struct Feed {
    store: Arc<dyn FeedStore>,
    environment: Arc<dyn Environment>,
}

impl Feed {
    /// The feed over a store.
    pub fn new(store: Arc<dyn FeedStore>) -> Self {
        Self {
            store,
            environment: Arc::new(SystemEnvironment),
        }
    }

    /// The same with another clock, for tests.
    #[must_use]
    pub fn with_environment(self, environment: Arc<dyn Environment>) -> Self {
        Self {
            environment,
            ..self
        }
    }

    /// The stream whose key has this hash.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn stream_of_key(&self, hash: &str) -> Result<Option<Stream>, StoreError> {
        self.store.stream_of_key(hash, self.environment.now())
    }

    /// The position of the last change.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn head(&self) -> Result<Position, StoreError> {
        Ok(self.store.extent()?.head)
    }

    /// The position after which come the changes since a time.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn position_at(&self, time: DateTime<Utc>) -> Result<Position, StoreError> {
        self.store.position_at(time)
    }

    /// Notes that a receiver has everything up to the position that it asks from; without one it
    /// asks from where it was. Answers where its changes begin.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn begin(&self, stream: &Stream, after: Option<Position>) -> Result<Position, FeedError> {
        Self::check_state(stream)?;
        let from = self.check(after.unwrap_or(stream.position))?;
        if after.is_some() && from != stream.position {
            self.store.acknowledge(&stream.id, from, false)?;
        }
        Ok(from)
    }

    /// That a stream is told what changes.
    ///
    /// # Errors
    /// [`FeedError::Paused`], [`FeedError::SnapshotRequired`].
    pub fn check_state(stream: &Stream) -> Result<(), FeedError> {
        match stream.state {
            StreamState::Active => Ok(()),
            StreamState::Paused => Err(FeedError::Paused),
            StreamState::Broken => Err(FeedError::SnapshotRequired),
        }
    }

    /// A position from which can be read on; 0 stands for the oldest that is kept.
    ///
    /// # Errors
    /// [`FeedError::SnapshotRequired`].
    pub fn check(&self, after: Position) -> Result<Position, FeedError> {
        let extent = self.store.extent()?;
        match after {
            0 => Ok(extent.forgotten),
            after if (extent.forgotten..=extent.head).contains(&after) => Ok(after),
            _ => Err(FeedError::SnapshotRequired),
        }
    }

    /// Up to so many changes behind a position, without those that the stream is not told of. Fewer
    /// come when their records are large ([`PAGE_BYTES`](crate::PAGE_BYTES)).
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn changes(
        &self,
        stream: Option<&Stream>,
        after: Position,
        limit: usize,
    ) -> Result<Changes, FeedError> {
        let recorded = self.store.changes(after, limit)?;
        if let Some(first) = recorded.first()
            && first.position > after + 1
        {
            // Positions have no holes: it was forgotten since the position was looked at.
            return Err(FeedError::SnapshotRequired);
        }
        let next = recorded.last().map_or(after, |last| last.position);
        let changes = recorded.into_iter().map(Change::of);
        let takes = |change: &Change| stream.is_none_or(|stream| stream.takes(change.topic));
        Ok(Changes {
            items: changes.filter(takes).collect(),
            next,
        })
    }

    /// Notes that a receiver was told something.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn note_delivery(&self, stream: &Stream) -> Result<(), StoreError> {
        self.store.note_delivery(&stream.id, self.environment.now())
    }

    /// The position from which a receiver goes on behind a snapshot that begins now. A stream that
    /// was broken is not any more.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn begin_snapshot(&self, stream: &Stream) -> Result<Position, FeedError> {
        if stream.state == StreamState::Paused {
            return Err(FeedError::Paused);
        }
        let head = self.head()?;
        // Rows are held back for it from here on, so that there is no gap behind the snapshot.
        self.store.acknowledge(&stream.id, head, true)?;
        Ok(head)
    }

    /// Rows of the directory as they are now that a stream is told of, behind one of them or from the first; see
    /// [`FeedStore::snapshot`].
    ///
    /// # Errors
    /// A fault of the store.
    pub fn snapshot(
        &self,
        stream: &Stream,
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<SnapshotRow>, StoreError> {
        self.store.snapshot(&stream.subjects(), after, limit)
    }

    /// Forgets what nobody waits for and is old enough; see [`FeedStore::forget_changes`].
    ///
    /// # Errors
    /// A fault of the store.
    pub fn forget_changes(
        &self,
        kept: DateTime<Utc>,
        broken: DateTime<Utc>,
        limit: i64,
    ) -> Result<(Vec<String>, usize), StoreError> {
        self.store.forget_changes(kept, broken, limit)
    }
}
