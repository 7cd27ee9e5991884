//! Users: who sees them, what they are called, how they come and leave.

use super::subject::{PersonByHand, Subject, event, now};
use super::writes::{
    add, add_group, done, field, find, insert, is_stale, is_taken, join, later, named, read, scope,
    user, version, write,
};
use crate::configuration::Configuration;
use crate::directory::{Departure, HeldAction, Status};
use crate::event::{Action, Outcome};
use crate::id::ResourceId;
use scim_mapping::{Field, FieldValue};
use scim_protocol::Version;
use serde_json::json;

pub(super) fn a_user_is_read_as_it_was_written(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let mut sent = user(json!({
        "userName": "Ava", "displayName": "Ava Lind", "title": "Boss", "externalId": "E-7",
        "emails": [{"value": "AVA@corp.example", "type": "work"}],
    }));
    let custom = |key: &str| Field::Custom(key.to_owned());
    let number = FieldValue::Integer(9_007_199_254_740_991);
    sent.record.extend([
        (Field::Vip, FieldValue::Boolean(true)),
        (
            Field::Roles,
            FieldValue::Texts(vec!["Requester".to_owned()]),
        ),
        (custom("badge"), number.clone()),
        (custom("since"), FieldValue::DateTime(now())),
    ]);
    let document = sent.document.clone();
    let id = insert(subject, &okta, sent).expect("a user");
    let stored = find(subject, &okta, id).expect("the user");
    assert_eq!(
        (stored.id, stored.version, stored.status),
        (id, Version(1), Status::Active)
    );
    assert_eq!((stored.created, stored.last_modified), (now(), now()));
    assert_eq!((stored.held, stored.manager), (false, None));
    assert_eq!(stored.document, document);
    for (of, wanted) in [
        (Field::UserName, "Ava"),
        (Field::DisplayName, "Ava Lind"),
        (Field::JobTitle, "Boss"),
        (Field::Email, "ava@corp.example"),
        (Field::UserType, "requester"),
        (Field::ScimExternalId, "E-7"),
    ] {
        assert_eq!(field(&stored, &of).as_deref(), Some(wanted), "{of}");
    }
    let text = |field: &Field| stored.record.get(field).cloned();
    assert_eq!(text(&custom("badge")), Some(number));
    let written = FieldValue::DateTime(now()).to_json();
    let written = written
        .as_str()
        .map(|text| FieldValue::Text(text.to_owned()));
    assert_eq!(
        text(&custom("since")),
        written,
        "an instant is the text that it is written as"
    );
    assert_eq!(text(&Field::Vip), Some(FieldValue::Boolean(true)));
    assert!(text(&Field::Roles).is_some());
    // Whoever is no VIP and has no role does not say so.
    let mut plain = named("bo");
    plain.record.insert(Field::Vip, FieldValue::Boolean(false));
    plain
        .record
        .insert(Field::Roles, FieldValue::Texts(Vec::new()));
    let bo = insert(subject, &okta, plain).expect("a user");
    let stored = find(subject, &okta, bo).expect("the user");
    let fields: Vec<_> = stored.record.keys().cloned().collect();
    assert_eq!(fields, [Field::UserName, Field::UserType]);
}

