//! What others computed for a request.
//!
//! A store whose database is a process of its own has work done where the clock of this thread's
//! processor time does not see it. It notes such work here, so that whoever shares a server out
//! among callers, as admission in `scim-http` does, can count it to the request.
//!
//! ```
//! use std::time::Duration;
//! use scim_service::effort;
//!
//! let before = effort::noted();
//! effort::note(Duration::from_millis(3)); // a store, for a query that took so long
//! assert_eq!(effort::noted() - before, Duration::from_millis(3));
//! ```

use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static NOTED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Others worked so long for what this thread does. Waiting for a disk is no work.
pub fn note(took: Duration) {
    NOTED.set(NOTED.get().saturating_add(took));
}

/// How long others worked for this thread since it began: the difference of two is what they did
/// between them.
pub fn noted() -> Duration {
    NOTED.get()
}
