//! The one writer of a SQLite database.
//!
//! Writes queue up; one thread takes them in batches, runs each in a savepoint of its own, commits
//! once for the batch, and answers after the commit. A full queue is answered at once.
//!
//! What takes longer, a piece of a bulk request, waits aside: a batch begins with it or has none, and
//! those that wait are in turn with batches of all others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use libsqlite3_sys::{SQLITE_BUSY, SQLITE_LOCKED, SQLITE_OK};
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::error::{Faulty, failed};
use crate::health::Health;
use crate::spans;
use crate::sqlite::checkpointed;
use crate::target::Target;

/// A write: run inside a savepoint, it says whether to keep what it did, and how to answer. It is
/// given an error instead of a connection when no transaction could begin.
pub(crate) type Job = Box<dyn FnOnce(Result<&mut Connection, StoreError>) -> Done + Send>;

/// What a write did.
pub(crate) struct Done {
    /// Whether the savepoint is kept.
    pub(crate) keep: bool,
    /// How the database failed, where that is why it is not kept.
    pub(crate) fault: Option<StoreError>,
    /// Answers; is told why when the batch could not be committed.
    pub(crate) reply: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

pub(crate) struct Writer {
    queues: Option<Queues<Sender<Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// Two ends of the queues.
struct Queues<E> {
    /// Of ordinary writes.
    brief: E,
    /// Of those that take longer.
    long: E,
}

/// Those who wait for the writer with ordinary writes.
#[derive(Clone)]
pub(crate) struct Waiting(Sender<Job>);

impl Waiting {
    pub(crate) fn is_anybody(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Writer {
    /// Starts the writer on a connection of its own.
    pub(crate) fn start(
        target: Target,
        connection: Connection,
        health: Arc<Health>,
    ) -> std::io::Result<Self> {
        let (brief, jobs) = bounded(QUEUED);
        let (long, others) = bounded(QUEUED);
        let jobs = Queues {
            brief: jobs,
            long: others,
        };
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(&target, connection, &jobs, &health))?;
        Ok(Self {
            queues: Some(Queues { brief, long }),
            thread: Some(thread),
        })
    }

    /// Those who wait with ordinary writes.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        let queues = self.queues.as_ref()?;
        Some(Waiting(queues.brief.clone()))
    }

    /// How many writes wait, ordinary ones and those that take longer.
    pub(crate) fn queued(&self) -> usize {
        let queues = self.queues.as_ref();
        queues.map_or(0, |queues| queues.brief.len() + queues.long.len())
    }

    /// Queues a write and waits for its answer.
    pub(crate) fn write<T: Send + 'static, E: From<StoreError> + Faulty + Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        send(self.queues.as_ref().map(|queues| &queues.brief), work)
    }

    /// Queues a write that takes longer, for which ordinary ones do not wait, and waits for its
    /// answer.
    pub(crate) fn write_aside<T: Send + 'static, E: From<StoreError> + Faulty + Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        send(self.queues.as_ref().map(|queues| &queues.long), work)
    }
}

fn send<T: Send + 'static, E: From<StoreError> + Faulty + Send + 'static>(
    queue: Option<&Sender<Job>>,
    work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let (answer, answered) = bounded(1);
    let span = spans::writing(spans::SQLITE);
    let _entered = span.enter();
    let waiting = spans::waiting_for_writer();
    let within = span.clone();
    let job: Job = Box::new(move |connection| {
        drop(waiting);
        let result = connection.map_err(E::from).and_then(work);
        let committing = within.in_scope(spans::committing);
        drop(within);
        Done {
            keep: result.is_ok(),
            fault: result.as_ref().err().and_then(Faulty::fault).cloned(),
            reply: Box::new(move |committed| {
                drop(committing);
                // Whoever asked may be gone; the work is done all the same.
                let _gone = answer.send(committed.map_err(E::from).and(result));
            }),
        }
    });
    let queue = queue.ok_or(StoreError::Busy)?;
    match queue.try_send(job) {
        Ok(()) => {}
        Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
            return Err(StoreError::Busy.into());
        }
    }
    let written = answered
        .recv()
        .unwrap_or_else(|_| Err(failed("the write did not run to its end").into()));
    spans::failed(&span, written.as_ref().err().and_then(Faulty::fault));
    written
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queues.take());
        if let Some(thread) = self.thread.take() {
            // What was queued is written before the database is closed.
            let _panicked = thread.join();
        }
    }
}

fn run(target: &Target, mut connection: Connection, jobs: &Queues<Receiver<Job>>, health: &Health) {
    let mut left_out = false;
    let mut behind = Behind::default();
    connection.link.watch_checkpoints();
    while let Some((first, long)) = next(jobs, left_out) {
        if !batch(target, &mut connection, first, &jobs.brief, health) {
            match target.connect() {
                Ok(mut fresh) => {
                    fresh.go_by(connection.environment());
                    connection = fresh;
                }
                Err(error) => tracing::error!(%error, "the database cannot be opened again"),
            }
            connection.link.watch_checkpoints();
        }
        behind.note(checkpointed());
        left_out = !long && !jobs.long.is_empty();
    }
}

