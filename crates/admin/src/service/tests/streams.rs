//! Streams.

use scim_feed::{StreamKind, StreamState, Subject, Topic};

use super::{House, actor};
use crate::error::AdminError;
use crate::service::streams::StreamInput;

fn input(name: &str) -> StreamInput {
    StreamInput {
        name: name.to_owned(),
        kind: StreamKind::Read,
        url: None,
        topics: Some(vec![Topic::UserCreated]),
    }
}

#[test]
fn a_stream_has_a_name_of_its_own_and_a_secret_that_is_not_kept() {
    let house = House::new();
    let added = house.admin.add_stream(&actor(), input("Mail"), 7).unwrap();
    assert!(added.key.reveal().starts_with("sopsfeed_"));
    let kept = house.admin.stream("mail").unwrap();
    assert_eq!((kept.position, kept.version), (7, 1));
    assert!(kept.takes(Topic::UserCreated) && !kept.takes(Topic::UserDeleted));
    let again = house.admin.add_stream(&actor(), input("MAIL"), 7);
    assert!(matches!(again, Err(AdminError::NameTaken(_))), "{again:?}");
    assert_eq!(house.audit().pop().unwrap().event, "stream.created");
}

#[test]
fn only_what_is_active_is_paused_and_what_is_paused_resumed() {
    let house = House::new();
    let admin = &house.admin;
    let added = admin.add_stream(&actor(), input("Mail"), 7).unwrap().stream;
    let resumed = admin.resume_stream(&actor(), added.clone());
    assert!(
        matches!(resumed, Err(AdminError::Invalid(_))),
        "{resumed:?}"
    );
    let paused = admin.pause_stream(&actor(), added).unwrap();
    assert_eq!((paused.state, paused.version), (StreamState::Paused, 2));
    let again = admin.pause_stream(&actor(), paused.clone());
    assert!(matches!(again, Err(AdminError::Invalid(_))), "{again:?}");
    let moved = admin.replay_stream(&actor(), paused, 3).unwrap();
    assert_eq!((moved.state, moved.position), (StreamState::Paused, 3));
    let resumed = admin.resume_stream(&actor(), moved).unwrap();
    assert_eq!((resumed.state, resumed.position), (StreamState::Active, 3));
    let events: Vec<_> = house.audit().into_iter().map(|entry| entry.event).collect();
    let told = [
        "stream.created",
        "stream.paused",
        "stream.replayed",
        "stream.resumed",
    ];
    assert_eq!(events, told);
}

#[test]
fn a_stream_is_found_by_the_name_that_is_its_own() {
    let house = House::new();
    let first = house.admin.add_stream(&actor(), input("É"), 7).unwrap();
    assert_eq!(house.admin.stream(" é ").unwrap(), first.stream);
    // Whoever is called as the id of another one does not stand for it.
    let id = &first.stream.id;
    house.admin.add_stream(&actor(), input(id), 7).unwrap();
    assert_eq!(house.admin.stream(id).unwrap().name, "É");
}

#[test]
fn what_was_done_to_a_stream_since_it_was_found_is_not_undone() {
    let house = House::new();
    let admin = &house.admin;
    let found = admin.add_stream(&actor(), input("Mail"), 7).unwrap().stream;
    admin.replay_stream(&actor(), found.clone(), 3).unwrap();
    for late in [
        admin.pause_stream(&actor(), found.clone()),
        admin.replay_stream(&actor(), found.clone(), 5),
        admin.delete_stream(&actor(), found),
    ] {
        assert!(matches!(late, Err(AdminError::Stale)), "{late:?}");
    }
    let kept = admin.stream("Mail").unwrap();
    assert_eq!((kept.state, kept.position), (StreamState::Active, 3));
}

#[test]
fn a_stream_that_is_deleted_is_gone() {
    let house = House::new();
    let added = house.admin.add_stream(&actor(), input("Mail"), 7).unwrap();
    house.admin.delete_stream(&actor(), added.stream).unwrap();
    let gone = house.admin.stream("Mail");
    assert!(matches!(gone, Err(AdminError::NotFound { .. })), "{gone:?}");
    assert!(house.admin.streams().unwrap().is_empty());
}

#[test]
fn a_stream_is_told_of_a_topic_at_least_and_of_each_once() {
    let house = House::new();
    let of = |topics: &[Topic]| StreamInput {
        topics: Some(topics.to_vec()),
        ..input("Mail")
    };
    let none = house.admin.add_stream(&actor(), of(&[]), 7);
    assert!(matches!(none, Err(AdminError::Invalid(_))), "{none:?}");
    let twice = of(&[Topic::UserBlocked, Topic::UserBlocked]);
    let added = house.admin.add_stream(&actor(), twice, 7).unwrap();
    assert_eq!(added.stream.topics, Some(vec![Topic::UserBlocked]));
    assert_eq!(added.stream.subjects(), [Subject::User]);
}
