//! The feed over HTTPS: what changed, the directory as it is, streams, and a receiver that is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use end_to_end::{Client, Server, example, on_both_engines, uri};
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "active": true})
}

fn create(client: &Client, path: &str, body: &Value) -> String {
    client.post(path, body).expect(201).id()
}

/// A client of a new stream.
fn stream(server: &Server, options: &[&str]) -> Client {
    let mut arguments = vec!["stream", "add", "ServiceOps", "--read", "--json"];
    arguments.extend(options);
    let added = server.json(&arguments);
    assert_eq!(added["kind"], "read");
    let base = server.base.replace("/api/scim/v2", "/api/feed/v1");
    Client::new(&base, added["secret"].as_str().unwrap())
}

fn changes(client: &Client, query: &str) -> Value {
    client.get(&format!("/changes{query}")).expect(200).json
}

/// The changes behind a position once there are so many: on PostgreSQL what was written is read
/// when no transaction of the server that began before writes any more, of other tests either.
fn changes_when(client: &Client, query: &str, count: usize) -> Value {
    loop {
        let page = changes(client, query);
        if page["items"].as_array().unwrap().len() >= count {
            return page;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn topics(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["topic"].as_str().unwrap()).collect()
}

/// The lines of a snapshot.
fn snapshot(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/snapshot{query}")).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let lines = answer.text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

on_both_engines! {

fn what_an_identity_provider_does_is_read_in_order_and_once(server: &Server) {
    let feed = stream(server, &[]);
    let scim = server.client();
    let id = create(&scim, "/Users", &user("ava"));
    let block = json!({"schemas": [uri::PATCH],
        "Operations": [{"op": "replace", "path": "active", "value": false}]});
    let path = format!("/Users/{id}");
    scim.send("PATCH", &path, &[], Some(block.to_string().as_bytes())).expect(200);
    let group = json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": [{"value": id}]});
    create(&scim, "/Groups", &group);
    let page = changes_when(&feed, "", 4);
    let told = ["user.created", "user.blocked", "group.created", "membership.added"];
    assert_eq!(topics(&page), told);
    let created = &page["items"][0];
    assert_eq!(created["resource"], json!({"type": "user", "id": id, "name": "ava"}));
    assert_eq!(created["record"]["userName"], "ava");
    assert_eq!((&created["actor"], &created["version"]), (&json!("configuration:Test"), &json!(1)));
    let blocked = json!([{"field": "status", "old": "active", "new": "blocked"}]);
    assert_eq!(page["items"][1]["changes"], blocked);
    // In pages, and from where it was left.
    let first = changes(&feed, "?limit=3");
    let rest = changes(&feed, &format!("?after={}", first["next"]));
    let all = [first["items"].as_array().unwrap().as_slice(), rest["items"].as_array().unwrap()];
    assert_eq!(json!(all.concat()), page["items"]);
    let end = changes(&feed, &format!("?after={}", rest["next"]));
    assert_eq!(end, json!({"items": [], "next": rest["next"]}));
    let shown = server.json(&["stream", "show", "ServiceOps", "--json"]);
    assert_eq!((&shown["lag"], &shown["state"]), (&json!(0), &json!("active")));
    assert!(shown["lastDelivery"].is_string(), "{shown}");
}

fn who_waits_is_told_when_something_changes(server: &Server) {
    let feed = stream(server, &["--topics", "user.created"]);
    let scim = server.client();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| changes(&feed, "?wait=30"));
        create(&scim, "/Groups", &json!({"schemas": [uri::GROUP], "displayName": "Ops"}));
        create(&scim, "/Users", &user("ava"));
        assert_eq!(topics(&waiting.join().unwrap()), ["user.created"]);
    });
}

fn a_snapshot_is_the_directory_and_goes_on_without_a_gap(server: &Server) {
    let scim = server.client();
    for name in ["ava", "bo", "cy"] {
        create(&scim, "/Users", &user(name));
    }
    server.json(&["group", "add", "Crew", "--json"]);
    let feed = stream(server, &[]);
    let lines = snapshot(&feed, "");
    let types: Vec<_> = lines[1..].iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["user", "user", "user", "group"]);
    let after = format!("{}:{}", types[1], lines[2]["id"].as_str().unwrap());
    let rest = snapshot(&feed, &format!("?after={after}&limit=2"));
    // The position is that of the first page: a later one would leave out what changed since.
    assert_eq!(rest, lines[3..]);
    create(&scim, "/Users", &user("di"));
    // Who was created just before the stream may be in the snapshot and behind its position.
    let query = format!("?after={}", lines[0]["position"]);
    let found = |page: &Value| page["items"].to_string().contains("\"di\"");
    while !found(&changes(&feed, &query)) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn who_waits_is_answered_when_the_server_stops(server: &mut Server) {
    let feed = stream(server, &[]);
    create(&server.client(), "/Users", &user("ava"));
    let end = changes_when(&feed, "", 1)["next"].clone();
    let lag = |server: &Server| {
        let shown = server.json(&["stream", "show", "ServiceOps", "--json"]);
        shown["lag"].as_i64().unwrap()
    };
    assert_eq!(lag(server), 1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| changes(&feed, &format!("?after={end}&wait=30")));
        // It waits once what it asks from was noted.
        while lag(server) > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(server.stop(), Some(0));
        assert_eq!(waiting.join().unwrap(), json!({"items": [], "next": end}));
    });
}

