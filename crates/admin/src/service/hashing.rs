//! Hashes of passwords, of which few are computed at once.

use std::sync::{Condvar, Mutex, PoisonError};

use scim_provisioning::StoreError;

use crate::error::AdminError;

/// Computes a hash of a password, which takes 46 MiB: few at once, few that wait, and others are
/// told that the server is busy.
pub(super) fn hashing<T>(work: impl FnOnce() -> T) -> Result<T, AdminError> {
    let turn = Turn::take(PATIENCE).ok_or(AdminError::Store(StoreError::Busy))?;
    let done = work();
    drop(turn);
    Ok(done)
}

/// One of the few hashes that are computed at once.
struct Turn;

#[derive(Default)]
struct Queue {
    taken: usize,
    waiting: usize,
}

impl Turn {
    /// Takes a turn, or gives up after a while, or at once where enough others wait.
    fn take(patience: std::time::Duration) -> Option<Self> {
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.taken >= AT_ONCE && queue.waiting >= WAITING {
            return None;
        }
        queue.waiting += 1;
        let (mut queue, waited) = GIVEN_BACK
            .wait_timeout_while(queue, patience, |queue| queue.taken >= AT_ONCE)
            .unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        if waited.timed_out() {
            return None;
        }
        queue.taken += 1;
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        QUEUE.lock().unwrap_or_else(PoisonError::into_inner).taken -= 1;
        GIVEN_BACK.notify_one();
    }
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    taken: 0,
    waiting: 0,
});
static GIVEN_BACK: Condvar = Condvar::new();

const AT_ONCE: usize = 4;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// How many wait for one of them.
const WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_hash_has_to_wait() {
        let at_once = std::time::Duration::ZERO;
        let taken: Vec<Turn> = (0..AT_ONCE).filter_map(|_| Turn::take(at_once)).collect();
        assert_eq!(taken.len(), AT_ONCE);
        assert!(Turn::take(at_once).is_none());
        let others: Vec<_> = (0..WAITING)
            .map(|_| std::thread::spawn(|| Turn::take(PATIENCE).is_some()))
            .collect();
        while QUEUE.lock().unwrap().waiting < WAITING {
            std::thread::yield_now();
        }
        let begun = std::time::Instant::now();
        assert!(Turn::take(PATIENCE).is_none(), "enough others wait");
        assert!(begun.elapsed() < PATIENCE);
        drop(taken);
        assert!(others.into_iter().all(|other| other.join().unwrap()));
    }
}
