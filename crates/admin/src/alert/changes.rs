//! What of that which needs somebody is news.

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::Environment;

use super::item::{Alert, AlertThing};
use super::judge::Condition;
use super::kind::{AlertCause, AlertKind};

/// What is written of an alert.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AlertWrite {
    /// It is new.
    Insert(Alert),
    /// It is another one than it was.
    Update(Alert),
}

impl AlertWrite {
    /// The alert as it is then.
    pub(crate) fn alert(&self) -> &Alert {
        match self {
            Self::Insert(alert) | Self::Update(alert) => alert,
        }
    }
}

/// What is to be written, where these are open, and this is what needs somebody.
pub(crate) fn changes(
    open: &[Alert],
    conditions: &[Condition],
    now: DateTime<Utc>,
    environment: &dyn Environment,
) -> Vec<AlertWrite> {
    let mut writes = Vec::new();
    for condition in conditions {
        let known = open.iter().find(|alert| condition.is(alert));
        match (known, condition.until) {
            (Some(known), _) => writes.extend(noted(known, condition, now)),
            (None, None) => writes.push(AlertWrite::Insert(raised(condition, now, environment))),
            // What nobody could be told of while it was so.
            (None, Some(until)) => {
                let alert = raised(condition, now, environment);
                writes.push(AlertWrite::Insert(alert.clone()));
                writes.push(AlertWrite::Update(resolved(&alert, until)));
            }
        }
    }
    let gone = |alert: &&Alert| !conditions.iter().any(|condition| condition.is(alert));
    let over = open.iter().filter(gone).map(|alert| resolved(alert, now));
    writes.extend(over.map(AlertWrite::Update));
    writes
}

/// An alert as it is now, if that is another one or it was not seen for a while.
fn noted(known: &Alert, condition: &Condition, now: DateTime<Utc>) -> Option<AlertWrite> {
    let urgency = |cause: Option<AlertCause>| cause.map_or(0, AlertCause::urgency);
    let is_worse = urgency(condition.cause) > urgency(known.cause);
    let is_same = known.cause == condition.cause
        && known.count == condition.count
        && known.ends == condition.ends
        && known.about == condition.about;
    if is_same && now - known.seen < SEEN_AGAIN {
        return None;
    }
    Some(AlertWrite::Update(Alert {
        about: condition.about.clone(),
        cause: condition.cause,
        count: condition.count,
        ends: condition.ends,
        seen: now,
        told: known.told + i64::from(is_worse),
        ..known.clone()
    }))
}

fn raised(condition: &Condition, now: DateTime<Utc>, environment: &dyn Environment) -> Alert {
    Alert {
        id: environment.uuid().to_string(),
        kind: condition.kind,
        about: condition.about.clone(),
        cause: condition.cause,
        count: condition.count,
        ends: condition.ends,
        since: condition.since,
        seen: now,
        over: None,
        told: 1,
    }
}

fn resolved(alert: &Alert, at: DateTime<Utc>) -> Alert {
    Alert {
        over: Some(at),
        told: alert.told + 1,
        ..alert.clone()
    }
}

impl Alert {
    /// That the database takes no writes since a time: it is in no database.
    pub(crate) fn of_refused_writes(
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        environment: &dyn Environment,
    ) -> Self {
        raised(&Condition::of_refused_writes(since, None), now, environment)
    }
}

impl Condition {
    /// That the database took no writes from a time, until another one where that is over.
    pub(super) fn of_refused_writes(since: DateTime<Utc>, until: Option<DateTime<Utc>>) -> Self {
        Self {
            kind: AlertKind::DatabaseRefusesWrites,
            about: AlertThing {
                id: "database".to_owned(),
                name: "The database".to_owned(),
                configuration: None,
            },
            cause: None,
            count: None,
            ends: None,
            since,
            until,
        }
    }

    /// Whether an alert is of it.
    fn is(&self, alert: &Alert) -> bool {
        (self.kind, &self.about.id) == (alert.kind, &alert.about.id)
    }
}

/// How often it is written down that an alert is still so.
const SEEN_AGAIN: Duration = Duration::minutes(5);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use scim_provisioning::SystemEnvironment;

    use super::*;

    fn ends(cause: AlertCause) -> Condition {
        Condition {
            kind: AlertKind::TokenEnds,
            cause: Some(cause),
            ..Condition::of_refused_writes(DateTime::UNIX_EPOCH, None)
        }
    }

    fn told(writes: &[AlertWrite]) -> Vec<(i64, bool)> {
        let of = |write: &AlertWrite| (write.alert().told, write.alert().over.is_some());
        writes.iter().map(of).collect()
    }

    #[test]
    fn an_alert_is_told_once_again_when_it_is_worse_and_when_it_is_over() {
        let now = DateTime::UNIX_EPOCH + Duration::days(1);
        let later = now + Duration::minutes(1);
        let soon = ends(AlertCause::WithinTwoWeeks);
        let first = changes(&[], std::slice::from_ref(&soon), now, &SystemEnvironment);
        assert!(matches!(&first[..], [AlertWrite::Insert(_)]), "{first:?}");
        assert_eq!(told(&first), [(1, false)]);
        let open = [first[0].alert().clone()];
        assert!(
            changes(
                &open,
                std::slice::from_ref(&soon),
                later,
                &SystemEnvironment
            )
            .is_empty()
        );
        let worse = changes(
            &open,
            &[ends(AlertCause::WithinThreeDays)],
            later,
            &SystemEnvironment,
        );
        assert_eq!(told(&worse), [(2, false)]);
        let open = [worse[0].alert().clone()];
        // What becomes less urgent is written and told to nobody.
        assert_eq!(
            told(&changes(&open, &[soon], later, &SystemEnvironment)),
            [(2, false)]
        );
        let over = changes(&open, &[], later, &SystemEnvironment);
        assert_eq!((told(&over), over.len()), (vec![(3, true)], 1));
        assert_eq!(over[0].alert().over, Some(later));
    }

    #[test]
    fn one_that_goes_on_is_seen_again_and_told_to_nobody() {
        let now = DateTime::UNIX_EPOCH;
        let soon = [ends(AlertCause::WithinTwoWeeks)];
        let open = [changes(&[], &soon, now, &SystemEnvironment)[0]
            .alert()
            .clone()];
        let seen = changes(&open, &soon, now + SEEN_AGAIN, &SystemEnvironment);
        assert_eq!(told(&seen), [(1, false)]);
        assert_eq!(seen[0].alert().seen, now + SEEN_AGAIN);
    }

    #[test]
    fn what_is_over_before_it_could_be_told_is_told_with_its_end() {
        let (since, until) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + SEEN_AGAIN);
        let past = Condition::of_refused_writes(since, Some(until));
        let writes = changes(&[], &[past], until, &SystemEnvironment);
        assert_eq!(told(&writes), [(1, false), (2, true)]);
        assert_eq!(writes[1].alert().over, Some(until));
    }
}
