//! Whether the server is ready, asked by a thread of its own: probes are answered in time while
//! every other thread waits for the database.

use std::error::Error;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;

use crate::error::describe_error;

/// Asks the service, once for all who want to know at the same time.
pub struct Readiness {
    shared: Arc<Asked>,
}

#[derive(Default)]
struct Asked {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often somebody asked, and up to which of them the verdict answers.
    asked: u64,
    answered: u64,
    verdict: Verdict,
    over: bool,
}

/// What there is to say; `None` when all is well.
type Verdict = Option<String>;

impl Asked {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readiness {
    /// Starts the thread that asks.
    ///
    /// # Errors
    /// When there are no more threads.
    pub fn start<E: Error + 'static>(
        ready: impl Fn() -> Result<(), E> + Send + 'static,
    ) -> std::io::Result<Self> {
        let ready = move || ready().err().map(|error| describe_error(&error));
        let shared = Arc::new(Asked::default());
        let asked = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("readiness".to_owned())
            .spawn(move || answer(&asked, &ready))?;
        Ok(Self { shared })
    }

    /// Why the server is not ready, if it is not. Whoever does not say so in time is not.
    pub async fn fault(&self) -> Option<String> {
        let arrived = Instant::now();
        let mine = {
            let mut state = self.shared.lock();
            state.asked += 1;
            state.asked
        };
        self.shared.changed.notify_all();
        loop {
            {
                let state = self.shared.lock();
                if state.answered >= mine {
                    return state.verdict.clone();
                }
            }
            if arrived.elapsed() >= PATIENCE {
                return Some("the database does not answer in time".to_owned());
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
    }
}

fn answer(asked: &Asked, ready: &dyn Fn() -> Verdict) {
    let mut state = asked.lock();
    while !state.over {
        if state.answered == state.asked {
            state = asked
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let up_to = state.asked;
        drop(state);
        let verdict = ready();
        state = asked.lock();
        state.answered = up_to;
        state.verdict = verdict;
    }
}

/// An answer comes within a second.
const PATIENCE: Duration = Duration::from_millis(900);
const LOOK: Duration = Duration::from_millis(5);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the database is full")]
    struct Full(#[source] std::io::Error);

    #[actix_web::test]
    async fn a_database_that_does_not_answer_is_not_waited_for() {
        let (go_on, stalled) = mpsc::channel::<()>();
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let readiness = Readiness::start(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            stalled.recv()
        })
        .unwrap();
        for _ in 0..2 {
            let fault = readiness.fault().await;
            assert!(fault.is_some_and(|fault| fault.contains("in time")));
        }
        // Whoever asks meanwhile does not make it ask again.
        assert_eq!(times.load(Ordering::SeqCst), 1);
        for _ in 0..3 {
            go_on.send(()).unwrap();
        }
        assert_eq!(readiness.fault().await, None);
    }

    #[actix_web::test]
    async fn what_is_wrong_is_told_to_the_log_with_its_cause() {
        let readiness = Readiness::start(|| {
            let cause = std::io::Error::other("database or disk is full");
            Err(Full(cause))
        })
        .unwrap();
        let fault = readiness.fault().await.unwrap();
        assert_eq!(fault, "the database is full: database or disk is full");
    }
}
