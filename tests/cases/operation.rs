//! Running the server: tokens, crashes, stops, certificates, and the command line beside it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use end_to_end::{Client, Engine, Server, on_both_engines, uri};
use serde_json::{Value, json};

on_both_engines! {
    fn a_token_is_shown_again_and_a_revocation_holds_at_once(server: &Server) {
        let configuration = server.configuration("Tokens");
        let client = &configuration.client;
        client.get("/Users").expect(200);
        let shown = server.json(&["token", "show", "Tokens", "--json"]);
        assert!(shown.to_string().contains(&client.token), "{shown}");
        let second = server.json(&["token", "add", "Tokens", "--json"]);
        let second = client.with_token(second["value"].as_str()
            .or(second["token"]["value"].as_str()).unwrap());
        second.get("/Users").expect(200);
        let third = server.run(&["token", "add", "Tokens"]);
        assert_eq!(third.status.code(), Some(1), "two live tokens at most: {third:?}");
        let tampered = format!("{}x", client.token);
        client.with_token(&tampered).get("/Users").expect_error(401, None);
        let revoked = server.run(&["token", "revoke", "Tokens"]);
        assert!(revoked.status.success(), "{revoked:?}");
        for client in [client, &second] {
            let answer = client.get("/Users");
            answer.expect_error(401, None);
            assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
        }
        assert!(!server.log().contains("sopscim_"), "no token in the log");
    }

    fn the_log_tells_what_happened(server: &Server) {
        let client = server.client();
        let body = json!({"schemas": [uri::USER], "userName": "ava", "nosuch": 1,
            "phoneNumbers": [{"value": "none", "type": "work"}]});
        let ava = client.post("/Users", &body).expect(201).id();
        let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
        client.patch(&format!("/Users/{ava}"), &off).expect(200);
        client.post("/Users", &json!({"schemas": [uri::USER], "userName": "AVA"}));
        client.delete(&format!("/Users/{ava}")).expect(204);
        let events = server.json(&["events", "--json"]);
        let events = events.as_array().cloned()
            .or_else(|| events["events"].as_array().cloned()).unwrap();
        let told: Vec<(&str, &str)> = events.iter()
            .map(|e| (e["action"].as_str().unwrap(), e["outcome"].as_str().unwrap())).collect();
        assert_eq!(told, [
            ("create", "warning"), ("block", "success"), ("create", "failure"),
            ("archive", "success")]);
        let text = events[0].to_string();
        assert!(text.contains("no phone number") && text.contains("nosuch"), "{text}");
        let text = events[1].to_string();
        assert!(text.contains("operationCase") && text.contains("booleanAsText"), "{text}");
    }

    fn the_server_says_how_it_is(server: &Server) {
        let client = Client::new(&server.base, "");
        let get = |path: &str| client.get(&format!("https://127.0.0.1:{}{path}", server.port));
        assert_eq!(get("/healthz").status, 200);
        assert_eq!(get("/readyz").status, 200);
        assert!(get("/version").expect(200).json["version"].is_string());
        assert_eq!(get("/nosuch").status, 404);
        for check in [["healthcheck"], ["check"]] {
            let output = server.run(&check);
            assert!(output.status.success(), "{output:?}");
        }
    }
}

/// Creates users from many clients until the server is gone; answers who was acknowledged.
fn create_until_killed(server: &mut Server, client: &Client) -> Vec<String> {
    let acknowledged = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (client, acknowledged, stop) = (client.clone(), &acknowledged, &stop);
            scope.spawn(move || {
                for at in 0.. {
                    let body =
                        json!({"schemas": [uri::USER], "userName": format!("w{worker}n{at}")});
                    let body = body.to_string();
                    match client.try_send("POST", "/Users", &[], Some(body.as_bytes())) {
                        Ok(answer) if answer.status == 201 => {
                            acknowledged.lock().unwrap().push(answer.id());
                        }
                        _ if stop.load(Ordering::SeqCst) => return,
                        Ok(answer) => panic!("{answer:?}"),
                        Err(_) => std::thread::sleep(Duration::from_millis(1)),
                    }
                }
            });
        }
        while acknowledged.lock().unwrap().len() < 200 {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::SeqCst);
        server.kill();
    });
    acknowledged.into_inner().unwrap()
}

