//! Configurations, their tokens, and how these give way to one another.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::{Environment, FixedEnvironment};

use super::{House, actor, input, now};
use crate::authenticate::{AuthenticationError, Authenticator, Refusal};
use crate::configuration::ConfigurationStatus;
use crate::error::AdminError;
use crate::service::IssuedToken;
use crate::token::{AccessToken, LIVE, TokenState};

fn states(house: &House, at: DateTime<Utc>) -> Vec<TokenState> {
    let tokens = house.admin.tokens(house.id_of("Okta")).unwrap();
    tokens.iter().map(|token| token.state(at)).collect()
}

fn rotate(house: &House, overlap: i64) -> IssuedToken {
    let issued = house
        .admin
        .add_token(&actor(), house.id_of("Okta"), Some(overlap), None);
    issued.unwrap()
}

/// Uses a token as a request does.
fn use_token(house: &House, token: &IssuedToken, at: DateTime<Utc>) {
    let authenticator = Authenticator::new(house.store.clone(), house.keys.clone());
    let header = format!("Bearer {}", token.value.reveal());
    let speaks = authenticator
        .authenticate(&[header.as_bytes()], None, at)
        .unwrap();
    authenticator.note_use(&speaks, at, Some("192.0.2.1"), Some("test"));
}

fn found(house: &House, id: &str) -> AccessToken {
    let mut tokens = house.admin.tokens(house.id_of("Okta")).unwrap().into_iter();
    tokens.find(|token| token.id == id).unwrap()
}

#[test]
fn a_configuration_has_two_live_tokens_at_most() {
    let house = House::new();
    house.configuration("Okta");
    rotate(&house, 24);
    let third = house
        .admin
        .add_token(&actor(), house.id_of("Okta"), None, None);
    assert!(
        matches!(third, Err(AdminError::TooManyTokens(LIVE))),
        "{third:?}"
    );
    assert_eq!(house.admin.tokens(house.id_of("Okta")).unwrap().len(), 2);
    assert_eq!(
        house
            .audited()
            .iter()
            .filter(|event| *event == "token.created")
            .count(),
        1
    );
}

#[test]
fn the_old_token_goes_on_until_the_new_one_was_used_and_for_a_while() {
    let house = House::new();
    house.configuration("Okta");
    let new = rotate(&house, 24);
    let years = now() + Duration::days(300);
    assert_eq!(
        states(&house, years),
        [TokenState::Active, TokenState::Retiring]
    );
    let used = now();
    use_token(&house, &new, used);
    let day = used + Duration::hours(24);
    let shortly = day - Duration::seconds(1);
    assert_eq!(
        states(&house, shortly),
        [TokenState::Active, TokenState::Retiring]
    );
    assert_eq!(
        states(&house, day),
        [TokenState::Active, TokenState::Expired]
    );
    // The first use alone begins the end.
    use_token(&house, &new, used + Duration::hours(1));
    assert_eq!(
        states(&house, day),
        [TokenState::Active, TokenState::Expired]
    );
    let first = house
        .audited()
        .iter()
        .filter(|event| *event == "token.first_used")
        .count();
    assert_eq!(first, 1);
    let token = found(&house, &new.token.id);
    assert_eq!(token.first_used, Some(used));
    assert_eq!(token.last_used_from.as_deref(), Some("192.0.2.1"));
}

#[test]
fn a_new_token_that_is_revoked_takes_no_place() {
    let house = House::new();
    house.configuration("Okta");
    let new = rotate(&house, 24);
    let revoked = house
        .admin
        .revoke_tokens(&actor(), house.id_of("Okta"), Some(&new.token.id));
    assert_eq!(revoked.unwrap().len(), 1);
    assert_eq!(
        states(&house, now()),
        [TokenState::Revoked, TokenState::Active]
    );
}

#[test]
fn an_old_token_that_has_ended_stays_so_when_the_new_one_is_revoked() {
    let house = House::new();
    house.configuration("Okta");
    let new = rotate(&house, 0);
    use_token(&house, &new, now() - Duration::minutes(1));
    let all = house
        .admin
        .revoke_tokens(&actor(), house.id_of("Okta"), Some(&new.token.id));
    all.unwrap();
    assert_eq!(
        states(&house, now()),
        [TokenState::Revoked, TokenState::Expired]
    );
}

