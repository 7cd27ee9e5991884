//! Runs over HTTPS and by command: a cycle is seen, looked at, taken back, and done again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::time::Duration;

use end_to_end::{Client, Server, on_both_engines};
use serde_json::{Value, json};

/// A client of the admin API.
fn api(server: &Server, role: &str) -> Client {
    let name = format!(
        "{role}-{}",
        server
            .items(&["api-key", "list", "--json"])
            .as_array()
            .unwrap()
            .len()
    );
    let added = server.json(&["api-key", "add", "--name", &name, "--role", role, "--json"]);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    Client::new(&base, added["key"].as_str().unwrap())
}

fn cycles(server: &Server, name: &str) -> Value {
    let list = [
        "run",
        "list",
        "--configuration",
        name,
        "--kind",
        "cycle",
        "--json",
    ];
    server.json(&list)["items"].clone()
}

/// The cycle of a configuration once so many requests are counted, which is written every second.
fn cycle_of(server: &Server, name: &str, requests: i64) -> Value {
    loop {
        let cycles = cycles(server, name);
        if cycles[0]["counts"]["requests"].as_i64() >= Some(requests) {
            assert_eq!(cycles.as_array().unwrap().len(), 1);
            return cycles[0].clone();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn titles(client: &Client, ids: &[String]) -> Vec<Value> {
    let read = ids.iter().map(|id| client.get(&format!("/Users/{id}")));
    read.map(|answer| answer.json["title"].clone()).collect()
}

on_both_engines! {

fn a_cycle_is_looked_at_taken_back_and_done_again(server: &Server) {
    let configuration = server.configuration("Cycles");
    let client = configuration.client;
    let ids: Vec<String> = ["ava.run", "bo.run"].map(|name| client.user(name)).to_vec();
    let group = client.group("Runners", &ids);
    for id in &ids {
        let title = json!([{"op": "replace", "path": "title", "value": "Runner"}]);
        client.patch(&format!("/Users/{id}"), &title).expect(200);
    }
    client.get(&format!("/Groups/{group}")).expect(200);
    let run = cycle_of(server, "Cycles", 6);
    let counts = &run["counts"];
    assert_eq!((&counts["created"], &counts["updated"], &counts["reads"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!((&run["actor"], &run["state"]), (&json!("configuration:Cycles"), &json!("running")));
    let id = run["id"].as_str().unwrap();
    assert_eq!(server.json(&["run", "show", id, "--json"])["kind"], "cycle");
    let changes = server.json(&["run", "changes", id, "--json"]);
    let items = changes["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let ava = items.iter().find(|item| item["resource"]["name"] == "ava.run").unwrap();
    assert_eq!((&ava["action"], &ava["resource"]["type"]), (&json!("create"), &json!("User")));
    let title = ava["fields"].as_array().unwrap().iter().find(|field| field["field"] == "job_title");
    assert_eq!(title.unwrap()["new"], "Runner");
    // Nothing is changed by a preview.
    let previewed = server.json(&["run", "undo", id, "--preview", "--json"]);
    let states = previewed["items"].as_array().unwrap().iter().map(|item| item["state"].clone());
    assert_eq!(states.collect::<Vec<_>>(), vec![json!("undo"); 3]);
    assert_eq!(titles(&client, &ids), vec![json!("Runner"); 2]);
    // One entry of the log.
    let events = server.items(&["events", "--configuration", "Cycles", "--json"]);
    let of_bo = |event: &&Value| event["resource"]["name"] == "bo.run" && event["action"] == "update";
    let event = events.as_array().unwrap().iter().find(of_bo).unwrap();
    assert_eq!(event["run"], run["id"]);
    server.json(&["run", "undo", "--event", &event["id"].to_string(), "--json"]);
    assert_eq!(titles(&client, &ids), [json!("Runner"), Value::Null]);
    // The whole cycle, and that again.
    let undone = server.json(&["run", "undo", id, "--json"]);
    assert_eq!(undone["state"], "done");
    assert_eq!(client.ids("/Users"), Vec::<String>::new());
    client.get(&format!("/Groups/{group}")).expect(404);
    let redone = server.json(&["run", "undo", undone["run"].as_str().unwrap(), "--json"]);
    let shown = server.json(&["run", "show", redone["run"].as_str().unwrap(), "--json"]);
    assert_eq!((&shown["kind"], &shown["undoes"]), (&json!("redo"), &undone["run"]));
    assert_eq!(titles(&client, &ids), [json!("Runner"), Value::Null]);
    let members = client.get(&format!("/Groups/{group}")).expect(200).json["members"].clone();
    assert_eq!(members.as_array().unwrap().len(), 2);
    let refused = server.run(&["run", "undo", id, "--only", "nobody"]);
    assert_eq!(refused.status.code(), Some(1));
}

fn leavers_come_back_by_the_admin_api_and_the_next_cycle_meets_what_it_knew(server: &Server) {
    let configuration = server.configuration("Leavers");
    let client = configuration.client;
    let ids: Vec<String> = (0..5).map(|at| client.user(&format!("leaver{at}"))).collect();
    let group = client.group("Those who leave", &ids);
    let first = cycle_of(server, "Leavers", 6);
    // The guard holds nobody of so few; all leave in the cycle.
    for id in &ids {
        client.delete(&format!("/Users/{id}")).expect(204);
    }
    assert_eq!(client.ids("/Users"), Vec::<String>::new());
    let admin = api(server, "administrator");
    let runs = admin.get("/runs?configuration=Leavers&kind=cycle").expect(200).json;
    assert_eq!(runs["items"][0]["id"], first["id"]);
    let run = first["id"].as_str().unwrap();
    admin.get(&format!("/runs/{run}")).expect(200);
    let changes = admin.get(&format!("/runs/{run}/changes?limit=2")).expect(200).json;
    assert_eq!(changes["items"].as_array().unwrap().len(), 2);
    let rest = admin.get(&format!("/runs/{run}/changes?cursor={}", changes["next"].as_str().unwrap()));
    assert_eq!(rest.expect(200).json["items"].as_array().unwrap().len(), 4);
    // One entry: the third leaver comes back with the membership.
    let events = admin.get("/events?configuration=Leavers&action=archive&q=leaver2").expect(200).json;
    let event = events["items"][0]["id"].clone();
    let undo = format!("/runs/{run}/undo");
    let previewed = admin.post(&undo, &json!({"event": event, "preview": true})).expect(200).json;
    assert_eq!(previewed["items"][0]["state"], "undo");
    let undone = admin.post(&undo, &json!({"event": event})).expect(200).json;
    assert_eq!(undone["state"], "done");
    assert_eq!(client.ids("/Users"), [ids[2].clone()]);
    let members = client.get(&format!("/Groups/{group}")).expect(200).json["members"].clone();
    assert_eq!(members[0]["value"], json!(ids[2]));
    // It knows them as before, and no create of theirs is refused for a name that is in use.
    let found = client.get("/Users?filter=userName%20eq%20%22leaver2%22").expect(200).json;
    assert_eq!(found["totalResults"], 1);
    client.user("leaver3");
    let auditor = api(server, "auditor");
    auditor.get("/runs").expect(200);
    auditor.post(&undo, &json!({})).expect(403);
    admin.post(&undo, &json!({"only": ["nobody"]})).expect(404);
    admin.get("/runs/none").expect(404);
}

fn an_undo_that_has_begun_is_answered_as_begun_and_no_second_one_begins(server: &Server) {
    let client = server.configuration("Begun").client;
    let ids: Vec<String> = ["ava.begun", "bo.begun"].map(|name| client.user(name)).to_vec();
    let run = cycle_of(server, "Begun", 2)["id"].as_str().unwrap().to_owned();
    let admin = api(server, "administrator");
    let undo = format!("/runs/{run}/undo");
    // No step can be done for now.
    server.sql("ALTER TABLE group_members RENAME TO members_away");
    let begun = admin.post(&undo, &json!({})).expect(200).json;
    assert_eq!(begun["state"], "running");
    let second = admin.post(&undo, &json!({})).expect(409).json;
    assert!(second["detail"].as_str().unwrap().contains(begun["run"].as_str().unwrap()), "{second}");
    let command = server.run(&["run", "undo", &run]);
    assert_eq!(command.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&command.stderr).contains("is being taken back already"));
    server.sql("ALTER TABLE members_away RENAME TO group_members");
    let by = format!("/runs/{}", begun["run"].as_str().unwrap());
    // The server goes on by itself.
    while admin.get(&by).expect(200).json["state"] != "done" {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(client.ids("/Users"), Vec::<String>::new());
    assert_eq!(ids.len(), 2);
    admin.post(&undo, &json!({})).expect(200);
}

}
