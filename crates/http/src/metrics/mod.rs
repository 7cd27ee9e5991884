//! What is measured, as Prometheus reads it.
//!
//! Requests are counted as they end; everything else is read when somebody asks. Labels are bounded:
//! operations and causes are closed sets, and of configurations the first hundred are told apart.

mod listener;
mod names;
mod operation;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use uuid::Uuid;

pub use self::listener::{Source, serve};
pub use self::names::*;
pub(crate) use self::operation::is_probe;
pub use self::operation::operation;

/// A thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name, as it is exposed.
    pub name: &'static str,
    /// What it is, as a sentence without its full stop.
    pub help: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
}

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows, from the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were at most so long.
    Histogram,
}

/// A value that was read just now.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    metric: Metric,
    labels: Labels,
    value: f64,
}

impl Reading {
    /// A value of a metric.
    pub fn new(metric: Metric, value: f64) -> Self {
        let labels = Labels::new();
        Self {
            metric,
            labels,
            value,
        }
    }

    /// The same of something that a label names.
    #[must_use]
    pub fn of(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}

type Labels = Vec<(&'static str, String)>;

/// What was counted of requests.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    /// The configurations that are told apart.
    known: Mutex<HashSet<Uuid>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        registry.register(bare(&REQUESTS), REQUESTS.help, requests.clone());
        let name = REQUEST_DURATION.name;
        registry.register(name, REQUEST_DURATION.help, durations.clone());
        Self {
            registry,
            requests,
            durations,
            known: Mutex::default(),
        }
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub fn observe(
        &self,
        operation: &str,
        status: u16,
        configuration: Option<Uuid>,
        took: Duration,
    ) {
        let class = format!("{}xx", status / 100);
        let labels = vec![
            ("operation", operation.to_owned()),
            ("status", class),
            ("configuration", self.label_of(configuration)),
        ];
        self.requests.get_or_create(&labels).inc();
        let labels = vec![("operation", operation.to_owned())];
        self.durations
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    fn label_of(&self, configuration: Option<Uuid>) -> String {
        let Some(id) = configuration else {
            return "none".to_owned();
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.contains(&id) || (known.len() < CONFIGURATIONS && known.insert(id)) {
            true => id.to_string(),
            false => "other".to_owned(),
        }
    }

    /// What was counted and what was read, as text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self, readings: Vec<Reading>) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &registry_of(readings))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

fn registry_of(readings: Vec<Reading>) -> Registry {
    let mut of_metric: BTreeMap<&str, Vec<Reading>> = BTreeMap::new();
    for reading in readings {
        of_metric
            .entry(reading.metric.name)
            .or_default()
            .push(reading);
    }
    let mut registry = Registry::default();
    for readings in of_metric.into_values() {
        let Some(metric) = readings.first().map(|reading| reading.metric) else {
            continue;
        };
        if metric.kind == MetricKind::Counter {
            let family: Family<Labels, Counter<f64, AtomicU64>> = Family::default();
            for reading in readings {
                family.get_or_create(&reading.labels).inc_by(reading.value);
            }
            registry.register(bare(&metric), metric.help, family);
        } else {
            let family: Family<Labels, Gauge<f64, AtomicU64>> = Family::default();
            for reading in readings {
                family.get_or_create(&reading.labels).set(reading.value);
            }
            registry.register(metric.name, metric.help, family);
        }
    }
    registry
}

/// The name of a counter before the encoder writes `_total` behind it.
fn bare(metric: &Metric) -> &'static str {
    metric.name.trim_end_matches("_total")
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// How many configurations have a label of their own.
pub const CONFIGURATIONS: usize = 100;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_and_what_is_read_stands_beside_them() {
        let metrics = Metrics::default();
        let id = Uuid::new_v4();
        metrics.observe("users.get", 200, Some(id), Duration::from_millis(3));
        metrics.observe("users.get", 204, Some(id), Duration::from_millis(30));
        metrics.observe("users.get", 404, None, Duration::ZERO);
        let readings = vec![
            Reading::new(STREAM_LAG, 7.0).of("stream", "Ma\"il"),
            Reading::new(ADMISSION_REFUSED, 2.0).of("reason", "server"),
        ];
        let text = metrics.render(readings).unwrap();
        for line in [
            &*format!(
                "serviceops_scim_requests_total{{operation=\"users.get\",status=\"2xx\",configuration=\"{id}\"}} 2"
            ),
            "serviceops_scim_requests_total{operation=\"users.get\",status=\"4xx\",configuration=\"none\"} 1",
            "serviceops_scim_request_duration_seconds_bucket{le=\"0.005\",operation=\"users.get\"} 2",
            "serviceops_scim_request_duration_seconds_count{operation=\"users.get\"} 3",
            "serviceops_scim_stream_lag_changes{stream=\"Ma\\\"il\"} 7.0",
            "serviceops_scim_admission_refused_total{reason=\"server\"} 2.0",
            "# TYPE serviceops_scim_stream_lag_changes gauge",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn configurations_beyond_the_first_are_one() {
        let metrics = Metrics::default();
        for _ in 0..300 {
            metrics.observe("users.get", 200, Some(Uuid::new_v4()), Duration::ZERO);
        }
        let text = metrics.render(Vec::new()).unwrap();
        let series = text.lines().filter(|line| line.starts_with(REQUESTS.name));
        assert_eq!(series.count(), CONFIGURATIONS + 1);
        let other = "configuration=\"other\"} 200";
        assert!(text.contains(other), "{text}");
    }

    #[test]
    fn names_are_told_once_and_as_their_kind_demands() {
        let names: HashSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            assert!(
                metric.name.starts_with("serviceops_scim_"),
                "{}",
                metric.name
            );
            let counts = metric.kind == MetricKind::Counter;
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
        }
    }
}
