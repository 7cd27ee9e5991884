//! What needs somebody, by what is known.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use scim_feed::{Position, Stream, StreamProblem, StreamState, Webhook};
use scim_provisioning::{Cause, ConfigurationId, Outcome};

use super::item::{Alert, AlertThing};
use super::kind::{AlertCause, AlertKind};
use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration};
use crate::event::Activity;
use crate::token::{AccessToken, in_use, rotation};

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) configurations: Vec<ConfigurationFacts>,
    pub(crate) streams: Vec<StreamFacts>,
    /// The position behind which come the changes since [`behind_since`].
    pub(crate) behind: Position,
    /// When the certificate ends.
    pub(crate) certificate: Option<DateTime<Utc>>,
    /// Since when mail about alerts is not taken.
    pub(crate) unmailed: Option<DateTime<Utc>>,
    /// From when until when the database took no writes, where that is just over.
    pub(crate) refused: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What is known of a configuration.
#[derive(Debug)]
pub(crate) struct ConfigurationFacts {
    pub(crate) configuration: ProvisioningConfiguration,
    pub(crate) tokens: Vec<AccessToken>,
    /// How many changes are held.
    pub(crate) held: i64,
    /// Its requests of the last [`HISTORY_DAYS`], by the hour.
    pub(crate) requests: Vec<Activity>,
    /// Why requests failed lately, where most do.
    pub(crate) causes: Vec<Cause>,
    /// When the rehearsal began that waits.
    pub(crate) rehearses: Option<DateTime<Utc>>,
}

/// What is known of a stream.
#[derive(Debug)]
pub(crate) struct StreamFacts {
    pub(crate) stream: Stream,
    pub(crate) webhook: Option<Webhook>,
}

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(super) kind: AlertKind,
    pub(super) about: AlertThing,
    pub(super) cause: Option<AlertCause>,
    pub(super) count: Option<i64>,
    pub(super) ends: Option<DateTime<Utc>>,
    pub(super) since: DateTime<Utc>,
    /// When it was over, where it is.
    pub(super) until: Option<DateTime<Utc>>,
}

impl Facts {
    /// What needs somebody now, where these alerts are open.
    pub(crate) fn judge(&self, open: &[Alert], now: DateTime<Utc>) -> Vec<Condition> {
        let mut found = Vec::new();
        for facts in &self.configurations {
            found.extend(facts.judge(open, now));
        }
        for facts in &self.streams {
            found.extend(facts.judge(self.behind, now));
        }
        let certificate = self.certificate.and_then(|end| {
            Some(Condition {
                cause: Some(nearness(end, now)?),
                ends: Some(end),
                ..condition(
                    AlertKind::CertificateEnds,
                    thing("certificate", "The certificate"),
                    now,
                )
            })
        });
        found.extend(certificate);
        let unmailed = self.unmailed.filter(|since| now - *since >= UNMAILED);
        found.extend(unmailed.map(|since| {
            let about = thing("mail", "The mail server");
            condition(AlertKind::MailFailing, about, since)
        }));
        let refused = self.refused;
        found
            .extend(refused.map(|(since, until)| Condition::of_refused_writes(since, Some(until))));
        found
    }
}

impl ConfigurationFacts {
    fn judge(&self, open: &[Alert], now: DateTime<Utc>) -> Vec<Condition> {
        let status = self.configuration.status;
        let mut found = Vec::new();
        if status == ConfigurationStatus::Enabled && !self.configuration.provisions_nothing() {
            let failing = self.without_token(now).or_else(|| self.failing(open, now));
            found.extend(failing);
            found.extend(self.silent(open, now));
        }
        if status != ConfigurationStatus::Disabled {
            found.extend(self.token_ends(now));
            found.extend(self.retiring(now));
        }
        if self.held > 0 {
            found.push(Condition {
                count: Some(self.held),
                ..self.condition(AlertKind::ChangesHeld, now)
            });
        }
        let rehearses = self.rehearses.filter(|began| now - *began > REHEARSED);
        found.extend(rehearses.map(|began| self.condition(AlertKind::RehearsalWaiting, began)));
        found
    }

    fn condition(&self, kind: AlertKind, since: DateTime<Utc>) -> Condition {
        let configuration = &self.configuration;
        let about = AlertThing {
            configuration: Some(configuration.id),
            ..thing(&configuration.id.to_string(), &configuration.name)
        };
        condition(kind, about, since)
    }

