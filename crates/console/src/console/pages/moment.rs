//! Times that somebody enters in a filter.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// A day, or a minute of it, by some clock.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    Day(NaiveDate),
    Minute(NaiveDateTime),
}

impl Moment {
    /// The one that a text names.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Ok(day) = text.parse() {
            return Some(Self::Day(day));
        }
        let read = |format| NaiveDateTime::parse_from_str(text, format);
        let minute = read("%Y-%m-%dT%H:%M").or_else(|_text| read("%Y-%m-%dT%H:%M:%S"));
        Some(Self::Minute(minute.ok()?))
    }

    /// When it begins.
    pub(super) fn begins(self, clock: Tz) -> DateTime<Utc> {
        let local = match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN),
            Self::Minute(minute) => minute,
        };
        instant_of(local, clock)
    }

    /// When the next one begins.
    pub(super) fn ends(self, clock: Tz) -> Option<DateTime<Utc>> {
        let local = match self {
            Self::Day(day) => day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN),
            Self::Minute(minute) => minute.checked_add_signed(Duration::minutes(1))?,
        };
        Some(instant_of(local, clock))
    }

    /// As a field of a form shows it, which has hours: where it begins, or the last minute of it.
    pub(super) fn field(self, end: bool) -> String {
        match (self, end) {
            (Self::Day(day), false) => format!("{day}T00:00"),
            (Self::Day(day), true) => format!("{day}T23:59"),
            (Self::Minute(minute), _) => minute.format("%Y-%m-%dT%H:%M").to_string(),
        }
    }
}

/// The instant of a time that a clock shows: the first one where it shows it twice, and one hour
/// later where it leaves it out.
fn instant_of(local: NaiveDateTime, clock: Tz) -> DateTime<Utc> {
    let shown = |local: NaiveDateTime| clock.from_local_datetime(&local).earliest();
    let later = || local.checked_add_signed(Duration::hours(1)).and_then(shown);
    let found = shown(local).or_else(later);
    found.map_or_else(|| local.and_utc(), |found| found.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_a_clock_shows_twice_or_not_at_all_are_some_instant() {
        let begins = |text: &str| {
            let moment = Moment::read(text).unwrap();
            moment.begins(Tz::Europe__Berlin).to_rfc3339()
        };
        assert_eq!(begins("2026-07-01"), "2026-06-30T22:00:00+00:00");
        assert_eq!(begins("2026-10-25T02:30"), "2026-10-25T00:30:00+00:00");
        assert_eq!(begins("2026-03-29T02:30"), "2026-03-29T01:30:00+00:00");
        assert!(Moment::read("2026-02-30").is_none() && Moment::read("14:00").is_none());
        let last = Moment::read("9999-12-31").unwrap();
        assert!(last.ends(Tz::UTC).is_some());
        assert_eq!(last.field(true), "9999-12-31T23:59");
    }
}
