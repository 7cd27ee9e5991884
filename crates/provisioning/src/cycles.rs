//! Cycles of identity providers, which begin after silence and end by it.
//!
//! Requests are counted here and written every second or two: a read is not worth a write of its own.
//! The first write of a cycle has the directory begin it, so that what it changes is part of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::caller::Caller;
use crate::configuration::Configuration;
use crate::directory::StoreError;
use crate::id::{ConfigurationId, RunId};
use crate::run::{CycleRequests, LONGEST_CYCLE, OpenCycle, RequestCounts, SILENCE};
use crate::service::ServiceProvider;

/// The cycles of all configurations, as far as this process knows them.
#[derive(Debug)]
pub(crate) struct Cycles {
    silence: AtomicI64,
    known: Mutex<HashMap<ConfigurationId, Known>>,
}

/// What is known of the cycle of a configuration.
#[derive(Debug)]
struct Known {
    name: String,
    open: Option<OpenCycle>,
    /// When the last request came.
    last: DateTime<Utc>,
    /// What was counted and is not written yet: since when, and how much.
    counted: Option<(DateTime<Utc>, RequestCounts)>,
}

impl Default for Cycles {
    fn default() -> Self {
        Self {
            silence: AtomicI64::new(SILENCE.num_milliseconds()),
            known: Mutex::default(),
        }
    }
}

impl Cycles {
    fn silence(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.silence.load(Ordering::Relaxed))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ConfigurationId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request.
    fn note(&self, configuration: &Configuration, one: RequestCounts, now: DateTime<Utc>) {
        let mut known = self.known();
        let cycle = known.entry(configuration.id).or_insert_with(|| Known {
            name: String::new(),
            open: None,
            last: now,
            counted: None,
        });
        if cycle.name != configuration.name {
            cycle.name.clone_from(&configuration.name);
        }
        if now - cycle.last > self.silence() {
            cycle.open = None;
        }
        cycle.last = cycle.last.max(now);
        let (_, counted) = cycle
            .counted
            .get_or_insert_with(|| (now, Default::default()));
        counted.add(one);
    }

    /// The run of the cycle that is under way, where this process knows it.
    pub(crate) fn current(
        &self,
        configuration: ConfigurationId,
        now: DateTime<Utc>,
    ) -> Option<RunId> {
        let known = self.known();
        let cycle = known.get(&configuration)?;
        let open = cycle.open?;
        let goes_on = now - cycle.last <= self.silence() && now - open.began < LONGEST_CYCLE;
        goes_on.then_some(open.run)
    }

    /// What was counted of a configuration and is not written yet; where that is nothing, a cycle
    /// that begins now.
    fn begin(&self, configuration: &Configuration, now: DateTime<Utc>) -> CycleRequests {
        let mut known = self.known();
        let counted = known.get_mut(&configuration.id);
        let counted = counted.and_then(|cycle| Some((cycle.last, cycle.counted.take()?)));
        let (last, (mut first, counted)) =
            counted.unwrap_or_else(|| (now, (now, Default::default())));
        if now - last > self.silence() {
            // Nobody wrote what was counted before the silence.
            first = now;
        }
        CycleRequests {
            configuration: configuration.id,
            name: configuration.name.clone(),
            first,
            last: last.max(now),
            silence: self.silence(),
            counted,
        }
    }

    /// Keeps what the directory says of a cycle.
    fn keep(&self, configuration: &Configuration, open: Option<OpenCycle>, now: DateTime<Utc>) {
        let mut known = self.known();
        let cycle = known.entry(configuration.id).or_insert_with(|| Known {
            name: configuration.name.clone(),
            open,
            last: now,
            counted: None,
        });
        cycle.open = open;
        cycle.last = cycle.last.max(now);
    }

    /// Takes what was counted and is not written yet.
    fn take(&self) -> Vec<CycleRequests> {
        let silence = self.silence();
        let mut known = self.known();
        let counted = known.iter_mut().filter_map(|(id, cycle)| {
            let (first, counted) = cycle.counted.take()?;
            Some(CycleRequests {
                configuration: *id,
                name: cycle.name.clone(),
                first,
                last: cycle.last,
                silence,
                counted,
            })
        });
        counted.collect()
    }

    /// Puts back what could not be written.
    fn put_back(&self, requests: &CycleRequests) {
        if let Some(cycle) = self.known().get_mut(&requests.configuration) {
            let none = || (requests.first, Default::default());
            let (first, counted) = cycle.counted.get_or_insert_with(none);
            *first = requests.first.min(*first);
            counted.add(requests.counted);
        }
    }

    /// Notes of which cycle requests were that are written.
    fn found(&self, requests: &CycleRequests, open: Option<OpenCycle>) {
        if let Some(cycle) = self.known().get_mut(&requests.configuration) {
            cycle.open = open;
        }
    }
}

impl ServiceProvider {
    /// Sets after how much silence of an identity provider a cycle is over.
    pub fn set_cycle_silence(&self, silence: TimeDelta) {
        let millis = silence.num_milliseconds();
        self.cycles.silence.store(millis, Ordering::Relaxed);
    }

    /// Writes how many requests came since the last time.
    ///
    /// # Errors
    /// [`StoreError`] when they could not be written; they are written the next time.
    pub fn count_cycles(&self) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for requests in self.cycles.take() {
            let noted = match self.rehearsal {
                Some(run) => self
                    .directory
                    .note_requests(run, requests.counted)
                    .map(|()| None),
                None => self.directory.note_cycle(&requests),
            };
            match noted {
                Ok(open) => self.cycles.found(&requests, open),
                Err(error) => {
                    self.cycles.put_back(&requests);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    /// Counts a request of an identity provider, or one that is a run of its own.
    pub(crate) fn note_request(&self, caller: &Caller, reads: bool, unchanged: u64) {
        let one = RequestCounts {
            requests: 1,
            reads: u64::from(reads),
            unchanged,
        };
        match (&caller.actor, caller.run) {
            (None, _) => {
                let now = self.environment().now();
                self.cycles.note(&caller.configuration, one, now);
            }
            (Some(_), Some(run)) => {
                if let Err(error) = self.directory.note_requests(run, one) {
                    tracing::warn!(%run, %error, "a request is not counted of its run");
                }
            }
            (Some(_), None) => {}
        }
    }

    /// The run of which a request is part. A write begins the cycle that it is the first of; a read
    /// leaves that to whoever writes the counts.
    pub(crate) fn run_of(
        &self,
        caller: &Caller,
        reads: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, StoreError> {
        if self.rehearsal.is_some() {
            return Ok(self.rehearsal);
        }
        if caller.actor.is_some() {
            return Ok(caller.run);
        }
        let configuration = &caller.configuration;
        let current = self.cycles.current(configuration.id, now);
        if current.is_some() || reads {
            return Ok(current);
        }
        let requests = self.cycles.begin(configuration, now);
        let noted = self.directory.note_cycle(&requests);
        if noted.is_err() {
            self.cycles.put_back(&requests);
        }
        let open = noted?;
        self.cycles.keep(configuration, open, now);
        Ok(open.map(|open| open.run))
    }
}
