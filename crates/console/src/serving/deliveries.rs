//! Sends what changed to receivers, on threads that no request waits for.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use scim_admin::{Deliverer, DeliveringError, Step};
use scim_http::error::describe_error;

/// What sends, until this is dropped. What is under way then comes to its end, or is sent again by
/// whoever sends next.
pub struct Delivering(Arc<Shared>);

struct Shared {
    deliverer: Deliverer,
    ends: AtomicBool,
    /// The streams for which is being sent.
    busy: Mutex<HashSet<String>>,
}

impl Delivering {
    /// Starts to send.
    ///
    /// # Errors
    /// When there are no threads.
    pub fn start(deliverer: Deliverer) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            deliverer,
            ends: AtomicBool::new(false),
            busy: Mutex::default(),
        });
        let looking = Arc::clone(&shared);
        thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(move || look(&looking))?;
        Ok(Self(shared))
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::Relaxed);
    }
}

/// Looks for what is to be sent, again and again.
fn look(shared: &Arc<Shared>) {
    let mut tidied = Instant::now();
    while !shared.ends() {
        let due = shared
            .deliverer
            .due(shared.deliverer.now())
            .and_then(|due| {
                if tidied.elapsed() >= TIDIED {
                    tidied = Instant::now();
                    shared.deliverer.forget_deliveries(shared.deliverer.now())?;
                }
                Ok(due)
            });
        match due {
            Ok(due) => due.into_iter().for_each(|stream| begin(shared, stream)),
            Err(error) => {
                complain(&error);
                thread::sleep(AFTER_FAULT);
            }
        }
        thread::sleep(LOOK);
    }
}

/// Sends for a stream on a thread of its own, unless one does already.
fn begin(shared: &Arc<Shared>, stream: String) {
    {
        let mut busy = shared.busy();
        if busy.len() >= AT_ONCE || !busy.insert(stream.clone()) {
            return;
        }
    }
    let (sending, of) = (Arc::clone(shared), stream.clone());
    let begun = thread::Builder::new()
        .name("delivery".to_owned())
        .spawn(move || {
            let _busy = Busy(&sending, &of);
            send(&sending, &of);
        });
    if let Err(error) = begun {
        tracing::error!(%error, "nothing is sent: there are no threads");
        shared.busy().remove(&stream);
    }
}

/// Sends as long as the receiver takes it.
fn send(shared: &Shared, stream: &str) {
    while !shared.ends() {
        match shared.deliverer.step(stream, shared.deliverer.now()) {
            Ok(Step::Went) => {}
            Ok(Step::Nothing | Step::Failed) => return,
            Err(error) => return complain(&error),
        }
    }
}

fn complain(error: &DeliveringError) {
    let reason = describe_error(error);
    tracing::warn!(
        reason,
        "nothing can be sent to receivers; it is tried again"
    );
}

impl Shared {
    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That is being sent for a stream, however it ends.
struct Busy<'s>(&'s Shared, &'s str);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy().remove(self.1);
    }
}

/// For how many streams is sent at once.
const AT_ONCE: usize = 16;
/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(500);
const AFTER_FAULT: Duration = Duration::from_secs(5);
/// How often old deliveries are forgotten.
const TIDIED: Duration = Duration::from_mins(10);