/// Whether what is committed stays in the write-ahead log, because the database's own file cannot be
/// written: nothing is lost and nothing is refused, but the log grows until its disk is full.
#[derive(Default)]
struct Behind(bool);

impl Behind {
    /// Notes what came of a checkpoint, if there was one; the server's log is told of each change.
    fn note(&mut self, code: Option<i32>) {
        let Some(code) = code else { return };
        let behind = match code & 0xff {
            // Somebody who reads what was there before, or writes, says nothing of the disk.
            SQLITE_BUSY | SQLITE_LOCKED => return,
            other => other != SQLITE_OK,
        };
        match (self.0, behind) {
            (false, true) => tracing::error!(
                code,
                "SQLite cannot write to the database's file; what is committed is safe in the \
                 write-ahead log beside it, which grows until it can"
            ),
            (true, false) => {
                tracing::info!("SQLite writes to the database's file again");
            }
            _ => {}
        }
        self.0 = behind;
    }
}

/// The job that the next batch begins with, and whether it is a long one; waits for one. A long one
/// that waited during the last batch goes first, so that its turn comes.
fn next(jobs: &Queues<Receiver<Job>>, long_first: bool) -> Option<(Job, bool)> {
    if long_first && let Ok(job) = jobs.long.try_recv() {
        return Some((job, true));
    }
    crossbeam_channel::select_biased! {
        recv(jobs.brief) -> job => match job {
            Ok(job) => Some((job, false)),
            // Nobody queues anything any more; what is there is written.
            Err(_closed) => Some((jobs.long.recv().ok()?, true)),
        },
        recv(jobs.long) -> job => match job {
            Ok(job) => Some((job, true)),
            Err(_closed) => Some((jobs.brief.recv().ok()?, false)),
        },
    }
}

/// Runs a batch that begins with a job, with whatever else is brief: a long one is answered no sooner
/// behind others, and they would wait for it. Answers whether the connection can be used further.
fn batch(
    target: &Target,
    connection: &mut Connection,
    first: Job,
    jobs: &Receiver<Job>,
    health: &Health,
) -> bool {
    let in_place = target.check_in_place();
    if let Err(error) = in_place.and_then(|()| connection.batch("BEGIN IMMEDIATE")) {
        let usable = leaves_sound(&error);
        health.note(Some(&error));
        (first(Err(error)).reply)(Ok(()));
        return usable;
    }
    let began = Instant::now();
    let mut replies = Vec::new();
    let mut next = Some(first);
    let mut outcome = Ok(());
    let mut met = Met::default();
    while let Some(job) = next {
        outcome = one(connection, job, &mut replies, &mut met);
        if outcome.is_err() {
            break;
        }
        let more = replies.len() < BATCH && began.elapsed() < BATCH_TIME;
        next = more.then(|| jobs.try_recv().ok()).flatten();
    }
    let outcome = outcome.and_then(|()| connection.batch("COMMIT"));
    // Nobody is told that something is kept which stands in a file that is not there any more.
    let outcome = outcome.and_then(|()| target.check_in_place());
    if outcome.is_err() {
        // The engine may have rolled back by itself.
        connection.roll_back();
    }
    match (&outcome, &met.fault) {
        (Err(fault), _) | (Ok(()), Some(fault)) => health.note(Some(fault)),
        (Ok(()), None) if met.kept => health.note(None),
        (Ok(()), None) => {}
    }
    for reply in replies {
        reply(outcome.clone());
    }
    outcome.as_ref().err().is_none_or(leaves_sound)
}

/// Whether a connection works on after a fault that its transaction met.
fn leaves_sound(fault: &StoreError) -> bool {
    matches!(
        fault,
        StoreError::Busy | StoreError::Full(_) | StoreError::Replaced(_)
    )
}

/// What the jobs of a batch met.
#[derive(Default)]
struct Met {
    /// Whether one of them wrote anything.
    kept: bool,
    /// How the database failed one of them.
    fault: Option<StoreError>,
}

type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Runs a job in a savepoint. A job that panics is rolled back and answered by the channel it
/// drops; an error means that the transaction itself is lost.
fn one(
    connection: &mut Connection,
    job: Job,
    replies: &mut Vec<Reply>,
    met: &mut Met,
) -> Result<(), StoreError> {
    if let Err(error) = connection.say_again("SAVEPOINT job") {
        replies.push(job(Err(error.clone())).reply);
        return Err(error);
    }
    let done = catch_unwind(AssertUnwindSafe(|| job(Ok(connection)))).ok();
    let mut keep = false;
    if let Some(done) = done {
        keep = done.keep;
        met.kept |= keep;
        met.fault = done.fault.filter(StoreError::is_fault).or(met.fault.take());
        replies.push(done.reply);
    }
    let ended = match keep {
        true => connection.end_speech(),
        false => connection.batch("ROLLBACK TO job"),
    };
    // Where the engine has rolled back everything, what made it do so is the reason.
    connection.forget_speech();
    let ended = ended.and_then(|()| connection.say_again("RELEASE job"));
    ended.map_err(|lost| met.fault.clone().unwrap_or(lost))
}

const QUEUED: usize = 1024;
const BATCH: usize = 128;
const BATCH_TIME: Duration = Duration::from_millis(50);
