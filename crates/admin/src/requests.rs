//! How many requests came, reads included.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, DurationRound, Utc};
use scim_provisioning::{ConfigurationId, Outcome};

use crate::event::Activity;

/// Counts of requests that are not written yet: a read is not worth a write of its own.
#[derive(Debug, Default)]
pub struct RequestCounts(Mutex<HashMap<Key, i64>>);

type Key = (ConfigurationId, DateTime<Utc>, Outcome);

impl RequestCounts {
    /// Counts a request by the status of its answer.
    pub fn note(
        &self,
        configuration: ConfigurationId,
        reads: bool,
        status: u16,
        at: DateTime<Utc>,
    ) {
        let outcome = match status {
            ..400 => Outcome::Success,
            // To look for what is gone is answered well.
            404 if reads => Outcome::Success,
            // It is to be sent again.
            429 | 503 => Outcome::Skipped,
            _ => Outcome::Failure,
        };
        let hour = at.duration_trunc(Duration::hours(1)).unwrap_or(at);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((configuration, hour, outcome)).or_default() += 1;
    }

    /// What was counted since this was asked last.
    pub fn take(&self) -> Vec<Activity> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .drain()
            .map(|((configuration, hour, outcome), entries)| Activity {
                configuration,
                hour,
                outcome,
                entries,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_hour_and_by_how_they_were_answered() {
        let counts = RequestCounts::default();
        let id = ConfigurationId::new();
        let at: DateTime<Utc> = "2026-11-24T10:59:59Z".parse().unwrap();
        for (reads, status) in [
            (true, 200),
            (true, 404),
            (false, 201),
            (false, 404),
            (false, 409),
            (true, 429),
            (false, 503),
            (false, 500),
        ] {
            counts.note(id, reads, status, at);
        }
        counts.note(id, true, 200, at + Duration::seconds(1));
        let mut taken = counts.take();
        taken.sort_by_key(|one| (one.hour, one.outcome.as_str()));
        let taken: Vec<_> = taken
            .iter()
            .map(|one| (one.hour.to_rfc3339(), one.outcome.as_str(), one.entries))
            .collect();
        let hour = "2026-11-24T10:00:00+00:00".to_owned();
        assert_eq!(
            taken,
            [
                (hour.clone(), "failure", 3),
                (hour.clone(), "skipped", 2),
                (hour, "success", 3),
                ("2026-11-24T11:00:00+00:00".to_owned(), "success", 1),
            ]
        );
        assert!(counts.take().is_empty());
    }
}
