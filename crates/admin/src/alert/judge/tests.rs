//! What needs somebody and what does not.

use scim_feed::{Failing, SealedSecret, StreamKind, WebhookUrl};
use scim_provisioning::SystemEnvironment;

use super::*;
use crate::configuration::ConfigurationInput;
use crate::token::Retirement;

fn now() -> DateTime<Utc> {
    "2026-11-24T12:30:00Z".parse().unwrap()
}

fn hours(count: i64) -> Duration {
    Duration::hours(count)
}

fn days(count: i64) -> Duration {
    Duration::days(count)
}

/// A configuration that is served, of which nothing else is known.
fn facts() -> ConfigurationFacts {
    let input = ConfigurationInput {
        name: "Entra".to_owned(),
        ..ConfigurationInput::fresh()
    };
    ConfigurationFacts {
        configuration: input.begin(
            ConfigurationId::new(),
            ConfigurationStatus::Enabled,
            now() - days(100),
        ),
        tokens: Vec::new(),
        held: 0,
        requests: Vec::new(),
        causes: Vec::new(),
        rehearses: None,
    }
}

/// A token that was used a minute ago and ends in a year.
fn token(id: &str) -> AccessToken {
    AccessToken {
        id: id.to_owned(),
        configuration: ConfigurationId::new(),
        hash: String::new(),
        sealed: String::new(),
        key_id: String::new(),
        hint: "abcd".to_owned(),
        created: now() - days(30),
        created_by: "test".to_owned(),
        made_by: None,
        expires: Some(now() + days(365)),
        retirement: None,
        revoked: None,
        first_used: Some(now() - days(30)),
        last_used: Some(now() - Duration::minutes(1)),
        last_used_from: None,
        last_used_by: None,
    }
}

fn requests(ago: i64, outcome: Outcome, entries: i64) -> Activity {
    Activity {
        configuration: ConfigurationId::new(),
        hour: now() - Duration::minutes(30) - hours(ago),
        outcome,
        entries,
    }
}

fn found(facts: &ConfigurationFacts) -> Vec<(AlertKind, Option<AlertCause>)> {
    let found = facts.judge(&[], now()).into_iter();
    found.map(|one| (one.kind, one.cause)).collect()
}

/// The alert that is open of the first condition.
fn opened(facts: &ConfigurationFacts) -> Vec<Alert> {
    let conditions = facts.judge(&[], now());
    let writes = super::super::changes(&[], &conditions, now(), &SystemEnvironment);
    writes.iter().map(|write| write.alert().clone()).collect()
}

#[test]
fn nothing_needs_somebody_where_all_is_well() {
    let mut facts = facts();
    assert_eq!(found(&facts), []);
    facts.tokens = vec![token("a")];
    facts.requests = (0..72)
        .map(|ago| requests(ago, Outcome::Success, 9))
        .collect();
    facts.requests.push(requests(0, Outcome::Failure, 8));
    assert_eq!(found(&facts), []);
}

#[test]
fn most_requests_that_fail_are_told_with_the_cause_that_most_have() {
    let mut facts = facts();
    facts.tokens = vec![token("a")];
    facts.requests = vec![requests(0, Outcome::Failure, 4)];
    assert_eq!(found(&facts), [], "a few");
    facts.requests.push(requests(1, Outcome::Failure, 1));
    facts.causes = vec![
        Cause::ValueInvalid,
        Cause::TokenExpired,
        Cause::ValueInvalid,
    ];
    let failing = AlertKind::ConfigurationFailing;
    let cause = Some(AlertCause::Refused(Cause::ValueInvalid));
    assert_eq!(found(&facts), [(failing, cause)]);
    // A few that fail do not end it; that most succeed does.
    let open = opened(&facts);
    facts.requests = vec![requests(0, Outcome::Failure, 1)];
    assert_eq!(facts.judge(&open, now()).len(), 1);
    facts.requests.push(requests(0, Outcome::Success, 1));
    assert_eq!(facts.judge(&open, now()), []);
    // Of yesterday nobody is told.
    facts.requests = vec![requests(25, Outcome::Failure, 100)];
    assert_eq!(found(&facts), []);
}

