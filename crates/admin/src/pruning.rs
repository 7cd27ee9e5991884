//! What time deletes, and whether the clock is to be believed: one that jumps ahead by days would
//! delete what is not old.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use crate::instance::ClockDoubt;

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

/// What is known of the time, whichever server knew it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KnownTime {
    /// When it was known last.
    pub(crate) last: Option<DateTime<Utc>>,
    /// The doubt in the clock since then, where there is one.
    pub(crate) doubt: Option<ClockDoubt>,
}

impl KnownTime {
    /// What of the clock is doubted now; nothing where it is believed. One that went ahead by days
    /// since the time was known is not, until it was seen for a day as it is: then it was set on
    /// purpose, or the server was off for days.
    pub(crate) fn judge(self, now: DateTime<Utc>) -> Option<ClockDoubt> {
        let jumped = |from: DateTime<Utc>| now - from > Duration::days(JUMP_DAYS);
        if !self.last.is_some_and(jumped) {
            return None;
        }
        // Of a clock that went on by days once more, or back behind its doubt, nothing is known.
        let going_on = |doubt: &ClockDoubt| doubt.since <= now && !jumped(doubt.at);
        let since = self.doubt.filter(going_on).map_or(now, |doubt| doubt.since);
        (now - since < Duration::days(DOUBT_DAYS)).then_some(ClockDoubt { since, at: now })
    }

    /// Whether it is to be written down that the clock is doubted.
    pub(crate) fn is_doubt_news(self, doubt: ClockDoubt) -> bool {
        let known = self.doubt.filter(|known| known.since == doubt.since);
        known.is_none_or(|known| (doubt.at - known.at).abs() >= Duration::hours(1))
    }

    /// Whether it is to be written down that the time is known.
    pub(crate) fn is_news(self, now: DateTime<Utc>) -> bool {
        let recent = |last: DateTime<Utc>| (now - last).abs() < Duration::hours(1);
        self.doubt.is_some() || !self.last.is_some_and(recent)
    }
}

/// How far the clock may go ahead while nobody looks.
const JUMP_DAYS: i64 = 2;
/// For how long a clock that went further is watched.
const DOUBT_DAYS: i64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a clock, and keeps what is doubted of it.
    fn believes(known: &mut KnownTime, now: DateTime<Utc>) -> bool {
        known.doubt = known.judge(now);
        known.doubt.is_none()
    }

    fn known(last: Option<DateTime<Utc>>) -> KnownTime {
        KnownTime { last, doubt: None }
    }

    #[test]
    fn a_clock_that_jumps_ahead_by_days_is_not_believed_until_it_is_set_back_or_ran_for_a_day() {
        let now = Utc::now();
        let ago = |days| Some(now - Duration::days(days));
        assert!(believes(&mut known(None), now));
        assert!(believes(&mut known(ago(1)), now));
        assert!(believes(&mut known(ago(-30)), now), "it went back");
        let mut jumped = known(ago(40));
        for hours in [0, 1, 12, 23] {
            assert!(!believes(&mut jumped, now + Duration::hours(hours)));
        }
        assert_eq!(jumped.doubt.unwrap().since, now);
        assert!(believes(&mut jumped.clone(), now + Duration::hours(24)));
        assert!(believes(&mut jumped.clone(), now - Duration::days(39)));
    }

    #[test]
    fn a_clock_that_jumps_while_it_is_doubted_is_doubted_anew() {
        let now = Utc::now();
        let mut jumped = known(Some(now - Duration::days(40)));
        assert!(!believes(&mut jumped, now));
        for later in [now + Duration::days(3), now - Duration::days(10)] {
            let mut again = jumped;
            assert!(!believes(&mut again, later));
            assert_eq!(again.doubt.unwrap().since, later);
        }
    }

    #[test]
    fn what_is_known_of_the_time_is_written_down_once_an_hour() {
        let now = Utc::now();
        let last = |last| known(Some(last)).is_news(now);
        assert!(known(None).is_news(now));
        assert!(!last(now - Duration::minutes(59)));
        assert!(last(now - Duration::minutes(60)));
        assert!(last(now + Duration::days(3)), "it went back");
        let doubt = |minutes| ClockDoubt {
            since: now,
            at: now + Duration::minutes(minutes),
        };
        let doubted = KnownTime {
            last: Some(now),
            doubt: Some(doubt(0)),
        };
        assert!(doubted.is_news(now), "it is believed again");
        assert!(!doubted.is_doubt_news(doubt(59)));
        assert!(doubted.is_doubt_news(doubt(60)));
        let anew = ClockDoubt {
            since: now + Duration::minutes(1),
            ..doubt(1)
        };
        assert!(doubted.is_doubt_news(anew));
        assert!(known(None).is_doubt_news(doubt(0)));
    }
}
