//! Upgrades, backups and keys, as an operator meets them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::process::Output;
use std::thread;
use std::time::Duration;

use end_to_end::{Client, Engine, Place, Server, engines, uri};
use serde_json::json;

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

fn a_backup_that_is_put_back_elsewhere_serves_with_its_key_ring(engine: &Engine) {
    let server = Server::start(engine.clone());
    let client = server.client();
    client.user("ava");
    let stream = server.json(&["stream", "add", "s", "--read", "--json"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup").display().to_string();
    let made = server.json(&["backup", &file, "--json"]);
    let keys = server.json(&["keys", "list", "--json"]);
    assert_eq!(made["keys"][0], keys["items"][0]["id"]);
    let feed = |server: &Server, query: &str| {
        let base = server.base.replace("/api/scim/v2", "/api/feed/v1");
        let client = Client::new(&base, stream["secret"].as_str().unwrap());
        client.get(&format!("/changes{query}"))
    };
    let next = feed(&server, "").expect(200).json["next"].to_string();
    client.user("eve");

    let place = Place::new(engine);
    let said = refusal(&server.run(&["restore", &file]));
    assert!(said.contains("not empty"), "{said}");
    let restored = place.run(&["restore", &file]);
    assert!(restored.status.success(), "{restored:?}");
    let warned = String::from_utf8(restored.stderr).unwrap();
    assert!(warned.contains("key ring"), "{warned}");
    let said = refusal(&place.run(&["user", "list"]));
    assert!(
        said.contains("keyring.json") && said.contains("--lost"),
        "{said}"
    );
    let ring = "keyring.json";
    std::fs::copy(server.data().join(ring), place.data().join(ring)).unwrap();
    let again = place.serve(&[]);
    let client = Client::new(&again.base, &client.token);
    let all = client.get("/Users").expect(200).json;
    assert_eq!(all["totalResults"], 1);
    assert_eq!(all["Resources"][0]["userName"], "ava");
    let told = feed(&again, &format!("?after={next}")).expect(410);
    assert!(told.text.contains("snapshot-required"), "{}", told.text);
    client.user("eve");
    let checked = again.json(&["check", "--deep", "--json"]);
    assert_eq!(checked["ok"], true);
    let checks = checked["checks"].as_array().unwrap().iter();
    let mut database = checks.filter(|check| check["name"] == "database");
    let said = database.next().unwrap()["detail"].as_str().unwrap();
    // It says what was read, and nothing of what was not.
    assert_eq!(
        said.contains("every page was read"),
        said.starts_with("sqlite"),
        "{said}"
    );
    let audit = again.run(&["audit", "verify"]);
    assert!(audit.status.success(), "{audit:?}");
}

fn a_key_ring_is_put_back_or_given_up_and_never_made_anew_by_itself(engine: &Engine) {
    let mut server = Server::start(engine.clone());
    let client = server.client();
    assert_eq!(server.stop(), Some(0));
    let (ring, away) = (
        server.data().join("keyring.json"),
        server.data().join("away.json"),
    );
    std::fs::rename(&ring, &away).unwrap();
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
        let said = refusal(&server.run(words));
        assert!(said.contains("needed for 1 live token"), "{said}");
    }
    let check = server.run(&["check", "--json"]);
    assert_eq!(check.status.code(), Some(1));
    let checks: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
    let wrong: Vec<_> = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["ok"] == false)
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(wrong, ["key ring"]);
    assert!(!ring.exists(), "nothing was made");
    std::fs::rename(&away, &ring).unwrap();
    server.restart();
    // The running server meets what a new key signed.
    let old = server.json(&["keys", "list", "--json"])["items"][0]["id"].clone();
    let rotated = server.json(&["keys", "rotate", "--json"]);
    assert_ne!(rotated["key"], old);
    let second = server.configuration("Second").client;
    second.get("/Users").expect(200);
    let again = Client::new(&server.base, &client.token);
    again.get("/Users").expect(200);
    assert_eq!(server.json(&["keys", "reseal", "--json"])["resealed"], 1);
    let said = refusal(&server.run(&["keys", "retire", old.as_str().unwrap()]));
    assert!(said.contains("live tokens that it signed"), "{said}");
    std::fs::remove_file(&ring).unwrap();
    let lost = server.json(&["keys", "rotate", "--lost", "--json"]);
    assert_eq!(lost["revoked"].as_array().unwrap().len(), 2);
    second.get("/Users").expect(401);
    server.restart();
    let third = server.configuration("Third").client;
    third.get("/Users").expect(200);
}

