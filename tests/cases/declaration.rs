//! What is configured as one document: exported, planned and applied, by command and by API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::path::PathBuf;
use std::process::Output;

use end_to_end::{Client, Server, on_both_engines};
use serde_json::{Value, json};

fn file(server: &Server, name: &str, text: &str) -> String {
    let path: PathBuf = server.data().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = match code {
        0 => &output.stdout,
        _ => &output.stderr,
    };
    String::from_utf8(text.clone()).unwrap()
}

/// A server with something of each kind.
fn furnish(server: &Server) {
    let okta = server.configuration_with("Okta", &["--idp", "okta", "--description", "Staff"]);
    server.configuration("Entra");
    let field = [
        "custom-field",
        "add",
        "badge",
        "--label",
        "Badge",
        "--type",
        "text",
    ];
    said(&server.run(&field), 0);
    said(&server.run(&["configuration", "pause", "Entra"]), 0);
    said(
        &server.run(&[
            "stream",
            "add",
            "Mail",
            "--read",
            "--topics",
            "user.created",
        ]),
        0,
    );
    let rules = server.json(&["mapping", "export", "Okta"]);
    let mut rules: Value = rules;
    rules["rules"].as_array_mut().unwrap().push(json!({
        "key": "badge", "source": {"path": "title"}, "target": "custom_fields.badge",
    }));
    let rules = file(server, "rules.json", &rules.to_string());
    said(
        &server.run(&["mapping", "import", "Okta", &rules, "--activate"]),
        0,
    );
    okta.client.user("ava");
}

fn administrator(server: &Server, scopes: &[&str]) -> Client {
    let mut words = vec![
        "api-key",
        "add",
        "--name",
        "k",
        "--role",
        "administrator",
        "--json",
    ];
    let scopes = scopes.join(",");
    if !scopes.is_empty() {
        words.extend(["--scopes", &scopes]);
    }
    let key = server.json(&words);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    Client::new(&base, key["key"].as_str().unwrap())
}

