//! Tokens and API keys: how they give way to each other and end, on every engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use chrono::{DateTime, Duration, Utc};
use common::{House, actor, configuration};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::event::AuditQuery;
use scim_admin::token::{LIVE, TokenState};
use scim_admin::{
    Actor, AdminError, Attempt, Authenticator, ConfigurationStatus, IssuedApiKey, IssuedToken,
};
use scim_persistence::Database;

fn a_token_goes_on_for_a_while_beside_its_successor(house: &House) {
    let old = house.admin.tokens(house.id_of("Test")).unwrap().remove(0);
    assert!(matches!(
        house
            .admin
            .add_token(&actor(), house.id_of("Test"), Some(721), None),
        Err(AdminError::Invalid(_))
    ));
    assert_eq!(
        house.admin.tokens(house.id_of("Test")).unwrap().len(),
        1,
        "nothing half-done"
    );
    house
        .admin
        .add_token(&actor(), house.id_of("Test"), None, Some(30))
        .unwrap();
    let end = |hours| {
        let at = Utc::now() + Duration::hours(hours);
        house
            .admin
            .set_token_end(&actor(), house.id_of("Test"), &old.id, at)
    };
    assert!(matches!(end(-1), Err(AdminError::Invalid(_))));
    assert!(matches!(end(731 * 24), Err(AdminError::Invalid(_))));
    // It may end sooner and later than it would have.
    for hours in [24, 48, 1] {
        end(hours).unwrap();
    }
    let tokens = house.admin.tokens(house.id_of("Test")).unwrap();
    let old = tokens.iter().find(|token| token.id == old.id).unwrap();
    assert!(old.is_live(Utc::now()) && !old.is_live(Utc::now() + Duration::hours(2)));
    let second = tokens.iter().find(|token| token.id != old.id).unwrap();
    let month = Utc::now() + Duration::days(30);
    assert!(second.expires.unwrap() - month < Duration::hours(1));
}

/// A use of a token, as a request of an identity provider is one.
fn used(authenticator: &Authenticator, token: &IssuedToken, at: DateTime<Utc>) -> bool {
    let header = format!("Bearer {}", token.value.reveal());
    let found = authenticator.authenticate(&[header.as_bytes()], None, at);
    if let Ok(found) = &found {
        authenticator.note_use(found, at, Some("192.0.2.1"), Some("test"));
    }
    found.is_ok()
}

