//! Members of groups: each change by itself, without a look at who else is there.

use scim_protocol::Version;

use super::subject::{PersonByHand, Subject, now};
use super::writes::{add, add_group, done, join, later, read, scope, version};
use crate::configuration::Configuration;
use crate::directory::{Departure, Status};
use crate::id::{ResourceId, ResourceKind};

fn remove(
    subject: &dyn Subject,
    of: &Configuration,
    group: ResourceId,
    members: &[ResourceId],
) -> Vec<ResourceId> {
    let (sight, members) = (scope(of), members.to_vec());
    done(subject, move |tx| {
        let since = now() - chrono::Duration::hours(24);
        let removed = tx.remove_members(sight, group, &members, since)?;
        let stays = tx.members_brought_back(sight, group, &members, since)?;
        assert_eq!(stays, [], "nobody took anything back");
        Ok(removed)
    })
}

/// Who is shown as a member of a group.
fn shown(
    subject: &dyn Subject,
    of: &Configuration,
    group: ResourceId,
) -> Vec<(ResourceId, String)> {
    let shown = read(subject, |view| view.members_of(scope(of), &[group]));
    let count = read(subject, |view| view.count_members(scope(of), group, 100));
    assert_eq!(count, shown.len());
    shown
        .into_iter()
        .map(|one| (one.member, one.display))
        .collect()
}

pub(super) fn a_member_is_added_once_and_removed_once(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let (ops, ava) = (add_group(subject, &okta, "Ops"), add(subject, &okta, "ava"));
    assert_eq!(
        [join(subject, ops, &[ava]), join(subject, ops, &[ava])],
        [1, 0]
    );
    let dev = add_group(subject, &okta, "Dev");
    let added = done(subject, move |tx| {
        tx.add_members(
            ops,
            &[(dev, ResourceKind::Group), (ava, ResourceKind::User)],
            now(),
        )
    });
    assert_eq!(added, [dev]);
    let mut wanted = vec![(ava, "ava".to_owned()), (dev, "Dev".to_owned())];
    wanted.sort();
    assert_eq!(shown(subject, &okta, ops), wanted);
    let groups = read(subject, |view| view.groups_of(scope(&okta), &[ava, dev]));
    let groups: Vec<_> = groups
        .iter()
        .map(|one| (&*one.group_name, one.member, one.kind))
        .collect();
    assert!(groups.contains(&("Ops", ava, ResourceKind::User)));
    assert!(groups.contains(&("Ops", dev, ResourceKind::Group)) && groups.len() == 2);
    assert_eq!(
        remove(subject, &okta, ops, &[ava, ResourceId::new()]),
        [ava]
    );
    assert_eq!(remove(subject, &okta, ops, &[ava]), []);
    assert_eq!(
        version(subject, &okta, ops),
        Some(Version(1)),
        "who counts it up says so"
    );
}

pub(super) fn who_is_out_of_sight_is_no_member_and_stays_one(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let ops = add_group(subject, &okta, "Ops");
    let hand = subject.add_person(PersonByHand {
        user_name: "hand",
        ..PersonByHand::default()
    });
    let chief = add(subject, &okta, "chief");
    let (foreign, admins) = (
        add(subject, &subject.configuration("Other"), "far"),
        subject.add_group("Admins", true),
    );
    join(subject, ops, &[hand, chief, foreign]);
    done(subject, move |tx| {
        tx.add_members(ops, &[(admins, ResourceKind::Group)], now())
    });
    subject.protect(chief);
    assert_eq!(shown(subject, &okta, ops), []);
    assert_eq!(
        remove(subject, &okta, ops, &[hand, chief, foreign, admins]),
        []
    );
    assert_eq!(
        join(subject, ops, &[hand, chief, foreign]),
        0,
        "they are there"
    );
    let groups = read(subject, |view| {
        view.groups_of(scope(&subject.configuration("Third")), &[hand])
    });
    assert_eq!(groups, [], "a group that another configuration manages");
}

