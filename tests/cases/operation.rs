//! The command line, the certificate, and how the server starts and stops.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

/// What a refused command says: one line, with this exit code.
fn refusal(output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(
        !said.contains("panicked") && !said.contains("RUST_BACKTRACE"),
        "{said}"
    );
    assert!(output.stdout.is_empty(), "{output:?}");
    said
}

fn keys(document: &Value) -> Vec<&str> {
    document
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// Writes a certificate of its own and answers the files of it and its key.
fn certificate(folder: &Path) -> [PathBuf; 2] {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    files
}

/// Whether the server presents the certificate in this file; a client trusts no other.
fn presents(server: &Server, file: &Path) -> bool {
    let url = format!("https://localhost:{}/healthz", server.port);
    let agent = end_to_end::trusting(&std::fs::read(file).unwrap());
    agent
        .get(&url)
        .call()
        .is_ok_and(|answer| answer.status() == 200)
}

fn public(server: &Server, path: &str) -> end_to_end::Response {
    Client::new(&server.base, "").get(&format!("https://127.0.0.1:{}{path}", server.port))
}

on_both_engines! {
    fn commands_print_the_documents_that_scripts_read(server: &Server) {
        let words = ["configuration", "add", "--name", "Entra", "--description", "Staff",
            "--users", "--idp", "entra", "--json"];
        let added = server.json(&words);
        for key in ["id", "name", "description", "status", "provisioningType", "scimEndpoint", "token"] {
            assert!(keys(&added).contains(&key), "{key} in {added}");
        }
        assert_eq!(added["provisioningType"], json!({"users": true, "groups": false}));
        assert_eq!(keys(&added["token"]), ["id", "value", "expiresAt"]);
        let endpoint = format!("https://localhost:{}/api/scim/v2", server.port);
        assert_eq!(added["scimEndpoint"], endpoint);
        let shown = server.json(&["configuration", "show", "entra", "--json"]);
        assert_eq!(shown["description"], "Staff");
        assert!(shown.get("token").is_none());
        let key = server.json(&["api-key", "add", "--name", "k", "--role", "auditor", "--json"]);
        for name in ["id", "name", "role", "key"] {
            assert!(key[name].is_string(), "{name} in {key}");
        }
        let client = Client::new(&server.base, added["token"]["value"].as_str().unwrap());
        client.user("ava");
        client.get("/Users/1").expect_error(404, None);
        let events = server.items(&["events", "--json"]);
        assert!(events.as_array().unwrap().iter().any(|e| e["resource"]["name"] == "ava"));
        let failures = server.items(&["events", "--outcome", "failure", "--json"]);
        assert!(failures.as_array().unwrap().iter().all(|e| e["outcome"] == "failure"));
        assert_eq!(server.json(&["check", "--json"])["ok"], true);
    }

    fn commands_that_fail_say_why_in_one_line(server: &Server) {
        server.configuration("Taken");
        for words in [
            &["configuration", "add", "--name", "taken"][..],
            &["configuration", "show", "nosuch"],
            &["token", "show", "nosuch"],
            &["events", "--configuration", "nosuch"],
            &["healthcheck", "--listen", "127.0.0.1:1"],
        ] {
            let said = refusal(&server.run(words), 1);
            assert_eq!(said.lines().count(), 1, "{words:?}: {said}");
            assert!(said.starts_with("serviceops-scim: "), "{said}");
        }
        let short = ["account", "add", "ava", "--role", "administrator"];
        refusal(&server.run_with_input(&short, "short\n"), 1);
        for words in [
            &["nosuch"][..], &["configuration", "add", "--name", ""], &["configuration"], &["configuration", "add"], &["--nosuch"],
            &["serve", "--listen", "nowhere"], &["api-key", "add", "--name", "k", "--role", "king"],
        ] {
            refusal(&server.run(words), 2);
        }
    }

    fn an_address_that_is_taken_is_a_clear_failure(server: &Server) {
        let address = format!("127.0.0.1:{}", server.port);
        let said = refusal(&server.run(&["serve", "--listen", &address]), 1);
        assert!(said.contains(&address), "{said}");
        public(server, "/healthz").expect(200);
    }

    fn probes_answer_without_a_token(server: &Server) {
        assert_eq!(public(server, "/healthz").expect(200).json["status"], "ok");
        assert_eq!(public(server, "/readyz").expect(200).json["status"], "ready");
        let version = public(server, "/version").expect(200).json;
        assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
        assert!(server.run(&["healthcheck"]).status.success());
        public(server, "/nosuch").expect(404);
        let stranger = server.run(&["healthcheck", "--listen", "127.0.0.1:9"]);
        refusal(&stranger, 1);
    }

    fn the_certificate_is_the_operators_and_is_read_again(server: &mut Server) {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let [certificate_file, key_file] = certificate(folder.path());
        server.stop();
        let options = ["--tls-cert", certificate_file.to_str().unwrap(),
            "--tls-key", key_file.to_str().unwrap()];
        server.restart_with(&options);
        let first = std::fs::read(&certificate_file).unwrap();
        let kept = other.path().join("first.pem");
        std::fs::write(&kept, first).unwrap();
        assert!(presents(server, &kept));
        let [second, _] = certificate(folder.path());
        assert!(!presents(server, &second), "nobody asked to read it again");
        server.signal("HUP");
        until(|| presents(server, &second));
        std::fs::write(&certificate_file, "garbage").unwrap();
        std::fs::copy(&second, &kept).unwrap();
        let before = server.log().len();
        server.signal("HUP");
        until(|| server.log().len() > before);
        public(server, "/healthz").expect(200);
    }

    fn a_stop_answers_who_is_being_served(server: &mut Server) {
        let client = server.configuration("Stop").client;
        let body = json!({"schemas": [uri::BULK], "Operations": (0..200).map(|at| json!({
            "method": "POST", "path": "/Users", "bulkId": format!("b{at}"),
            "data": {"schemas": [uri::USER], "userName": format!("b{at}")}
        })).collect::<Vec<_>>()});
        let served = thread::scope(|scope| {
            let (client, body) = (&client, &body);
            let served = scope.spawn(move || client.post("/Bulk", body));
            until(|| client.get("/Users?count=0").json["totalResults"].as_u64() > Some(0));
            assert_eq!(server.stop(), Some(0));
            served.join().unwrap()
        });
        let results = served.expect(200).json;
        let results = results["Operations"].as_array().unwrap();
        assert_eq!(results.len(), 200);
        assert!(results.iter().all(|result| result["status"] == "201"));
        assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
        server.restart();
        let client = Client::new(&server.base, &client.token);
        assert_eq!(client.get("/Users?count=0").expect(200).json["totalResults"], 200);
    }

    fn silent_and_broken_connections_hold_nobody_up(server: &Server) {
        let silent: Vec<TcpStream> = (0..50)
            .map(|_| TcpStream::connect(("127.0.0.1", server.port)).unwrap())
            .collect();
        let mut broken = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        broken.write_all(&[0x16, 0x03, 0x01, 0xff, 0xff]).unwrap();
        broken.write_all(&[0; 1_000]).unwrap();
        let mut rest = Vec::new();
        // It may be reset; what counts is that it ends.
        let _ = broken.read_to_end(&mut rest);
        public(server, "/readyz").expect(200);
        server.client().user("ava");
        drop(silent);
    }

    fn migrations_of_two_servers_do_not_meet(server: &Server) {
        let mut second = server.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut third = server.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut children = [second.spawn().unwrap(), third.spawn().unwrap()];
        thread::sleep(Duration::from_secs(2));
        for child in &mut children {
            assert!(child.try_wait().unwrap().is_none(), "it serves");
            Command::new("kill").arg(child.id().to_string()).status().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0));
        }
        server.client().user("ava");
    }
}

/// Waits for what must happen soon.
fn until(happened: impl Fn() -> bool) {
    let since = Instant::now();
    while !happened() {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "it did not happen"
        );
        thread::sleep(Duration::from_millis(5));
    }
}
