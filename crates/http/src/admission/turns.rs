//! Who has had more than their part of the server while others are there.
//!
//! How dear a request is shows when it is done: a page of big resources, a filter that no index
//! serves, a PATCH with many filters. So what a configuration's requests took is added up, and one
//! that took more than half of the processors over some time is answered one request at a time, for
//! as long as others come too. Alone it has the whole server.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use scim_service::effort;
use uuid::Uuid;

/// Who came last, and who came last beside them.
#[derive(Debug, Default)]
pub(super) struct Comers {
    last: Option<(Uuid, Instant)>,
    other: Option<Instant>,
}

impl Comers {
    /// Somebody comes; whether others came lately.
    pub(super) fn note(&mut self, id: Uuid, now: Instant) -> bool {
        match self.last {
            Some((last, at)) if last != id => self.other = Some(at),
            _ => {}
        }
        self.last = Some((id, now));
        let lately = |at| now.saturating_duration_since(at) < LATELY;
        self.other.is_some_and(lately)
    }
}

/// For how long one configuration may yet be at work, and since when that is so.
#[derive(Debug)]
pub(super) struct Spent(Mutex<(f64, Instant)>);

impl Spent {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new((BURST, now)))
    }

    /// A request is done that took so long.
    pub(super) fn spend(&self, took: Duration, now: Instant) {
        let mut account = self.account(now);
        // Who went far ahead is even again after a while, however far it was.
        account.0 = (account.0 - took.as_secs_f64()).max(-DEBT);
    }

    /// Whether they had more than their part.
    pub(super) fn is_overdrawn(&self, now: Instant) -> bool {
        self.account(now).0 < 0.0
    }

    fn account(&self, now: Instant) -> MutexGuard<'_, (f64, Instant)> {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(account.1).as_secs_f64();
        account.0 = (account.0 + passed * *HALF_OF_THE_PROCESSORS).min(BURST);
        account.1 = now.max(account.1);
        account
    }
}

/// What this thread has computed since it began, and others for it.
pub(super) fn worked() -> Duration {
    let computed = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime));
    computed.unwrap_or_default() + effort::noted()
}

/// How many seconds of work a second are one configuration's part. How many processors there are is
/// asked once: the system reads files for it.
static HALF_OF_THE_PROCESSORS: LazyLock<f64> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    f64::from(u32::try_from(processors).unwrap_or(u32::MAX)) / 2.0
});

/// For how long somebody is taken to be there.
const LATELY: Duration = Duration::from_secs(10);
/// How many seconds of work are saved at most.
const BURST: f64 = 0.05;
/// How many are owed at most: more than all that one configuration does at once may take.
const DEBT: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_there_who_came_lately() {
        let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
        let (mut comers, now) = (Comers::default(), Instant::now());
        assert!(!comers.note(one, now));
        assert!(!comers.note(one, now), "oneself is nobody else");
        assert!(comers.note(two, now));
        assert!(comers.note(two, now), "the other one was there");
        assert!(comers.note(one, now));
        assert!(comers.note(one, now + LATELY / 2));
        assert!(!comers.note(one, now + LATELY));
    }

    #[test]
    fn whoever_worked_for_long_is_even_again_after_some_time() {
        let now = Instant::now();
        let spent = Spent::new(now);
        spent.spend(Duration::from_secs_f64(BURST * 0.9), now);
        assert!(!spent.is_overdrawn(now), "a burst is let in");
        spent.spend(Duration::from_secs(600), now);
        assert!(spent.is_overdrawn(now));
        let even = Duration::from_secs_f64(DEBT / *HALF_OF_THE_PROCESSORS);
        assert!(spent.is_overdrawn(now + even / 2));
        assert!(!spent.is_overdrawn(now + even + Duration::from_millis(1)));
    }
}
