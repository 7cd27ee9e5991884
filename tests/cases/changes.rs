//! PATCH, PUT, versions, bulk requests, and many clients at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;

use end_to_end::{Client, on_both_engines, uri};
use serde_json::{Value, json};

fn members(client: &Client, group: &str) -> BTreeSet<String> {
    let group = client.get(&format!("/Groups/{group}")).expect(200).json;
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members
        .iter()
        .map(|m| m["value"].as_str().unwrap().to_owned())
        .collect()
}

fn add(id: &str) -> Value {
    json!([{"op": "add", "path": "members", "value": [{"value": id}]}])
}

on_both_engines! {
    fn versions_are_entity_tags(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        let first = client.get(&path).expect(200);
        assert_eq!(first.header("etag"), Some("W/\"1\""));
        assert_eq!(client.send("GET", &path, &[("if-none-match", "W/\"1\"")], None).status, 304);
        let title = |value: &str| json!([{"op": "replace", "path": "title", "value": value}]);
        let second = client.patch(&path, &title("T")).expect(200);
        assert_eq!(second.header("etag"), Some("W/\"2\""));
        let again = client.patch(&path, &title("T")).expect(200);
        assert_eq!(again.json["meta"], second.json["meta"], "nothing changed");
        let body = json!({"schemas": [uri::PATCH], "Operations": title("U")}).to_string();
        for (method, body) in [("PATCH", Some(body.as_bytes())), ("DELETE", None)] {
            let stale = [("if-match", "W/\"1\"")];
            client.send(method, &path, &stale, body).expect_error(412, None);
        }
        let current = [("if-match", "W/\"2\"")];
        client.send("PATCH", &path, &current, Some(body.as_bytes())).expect(200);
        let any = [("if-match", "*")];
        client.send("DELETE", &path, &any, None).expect(204);
        client.get(&path).expect_error(404, None);
    }

    fn a_put_clears_what_it_does_not_say(server: &Server) {
        let client = server.client();
        let body = json!({"schemas": [uri::USER, uri::ENTERPRISE], "userName": "ava",
            "title": "T", "active": false, "password": "Secret-1234567", "externalId": "x",
            uri::ENTERPRISE: {"department": "IT"}});
        let created = client.post("/Users", &body).expect(201);
        assert!(!created.text.contains("Secret"));
        let path = format!("/Users/{}", created.id());
        let put = json!({"schemas": [uri::USER], "userName": "ava", "id": "other",
            "meta": {"created": "2000-01-01T00:00:00Z"}, "groups": [{"value": "g"}]});
        let after = client.put(&path, &put).expect(200).json;
        assert!(after.get("title").is_none() && after.get(uri::ENTERPRISE).is_none());
        assert!(after.get("externalId").is_none() && after.get("groups").is_none());
        assert_eq!(after["id"], created.json["id"]);
        assert_eq!(after["meta"]["created"], created.json["meta"]["created"]);
        assert_eq!(after["active"], false, "a PUT that says nothing of active unblocks nobody");
        assert_eq!(after["schemas"], json!([uri::USER]));
        let same = client.put(&path, &put).expect(200).json;
        assert_eq!(same["meta"], after["meta"], "the same again changes nothing");
    }

    fn a_failing_operation_undoes_the_whole_patch(server: &Server) {
        let client = server.client();
        let ava = client.user("ava");
        let group = client.group("Ops", std::slice::from_ref(&ava));
        let unknown = uuid::Uuid::now_v7().to_string();
        let operations = json!([
            {"op": "replace", "path": "displayName", "value": "Other"},
            {"op": "remove", "path": "members"},
            {"op": "add", "path": "members", "value": [{"value": unknown}]}
        ]);
        let answer = client.patch(&format!("/Groups/{group}"), &operations);
        answer.expect_error(400, Some("invalidValue"));
        assert!(answer.text.contains(&unknown), "{}", answer.text);
        let after = client.get(&format!("/Groups/{group}")).json;
        assert_eq!(after["displayName"], "Ops");
        assert_eq!(after["meta"]["version"], "W/\"1\"");
        assert_eq!(members(&client, &group), BTreeSet::from([ava]));
    }

    fn a_group_cannot_hold_itself(server: &Server) {
        let client = server.client();
        let inner = client.group("Inner", &[]);
        let middle = client.group("Middle", std::slice::from_ref(&inner));
        let outer = client.group("Outer", std::slice::from_ref(&middle));
        for id in [&inner, &middle, &outer] {
            client.patch(&format!("/Groups/{inner}"), &add(id))
                .expect_error(400, Some("invalidValue"));
        }
        client.patch(&format!("/Groups/{outer}"), &add(&inner)).expect(200);
        client.delete(&format!("/Groups/{inner}")).expect(204);
        assert!(members(&client, &middle).is_empty());
    }

    fn big_groups_are_answered_without_a_body(server: &Server) {
        let client = server.client();
        let ids: Vec<String> = (0..102).map(|at| client.user(&format!("u{at}"))).collect();
        let group = client.group("Big", &ids[..100]);
        let path = format!("/Groups/{group}");
        client.patch(&path, &add(&ids[100])).expect(204);
        assert_eq!(client.get(&path).json["members"].as_array().unwrap().len(), 101);
        let part = client.patch(&format!("{path}?excludedAttributes=members"), &add(&ids[101]));
        assert_eq!(part.expect(200).json["displayName"], "Big");
        let remove = json!([{"op": "Remove", "path": "members",
            "value": ids[..60].iter().map(|id| json!({"value": id})).collect::<Vec<_>>()}]);
        assert_eq!(client.patch(&path, &remove).expect(200).json["members"].as_array().unwrap().len(), 42);
    }

    fn parallel_patches_of_one_group_lose_nobody(server: &Server) {
        let client = server.client();
        let ids: Vec<String> = (0..64).map(|at| client.user(&format!("u{at}"))).collect();
        let group = client.group("Ops", &ids[..32]);
        let path = &format!("/Groups/{group}?excludedAttributes=members");
        std::thread::scope(|scope| {
            for pair in 0..32 {
                let (client, ids) = (client.clone(), &ids);
                scope.spawn(move || {
                    let leave = format!("members[value eq \"{}\"]", ids[pair]);
                    client.patch(path, &add(&ids[32 + pair])).expect(200);
                    client.patch(path, &json!([{"op": "remove", "path": leave}])).expect(200);
                });
            }
        });
        assert_eq!(members(&client, &group), ids[32..].iter().cloned().collect());
        let version = client.get(path).json["meta"]["version"].clone();
        assert_eq!(version, "W/\"65\"", "every change counted once");
    }

    fn parallel_patches_of_one_user_lose_nothing(server: &Server) {
        let client = server.client();
        let path = &format!("/Users/{}", client.user("ava"));
        let kinds: Vec<String> = (0..24).map(|at| format!("k{at}")).collect();
        std::thread::scope(|scope| {
            for kind in &kinds {
                let client = client.clone();
                scope.spawn(move || {
                    let operations = json!([{"op": "add", "path": "emails",
                        "value": [{"value": format!("{kind}@x.example"), "type": kind}]}]);
                    client.patch(path, &operations).expect(200);
                });
            }
        });
        let user = client.get(path).json;
        assert_eq!(user["emails"].as_array().unwrap().len(), kinds.len());
        assert_eq!(user["meta"]["version"], "W/\"25\"");
    }

    fn of_parallel_creates_of_one_name_one_succeeds(server: &Server) {
        let client = server.client();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..16).map(|at| {
                let client = client.clone();
                scope.spawn(move || {
                    let name = if at % 2 == 0 { "same" } else { "SAME" };
                    let body = json!({"schemas": [uri::USER], "userName": name});
                    client.post("/Users", &body).status
                })
            }).collect();
            tries.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    }

    fn parallel_nesting_makes_no_circle(server: &Server) {
        let client = server.client();
        for round in 0..8 {
            let a = client.group(&format!("a{round}"), &[]);
            let b = client.group(&format!("b{round}"), &[]);
            let pairs = [(&a, &b), (&b, &a)];
            let statuses: Vec<u16> = std::thread::scope(|scope| {
                let tries: Vec<_> = pairs.iter().map(|(outer, inner)| {
                    let client = client.clone();
                    scope.spawn(move || client.patch(&format!("/Groups/{outer}"), &add(inner)).status)
                }).collect();
                tries.into_iter().map(|t| t.join().unwrap()).collect()
            });
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        }
    }

    fn bulk_references_may_go_in_circles(server: &Server) {
        let client = server.client();
        let post = |path: &str, id: &str, data: Value| {
            json!({"method": "POST", "path": path, "bulkId": id, "data": data})
        };
        let group = |name: &str, members: &[&str]| json!({"schemas": [uri::GROUP],
            "displayName": name,
            "members": members.iter().map(|m| json!({"value": format!("bulkId:{m}")})).collect::<Vec<_>>()});
        let managed = |name: &str, manager: &str| json!({"schemas": [uri::USER, uri::ENTERPRISE],
            "userName": name, uri::ENTERPRISE: {"manager": {"value": format!("bulkId:{manager}")}}});
        let body = json!({"schemas": [uri::BULK], "Operations": [
            post("/Groups", "g", group("Ops", &["a", "b"])),
            post("/Users", "a", managed("ava", "b")),
            post("/Users", "b", managed("bo", "a")),
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": {"schemas": [uri::PATCH],
                "Operations": [{"op": "add", "path": "title", "value": "T"}]}}
        ]});
        let answer = client.post("/Bulk", &body).expect(200).json;
        let results = answer["Operations"].as_array().unwrap();
        let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
        assert_eq!(statuses, ["201", "201", "201", "200"], "{answer}");
        let id = |at: usize| {
            let location = results[at]["location"].as_str().unwrap();
            location.rsplit_once('/').unwrap().1.to_owned()
        };
        let ava = client.get(&format!("/Users/{}", id(1))).json;
        assert_eq!(ava[uri::ENTERPRISE]["manager"]["value"], id(2));
        assert_eq!(ava["title"], "T");
        let bo = client.get(&format!("/Users/{}", id(2))).json;
        assert_eq!(bo[uri::ENTERPRISE]["manager"]["value"], id(1));
        assert_eq!(members(&client, &id(0)), BTreeSet::from([id(1), id(2)]));
    }

    fn bulk_stops_after_so_many_errors(server: &Server) {
        let client = server.client();
        let post = |id: usize, name: &str| json!({"method": "POST", "path": "/Users",
            "bulkId": format!("b{id}"), "data": {"schemas": [uri::USER], "userName": name}});
        let operations = json!([post(0, "one"), post(1, ""), post(2, "two"), post(3, ""), post(4, "three")]);
        let body = |limit: Option<u32>| json!({"schemas": [uri::BULK],
            "failOnErrors": limit, "Operations": operations});
        let stopped = client.post("/Bulk", &body(Some(2))).expect(200).json;
        assert_eq!(stopped["Operations"].as_array().unwrap().len(), 4);
        assert_eq!(stopped["Operations"][1]["response"]["scimType"], "invalidValue");
        assert_eq!(client.get("/Users").json["totalResults"], 2);
        let whole = client.post("/Bulk", &body(None)).expect(200).json;
        let statuses: Vec<&Value> = whole["Operations"].as_array().unwrap().iter()
            .map(|result| &result["status"]).collect();
        assert_eq!(statuses, ["409", "400", "409", "400", "201"]);
        let lost = json!({"schemas": [uri::BULK], "Operations": [
            {"method": "DELETE", "path": "/Users/bulkId:nobody"},
            {"method": "DELETE", "path": "/Gadgets/1"}]});
        let lost = client.post("/Bulk", &lost).expect(200).json;
        assert_eq!(lost["Operations"][0]["status"], "400");
        assert_eq!(lost["Operations"][1]["status"], "400");
    }

    fn blocking_and_leaving(server: &Server) {
        let client = server.client();
        let id = client.user("ava");
        let group = client.group("Ops", std::slice::from_ref(&id));
        let status = || {
            let people = server.json(&["user", "list", "--json"]);
            let people = people.as_array().cloned()
                .or_else(|| people["users"].as_array().cloned()).unwrap();
            let ava = people.iter().find(|p| p["userName"] == "ava").unwrap();
            ava["status"].as_str().unwrap().to_owned()
        };
        let active = |value: Value| json!([{"op": "Replace", "path": "active", "value": value}]);
        client.patch(&format!("/Users/{id}"), &active(json!("False"))).expect(200);
        assert_eq!(status(), "blocked");
        assert_eq!(members(&client, &group).len(), 1, "the blocked stay in their groups");
        client.patch(&format!("/Users/{id}"), &active(json!(true))).expect(200);
        assert_eq!(status(), "active");
        client.delete(&format!("/Users/{id}")).expect(204);
        assert_eq!(status(), "archived");
        assert!(members(&client, &group).is_empty());
        let back = client.user("ava");
        assert_ne!(back, id, "the archived record is kept, and the name is free");
    }
}