pub(super) fn what_is_held_of_a_group_is_hidden_until_it_is_added_again(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let ops = add_group(subject, &okta, "Ops");
    let [ava, bo] = ["ava", "bo"].map(|name| add(subject, &okta, name));
    join(subject, ops, &[ava, bo]);
    let sight = scope(&okta);
    done(subject, move |tx| {
        tx.hold_members(sight, ops, &[ava], now())
    });
    assert_eq!(shown(subject, &okta, ops), [(bo, "bo".to_owned())]);
    assert_eq!(read(subject, |view| view.groups_of(sight, &[ava])), []);
    let chunk = read(subject, |view| view.members_behind(sight, ops, None, 10));
    assert_eq!(chunk.members.len(), 1);
    assert_eq!(
        remove(subject, &okta, ops, &[ava]),
        [],
        "it waits for an administrator"
    );
    assert_eq!(
        join(subject, ops, &[ava]),
        1,
        "who is added again is not held any more"
    );
    assert_eq!(shown(subject, &okta, ops).len(), 2);
}

pub(super) fn whoever_is_awaited_joins_when_they_come(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let sight = scope(&okta);
    let [ops, dev, gone] = ["Ops", "Dev", "Gone"].map(|name| add_group(subject, &okta, name));
    let eve = subject.add_person(PersonByHand {
        user_name: "eve",
        ..PersonByHand::default()
    });
    let ava = add(subject, &okta, "ava");
    let blocked = Departure {
        status: Status::Blocked,
        purge: None,
        held: false,
    };
    done(subject, move |tx| {
        tx.release_user(sight, ava, &blocked, now())?;
        for group in [ops, dev, gone] {
            tx.await_members(group, &[eve, ava])?;
            tx.await_members(group, &[eve])?;
        }
        tx.forget_awaited(dev, Some(&[eve]))?;
        tx.forget_awaited(gone, None)
    });
    let link = |id: ResourceId, name: &'static str| {
        let user = super::writes::named(name);
        done(subject, move |tx| tx.link_user(sight, id, &user, later(1)))
    };
    link(eve, "eve");
    let members = |group| {
        let shown = shown(subject, &okta, group).into_iter();
        shown.map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(
        (members(ops), members(dev), members(gone)),
        (vec![eve], vec![], vec![])
    );
    assert_eq!(version(subject, &okta, ops), Some(Version(2)));
    link(ava, "ava");
    let both = {
        let mut both = vec![ava, eve];
        both.sort();
        both
    };
    assert_eq!((members(ops), members(dev)), (both, vec![ava]));
    // Once: who is taken out is not awaited any more.
    remove(subject, &okta, ops, &[eve]);
    done(subject, move |tx| {
        tx.release_user(sight, eve, &blocked, now())
    });
    link(eve, "eve");
    assert_eq!(members(ops), [ava]);
}

pub(super) fn members_are_read_chunk_by_chunk(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let ops = add_group(subject, &okta, "Ops");
    let mut users: Vec<ResourceId> = (0..7)
        .map(|at| add(subject, &okta, &format!("user{at}")))
        .collect();
    users.sort();
    join(subject, ops, &users);
    subject.protect(users[2]);
    let (mut walked, mut after, mut looked) = (Vec::new(), None, Vec::new());
    loop {
        let chunk = read(subject, |view| {
            view.members_behind(scope(&okta), ops, after, 3)
        });
        looked.push(chunk.members.len());
        walked.extend(chunk.members.iter().map(|one| one.id));
        after = chunk.next;
        if after.is_none() {
            break;
        }
    }
    users.remove(2);
    assert_eq!(walked, users);
    assert_eq!(looked, [2, 3, 1], "who is hidden takes a place");
    let counted =
        [3, 100].map(|limit| read(subject, |view| view.count_members(scope(&okta), ops, limit)));
    assert_eq!(counted, [3, 6]);
}