fn what_was_acknowledged_is_there_after_a_crash(engine: Engine) {
    let mut server = Server::start(engine);
    let client = server.client();
    let acknowledged = create_until_killed(&mut server, &client);
    assert!(acknowledged.len() >= 200);
    server.restart();
    let client = Client::new(&server.base, &client.token);
    for id in &acknowledged {
        client.get(&format!("/Users/{id}")).expect(200);
    }
    assert!(server.run(&["check"]).status.success());
}

#[test]
fn sqlite_keeps_what_was_acknowledged() {
    what_was_acknowledged_is_there_after_a_crash(Engine::Sqlite);
}

#[test]
fn postgres_keeps_what_was_acknowledged() {
    match Engine::postgres() {
        Some(engine) => what_was_acknowledged_is_there_after_a_crash(engine),
        None => eprintln!("skipped: SERVICEOPS_SCIM_TEST_POSTGRES is not set"),
    }
}

#[test]
fn a_stop_is_graceful() {
    let mut server = Server::start(Engine::Sqlite);
    server.client().user("ava");
    assert_eq!(server.stop(), Some(0));
    server.restart();
    assert_eq!(
        server
            .json(&["user", "list", "--json"])
            .to_string()
            .matches("\"ava\"")
            .count(),
        1
    );
}

#[test]
fn failed_commands_say_one_line() {
    let server = Server::start(Engine::Sqlite);
    server.configuration("Twice");
    for (arguments, code) in [
        (vec!["configuration", "add", "--name", "twice"], 1),
        (vec!["configuration", "add", "--name", " "], 1),
        (vec!["configuration", "show", "nobody"], 1),
        (vec!["token", "show", "nobody"], 1),
        (vec!["user", "add", "--user-name", "a\u{200b}"], 1),
        (vec!["configuration", "frobnicate"], 2),
        (vec!["account", "add", "root", "--role", "emperor"], 2),
        (vec!["serve", "--listen", "nonsense"], 2),
    ] {
        let output = server.run(&arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(!message.trim().is_empty(), "{arguments:?}");
        assert!(
            !message.contains("panicked") && !message.contains("RUST_BACKTRACE"),
            "{message}"
        );
        if code == 1 {
            assert_eq!(message.trim().lines().count(), 1, "{message}");
        }
    }
}

#[test]
fn accounts_and_keys_are_listed_without_secrets() {
    let server = Server::start(Engine::Sqlite);
    let password = "correct horse battery staple";
    let add = ["account", "add", "root", "--role", "administrator"];
    let added = server.run_with_input(&add, &format!("{password}\n"));
    assert!(added.status.success(), "{added:?}");
    let weak = server.run_with_input(&["account", "add", "b", "--role", "auditor"], "short\n");
    assert_eq!(weak.status.code(), Some(1), "{weak:?}");
    let key = server.json(&[
        "api-key", "add", "--name", "ci", "--role", "auditor", "--json",
    ]);
    for name in ["id", "name", "role", "key"] {
        assert!(key[name].is_string(), "{key}");
    }
    let listed = server.json(&["account", "list", "--json"]).to_string()
        + &server.json(&["api-key", "list", "--json"]).to_string();
    assert!(listed.contains("root") && listed.contains("ci"));
    assert!(!listed.contains("argon2") && !listed.contains(key["key"].as_str().unwrap()));
}

#[test]
fn a_configuration_is_printed_as_scripts_expect() {
    let server = Server::start(Engine::Sqlite);
    let added = server.json(&[
        "configuration",
        "add",
        "--name",
        "Azure AD SCIM Provisioning",
        "--description",
        "d",
        "--users",
        "--json",
    ]);
    assert_eq!(added["name"], "Azure AD SCIM Provisioning");
    assert_eq!(added["description"], "d");
    assert_eq!(added["status"], "enabled");
    assert_eq!(
        added["provisioningType"],
        json!({"users": true, "groups": false})
    );
    let endpoint = format!("https://localhost:{}/api/scim/v2", server.port);
    assert_eq!(added["scimEndpoint"], endpoint);
    for name in ["id", "value", "expiresAt"] {
        assert!(added["token"][name].is_string(), "{added}");
    }
    let listed: Value = server.json(&["configuration", "list", "--json"]);
    assert!(listed.to_string().contains("Azure AD"));
    assert!(
        !listed.to_string().contains("sopscim_"),
        "a list shows no tokens"
    );
}