fn who_has_no_key_or_is_away_for_too_long_is_told_what_to_do(server: &Server) {
    let feed = stream(server, &[]);
    for key in ["", "sopsfeed_wrong"] {
        let refused = feed.with_token(key).get("/changes");
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    }
    for after in ["1", "9000000000000000"] {
        let gone = feed.get(&format!("/changes?after={after}"));
        assert_eq!(gone.status, 410, "{}", gone.text);
        assert_eq!(gone.json["type"], "feed.snapshot-required");
    }
    for wrong in ["/changes?limit=0", "/changes?after=x", "/snapshot?after=tenant:1",
        "/snapshot?after=user:%00"] {
        assert_eq!(feed.get(wrong).status, 400, "{wrong}");
    }
    for name in ["limit", "after", "wait"] {
        let refused = feed.get(&format!("/changes?{name}=x"));
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(name), "{}", refused.text);
    }
    let refused = feed.send("POST", "/changes", &[], None);
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET")));
    assert!(server.log().contains("/api/feed/v1/changes"), "{}", server.log());
    server.json(&["stream", "pause", "ServiceOps", "--json"]);
    let paused = feed.get("/changes");
    assert_eq!((paused.status, &paused.json["type"]), (409, &json!("feed.stream-paused")));
    server.json(&["stream", "resume", "serviceops", "--json"]);
    assert_eq!(changes(&feed, "")["items"], json!([]));
    let deleted = server.json(&["stream", "delete", "ServiceOps", "--json"]);
    assert_eq!(deleted["state"], "deleted");
    assert_eq!(feed.get("/changes").status, 401);
}