#[test]
fn who_is_not_served_is_told_of_nothing_that_fails() {
    let mut facts = facts();
    facts.requests = vec![requests(0, Outcome::Failure, 100)];
    for status in [ConfigurationStatus::Paused, ConfigurationStatus::Disabled] {
        facts.configuration.status = status;
        assert_eq!(found(&facts), [], "{status:?}");
    }
}

#[test]
fn a_configuration_whose_tokens_have_all_ended_fails_if_they_were_used() {
    let mut facts = facts();
    let mut ended = token("a");
    ended.expires = Some(now() - hours(1));
    facts.tokens = vec![ended.clone()];
    let failing = (
        AlertKind::ConfigurationFailing,
        Some(AlertCause::NoLiveToken),
    );
    assert_eq!(found(&facts), [failing]);
    ended.last_used = Some(now() - days(31));
    facts.tokens = vec![ended.clone()];
    assert_eq!(found(&facts), [], "nobody misses it");
    facts.tokens = vec![ended, token("b")];
    assert_eq!(found(&facts), []);
}

#[test]
fn a_silence_is_told_that_is_longer_than_any_before_and_ends_with_a_request() {
    let mut facts = facts();
    let mut used = token("a");
    used.last_used = Some(now() - hours(4));
    facts.tokens = vec![used];
    // Every hour for three days, until four hours ago.
    facts.requests = (4..76)
        .map(|ago| requests(ago, Outcome::Success, 1))
        .collect();
    let silent = AlertKind::ConfigurationSilent;
    assert_eq!(found(&facts), [(silent, None)]);
    let open = opened(&facts);
    assert_eq!(open[0].since, now() - hours(4));
    // A weekend ago it was silent for as long.
    let monday = facts.requests.clone();
    facts.requests.push(requests(79, Outcome::Success, 1));
    assert_eq!(found(&facts), []);
    facts.requests = monday.into_iter().take(11).collect();
    assert_eq!(found(&facts), [], "nothing is usual yet");
    // However long it lasts, it goes on until there is a request.
    facts.requests = Vec::new();
    assert_eq!(facts.judge(&open, now() + days(60)).len(), 1);
    facts.tokens = vec![token("a")];
    assert_eq!(facts.judge(&open, now()), []);
}

#[test]
fn the_end_of_a_token_that_is_used_is_told_ever_more_urgently() {
    let ends = |left| {
        let mut facts = facts();
        let mut one = token("a");
        one.expires = Some(now() + left);
        facts.tokens = vec![one];
        found(&facts).pop().and_then(|(_, cause)| cause)
    };
    for (left, cause) in [
        (days(15), None),
        (days(14), Some(AlertCause::WithinTwoWeeks)),
        (days(3), Some(AlertCause::WithinThreeDays)),
        (hours(1), Some(AlertCause::WithinAnHour)),
    ] {
        assert_eq!(ends(left), cause, "{left}");
    }
}

#[test]
fn nobody_is_told_of_the_end_of_a_token_that_nobody_uses() {
    let mut facts = facts();
    let mut ending = token("a");
    ending.expires = Some(now() + days(2));
    ending.last_used = None;
    facts.tokens = vec![ending.clone(), token("b")];
    assert_eq!(found(&facts), []);
    // Nor of one whose place another one has taken.
    ending.last_used = Some(now());
    ending.retirement = Some(Retirement {
        by: "b".to_owned(),
        overlap: days(1),
        at: Some(now() + days(1)),
    });
    facts.tokens = vec![ending];
    assert_eq!(found(&facts), []);
}

