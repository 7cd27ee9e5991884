//! Groups: their names, how they come under a configuration's management and leave it.

use scim_protocol::Version;
use serde_json::json;

use super::subject::{PersonByHand, Subject, now};
use super::writes::{
    add, add_group, done, group, group_named, insert_group, is_stale, is_taken, join, later, read,
    scope, version, write,
};
use crate::directory::{Adoption, GroupEnd};
use crate::id::{ResourceId, ResourceKind};

pub(super) fn names_of_groups_are_unique_inside_a_configuration(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    add_group(subject, &okta, "Straße");
    let again = insert_group(subject, &okta, group_named("straße"));
    assert!(is_taken(&again, "displayName"), "{again:?}");
    add_group(subject, &other, "straße");
    subject.add_group("Ops", false);
    add_group(subject, &okta, "ops");
    // What the identity provider calls it counts beside the name that it has.
    let mut renamed = group_named("sent");
    renamed.name = "one".to_owned();
    insert_group(subject, &okta, renamed.clone()).expect("a free name");
    renamed.name = "two".to_owned();
    assert!(is_taken(
        &insert_group(subject, &okta, renamed),
        "displayName"
    ));
    let (id, sight) = (add_group(subject, &okta, "Dev"), scope(&okta));
    let renamed = write(subject, move |tx| {
        tx.update_group(sight, id, Version(1), &group_named("OPS"), now())
    });
    assert!(is_taken(&renamed, "displayName"));
    let classified = write(subject, move |tx| {
        tx.classify_group(sight, id, &group_named("OPS"))
    });
    assert!(is_taken(&classified, "displayName"));
}

pub(super) fn a_group_is_written_at_the_version_that_it_has(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    let (id, sight, elsewhere) = (
        add_group(subject, &okta, "Ops"),
        scope(&okta),
        scope(&other),
    );
    let change = |expected| {
        write(subject, move |tx| {
            tx.update_group(
                sight,
                id,
                Version(expected),
                &group_named("Ops 2"),
                later(1),
            )
        })
    };
    let touch = |expected| {
        write(subject, move |tx| {
            tx.touch_group(sight, id, Version(expected), later(2))
        })
    };
    assert_eq!(change(1).expect("the version that it has"), Version(2));
    assert!(is_stale(&change(1)));
    assert_eq!(touch(2).expect("the version that it has"), Version(3));
    assert!(is_stale(&touch(2)));
    let foreign = write(subject, move |tx| {
        tx.touch_group(elsewhere, id, Version(3), now())
    });
    assert!(is_stale(&foreign));
    let stored = read(subject, |view| view.group(sight, id)).expect("the group");
    assert_eq!((&*stored.name, stored.version), ("Ops 2", Version(3)));
    assert_eq!((stored.created, stored.last_modified), (now(), later(2)));
    assert_eq!(stored.document, group_named("Ops 2").document);
    done(subject, move |tx| {
        tx.classify_group(sight, id, &group_named("Rules"))
    });
    let stored = read(subject, |view| view.group(sight, id)).expect("the group");
    assert_eq!(
        (&*stored.name, stored.version),
        ("Rules", Version(3)),
        "nothing else of it"
    );
    assert_eq!(stored.document, group_named("Ops 2").document);
}

