//! A PostgreSQL server that fails, in words that nobody foresaw, or without a word.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use end_to_end::engines::{self, Proxy, Relay};
use end_to_end::{Engine, Server, uri};
use serde_json::json;

/// Passes on what comes, in both directions, while it is not held.
#[derive(Default)]
struct Gate {
    held: Mutex<bool>,
    opened: Condvar,
    passed: AtomicBool,
}

impl Gate {
    fn hold(&self, held: bool) {
        *self.held.lock().unwrap() = held;
        self.opened.notify_all();
    }

    /// The engine behind the gate.
    fn before(self: &Arc<Self>, engine: &Engine) -> Proxy {
        let gate = Arc::clone(self);
        let relays = move || {
            Some([(), ()].map(|()| {
                let gate = Arc::clone(&gate);
                Box::new(move |_: &[u8]| gate.pass()) as Relay
            }))
        };
        Proxy::start(engine, relays).unwrap()
    }

    fn pass(&self) -> bool {
        let held = self.held.lock().unwrap();
        drop(self.opened.wait_while(held, |held| *held).unwrap());
        self.passed.store(true, Ordering::Relaxed);
        true
    }
}

/// The database fails every write of a user with this code and these words, and counts how often.
fn failing(server: &Server, code: &str, words: &str) {
    server.sql(&format!(
        "CREATE SEQUENCE IF NOT EXISTS attempts; ALTER SEQUENCE attempts RESTART; \
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM nextval('attempts'); RAISE EXCEPTION '{words}' USING ERRCODE = '{code}'; END $$; \
         CREATE OR REPLACE TRIGGER failing BEFORE INSERT ON users \
         FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
}

fn a_fault_of_any_code_in_any_words_is_told_as_one(engine: &Engine) {
    let server = Server::start(engine.clone());
    let client = server.client();
    client.user("ada");
    let body = json!({"schemas": [uri::USER], "userName": "eve"});
    for (code, words, attempts, retry_after) in [
        ("53100", "kein Platz auf dem Gerät", 2, "5"),
        ("53200", "Speicher aufgebraucht", 2, "5"),
        ("XX001", "ungültige Seite in Block 7", 2, "5"),
        ("XX002", "Index ist beschädigt", 2, "5"),
        ("22003", "Wert ist außerhalb des gültigen Bereichs", 2, "5"),
        ("22P02", "ungültige Eingabesyntax", 2, "5"),
        (
            "55000",
            "Objekt ist nicht im erforderlichen Zustand",
            2,
            "5",
        ),
        ("25006", "kann nicht schreiben", 1, "30"),
    ] {
        failing(&server, code, words);
        let answer = client.post("/Users", &body).expect(503);
        assert_eq!(answer.header("retry-after"), Some(retry_after), "{code}");
        // Nothing of it is told but the id under which the log has it.
        assert!(
            !answer.json.to_string().contains(words),
            "{code}: {}",
            answer.json
        );
        let log = server.log();
        let line = log.lines().rev().find(|line| line.contains(words));
        assert!(line.is_some(), "{code}: {log}");
        // Rolled back and done once more; what the next attempt counts is one too many.
        server.sql(&format!(
            "DO $$ BEGIN ASSERT nextval('attempts') = {attempts} + 1; END $$"
        ));
        client
            .get("/Users?filter=userName%20eq%20%22ada%22")
            .expect(200);
    }
    server.sql("DROP TRIGGER failing ON users");
    client.post("/Users", &body).expect(201);
    assert_eq!(client.ids("/Users").len(), 2);
}

fn whoever_waits_for_a_database_that_is_silent_is_sent_away(engine: &Engine) {
    let gate = Arc::new(Gate::default());
    let proxy = gate.before(engine);
    let mut server = Server::start_with(proxy.engine().clone(), &["--limit-wait", "1"]);
    let client = server.client();
    let ada = client.user("ada");
    assert!(
        gate.passed.load(Ordering::Relaxed),
        "the gate is in the way"
    );
    gate.hold(true);
    let probe = |path: &str| client.get(&format!("https://127.0.0.1:{}{path}", server.port));
    for _ in 0..3 {
        let answer = client.get(&format!("/Users/{ada}")).expect(503);
        assert_eq!(answer.json["status"], "503", "in the shape of SCIM");
        assert!(answer.header("retry-after").is_some());
        let body = json!({"schemas": [uri::USER], "userName": "eve"});
        let answer = client.post("/Users", &body).expect(503);
        assert!(answer.header("retry-after").is_some());
    }
    // Those who find every place taken by work that nobody waits for any more are told the same.
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| client.get(&format!("/Users/{ada}")).expect(503));
        }
    });
    probe("/readyz").expect(503);
    probe("/healthz").expect(200);
    assert!(
        server
            .log()
            .contains("the database does not answer in time")
    );
    gate.hold(false);
    // What was under way came to its end, and those who come again are served.
    let since = std::time::Instant::now();
    while client.get(&format!("/Users/{ada}")).status != 200 {
        assert!(since.elapsed().as_secs() < 60, "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    client.user("eva");
    // It stops all the same when the database is silent again.
    gate.hold(true);
    client.get(&format!("/Users/{ada}")).expect(503);
    assert_eq!(server.stop(), Some(0));
}

engines::tests! {
    on_postgres(Engine::clone):
        a_fault_of_any_code_in_any_words_is_told_as_one,
        whoever_waits_for_a_database_that_is_silent_is_sent_away;
}