pub(super) fn a_configuration_sees_nobody_but_its_own(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    let own = add(subject, &okta, "own");
    let foreign = add(subject, &other, "foreign");
    let protected = add(subject, &okta, "protected");
    subject.protect(protected);
    let hand = subject.add_person(PersonByHand {
        user_name: "hand",
        ..PersonByHand::default()
    });
    let left = add(subject, &okta, "left");
    leave(subject, &okta, left, Status::Blocked, false);
    let all = [own, foreign, protected, hand, left];
    let seen: Vec<_> = all
        .iter()
        .filter(|id| find(subject, &okta, **id).is_some())
        .collect();
    assert_eq!(seen, [&own]);
    let visible = read(subject, |view| view.visible(scope(&okta), &all));
    assert_eq!(visible.iter().map(|one| one.id).collect::<Vec<_>>(), [own]);
    let by_hand = |id| read(subject, |view| view.by_hand(id));
    assert_eq!(by_hand(hand).map(|user| user.id), Some(hand));
    assert!(
        [own, foreign, protected, left]
            .into_iter()
            .all(|id| by_hand(id).is_none())
    );
    let first = read(subject, |view| view.protected(&all));
    assert_eq!(first, Some(protected));
    assert_eq!(read(subject, |view| view.protected(&[own, hand])), None);
    // What is not seen is not written either.
    let (sight, user) = (scope(&okta), named("new"));
    for id in [foreign, protected, hand, left] {
        let write_user = user.clone();
        let written = write(subject, move |tx| {
            assert!(tx.lock_user(sight, id)?.is_none());
            tx.update_user(sight, id, Version(1), &write_user, now())
        });
        assert!(is_stale(&written), "{written:?}");
        let released = write(subject, move |tx| {
            tx.release_user(sight, id, &departure(Status::Archived, false), now())
        });
        assert!(is_stale(&released), "{released:?}");
    }
    let kept = read(subject, |view| view.user(scope(&other), foreign));
    assert_eq!(kept.map(|user| user.version), Some(Version(1)));
}

pub(super) fn names_of_users_are_unique_as_people_read_them(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    add(subject, &okta, "Ärzte");
    for name in ["ärzte", "ÄRZTE", "A\u{308}rzte"] {
        for of in [&okta, &other] {
            let again = insert(subject, of, named(name));
            assert!(is_taken(&again, "userName"), "{name}: {again:?}");
        }
    }
    // What the identity provider calls somebody is unique among those whom the configuration sees.
    let mut renamed = named("bo");
    renamed
        .record
        .insert(Field::UserName, FieldValue::Text("logon".to_owned()));
    insert(subject, &okta, renamed.clone()).expect("a free name");
    renamed
        .record
        .insert(Field::UserName, FieldValue::Text("another".to_owned()));
    assert!(is_taken(
        &insert(subject, &okta, renamed.clone()),
        "userName"
    ));
    insert(subject, &other, renamed).expect("another configuration's own word");
    let by_hand = PersonByHand {
        user_name: "hand",
        ..PersonByHand::default()
    };
    subject.add_person(by_hand);
    assert!(is_taken(&insert(subject, &okta, named("HAND")), "userName"));
    // A change may not take what somebody else has, and may keep its own.
    let cy = add(subject, &okta, "cy");
    let sight = scope(&okta);
    let rename = move |name: &'static str, expected: i64| {
        write(subject, move |tx| {
            tx.update_user(sight, cy, Version(expected), &named(name), now())
        })
    };
    assert!(is_taken(&rename("ÄRZTE", 1), "userName"));
    assert_eq!(rename("CY", 1).expect("its own name"), Version(2));
}

pub(super) fn a_user_is_written_at_the_version_that_it_has(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let (id, sight) = (add(subject, &okta, "ava"), scope(&okta));
    let change = |expected: i64| {
        write(subject, move |tx| {
            tx.update_user(sight, id, Version(expected), &named("ava2"), later(1))
        })
    };
    assert_eq!(change(1).expect("the version that it has"), Version(2));
    assert!(is_stale(&change(1)));
    let stored = find(subject, &okta, id).expect("the user");
    assert_eq!(stored.version, Version(2));
    assert_eq!((stored.created, stored.last_modified), (now(), later(1)));
    assert_eq!(change(2).expect("the next one"), Version(3));
}

pub(super) fn whoever_leaves_is_out_of_sight_and_gives_the_name_back_when_archived(
    subject: &dyn Subject,
) {
    let okta = subject.configuration("Okta");
    let (ava, bo) = (add(subject, &okta, "ava"), add(subject, &okta, "bo"));
    let ops = add_group(subject, &okta, "Ops");
    let hand = subject.add_group("By hand", false);
    assert_eq!(join(subject, ops, &[ava, bo]), 2);
    assert_eq!(join(subject, hand, &[ava]), 1);
    leave(subject, &okta, ava, Status::Archived, false);
    assert!(find(subject, &okta, ava).is_none());
    assert_eq!(
        version(subject, &okta, ops),
        Some(Version(2)),
        "it shows one member less"
    );
    assert_eq!(
        join(subject, hand, &[ava]),
        0,
        "who put somebody into a group by hand keeps them"
    );
    assert_eq!(
        join(subject, ops, &[ava]),
        1,
        "of the configuration's groups nothing is left"
    );
    add(subject, &okta, "AVA");
    leave(subject, &okta, bo, Status::Blocked, false);
    assert!(
        is_taken(&insert(subject, &okta, named("bo")), "userName"),
        "a blocked person is one"
    );
}

