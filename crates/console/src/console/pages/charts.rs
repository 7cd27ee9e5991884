//! Charts, drawn as SVG by the server, with their numbers in a table beside.

use chrono::{DateTime, Duration, DurationRound, Timelike, Utc};
use scim_admin::event::Activity;

use super::short;

/// A piece of a bar.
pub(super) struct Bar {
    pub(super) kind: &'static str,
    pub(super) x: usize,
    pub(super) y: i64,
    pub(super) width: usize,
    pub(super) height: i64,
}

/// A period in which something ended, with what it leads to.
pub(super) struct Period {
    pub(super) x: usize,
    pub(super) width: usize,
    /// When, and how much of what.
    pub(super) said: String,
    /// Where the log of the period is.
    pub(super) link: String,
    pub(super) bars: Vec<Bar>,
}

/// Bars side by side, each piled up from how requests ended.
pub(super) struct Chart {
    pub(super) title: String,
    /// What the picture shows, for those who do not see it.
    pub(super) said: String,
    pub(super) width: usize,
    pub(super) bars: Vec<Bar>,
    pub(super) totals: Vec<(&'static str, i64)>,
    /// How wide the picture is with its axes.
    pub(super) plot: usize,
    pub(super) periods: Vec<Period>,
    /// Where a line stands, and of how much.
    pub(super) scale: Vec<(i64, String)>,
    /// Where a day begins, and which.
    pub(super) days: Vec<(usize, String)>,
    /// Where the log is.
    pub(super) log: String,
    /// When it begins, as an address of the log says it.
    pub(super) since: String,
    pub(super) rows: Vec<(String, Vec<i64>)>,
}

impl Chart {
    /// The activity of so many periods of so many hours, up to now, that the log at this address
    /// tells of.
    pub(super) fn new(
        title: &str,
        log: String,
        activity: &[&Activity],
        now: DateTime<Utc>,
        periods: usize,
        hours: i64,
    ) -> Self {
        let mut counts = vec![[0_i64; KINDS.len()]; periods];
        let begin = begin(now, periods, hours);
        for one in activity {
            let at = (one.hour - begin).num_hours().div_euclid(hours);
            let kind = KINDS.iter().position(|kind| *kind == one.outcome.as_str());
            let place = usize::try_from(at).ok().and_then(|at| counts.get_mut(at));
            if let (Some(place), Some(kind)) = (place, kind)
                && let Some(count) = place.get_mut(kind)
            {
                *count += one.entries;
            }
        }
        let most = counts.iter().map(|one| one.iter().sum::<i64>()).max();
        let most = most.unwrap_or_default().max(1);
        let top = rounded(most);
        let lines = if top % 2 == 0 {
            vec![0, top / 2, top]
        } else {
            vec![0, top]
        };
        let drawn = |(one, at): (&[i64; KINDS.len()], i64)| {
            let place = usize::try_from(at).ok()?;
            let from = begin + Duration::hours(at * hours);
            let to = from + Duration::hours(hours) - Duration::minutes(1);
            let ended = KINDS.iter().zip(one).filter(|(_, count)| **count > 0);
            let ended = ended.map(|(kind, count)| format!("{} {kind}", thousands(*count)));
            let ended = ended.collect::<Vec<_>>().join(", ");
            (!ended.is_empty()).then(|| Period {
                x: AXIS + place * WIDE,
                width: WIDE,
                said: format!("{} to {} UTC: {ended}", short(from), to.format("%H:%M")),
                link: format!("{log}?from={}&to={}", minute(from), minute(to)),
                bars: pile(one, top, TALL, AXIS + place * WIDE + 2, WIDE - 4),
            })
        };
        let totals: Vec<(&str, i64)> = KINDS
            .iter()
            .enumerate()
            .map(|(at, kind)| {
                let of = counts.iter().filter_map(|one| one.get(at));
                (*kind, of.sum())
            })
            .collect();
        let said: Vec<String> = totals
            .iter()
            .map(|(kind, count)| format!("{} {kind}", thousands(*count)))
            .collect();
        let height = |of: i64| (TALL - of * TALL / top, thousands(of));
        let day = |at: usize| {
            let from = begin + Duration::hours(i64::try_from(at).ok()? * hours);
            let begins = from.hour() < u32::try_from(hours).ok()?;
            begins.then(|| (AXIS + at * WIDE, from.format("%b %-d").to_string()))
        };
        Self {
            plot: AXIS + periods * WIDE,
            periods: counts.iter().zip(0..).filter_map(drawn).collect(),
            scale: lines.into_iter().map(height).collect(),
            days: (0..periods).filter_map(day).collect(),
            since: minute(begin),
            log,
            title: title.to_owned(),
            said: format!("{title}: {}", said.join(", ")),
            width: periods * STEP,
            bars: bars(&counts, most),
            totals,
            rows: counts
                .iter()
                .zip(0..)
                .filter(|(one, _)| one.iter().sum::<i64>() > 0)
                .map(|(one, at)| (short(begin + Duration::hours(at * hours)), one.to_vec()))
                .collect(),
        }
    }

