//! What time brings, by a clock that is set: a year is run in no time, and twice alike.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::{Environment, FixedEnvironment};

use super::{House, actor};
use crate::account::Role;
use crate::api_key::ApiKeyInput;
use crate::authenticate::{AuthenticationError, Authenticator, Refusal};
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::scope::Scopes;

use crate::service::devices::Attempt;
use crate::service::streams::StreamInput;
use crate::service::{Actor, IssuedToken};

fn begin() -> DateTime<Utc> {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

/// A house in which it is the beginning of a year.
fn house() -> (House, Arc<FixedEnvironment>) {
    let clock = Arc::new(FixedEnvironment::at(begin()));
    (House::by(clock.clone()), clock)
}

/// Uses a token as a request does; answers why it is refused, where it is.
fn refusal(house: &House, token: &IssuedToken, clock: &FixedEnvironment) -> Option<Refusal> {
    let authenticator = Authenticator::new(house.store.clone(), house.keys.clone());
    let header = format!("Bearer {}", token.value.reveal());
    let spoken = authenticator.authenticate(&[header.as_bytes()], None, clock.now());
    match spoken {
        Ok(speaks) => {
            authenticator.note_use(&speaks, clock.now(), None, None);
            None
        }
        Err(AuthenticationError::Refused { reason, .. }) => Some(reason),
        Err(other) => panic!("{other:?}"),
    }
}

fn told(house: &House, event: &str) -> Vec<AuditEntry> {
    let mut told = house.audit();
    told.retain(|entry| entry.event == event);
    told
}

#[test]
fn a_token_ends_at_the_end_of_its_year_which_is_told_once_and_when_it_is_noticed() {
    let (house, clock) = house();
    let added = house
        .admin
        .add_configuration(&actor(), &super::input("Okta"), None);
    let token = added.unwrap().1;
    let end = begin() + Duration::days(365);
    assert_eq!(token.token.expires, Some(end));
    for day in 1..365 {
        clock.advance(Duration::days(1));
        house.admin.note_ended_tokens().unwrap();
        assert_eq!(refusal(&house, &token, &clock), None, "day {day}");
    }
    clock.advance(Duration::days(1) - Duration::milliseconds(1));
    house.admin.note_ended_tokens().unwrap();
    assert_eq!(refusal(&house, &token, &clock), None);
    assert!(told(&house, "token.expired").is_empty());

    clock.advance(Duration::milliseconds(1));
    assert_eq!(refusal(&house, &token, &clock), Some(Refusal::Expired));
    clock.advance(Duration::minutes(5));
    house.admin.note_ended_tokens().unwrap();
    clock.advance(Duration::minutes(5));
    house.admin.note_ended_tokens().unwrap();
    let times: Vec<_> = told(&house, "token.expired")
        .iter()
        .map(|entry| entry.at)
        .collect();
    assert_eq!(times, [end + Duration::minutes(5)]);
}

#[test]
fn a_rotation_waits_for_the_first_use_and_then_for_the_overlap() {
    let (house, clock) = house();
    let added = house
        .admin
        .add_configuration(&actor(), &super::input("Okta"), None);
    let (configuration, old) = added.unwrap();
    let new = house
        .admin
        .add_token(&actor(), configuration.id, Some(48), None);
    let new = new.unwrap();
    // Nobody uses the new one for a month.
    clock.advance(Duration::days(30));
    assert_eq!(refusal(&house, &old, &clock), None);
    assert_eq!(refusal(&house, &new, &clock), None);
    clock.advance(Duration::hours(48) - Duration::milliseconds(1));
    assert_eq!(refusal(&house, &old, &clock), None);
    clock.advance(Duration::milliseconds(1));
    assert_eq!(refusal(&house, &old, &clock), Some(Refusal::Expired));
    assert_eq!(refusal(&house, &new, &clock), None);
    // What was given up cannot be shown, and its place is free.
    let shown = house
        .admin
        .reveal_token(&actor(), configuration.id, Some(&old.token.id));
    assert!(matches!(shown, Err(AdminError::NotFound { .. })));
    let third = house
        .admin
        .add_token(&actor(), configuration.id, None, None);
    assert!(third.is_ok(), "{third:?}");
}

#[test]
fn what_a_key_made_ends_with_it_by_itself() {
    let (house, clock) = house();
    let configuration = house.configuration("Okta");
    let scopes = Scopes::of(Role::Administrator);
    let input = ApiKeyInput {
        name: "terraform",
        role: Role::Administrator,
        scopes: Some(scopes),
        days: 90,
    };
    let issued = house.admin.add_api_key(&actor(), &input).unwrap();
    let key = Actor::of_key(&issued.key, None);
    clock.advance(Duration::days(30));
    let token = house
        .admin
        .add_token(&key, configuration.id, None, Some(365))
        .unwrap();
    assert_eq!(token.token.expires, Some(issued.key.expires));
    let stream = StreamInput {
        name: "warehouse".to_owned(),
        kind: scim_feed::StreamKind::Read,
        url: None,
        topics: None,
    };
    house.admin.add_stream(&key, stream, 1).unwrap();

    let presented = issued.value.reveal();
    let is_known = || house.admin.authenticate_key(presented).unwrap().is_some();
    clock.advance(Duration::days(60) - Duration::milliseconds(1));
    house.admin.delete_ended_streams().unwrap();
    assert!(is_known());
    assert_eq!(refusal(&house, &token, &clock), None);
    assert_eq!(house.admin.streams().unwrap().len(), 1);

    clock.advance(Duration::milliseconds(1));
    assert!(!is_known());
    assert_eq!(refusal(&house, &token, &clock), Some(Refusal::Expired));
    house.admin.delete_ended_streams().unwrap();
    assert!(house.admin.streams().unwrap().is_empty());
    let deleted = told(&house, "stream.deleted");
    assert_eq!(deleted[0].at, begin() + Duration::days(90));
}

#[test]
fn a_session_ends_when_it_is_left_alone_and_after_half_a_day_and_failures_have_to_wait() {
    let (house, clock) = house();
    let password = "correct horse battery staple 7";
    house.admin.set_up(None, "ada", password).unwrap();
    let attempt = |password| Attempt {
        name: "ada",
        password,
        ..Attempt::default()
    };
    let sign_in = |password| house.admin.sign_in(&attempt(password));
    let stands = |session: &str| house.admin.signed_in(session, true).unwrap().is_some();

    let admitted = sign_in(password).unwrap();
    let session = admitted.session.reveal();
    clock.advance(Duration::minutes(30));
    assert!(!stands(session), "nobody used it");

    let admitted = sign_in(password).unwrap();
    let session = admitted.session.reveal();
    let mut used = Duration::zero();
    while used < Duration::hours(12) - Duration::minutes(20) {
        assert!(stands(session), "{used}");
        clock.advance(Duration::minutes(20));
        used += Duration::minutes(20);
    }
    assert!(stands(session));
    clock.advance(Duration::minutes(20));
    assert!(!stands(session), "half a day is over");

    for _ in 0..5 {
        let refused = sign_in("wrong");
        assert!(matches!(refused, Err(AdminError::SignIn)), "{refused:?}");
    }
    let refused = sign_in(password);
    assert!(
        matches!(refused, Err(AdminError::SignInLater(_))),
        "{refused:?}"
    );
    clock.advance(Duration::seconds(2));
    sign_in(password).unwrap();
}

#[test]
fn two_houses_that_begin_alike_go_on_alike() {
    let year = || {
        let (house, clock) = house();
        let configuration = house.configuration("Okta");
        for _ in 0..12 {
            clock.advance(Duration::days(30));
            house
                .admin
                .revoke_tokens(&actor(), configuration.id, None)
                .unwrap();
            house
                .admin
                .add_token(&actor(), configuration.id, None, None)
                .unwrap();
        }
        let tokens = house.admin.tokens(configuration.id).unwrap();
        let kept = tokens
            .iter()
            .map(|token| (token.id.clone(), token.hash.clone()));
        (kept.collect::<Vec<_>>(), house.audit())
    };
    let (one, other) = (year(), year());
    assert_eq!(one.0.len(), 13);
    assert_eq!(one, other);
    let times: Vec<_> = one.1.iter().map(|entry| entry.at).collect();
    assert_eq!(times.first(), Some(&begin()));
    assert_eq!(times.last(), Some(&(begin() + Duration::days(360))));
}