/// What the audit says of tokens, the oldest first.
fn told(house: &House) -> Vec<String> {
    let query = AuditQuery {
        event: Some("token.".to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    let entries = house.admin.audit(&query).unwrap().into_iter().rev();
    entries.map(|(_, entry)| entry.event.into_owned()).collect()
}

fn an_old_token_ends_after_the_first_use_of_the_new_one_and_never_before(house: &House) {
    let authenticator = house.authenticator();
    let use_of = |token: &IssuedToken, at| used(&authenticator, token, at);
    let now = Utc::now();
    let old = house
        .admin
        .reveal_token(&actor(), house.id_of("Test"), None)
        .unwrap();
    assert!(use_of(&old, now));
    let new = house
        .admin
        .add_token(&actor(), house.id_of("Test"), None, None)
        .unwrap();
    // Nobody uses the new one for a quarter of a year: the old one goes on.
    assert!(use_of(&old, now + Duration::days(90)));
    let (third, most) = (
        house
            .admin
            .add_token(&actor(), house.id_of("Test"), None, None),
        LIVE,
    );
    assert!(matches!(third, Err(AdminError::TooManyTokens(count)) if count == most));
    assert!(use_of(&new, now + Duration::days(91)));
    let later = now + Duration::days(91);
    assert!(use_of(&old, later + Duration::hours(23)));
    assert!(
        use_of(&new, later + Duration::hours(23)),
        "a second use moves nothing"
    );
    assert!(!use_of(&old, later + Duration::hours(25)));
    assert!(use_of(&new, later + Duration::hours(25)));
    assert_eq!(
        told(house),
        [
            "token.revealed",
            "token.first_used",
            "token.created",
            "token.first_used",
            "token.used_after_end"
        ]
    );
}

fn an_old_token_goes_on_when_the_new_one_is_revoked(house: &House) {
    let authenticator = house.authenticator();
    let use_of = |token: &IssuedToken, at| used(&authenticator, token, at);
    let now = Utc::now();
    let old = house
        .admin
        .reveal_token(&actor(), house.id_of("Test"), None)
        .unwrap();
    let new = house
        .admin
        .add_token(&actor(), house.id_of("Test"), Some(0), None)
        .unwrap();
    let id = Some(new.token.id.as_str());
    house
        .admin
        .revoke_tokens(&actor(), house.id_of("Test"), id)
        .unwrap();
    assert!(
        use_of(&old, now + Duration::days(30)),
        "the new one was never used"
    );
    let new = house
        .admin
        .add_token(&actor(), house.id_of("Test"), Some(1), None)
        .unwrap();
    assert!(use_of(&new, now) && use_of(&old, now));
    let id = Some(new.token.id.as_str());
    house
        .admin
        .revoke_tokens(&actor(), house.id_of("Test"), id)
        .unwrap();
    assert!(
        use_of(&old, now + Duration::hours(2)),
        "there is no new one"
    );
    // With an overlap of nothing it ends with the first use.
    let new = house
        .admin
        .add_token(&actor(), house.id_of("Test"), Some(0), None)
        .unwrap();
    assert!(use_of(&old, now) && use_of(&new, now));
    assert!(!use_of(&old, now));
}

fn the_end_of_a_token_is_told_once(house: &House) {
    let authenticator = house.authenticator();
    let old = house
        .admin
        .reveal_token(&actor(), house.id_of("Test"), None)
        .unwrap();
    house.admin.note_ended_tokens().unwrap();
    house
        .admin
        .add_token(&actor(), house.id_of("Test"), Some(0), None)
        .unwrap();
    let new = house
        .admin
        .reveal_token(&actor(), house.id_of("Test"), None)
        .unwrap();
    assert!(used(
        &authenticator,
        &new,
        Utc::now() - Duration::seconds(1)
    ));
    for _ in 0..3 {
        assert!(!used(&authenticator, &old, Utc::now()));
        house.admin.note_ended_tokens().unwrap();
    }
    let told = told(house);
    let of = |event: &str| told.iter().filter(|one| *one == event).count();
    assert_eq!(
        (of("token.expired"), of("token.used_after_end")),
        (1, 1),
        "{told:?}"
    );
}

fn a_key_ends_with_the_key_that_made_it(house: &House) {
    let make = |name: &str, days, actor: &Actor| {
        let input = ApiKeyInput {
            name,
            role: Role::Administrator,
            scopes: None,
            days,
        };
        house.admin.add_api_key(actor, &input).unwrap()
    };
    let by = |key: &IssuedApiKey| Actor::of_key(&key.key, None);
    let first = make("first", 7, &actor());
    let second = make("second", 365, &by(&first));
    let third = make("third", 1, &by(&second));
    let other = make("other", 7, &actor());
    // So does a token, unless somebody takes it over.
    let of = |configuration: &str, days| {
        let by = by(&second);
        house
            .admin
            .add_token(&by, house.id_of(configuration), Some(1), days)
            .unwrap()
            .token
    };
    configuration(&house.admin, "Kept");
    let (ends, kept) = (of("Test", None), of("Kept", Some(3)));
    assert_eq!(ends.expires, Some(first.key.expires));
    assert!(kept.expires < ends.expires);
    let day = Utc::now() + Duration::days(100);
    let lengthen = |by: &Actor| {
        house
            .admin
            .set_token_end(by, house.id_of("Kept"), &kept.id, day)
    };
    assert!(matches!(
        lengthen(&by(&second)),
        Err(AdminError::BeyondKey(_))
    ));
    let made = house.admin.made_by_key("first").unwrap();
    assert_eq!((made.keys.len(), made.tokens.len()), (2, 2));
    lengthen(&actor()).unwrap();
    assert_eq!(second.key.expires, first.key.expires);
    assert!(third.key.expires < first.key.expires);
    let live = |key: &IssuedApiKey| {
        let found = house.admin.authenticate_key(key.value.reveal());
        found.unwrap().is_some()
    };
    assert!(live(&first) && live(&second) && live(&third));
    let made = house.admin.revoke_api_key(&actor(), "FIRST").unwrap();
    assert_eq!((made.keys.len(), made.tokens.len()), (2, 1));
    assert_eq!(
        (&made.tokens[0].0.id, made.tokens[0].1.as_str()),
        (&ends.id, "Test")
    );
    assert!(!live(&first) && !live(&second) && !live(&third) && live(&other));
    let token = |configuration: &str, id: &str| {
        let tokens = house.admin.tokens(house.id_of(configuration)).unwrap();
        tokens.into_iter().find(|token| token.id == id).unwrap()
    };
    assert_eq!(
        token("Test", &ends.id).state(Utc::now()),
        TokenState::Revoked
    );
    assert_eq!(
        token("Kept", &kept.id).state(Utc::now()),
        TokenState::Active
    );
    // Nothing is made with it any more, even by a request that was under way.
    let late = house
        .admin
        .add_token(&by(&second), house.id_of("Test"), None, None);
    assert!(matches!(late, Err(AdminError::Stale)), "{late:?}");
    let again = house.admin.revoke_api_key(&actor(), "first");
    assert!(matches!(again, Err(AdminError::NotFound { .. })));
    let query = AuditQuery {
        event: Some("token.revoked".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    let entries = house.admin.audit(&query).unwrap();
    assert_eq!(entries[0].1.details["withKey"], "first");
    assert_eq!(entries[0].1.configuration, Some(ends.configuration));
    assert_eq!(house.admin.verify_audit(None).unwrap().fault, None);
}

fn a_known_device_waits_for_its_own_failures_alone(house: &House) {
    let password = "a long enough pass phrase";
    let admin = &house.admin;
    let (role, actor) = (Role::Administrator, actor());
    admin.add_account(&actor, "ada", role, password).unwrap();
    let sign_in = |device: Option<&str>, password: &str| {
        admin.sign_in(&Attempt {
            name: "ada",
            password,
            device,
            ..Attempt::default()
        })
    };
    let kept = sign_in(None, password).unwrap().device;
    let own = Some(kept.reveal());
    house.tamper("UPDATE accounts SET failures = 100, failed_at = 4102444800000");
    assert!(matches!(
        sign_in(None, password),
        Err(AdminError::SignInClosed)
    ));
    for _ in 0..5 {
        assert!(matches!(sign_in(own, "wrong"), Err(AdminError::SignIn)));
    }
    assert!(matches!(
        sign_in(own, password),
        Err(AdminError::SignInLater(_))
    ));
    house.tamper("UPDATE devices SET failed_at = 0");
    let again = sign_in(own, password).unwrap().device;
    assert_eq!(again.reveal(), kept.reveal());
    // With the success its failures are forgotten.
    assert!(matches!(sign_in(own, "wrong"), Err(AdminError::SignIn)));
    let link = admin.device_link(&actor, "ADA").unwrap();
    let (other, name) = admin.admit_device(None, link.reveal()).unwrap();
    assert_eq!(name, "ada");
    assert!(admin.admit_device(None, link.reveal()).is_err());
    sign_in(Some(other.reveal()), password).unwrap();
    admin.unlock_account(&actor, "ada").unwrap();
    sign_in(None, password).unwrap();
}

fn a_revocation_holds_at_the_next_request_of_every_replica(house: &House) {
    let replica = Database::open_existing(&house.settings).unwrap();
    let authenticators = [
        house.authenticator(),
        Authenticator::new(replica, house.keys.clone()),
    ];
    let own = house.id_of("Test");
    let token = house.admin.reveal_token(&actor(), own, None).unwrap().value;
    let header = format!("Bearer {}", token.reveal());
    let statuses = || {
        authenticators.each_ref().map(|authenticator| {
            let found = authenticator.authenticate(&[header.as_bytes()], None, Utc::now());
            found.map_or_else(|error| error.status(), |_| 200)
        })
    };
    let set = |status| {
        let seen = house.admin.configuration(own).unwrap();
        house.admin.set_status(&actor(), &seen, status).unwrap();
    };
    assert_eq!([statuses(), statuses()], [[200; 2]; 2]);
    set(ConfigurationStatus::Paused);
    assert_eq!(statuses(), [503, 503]);
    set(ConfigurationStatus::Enabled);
    // Whatever writes to the database is heeded, this program or another one.
    for (revoked, status) in [("1", 401), ("NULL", 200)] {
        house.tamper(&format!("UPDATE access_tokens SET revoked_at = {revoked}"));
        assert_eq!(statuses(), [status; 2]);
    }
    house.admin.revoke_tokens(&actor(), own, None).unwrap();
    assert_eq!(statuses(), [401, 401]);
}

engines::tests! {
    on_both(House::new):
        a_revocation_holds_at_the_next_request_of_every_replica,
        a_token_goes_on_for_a_while_beside_its_successor,
        an_old_token_ends_after_the_first_use_of_the_new_one_and_never_before,
        an_old_token_goes_on_when_the_new_one_is_revoked,
        the_end_of_a_token_is_told_once,
        a_key_ends_with_the_key_that_made_it,
        a_known_device_waits_for_its_own_failures_alone;
}