on_both_engines! {
    fn an_export_changes_nothing_where_it_came_from(server: &Server) {
        furnish(server);
        for name in ["all.toml", "all.json"] {
            let path = server.data().join(name).display().to_string();
            said(&server.run(&["export", &path]), 0);
            let first = std::fs::read(&path).unwrap();
            said(&server.run(&["export", &path]), 0);
            assert_eq!(std::fs::read(&path).unwrap(), first, "the same, byte for byte");
            let text = String::from_utf8(first).unwrap();
            assert!(!text.contains("sopsfeed_") && !text.contains("\"hash\""), "{text}");
            let plan = server.json(&["plan", &path, "--prune", "--json"]);
            assert_eq!(plan["items"], json!([]), "{plan}");
            assert_eq!(plan["digest"].as_str().unwrap().len(), 64);
            let applied = said(&server.run(&["apply", &path, "--prune"]), 0);
            assert_eq!(applied.trim(), "Nothing to do");
        }
        let printed = said(&server.run(&["export", "--format", "toml"]), 0);
        assert_eq!(printed, std::fs::read_to_string(server.data().join("all.toml")).unwrap());
    }

    fn an_export_makes_the_same_elsewhere(server: &Server) {
        furnish(server);
        let exported = server.json(&["export"]);
        let path = file(server, "all.json", &exported.to_string());
        let toml = said(&server.run(&["export", "--format", "toml"]), 0);
        let engine = match server.database() {
            Some(url) => end_to_end::Engine::Postgres(url.rsplit_once('/').unwrap().0.to_owned()),
            None => end_to_end::Engine::Sqlite,
        };
        let other = Server::start(engine);
        let plan = server_plan(&other, &path);
        assert_eq!(plan["afterwards"].as_array().unwrap().len(), 3, "{plan}");
        let told = said(&other.run(&["apply", &path]), 0);
        assert!(told.contains("serviceops-scim token add 'Okta'"), "{told}");
        assert_eq!(said(&other.run(&["export", "--format", "toml"]), 0), toml);
        assert_eq!(other.json(&["token", "list", "Okta", "--json"])["items"], json!([]));
        let token = said(&other.run(&["token", "add", "Okta"]), 0);
        Client::new(&other.base, token.trim()).user("ava");
        let secret = said(&other.run(&["stream", "secret", "Mail"]), 0);
        let feed = Client::new(&other.base.replace("/api/scim/v2", "/api/feed/v1"), secret.trim());
        assert_eq!(feed.get("/snapshot").status, 200);
    }

    fn a_plan_says_what_changes_and_is_done_just_so(server: &Server) {
        furnish(server);
        let path = file(server, "wish.toml", "
            [[configurations]]
            name = \"okta\"
            description = \"Everybody\"
            policy.guard.count = 7
            [[configurations]]
            name = \"New\"
            identityProvider = \"keycloak\"
        ");
        let plan = server_plan(server, &path);
        let digest = plan["digest"].as_str().unwrap().to_owned();
        let items = plan["items"].as_array().unwrap();
        let heads: Vec<_> = items.iter().map(|item| (&item["kind"], &item["name"], &item["change"])).collect();
        assert_eq!(json!(heads), json!([
            ["configuration", "okta", "update"], ["configuration", "New", "create"],
        ]));
        assert_eq!(items[0]["changes"][1], json!({
            "member": "description", "old": "Staff", "new": "Everybody",
        }));
        said(&server.run(&["configuration", "edit", "Okta", "--description", "Some"]), 0);
        let refused = said(&server.run(&["apply", "--plan", &digest]), 1);
        assert!(refused.contains("configuration \"okta\" moved"), "{refused}");
        assert_eq!(server.run(&["configuration", "show", "New"]).status.code(), Some(1));
        let digest = server_plan(server, &path)["digest"].as_str().unwrap().to_owned();
        let done = server.json(&["apply", "--plan", &digest, "--json"]);
        assert_eq!(done["digest"], digest);
        let shown = server.json(&["configuration", "show", "Okta", "--json"]);
        assert_eq!(shown["description"], "Everybody");
        assert_eq!(shown["policy"]["guard"]["count"], 7);
        let audit = server.json(&["audit", "list", "--event", "configuration.", "--limit", "2", "--json"]);
        let listed = |option: &str, behind: &str| server.json(&["audit", "list", "--json", "--limit",
            "2", option, behind])["items"].clone();
        let first = server.json(&["audit", "list", "--limit", "2", "--json"]);
        let behind = first["next"].as_str().unwrap();
        let second = listed("--after", behind);
        assert!(!second.as_array().unwrap().is_empty());
        assert_ne!(second, first["items"]);
        assert_eq!(listed("--before", behind), second);
        let events: Vec<_> = audit["items"].as_array().unwrap().iter().map(|one| &one["event"]).collect();
        assert_eq!(json!(events), json!(["configuration.created", "configuration.edited"]));
        assert!(audit["next"].is_string(), "{audit}");
        said(&server.run(&["audit", "verify"]), 0);
    }

    fn what_is_not_in_the_document_goes_only_when_somebody_says_so(server: &Server) {
        furnish(server);
        let path = file(server, "few.json", &json!({
            "configurations": [{"name": "Okta"}], "streams": [],
        }).to_string());
        let plan = server.json(&["plan", &path, "--json"]);
        assert_eq!(plan["items"], json!([]));
        let refused = said(&server.run(&["apply", &path, "--prune"]), 1);
        assert!(refused.contains("--prune would delete 2"), "{refused}");
        server.json(&["configuration", "show", "Entra", "--json"]);
        let done = server.json(&["apply", &path, "--prune", "--yes", "--json"]);
        assert_eq!(done["items"].as_array().unwrap().len(), 2, "{done}");
        assert_eq!(server.run(&["configuration", "show", "Entra"]).status.code(), Some(1));
        assert_eq!(server.json(&["stream", "list", "--json"])["items"], json!([]));
        let fields = server.json(&["custom-field", "list", "--json"]);
        assert_eq!(fields["items"].as_array().unwrap().len(), 1, "of fields nothing was said");
        assert_eq!(server.json(&["user", "show", "ava", "--json"])["userName"], "ava");
    }

    fn nothing_is_half_done(server: &Server) {
        furnish(server);
        let before = server.json(&["export"]);
        let path = file(server, "wrong.json", &json!({"configurations": [
            {"name": "Okta", "description": "changed"},
            {"name": "New", "mappings": {"user": {"resource": "user", "rules": [
                {"key": "x", "source": {"path": "title"}, "target": "nosuch"},
            ]}}},
        ]}).to_string());
        let refused = said(&server.run(&["apply", &path]), 1);
        assert!(refused.contains("configuration \"New\""), "{refused}");
        assert_eq!(server.json(&["export"]), before);
    }

    fn the_api_takes_the_same_document(server: &Server) {
        furnish(server);
        let api = administrator(server, &[]);
        let exported = api.get("/export").expect(200);
        assert!(exported.header("etag").is_some());
        assert_eq!(exported.json, server.json(&["export"]));
        let plan = api.post("/plan?prune=true", &exported.json).expect(200);
        assert_eq!(plan.json["items"], json!([]));
        let wish = json!({"configurations": [{"name": "Okta", "description": "By API"}]});
        let plan = api.post("/plan", &wish).expect(200).json;
        let digest = plan["digest"].as_str().unwrap();
        said(&server.run(&["configuration", "edit", "Okta", "--description", "Some"]), 0);
        api.send("POST", &format!("/apply?plan={digest}"), &[], None).expect(412);
        let done = api.post("/apply", &wish).expect(200).json;
        assert_eq!(done["items"][0]["changes"][0]["old"], "Some");
        let wrong = json!({"configurations": [{"name": "Okta", "policy": {"guard": {"percent": 0}}}]});
        let refused = api.post("/apply", &wrong).expect(422).json;
        assert_eq!(refused["errors"][0]["pointer"], "/guard/percent");
        api.send("POST", "/apply", &[], None).expect(422);
    }

    fn tokens_of_a_time_are_revoked_everywhere(server: &Server) {
        let one = server.configuration("One");
        let two = server.configuration("Two");
        let past = ["token", "revoke", "--issued-before", "2020-01-01T00:00:00Z", "--json"];
        assert_eq!(server.json(&past)["items"], json!([]));
        one.client.get("/Users").expect(200);
        let future = ["token", "revoke", "--issued-before", "2100-01-01T00:00:00Z"];
        said(&server.run(&future), 1);
        std::thread::sleep(std::time::Duration::from_millis(20));
        let now = chrono::Utc::now().to_rfc3339();
        let revoked = server.json(&["token", "revoke", "--issued-before", &now, "--json"]);
        assert_eq!(revoked["items"].as_array().unwrap().len(), 2, "{revoked}");
        for client in [&one.client, &two.client] {
            client.get("/Users").expect(401);
        }
        let token = said(&server.run(&["token", "add", "One"]), 0);
        let client = Client::new(&server.base, token.trim());
        let api = administrator(server, &["tokens"]);
        let body = json!({"issuedBefore": now});
        let left = api.post("/tokens/revoke", &body).expect(200).json;
        assert_eq!(left["items"], json!([]), "the new one stays");
        client.get("/Users").expect(200);
        let wrong = ["token", "revoke"];
        said(&server.run(&wrong), 2);
    }
}

fn server_plan(server: &Server, path: &str) -> Value {
    server.json(&["plan", path, "--json"])
}