pub(super) fn a_group_made_by_hand_is_taken_over_unless_it_is_protected(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let sight = scope(&okta);
    let adopt = move |name: &'static str| {
        write(subject, move |tx| {
            tx.adopt_group(sight, &group_named(name), later(1))
        })
    };
    assert_eq!(adopt("Nothing").expect("an answer"), Adoption::Nothing);
    subject.add_group("Admins", true);
    assert_eq!(adopt("Admins").expect("an answer"), Adoption::Nothing);
    let guarded = subject.add_group("Guarded", false);
    let chief = subject.add_person(PersonByHand {
        user_name: "chief",
        protected: true,
        ..PersonByHand::default()
    });
    join(subject, guarded, &[chief]);
    assert_eq!(
        adopt("Guarded").expect("an answer"),
        Adoption::Protected(guarded)
    );
    assert_eq!(version(subject, &okta, guarded), None);
    let hand = subject.add_group("By Hand", false);
    let eve = subject.add_person(PersonByHand {
        user_name: "eve",
        ..PersonByHand::default()
    });
    join(subject, hand, &[eve]);
    let taken = adopt("BY HAND").expect("an answer");
    assert_eq!(taken, Adoption::Taken(hand, Version(2)));
    let stored = read(subject, |view| view.group(sight, hand)).expect("in sight from now on");
    assert_eq!((&*stored.name, stored.version), ("BY HAND", Version(2)));
    assert_eq!(join(subject, hand, &[eve]), 0, "members stay");
    assert_eq!(
        adopt("By Hand").expect("an answer"),
        Adoption::Nothing,
        "once"
    );
    // One that has the name already keeps it.
    add_group(subject, &okta, "Twice");
    subject.add_group("Twice", false);
    assert!(is_taken(&adopt("Twice"), "displayName"));
}

pub(super) fn a_group_goes_with_its_memberships_or_stays_with_those_of_others(
    subject: &dyn Subject,
) {
    let okta = subject.configuration("Okta");
    let sight = scope(&okta);
    let [above, below, shared] =
        ["above", "below", "shared"].map(|name| add_group(subject, &okta, name));
    let ava = add(subject, &okta, "ava");
    let eve = subject.add_person(PersonByHand {
        user_name: "eve",
        ..PersonByHand::default()
    });
    let nest = [(below, ResourceKind::Group), (shared, ResourceKind::Group)];
    done(subject, move |tx| tx.add_members(above, &nest, now()));
    join(subject, below, &[ava]);
    join(subject, shared, &[ava, eve]);
    let delete = |id: ResourceId| write(subject, move |tx| tx.delete_group(sight, id, later(1)));
    assert_eq!(delete(below).expect("an end"), GroupEnd::Deleted);
    assert!(is_stale(&delete(below)), "once");
    assert_eq!(
        version(subject, &okta, above),
        Some(Version(2)),
        "it shows one member less"
    );
    assert_eq!(delete(shared).expect("an end"), GroupEnd::Released);
    assert_eq!(version(subject, &okta, shared), None);
    assert_eq!(version(subject, &okta, above), Some(Version(3)));
    let left = read(subject, |view| view.groups_of(sight, &[ava, below, shared]));
    assert_eq!(left, []);
    assert_eq!(
        join(subject, shared, &[eve]),
        0,
        "whom others put there stays"
    );
    assert_eq!(
        join(subject, shared, &[ava]),
        1,
        "who came by the configuration left"
    );
    add_group(subject, &okta, "shared");
    let elsewhere = scope(&subject.configuration("Other"));
    let foreign = write(subject, move |tx| tx.delete_group(elsewhere, above, now()));
    assert!(is_stale(&foreign));
}

pub(super) fn a_group_is_found_by_what_it_is_told_apart_by(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let sight = scope(&okta);
    let admins = subject.add_group("Admins", true);
    subject.add_group("Others", false);
    let protected = |names: &[&str]| read(subject, |view| view.protected_group(names));
    assert_eq!(protected(&["x", "ADMINS"]), Some(admins));
    assert_eq!(protected(&["Others"]), None);
    let with_id = |name: &str| {
        let one = group(json!({"displayName": name, "externalId": "G-1"}));
        insert_group(subject, &okta, one).expect("a group")
    };
    let (one, two) = (with_id("one"), with_id("two"));
    let found = move |id: &'static str, except: ResourceId| {
        done(subject, move |tx| {
            tx.group_with_external_id(sight, id, except)
        })
    };
    assert_eq!(
        (found("G-1", one), found("G-1", two)),
        (Some(two), Some(one))
    );
    assert_eq!(found("g-1", one), None, "an externalId is opaque");
    let elsewhere = scope(&subject.configuration("Other"));
    let foreign = done(subject, move |tx| {
        tx.group_with_external_id(elsewhere, "G-1", one)
    });
    assert_eq!(foreign, None);
}