pub(super) fn whose_leaving_is_held_stays_who_they_are(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let ava = add(subject, &okta, "ava");
    let ops = add_group(subject, &okta, "Ops");
    join(subject, ops, &[ava]);
    leave(subject, &okta, ava, Status::Archived, true);
    assert!(
        find(subject, &okta, ava).is_none(),
        "the identity provider was told so"
    );
    assert_eq!(version(subject, &okta, ops), Some(Version(2)));
    assert_eq!(join(subject, ops, &[ava]), 0, "the membership is there");
    assert!(is_taken(&insert(subject, &okta, named("ava")), "userName"));
}

pub(super) fn what_is_held_is_replaced_and_withdrawn(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let (ava, sight) = (add(subject, &okta, "ava"), scope(&okta));
    let held = |subject, id| find(subject, &okta, id).map(|user| user.held);
    let block = HeldAction {
        deleted: false,
        status: Status::Blocked,
        purge: None,
    };
    for _twice in 0..2 {
        done(subject, move |tx| tx.hold(sight, ava, block, now()));
        assert_eq!(held(subject, ava), Some(true));
    }
    let stored = find(subject, &okta, ava).expect("the user");
    assert_eq!(
        (stored.status, stored.version),
        (Status::Active, Version(1))
    );
    for _twice in 0..2 {
        done(subject, move |tx| tx.withdraw(ava, now()));
        assert_eq!(held(subject, ava), Some(false));
    }
    subject.protect(ava);
    let hold = write(subject, move |tx| tx.hold(sight, ava, block, now()));
    assert!(
        is_stale(&hold),
        "nothing is held of a protected account: {hold:?}"
    );
}

pub(super) fn departures_are_counted_as_they_are_logged(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    let sight = scope(&okta);
    for name in ["ava", "bo", "cy"] {
        add(subject, &okta, name);
    }
    let dan = add(subject, &okta, "dan");
    leave(subject, &okta, dan, Status::Archived, false);
    let entry = |of: &Configuration, action, outcome, seconds| {
        let mut entry = event(of);
        (entry.action, entry.outcome, entry.at) = (action, outcome, later(seconds));
        entry
    };
    let entries = vec![
        entry(&okta, Action::Archive, Outcome::Success, 0),
        entry(&okta, Action::Block, Outcome::Warning, 1),
        entry(&okta, Action::Delete, Outcome::Success, 2),
        entry(&okta, Action::Archive, Outcome::Held, 2),
        entry(&okta, Action::Update, Outcome::Success, 2),
        entry(&other, Action::Archive, Outcome::Success, 2),
    ];
    let counted = done(subject, move |tx| {
        for entry in &entries {
            tx.record(entry)?;
        }
        // What is told in the transaction counts.
        Ok([
            tx.departures(sight, later(0), 10)?,
            tx.departures(sight, later(1), 10)?,
            tx.departures(sight, later(3), 10)?,
            tx.departures(sight, later(0), 2)?,
            tx.users_at(sight, later(-10))?,
            tx.users_at(sight, later(10))?,
        ])
    });
    assert_eq!(counted, [3, 2, 0, 2, 4, 3]);
}

pub(super) fn departure(status: Status, held: bool) -> Departure {
    Departure {
        status,
        purge: None,
        held,
    }
}

pub(super) fn leave(
    subject: &dyn Subject,
    of: &Configuration,
    id: ResourceId,
    status: Status,
    held: bool,
) {
    let sight = scope(of);
    done(subject, move |tx| {
        tx.release_user(sight, id, &departure(status, held), now())
    });
}
