//! A provisioning cycle: match, create, update, then references, then deletions.

use std::collections::BTreeMap;

use crate::attributes::references;
use crate::client::{Call, CallError, Client};
use crate::comparison::{group_subject, user_subject};
use crate::dialect::Dialect;
use crate::finding::Finding;
use crate::links::Links;
use crate::model::Directory;
use crate::parallel;
use crate::population::Plan;
use crate::report::{PhaseResult, Progress};

mod groups;
mod users;

/// A run against one service provider.
pub(crate) struct Run<'a> {
    /// The HTTP client.
    pub(crate) client: &'a Client,
    /// How this identity provider speaks.
    pub(crate) dialect: &'a dyn Dialect,
    /// What is provisioned.
    pub(crate) plan: &'a Plan,
    /// How many requests are under way at once.
    pub(crate) concurrency: usize,
    /// How progress is shown.
    pub(crate) progress: Progress,
    /// What is known of the other side.
    pub(crate) links: Links,
    /// What went otherwise than it should.
    pub(crate) findings: Vec<Finding>,
    /// The phases that have ended.
    pub(crate) phases: Vec<PhaseResult>,
    /// How often each thing happened.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

/// The server stopped answering.
#[derive(Debug, thiserror::Error)]
#[error("the server stopped answering during \"{phase}\"; {last}")]
pub(crate) struct CutOff {
    phase: String,
    last: String,
}

impl Run<'_> {
    /// Brings the service provider to this state of the directory.
    ///
    /// # Errors
    /// [`CutOff`], when the server stops answering; refused requests are findings.
    pub(crate) fn cycle(&mut self, name: &str, target: &Directory) -> Result<(), CutOff> {
        self.provision_users(name, target)?;
        self.delete_users(name, target)?;
        self.provision_groups(name, target)?;
        self.delete_groups(name, target)?;
        self.provision_managers(name, target)?;
        self.provision_members(name, target)
    }

    /// Deletes everything that the run has made.
    ///
    /// # Errors
    /// [`CutOff`], when the server stops answering.
    pub(crate) fn clean_up(&mut self) -> Result<(), CutOff> {
        let nothing = Directory::default();
        self.delete_groups("clean-up", &nothing)?;
        self.delete_users("clean-up", &nothing)
    }

    /// Does the jobs of a phase in parallel, and keeps what they found.
    pub(crate) fn phase<J: Sync, T: Send>(
        &mut self,
        name: String,
        jobs: &[J],
        work: impl Fn(&Self, &J) -> Outcome<T> + Sync,
    ) -> Result<Vec<T>, CutOff>
    where
        Self: Sync,
    {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let phase = self.progress.phase(name.clone(), jobs.len());
        let this = &*self;
        let stop = || this.client.is_cut_off();
        let outcomes = parallel::each(self.concurrency, jobs, stop, |job| {
            let outcome = work(this, job);
            phase.step();
            outcome
        });
        self.phases.push(phase.finish(self.client.take_samples()));
        let mut results = Vec::new();
        for outcome in outcomes {
            self.findings.extend(outcome.findings);
            for event in outcome.events {
                self.count(event);
            }
            results.extend(outcome.result);
        }
        if self.client.is_cut_off() {
            let last = self.findings.last().map(|finding| finding.found.clone());
            let last = last.unwrap_or_default();
            return Err(CutOff { phase: name, last });
        }
        Ok(results)
    }

    /// Counts something that happened.
    pub(crate) fn count(&mut self, event: &'static str) {
        *self.counts.entry(event).or_default() += 1;
    }

    /// The other names under which an earlier run may have left a user.
    fn other_user_names(&self, number: usize, now: &str) -> Vec<String> {
        [&self.plan.first, &self.plan.second]
            .into_iter()
            .filter_map(|directory| Some(directory.user(number)?.user_name.clone()))
            .filter(|name| name != now)
            .collect()
    }

    /// The other names under which an earlier run may have left a group.
    fn other_group_names(&self, number: usize, now: &str) -> Vec<String> {
        [&self.plan.first, &self.plan.second]
            .into_iter()
            .filter_map(|directory| Some(directory.group(number)?.display_name.clone()))
            .filter(|name| name != now)
            .collect()
    }
}

/// What came of one job.
pub(crate) struct Outcome<T> {
    result: Option<T>,
    events: Vec<&'static str>,
    pub(crate) findings: Vec<Finding>,
}

impl<T> Outcome<T> {
    /// Runs a job whose refused request is a finding about `subject`.
    pub(crate) fn of(subject: &str, job: impl FnOnce(&mut Notes) -> Result<T, CallError>) -> Self {
        let mut notes = Notes::default();
        let result = job(&mut notes)
            .map_err(|error| notes.findings.push(Finding::refused(subject, &error)))
            .ok();
        Self {
            result,
            events: notes.events,
            findings: notes.findings,
        }
    }
}

/// What a job notes besides its result.
#[derive(Default)]
pub(crate) struct Notes {
    events: Vec<&'static str>,
    pub(crate) findings: Vec<Finding>,
}

/// Statuses of a PATCH or PUT that succeeded (RFC 7644 sections 3.5.1 and 3.5.2).
const CHANGED: &[u16] = &[200, 204];
