//! Many clients at once, and a server that is killed among them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::json;

const CLIENTS: usize = 32;

/// Runs the same work in every thread and answers what each came to.
fn everywhere<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..CLIENTS)
            .map(|at| scope.spawn(move || work(at)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn version(client: &Client, path: &str) -> u64 {
    let version = client.get(path).expect(200).json["meta"]["version"].clone();
    let digits = version
        .as_str()
        .unwrap()
        .trim_start_matches("W/")
        .trim_matches('"');
    digits.parse().unwrap()
}

/// A create that is sent again while the server says that it is too busy.
fn create(client: &Client, name: &str) -> u16 {
    let body = json!({"schemas": [uri::USER], "userName": name});
    loop {
        let status = client.post("/Users", &body).status;
        if status != 503 {
            return status;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

on_both_engines! {
    fn no_update_of_an_attribute_is_lost(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        everywhere(|at| {
            let value = json!([{"type": format!("t{at}"), "value": format!("{at}@x.example")}]);
            let operations = json!([{"op": "add", "path": "emails", "value": value}]);
            client.patch(&path, &operations).expect(200);
        });
        let user = client.get(&path).json;
        let emails = user["emails"].as_array().unwrap();
        let kinds: BTreeSet<&str> = emails.iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!(kinds.len(), CLIENTS);
        assert_eq!(version(&client, &path), 1 + CLIENTS as u64);
    }

    fn no_membership_is_lost(server: &Server) {
        let client = server.client();
        let ids: Vec<String> = (0..CLIENTS).map(|at| client.user(&format!("m{at}"))).collect();
        let leaving: Vec<String> = (0..CLIENTS).map(|at| client.user(&format!("l{at}"))).collect();
        let group = client.group("Ops", &leaving);
        let path = format!("/Groups/{group}");
        everywhere(|at| {
            let gone = format!("members[value eq \"{}\"]", leaving[at]);
            let operations = json!([
                {"op": "add", "path": "members", "value": [{"value": ids[at]}]},
                {"op": "remove", "path": gone}]);
            client.patch(&path, &operations).expect(200);
        });
        let read = client.get(&path).json;
        let members = read["members"].as_array().unwrap();
        let members: BTreeSet<&str> = members.iter().map(|m| m["value"].as_str().unwrap()).collect();
        assert_eq!(members, ids.iter().map(String::as_str).collect());
        assert_eq!(version(&client, &path), 1 + CLIENTS as u64);
    }

    fn one_of_many_creates_wins(server: &Server) {
        let client = server.client();
        for round in 0..5 {
            let name = format!("same{round}");
            let statuses = everywhere(|at| {
                let name = if at % 2 == 0 { name.clone() } else { name.to_uppercase() };
                create(&client, &name)
            });
            let created = statuses.iter().filter(|status| **status == 201).count();
            let refused = statuses.iter().filter(|status| **status == 409).count();
            assert_eq!((created, refused), (1, CLIENTS - 1), "{statuses:?}");
        }
        assert_eq!(client.get("/Users").json["totalResults"], 5);
    }

    fn one_of_many_writers_with_the_same_version_wins(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        let statuses = everywhere(|at| {
            let body = json!({"schemas": [uri::PATCH], "Operations": [
                {"op": "replace", "path": "title", "value": at.to_string()}]}).to_string();
            let headers = [("if-match", "W/\"1\"")];
            client.send("PATCH", &path, &headers, Some(body.as_bytes())).status
        });
        let refused = statuses.iter().filter(|status| **status == 412).count();
        assert_eq!(refused, CLIENTS - 1, "{statuses:?}");
        assert_eq!(version(&client, &path), 2);
    }

    fn what_was_acknowledged_outlives_a_kill(server: &mut Server) {
        let client = server.configuration("Durable").client;
        let down = AtomicBool::new(false);
        let acknowledged: Vec<(String, String)> = thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS).map(|thread| {
                let (client, down) = (&client, &down);
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        let name = format!("d{thread}-{number}");
                        let body = json!({"schemas": [uri::USER], "userName": name}).to_string();
                        match client.try_send("POST", "/Users", &[], Some(body.as_bytes())) {
                            Ok(answer) if answer.status == 201 => {
                                acknowledged.push((answer.id(), name));
                            }
                            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text),
                            Err(_) if down.load(Ordering::SeqCst) => break,
                            Err(error) => assert!(gone(&error), "{error}"),
                        }
                    }
                    acknowledged
                })
            }).collect();
            thread::sleep(Duration::from_secs(2));
            server.kill();
            down.store(true, Ordering::SeqCst);
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(acknowledged.len() >= CLIENTS, "only {} creates", acknowledged.len());
        server.restart();
        let client = Client::new(&server.base, &client.token);
        for (id, name) in &acknowledged {
            let user = client.get(&format!("/Users/{id}")).expect(200);
            assert_eq!(user.json["userName"], name.as_str());
        }
        client.user("after");
        assert!(server.run(&["check"]).status.success());
    }

    fn one_member_of_many_is_added_and_removed(server: &Server) {
        let client = server.client();
        let ids = crowd(&client, 10_000);
        let group = client.group("Everybody", &ids);
        let path = format!("/Groups/{group}");
        let late = client.user("late");
        let add = json!([{"op": "add", "path": "members", "value": [{"value": late}]}]);
        client.patch(&path, &add).expect(204);
        let group = client.get(&path).expect(200).json;
        assert_eq!(group["members"].as_array().unwrap().len(), 10_001);
        let member = format!("members[value eq \"{late}\"]");
        client.patch(&path, &json!([{"op": "remove", "path": member}])).expect(204);
        assert_eq!(client.get(&format!("/Groups?filter=members eq \"{late}\"")).json["totalResults"], 0);
        assert_eq!(client.get(&format!("/Users/{late}")).json.get("groups"), None);
    }
}

/// Whether the connection ended before an answer, as it does when the server is killed just now.
fn gone(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_)
    )
}

/// Creates many users by bulk requests.
fn crowd(client: &Client, count: usize) -> Vec<String> {
    let operations: Vec<_> = (0..count)
        .map(|at| {
            let data = json!({"schemas": [uri::USER], "userName": format!("c{at}")});
            json!({"method": "POST", "path": "/Users", "bulkId": format!("c{at}"), "data": data})
        })
        .collect();
    let mut ids = Vec::new();
    for part in operations.chunks(1_000) {
        let body = json!({"schemas": [uri::BULK], "Operations": part});
        let answer = client.post("/Bulk", &body).expect(200).json;
        for result in answer["Operations"].as_array().unwrap() {
            let location = result["location"]
                .as_str()
                .unwrap_or_else(|| panic!("{result}"));
            ids.push(location.rsplit('/').next().unwrap().to_owned());
        }
    }
    ids
}
