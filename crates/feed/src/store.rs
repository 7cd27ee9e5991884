//! The port to what is recorded.

use chrono::{DateTime, Utc};
use scim_service::StoreError;

use crate::change::Recorded;
use crate::delivery::Delivery;
use crate::position::Position;
use crate::snapshot::{SnapshotKey, SnapshotRow};
use crate::stream::Stream;
use crate::topic::Subject;

/// How many bytes of records a page holds, before and after a change together, until it is full. The
/// last record may go beyond it.
pub const PAGE_BYTES: usize = 4 << 20;

/// Which changes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where the positions of this database begin: no change has it.
    pub epoch: Position,
    /// Up to where changes are gone.
    pub forgotten: Position,
    /// The position of the last change that is to be read.
    pub head: Position,
}

/// Where changes are recorded, in one order.
pub trait FeedStore: Send + Sync {
    /// Which changes are kept. Every change that was committed before is in it.
    ///
    /// # Errors
    /// A fault of the store.
    fn extent(&self) -> Result<Extent, StoreError>;

    /// The changes behind a position in their order, at most so many, and none behind those that
    /// hold [`PAGE_BYTES`] together.
    ///
    /// # Errors
    /// A fault of the store.
    fn changes(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, StoreError>;

    /// The position before the first change, in their order, that was written at a time or later;
    /// that of the last change where none was.
    ///
    /// # Errors
    /// A fault of the store.
    fn position_at(&self, time: DateTime<Utc>) -> Result<Position, StoreError>;

    /// Rows of the directory that are of these subjects, behind one of them, or from the first, at most so many, and none behind
    /// those that hold [`PAGE_BYTES`] together. There are no more when there is none.
    ///
    /// # Errors
    /// A fault of the store.
    fn snapshot(
        &self,
        subjects: &[Subject],
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<SnapshotRow>, StoreError>;

    /// The stream whose key has this hash.
    ///
    /// # Errors
    /// A fault of the store.
    fn stream_of_key(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Stream>, StoreError>;

    /// Notes that a receiver has everything up to a position. A stream that was broken is active
    /// again if `restarts`.
    ///
    /// # Errors
    /// A fault of the store.
    fn acknowledge(
        &self,
        stream: &str,
        position: Position,
        restarts: bool,
    ) -> Result<(), StoreError>;

    /// Notes when a receiver was told something.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_delivery(&self, stream: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Keeps what a receiver that asks said of something that it could not take.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_refusal(&self, refused: &Delivery) -> Result<(), StoreError>;

    /// Marks active streams as broken that wait for changes from before `broken`; forgets changes
    /// from before `kept` that every other stream has, at most so many. A paused one that waits for
    /// as long stays paused, and holds nothing back any more. Answers the streams that broke, and
    /// how many changes were forgotten.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_changes(
        &self,
        kept: DateTime<Utc>,
        broken: DateTime<Utc>,
        limit: i64,
    ) -> Result<(Vec<String>, usize), StoreError>;
}
