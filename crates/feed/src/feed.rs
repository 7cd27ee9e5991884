//! What a receiver gets for a position.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_service::{Environment, StoreError, SystemEnvironment};
use serde::Serialize;
use serde_json::Value;

use crate::change::Change;
use crate::delivery::{Delivery, DeliveryKind, DeliveryProblem, DeliveryState};
use crate::event::{self, EventSigner, SignedEvent, SignedEvents, SigningError};
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
    /// There is no key to sign security events with.
    #[error(transparent)]
    Signing(#[from] SigningError),
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
    signer: Option<Arc<dyn EventSigner>>,
}

impl Feed {
    /// The feed over a store.
    pub fn new(store: Arc<dyn FeedStore>) -> Self {
        Self {
            store,
            environment: Arc::new(SystemEnvironment),
            signer: None,
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

    /// The same, whose security events somebody signs.
    #[must_use]
    pub fn with_signer(self, signer: Arc<dyn EventSigner>) -> Self {
        Self {
            signer: Some(signer),
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

    /// Up to so many changes behind a position as security events; see [`changes`](Self::changes).
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn events(
        &self,
        stream: &Stream,
        after: Position,
        limit: usize,
    ) -> Result<SignedEvents, FeedError> {
        let changes = self.changes(Some(stream), after, limit)?;
        let signer = self.signer()?;
        let mut items = Vec::new();
        for change in &changes.items {
            let Some(claims) = event::claims(stream, change, signer.issuer()) else {
                continue;
            };
            items.push(SignedEvent {
                id: event::id(stream, change.position),
                position: change.position,
                token: signer.sign(&claims)?,
            });
        }
        let next = changes.next;
        Ok(SignedEvents { items, next })
    }

    /// Whether there may be a security event for a stream behind a position.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn has_more_events(&self, stream: &Stream, after: Position) -> Result<bool, FeedError> {
        let changes = self.changes(Some(stream), after, AT_ONCE)?;
        let full = usize::try_from(changes.next - after).is_ok_and(|read| read >= AT_ONCE);
        Ok(full || changes.items.iter().any(event::is_event))
    }

    /// Notes which security events a receiver has that asks for them, by their `jti`, and answers
    /// from where it lacks something. It has come as far as everything before is settled: what comes
    /// behind one that is not comes again.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn settle_events<'i>(
        &self,
        stream: &Stream,
        settled: impl Iterator<Item = &'i str>,
    ) -> Result<Position, FeedError> {
        Self::check_state(stream)?;
        let begun = self.check(stream.position)?;
        let settled = settled.filter_map(|id| event::position_of(stream, id));
        let settled: BTreeSet<Position> = settled.collect();
        let mut reached = begun;
        for _page in 0..PAGES {
            let changes = self.changes(None, reached, AT_ONCE)?;
            let lacks = changes.items.iter().find(|change| {
                stream.takes(change.topic)
                    && event::is_event(change)
                    && !settled.contains(&change.position)
            });
            match lacks {
                Some(lacked) => {
                    reached = lacked.position - 1;
                    break;
                }
                None if changes.next == reached => break,
                None => reached = changes.next,
            }
        }
        if reached != stream.position {
            self.store.acknowledge(&stream.id, reached, false)?;
        }
        Ok(reached)
    }

    /// Keeps what a receiver that asks said of a security event that it could not take, to be looked
    /// at among the deliveries of its stream. What is none of the stream is passed over.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn note_refusal(&self, stream: &Stream, id: &str, said: &str) -> Result<(), StoreError> {
        let Some(position) = event::position_of(stream, id) else {
            return Ok(());
        };
        // It may say so twice, when an answer got lost.
        if !(stream.position + 1..=self.head()?).contains(&position) {
            return Ok(());
        }
        self.store.note_refusal(&Delivery {
            id: self.environment.uuid().to_string(),
            stream: stream.id.clone(),
            kind: DeliveryKind::Changes,
            state: DeliveryState::Failed,
            behind: position - 1,
            up_to: position,
            changes: 1,
            at: self.environment.now(),
            took: std::time::Duration::ZERO,
            status: None,
            problem: Some(DeliveryProblem::Refused),
            answer: Some(said.to_owned()),
        })
    }

    /// A token that says nothing, by which somebody sees whether tokens arrive.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn verification(&self, stream: &Stream, id: &str) -> Result<String, SigningError> {
        let signer = self.signer()?;
        let now = self.environment.now();
        signer.sign(&event::verification(stream, id, now, signer.issuer()))
    }

    /// The keys by which security events are verified, as a JSON Web Key Set.
    ///
    /// # Errors
    /// [`SigningError`] where nobody signs.
    pub fn public_keys(&self) -> Result<Value, SigningError> {
        Ok(self.signer()?.public_keys())
    }

    fn signer(&self) -> Result<&dyn EventSigner, SigningError> {
        self.signer.as_deref().ok_or(SigningError)
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
    /// [`FeedStore::snapshot`]. A receiver of security events gets people and groups as SCIM resources.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn snapshot(
        &self,
        stream: &Stream,
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<SnapshotRow>, StoreError> {
        let mut rows = self.store.snapshot(&stream.subjects(), after, limit)?;
        if stream.kind.has_events() {
            for row in &mut rows {
                if let Some(Value::Object(resource)) = event::document(row.subject, &row.record) {
                    row.record = resource;
                }
            }
        }
        Ok(rows)
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

/// How many changes are read at once where nobody said how many.
const AT_ONCE: usize = 100;
/// How many times that is read for one request at most.
const PAGES: usize = 50;
