//! What leaving means, who is linked, and the guard against mass deprovisioning.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

/// What the directory says of a person.
fn person(server: &Server, name: &str) -> Value {
    let people = server.items(&["user", "list", "--limit", "10000", "--json"]);
    let people = people.as_array().unwrap();
    let found = people.iter().rfind(|person| person["userName"] == name);
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

fn status(server: &Server, name: &str) -> String {
    person(server, name)["status"].as_str().unwrap().to_owned()
}

fn activate(client: &Client, id: &str, active: bool) -> end_to_end::Response {
    let operations = json!([{"op": "replace", "path": "active", "value": active}]);
    client.patch(&format!("/Users/{id}"), &operations)
}

fn edit(server: &Server, arguments: &[&str]) {
    let all = [&["configuration", "edit", "Test"], arguments].concat();
    let output = server.run(&all);
    assert!(output.status.success(), "{output:?}");
}

fn run(server: &Server, arguments: &[&str]) {
    let output = server.run(arguments);
    assert!(output.status.success(), "{output:?}");
}

/// Users that a bulk request creates.
fn crowd(client: &Client, prefix: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let operations: Vec<Value> = (0..count)
        .map(|at| {
            let data = json!({"schemas": [uri::USER], "userName": format!("{prefix}{at}")});
            json!({"method": "POST", "path": "/Users", "bulkId": format!("{at}"), "data": data})
        })
        .collect();
    for part in operations.chunks(1_000) {
        let body = json!({"schemas": [uri::BULK], "Operations": part});
        let answer = client.post("/Bulk", &body).expect(200).json;
        for result in answer["Operations"].as_array().unwrap() {
            let location = result["location"].as_str().unwrap();
            ids.push(location.rsplit('/').next().unwrap().to_owned());
        }
    }
    ids
}

on_both_engines! {
    fn deactivation_blocks_or_archives(server: &Server) {
        let client = server.client();
        let ava = client.user("ava");
        activate(&client, &ava, false).expect(200);
        assert_eq!(status(server, "ava"), "blocked");
        edit(server, &["--on-deactivate", "archive"]);
        // Who is out already stays out the way it was.
        client.patch(&format!("/Users/{ava}"),
            &json!([{"op": "replace", "path": "title", "value": "x"}])).expect(200);
        assert_eq!(status(server, "ava"), "blocked");
        let bob = client.user("bob");
        assert_eq!(activate(&client, &bob, false).expect(200).json["active"], false);
        assert_eq!(status(server, "bob"), "archived");
        assert_eq!(client.get(&format!("/Users/{bob}")).expect(200).json["active"], false);
        for (name, id) in [("ava", &ava), ("bob", &bob)] {
            assert_eq!(activate(&client, id, true).expect(200).json["active"], true);
            assert_eq!(status(server, name), "active");
        }
    }

    fn a_name_of_an_archived_user_that_scim_still_sees_is_taken(server: &Server) {
        let client = server.client();
        edit(server, &["--on-deactivate", "archive"]);
        let ava = client.user("ava");
        activate(&client, &ava, false).expect(200);
        let again = json!({"schemas": [uri::USER], "userName": "AVA"});
        client.post("/Users", &again).expect_error(409, Some("uniqueness"));
        let found = client.get("/Users?filter=userName eq \"ava\"").json;
        assert_eq!(found["totalResults"], 1);
    }

    fn policies_are_set_when_a_configuration_is_added(server: &Server) {
        let added = server.json(&["configuration", "add", "--name", "New", "--on-delete", "block",
            "--guard-count", "7", "--on-deactivate", "archive", "--existing-users", "link", "--json"]);
        assert_eq!(added["policy"]["onDelete"], "block");
        assert_eq!(added["policy"]["guard"]["count"], 7);
        assert_eq!(added["existingUsers"], "link");
    }

    fn deletion_archives_or_blocks(server: &Server) {
        let client = server.client();
        let ava = client.user("ava");
        let ops = client.group("Ops", std::slice::from_ref(&ava));
        client.delete(&format!("/Users/{ava}")).expect(204);
        assert_eq!(status(server, "ava"), "archived");
        client.get(&format!("/Users/{ava}")).expect_error(404, None);
        assert_eq!(client.get(&format!("/Groups/{ops}")).json.get("members"), None);
        let again = client.user("ava");
        assert_ne!(again, ava, "an archived record stays as it was");

        edit(server, &["--on-delete", "block"]);
        client.delete(&format!("/Users/{again}")).expect(204);
        assert_eq!(status(server, "ava"), "blocked");
        client.get(&format!("/Users/{again}")).expect_error(404, None);
        assert_eq!(client.get("/Users").json["totalResults"], 0);
        // The same person comes back, and works again.
        assert_eq!(client.user("Ava"), again);
        assert_eq!(status(server, "Ava"), "active");
        assert_eq!(client.get("/Users").json["totalResults"], 1);
    }

    fn deletion_for_good_waits_for_its_day(server: &Server) {
        let client = server.client();
        edit(server, &["--on-delete", "delete", "--delete-after-days", "7"]);
        let shown = server.json(&["configuration", "show", "Test", "--json"]);
        assert_eq!(shown["policy"]["deleteAfterDays"], 7);
        let ava = client.user("ava");
        client.delete(&format!("/Users/{ava}")).expect(204);
        assert_eq!(status(server, "ava"), "archived");
        let refused = server.run(&["configuration", "edit", "Test", "--on-delete", "delete",
            "--delete-after-days", "0"]);
        assert_eq!(refused.status.code(), Some(2));
    }

    fn a_link_waits_for_an_administrator(server: &Server) {
        run(server, &["user", "add", "--user-name", "ava", "--email", "ava@x.example"]);
        let by_hand = person(server, "ava");
        let client = server.client();
        let body = json!({"schemas": [uri::USER], "userName": "ava@corp", "title": "Guide",
            "emails": [{"value": "AVA@x.example", "type": "work"}]});
        client.post("/Users", &body).expect_error(409, Some("uniqueness"));
        client.post("/Users", &body).expect_error(409, Some("uniqueness"));
        let waiting = server.items(&["link", "list", "Test", "--json"]);
        assert_eq!(waiting.as_array().unwrap().len(), 1);
        assert_eq!(waiting[0]["person"]["id"], by_hand["id"]);
        assert_eq!(waiting[0]["userName"], "ava@corp");
        let changes = waiting[0]["changes"].as_array().unwrap();
        let title = json!({"field": "job_title", "old": null, "new": "Guide"});
        assert!(changes.contains(&title), "{changes:?}");
        let listed = server.run(&["link", "list", "Test"]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.contains("job_title"), "{listed}");
        // Dismissed, it comes back with other values alone.
        run(server, &["link", "dismiss", "Test", "--user", "ava"]);
        client.post("/Users", &body).expect_error(409, Some("uniqueness"));
        assert_eq!(server.items(&["link", "list", "Test", "--json"]), json!([]));
        let mut body = body;
        body["nickName"] = json!("av");
        client.post("/Users", &body).expect_error(409, Some("uniqueness"));
        run(server, &["link", "approve", "Test", "--user", "ava"]);
        let found = client.get("/Users?filter=userName eq \"ava@corp\"").json;
        assert_eq!(found["Resources"][0]["id"], by_hand["id"]);
        assert_eq!(found["Resources"][0]["title"], "Guide");
        assert_eq!(person(server, "ava@corp")["managedBy"], "Test");
        assert_eq!(server.items(&["link", "list", "Test", "--json"]), json!([]));
        assert_eq!(server.run(&["link", "approve", "Test", "--all"]).status.code(), Some(1));
    }

    fn the_guard_holds_what_is_too_much_at_once(server: &Server) {
        let client = server.client();
        edit(server, &["--guard-count", "3", "--guard-percent", "30"]);
        let ids = crowd(&client, "u", 20);
        let ops = client.group("Ops", &ids);
        // 30 % of 20 is 6, which is more than 3.
        for id in &ids[..6] {
            assert_eq!(activate(&client, id, false).expect(200).json["active"], false);
        }
        assert_eq!(status(server, "u5"), "blocked");
        assert_eq!(server.items(&["held", "list", "Test", "--json"]), json!([]));
        // The identity provider is told what it wants to hear; the people go on working.
        for id in &ids[6..8] {
            assert_eq!(activate(&client, id, false).expect(200).json["active"], false);
            assert_eq!(client.get(&format!("/Users/{id}")).json["active"], false);
            assert_eq!(activate(&client, id, false).expect(200).json["active"], false);
        }
        client.delete(&format!("/Users/{}", ids[8])).expect(204);
        client.get(&format!("/Users/{}", ids[8])).expect_error(404, None);
        for name in ["u6", "u7", "u8"] {
            assert_eq!(status(server, name), "active");
        }
        let held = server.items(&["held", "list", "Test", "--json"]);
        let held = held.as_array().unwrap();
        assert_eq!(held.len(), 3);
        assert_eq!(held[2]["askedBy"], "DELETE");
        let becomes = |at: usize| held[at]["changes"][0].clone();
        assert_eq!(becomes(0), json!({"field": "status", "old": "active", "new": "blocked"}));
        assert_eq!(becomes(2), json!({"field": "status", "old": "active", "new": "archived"}));
        let events = server.items(&["events", "--outcome", "held", "--json"]);
        assert_eq!(events.as_array().unwrap().len(), 3);

        // One comes back by the identity provider, one by the administrator, one is let go.
        assert_eq!(activate(&client, &ids[6], true).expect(200).json["active"], true);
        run(server, &["held", "reject", "Test", "--user", "u8"]);
        assert_eq!(client.get(&format!("/Users/{}", ids[8])).expect(200).json["userName"], "u8");
        run(server, &["held", "allow", "Test", "--all"]);
        assert_eq!(status(server, "u6"), "active");
        assert_eq!(status(server, "u7"), "blocked");
        assert_eq!(status(server, "u8"), "active");
        assert_eq!(server.items(&["held", "list", "Test", "--json"]), json!([]));
        // What was allowed is not counted again: it goes on.
        activate(&client, &ids[9], false).expect(200);
        assert_eq!(status(server, "u9"), "blocked");
        // Nothing is lost on the way: memberships of whoever stayed are as they were.
        let members = client.get(&format!("/Groups/{ops}")).json["members"].as_array().unwrap().len();
        assert_eq!(members, 20);
    }

    fn the_guard_refuses_where_the_policy_says_so(server: &Server) {
        let client = server.client();
        edit(server, &["--guard-count", "1", "--guard-percent", "1", "--guard-action", "reject"]);
        let ids = crowd(&client, "u", 5);
        activate(&client, &ids[0], false).expect(200);
        activate(&client, &ids[1], false).expect_error(403, None);
        client.delete(&format!("/Users/{}", ids[2])).expect_error(403, None);
        assert_eq!(status(server, "u1"), "active");
        assert_eq!(client.get("/Users").json["totalResults"], 5);
        edit(server, &["--guard-count", "0"]);
        activate(&client, &ids[1], false).expect(200);
        assert_eq!(status(server, "u1"), "blocked");
    }

    fn a_request_that_empties_a_group_waits_for_an_administrator(server: &Server) {
        let client = server.client();
        edit(server, &["--member-guard-count", "3", "--member-guard-percent", "50"]);
        let ids = crowd(&client, "u", 10);
        let ops = client.group("Ops", &ids);
        let path = format!("/Groups/{ops}");
        let one = json!([{"op": "Replace", "path": "members", "value": [{"value": ids[0]}]}]);
        assert!([200, 204].contains(&client.patch(&path, &one).status));
        assert_eq!(client.get(&path).json["members"].as_array().unwrap().len(), 1);
        let held = server.items(&["held", "list", "Test", "--json"]);
        assert_eq!(held.as_array().unwrap().len(), 9);
        assert_eq!((&held[0]["change"], &held[0]["group"]), (&json!("leave"), &json!("Ops")));
        assert_eq!(held[0]["askedBy"], "members replaced");
        run(server, &["held", "allow", "Test", "--user", "u1"]);
        run(server, &["held", "reject", "Test", "--all"]);
        assert_eq!(client.get(&path).json["members"].as_array().unwrap().len(), 9);
        edit(server, &["--member-guard-action", "reject"]);
        client.patch(&path, &one).expect_error(403, None);
        edit(server, &["--member-guard-action", "warn"]);
        client.patch(&path, &one).expect(200);
        assert_eq!(client.get(&path).json["members"].as_array().unwrap().len(), 1);
        let warned = server.items(&["events", "--outcome", "warning", "--json"]);
        assert_eq!(warned.as_array().unwrap().len(), 1);
    }

    fn what_suits_the_identity_provider_becomes_of_unknown_members(server: &Server) {
        let unknown = "0198abcd-0000-7000-8000-000000000000";
        for (idp, policy, status) in [
            ("okta", None, 201), ("onelogin", None, 201), ("jumpcloud", None, 201),
            ("entra", None, 400), ("generic", None, 400),
            ("okta", Some("refuse"), 400), ("entra", Some("skip"), 201),
        ] {
            let name = format!("{idp}-{policy:?}").replace(['(', ')', '"'], "");
            let mut options = vec!["--users", "--groups", "--idp", idp];
            options.extend(policy.iter().flat_map(|policy| ["--unknown-members", policy]));
            let client = server.configuration_with(&name, &options).client;
            let user = client.user(&name);
            let members = json!([{"value": user}, {"value": unknown}]);
            let body = json!({"schemas": [uri::GROUP], "displayName": name, "members": members});
            let answer = client.post("/Groups", &body);
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
            if status == 201 {
                assert_eq!(answer.json["members"].as_array().unwrap().len(), 1, "{name}");
            }
        }
    }

    fn a_policy_that_would_do_nothing_is_refused(server: &Server) {
        server.configuration("Test");
        let refused = |options: &[&str]| {
            let all = [&["configuration", "edit", "Test"], options].concat();
            assert_eq!(server.run(&all).status.code(), Some(2), "{options:?}");
        };
        refused(&["--delete-after-days", "7"]);
        refused(&["--on-delete", "block", "--delete-after-days", "7"]);
        refused(&["--member-guard-percent", "0"]);
        edit(server, &["--on-delete", "delete"]);
        edit(server, &["--delete-after-days", "7"]);
        let shown = server.json(&["configuration", "show", "Test", "--json"]);
        assert_eq!(shown["policy"]["deleteAfterDays"], 7);
    }

    fn blocking_a_third_of_the_company_is_stopped(server: &Server) {
        let client = server.client();
        let ids = crowd(&client, "u", 2_000);
        for id in &ids[..600] {
            activate(&client, id, false).expect(200);
        }
        let counted = |status: &str| {
            let people = server.items(&["user", "list", "--limit", "10000", "--json"]);
            people.as_array().unwrap().iter().filter(|p| p["status"] == status).count()
        };
        assert_eq!((counted("blocked"), counted("active")), (500, 1_500));
        run(server, &["held", "allow", "Test", "--all"]);
        assert_eq!((counted("blocked"), counted("active")), (600, 1_400));
    }
}
