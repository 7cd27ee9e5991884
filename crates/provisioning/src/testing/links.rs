//! Who is linked: people created by hand, who left, and managers.

use scim_mapping::{Field, FieldValue};
use scim_protocol::Version;
use serde_json::{Map, json};

use super::people::leave;
use super::subject::{PersonByHand, Subject, event, now};
use super::writes::{
    add, done, find, insert, is_stale, is_taken, later, named, read, scope, user, write,
};
use crate::directory::{Approval, PendingLink, Status};
use crate::event::Outcome;
use crate::id::{ResourceId, RunId};

pub(super) fn a_person_made_by_hand_is_taken_over_and_one_who_left_is_taken_up_again(
    subject: &dyn Subject,
) {
    let okta = subject.configuration("Okta");
    let sight = scope(&okta);
    let eve = subject.add_person(PersonByHand {
        user_name: "eve",
        ..PersonByHand::default()
    });
    let before = read(subject, |view| view.by_hand(eve)).expect("a person");
    let link = move |subject: &dyn Subject, id, name: &'static str| {
        write(subject, move |tx| {
            tx.link_user(sight, id, &named(name), later(5))
        })
    };
    let linked = link(subject, eve, "Eve").expect("a person by hand");
    assert_eq!(linked, Version(before.version.0 + 1));
    let stored = find(subject, &okta, eve).expect("in sight from now on");
    assert_eq!((stored.version, stored.created), (linked, before.created));
    assert_eq!(stored.last_modified, later(5));
    assert!(is_stale(&link(subject, eve, "Eve")), "once");
    leave(subject, &okta, eve, Status::Blocked, false);
    link(subject, eve, "Eve").expect("one who left");
    assert_eq!(
        find(subject, &okta, eve).map(|user| user.status),
        Some(Status::Active)
    );
    leave(subject, &okta, eve, Status::Archived, false);
    assert!(
        is_stale(&link(subject, eve, "Eve")),
        "who is archived is not taken up"
    );
    let ava = add(subject, &okta, "ava");
    let fay = subject.add_person(PersonByHand {
        user_name: "fay",
        ..PersonByHand::default()
    });
    assert!(is_stale(&link(subject, ava, "ava")));
    assert!(is_taken(&link(subject, fay, "AVA"), "userName"));
}

pub(super) fn nobody_is_taken_over_who_administers(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    let by_hand = |name: &'static str| PersonByHand {
        user_name: name,
        ..PersonByHand::default()
    };
    let bound = subject.add_person(by_hand("bound"));
    subject.add_account(bound);
    let people = [
        bound,
        subject.add_person(PersonByHand {
            protected: true,
            ..by_hand("admin")
        }),
        subject.add_person(PersonByHand {
            role: Some("Account Administrator"),
            ..by_hand("role")
        }),
        add(subject, &other, "foreign"),
        ResourceId::new(),
    ];
    let sight = scope(&okta);
    for (at, id) in people.into_iter().enumerate() {
        let linked = write(subject, move |tx| {
            tx.link_user(sight, id, &named(&format!("new{at}")), now())
        });
        assert!(is_stale(&linked), "{at}: {linked:?}");
    }
}

pub(super) fn a_manager_is_linked_whenever_they_arrive(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let report = |name: &str, manager: &str| {
        let mut user = named(name);
        user.record
            .insert(Field::Manager, FieldValue::Text(manager.to_owned()));
        insert(subject, &okta, user).expect("a user")
    };
    let of = |id| find(subject, &okta, id).expect("a user").manager;
    // By externalId, userName and address, before and after.
    let early = ["E-7", "BOSS", "boss@corp.example"].map(|by| report(&format!("early {by}"), by));
    assert!(early.iter().all(|id| of(*id).is_none()));
    let boss = insert(
        subject,
        &okta,
        user(json!({
            "userName": "boss", "externalId": "E-7", "emails": [{"value": "boss@corp.example"}],
        })),
    );
    let boss = boss.expect("a user");
    assert!(early.iter().all(|id| of(*id) == Some(boss)));
    let id = boss.to_string();
    let late =
        ["E-7", "Boss", "BOSS@corp.example", &id].map(|by| report(&format!("late {by}"), by));
    assert!(late.iter().all(|id| of(*id) == Some(boss)));
    assert_eq!(of(report("none", "nobody")), None);
    assert_eq!(of(report("case", "e-7")), None, "an externalId is opaque");
    // What several have names nobody.
    let twin = insert(
        subject,
        &okta,
        user(json!({"userName": "twin", "externalId": "E-7"})),
    );
    twin.expect("a user");
    assert_eq!(of(report("which", "E-7")), None);
    // Who is out of sight is nobody's manager that is shown, and comes back as theirs.
    leave(subject, &okta, boss, Status::Blocked, false);
    assert!(late.iter().all(|id| of(*id).is_none()));
    let sight = scope(&okta);
    done(subject, move |tx| {
        tx.link_user(sight, boss, &named("boss"), now())
    });
    assert!(early.iter().chain(&late).all(|id| of(*id) == Some(boss)));
}

pub(super) fn a_link_waits_until_it_is_approved_and_what_was_dismissed_does_not(
    subject: &dyn Subject,
) {
    let okta = subject.configuration("Okta");
    let [eve, fay] = ["eve", "fay"].map(|name| {
        subject.add_person(PersonByHand {
            user_name: name,
            ..PersonByHand::default()
        })
    });
    let ask = |person: ResourceId, name: &str, title: &str| {
        let document = json!({"userName": name, "title": title});
        let link = PendingLink {
            person,
            attribute: "userName",
            document: document.as_object().cloned().unwrap_or_else(Map::new),
            dismissed: "decided".to_owned(),
        };
        let mut entry = event(&okta);
        entry.outcome = Outcome::Failure;
        entry.reason = Some("asked".to_owned());
        let logged = subject.directory().log(entry, vec![link]);
        logged.expect("an entry");
    };
    let waiting = || {
        let waiting = subject.waiting_links(okta.id).into_iter();
        let mut waiting: Vec<_> = waiting.map(|(person, _)| person).collect();
        waiting.sort();
        waiting
    };
    let last = || subject.log().pop().expect("an entry").0;
    ask(eve, "eve", "Engineer");
    ask(eve, "EVE", "Engineer");
    ask(fay, "fay", "Engineer");
    let both = {
        let mut both = vec![eve, fay];
        both.sort();
        both
    };
    assert_eq!(waiting(), both, "the same user waits once");
    subject.dismiss_links(okta.id, fay);
    ask(fay, "fay", "Engineer");
    assert_eq!((waiting(), last()), (vec![eve], Some("decided".to_owned())));
    ask(fay, "fay", "Architect");
    assert_eq!((waiting(), last()), (both, Some("asked".to_owned())));
    let seen = read(subject, |view| view.by_hand(eve))
        .expect("a person")
        .version;
    let approve = |seen: Version| {
        let (configuration, approval) = (
            okta.clone(),
            Approval {
                person: eve,
                seen,
                user_name: "eve".to_owned(),
                actor: "check".to_owned(),
                source: None,
                run: RunId::new(),
            },
        );
        write(subject, move |tx| {
            tx.approve_link(&configuration, &approval, now())
        })
    };
    assert!(
        is_stale(&approve(Version(seen.0 + 1))),
        "of another version than was seen"
    );
    approve(seen).expect("an approval");
    assert_eq!(waiting(), [fay]);
}