fn a_server_whose_file_is_replaced_stops_and_has_lost_nothing() {
    let mut server = Server::start(Engine::Sqlite);
    let client = server.client();
    let path = server.data().join("serviceops-scim.db");
    let away = server.data().join("away.db");
    let mut acknowledged = 0;
    let mut renamed = false;
    for number in 0..10_000 {
        if number == 20 {
            std::fs::rename(&path, &away).unwrap();
            renamed = true;
        }
        let body = json!({"schemas": [uri::USER], "userName": format!("u{number}")});
        let sent = client.try_send("POST", "/Users", &[], Some(body.to_string().as_bytes()));
        match sent {
            Ok(answer) if answer.status == 201 => {
                assert!(!renamed, "u{number} was acknowledged");
                acknowledged += 1;
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text),
            Err(_) => break,
        }
    }
    assert_eq!(server.ended(), Some(1), "{}", server.log());
    let log = server.log();
    assert!(
        log.contains("serviceops-scim: stopped; put the right database"),
        "{log}"
    );
    assert!(!path.exists(), "none was made");
    std::fs::rename(&away, &path).unwrap();
    server.restart();
    let client = Client::new(&server.base, &client.token);
    assert_eq!(
        client.get("/Users?count=0").expect(200).json["totalResults"],
        acknowledged
    );
}

fn nothing_is_deleted_by_a_clock_that_jumped(engine: &Engine) {
    let mut server = Server::start(engine.clone());
    server.client().user("ava");
    let entries = |server: &Server| {
        let events = server.json(&["events", "--json"]);
        events["items"].as_array().unwrap().len()
    };
    let there = entries(&server);
    assert!(there > 0);
    assert_eq!(server.stop(), Some(0));
    let days = 86_400_000_i64;
    // As if everything was done 40 days ago: the clock is 40 days ahead of the last housekeeping.
    server.sql(&format!(
        "UPDATE provisioning_events SET at = at - {0}; UPDATE instance SET kept_up_at = kept_up_at - {0}",
        40 * days
    ));
    let retention = ["--event-retention-days", "30"];
    server.restart_with(&retention);
    until(|| server.log().contains("nothing is deleted for its age"));
    // It looks once more when it ends.
    assert_eq!(server.stop(), Some(0));
    server.sql(&format!(
        "UPDATE instance SET kept_up_at = kept_up_at + {}",
        40 * days - 7_200_000
    ));
    assert_eq!(entries(&server), there);
    server.restart_with(&retention);
    until(|| entries(&server) == 0);
    let key = server.json(&[
        "api-key", "add", "--name", "k", "--role", "auditor", "--json",
    ]);
    let api = server.base.replace("/api/scim/v2", "/api/admin/v1");
    let api = Client::new(&api, key["key"].as_str().unwrap());
    until(|| {
        let audit = api.get("/audit?event=housekeeping.").expect(200).json;
        audit["items"][0]["details"]["events"] == there
    });
    let keys = api.get("/keys").expect(200).json;
    assert_eq!(keys["items"][0]["state"], "signs");
    assert_eq!(keys["items"][0]["signedTokens"], 1);
}

/// The commands in the blocks of a section of the guide.
fn commands_of(section: &str) -> Vec<Vec<String>> {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operators.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let begin = guide.split_once(&format!("\n## {section}\n")).unwrap().1;
    let text = begin.split("\n## ").next().unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("serviceops-scim "));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    lines.map(words).collect()
}

fn the_commands_of_the_guide_do_what_it_says(engine: &Engine) {
    let (place, elsewhere) = (Place::new(engine), Place::new(engine));
    let folder = tempfile::tempdir().unwrap();
    let run = |place: &Place, section: &str, expected: usize| {
        let commands = commands_of(section);
        assert_eq!(commands.len(), expected, "{section}: {commands:?}");
        for words in commands {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = place.command(&words).current_dir(&folder).output().unwrap();
            assert!(output.status.success(), "{words:?}: {output:?}");
        }
    };
    run(&place, "Upgrade", 1);
    run(&place, "Keys", 3);
    run(&place, "Backup", 1);
    run(&elsewhere, "Restore", 1);
    let ring = "keyring.json";
    std::fs::copy(place.data().join(ring), elsewhere.data().join(ring)).unwrap();
    for words in [&["check", "--deep"][..], &["feed", "restart"]] {
        let output = elsewhere.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
}

/// Waits for what must happen soon.
fn until(happened: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if happened() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not happen");
}

fn engine(engine: &Engine) -> Engine {
    engine.clone()
}

fn place(engine: &Engine) -> Place {
    Place::new(engine)
}

engines::tests! {
    on_both(place):
        a_migration_that_is_killed_leaves_the_tables_as_they_were,
        a_server_that_may_not_migrate_waits_for_somebody_who_does;
    on_both(engine):
        a_backup_that_is_put_back_elsewhere_serves_with_its_key_ring,
        a_key_ring_is_put_back_or_given_up_and_never_made_anew_by_itself,
        nothing_is_deleted_by_a_clock_that_jumped,
        the_commands_of_the_guide_do_what_it_says;
    once: a_server_whose_file_is_replaced_stops_and_has_lost_nothing;
}
