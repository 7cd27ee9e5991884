//! What signals do: SIGTERM and SIGINT stop the server, SIGHUP reads the certificate again.

use std::sync::Arc;
use std::time::Duration;

use actix_server::ServerHandle;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use anyhow::Context;
use scim_http::listener::STOP;

use crate::tls::ReloadingCertificate;

/// The signals that the server follows.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over from their default action.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let take = |kind| signal(kind).context("cannot handle signals");
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            hang_up: take(SignalKind::hangup())?,
        })
    }

    /// Follows the signals until one says to stop. A second one does not wait for requests.
    pub(crate) async fn follow(
        mut self,
        server: ServerHandle,
        certificate: Arc<ReloadingCertificate>,
    ) {
        let mut graceful = true;
        loop {
            match self.next().await {
                Asked::Reload => reload(&certificate),
                Asked::Stop => {
                    tracing::info!(graceful, "stopping");
                    actix_web::rt::spawn(server.stop(graceful));
                    end_within(if graceful { STOP } else { Duration::ZERO } + LEAVING);
                    graceful = false;
                }
            }
        }
    }

    async fn next(&mut self) -> Asked {
        std::future::poll_fn(|context| {
            let asked = |signal: &mut Signal, asked| match signal.poll_recv(context) {
                std::task::Poll::Ready(_) => Some(asked),
                std::task::Poll::Pending => None,
            };
            let mut asked = asked;
            let first = asked(&mut self.terminate, Asked::Stop)
                .or_else(|| asked(&mut self.interrupt, Asked::Stop))
                .or_else(|| asked(&mut self.hang_up, Asked::Reload));
            first.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// What is left to do when requests are answered or given up.
const LEAVING: Duration = Duration::from_secs(2);

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

fn reload(certificate: &ReloadingCertificate) {
    match certificate.reload() {
        Ok(()) => tracing::info!("the certificate was read again"),
        Err(error) => tracing::error!(
            reason = scim_cli::output::sentence(&error),
            "the certificate cannot be used; the one in use stays"
        ),
    }
}
