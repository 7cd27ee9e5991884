//! What time brings: what was counted is written, what is old goes, what waits is done.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::Failure;

use crate::instance::ClockDoubt;
use crate::mailing::{Mailer, Postman};
use crate::pruning::{KnownTime, Pruned};
use crate::requests::RequestCounts;
use crate::watching::Watcher;
use crate::{AdminError, Services};

/// How many days the provisioning log keeps something, where not for good.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Its entries.
    pub events: Option<i64>,
    /// What the requests of its entries said.
    pub requests: Option<i64>,
    /// How many days changes stay in the feed that every stream has.
    pub changes: i64,
    /// What rows were before runs, so that those can be taken back.
    pub images: i64,
}

/// Why upkeep could not be done; it is tried again later.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The administrators' service could not.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The service provider could not.
    #[error(transparent)]
    Provider(#[from] Failure),
}

/// The upkeep of an instance.
pub struct Upkeep {
    services: Services,
    requests: Arc<RequestCounts>,
    retention: Retention,
    /// When it was last done to its end, or before that when it began, in seconds since 1970.
    done: AtomicI64,
    /// What was deleted since the audit was told of it.
    pruned: Mutex<Pruned>,
    /// Whether the log was told that the clock is not believed.
    doubt_told: AtomicBool,
    watcher: Watcher,
}

impl Upkeep {
    /// The upkeep of these services; `requests` is what whoever answers counts.
    pub fn new(services: Services, requests: Arc<RequestCounts>, retention: Retention) -> Self {
        let began = services.admin.now();
        Self {
            watcher: Watcher::new(services.clone(), Box::new(|| None)),
            services,
            requests,
            retention,
            done: AtomicI64::new(began.timestamp()),
            pruned: Mutex::default(),
            doubt_told: AtomicBool::default(),
        }
    }

    /// The same, which also looks at when the certificate ends that the server presents.
    #[must_use]
    pub fn watching(
        self,
        certificate: impl Fn() -> Option<DateTime<Utc>> + Send + Sync + 'static,
    ) -> Self {
        let watcher = Watcher::new(self.services.clone(), Box::new(certificate));
        Self { watcher, ..self }
    }

    /// Who writes to people about the alerts that this server raises; `console` is where the console
    /// is, to whose pages letters link.
    pub fn mailer(&self, postman: Arc<dyn Postman>, console: impl Into<String>) -> Mailer {
        self.watcher.mailer(postman, console.into())
    }

    /// The time, as everything is kept up by.
    pub fn now(&self) -> DateTime<Utc> {
        self.services.admin.now()
    }