#[test]
fn a_token_that_is_revoked_never_changes_again() {
    let house = House::new();
    house.configuration("Okta");
    let token = house.admin.tokens(house.id_of("Okta")).unwrap().remove(0);
    house
        .admin
        .revoke_tokens(&actor(), house.id_of("Okta"), None)
        .unwrap();
    let before = house.audited();
    let again = house
        .admin
        .revoke_tokens(&actor(), house.id_of("Okta"), None);
    assert!(
        matches!(again, Err(AdminError::NotFound { .. })),
        "{again:?}"
    );
    let end = now() + Duration::days(1);
    let set = house
        .admin
        .set_token_end(&actor(), house.id_of("Okta"), &token.id, end);
    assert!(matches!(set, Err(AdminError::NotFound { .. })), "{set:?}");
    assert_eq!(house.audited(), before);
}

#[test]
fn an_end_that_somebody_sets_stands_before_a_retirement() {
    let house = House::new();
    house.configuration("Okta");
    let old = house.admin.tokens(house.id_of("Okta")).unwrap().remove(0);
    rotate(&house, 1);
    let end = now() + Duration::days(30);
    house
        .admin
        .set_token_end(&actor(), house.id_of("Okta"), &old.id, end)
        .unwrap();
    let old = found(&house, &old.id);
    assert_eq!((old.expires, old.retirement), (Some(end), None));
}

#[test]
fn the_end_of_a_token_is_told_once() {
    let clock = Arc::new(FixedEnvironment::at(now()));
    let house = House::by(clock.clone());
    house.configuration("Okta");
    let token = house.admin.tokens(house.id_of("Okta")).unwrap().remove(0);
    let soon = clock.now() + Duration::milliseconds(20);
    house
        .admin
        .set_token_end(&actor(), house.id_of("Okta"), &token.id, soon)
        .unwrap();
    clock.advance(Duration::milliseconds(20));
    house.admin.note_ended_tokens().unwrap();
    house.admin.note_ended_tokens().unwrap();
    let told = house
        .audited()
        .iter()
        .filter(|event| *event == "token.expired")
        .count();
    assert_eq!(told, 1);
}

#[test]
fn a_configuration_is_changed_by_whoever_saw_it_last() {
    let house = House::new();
    let seen = house.configuration("Okta");
    let other = house.configuration("Entra");
    let edited = house
        .admin
        .edit_configuration(&actor(), &seen, &input("Okta 2"))
        .unwrap();
    assert_eq!(edited.version, seen.version + 1);
    let late = house
        .admin
        .edit_configuration(&actor(), &seen, &input("Okta 3"));
    assert!(matches!(late, Err(AdminError::Stale)), "{late:?}");
    let taken = house
        .admin
        .edit_configuration(&actor(), &other, &input("okta 2"));
    assert!(matches!(taken, Err(AdminError::NameTaken(_))), "{taken:?}");
    assert_eq!(house.admin.configurations(Some("2")).unwrap().len(), 1);
    let audited = house.audited();
    assert_eq!(
        audited
            .iter()
            .filter(|event| *event == "configuration.edited")
            .count(),
        1
    );
}

#[test]
fn a_token_ends_with_its_configuration_and_is_told_why_it_is_refused() {
    let house = House::new();
    let configuration = house.configuration("Okta");
    let token = house
        .admin
        .reveal_token(&actor(), house.id_of("Okta"), None)
        .unwrap();
    let header = format!("Bearer {}", token.value.reveal());
    let authenticator = Authenticator::new(house.store.clone(), house.keys.clone());
    let speaks = || authenticator.authenticate(&[header.as_bytes()], None, now());
    assert_eq!(speaks().unwrap().configuration.id, configuration.id);
    let paused = ConfigurationStatus::Paused;
    house
        .admin
        .set_status(&actor(), &configuration, paused)
        .unwrap();
    let refused = speaks().unwrap_err();
    let reason = Refusal::Paused;
    assert!(matches!(refused, AuthenticationError::Refused { reason: one, .. } if one == reason));
    house
        .admin
        .delete_configuration(&actor(), house.id_of("Okta"))
        .unwrap();
    assert!(matches!(speaks(), Err(AuthenticationError::Invalid)));
}
