//! What requests wrote as it was, so that nothing changed.
//!
//! No entry of the log tells of it, and a write of its own it is not worth: it is noted here while a
//! request is worked on, and counted with the request when that is answered. A store that runs the work
//! of a request again notes the same resources again, so that each is counted once.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scim_service::Answer;

use crate::context::Context;
use crate::id::ResourceId;

/// The resources that requests under way left as they were, by the id of the request.
#[derive(Debug, Default)]
pub(crate) struct Unchanged {
    left: Mutex<HashMap<String, HashSet<ResourceId>>>,
    /// How many requests left something, so that others need not wait to learn that there are none.
    requests: AtomicUsize,
}

impl Unchanged {
    fn left(&self) -> MutexGuard<'_, HashMap<String, HashSet<ResourceId>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether a request left a resource as it was; where it writes it several times, what it
    /// did last counts.
    pub(crate) fn note(&self, request: &str, id: ResourceId, unchanged: bool) {
        if !unchanged && self.requests.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut left = self.left();
        match (unchanged, left.get_mut(request)) {
            (true, Some(of_request)) => {
                of_request.insert(id);
            }
            (true, None) => {
                left.insert(request.to_owned(), HashSet::from([id]));
            }
            (false, Some(of_request)) => {
                of_request.remove(&id);
            }
            (false, None) => {}
        }
        self.requests.store(left.len(), Ordering::Relaxed);
    }

    /// How many resources a request left as they were, now that it is answered; none where it is
    /// refused.
    pub(crate) fn take(&self, request: &str, answer: &Answer) -> u64 {
        if self.requests.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let mut left = self.left();
        let of_request = left.remove(request);
        self.requests.store(left.len(), Ordering::Relaxed);
        let of_request = of_request.filter(|_| answer.status < 400);
        of_request.map_or(0, |ids| u64::try_from(ids.len()).unwrap_or(u64::MAX))
    }
}

impl Context {
    /// Notes whether a write left a resource as it was, where a request asked for it.
    pub(crate) fn note_written(&self, id: ResourceId, unchanged: bool) {
        if self.received.is_some() {
            let request = &self.caller.request_id;
            self.shared.unchanged.note(request, id, unchanged);
        }
    }
}
