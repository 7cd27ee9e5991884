//! What was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::Timed;
use crate::sender::Answers;

/// The answers of some requests.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    took: Vec<Duration>,
    statuses: BTreeMap<u16, usize>,
}

impl Samples {
    pub(crate) fn add(&mut self, timed: &Timed) {
        self.took.push(timed.took);
        *self.statuses.entry(timed.status).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.took.extend(other.took);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    /// How many requests were answered with something else than was asked for.
    pub(crate) fn failed(&self) -> usize {
        let failed = |status: u16| !(200..300).contains(&status);
        let counts = self.statuses.iter();
        counts.filter(|(s, _)| failed(**s)).map(|(_, n)| n).sum()
    }

    /// The time within which this share of the answers came, in milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let last = took.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list of some thousand samples"
        )]
        let at = (last as f64 * share).round() as usize;
        took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    }
}

fn statuses(answers: &Answers) -> String {
    let shown = answers.iter().map(|(status, count)| match status {
        0 => format!("{count} x no answer"),
        _ => format!("{count} x {status}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// One measurement.
pub(crate) struct Phase {
    /// What the well-behaved configuration felt.
    pub(crate) felt: Samples,
    /// How the hostile one was answered.
    pub(crate) answers: Answers,
}

impl Phase {
    /// A line of the table.
    pub(crate) fn row(&self, name: &str, memory: Option<u64>) -> String {
        let felt = &self.felt;
        format!(
            "| {name} | {} | {:.1} | {:.1} | {:.1} | {} | {} | {} |",
            statuses(&self.answers),
            felt.percentile(0.5),
            felt.percentile(0.99),
            felt.percentile(1.0),
            felt.failed(),
            felt.took.len(),
            memory.map_or_else(String::new, |memory| memory.to_string()),
        )
    }
}

/// The most memory that a process had since it began, in MiB.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
