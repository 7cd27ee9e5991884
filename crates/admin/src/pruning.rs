//! What time deletes, and whether the clock is to be believed: one that jumps ahead by days would
//! delete what is not old.

use std::time::{Duration as Waited, Instant};

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

/// How much was deleted because its time had come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// People who were deleted for good.
    pub people: usize,
    /// Entries of the provisioning log.
    pub events: usize,
    /// Entries whose request was shortened.
    pub requests: usize,
    /// Changes of the feed.
    pub changes: usize,
}

impl Pruned {
    /// Adds what else was deleted.
    pub(crate) fn add(&mut self, other: Self) {
        self.people += other.people;
        self.events += other.events;
        self.requests += other.requests;
        self.changes += other.changes;
    }

    /// Whether it is nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What is known of the clock of this machine.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Since when it is not believed, by what no setting of the time changes.
    doubted: Option<Instant>,
    /// What was deleted since the audit was told of it.
    pub(crate) pruned: Pruned,
}

impl Clock {
    /// Whether to believe that it is now. `last` is when the server knew the time last. What ran for
    /// a day as it is counts as set on purpose, or as a server that was off for days.
    pub(crate) fn believes(&mut self, now: DateTime<Utc>, last: Option<DateTime<Utc>>) -> bool {
        let jumped = last.is_some_and(|last| now - last > Duration::days(JUMP_DAYS));
        if !jumped {
            self.doubted = None;
            return true;
        }
        let began = self.doubted.get_or_insert_with(|| {
            tracing::error!(
                now = now.to_rfc3339(),
                last = last.map(|last| last.to_rfc3339()),
                "the clock went ahead by days since it was looked at last, or the server was off for \
                 days: nothing is deleted for its age until it has run for a day. Set the clock if it \
                 is wrong"
            );
            Instant::now()
        });
        began.elapsed() >= DOUBT
    }

    /// Whether it is to be written down that the time is known.
    pub(crate) fn is_news(now: DateTime<Utc>, last: Option<DateTime<Utc>>) -> bool {
        last.is_none_or(|last| (now - last).abs() >= Duration::hours(1))
    }
}

/// How far the clock may go ahead while nobody looks.
const JUMP_DAYS: i64 = 2;
/// How long a clock that went further is watched.
const DOUBT: Waited = Waited::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_ahead_by_days_is_not_believed_until_it_is_set_back_or_ran_for_a_day() {
        let mut clock = Clock::default();
        let now = Utc::now();
        let ago = |days| Some(now - Duration::days(days));
        assert!(clock.believes(now, None));
        assert!(clock.believes(now, ago(1)));
        assert!(clock.believes(now, ago(-30)), "it went back");
        assert!(!clock.believes(now, ago(40)));
        assert!(
            !clock.believes(now, ago(40)),
            "it is not believed the second time either"
        );
        clock.doubted = Instant::now().checked_sub(DOUBT);
        assert!(clock.doubted.is_none() || clock.believes(now, ago(40)));
        assert!(clock.believes(now, ago(0)));
        assert!(clock.doubted.is_none(), "whoever set it back begins anew");
        assert!(!clock.believes(now, ago(40)));
    }

    #[test]
    fn the_time_is_written_down_once_an_hour() {
        let now = Utc::now();
        assert!(Clock::is_news(now, None));
        assert!(!Clock::is_news(now, Some(now - Duration::minutes(59))));
        assert!(Clock::is_news(now, Some(now - Duration::minutes(60))));
        assert!(
            Clock::is_news(now, Some(now + Duration::days(3))),
            "it went back"
        );
    }
}
