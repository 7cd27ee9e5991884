//! How long a client waits for work on a thread that may block.
//!
//! A database server that is stopped, while the machine under it still answers, ends no statement
//! and no connection: whoever waits for it is sent away, and the thread is left to wait.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::web;
use uuid::Uuid;

/// Why work did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It is not done within the time that its client waits.
    Late,
    /// It panicked; that is one request's failure alone.
    Failed,
}

/// Runs `work` on a thread that may block, and waits for it no longer than `patience`. What comes
/// later is dropped when it comes.
///
/// # Errors
/// Why the work has no result.
pub async fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    // What happens there is within what asked for it.
    let span = tracing::Span::current();
    let guarded = move || catch_unwind(AssertUnwindSafe(|| span.in_scope(work)));
    match timeout(patience, web::block(guarded)).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(_)) | Err(_)) => Err(Unfinished::Failed),
        Err(_elapsed) => Err(Unfinished::Late),
    }
}

/// The same work, in whose time every line of the log names the request.
pub fn for_request<T, F>(request_id: &str, work: F) -> impl FnOnce() -> T + use<T, F>
where
    F: FnOnce() -> T,
{
    let span = tracing::error_span!("request", request_id);
    move || span.in_scope(work)
}

/// Counts the work whose client was sent away and which has not come to its end, of each
/// configuration and of nobody known.
#[derive(Debug, Default)]
pub(crate) struct Late(Mutex<HashMap<Option<Uuid>, Arc<AtomicUsize>>>);

impl Late {
    /// Runs `work` as [`within`] does, and counts it from when it is late until it ends.
    ///
    /// # Errors
    /// Why the work has no result.
    pub(crate) async fn within<T: Send + 'static>(
        &self,
        configuration: Option<Uuid>,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let late = self.of(configuration);
        let decided = Arc::new(AtomicBool::new(false));
        let ends = Ends {
            late: Arc::clone(&late),
            decided: Arc::clone(&decided),
        };
        let done = within(patience, move || {
            let _ends = ends;
            work()
        });
        let done = done.await;
        if matches!(done, Err(Unfinished::Late)) {
            late.fetch_add(1, Ordering::AcqRel);
            if decided.swap(true, Ordering::AcqRel) {
                late.fetch_sub(1, Ordering::AcqRel);
            }
        }
        done
    }

    /// Whether there is any of a configuration.
    pub(crate) fn any_of(&self, configuration: Option<Uuid>) -> bool {
        self.count_of(configuration) > 0
    }

    /// How much there is of a configuration.
    pub(crate) fn count_of(&self, configuration: Option<Uuid>) -> usize {
        self.of(configuration).load(Ordering::Acquire)
    }

    fn of(&self, configuration: Option<Uuid>) -> Arc<AtomicUsize> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counts.entry(configuration).or_default())
    }
}

/// Work that ends, whether it comes back or panics. Whoever decides second, the work that ends or
/// its client who is sent away, takes it out of the count.
struct Ends {
    late: Arc<AtomicUsize>,
    decided: Arc<AtomicBool>,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if self.decided.swap(true, Ordering::AcqRel) {
            self.late.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Whole seconds after which to come again, when the work was late.
pub const RETRY_AFTER: u32 = 5;
/// How long a client waits where nothing else is said.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[actix_web::test]
    async fn a_client_is_sent_away_and_the_work_is_left_to_end() {
        let (go_on, stalled) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel::<()>();
        let work = move || {
            stalled.recv().unwrap();
            ended.send(()).unwrap();
        };
        let late = within(Duration::from_millis(20), work).await;
        assert_eq!(late, Err(Unfinished::Late));
        go_on.send(()).unwrap();
        end.recv().unwrap();
        assert_eq!(within(Duration::from_secs(60), || 7).await, Ok(7));
        let failed = within(Duration::from_secs(60), || panic!("a mistake"));
        assert_eq!(failed.await, Err::<(), _>(Unfinished::Failed));
    }

    #[actix_web::test]
    async fn late_work_is_counted_until_it_ends() {
        let late = Late::default();
        let [one, other] = [(); 2].map(|()| Some(Uuid::new_v4()));
        assert_eq!(late.within(one, Duration::from_secs(60), || 7).await, Ok(7));
        assert!(!late.any_of(one), "it was in time");
        let (go_on, stalled) = mpsc::channel::<()>();
        let work = move || stalled.recv().unwrap();
        let sent_away = late.within(one, Duration::from_millis(20), work).await;
        assert_eq!(sent_away, Err(Unfinished::Late));
        assert!(late.any_of(one) && !late.any_of(other) && !late.any_of(None));
        go_on.send(()).unwrap();
        while late.any_of(one) {
            actix_web::rt::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
