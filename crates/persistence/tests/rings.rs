//! Key rings: which belongs to a database, and what becomes of what a lost one signed and sealed, on
//! every engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::Arc;

use chrono::Utc;
use common::{House, actor, configuration};
use scim_admin::event::AuditQuery;
use scim_admin::safekeeping::{KeyState, MayRetire, RingError, open_ring};
use scim_admin::{AdminError, IssuedToken, KeyRing, StreamInput, give_up_lost_keys};
use scim_feed::{Stream, StreamKind, StreamProblem, WebhookUrl};
use scim_provisioning::{Environment, SystemEnvironment};

/// Whether a token is accepted now.
fn accepted(house: &House, token: &IssuedToken) -> bool {
    let header = format!("Bearer {}", token.value.reveal());
    let authenticator = house.authenticator();
    authenticator
        .authenticate(&[header.as_bytes()], None, Utc::now())
        .is_ok()
}

/// The ids of the keys with their states and what needs them.
fn keys(house: &House) -> Vec<(String, KeyState, i64, i64)> {
    let keys = house.admin.keys().unwrap();
    keys.into_iter()
        .map(|key| (key.id, key.state, key.signed, key.sealed))
        .collect()
}

fn tokens_go_on_through_a_rotation_of_keys_until_the_last_of_them_is_gone(house: &House) {
    use KeyState::{Retired, Signs, Verifies};
    open_ring(&*house.database, house.keys.path(), SystemEnvironment.now()).unwrap();
    let first = house.admin.tokens(house.id_of("Test")).unwrap().remove(0);
    let old = first.key_id.clone();
    let add = || {
        let added = house
            .admin
            .add_token(&actor(), house.id_of("Test"), None, None);
        added.unwrap()
    };
    let before = add();
    let new = house.admin.rotate_keys(&actor()).unwrap();
    assert_eq!(
        keys(house),
        [(new.clone(), Signs, 0, 0), (old.clone(), Verifies, 2, 2)]
    );
    let may_retire = |key: &str| {
        let keys = house.admin.keys().unwrap();
        let key = keys.iter().find(|one| one.id == key).unwrap();
        (key.may_retire(), key.signed_until)
    };
    // The first token gives way to the second once that is used; both end with their lives.
    let ends = [first.ends(), before.token.ends()];
    assert_eq!(
        may_retire(&old),
        (
            Some(MayRetire::AfterTokens),
            ends.into_iter().max().flatten()
        )
    );
    assert_eq!(may_retire(&new), (Some(MayRetire::AfterRotation), None));
    let retire = |key: &str| house.admin.retire_key(&actor(), key);
    assert!(
        matches!(retire(&old), Err(AdminError::Invalid(_))),
        "it is needed"
    );
    assert!(
        matches!(retire(&new), Err(AdminError::Invalid(_))),
        "it signs"
    );
    assert!(matches!(
        retire("1234abcd"),
        Err(AdminError::NotFound { .. })
    ));
    let done = house.admin.reseal(&actor()).unwrap();
    assert_eq!((done.resealed, done.unopened.len()), (2, 0));
    assert_eq!(
        keys(house),
        [(new.clone(), Signs, 0, 2), (old.clone(), Verifies, 2, 0)]
    );
    assert_eq!(
        house.admin.reseal(&actor()).unwrap().resealed,
        0,
        "nothing is left to do"
    );
    assert!(accepted(house, &before));
    let shown = house
        .admin
        .reveal_token(&actor(), house.id_of("Test"), Some(&before.token.id));
    assert_eq!(shown.unwrap().value.reveal(), before.value.reveal());
    assert!(
        matches!(retire(&old), Err(AdminError::Invalid(_))),
        "it signed them"
    );
    house
        .admin
        .revoke_tokens(&actor(), house.id_of("Test"), None)
        .unwrap();
    let after = add();
    assert_eq!(may_retire(&old), (Some(MayRetire::Now), None));
    retire(&old).unwrap();
    assert_eq!(may_retire(&old), (None, None));
    assert_eq!(keys(house), [(new, Signs, 1, 1), (old, Retired, 0, 0)]);
    assert!(accepted(house, &after));
    assert!(!accepted(house, &before));
    let audit = |event: &str| {
        let query = AuditQuery {
            event: Some(event.to_owned()),
            limit: 10,
            ..AuditQuery::default()
        };
        house.admin.audit(&query).unwrap().len()
    };
    assert_eq!(
        ["keys.rotated", "keys.resealed", "keys.retired"].map(audit),
        [1, 1, 1]
    );
}

