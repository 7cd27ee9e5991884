//! Upgrades, as an operator meets them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::process::Output;
use std::thread;
use std::time::Duration;

use end_to_end::{Engine, Place, engines};

/// What a refused command says: one line.
fn refusal(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn a_migration_that_is_killed_leaves_the_tables_as_they_were(place: &Place) {
    let mut delay = Duration::from_millis(1);
    for kill in 0.. {
        let mut child = place.command(&["migrate"]).spawn().unwrap();
        thread::sleep(delay);
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        let list = place.run(&["user", "list"]);
        if list.status.success() {
            assert!(kill > 0 || ended.success(), "it was killed after {delay:?}");
            return;
        }
        let said = refusal(&list);
        assert!(
            said.contains("there is no database"),
            "after {delay:?}: {said}"
        );
        // Few enough that it ends, and so many that each part is met in some run.
        delay = delay * 5 / 4 + Duration::from_millis(1);
    }
}

fn a_server_that_may_not_migrate_waits_for_somebody_who_does(place: &Place) {
    let serve = ["serve", "--no-migrate", "--listen", "127.0.0.1:0"];
    let said = refusal(&place.run(&serve));
    assert!(said.contains("run: serviceops-scim migrate"), "{said}");
    assert!(place.run(&["migrate"]).status.success());
    let mut child = place.command(&serve).spawn().unwrap();
    let ready = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        place.run(&["healthcheck"]).status.success()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ready);
}

fn place(engine: &Engine) -> Place {
    Place::new(engine)
}

engines::tests! {
    on_both(place):
        a_migration_that_is_killed_leaves_the_tables_as_they_were,
        a_server_that_may_not_migrate_waits_for_somebody_who_does;
}
