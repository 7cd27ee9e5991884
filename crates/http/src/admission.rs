//! Who waits for whom: bounds on what is under way, of one configuration and of all of them.
//!
//! Whoever waits does so before a thread is taken. A configuration has a share of what works at
//! once, so that one that asks for too much waits for itself; reads and writes have ways of their
//! own, and console and probes pass by.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::time::timeout;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::metrics::{
    ADMISSION_PLACES, ADMISSION_REFUSED, ADMISSION_USED, ADMISSION_WAITING, Reading,
};
use crate::service::Limit;

/// What a request does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A request that reads.
    Read,
    /// A request that writes.
    Write,
}

/// How much is let in.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many requests read at once, and how many write.
    pub at_once: usize,
    /// How many of those may be of one configuration.
    pub share: usize,
    /// How many requests of one configuration a second, over some time.
    pub rate: u32,
    /// How many bytes of bodies of one configuration are held at once.
    pub bytes: usize,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The configuration has too much under way.
    Share(Limit),
    /// The server has.
    Server,
}

/// The bounds, and what is under way.
pub struct Admission {
    bounds: Bounds,
    reads: Queue,
    writes: Queue,
    shares: Mutex<HashMap<Uuid, Arc<Share>>>,
    /// Who was told to come again later: for the share, for the server, and for the rate.
    refused: [AtomicU64; 3],
}

/// Places for which requests wait in the order in which they came.
struct Queue {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many may wait.
    most: usize,
}

/// What one configuration has under way.
struct Share {
    reads: Queue,
    writes: Queue,
    bytes: Queue,
    bucket: Mutex<Bucket>,
}

/// A place, for as long as it is held.
#[derive(Debug)]
pub struct Place {
    _share: Option<OwnedSemaphorePermit>,
    _server: OwnedSemaphorePermit,
}