#[test]
fn an_old_token_that_is_still_used_is_told_after_a_day() {
    let mut facts = facts();
    let (mut new, mut old) = (token("b"), token("a"));
    new.created = now() - hours(20);
    (new.first_used, new.last_used) = (None, None);
    old.retirement = Some(Retirement {
        by: "b".to_owned(),
        overlap: days(1),
        at: None,
    });
    facts.tokens = vec![new.clone(), old.clone()];
    assert_eq!(found(&facts), []);
    new.created = now() - hours(25);
    facts.tokens = vec![new.clone(), old.clone()];
    let used = AlertKind::RetiringTokenUsed;
    assert_eq!(found(&facts), [(used, Some(AlertCause::NewTokenUnused))]);
    // Once the new one is used, the old one is not to be.
    new.first_used = Some(now() - hours(2));
    facts.tokens = vec![new.clone(), old.clone()];
    assert_eq!(found(&facts), [(used, Some(AlertCause::BothTokensUsed))]);
    old.last_used = Some(now() - hours(2));
    facts.tokens = vec![new, old];
    assert_eq!(found(&facts), []);
}

#[test]
fn what_is_held_and_what_rehearses_for_long_waits_for_somebody() {
    let mut facts = facts();
    facts.held = 7;
    facts.rehearses = Some(now() - days(13));
    let told = facts.judge(&[], now());
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].kind, told[0].count),
        (AlertKind::ChangesHeld, Some(7))
    );
    facts.held = 0;
    facts.rehearses = Some(now() - days(15));
    assert_eq!(found(&facts), [(AlertKind::RehearsalWaiting, None)]);
}

fn stream(state: StreamState, position: Position) -> StreamFacts {
    let stream = Stream {
        id: "s".to_owned(),
        name: "Mail".to_owned(),
        kind: StreamKind::Webhook,
        topics: None,
        state,
        position,
        delivered: None,
        version: 1,
        created: now(),
        made_by: None,
        url: WebhookUrl::parse("https://receiver.example/").ok(),
    };
    let webhook = Webhook {
        stream: "s".to_owned(),
        secret: SealedSecret {
            key: String::new(),
            sealed: String::new(),
        },
        previous: None,
        failing: None,
        sending: None,
    };
    StreamFacts {
        stream,
        webhook: Some(webhook),
    }
}

fn failing(attempts: u32) -> Option<Failing> {
    Some(Failing {
        since: now() - hours(2),
        attempts,
        next: now(),
    })
}

#[test]
fn a_receiver_that_is_told_nothing_is_told_of_unless_somebody_wants_it_so() {
    let cause = |facts: &StreamFacts| facts.judge(10, now()).and_then(|found| found.cause);
    let active = |position| stream(StreamState::Active, position);
    assert_eq!(cause(&active(10)), None);
    assert_eq!(cause(&active(9)), Some(AlertCause::Lagging));
    assert_eq!(cause(&stream(StreamState::Paused, 9)), None, "by hand");
    assert_eq!(
        cause(&stream(StreamState::Broken, 10)),
        Some(AlertCause::Broken)
    );
    let with = |state, attempts| {
        let mut facts = stream(state, 10);
        if let Some(webhook) = &mut facts.webhook {
            webhook.failing = failing(attempts);
        }
        facts
    };
    assert_eq!(cause(&with(StreamState::Active, 3)), None, "a moment");
    assert_eq!(
        cause(&with(StreamState::Active, 4)),
        Some(AlertCause::Failing)
    );
    assert_eq!(
        cause(&with(StreamState::Paused, 30)),
        Some(AlertCause::Paused)
    );
    let since = with(StreamState::Active, 4)
        .judge(10, now())
        .map(|found| found.since);
    assert_eq!(since, Some(now() - hours(2)));
    let mut without = active(10);
    without.webhook = None;
    assert_eq!(cause(&without), Some(AlertCause::NoSecret));
}

#[test]
fn the_end_of_the_certificate_is_told_and_what_the_database_refused() {
    let facts = Facts {
        certificate: Some(now() + days(2)),
        refused: Some((now() - hours(1), now())),
        ..Facts::default()
    };
    let found = facts.judge(&[], now());
    let kinds: Vec<_> = found
        .iter()
        .map(|one| (one.kind, one.cause, one.until))
        .collect();
    assert_eq!(
        kinds,
        [
            (
                AlertKind::CertificateEnds,
                Some(AlertCause::WithinThreeDays),
                None
            ),
            (AlertKind::DatabaseRefusesWrites, None, Some(now())),
        ]
    );
}