    /// A token of it.
    fn of_token(&self, kind: AlertKind, token: &AccessToken, since: DateTime<Utc>) -> Condition {
        let about = AlertThing {
            configuration: Some(self.configuration.id),
            ..thing(
                &token.id,
                &format!("…{} of {}", token.hint, self.configuration.name),
            )
        };
        condition(kind, about, since)
    }

    fn last_used(&self) -> Option<DateTime<Utc>> {
        self.tokens.iter().filter_map(|token| token.last_used).max()
    }

    /// That no token is accepted any more, of one whose tokens were in use.
    fn without_token(&self, now: DateTime<Utc>) -> Option<Condition> {
        let used = self.last_used().is_some_and(|used| now - used < IN_USE);
        if !used || self.tokens.iter().any(|token| token.is_live(now)) {
            return None;
        }
        let end = |token: &AccessToken| token.revoked.into_iter().chain(token.ends()).min();
        let ended = self.tokens.iter().filter_map(end).max();
        Some(Condition {
            cause: Some(AlertCause::NoLiveToken),
            ..self.condition(AlertKind::ConfigurationFailing, ended.unwrap_or(now))
        })
    }

    fn failing(&self, open: &[Alert], now: DateTime<Utc>) -> Option<Condition> {
        let kind = AlertKind::ConfigurationFailing;
        let known = open_of(open, kind, self.configuration.id);
        let since = failing_since(&self.requests, known.is_some(), now)?;
        Some(Condition {
            cause: most_of(&self.causes).map(AlertCause::Refused),
            ..self.condition(kind, since)
        })
    }

    /// That it is silent for much longer than it ever was in the weeks before.
    fn silent(&self, open: &[Alert], now: DateTime<Utc>) -> Option<Condition> {
        let kind = AlertKind::ConfigurationSilent;
        let last = self.last_used()?;
        if let Some(known) = open_of(open, kind, self.configuration.id) {
            // What was usual is forgotten while it is silent.
            return (last <= known.since).then(|| self.condition(kind, known.since));
        }
        let mut hours: Vec<_> = self.requests.iter().map(|one| one.hour).collect();
        hours.sort_unstable();
        hours.dedup();
        let pairs = || hours.iter().zip(hours.iter().skip(1));
        let longest = pairs().map(|(one, next)| *next - *one).max()?;
        let known = hours
            .last()
            .zip(hours.first())
            .map(|(last, first)| *last - *first);
        if hours.len() < RHYTHM_HOURS || known.is_none_or(|known| known < RHYTHM) {
            return None;
        }
        let patience = (longest * 2).max(LEAST_SILENCE);
        (now - last > patience).then(|| self.condition(kind, last))
    }

    fn token_ends(&self, now: DateTime<Utc>) -> Option<Condition> {
        let used = |token: &&AccessToken| token.last_used.is_some_and(|used| now - used < IN_USE);
        let token = in_use(&self.tokens, now).filter(used)?;
        // One whose place another one has taken is to end.
        let retires = token.retirement.as_ref().and_then(|retiring| retiring.at);
        let end = token.expires.filter(|_| retires.is_none())?;
        Some(Condition {
            cause: Some(nearness(end, now)?),
            ends: Some(end),
            ..self.of_token(AlertKind::TokenEnds, token, now)
        })
    }

    /// That the token is used whose place another one was to take.
    fn retiring(&self, now: DateTime<Utc>) -> Option<Condition> {
        let (new, old) = rotation(&self.tokens)?;
        if !new.is_live(now) || !old.is_live(now) {
            return None;
        }
        let used = old
            .last_used
            .filter(|used| now - *used < Duration::days(1))?;
        let (since, cause) = match new.first_used {
            None if used > new.created && now - new.created > Duration::days(1) => {
                (new.created, AlertCause::NewTokenUnused)
            }
            Some(first) if used - first > Duration::hours(1) => (first, AlertCause::BothTokensUsed),
            _ => return None,
        };
        Some(Condition {
            cause: Some(cause),
            ..self.of_token(AlertKind::RetiringTokenUsed, old, since)
        })
    }
}

