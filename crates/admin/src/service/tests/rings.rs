//! Key rings that are lost or turned over where webhooks need them.

use std::sync::Arc;

use chrono::Duration;
use scim_feed::{StreamKind, WebhookUrl};

use scim_provisioning::{Environment, SystemEnvironment};

use super::{House, actor, now};
use crate::keyring::KeyRing;
use crate::safekeeping::{RingError, check_ring, open_ring};
use crate::service::streams::StreamInput;
use crate::service::{AdminService, give_up_lost_keys};
use crate::store::{AdminStoreExt, Written};

fn add_webhook(house: &House, name: &str) {
    let input = StreamInput {
        name: name.to_owned(),
        kind: StreamKind::Webhook,
        url: Some(WebhookUrl::parse("https://example.com/hook").unwrap()),
        topics: None,
    };
    house.admin.add_stream(&actor(), input, 7).unwrap();
}

/// Has everything be written and sealed by what is in a file.
fn served_by(house: &House, ring: KeyRing) -> AdminService {
    AdminService::new(house.store.clone(), ring.into())
}

/// Has the time of a secret before be over, or not.
fn end_previous(house: &House, stream: &str, until: Duration) {
    let stream = house.admin.stream(stream).unwrap();
    let mut webhook = house.admin.webhook(&stream).unwrap().unwrap();
    webhook.previous.as_mut().unwrap().until = now() + until;
    let written = house.store.write(move |rows| {
        rows.update_webhook_secrets(&webhook)?;
        Ok(Written::changed((), super::told("ended")))
    });
    written.unwrap();
}

#[test]
fn a_ring_that_only_a_webhook_needs_is_not_made_anew() {
    let house = House::new();
    let path = house.keys.path().to_owned();
    open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
    add_webhook(&house, "Mail");
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    let refused = open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap_err();
    assert!(matches!(refused, RingError::Lost { .. }), "{refused:?}");
    let said = refused.to_string();
    assert!(
        said.contains("webhook") && !said.contains("token"),
        "{said}"
    );
    assert!(!path.exists());
    let other = KeyRing::open(&path.with_extension("other")).unwrap();
    let refused = check_ring(&*house.store, &other, SystemEnvironment.now()).unwrap_err();
    assert!(
        matches!(refused, RingError::OfAnother { .. }),
        "{refused:?}"
    );
    std::fs::rename(&away, &path).unwrap();
    open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
}

#[test]
fn a_ring_that_is_given_up_frees_the_server_of_webhooks_as_well() {
    let house = House::new();
    let path = house.keys.path().to_owned();
    open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
    add_webhook(&house, "Mail");
    add_webhook(&house, "Chat");
    std::fs::remove_file(&path).unwrap();
    give_up_lost_keys(&*house.store, &path, &actor(), Arc::new(SystemEnvironment)).unwrap();
    let audit = house.audit();
    let given_up = audit.iter().filter(|entry| {
        entry.event == "stream.secretLost" && ["Chat", "Mail"].contains(&&*entry.object)
    });
    assert_eq!(given_up.count(), 2, "{:?}", house.audited());
    // What is issued from then on is not in the way of the next start, and is not given up.
    let ring = open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
    let admin = served_by(&house, ring);
    let token = admin.add_configuration(&actor(), &super::input("Okta"), None);
    token.unwrap();
    let ring = open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
    give_up_lost_keys(&*house.store, &path, &actor(), Arc::new(SystemEnvironment)).unwrap();
    let live = admin.tokens(admin.find_configuration("Okta").unwrap().id);
    assert!(live.unwrap()[0].is_live(now()));
    // A new secret lets the stream go on.
    let admin = served_by(&house, ring);
    let stream = admin.stream("Mail").unwrap();
    assert!(admin.webhook(&stream).unwrap().is_none());
    admin.renew_stream_key(&actor(), stream.clone()).unwrap();
    assert!(admin.webhook(&stream).unwrap().is_some());
}

#[test]
fn a_lost_key_of_webhooks_alone_ends_no_token() {
    let house = House::new();
    let path = house.keys.path().to_owned();
    open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
    let copy = std::fs::read(&path).unwrap();
    house.configuration("Okta");
    house.admin.rotate_keys(&actor()).unwrap();
    add_webhook(&house, "Mail");
    std::fs::write(&path, copy).unwrap();
    let refused = open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap_err();
    assert!(matches!(refused, RingError::Lacks { .. }), "{refused:?}");
    assert!(!refused.to_string().contains("token"), "{refused}");
    give_up_lost_keys(&*house.store, &path, &actor(), Arc::new(SystemEnvironment)).unwrap();
    open_ring(&*house.store, &path, SystemEnvironment.now()).unwrap();
    let tokens = house.admin.tokens(house.id_of("Okta")).unwrap();
    assert!(tokens[0].is_live(now()));
}

#[test]
fn a_secret_that_is_over_keeps_no_key_in_the_ring() {
    let house = House::new();
    add_webhook(&house, "Mail");
    let admin = &house.admin;
    let renew = || {
        let stream = admin.stream("Mail").unwrap();
        admin.renew_stream_key(&actor(), stream).unwrap();
    };
    let first = admin.keys().unwrap()[0].id.clone();
    admin.rotate_keys(&actor()).unwrap();
    renew();
    // Nothing needs the key of the first secret any more.
    end_previous(&house, "Mail", Duration::seconds(-1));
    admin.retire_key(&actor(), &first).unwrap();
    let second = admin.keys().unwrap()[0].id.clone();
    admin.rotate_keys(&actor()).unwrap();
    let done = admin.reseal(&actor()).unwrap();
    assert_eq!((done.resealed, done.unopened.len()), (1, 0));
    let stream = admin.stream("Mail").unwrap();
    assert!(admin.webhook(&stream).unwrap().unwrap().previous.is_none());
    admin.retire_key(&actor(), &second).unwrap();
}

#[test]
fn a_secret_before_that_nobody_can_open_does_not_hold_the_one_of_now() {
    let house = House::new();
    add_webhook(&house, "Mail");
    let admin = &house.admin;
    let first = admin.keys().unwrap()[0].id.clone();
    admin.rotate_keys(&actor()).unwrap();
    let stream = admin.stream("Mail").unwrap();
    let stream = admin.renew_stream_key(&actor(), stream).unwrap().stream;
    house.keys.remove(&first).unwrap();
    admin.rotate_keys(&actor()).unwrap();
    let done = admin.reseal(&actor()).unwrap();
    assert_eq!(done.resealed, 1);
    let webhook = admin.webhook(&stream).unwrap().unwrap();
    assert_eq!(Some(webhook.secret.key), house.keys.signing_id());
    assert_eq!(webhook.previous.unwrap().secret.key, first);
    assert!(done.unopened.is_empty(), "no token is concerned");
}
