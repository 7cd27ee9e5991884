//! What is done beside requests, on threads that may block.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::time::sleep;
use actix_web::web;
use scim_admin::upkeep::{Upkeep, UpkeepError};
use scim_http::edge::{self, Edge};
use scim_http::error::describe_error;

/// Does what time brings, again and again, and then what waits in the background, step by step:
/// between two steps the server can stop.
pub async fn keep_up(upkeep: Arc<Upkeep>, edge: web::Data<Edge>) {
    loop {
        edge::summarize(&edge.sampler);
        let keeper = Arc::clone(&upkeep);
        background(move || keeper.run()).await;
        let watcher = Arc::clone(&upkeep);
        background(move || watcher.watch(watcher.now())).await;
        for _ in 0..LOOKS {
            loop {
                let worker = Arc::clone(&upkeep);
                match background(move || worker.work()).await {
                    Some(true) => {}
                    _ => break,
                }
            }
            sleep(LOOK).await;
        }
    }
}

/// Writes again and again what identity providers looked for and did not find, whatever else is done
/// in the background.
pub async fn note_look_ups(upkeep: Arc<Upkeep>) {
    loop {
        sleep(LOOK).await;
        let keeper = Arc::clone(&upkeep);
        background(move || keeper.note_look_ups()).await;
    }
}

/// What came of work in the background; the log has what went wrong.
pub async fn background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpkeepError> + Send + 'static,
) -> Option<T> {
    match web::block(work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            let reason = describe_error(&error);
            tracing::warn!(reason, "housekeeping failed");
            None
        }
        Err(error) => {
            tracing::error!(%error, "housekeeping was cut short");
            None
        }
    }
}

/// How often somebody looks for work that waits, and how many times before the next housekeeping.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: usize = 10;
