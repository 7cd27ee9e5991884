//! The demo: an identity provider that is played against the running server.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Server, on_both_engines};
use serde_json::{Value, json};

#[track_caller]
fn refusal(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The people of a status, by their logon names.
fn people(server: &Server, status: &str) -> Vec<String> {
    let listed = server.json(&[
        "user", "list", "--status", status, "--limit", "1000", "--json",
    ]);
    let people = listed["items"].as_array().unwrap().iter();
    people
        .map(|person| person["userName"].as_str().unwrap().to_owned())
        .collect()
}

fn play(server: &Server, idp: &str) {
    let played = server.json(&["demo", "--users", "12", "--idp", idp, "--json"]);
    assert_eq!(played["differences"], json!([]), "{played}");
    let id = played["configuration"]["id"].as_str().unwrap();
    let page = played["console"].as_str().unwrap();
    assert!(
        page.ends_with(&format!("/admin/users/scim-provisioning/{id}")),
        "{page}"
    );
    assert_eq!(
        (&played["users"], &played["left"]),
        (&json!(12), &json!(1)),
        "{played}"
    );
    assert_eq!(
        (
            people(server, "active").len(),
            people(server, "blocked").len()
        ),
        (11, 1)
    );
    let groups = server.json(&["group", "list", "--json"]);
    let members = groups["items"].as_array().unwrap().iter();
    let members: i64 = members
        .map(|group| group["members"].as_i64().unwrap())
        .sum();
    assert_eq!(members, 12);
    // It gives nothing.
    for name in people(server, "active") {
        let person = server.json(&["user", "show", &name, "--json"]);
        assert_eq!(
            (&person["grants"], &person["tenantAdmin"]),
            (&json!([]), &json!(false))
        );
        assert_eq!(person["role"], Value::Null);
    }
    let failures = server.json(&["events", "--outcome", "failure", "--json"]);
    assert_eq!(failures["items"], json!([]));
    let again = refusal(server, &["demo"]);
    assert!(again.contains("demo --remove"), "{again}");
    let removed = server.json(&["demo", "--remove", "--json"]);
    assert_eq!(removed, json!({"configurations": 1, "resources": 15}));
    assert_eq!(
        (
            people(server, "active").len(),
            people(server, "blocked").len()
        ),
        (0, 0)
    );
    assert_eq!(
        server.json(&["group", "list", "--json"])["items"],
        json!([])
    );
    assert_eq!(
        server.json(&["configuration", "list", "--json"])["items"],
        json!([])
    );
    let nothing = server.json(&["demo", "--remove", "--json"]);
    assert_eq!(nothing, json!({"configurations": 0, "resources": 0}));
}

on_both_engines! {
    fn it_comes_and_goes_and_comes_again(server: &Server) {
        play(server, "entra");
        play(server, "okta");
    }

    fn beside_others_it_plays_when_it_is_told_to_and_leaves_them_alone(server: &Server) {
        let added = server.json(&["user", "add", "--user-name", "ava@corp.example", "--json"]);
        let refused = refusal(server, &["demo"]);
        assert!(refused.contains("ava@corp.example"), "{refused}");
        let okta = server.configuration("Okta");
        okta.client.user("bo@corp.example");
        assert!(refusal(server, &["demo"]).contains("\"Okta\""));
        server.json(&["demo", "--users", "5", "--beside-real-data", "--json"]);
        server.json(&["demo", "--remove", "--json"]);
        assert_eq!(people(server, "active"), ["ava@corp.example", "bo@corp.example"]);
        let person = server.json(&["user", "show", "ava@corp.example", "--json"]);
        assert_eq!(person["id"], added["id"]);
        okta.client.get("/Users").expect(200);
    }

    fn nobody_without_the_certificate_of_the_server_is_told_a_token(server: &Server) {
        let folder = tempfile::tempdir().unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], other.cert.pem()).unwrap();
        std::fs::write(&files[1], other.signing_key.serialize_pem()).unwrap();
        let [certificate, key] = files.map(|file| file.to_str().unwrap().to_owned());
        let refused = refusal(server, &["demo", "--tls-cert", &certificate, "--tls-key", &key]);
        assert!(refused.contains(&certificate), "{refused}");
        let made = server.json(&["configuration", "list", "--json"]);
        assert_eq!(made["items"], json!([]));
    }

    fn a_stream_is_somebody_elses(server: &Server) {
        assert!(server.run(&["stream", "add", "Mail", "--read"]).status.success());
        assert!(refusal(server, &["demo"]).contains("stream \"Mail\""));
    }
}