fn a_stream_is_replayed_from_a_position_or_a_time(server: &Server) {
    let feed = stream(server, &[]);
    let scim = server.client();
    create(&scim, "/Users", &user("ava"));
    let page = changes_when(&feed, "", 1);
    assert_eq!(changes(&feed, &format!("?after={}", page["next"]))["items"], json!([]));
    let replay = |from: &str| {
        server.json(&["stream", "replay", "ServiceOps", "--from", from, "--json"])
    };
    let before = page["next"].as_i64().unwrap() - 1;
    assert_eq!(replay(&before.to_string())["lag"], 1);
    assert_eq!(changes(&feed, "")["items"], page["items"]);
    assert!(replay("2020-01-01T00:00:00Z")["lag"].as_i64() >= Some(1));
    let refused = server.run(&["stream", "replay", "ServiceOps", "--from", "7"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

fn the_command_follows_from_now_on(server: &Server) {
    let scim = server.client();
    create(&scim, "/Users", &user("ava"));
    let mut follow = server.command(&["feed", "follow", "--json", "--after", "0"]);
    let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["resource"]["name"], "ava");
    create(&scim, "/Users", &user("bo"));
    assert_eq!(next()["resource"]["name"], "bo");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn the_admin_api_knows_the_streams(server: &Server) {
    let key = server.json(&["api-key", "add", "--name", "k", "--role", "administrator", "--json"]);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    let admin = Client::new(&base, key["key"].as_str().unwrap());
    let json_type = ("content-type", "application/json");
    let new = json!({"name": "Mail", "topics": ["user.created"]}).to_string();
    let added = admin.send("POST", "/streams", &[json_type], Some(new.as_bytes())).expect(201);
    assert!(added.json["secret"].as_str().unwrap().starts_with("sopsfeed_"));
    let path = format!("/streams/{}", added.id());
    let shown = admin.get(&path).expect(200);
    assert_eq!((&shown.json["state"], &shown.json["lag"]), (&json!("active"), &json!(0)));
    let tag = ("if-match", shown.header("etag").unwrap());
    let pause = format!("{path}/pause");
    assert_eq!(admin.send("POST", &pause, &[], None).status, 428);
    assert_eq!(admin.send("POST", &pause, &[tag], None).expect(200).json["state"], "paused");
    assert_eq!(admin.send("POST", &pause, &[tag], None).status, 412);
    assert_eq!(admin.get("/streams").expect(200).json["items"][0]["name"], "Mail");
    let unknown = json!({"name": "Other", "topics": ["user.sneezed"]}).to_string();
    let refused = admin.send("POST", "/streams", &[json_type], Some(unknown.as_bytes()));
    assert_eq!(refused.status, 422);
}

fn a_receiver_that_is_killed_ends_with_exactly_the_directory(server: &mut Server) {
    kill_and_compare(server);
}

}

/// The receiver of the examples.
fn receiver(feed: &Client, folder: &std::path::Path, options: &[&str]) -> Command {
    let mut command = Command::new(example("feed-receiver"));
    command
        .args([
            "--url",
            &feed.base,
            "--key",
            &feed.token,
            "--insecure",
            "--state",
        ])
        .arg(folder.join("copy.json"))
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn end(mut child: Child) -> Output {
    child.kill().unwrap();
    child.wait_with_output().unwrap()
}

/// Writes, and kills server and receiver in turn; `tests/run --soak` does it more often.
fn kill_and_compare(server: &mut Server) {
    let kills = std::env::var("SERVICEOPS_SCIM_TEST_KILLS").ok();
    let rounds = kills.map_or(6, |kills| kills.parse().unwrap());
    let mut feed = stream(server, &[]);
    let mut scim = server.client();
    let folder = server.data().to_owned();
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let running = receiver(&feed, &folder, &[]).spawn().unwrap();
        let stopped = AtomicBool::new(false);
        let done = std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&scim, round, &stopped));
            std::thread::sleep(Duration::from_millis(200 + 37 * (round % 7)));
            if round % 2 == 0 {
                server.kill();
            }
            stopped.store(true, Ordering::Relaxed);
            writer.join().unwrap()
        });
        acknowledged.extend(done);
        end(running);
        if round % 2 == 0 {
            server.restart();
            feed.base = server.base.replace("/api/scim/v2", "/api/feed/v1");
            scim.base.clone_from(&server.base);
        }
    }
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
    let compared = receiver(&feed, &folder, &["--compare"]).output().unwrap();
    let said = String::from_utf8_lossy(&compared.stdout);
    assert!(compared.status.success(), "{said}");
    let copy = std::fs::read_to_string(folder.join("copy.json")).unwrap();
    let copy: Value = serde_json::from_str(&copy).unwrap();
    for (id, title) in acknowledged {
        let record = &copy["rows"][format!("user:{id}")];
        assert_eq!(record["jobTitle"], title.as_str(), "{record}");
    }
}

/// Creates and changes people until the server is gone; answers what was acknowledged.
fn write(scim: &Client, round: u64, stopped: &AtomicBool) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let mut body = user(&format!("p{round}-{number}"));
        body["title"] = json!("new");
        let body = body.to_string();
        let Ok(created) = scim.try_send("POST", "/Users", &[], Some(body.as_bytes())) else {
            break;
        };
        if created.status != 201 {
            continue;
        }
        let id = created.id();
        let patch = json!({"schemas": [uri::PATCH],
            "Operations": [{"op": "replace", "path": "title", "value": number.to_string()}]});
        let path = format!("/Users/{id}");
        let patched = scim.try_send("PATCH", &path, &[], Some(patch.to_string().as_bytes()));
        match patched {
            Ok(answer) if answer.status == 200 => acknowledged.push((id, number.to_string())),
            // Whether it was done, nobody knows.
            _ => break,
        }
    }
    acknowledged
}