impl Admission {
    /// Nobody is in yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            reads: Queue::new(bounds.at_once, SERVER_WAITS),
            writes: Queue::new(bounds.at_once, SERVER_WAITS),
            shares: Mutex::default(),
            refused: Default::default(),
        }
    }

    /// What is under way, and how many were told to come again later.
    pub fn readings(&self) -> Vec<Reading> {
        let mut readings = Vec::new();
        for (way, queue) in [("read", &self.reads), ("write", &self.writes)] {
            let free = queue.places.available_permits();
            let used = self.bounds.at_once.saturating_sub(free);
            let waiting = queue.waiting.load(Ordering::Relaxed);
            for (metric, value) in [
                (ADMISSION_PLACES, self.bounds.at_once),
                (ADMISSION_USED, used),
                (ADMISSION_WAITING, waiting),
            ] {
                readings.push(Reading::new(metric, value as f64).of("way", way));
            }
        }
        let reasons = ["share", "server", "rate"].into_iter();
        for (reason, count) in reasons.zip(&self.refused) {
            let count = count.load(Ordering::Relaxed) as f64;
            readings.push(Reading::new(ADMISSION_REFUSED, count).of("reason", reason));
        }
        readings
    }

    fn note_refusal(&self, full: Full) -> Full {
        let [share, server, _rate] = &self.refused;
        match full {
            Full::Share(_) => share,
            Full::Server => server,
        }
        .fetch_add(1, Ordering::Relaxed);
        full
    }

    /// Waits for a place to work, behind the configuration's own requests and then behind
    /// everybody's, but in each queue no longer than `patience`. Who gives up waiting leaves it.
    /// A body of `bytes` takes as many of the configuration's places as it has pieces of 16 KiB:
    /// what is long to read and to check occupies a processor, and the database does not wait for
    /// it meanwhile.
    ///
    /// # Errors
    /// [`Full`] when too many wait already, or it takes too long.
    pub async fn enter(
        &self,
        configuration: Option<Uuid>,
        way: Way,
        bytes: usize,
        patience: Duration,
    ) -> Result<Place, Full> {
        let share = match configuration {
            None => None,
            Some(id) => {
                let share = self.share(id);
                let queue = match way {
                    Way::Read => &share.reads,
                    Way::Write => &share.writes,
                };
                let places = bytes.div_ceil(PIECE).clamp(1, self.bounds.share.max(1));
                let places = u32::try_from(places).unwrap_or(u32::MAX);
                let place = queue.take(places, patience.min(SHARE_WAIT)).await;
                Some(place.ok_or_else(|| self.note_refusal(Full::Share(Limit::AtOnce)))?)
            }
        };
        let queue = match way {
            Way::Read => &self.reads,
            Way::Write => &self.writes,
        };
        let server = queue.take(1, patience.min(SERVER_WAIT)).await;
        let server = server.ok_or_else(|| self.note_refusal(Full::Server))?;
        Ok(Place {
            _share: share,
            _server: server,
        })
    }

    /// Waits for room for a body of so many bytes.
    ///
    /// # Errors
    /// [`Full`] when too many wait already, or it takes too long.
    pub async fn hold(
        &self,
        configuration: Uuid,
        bytes: usize,
    ) -> Result<OwnedSemaphorePermit, Full> {
        let units = bytes.min(self.bounds.bytes).div_ceil(UNIT).max(1);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let share = self.share(configuration);
        let held = share.bytes.take(units, SHARE_WAIT).await;
        held.ok_or_else(|| self.note_refusal(Full::Share(Limit::Bytes)))
    }

    /// Counts a request; answers after how many seconds the next one may come when this is one too
    /// many.
    pub fn count(&self, configuration: Uuid, now: Instant) -> Option<u64> {
        let share = self.share(configuration);
        let mut bucket = share.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = bucket.take(f64::from(self.bounds.rate), now);
        if wait.is_some() {
            let [.., rate] = &self.refused;
            rate.fetch_add(1, Ordering::Relaxed);
        }
        wait
    }

    /// The rate, for those who passed it.
    pub fn rate(&self) -> u32 {
        self.bounds.rate
    }

    fn share(&self, configuration: Uuid) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let share = shares.entry(configuration).or_insert_with(|| {
            Arc::new(Share {
                reads: Queue::new(self.bounds.share, SHARE_WAITS),
                writes: Queue::new(self.bounds.share, SHARE_WAITS),
                bytes: Queue::new(self.bounds.bytes.div_ceil(UNIT).max(1), SHARE_WAITS),
                bucket: Mutex::new(Bucket {
                    left: f64::from(self.bounds.rate) * BURST,
                    at: Instant::now(),
                }),
            })
        });
        Arc::clone(share)
    }
}

impl Queue {
    fn new(places: usize, most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            most,
        }
    }

    async fn take(&self, places: u32, patience: Duration) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_many_owned(places) {
            return Some(place);
        }
        let _waiting = Waiting::of(self)?;
        let place = Arc::clone(&self.places).acquire_many_owned(places);
        timeout(patience, place).await.ok()?.ok()
    }
}

/// Somebody in a queue; the place in it is free again when they leave, whyever they do.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn of(queue: &'a Queue) -> Option<Self> {
        let before = queue.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(&queue.waiting);
        (before < queue.most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A token bucket: what is saved in quiet times may be spent at once.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, rate: f64, now: Instant) -> Option<u64> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * rate).min(rate * BURST);
        self.at = now.max(self.at);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return None;
        }
        // Whole seconds: a client that reads less comes back too early.
        let wait = Duration::from_secs_f64(((1.0 - self.left) / rate).max(0.0));
        Some(wait.as_secs().saturating_add(1))
    }
}

