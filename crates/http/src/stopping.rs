//! How the server stops: who is told that it will, and for how long it serves meanwhile.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use actix_server::ServerHandle;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use actix_web::rt::time::timeout;

use crate::listener::STOP;

/// Whether the server is about to stop. Balancers are told by `/readyz`, and whoever keeps a
/// connection by its next answer, which is its last one (RFC 9112 section 9.6); requests are served
/// all the same.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// Whether it is.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Tells everybody.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }
}

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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use actix_web::body::{self, BoxBody};
    use actix_web::dev::ServiceResponse;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, middleware, web};

    use super::Draining;
    use crate::edge::{self, Edge};
    use crate::readiness::Readiness;
    use crate::status::{self, Product};

    async fn get(draining: &Draining, path: &str) -> ServiceResponse<BoxBody> {
        let edge = Edge {
            draining: draining.clone(),
            ..Edge::default()
        };
        let product = Product {
            name: "test",
            version: "1",
        };
        let ready = Readiness::start(|| Ok::<_, Infallible>(())).unwrap();
        let app = App::new()
            .app_data(web::Data::new(edge))
            .app_data(web::Data::new(product))
            .app_data(web::Data::new(ready))
            .wrap(middleware::from_fn(edge::guard))
            .configure(status::routes);
        let app = init_service(app).await;
        call_service(&app, TestRequest::get().uri(path).to_request()).await
    }

    #[actix_web::test]
    async fn who_is_served_while_the_server_drains_is_told_to_come_back_elsewhere() {
        let draining = Draining::default();
        for path in ["/readyz", "/version"] {
            let answer = get(&draining, path).await;
            assert_eq!(answer.status(), 200, "{path}");
            assert!(answer.response().head().keep_alive(), "{path}");
        }
        draining.begin();
        let served = get(&draining, "/version").await;
        assert_eq!(served.status(), 200);
        assert!(!served.response().head().keep_alive());
        let answer = get(&draining, "/readyz").await;
        assert_eq!(answer.status(), 503);
        assert!(!answer.response().head().keep_alive());
        let said = body::to_bytes(answer.into_body()).await.unwrap();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("about to stop"), "{said}");
    }
}