    /// How many requests ended in any way.
    pub(super) fn total(&self) -> i64 {
        self.totals.iter().map(|(_, count)| count).sum()
    }
}

fn bars(counts: &[[i64; KINDS.len()]], most: i64) -> Vec<Bar> {
    let counts = counts.iter().enumerate();
    counts
        .flat_map(|(at, one)| pile(one, most, HEIGHT, at * STEP + 1, STEP - 2))
        .collect()
}

/// The pieces of one bar, which is as tall as this where there are most.
fn pile(one: &[i64; KINDS.len()], most: i64, tall: i64, x: usize, width: usize) -> Vec<Bar> {
    let mut top = tall;
    let ended = KINDS.iter().zip(one).filter(|(_, count)| **count > 0);
    ended
        .map(|(kind, count)| {
            // The smallest number is seen, too.
            let height = (count * tall / most).max(2);
            top -= height;
            Bar {
                kind,
                x,
                y: top.max(0),
                width,
                height,
            }
        })
        .collect()
}

/// The next of 1, 2, 5, 10, 20 and so on that is not less.
fn rounded(most: i64) -> i64 {
    let mut step = 1;
    loop {
        for times in [1, 2, 5] {
            match step * times {
                top if top >= most => return top,
                _ => {}
            }
        }
        step *= 10;
    }
}

/// A number as people read it: 1,234,567.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !said.ends_with('-') {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

/// A minute as an address of the log says it.
fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M").to_string()
}

/// When the first of so many periods begins.
pub(super) fn begin(now: DateTime<Utc>, periods: usize, hours: i64) -> DateTime<Utc> {
    let hour = now.duration_trunc(Duration::hours(1)).unwrap_or(now);
    let periods = i64::try_from(periods).unwrap_or_default();
    hour - Duration::hours(periods * hours - 1)
}

const KINDS: [&str; 5] = ["success", "warning", "skipped", "held", "failure"];
const STEP: usize = 10;
const HEIGHT: i64 = 60;
/// The same of the picture with axes: the room for the numbers, a period, and the tallest bar.
const AXIS: usize = 48;
const WIDE: usize = 24;
const TALL: i64 = 120;

#[cfg(test)]
mod tests {
    use scim_provisioning::{ConfigurationId, Outcome};

    use super::*;

    fn one(hours_ago: i64, outcome: &str, entries: i64) -> Activity {
        let now = "2026-11-24T10:30:00Z".parse::<DateTime<Utc>>().unwrap();
        let hour = now.duration_trunc(Duration::hours(1)).unwrap();
        Activity {
            configuration: ConfigurationId::new(),
            hour: hour - Duration::hours(hours_ago),
            outcome: Outcome::parse(outcome).unwrap(),
            entries,
        }
    }

    #[test]
    fn what_is_in_the_window_is_drawn_and_told() {
        let now = "2026-11-24T10:30:00Z".parse().unwrap();
        let activity = [
            one(0, "success", 30),
            one(0, "failure", 1),
            one(23, "success", 5),
            one(24, "success", 9),
        ];
        let activity: Vec<&Activity> = activity.iter().collect();
        let chart = Chart::new("Requests", "/logs".to_owned(), &activity, now, 24, 1);
        assert_eq!(chart.total(), 36);
        assert_eq!(chart.bars.len(), 3);
        assert_eq!((chart.bars[0].x, chart.bars[1].x), (1, 231));
        assert_eq!(chart.rows[0].0, "11-23 11:00");
        assert_eq!(chart.rows[1].1, [30, 0, 0, 0, 1]);
        assert!(chart.said.contains("35 success"), "{}", chart.said);
        // What is drawn can be read off, and leads to its entries.
        let scale: Vec<_> = chart.scale.iter().map(|(_, of)| of.as_str()).collect();
        assert_eq!(scale, ["0", "25", "50"]);
        assert_eq!(chart.days, [(360, "Nov 24".to_owned())]);
        let [first, last] = chart.periods.as_slice() else {
            panic!("two hours have something");
        };
        assert_eq!(first.said, "11-23 11:00 to 11:59 UTC: 5 success");
        assert_eq!(
            first.link,
            "/logs?from=2026-11-23T11:00&to=2026-11-23T11:59"
        );
        assert_eq!(last.bars.len(), 2);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let chart = Chart::new("Requests", String::new(), &[], Utc::now(), 28, 6);
        assert!(chart.bars.is_empty() && chart.rows.is_empty() && chart.periods.is_empty());
    }

    #[test]
    fn numbers_can_be_read() {
        let said = [0, 999, 1_000, 103_248, 1_234_567, -1_000].map(thousands);
        let wanted = ["0", "999", "1,000", "103,248", "1,234,567", "-1,000"];
        assert_eq!(said, wanted);
        assert_eq!(
            [1, 3, 6, 11, 51, 400].map(rounded),
            [1, 5, 10, 20, 100, 500]
        );
    }
}