/// How many seconds' worth of requests may come at once.
const BURST: f64 = 5.0;
/// A body takes a place for each of these.
const PIECE: usize = 16_384;
/// Bytes are counted in these.
const UNIT: usize = 1_024;
const SHARE_WAITS: usize = 128;
const SHARE_WAIT: Duration = Duration::from_secs(10);
const SERVER_WAITS: usize = 512;
const SERVER_WAIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    fn admission() -> Admission {
        Admission::new(Bounds {
            at_once: 3,
            share: 1,
            rate: 50,
            bytes: 4_096,
        })
    }

    /// Whether something is there at once.
    async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[actix_web::test]
    async fn a_configuration_waits_for_itself_and_for_nobody_else() {
        let admission = admission();
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        let first = at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT)).await;
        assert!(first.is_some());
        assert!(
            at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
                .await
                .is_none()
        );
        let write = at_once(admission.enter(Some(one), Way::Write, 0, SERVER_WAIT)).await;
        assert!(write.is_some(), "reads are apart from writes");
        let theirs = at_once(admission.enter(Some(other), Way::Read, 0, SERVER_WAIT)).await;
        assert!(theirs.is_some());
        drop(first);
        assert!(
            at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
                .await
                .is_some()
        );
    }

    #[actix_web::test]
    async fn who_goes_away_leaves_the_queue() {
        let admission = admission();
        let one = Uuid::new_v4();
        let held = admission
            .enter(Some(one), Way::Read, 0, SERVER_WAIT)
            .await
            .unwrap();
        {
            let mut waiting = Vec::new();
            for _ in 0..SHARE_WAITS {
                let mut waits = Box::pin(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT));
                assert!(at_once(waits.as_mut()).await.is_none());
                waiting.push(waits);
            }
            let refused = at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT)).await;
            let full = Full::Share(Limit::AtOnce);
            assert_eq!(refused.unwrap().unwrap_err(), full);
        }
        assert!(
            at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
                .await
                .is_none()
        );
        drop(held);
        assert!(
            at_once(admission.enter(Some(one), Way::Read, 0, SERVER_WAIT))
                .await
                .is_some()
        );
    }

    #[actix_web::test]
    async fn everybody_together_is_bounded_as_well() {
        let admission = admission();
        let mut held = Vec::new();
        for _ in 0..3 {
            let id = Some(Uuid::new_v4());
            held.push(
                at_once(admission.enter(id, Way::Read, 0, SERVER_WAIT))
                    .await
                    .unwrap()
                    .unwrap(),
            );
        }
        let fourth = Some(Uuid::new_v4());
        assert!(
            at_once(admission.enter(fourth, Way::Read, 0, SERVER_WAIT))
                .await
                .is_none()
        );
        assert!(
            at_once(admission.enter(fourth, Way::Write, 0, SERVER_WAIT))
                .await
                .is_some()
        );
        held.pop();
        assert!(
            at_once(admission.enter(fourth, Way::Read, 0, SERVER_WAIT))
                .await
                .is_some()
        );
    }

    #[actix_web::test]
    async fn a_long_body_takes_more_of_the_share() {
        let admission = Admission::new(Bounds {
            at_once: 9,
            share: 3,
            rate: 50,
            bytes: 4_096,
        });
        let one = Some(Uuid::new_v4());
        let enter = |bytes| admission.enter(one, Way::Write, bytes, SERVER_WAIT);
        let long = at_once(enter(30_000)).await.unwrap();
        let short = at_once(enter(16_384)).await;
        assert!(short.is_some(), "two of three places are taken");
        assert!(at_once(enter(1)).await.is_none());
        drop((long, short));
        let longest = at_once(enter(1 << 30)).await;
        assert!(longest.is_some(), "it has all of them, and no more");
        assert!(at_once(enter(1)).await.is_none());
    }

    #[actix_web::test]
    async fn bytes_under_way_are_bounded() {
        let admission = admission();
        let one = Uuid::new_v4();
        let held = admission.hold(one, 3_000).await.unwrap();
        assert!(at_once(admission.hold(one, 2_000)).await.is_none());
        assert!(
            at_once(admission.hold(Uuid::new_v4(), 2_000))
                .await
                .is_some()
        );
        drop(held);
        // More than there is room for has all of it.
        assert!(at_once(admission.hold(one, 1 << 30)).await.is_some());
    }

    #[test]
    fn a_rate_is_kept_over_time_and_a_burst_is_let_in() {
        let admission = admission();
        let one = Uuid::new_v4();
        let now = Instant::now() + Duration::from_secs(1);
        for _ in 0..250 {
            assert_eq!(admission.count(one, now), None);
        }
        assert_eq!(admission.count(one, now), Some(1));
        assert_eq!(admission.count(Uuid::new_v4(), now), None);
        let later = now + Duration::from_secs(2);
        let let_in = (0..300).filter(|_| admission.count(one, later).is_none());
        assert_eq!(let_in.count(), 100);
    }
}
