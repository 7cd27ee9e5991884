//! How the server stops: by which signals, and for how long it serves meanwhile.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use actix_server::ServerHandle;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use actix_web::rt::time::timeout;

use crate::draining::Draining;
use crate::listener::STOP;

/// The signals that the server follows: SIGTERM and SIGINT stop it, SIGHUP has it read again what may
/// have changed.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over from their default action.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Follows the signals: the first that says to stop begins to drain, and after `drain`, or at the
    /// next one, the server stops and answers what is under way. One more does not wait for that.
    pub async fn follow(
        mut self,
        server: ServerHandle,
        draining: Draining,
        drain: Duration,
        reload: impl Fn(),
    ) {
        self.asked_to_stop(&reload).await;
        draining.begin();
        if !drain.is_zero() {
            let seconds = drain.as_secs();
            tracing::info!(
                seconds,
                "draining: requests are served, and `/readyz` says no"
            );
            // Whether it is over or somebody does not want to wait is the same.
            let _ = timeout(drain, self.asked_to_stop(&reload)).await;
        }
        let mut graceful = true;
        loop {
            tracing::info!(graceful, "stopping");
            actix_web::rt::spawn(server.stop(graceful));
            end_within(if graceful { STOP } else { Duration::ZERO } + LEAVING);
            graceful = false;
            self.asked_to_stop(&reload).await;
        }
    }

    /// Comes back when a signal says to stop.
    async fn asked_to_stop(&mut self, reload: &impl Fn()) {
        while let Asked::Reload = self.next().await {
            reload();
        }
    }

    async fn next(&mut self) -> Asked {
        poll_fn(|context| {
            let mut asked = |signal: &mut Signal, asked| match signal.poll_recv(context) {
                Poll::Ready(_) => Some(asked),
                Poll::Pending => None,
            };
            let first = asked(&mut self.terminate, Asked::Stop)
                .or_else(|| asked(&mut self.interrupt, Asked::Stop))
                .or_else(|| asked(&mut self.hang_up, Asked::Reload));
            first.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

enum Asked {
    Stop,
    Reload,
}

/// Ends the process then at the latest. A thread that waits for a silent database ends by nothing
/// else, and what was not acknowledged is rolled back.
fn end_within(time: Duration) {
    let end = move || {
        std::thread::sleep(time);
        tracing::warn!("stopped before everything that was under way came to its end");
        std::process::exit(0);
    };
    if let Err(error) = std::thread::Builder::new().spawn(end) {
        tracing::error!(%error, "nothing ends the process if it hangs");
    }
}

/// What is left to do when requests are answered or given up.
const LEAVING: Duration = Duration::from_secs(2);
