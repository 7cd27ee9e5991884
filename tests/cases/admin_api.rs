//! The admin API over HTTPS: an administrator's work by script.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::process::Command;

use end_to_end::{Client, Response, Server, on_both_engines, uri};
use serde_json::{Value, json};

/// A client of the admin API with a new key.
fn admin(server: &Server, role: &str) -> Client {
    let key = server.json(&["api-key", "add", "--name", role, "--role", role, "--json"]);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    Client::new(&base, key["key"].as_str().unwrap())
}

/// A write of what was just read.
fn write(client: &Client, method: &str, path: &str, read: &str, body: &Value) -> Response {
    let tag = client
        .get(read)
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    let body = (!body.is_null()).then(|| body.to_string());
    let headers = [
        ("if-match", tag.as_str()),
        ("content-type", "application/json"),
    ];
    client.send(method, path, &headers, body.as_ref().map(String::as_bytes))
}

/// The lines of the tour in the documents.
fn tour() -> String {
    let document = include_str!("../../docs/admin-api.md");
    let (_, tour) = document.split_once("## A tour").unwrap();
    let (_, lines) = tour.split_once("```sh\n").unwrap();
    lines.split_once("```").unwrap().0.to_owned()
}

on_both_engines! {
    fn what_outlives_a_configuration_is_found_by_its_name_and_id(server: &Server) {
        let gone = server.configuration_with("Gone", &[]);
        gone.client.user("ava");
        let id = server.json(&["configuration", "show", "Gone", "--json"])["id"].clone();
        let id = id.as_str().unwrap();
        let deleted = server.json(&["configuration", "delete", "Gone", "--json"]);
        assert_eq!(deleted["status"], "deleted");
        let client = admin(server, "auditor");
        for name in [id, "gone"] {
            for path in ["events", "runs", "audit"] {
                let listed = client.get(&format!("/{path}?configuration={name}")).expect(200);
                assert_ne!(listed.json["items"], json!([]), "{path} of {name}");
            }
            for command in [&["events"][..], &["run", "list"], &["audit", "list"]] {
                let words = [command, &["--configuration", name, "--json"]].concat();
                assert_ne!(server.items(&words), json!([]), "{words:?}");
            }
        }
        assert_eq!(client.get("/events?configuration=nobody").status, 404);
    }

    fn a_text_that_no_database_keeps_is_refused_wherever_it_is_asked_for(server: &Server) {
        let client = admin(server, "auditor");
        for path in ["/users?q=%00", "/users?configuration=a%00", "/groups?q=%00", "/events?q=%00",
            "/events?configuration=%00", "/runs?configuration=%00", "/why?q=%00",
            "/why?q=a&configuration=%00", "/audit?actor=%00", "/audit?event=%00",
            "/audit?source=%00", "/audit?configuration=%00", "/configurations?q=%00",
            "/users?limit=5&cursor=%00", "/users/%00", "/groups/a%00b", "/runs/%00", "/configurations/%00",
            "/events/%00", "/custom-fields/%00", "/streams/%00"] {
            assert_eq!(client.get(path).status, 400, "{path}");
        }
    }

    fn the_tour_in_the_documents_runs_as_it_stands(server: &Server) {
        let folder = tempfile::tempdir().unwrap();
        let lines = tour().replace("https://localhost:8443/api/admin/v1",
            &server.base.replace("/api/scim/v2", "/api/admin/v1"));
        // The command of the tour, for the server of this test.
        let command = server.command(&[]);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.display())).collect();
        let (program, options) = words.split_first().unwrap();
        let script = format!(
            "serviceops-scim() {{ {program} \"$@\" {}; }}\n{lines}", options.join(" ")
        );
        let output = Command::new("bash").args(["-euo", "pipefail", "-c", &script])
            .current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        // Ids and times are new with every run.
        let told = said.lines().filter(|line| !line.contains('-') && !line.starts_with("20"));
        assert_eq!(told.collect::<Vec<_>>(), ["create ava.stone@corp.example", "Tour", "badge",
            "draft", "42", "2", "2", "10", "disabled", "configuration.disabled"]);
    }

    fn administrators_come_from_their_networks(server: &mut Server) {
        let key = server.json(&["api-key", "add", "--name", "n", "--role", "auditor", "--json"]);
        let scim = server.configuration("Networks").client;
        let token = scim.token.clone();
        let seen = |server: &Server| {
            let at = |below: &str| server.base.replace("/api/scim/v2", below);
            let api = Client::new(&at("/api/admin/v1"), key["key"].as_str().unwrap());
            let console = Client::new(&at("/admin"), "");
            let scim = Client::new(&server.base, &token);
            let status = |client: &Client, path: &str| client.get(path).status;
            [status(&api, "/configurations"), status(&console, "/login"), status(&scim, "/Users")]
        };
        for (networks, status) in [("10.0.0.0/8,fd00::/8", 403), ("10.0.0.0/8,127.0.0.1", 200)] {
            server.stop();
            server.restart_with(&["--admin-networks", networks]);
            assert_eq!(seen(server), [status, status, 200], "{networks}");
        }
        let wrong = server.run(&["serve", "--admin-networks", "example.com"]);
        assert_eq!(wrong.status.code(), Some(2));
    }

    fn whoever_comes_through_a_proxy_is_where_it_says(server: &mut Server) {
        let scim = server.configuration("Proxied").client;
        server.stop();
        server.restart_with(&["--trusted-proxies", "127.0.0.0/8", "--admin-networks", "192.0.2.0/24"]);
        let scim = Client::new(&server.base, &scim.token);
        let console = Client::new(&server.base.replace("/api/scim/v2", "/admin"), "");
        let seen = |said: &[(&str, &str)]| console.send("GET", "/login", said, None).status;
        assert_eq!(seen(&[]), 403);
        assert_eq!(seen(&[("x-forwarded-for", "192.0.2.7")]), 200);
        assert_eq!(seen(&[("x-forwarded-for", "192.0.2.7, 198.51.100.1")]), 403);
        assert_eq!(seen(&[("forwarded", "for=192.0.2.7;proto=https, for=127.0.0.9")]), 200);
        assert_eq!(seen(&[("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=192.0.2.7")]), 403);
        scim.send("GET", "/Users", &[("x-forwarded-for", "198.51.100.9")], None).expect(200);
        let listed = server.items(&["token", "list", "Proxied", "--json"]);
        assert_eq!(listed[0]["lastUsedFrom"], "198.51.100.9");
        let body = br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ava"}"#;
        let headers = [("x-forwarded-for", "198.51.100.8"), ("content-type", "application/scim+json")];
        scim.send("POST", "/Users", &headers, Some(body)).expect(201);
        let events = server.items(&["events", "--json"]);
        assert_eq!(events[0]["source"], "198.51.100.8");
        let wrong = server.run(&["serve", "--trusted-proxies", "example.com"]);
        assert_eq!(wrong.status.code(), Some(2));
    }

    fn a_configuration_lives_and_ends(server: &Server) {
        let api = admin(server, "administrator");
        let added = api.post("/configurations", &json!({"name": "Entra", "identityProvider": "entra",
            "provisioningType": {"groups": false}})).expect(201);
        assert!(added.header("content-type").unwrap().starts_with("application/json"));
        let path = added.header("location").unwrap().replace("/api/admin/v1", "");
        let scim = Client::new(&server.base, added.json["token"]["value"].as_str().unwrap());
        scim.user("ava");
        scim.get("/Groups").expect_error(403, None);

        write(&api, "PATCH", &path, &path, &json!({"name": "Entra ID", "provisioningType":
            {"groups": true}})).expect(200);
        scim.get("/Groups").expect(200);
        let policy = format!("{path}/policy");
        let changed = write(&api, "PATCH", &policy, &policy, &json!({"deletion": "block",
            "guard": {"count": 7}})).expect(200).json;
        assert_eq!((&changed["guard"]["count"], &changed["guard"]["percent"]), (&json!(7), &json!(20)));
        assert_eq!(write(&api, "PATCH", &policy, &policy, &json!({"deletions": "block"})).status, 422);

        write(&api, "POST", &format!("{path}/disable"), &path, &Value::Null).expect(200);
        scim.get("/Users").expect_error(403, None);
        write(&api, "POST", &format!("{path}/enable"), &path, &Value::Null).expect(200);
        let second = api.post(&format!("{path}/tokens"), &json!({})).expect(201).json;
        let tokens = api.get(&format!("{path}/tokens")).expect(200);
        assert_eq!(tokens.json["items"].as_array().unwrap().len(), 2);
        assert!(!tokens.text.contains(second["value"].as_str().unwrap()));
        let id = second["id"].as_str().unwrap();
        let shown = api.post(&format!("{path}/tokens/{id}/reveal"), &json!({})).expect(200);
        assert_eq!(shown.json["value"], second["value"]);

        let people = api.get("/users?q=ava").expect(200).json;
        assert_eq!(people["items"][0]["managedBy"], "Entra ID");
        let events = api.get("/events?limit=1").expect(200).json;
        let next = events["next"].as_str().unwrap();
        let event = events["items"][0]["id"].as_i64().unwrap();
        assert_eq!(api.get(&format!("/events/{event}")).expect(200).json["action"], "create");
        api.get(&format!("/events?limit=1&cursor={next}")).expect(200);

        write(&api, "DELETE", &path, &path, &Value::Null).expect(204);
        scim.get("/Users").expect_error(401, None);
        let audit = api.get("/audit").expect(200).json;
        assert_eq!(audit["items"][0]["event"], "configuration.deleted");
        assert!(audit["items"].to_string().contains("API key administrator"));
    }

    fn a_failure_is_resolved_and_opened_again(server: &Server) {
        let (api, auditor) = (admin(server, "administrator"), admin(server, "auditor"));
        let scim = server.client();
        scim.user("ava");
        let again = json!({"schemas": [uri::USER], "userName": "AVA"});
        scim.post("/Users", &again).expect_error(409, Some("uniqueness"));
        let open = || auditor.get("/events?state=open").expect(200).json["items"].clone();
        let path = format!("/events/{}", open()[0]["id"]);
        let resolve = format!("{path}/resolve");
        assert_eq!(write(&auditor, "POST", &resolve, &path, &Value::Null).status, 403);
        let resolved = write(&api, "POST", &resolve, &path, &Value::Null).expect(200).json;
        assert_eq!(resolved["resolvedBy"], "API key administrator");
        assert_eq!(open(), json!([]));
        assert_eq!(server.items(&["events", "--open", "--json"]), json!([]));
        write(&api, "POST", &format!("{path}/reopen"), &path, &Value::Null).expect(200);
        assert_eq!(server.items(&["events", "--open", "--json"]), open());
        let events = auditor.get("/audit?event=event.").expect(200).json;
        let said: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|one| &one["event"]).collect();
        assert_eq!(said, ["event.reopened", "event.resolved"]);
    }

    fn a_mapping_is_drafted_tried_and_activated(server: &Server) {
        let scim = server.client();
        let api = admin(server, "administrator");
        scim.user("ava");
        let path = "/configurations/Test/mappings/user";
        let mut mapping = api.get(path).expect(200).json["active"]["mapping"].clone();
        mapping["rules"][0]["transforms"] = json!(["upper"]);
        let draft = json!({"mapping": mapping, "note": "Capitals"});
        assert_eq!(api.put(path, &draft).status, 428);
        let answer = write(&api, "PUT", path, path, &draft).expect(200).json;
        assert_eq!(answer["draft"]["note"], "Capitals");
        let sample = json!({"schemas": [uri::USER], "userName": "bob"});
        let preview = api.post(&format!("{path}/preview?version=draft"), &sample).expect(200).json;
        assert_eq!(preview["record"]["user_name"], "BOB");
        let impact = api.post(&format!("{path}/impact?version=draft"), &json!({})).expect(200).json;
        assert_eq!(impact["changed"], 1);
        let active = write(&api, "POST", &format!("{path}/activate"), path, &Value::Null).expect(200);
        assert_eq!(active.json["active"]["version"], 2);
        let versions = api.get(&format!("{path}/versions")).expect(200).json;
        assert_eq!(versions["items"].as_array().unwrap().len(), 2);
        let wrong = json!({"mapping": {"resource": "group", "rules": []}});
        assert_eq!(write(&api, "PUT", path, path, &wrong).status, 422);
    }

    fn a_key_that_leaked_leaves_nothing_behind(server: &Server) {
        let api = admin(server, "administrator");
        let mallory = json!({"name": "mallory", "role": "administrator", "password": "four random words suffice"});
        assert_eq!(api.post("/accounts", &mallory).status, 405);
        let added = api.post("/configurations", &json!({"name": "Leak"})).expect(201).json;
        let scim = Client::new(&server.base, added["token"]["value"].as_str().unwrap());
        scim.get("/Users").expect(200);
        let key = json!({"name": "more", "role": "administrator"});
        let more = api.post("/api-keys", &key).expect(201).json;
        let told = server.run(&["api-key", "revoke", "administrator", "--dry-run"]);
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(told.contains("the key more") && told.contains(" of Leak"), "{told}");
        scim.get("/Users").expect(200);
        let ended = server.json(&["api-key", "revoke", "administrator", "--json"]);
        assert_eq!(ended["ended"]["tokens"][0]["id"], added["token"]["id"]);
        let more = api.with_token(more["key"].as_str().unwrap());
        assert_eq!((api.get("/users").status, more.get("/users").status), (401, 401));
        scim.get("/Users").expect_error(401, None);
    }

    fn keys_have_roles_and_end(server: &Server) {
        let (api, auditor) = (admin(server, "administrator"), admin(server, "auditor"));
        auditor.get("/configurations").expect(200);
        assert_eq!(auditor.post("/configurations", &json!({"name": "x"})).status, 403);
        let refused = auditor.with_token("sopsapi_nobody").get("/configurations");
        assert_eq!(refused.status, 401);
        assert!(refused.header("www-authenticate").is_some());
        assert!(refused.header("content-type").unwrap().starts_with("application/problem+json"));
        // A SCIM token opens nothing here, and a key nothing there.
        let scim = server.client();
        assert_eq!(auditor.with_token(&scim.token).get("/configurations").status, 401);
        scim.with_token(&api.token).get("/Users").expect_error(401, None);
        let keys = api.get("/api-keys").expect(200).json;
        let key = keys["items"].as_array().unwrap().iter().find(|key| key["name"] == "auditor").unwrap();
        let path = format!("/api-keys/{}", key["id"].as_str().unwrap());
        write(&api, "DELETE", &path, &path, &Value::Null).expect(204);
        assert_eq!(auditor.get("/configurations").status, 401);
    }
}