    /// Looks for what needs somebody and raises alerts of it, unless another server does.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    pub fn watch(&self, now: DateTime<Utc>) -> Result<(), UpkeepError> {
        self.watcher.look(now)?;
        Ok(())
    }

    /// When what time brings was last done to its end, by this process; before that, when it began
    /// to be due: a process in which it never succeeds falls behind as well.
    pub fn done_until(&self) -> DateTime<Utc> {
        let done = self.done.load(Ordering::Relaxed);
        DateTime::from_timestamp(done, 0).unwrap_or_default()
    }

    /// Does what time brings, such as deleting for good whose time has come.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    pub fn run(&self) -> Result<(), UpkeepError> {
        let Services {
            admin, provider, ..
        } = &self.services;
        admin.refresh_keys();
        provider.log_refusals();
        self.note_look_ups()?;
        provider.count_cycles().map_err(AdminError::from)?;
        admin.count_rehearsed();
        admin.end_cycles()?;
        admin.forget_old_copies()?;
        let counts = self.requests.take();
        if !counts.is_empty() {
            admin.count_requests(counts)?;
        }
        let seen = provider.take_seen();
        if !seen.is_empty() {
            admin.note_seen(seen)?;
        }
        admin.forget_sessions()?;
        admin.note_ended_tokens()?;
        admin.delete_ended_streams()?;
        admin.count_hours()?;
        for _ in 0..BLOCKS {
            if !admin.fill_terms(FILLED)? {
                break;
            }
        }
        let (now, known) = (admin.now(), admin.known_time()?);
        match known.judge(now) {
            Some(doubt) => self.doubt(known, doubt)?,
            None => self.prune(now, known)?,
        }
        self.done.store(admin.now().timestamp(), Ordering::Relaxed);
        Ok(())
    }

    /// Notes that the clock is not believed: nothing is deleted for its age.
    fn doubt(&self, known: KnownTime, doubt: ClockDoubt) -> Result<(), UpkeepError> {
        if !self.doubt_told.swap(true, Ordering::Relaxed) {
            tracing::error!(
                now = doubt.at.to_rfc3339(),
                last = known.last.map(|last| last.to_rfc3339()),
                since = doubt.since.to_rfc3339(),
                "the clock went ahead by days since it was looked at last, or the server was off for \
                 days: nothing is deleted for its age until that is a day ago. Set the clock if it is \
                 wrong"
            );
        }
        if known.is_doubt_news(doubt) {
            self.services.admin.note_doubt(doubt)?;
        }
        Ok(())
    }

    /// Deletes what is old.
    fn prune(&self, now: DateTime<Utc>, known: KnownTime) -> Result<(), UpkeepError> {
        let Services { admin, feed, .. } = &self.services;
        self.doubt_told.store(false, Ordering::Relaxed);
        let mut pruned = Pruned::default();
        let forgotten = usize::try_from(FORGOTTEN).unwrap_or(usize::MAX);
        for _ in 0..BLOCKS {
            if admin.forget_look_ups(FORGOTTEN)? < forgotten {
                break;
            }
        }
        let whole = usize::try_from(PURGED).unwrap_or(usize::MAX);
        loop {
            let purged = admin.purge_people(now, PURGED)?;
            pruned.people += purged;
            if purged != whole {
                break;
            }
        }
        pruned.events = block_by_block(now, self.retention.events, |before| {
            admin.forget_events(before, FORGOTTEN)
        })?;
        pruned.requests = block_by_block(now, self.retention.requests, |before| {
            admin.forget_requests(before, FORGOTTEN)
        })?;
        block_by_block(now, self.retention.events, |before| {
            admin.forget_runs(before, FORGOTTEN)
        })?;
        block_by_block(now, Some(self.retention.images), |before| {
            admin.forget_images(before, FORGOTTEN)
        })?;
        block_by_block(now, Some(ALERT_DAYS), |before| {
            admin.forget_alerts(before, FORGOTTEN)
        })?;
        pruned.changes = block_by_block(now, Some(self.retention.changes), |before| {
            let broken = now - Duration::days(BROKEN_DAYS);
            let (broken, forgotten) = feed.forget_changes(before, broken.min(before), FORGOTTEN)?;
            for stream in broken {
                tracing::error!(
                    stream,
                    "the stream lacks changes that are kept no longer: it was away for more than \
                     {BROKEN_DAYS} days, or the feed was restarted; it begins again with a snapshot"
                );
            }
            Ok(forgotten)
        })?;
        if !pruned.is_empty() {
            let Pruned {
                people,
                events,
                requests,
                changes,
            } = pruned;
            tracing::info!(people, events, requests, changes, "deleted for its age");
        }
        let mut untold = self.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        untold.add(pruned);
        if known.is_news(now) {
            admin.note_upkeep(now, *untold)?;
            *untold = Pruned::default();
        }
        Ok(())
    }

    /// Writes what identity providers looked for and did not find.
    ///
    /// # Errors
    /// Why it could not be done; what was not written is lost.
    pub fn note_look_ups(&self) -> Result<(), UpkeepError> {
        let Services {
            admin, provider, ..
        } = &self.services;
        Ok(admin.note_look_ups(provider.take_look_ups())?)
    }

    /// Does a step of the work that waits in the background, such as applying rules anew; answers
    /// whether there was any.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    pub fn work(&self) -> Result<bool, UpkeepError> {
        let Services {
            admin, provider, ..
        } = &self.services;
        admin.count_rehearsed();
        // Counted again the next time; `run` tells why it was not possible.
        if provider.count_cycles().is_err() || !admin.work_waits()? {
            return Ok(false);
        }
        let stepped = admin.step_deletion(None)?.is_some()
            || admin.step_undo(None)?.is_some()
            || admin.step_going_live(None)?.is_some();
        if stepped {
            return Ok(true);
        }
        let Some(job) = admin.claim_job(None)? else {
            return Ok(admin.next_survey(provider)?);
        };
        let configuration = admin.configuration(job.configuration)?.to_provisioning();
        provider.reapply(&configuration, &job)?;
        Ok(true)
    }
}

/// Forgets what is older than so many days, by what forgets at most [`FORGOTTEN`] of it; answers how
/// much.
fn block_by_block(
    now: DateTime<Utc>,
    days: Option<i64>,
    forget: impl Fn(DateTime<Utc>) -> Result<usize, AdminError>,
) -> Result<usize, AdminError> {
    let Some(days) = days else { return Ok(0) };
    let before = now - Duration::days(days);
    let mut all = 0;
    // The rest of many waits for the next time, so that nobody waits for them.
    for _ in 0..BLOCKS {
        let forgotten = forget(before)?;
        all += forgotten;
        if forgotten < usize::try_from(FORGOTTEN).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(all)
}

/// How many entries of the log a transaction deletes or shortens, and how many transactions there are at once.
const FORGOTTEN: i64 = 1_000;
/// For how many days changes wait for a stream that does not take them.
const BROKEN_DAYS: i64 = 30;
/// For how many days alerts are kept that are over.
const ALERT_DAYS: i64 = 90;
const BLOCKS: usize = 20;
/// For how many people a transaction keeps by which words they are found.
const FILLED: i64 = 500;
/// How many users a transaction deletes for good.
const PURGED: i64 = 100;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// From when on is kept, of each time that something was forgotten.
    fn asked(days: Option<i64>, forgotten: &[i64]) -> Vec<DateTime<Utc>> {
        let asked = RefCell::new(Vec::new());
        block_by_block(Utc::now(), days, |before| {
            let times = asked.borrow().len();
            asked.borrow_mut().push(before);
            let count = forgotten.get(times).copied().unwrap_or(FORGOTTEN);
            Ok(usize::try_from(count).unwrap())
        })
        .unwrap();
        asked.into_inner()
    }

    #[test]
    fn what_is_old_is_forgotten_in_bounded_blocks() {
        assert!(asked(None, &[]).is_empty());
        assert_eq!(asked(Some(30), &[FORGOTTEN, 3]).len(), 2);
        let all = asked(Some(30), &[]);
        assert_eq!(all.len(), BLOCKS);
        let ago = Utc::now() - all[0];
        assert_eq!(ago.num_days(), 30);
    }
}
