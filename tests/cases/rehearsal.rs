//! Rehearsals over HTTPS, by command and by the admin API: an identity provider syncs, nothing
//! happens, and then exactly that does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;

use end_to_end::{Client, Server, on_both_engines, traffic};
use serde_json::{Value, json};

/// A client of the admin API.
fn api(server: &Server) -> Client {
    let added = server.json(&[
        "api-key",
        "add",
        "--name",
        "rehearsals",
        "--role",
        "administrator",
        "--json",
    ]);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    Client::new(&base, added["key"].as_str().unwrap())
}

/// Who is in the directory, as administrators see it.
fn people(server: &Server) -> Value {
    server.items(&["user", "list", "--json"])
}

fn told(shown: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = shown["items"].as_array().unwrap().iter();
    items
        .map(|item| (text(&item["action"]), text(&item["resource"]["name"])))
        .collect()
}

fn status(server: &Server, name: &str) -> Value {
    server.json(&["configuration", "show", name, "--json"])["status"].clone()
}

on_both_engines! {

fn a_first_sync_beside_people_by_hand_is_rehearsed_and_goes_live(server: &mut Server) {
    let configuration = server.configuration_with("First", &["--existing-users", "link"]);
    let client = configuration.client;
    server.run(&["user", "add", "--user-name", "hana", "--email", "hana@corp.example"]);
    server.run(&["user", "add", "--user-name", "root", "--tenant-admin"]);
    let before = people(server);
    let begun = server.json(&["configuration", "rehearse", "First", "--json"]);
    assert_eq!(begun["state"], "rehearsing");
    assert_eq!(status(server, "First"), "rehearsing");
    let ids: Vec<String> = ["ava", "bo"].map(|name| client.user(name)).to_vec();
    let hana = client.user("hana");
    let group = client.group("Ops", &[ids[0].clone(), hana.clone()]);
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "root"});
    client.post("/Users", &body).expect(409);
    // It reads its own writes, also after a restart.
    server.restart();
    let client = Client::new(&server.base, &client.token);
    let read = client.get(&format!("/Users/{hana}")).expect(200).json;
    assert_eq!(read["groups"][0]["value"], json!(group));
    assert_eq!(people(server), before, "nothing of it is in the directory");
    let shown = server.json(&["rehearsal", "show", "First", "--json"]);
    let wanted = [("create", "Ops"), ("create", "ava"), ("create", "bo"), ("link", "hana"), ("refuse", "root")];
    assert_eq!(told(&shown), wanted.map(|(action, name)| (action.to_owned(), name.to_owned())).into());
    let counts = &shown["counts"];
    assert_eq!((&counts["created"], &counts["linked"], &counts["failed"]), (&json!(3), &json!(1), &json!(0)));
    assert_eq!((&shown["moved"], &shown["next"]), (&json!([]), &Value::Null));
    // No second one, and no other status.
    assert_eq!(server.run(&["configuration", "rehearse", "First"]).status.code(), Some(1));
    assert_eq!(server.run(&["configuration", "disable", "First"]).status.code(), Some(1));
    let live = server.json(&["rehearsal", "go-live", "First", "--json"]);
    assert_eq!(live["state"], "done");
    assert_eq!(status(server, "First"), "enabled");
    assert_eq!(client.get(&format!("/Users/{hana}")).expect(200).json, read);
    let run = server.json(&["run", "show", live["run"].as_str().unwrap(), "--json"]);
    assert_eq!((&run["kind"], &run["counts"]["created"]), (&json!("goLive"), &json!(3)));
    // It is taken back as any run.
    server.json(&["run", "undo", live["run"].as_str().unwrap(), "--json"]);
    client.get(&format!("/Users/{}", ids[0])).expect(404);
    assert_eq!(server.run(&["rehearsal", "show", "First"]).status.code(), Some(1));
}

fn the_admin_api_rehearses_tells_what_moved_and_discards(server: &mut Server) {
    let configuration = server.configuration("Api");
    let client = configuration.client;
    let ava = client.user("ava");
    let api = api(server);
    let path = "/configurations/Api/rehearsal";
    api.get(path).expect(404);
    api.delete(path).expect(404);
    api.post(path, &json!({})).expect(201);
    api.post(path, &json!({})).expect(409);
    let title = json!([{"op": "replace", "path": "title", "value": "T"}]);
    client.patch(&format!("/Users/{ava}"), &title).expect(200);
    let cy = client.user("cy");
    let page = api.get(&format!("{path}?limit=1")).expect(200).json;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let next = page["next"].as_str().unwrap();
    let rest = api.get(&format!("{path}?limit=10&cursor={next}")).expect(200).json;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let updates = api.get(&format!("{path}?action=update")).expect(200).json;
    let item = &updates["items"][0];
    assert_eq!(item["resource"], json!({"type": "User", "id": ava, "name": "ava"}));
    let field = item["fields"].as_array().unwrap().iter().find(|field| field["field"] == "job_title");
    assert_eq!(field.unwrap(), &json!({"field": "job_title", "old": null, "new": "T"}));
    api.get(&format!("{path}?action=dance")).expect(400);
    // Somebody else has the name by now.
    server.run(&["user", "add", "--user-name", "cy"]);
    let moved = api.get(path).expect(200).json["moved"].clone();
    assert_eq!(moved[0]["why"], "nameTaken");
    assert_eq!(moved[0]["resource"]["id"], json!(cy));
    let live = format!("{path}/go-live");
    api.post(&live, &json!({})).expect(409);
    api.delete(path).expect(204);
    assert_eq!(status(server, "Api"), "enabled");
    client.get(&format!("/Users/{cy}")).expect(404);
    assert_eq!(client.get(&format!("/Users/{ava}")).expect(200).json["title"], Value::Null);
    // And once more, to its end.
    api.post(path, &json!({})).expect(201);
    let di = client.user("di");
    let done = api.post(&live, &json!({})).expect(200).json;
    assert_eq!(done["state"], "done");
    client.get(&format!("/Users/{di}")).expect(200);
}

// Cases of identity-provider traffic come out in a rehearsal as they do live.
fn cases_of_traffic_are_answered_in_a_rehearsal_as_if_live(server: &mut Server) {
    let before = people(server);
    let mut failed = Vec::new();
    for case in traffic::cases() {
        let id = case["id"].as_str().unwrap();
        let client = server.configuration(id).client;
        server.json(&["configuration", "rehearse", id, "--json"]);
        if let Err(why) = traffic::run(&client, &case) {
            failed.push(format!("{id}: {why}"));
        }
        let discarded = server.json(&["rehearsal", "discard", id, "--json"]);
        assert_eq!(discarded["state"], "discarded");
        assert_eq!(discarded["configuration"]["name"], id);
    }
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(people(server), before);
}

}
