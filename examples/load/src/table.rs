//! The table of what was measured.

use std::fmt;
use std::time::Duration;

use crate::closed::Outcome;

/// What a workload is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// A handler that answers the same bytes.
    Bare,
    /// The same rows, written by prepared statements.
    Raw,
    /// Another workload of this run.
    Other(&'static str),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare",
            Self::Raw => "raw",
            Self::Other(name) => name,
        })
    }
}

/// A workload, measured.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) operations: u64,
    pub(crate) elapsed: Duration,
    /// Median, 95th and 99th percentile of the requests, in milliseconds.
    pub(crate) latency: Option<[f64; 3]>,
    /// Of the processor, for all operations: of the server and of the database's processes.
    pub(crate) server: Duration,
    pub(crate) database: Duration,
    /// The most memory of the server meanwhile, in KiB.
    pub(crate) memory: Option<u64>,
    pub(crate) compared: Option<Compared>,
}

/// How a workload compares with its limit, both of the processor for one operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) limit: Limit,
    pub(crate) of: Duration,
    /// The ratio that is aimed at, at most.
    pub(crate) goal: f64,
}

impl Row {
    pub(crate) fn new(name: String, connections: usize, outcome: &Outcome, units: u32) -> Self {
        Self {
            name,
            connections,
            operations: outcome.requests() * u64::from(units),
            elapsed: outcome.elapsed,
            latency: Some([0.5, 0.95, 0.99].map(|share| outcome.milliseconds(share))),
            server: Duration::ZERO,
            database: Duration::ZERO,
            memory: None,
            compared: None,
        }
    }

    /// Of the processor for one operation.
    pub(crate) fn each(&self) -> Duration {
        let all = (self.server + self.database).as_nanos();
        let each = all.checked_div(u128::from(self.operations)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(each).unwrap_or(u64::MAX))
    }

    fn ratio(&self) -> Option<f64> {
        let of = self.compared?.of.as_secs_f64();
        (of > 0.0).then(|| self.each().as_secs_f64() / of)
    }
}

/// The heading of a table.
pub(crate) const HEADING: &str = "\
| workload | connections | operations | a second | p50 ms | p95 ms | p99 ms | CPU ms each | of it database | MiB | limit | x limit | goal |
|---|---|---|---|---|---|---|---|---|---|---|---|---|";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        #[expect(clippy::cast_precision_loss, reason = "operations of some seconds")]
        let operations = self.operations as f64;
        write!(
            f,
            "| {} | {} | {} | {:.0} |",
            self.name,
            self.connections,
            self.operations,
            operations / seconds
        )?;
        match self.latency {
            Some([p50, p95, p99]) => write!(f, " {p50:.2} | {p95:.2} | {p99:.2} |")?,
            None => f.write_str("  |  |  |")?,
        }
        let each = |all: Duration| all.as_secs_f64() * 1000.0 / operations.max(1.0);
        write!(f, " {:.3} |", each(self.server + self.database))?;
        match self.database.is_zero() {
            true => f.write_str("  |")?,
            false => write!(f, " {:.3} |", each(self.database))?,
        }
        match self.memory {
            Some(memory) => write!(f, " {} |", memory / 1024)?,
            None => f.write_str("  |")?,
        }
        match (self.compared, self.ratio()) {
            (Some(compared), Some(ratio)) => {
                write!(f, " {} | {ratio:.2} | {} |", compared.limit, compared.goal)
            }
            _ => f.write_str("  |  |  |"),
        }
    }
}
