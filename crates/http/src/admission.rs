//! Who waits for whom: bounds on what is under way, of one configuration and of all of them.
//!
//! Whoever waits does so before a thread is taken. A configuration has a share of what works at
//! once, so that one that asks for too much waits for itself; reads and writes have ways of their
//! own, and console and probes pass by.

mod turns;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::time::timeout;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;
use uuid::Uuid;

use crate::metrics::{
    ADMISSION_PLACES, ADMISSION_REFUSED, ADMISSION_USED, ADMISSION_WAITING, Reading,
};
use crate::service::Limit;
use crate::spans;
use turns::{Comers, Spent};

/// What a request does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Who speaks, before a request that comes with a body.
    Recognise,
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
    comers: Mutex<Comers>,
    /// Who was told to come again later: for the share, for the server, and for the rate.
    refused: [AtomicU64; 3],
}

/// Places for which requests wait in the order in which they came.
#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many may wait.
    most: usize,
}

/// What one configuration has under way.
#[derive(Debug)]
struct Share {
    reads: Queue,
    writes: Queue,
    bytes: Queue,
    bucket: Mutex<Bucket>,
    spent: Spent,
}

/// A place, for as long as it is held.
#[derive(Debug)]
pub struct Place {
    _share: Option<OwnedSemaphorePermit>,
    _server: OwnedSemaphorePermit,
    turn: Option<(Arc<Share>, Way)>,
}

impl Place {
    /// Does `work` here, and counts it to the configuration: a read for as long as it takes, because
    /// its work is the database's too, and a write for what this thread computes and a database's
    /// queries take, because for the rest of it it waits for a disk with others.
    pub fn work<T>(self, work: impl FnOnce() -> T) -> T {
        let (began, worked) = (Instant::now(), turns::worked());
        let done = work();
        if let Some((share, way)) = &self.turn {
            let took = match way {
                Way::Recognise | Way::Read => began.elapsed(),
                Way::Write => turns::worked().saturating_sub(worked),
            };
            share.spent.spend(took, Instant::now());
        }
        done
    }
}

impl Admission {
    /// Nobody is in yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            reads: Queue::new(bounds.at_once, SERVER_WAITS),
            writes: Queue::new(bounds.at_once, SERVER_WAITS),
            shares: Mutex::default(),
            comers: Mutex::default(),
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
        let theirs = configuration.map(|id| (id, self.share(id)));
        let share = match &theirs {
            None => None,
            Some((id, share)) => {
                let queue = match way {
                    Way::Recognise | Way::Read => &share.reads,
                    Way::Write => &share.writes,
                };
                let all = self.bounds.share.max(1);
                let alone = self.goes_alone(*id, share, way);
                let places = match alone {
                    true => all,
                    false => bytes.div_ceil(PIECE).clamp(1, all),
                };
                let places = u32::try_from(places).unwrap_or(u32::MAX);
                let place = queue.take(places, patience.min(SHARE_WAIT)).await;
                Some(place.ok_or_else(|| self.note_refusal(Full::Share(Limit::AtOnce)))?)
            }
        };
        let queue = match way {
            Way::Recognise | Way::Read => &self.reads,
            Way::Write => &self.writes,
        };
        let server = queue.take(1, patience.min(SERVER_WAIT)).await;
        let server = server.ok_or_else(|| self.note_refusal(Full::Server))?;
        Ok(Place {
            _share: share,
            _server: server,
            turn: theirs.map(|(_id, share)| (share, way)),
        })
    }

    /// Whether a request waits until no other one of its configuration goes the same way.
    fn goes_alone(&self, id: Uuid, share: &Share, way: Way) -> bool {
        let now = Instant::now();
        let mut comers = self.comers.lock().unwrap_or_else(PoisonError::into_inner);
        let others = comers.note(id, now);
        others && way != Way::Recognise && share.spent.is_overdrawn(now)
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
                spent: Spent::new(Instant::now()),
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
        let place = timeout(patience, place).instrument(spans::waiting());
        place.await.ok()?.ok()
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
mod tests;
