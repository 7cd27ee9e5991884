//! What is asked of runs, and taking one back that changed everybody.

use scim_admin::run::{Chosen, Run, RunsQuery, UndoInput};
use scim_provisioning::RunKind;

use super::*;

/// A run that came to everybody, to some of them twice, beside others.
pub(super) fn large_run(house: &House) -> Run {
    house.provider.count_cycles().unwrap();
    let query = RunsQuery {
        kind: Some(RunKind::Cycle),
        limit: 10,
        ..RunsQuery::default()
    };
    let run = house.admin.runs(&query).unwrap().remove(0);
    let of = run.id.to_string();
    let runs = ["a", "b", "c", "d", &of, &of, "e", "f", "g", "h"];
    for run in runs {
        house.tamper(&format!(
            "INSERT INTO run_images (run, at, subject, resource_id, name, old, new) \
             SELECT '{run}', 1, 'user', id, user_name, '{{\"company\":null}}', \
             '{{\"company\":\"Corp\"}}' FROM users"
        ));
    }
    house.tamper(&format!(
        "INSERT INTO run_images (run, at, subject, resource_id, other_id, new) \
         SELECT '{of}', 1, 'membership', '{0}', id, '{{\"group\":\"{0}\",\"member\":\"' || id || \
         '\"}}' FROM users",
        crowd::id('g', 1),
    ));
    run
}

/// A page of a run reads as much as a page has, however much the run did: the images of a run are
/// gone through in their order and end with the page, and are neither grouped nor sorted.
pub(super) fn runs(script: &mut Script, house: &House, run: &Run) {
    let admin = &house.admin;
    let all = Chosen::default();
    let first = script.run("what a run changed", || {
        admin.run_changes(run.id, None, 100).unwrap()
    });
    assert_eq!(first.len(), 100);
    let last = first.last().map(|one| one.first);
    script.run("what a run changed, behind that", || {
        admin.run_changes(run.id, last, 100).unwrap()
    });
    let previewed = script.run("preview an undo", || {
        admin.preview_undo(run.id, &all, last, 100).unwrap()
    });
    assert_eq!(previewed.len(), 100);
    let chosen = Chosen {
        resources: Some((50..60).map(|number| crowd::id('u', number)).collect()),
        ..Chosen::default()
    };
    script.run("preview an undo of some", || {
        admin.preview_undo(run.id, &chosen, None, 100).unwrap()
    });
    let only = UndoInput {
        only: vec!["zz50".to_owned()],
        overwrite: false,
    };
    // Names that people had at that time are in no index.
    script.run_but("choose by name", "run_images.name = ", || {
        admin.chosen_of_run(run.id, &only).unwrap()
    });
    house.tamper(&format!(
        "DELETE FROM run_images WHERE subject = 'user' AND resource_id = '{}'",
        crowd::id('u', 51)
    ));
    let only = UndoInput {
        only: vec!["zz51".to_owned()],
        overwrite: false,
    };
    script.run_but("choose a member by name", "run_images.name = ", || {
        admin.chosen_of_run(run.id, &only).unwrap()
    });
    let begun = script.run("begin an undo", || {
        admin.begin_undo(&actor(), run, all.clone()).unwrap()
    });
    for _ in 0..2 {
        script.run("a step of an undo", || {
            admin.step_undo(Some(begun.id)).unwrap().unwrap()
        });
    }
    house.tamper("UPDATE runs SET phase = 1, position = 9000000000 WHERE of_run IS NOT NULL");
    script.run("a step of an undo of memberships", || {
        admin.step_undo(Some(begun.id)).unwrap().unwrap()
    });
    house.tamper("UPDATE runs SET state = 'done', ended_at = 2 WHERE ended_at IS NULL");
    script.run("forget what was before runs", || {
        let before = chrono::Utc::now() - chrono::Duration::days(1);
        assert_eq!(admin.forget_images(before, 100).unwrap(), 100);
    });
}
