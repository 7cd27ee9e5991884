//! The head of the feed, which one task looks at for everybody who waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::{spawn, time};
use actix_web::web;
use scim_feed::{Feed, Position};
use tokio::sync::watch;

use super::{FeedEndpoint, blocking};

/// Tells those who wait when the head moves. Nobody looks at it while nobody waits.
#[derive(Debug)]
pub(super) struct Head(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    position: watch::Sender<Position>,
    is_watched: Mutex<bool>,
}

impl Default for Head {
    fn default() -> Self {
        Self(Arc::new(Shared {
            position: watch::Sender::new(0),
            is_watched: Mutex::default(),
        }))
    }
}

/// What somebody who waits is woken by.
pub(super) struct News {
    position: watch::Receiver<Position>,
    endpoint: web::Data<FeedEndpoint>,
}

impl Head {
    /// The news from now on.
    pub(super) fn watch(&self, endpoint: &web::Data<FeedEndpoint>) -> News {
        News {
            position: self.0.position.subscribe(),
            endpoint: endpoint.clone(),
        }
    }

    /// Starts the one that looks, unless there is one.
    fn start_watching(&self, endpoint: &web::Data<FeedEndpoint>) {
        let mut is_watched = self.0.lock();
        if !*is_watched {
            *is_watched = true;
            let watching = Watching {
                shared: Arc::clone(&self.0),
                goes_on: true,
            };
            spawn(look(watching, endpoint.clone()));
        }
    }
}

impl News {
    /// Comes back when the head has moved since the last time.
    pub(super) async fn moved(&mut self) {
        loop {
            // The one that looks ends with the thread that it is on.
            self.endpoint.head.start_watching(&self.endpoint);
            match time::timeout(MISSED, self.position.changed()).await {
                Ok(_moved) => return,
                Err(_elapsed) => {}
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.is_watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one that looks, while it does.
struct Watching {
    shared: Arc<Shared>,
    goes_on: bool,
}

impl Watching {
    /// Whether anybody waits; when nobody does, the next one who waits has somebody else look.
    fn goes_on(&mut self) -> bool {
        let mut is_watched = self.shared.lock();
        self.goes_on = self.shared.position.receiver_count() > 0;
        *is_watched = self.goes_on;
        self.goes_on
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.goes_on {
            *self.shared.lock() = false;
        }
    }
}

async fn look(mut watching: Watching, endpoint: web::Data<FeedEndpoint>) {
    while watching.goes_on() {
        // A fault is told to those who ask; whoever waits already waits for the next look.
        if let Ok(head) = blocking(&endpoint, Feed::head).await {
            watching.shared.position.send_if_modified(|known| {
                let moved = *known != head;
                *known = head;
                moved
            });
        }
        time::sleep(LOOK).await;
    }
}

/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);
/// After how long those who wait see to it that somebody looks.
const MISSED: Duration = Duration::from_secs(5);
