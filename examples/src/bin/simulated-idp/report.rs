//! Progress while the run lasts, and what is printed at its end.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::client::Samples;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not at all.
    Quiet,
    /// One line when a phase ends.
    Lines,
    /// A bar that moves.
    Bars,
}

impl Progress {
    /// Bars on a terminal, lines elsewhere, nothing when asked for.
    pub(crate) fn choose(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if std::io::stderr().is_terminal() {
            Self::Bars
        } else {
            Self::Lines
        }
    }

    /// Begins a phase of so many steps.
    pub(crate) fn phase(self, name: String, steps: usize) -> Phase {
        let target = match self {
            Self::Bars => ProgressDrawTarget::stderr(),
            Self::Quiet | Self::Lines => ProgressDrawTarget::hidden(),
        };
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(steps), target).with_message(name.clone());
        let layout = "{msg:38} [{bar:30}] {pos:>6}/{len:6} {elapsed:>4}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(layout) {
            bar.set_style(style.progress_chars("=> "));
        }
        Phase {
            name,
            bar,
            progress: self,
            started: Instant::now(),
        }
    }
}

/// A phase that is under way.
#[derive(Debug)]
pub(crate) struct Phase {
    name: String,
    bar: ProgressBar,
    progress: Progress,
    started: Instant,
}

impl Phase {
    /// One step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// So much of so much is done.
    pub(crate) fn reach(&self, position: u64, length: u64) {
        self.bar.set_length(length);
        self.bar.set_position(position);
    }

    /// Ends the phase.
    pub(crate) fn finish(self, samples: Samples) -> PhaseResult {
        let result = PhaseResult {
            steps: self.bar.position(),
            name: self.name,
            elapsed: self.started.elapsed(),
            samples,
        };
        self.bar.finish_and_clear();
        if self.progress != Progress::Quiet {
            eprintln!("{}", result.line());
        }
        result
    }
}

/// A phase that has ended.
#[derive(Debug)]
pub(crate) struct PhaseResult {
    name: String,
    steps: u64,
    elapsed: Duration,
    samples: Samples,
}

impl PhaseResult {
    fn line(&self) -> String {
        let Self { name, steps, .. } = self;
        let requests = self.samples.durations.len();
        let seconds = self.elapsed.as_secs_f64();
        format!("{name}: {steps} done, {requests} requests, {seconds:.1} s")
    }

    fn row(&self) -> String {
        let requests = self.samples.durations.len();
        format!(
            "{:<38} {:>7} {:>8} {:>6} {:>8} {:>8.1} {:>7.0} {:>8.1} {:>8.1} {:>8.1}",
            self.name,
            self.steps,
            requests,
            self.samples.failed,
            self.samples.repeated,
            self.elapsed.as_secs_f64(),
            self.rate(),
            milliseconds(self.percentile(50)),
            milliseconds(self.percentile(95)),
            milliseconds(self.percentile(100)),
        )
    }

    fn to_json(&self) -> Value {
        json!({
            "phase": self.name,
            "done": self.steps,
            "requests": self.samples.durations.len(),
            "failed": self.samples.failed,
            "repeated": self.samples.repeated,
            "seconds": rounded(self.elapsed.as_secs_f64()),
            "requestsPerSecond": rounded(self.rate()),
            "medianMilliseconds": rounded(milliseconds(self.percentile(50))),
            "percentile95Milliseconds": rounded(milliseconds(self.percentile(95))),
            "slowestMilliseconds": rounded(milliseconds(self.percentile(100))),
        })
    }

    fn rate(&self) -> f64 {
        let requests = u32::try_from(self.samples.durations.len()).unwrap_or(u32::MAX);
        f64::from(requests) / self.elapsed.as_secs_f64().max(0.001)
    }

    fn percentile(&self, percent: usize) -> Duration {
        let mut durations = self.samples.durations.clone();
        durations.sort_unstable();
        let rank = (durations.len() * percent).div_ceil(100).max(1) - 1;
        durations.get(rank).copied().unwrap_or_default()
    }
}

/// The table of all phases.
pub(crate) fn table(phases: &[PhaseResult]) -> String {
    let mut lines = vec![format!(
        "{:<38} {:>7} {:>8} {:>6} {:>8} {:>8} {:>7} {:>8} {:>8} {:>8}",
        "phase",
        "done",
        "requests",
        "failed",
        "repeated",
        "seconds",
        "req/s",
        "ms 50%",
        "ms 95%",
        "ms max"
    )];
    lines.extend(phases.iter().map(PhaseResult::row));
    let all = PhaseResult {
        name: "all".to_owned(),
        steps: phases.iter().map(|phase| phase.steps).sum(),
        elapsed: phases.iter().map(|phase| phase.elapsed).sum(),
        samples: Samples {
            durations: phases
                .iter()
                .flat_map(|phase| phase.samples.durations.iter().copied())
                .collect(),
            failed: phases.iter().map(|phase| phase.samples.failed).sum(),
            repeated: phases.iter().map(|phase| phase.samples.repeated).sum(),
        },
    };
    lines.push(all.row());
    lines.join("\n")
}

/// The phases as JSON.
pub(crate) fn phases_json(phases: &[PhaseResult]) -> Value {
    phases.iter().map(PhaseResult::to_json).collect()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(milliseconds: &[u64]) -> PhaseResult {
        let durations = milliseconds
            .iter()
            .map(|ms| Duration::from_millis(*ms))
            .collect();
        PhaseResult {
            name: "users".to_owned(),
            steps: 2,
            elapsed: Duration::from_secs(2),
            samples: Samples {
                durations,
                failed: 1,
                repeated: 0,
            },
        }
    }

    #[test]
    fn percentiles_are_of_the_sorted_durations() {
        let result = result(&[30, 10, 20, 40]);
        assert_eq!(result.percentile(50), Duration::from_millis(20));
        assert_eq!(result.percentile(95), Duration::from_millis(40));
        assert_eq!(result.percentile(100), Duration::from_millis(40));
    }

    #[test]
    fn a_phase_without_requests_has_a_row() {
        assert_eq!(result(&[]).percentile(95), Duration::ZERO);
        assert!(table(&[result(&[])]).contains("users"));
    }

    #[test]
    fn the_last_row_sums_up() {
        let table = table(&[result(&[10]), result(&[20, 30])]);
        let last: Vec<&str> = table
            .lines()
            .last()
            .unwrap_or("")
            .split_whitespace()
            .collect();
        assert_eq!(last.get(..5), Some(&["all", "4", "3", "2", "0"][..]));
    }
}
