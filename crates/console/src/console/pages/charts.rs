//! Charts, drawn as SVG by the server, with their numbers in a table beside.

use chrono::{DateTime, Duration, DurationRound, Utc};
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

/// Bars side by side, each piled up from how requests ended.
pub(super) struct Chart {
    pub(super) title: String,
    /// What the picture shows, for those who do not see it.
    pub(super) said: String,
    pub(super) width: usize,
    pub(super) bars: Vec<Bar>,
    pub(super) totals: Vec<(&'static str, i64)>,
    pub(super) rows: Vec<(String, Vec<i64>)>,
}

impl Chart {
    /// The activity of so many periods of so many hours, up to now.
    pub(super) fn new(
        title: &str,
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
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        Self {
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
    let mut bars = Vec::new();
    for (at, one) in counts.iter().enumerate() {
        let mut top = HEIGHT;
        for (kind, count) in KINDS.iter().zip(one).filter(|(_, count)| **count > 0) {
            // The smallest number is seen, too.
            let height = (count * HEIGHT / most).max(2);
            top -= height;
            bars.push(Bar {
                kind,
                x: at * STEP + 1,
                y: top.max(0),
                width: STEP - 2,
                height,
            });
        }
    }
    bars
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
        let chart = Chart::new("Requests", &activity, now, 24, 1);
        assert_eq!(chart.total(), 36);
        assert_eq!(chart.bars.len(), 3);
        assert_eq!((chart.bars[0].x, chart.bars[1].x), (1, 231));
        assert_eq!(chart.rows[0].0, "11-23 11:00");
        assert_eq!(chart.rows[1].1, [30, 0, 0, 0, 1]);
        assert!(chart.said.contains("35 success"), "{}", chart.said);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let chart = Chart::new("Requests", &[], Utc::now(), 28, 6);
        assert!(chart.bars.is_empty() && chart.rows.is_empty());
    }
}
