//! What a configuration must not see or change: tenant admins, other configurations' people, and
//! people created by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

/// Adds a person by hand and answers the id.
fn by_hand(server: &Server, arguments: &[&str]) -> String {
    let mut command = vec!["user", "add", "--json"];
    command.extend(arguments);
    server.json(&command)["id"].as_str().unwrap().to_owned()
}

fn admin(server: &Server) -> String {
    by_hand(
        server,
        &[
            "--user-name",
            "Boss",
            "--email",
            "boss@corp.example",
            "--tenant-admin",
        ],
    )
}

fn user(name: &str, email: Option<&str>) -> Value {
    let mut body = json!({"schemas": [uri::USER], "userName": name});
    if let Some(email) = email {
        body["emails"] = json!([{"value": email, "type": "other"}]);
    }
    body
}

/// The failures that the log tells of, newest last.
fn reasons(server: &Server, outcome: &str) -> Vec<String> {
    let events = server.json(&["events", "--outcome", outcome, "--json"]);
    let events = events
        .as_array()
        .cloned()
        .or_else(|| events["events"].as_array().cloned())
        .unwrap();
    events
        .iter()
        .map(|e| e["reason"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Everything that a client can learn of the answer to an unknown id.
fn unknown(client: &Client, method: &str, id: &str) -> (u16, String) {
    let put = json!({"schemas": [uri::USER], "userName": "x"}).to_string();
    let patch = json!({"schemas": [uri::PATCH], "Operations": [
        {"op": "replace", "path": "active", "value": false}]})
    .to_string();
    let body = match method {
        "PUT" => Some(put.as_bytes()),
        "PATCH" => Some(patch.as_bytes()),
        _ => None,
    };
    let answer = client.send(method, &format!("/Users/{id}"), &[], body);
    (answer.status, answer.text)
}

on_both_engines! {
    fn a_tenant_admin_does_not_exist(server: &Server) {
        let client = server.client();
        let (admin, nobody) = (admin(server), uuid::Uuid::now_v7().to_string());
        let ava = client.user("ava");
        for method in ["GET", "PUT", "PATCH", "DELETE", "HEAD"] {
            let answer = unknown(&client, method, &admin);
            assert_eq!(answer, unknown(&client, method, &nobody), "{method}");
            assert_eq!(answer.0, 404);
        }
        for filter in [
            "userName eq \"boss\"", "userName co \"o\"", "userName sw \"B\"", "not (title pr)",
            "emails.value eq \"boss@corp.example\"", "meta.created pr", "id pr",
        ] {
            let found = client.ids(&format!("/Users?filter={filter}"));
            assert!(!found.contains(&admin), "{filter}");
        }
        assert_eq!(client.ids(&format!("/Users?filter=id eq \"{admin}\"")).len(), 0);
        let list = client.get("/Users?sortBy=userName").expect(200).json;
        assert_eq!(list["totalResults"], 1);
        let group = client.group("Ops", std::slice::from_ref(&ava));
        let member = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        let text = |id: &str| {
            let answer = client.patch(&format!("/Groups/{group}"), &member(id));
            answer.expect_error(400, Some("invalidValue"));
            answer.text.replace(id, "ID")
        };
        assert_eq!(text(&admin), text(&nobody));
        let create = json!({"schemas": [uri::GROUP], "displayName": "x", "members": [{"value": admin}]});
        client.post("/Groups", &create).expect_error(400, Some("invalidValue"));
    }

    fn a_tenant_admins_names_and_addresses_are_taken(server: &Server) {
        let client = server.client();
        admin(server);
        client.user("taken");
        let collision = client.post("/Users", &user("taken", None)).text;
        for body in [
            user("boss", None),
            user("BOSS", None),
            user("ＢＯＳＳ", None),
            user("boss@corp.example", None),
            user("ava", Some("Boss@Corp.example")),
            user("ava", Some("boss")),
        ] {
            let answer = client.post("/Users", &body);
            answer.expect_error(409, Some("uniqueness"));
            assert_eq!(answer.text, collision, "the same words as any collision: {body}");
        }
        let ava = client.user("ava");
        for operations in [
            json!([{"op": "replace", "path": "title", "value": "T"},
                   {"op": "replace", "path": "userName", "value": "Boss"}]),
            json!([{"op": "add", "path": "emails", "value": [{"value": "boss@corp.example"}]}]),
        ] {
            client.patch(&format!("/Users/{ava}"), &operations).expect_error(409, Some("uniqueness"));
        }
        let put = user("ava", Some("boss@corp.example"));
        client.put(&format!("/Users/{ava}"), &put).expect_error(409, Some("uniqueness"));
        let after = client.get(&format!("/Users/{ava}")).json;
        assert!(after.get("title").is_none(), "nothing was applied");
        let bulk = json!({"schemas": [uri::BULK], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("boss", None)}]});
        let bulk = client.post("/Bulk", &bulk).expect(200).json;
        assert_eq!(bulk["Operations"][0]["status"], "409");
        let logged = reasons(server, "skipped");
        assert_eq!(logged.len(), 10, "{logged:?}");
        assert!(logged.iter().all(|reason| reason.contains("protected account")), "{logged:?}");
        let opaque = json!({"schemas": [uri::USER], "userName": "eve", "externalId": "boss@corp.example"});
        client.post("/Users", &opaque).expect(201);
    }

    fn another_configurations_people_do_not_exist(server: &Server) {
        let mine = server.configuration("Mine").client;
        let other = server.configuration("Other").client;
        let ava = other.user("ava");
        let ops = other.group("Ops", std::slice::from_ref(&ava));
        let nobody = uuid::Uuid::now_v7().to_string();
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            assert_eq!(unknown(&mine, method, &ava), unknown(&mine, method, &nobody));
        }
        mine.get(&format!("/Groups/{ops}")).expect_error(404, None);
        assert_eq!(mine.get("/Users").json["totalResults"], 0);
        assert_eq!(mine.get("/Groups").json["totalResults"], 0);
        mine.post("/Users", &user("Ava", None)).expect_error(409, Some("uniqueness"));
        let bo = mine.user("bo");
        let group = mine.group("Ops", std::slice::from_ref(&bo));
        let add = json!([{"op": "add", "path": "members", "value": [{"value": ava}]}]);
        mine.patch(&format!("/Groups/{group}"), &add).expect_error(400, Some("invalidValue"));
        let shared = json!({"schemas": [uri::USER], "userName": "eve", "externalId": "e"});
        other.post("/Users", &shared).expect(201);
        let shared = json!({"schemas": [uri::USER], "userName": "eva", "externalId": "e"});
        mine.post("/Users", &shared).expect(201);
        let twice = json!({"schemas": [uri::USER], "userName": "evi", "externalId": "e"});
        mine.post("/Users", &twice).expect_error(409, Some("uniqueness"));
    }

    fn people_created_by_hand_are_met_as_the_policy_says(server: &Server) {
        by_hand(server, &["--user-name", "hand", "--email", "hand@corp.example"]);
        by_hand(server, &["--user-name", "chief", "--role", "Admin"]);
        let ask = server.configuration("Ask").client;
        ask.post("/Users", &user("HAND", None)).expect_error(409, Some("uniqueness"));
        ask.post("/Users", &user("other", Some("hand@corp.example")))
            .expect_error(409, Some("uniqueness"));
        let reasons = reasons(server, "failure");
        assert!(reasons.iter().all(|r| r.contains("an administrator can link")), "{reasons:?}");
        let link = server
            .configuration_with("Link", &["--users", "--existing-users", "link"]).client;
        link.post("/Users", &user("chief", None)).expect_error(409, Some("uniqueness"));
        let linked = link.post("/Users", &user("Hand", Some("hand@corp.example"))).expect(201);
        assert_eq!(link.ids("/Users?filter=userName eq \"hand\""), [linked.id()]);
        ask.post("/Users", &user("hand", None)).expect_error(409, Some("uniqueness"));
    }

    fn deleting_a_configuration_keeps_its_people(server: &Server) {
        let gone = server.configuration("Gone");
        let ava = gone.client.user("ava");
        let output = server.run(&["configuration", "delete", "Gone"]);
        assert!(output.status.success(), "{output:?}");
        gone.client.get(&format!("/Users/{ava}")).expect_error(401, None);
        let next = server.configuration("Next").client;
        next.get(&format!("/Users/{ava}")).expect_error(404, None);
        next.post("/Users", &user("ava", None)).expect_error(409, Some("uniqueness"));
    }
}
