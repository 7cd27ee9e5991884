//! Work that asks other servers: on threads of its own, few at once, so that one that hangs keeps
//! nobody waiting but those who wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// A few threads, and a short queue before them.
pub(crate) struct Outbound(SyncSender<Work>);

impl Outbound {
    /// Starts the threads, which end with this.
    ///
    /// # Errors
    /// When there are no threads.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Work>(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..AT_ONCE {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("outbound-{number}"))
                .spawn(move || follow(&receiver))?;
        }
        Ok(Self(sender))
    }

    /// What comes of work; `None` where too much waits already, or it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (done, answer) = oneshot::channel();
        let work = Box::new(move || {
            if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
                // Whoever asked may have gone.
                let _gone = done.send(result);
            }
        });
        self.0.try_send(work).ok()?;
        answer.await.ok()
    }
}

fn follow(receiver: &Mutex<Receiver<Work>>) {
    loop {
        let next = receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        match next {
            Ok(work) => work(),
            Err(_all_senders_are_gone) => return,
        }
    }
}

/// How much is done at once, and how much waits for it.
const AT_ONCE: usize = 2;
const WAITING: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn work_beyond_the_queue_is_turned_away_and_nothing_ends_the_threads() {
        let outbound = Arc::new(Outbound::start().unwrap());
        let (go, gate) = sync_channel::<()>(0);
        let gate = Arc::new(Mutex::new(gate));
        let mut waiting = Vec::new();
        let mut turned_away = 0;
        for _ in 0..(AT_ONCE + WAITING + 20) {
            let (outbound, gate) = (Arc::clone(&outbound), Arc::clone(&gate));
            let run = actix_web::rt::spawn(async move {
                let work = move || gate.lock().unwrap().recv().is_ok();
                outbound.run(work).await
            });
            waiting.push(run);
            // The threads take up what they can before the next one comes.
            actix_web::rt::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        for _ in 0..(AT_ONCE + WAITING) {
            let gate = go.clone();
            actix_web::web::block(move || gate.send(()))
                .await
                .unwrap()
                .unwrap();
        }
        for run in waiting {
            match run.await.unwrap() {
                Some(done) => assert!(done),
                None => turned_away += 1,
            }
        }
        assert_eq!(turned_away, 20);
        let panicked = outbound.run(|| -> u8 { panic!("a mistake") }).await;
        assert_eq!(panicked, None);
        assert_eq!(outbound.run(|| 7).await, Some(7));
    }
}
