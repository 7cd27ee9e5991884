//! A closed loop: each connection sends its next request when the last one is answered.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use memchr::memmem;

use crate::Failed;
use crate::http::{Answer, Target};

/// A request, and what its answer must be.
pub(crate) struct Call {
    pub(crate) request: Vec<u8>,
    pub(crate) status: u16,
    /// What stands in the body, and how often at least.
    pub(crate) holds: Option<(String, usize)>,
}

/// The requests of one connection.
pub(crate) trait Lane: Send {
    /// The next one; `None` when there is nothing left to be done.
    fn next(&mut self) -> Option<Call>;

    /// What came of it.
    fn answered(&mut self, _body: &[u8]) {}
}

/// How long a loop goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) time: Duration,
    /// Requests of all connections together.
    pub(crate) requests: usize,
}

/// What came of a loop.
pub(crate) struct Outcome {
    /// In nanoseconds.
    pub(crate) took: Histogram<u64>,
    pub(crate) elapsed: Duration,
    /// Answers that were not what they must be, by their status.
    pub(crate) wrong: BTreeMap<u16, u64>,
}

impl Outcome {
    fn new() -> Result<Self, Failed> {
        Ok(Self {
            took: Histogram::new_with_bounds(1_000, LONGEST, 3)?,
            elapsed: Duration::ZERO,
            wrong: BTreeMap::new(),
        })
    }

    pub(crate) fn requests(&self) -> u64 {
        self.took.len()
    }

    /// The time within which this share of the answers came, in milliseconds.
    pub(crate) fn milliseconds(&self, quantile: f64) -> f64 {
        Duration::from_nanos(self.took.value_at_quantile(quantile)).as_secs_f64() * 1000.0
    }
}

impl Call {
    pub(crate) fn is_answered_by(&self, answer: Answer<'_>) -> bool {
        let holds = self.holds.as_ref().is_none_or(|(text, times)| {
            let found = memmem::find_iter(answer.body, text.as_bytes());
            found.take(*times).count() == *times
        });
        answer.status == self.status && holds
    }
}

/// Runs every lane on a connection of its own.
pub(crate) fn run<L: Lane>(
    target: &Target,
    lanes: Vec<L>,
    bound: Bound,
) -> Result<Outcome, Failed> {
    let each = bound.requests.div_ceil(lanes.len().max(1));
    // Connected first: what is measured is requests.
    let connections = lanes.iter().map(|_| target.connect());
    let connections = connections.collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let until = began + bound.time;
    let outcomes = thread::scope(|scope| {
        let running: Vec<_> = lanes
            .into_iter()
            .zip(connections)
            .map(|(mut lane, mut connection)| {
                scope.spawn(move || {
                    let mut outcome = Outcome::new()?;
                    for _ in 0..each {
                        if Instant::now() >= until {
                            break;
                        }
                        let Some(call) = lane.next() else { break };
                        let sent = Instant::now();
                        let answer = connection.send(&call.request)?;
                        let took = u64::try_from(sent.elapsed().as_nanos()).unwrap_or(LONGEST);
                        outcome.took.saturating_record(took);
                        if !call.is_answered_by(answer) {
                            *outcome.wrong.entry(answer.status).or_default() += 1;
                        }
                        lane.answered(answer.body);
                    }
                    Ok::<_, Failed>(outcome)
                })
            })
            .collect();
        let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        let ended = ended.map(|lane| lane.map_err(|_panic| Failed::from("a lane panicked")));
        ended.collect::<Vec<_>>()
    });
    let mut whole = Outcome::new()?;
    whole.elapsed = began.elapsed();
    for outcome in outcomes {
        let outcome = outcome??;
        whole.took.add(&outcome.took)?;
        for (status, count) in outcome.wrong {
            *whole.wrong.entry(status).or_default() += count;
        }
    }
    Ok(whole)
}

/// A minute, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;
