//! What is written is kept, and what fails is not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use scim_protocol::Version;
use scim_service::Rollback;

use super::subject::{Subject, event, now};
use super::writes::{add, add_group, done, find, group_named, insert_group, read, scope, write};
use crate::directory::{DirectoryExt, From, Selection, StoreError};
use crate::event::Outcome;
use crate::failure::Failure;
use crate::id::{ResourceId, RunId};
use crate::job::Job;

pub(super) fn a_write_that_fails_leaves_nothing(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let (scope, id) = (scope(&okta), ResourceId::new());
    let failed: Result<(), Failure> = subject.directory().transact(move |tx| {
        tx.insert_group(scope, id, &group_named("Half"), now())?;
        assert!(tx.group(scope, id)?.is_some(), "it is there for the work");
        Err(scim_protocol::Error::not_found().into())
    });
    assert!(
        matches!(failed, Err(Failure::Scim(_))),
        "the failure of the work is answered"
    );
    assert!(read(subject, |view| view.group(scope, id)).is_none());
    add_group(subject, &okta, "Half");
}

pub(super) fn a_part_that_fails_is_undone_alone(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let scope = scope(&okta);
    let ids = [(); 3].map(|()| ResourceId::new());
    let told = ["first", "undone", "last"].map(|reason| {
        let mut event = event(&okta);
        event.reason = Some(reason.to_owned());
        event
    });
    let written = subject.directory().write_in_parts(Box::new(move |tx| {
        for (at, name) in ["One", "Two", "Three"].into_iter().enumerate() {
            let part = tx.part(&mut |tx| {
                tx.insert_group(scope, ids[at], &group_named(name), now())?;
                tx.record(&told[at])?;
                match at {
                    1 => Err(Rollback::Refused),
                    _ => Ok(()),
                }
            });
            assert_eq!(part.is_err(), at == 1, "{part:?}");
            assert_eq!(tx.group(scope, ids[at])?.is_some(), at != 1);
        }
        Ok(())
    }));
    written.expect("the parts that did not fail");
    let there = ids.map(|id| read(subject, |view| view.group(scope, id)).is_some());
    assert_eq!(there, [true, false, true]);
    let reasons = subject.log().into_iter().filter_map(|(reason, _)| reason);
    assert_eq!(reasons.collect::<Vec<_>>(), ["first", "last"]);
}

pub(super) fn a_write_that_panics_leaves_nothing_and_the_next_one_works(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let (scope, id) = (scope(&okta), ResourceId::new());
    let broken = AssertUnwindSafe(|| {
        subject.directory().write(Box::new(move |tx| {
            tx.insert_group(scope, id, &group_named("Half"), now())?;
            panic!("a bug")
        }))
    });
    // The panic is the caller's, or one that writes for everybody answers with an error.
    assert!(!matches!(catch_unwind(broken), Ok(Ok(()))));
    assert!(read(subject, |view| view.group(scope, id)).is_none());
    add_group(subject, &okta, "Half");
}

pub(super) fn what_is_logged_with_a_write_stands_and_falls_with_it(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let told = |reason: &str| {
        let mut event = event(&okta);
        event.reason = Some(reason.to_owned());
        event
    };
    let (kept, lost) = (told("kept"), told("lost"));
    done(subject, move |tx| tx.record(&kept));
    let failed: Result<(), StoreError> = write(subject, move |tx| {
        tx.record(&lost)?;
        Err(StoreError::Stale)
    });
    assert!(failed.is_err());
    let alone = subject.directory().log(told("alone"), Vec::new());
    alone.expect("an entry of its own");
    let reasons: Vec<_> = subject
        .log()
        .into_iter()
        .filter_map(|(reason, _)| reason)
        .collect();
    assert_eq!(reasons, ["kept", "alone"]);
}

pub(super) fn a_failure_is_open_until_the_same_succeeds(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    let id = ResourceId::new();
    let log = |of: &_, name: &str, resource: Option<ResourceId>, outcome: Outcome| {
        let mut event = event(of);
        event.resource_name = Some(name.to_owned());
        event.resource_id = resource;
        event.outcome = outcome;
        let logged = subject.directory().log(event, Vec::new());
        logged.expect("an entry");
    };
    log(&okta, "ava", None, Outcome::Failure);
    log(&okta, "bo", None, Outcome::Failure);
    log(&okta, "ava", Some(id), Outcome::Failure);
    log(&okta, "ava", Some(ResourceId::new()), Outcome::Failure);
    log(&other, "ava", None, Outcome::Failure);
    log(&okta, "cy", None, Outcome::Skipped);
    let open = || {
        subject
            .log()
            .iter()
            .map(|(_, open)| *open)
            .collect::<Vec<_>>()
    };
    assert_eq!(open(), [true, true, true, true, true, false]);
    log(&okta, "AVA", Some(id), Outcome::Success);
    assert_eq!(open(), [false, true, false, true, true, false, false]);
}

pub(super) fn no_write_is_lost_among_many(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let group = add_group(subject, &okta, "Ops");
    let (directory, scope) = (subject.directory(), scope(&okta));
    let written = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                for _ in 0..25 {
                    let counted: Result<Version, StoreError> = directory.transact(move |tx| {
                        let stored = tx.lock_group(scope, group)?.ok_or(StoreError::Stale)?;
                        tx.touch_group(scope, group, stored.version, now())
                    });
                    counted.expect("a write");
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    let stored = read(subject, |view| view.group(scope, group));
    assert_eq!(stored.expect("the group").version, Version(201));
    assert_eq!(written.into_inner(), 200);
}

pub(super) fn a_read_sees_one_moment(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let mut seen = Vec::new();
    let looked: Result<(), StoreError> = subject.directory().view(|view| {
        for name in ["a", "b"] {
            let everything = Selection {
                condition: None,
                sort: None,
                from: From::Offset(0),
                count: 10,
            };
            seen.push(view.groups(scope(&okta), &everything)?.total);
            insert_group(subject, &okta, group_named(name))?;
        }
        Ok(())
    });
    looked.expect("a view");
    assert_eq!(seen, [0, 0]);
    let ava = add(subject, &okta, "ava");
    assert!(
        find(subject, &okta, ava).is_some(),
        "what was committed is seen"
    );
}

pub(super) fn a_job_goes_on_where_it_was_left(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let job = Job {
        id: RunId::new(),
        configuration: okta.id,
        position: None,
        total: 0,
        done: 0,
        changed: 0,
        failed: 0,
        finished: false,
        actor: "check".to_owned(),
        created: now(),
        updated: now(),
    };
    subject.add_job(&job);
    let further = Job {
        position: Some(ResourceId::new()),
        done: 3,
        changed: 2,
        failed: 1,
        finished: true,
        ..job.clone()
    };
    let saved = further.clone();
    done(subject, move |tx| tx.save_job(&saved));
    assert_eq!(subject.job(job.id), Some(further.clone()));
    let gone = Job {
        id: RunId::new(),
        ..further
    };
    let saved = write(subject, move |tx| tx.save_job(&gone));
    assert!(matches!(saved, Err(StoreError::Stale)));
}
