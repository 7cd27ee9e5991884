//! Writes to people about alerts, on a thread that nobody waits for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use scim_admin::Mailer;
use scim_http::error::describe_error;

/// What writes, until this is dropped.
pub struct Mailing(Arc<AtomicBool>);

impl Mailing {
    /// Starts to write.
    ///
    /// # Errors
    /// When there are no threads.
    pub fn start(mailer: Mailer) -> io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        thread::Builder::new()
            .name("mail".to_owned())
            .spawn(move || write(&mailer, &told))?;
        Ok(Self(ends))
    }
}

impl Drop for Mailing {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn write(mailer: &Mailer, ends: &AtomicBool) {
    while !ends.load(Ordering::Relaxed) {
        if let Err(error) = mailer.step(mailer.now()) {
            let reason = describe_error(&error);
            tracing::warn!(
                reason,
                "nobody is written to about alerts; it is tried again"
            );
        }
        thread::sleep(LOOK);
    }
}

/// How often is looked what to write about.
const LOOK: Duration = Duration::from_secs(5);