impl StreamFacts {
    fn judge(&self, behind: Position, now: DateTime<Utc>) -> Option<Condition> {
        let Self { stream, webhook } = self;
        let failing = webhook.as_ref().and_then(|webhook| webhook.failing);
        let lags = stream.position < behind;
        let cause = match (stream.state, stream.problem(webhook.as_ref()), failing) {
            (StreamState::Broken, ..) => AlertCause::Broken,
            (StreamState::Active, Some(StreamProblem::NoSecret), _) => AlertCause::NoSecret,
            (StreamState::Active, _, Some(failing)) if failing.attempts >= ATTEMPTS => {
                AlertCause::Failing
            }
            (StreamState::Active, ..) if lags => AlertCause::Lagging,
            // One that nobody gave up was paused by somebody who knows.
            (StreamState::Paused, _, Some(_)) => AlertCause::Paused,
            _ => return None,
        };
        let about = thing(&stream.id, &stream.name);
        let since = failing.map_or(now, |failing| failing.since);
        Some(Condition {
            cause: Some(cause),
            ..condition(AlertKind::DeliveriesFailing, about, since)
        })
    }
}

fn condition(kind: AlertKind, about: AlertThing, since: DateTime<Utc>) -> Condition {
    Condition {
        kind,
        about,
        cause: None,
        count: None,
        ends: None,
        since,
        until: None,
    }
}

fn thing(id: &str, name: &str) -> AlertThing {
    AlertThing {
        id: id.to_owned(),
        name: name.to_owned(),
        configuration: None,
    }
}

fn open_of(open: &[Alert], kind: AlertKind, of: ConfigurationId) -> Option<&Alert> {
    let mut open = open.iter();
    open.find(|alert| alert.kind == kind && alert.about.configuration == Some(of))
}

/// From when on changes are recent: who lacks older ones lags behind.
pub(crate) fn behind_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::hours(1)
}

/// Since when most requests fail: those of the last hour in which there were any, with those of the
/// hour before. A few that fail are not told of, but do not end it either.
pub(crate) fn failing_since(
    requests: &[Activity],
    known: bool,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let counts = |one: &&Activity| matches!(one.outcome, Outcome::Success | Outcome::Failure);
    let recent = |one: &&Activity| now - one.hour < Duration::days(1);
    let requests = || requests.iter().filter(counts).filter(recent);
    let last = requests().map(|one| one.hour).max()?;
    let lately = || requests().filter(|one| last - one.hour <= Duration::hours(1));
    let failed = || lately().filter(|one| one.outcome == Outcome::Failure);
    let failures: i64 = failed().map(|one| one.entries).sum();
    let all: i64 = lately().map(|one| one.entries).sum();
    let enough = known || failures >= FAILURES;
    let since = failed().map(|one| one.hour).min();
    since.filter(|_| enough && failures * 2 > all)
}

/// The cause that is there most often.
fn most_of(causes: &[Cause]) -> Option<Cause> {
    let mut counts: HashMap<Cause, usize> = HashMap::new();
    for cause in causes {
        *counts.entry(*cause).or_default() += 1;
    }
    let most = |(cause, count): &(Cause, usize)| (*count, cause.as_str());
    counts.into_iter().max_by_key(most).map(|(cause, _)| cause)
}

/// How near an end is; nothing where it is not.
fn nearness(end: DateTime<Utc>, now: DateTime<Utc>) -> Option<AlertCause> {
    match end - now {
        left if left <= Duration::hours(1) => Some(AlertCause::WithinAnHour),
        left if left <= Duration::days(3) => Some(AlertCause::WithinThreeDays),
        left if left <= Duration::days(14) => Some(AlertCause::WithinTwoWeeks),
        _ => None,
    }
}

/// How many days of requests say what is usual.
pub(crate) const HISTORY_DAYS: i64 = 28;
/// In how many hours there were requests, and over how long, before something is usual.
const RHYTHM_HOURS: usize = 12;
const RHYTHM: Duration = Duration::days(2);
/// A silence that is told of is no shorter.
const LEAST_SILENCE: Duration = Duration::hours(3);
/// How many requests fail before it is told.
const FAILURES: i64 = 5;
/// How many attempts to send fail before it is told.
const ATTEMPTS: u32 = 4;
/// A token is in use that was used within so long.
const IN_USE: Duration = Duration::days(30);
/// How long a rehearsal may wait.
const REHEARSED: Duration = Duration::days(14);
/// For how long mail is not taken before that is told.
const UNMAILED: Duration = Duration::minutes(1);

#[cfg(test)]
mod tests;