fn a_ring_that_does_not_belong_to_the_database_is_refused(house: &House) {
    let path = house.keys.path();
    let open = |path: &std::path::Path| open_ring(&*house.database, path, SystemEnvironment.now());
    let copy = house.folder.path().join("copy.json");
    std::fs::copy(path, &copy).unwrap();
    let copied = KeyRing::read(&copy);
    open(path).unwrap();
    assert!(copied.is_ok() && open(&copy).is_ok());
    let missing = house.folder.path().join("missing.json");
    let refused = open(&missing).err();
    assert!(
        matches!(&refused, Some(RingError::Lost { needed, .. }) if needed.tokens == 1),
        "{refused:?}"
    );
    assert!(!missing.exists());
    let other = house.folder.path().join("other.json");
    KeyRing::open(&other).unwrap();
    let refused = open(&other).err();
    assert!(
        matches!(&refused, Some(RingError::OfAnother { needed, .. }) if needed.tokens == 1),
        "{refused:?}"
    );
    let new = house.admin.rotate_keys(&actor()).unwrap();
    let add = || {
        house
            .admin
            .add_token(&actor(), house.id_of("Test"), None, None)
            .unwrap()
    };
    let token = add();
    let refused = open(&copy).err();
    assert!(
        matches!(&refused, Some(RingError::Lacks { keys, .. }) if *keys == [new.as_str()]),
        "{refused:?}"
    );
    assert!(accepted(house, &token));
    // Whoever lost them begins again, and nobody needs another ring from then on.
    let given_up = give_up_lost_keys(
        &*house.database,
        &missing,
        &actor(),
        Arc::new(SystemEnvironment),
    )
    .unwrap();
    assert_eq!(given_up.revoked.len(), 2);
    assert!(!accepted(house, &token));
    open(&missing).unwrap();
    let nothing = give_up_lost_keys(
        &*house.database,
        &missing,
        &actor(),
        Arc::new(SystemEnvironment),
    )
    .unwrap();
    assert!(nothing.revoked.is_empty());
}

fn what_needs_a_lost_key_is_given_up_and_nothing_else(house: &House) {
    let path = house.keys.path();
    open_ring(&*house.database, path, SystemEnvironment.now()).unwrap();
    let copy = std::fs::read(path).unwrap();
    let add = |days| {
        let added = house
            .admin
            .add_token(&actor(), house.id_of("Test"), None, days);
        added.unwrap().token.id
    };
    let stream = |name: &str| {
        let input = StreamInput {
            name: name.to_owned(),
            kind: StreamKind::Webhook,
            url: Some(WebhookUrl::parse("https://example.com/hook").unwrap()),
            topics: None,
        };
        house.admin.add_stream(&actor(), input, 0).unwrap().stream
    };
    let (kept, renewed, lost) = (stream("Kept"), stream("Renewed"), "Lost");
    let resealed = house.admin.tokens(house.id_of("Test")).unwrap()[0].clone();
    let old = resealed.key_id.clone();
    let new = house.admin.rotate_keys(&actor()).unwrap();
    // Each is sealed with the new key: what was sealed anew, and what came later.
    house.tamper(&format!(
        "UPDATE access_tokens SET signed_by = key_id, key_id = '{new}'"
    ));
    let added = add(None);
    configuration(&house.admin, "Other");
    house.tamper(&format!(
        "UPDATE access_tokens SET key_id = '{old}' WHERE id NOT IN ('{added}', '{}')",
        resealed.id
    ));
    let lost = stream(lost);
    house
        .admin
        .renew_stream_key(&actor(), renewed.clone())
        .unwrap();
    std::fs::write(path, copy).unwrap();
    let refused = open_ring(&*house.database, path, SystemEnvironment.now()).unwrap_err();
    let RingError::Lacks { keys, needed, .. } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (&keys[..], needed.tokens, needed.webhooks),
        (&[new][..], 2, 2)
    );
    let given_up = give_up_lost_keys(
        &*house.database,
        path,
        &actor(),
        Arc::new(SystemEnvironment),
    )
    .unwrap();
    let mut revoked = given_up.revoked;
    revoked.sort();
    assert_eq!(revoked, [resealed.id, added]);
    assert_eq!(
        given_up.webhooks,
        [renewed.name.as_str(), lost.name.as_str()]
    );
    let other = house.admin.tokens(house.id_of("Other")).unwrap();
    assert!(other[0].is_live(Utc::now()));
    let problem = |stream: &Stream| stream.problem(house.admin.webhook(stream).unwrap().as_ref());
    assert_eq!(problem(&kept), None);
    for stream in [&renewed, &lost] {
        assert_eq!(problem(stream), Some(StreamProblem::NoSecret));
    }
    open_ring(&*house.database, path, SystemEnvironment.now()).unwrap();
}

engines::tests! {
    on_both(House::new):
        what_needs_a_lost_key_is_given_up_and_nothing_else,
        tokens_go_on_through_a_rotation_of_keys_until_the_last_of_them_is_gone,
        a_ring_that_does_not_belong_to_the_database_is_refused;
}
