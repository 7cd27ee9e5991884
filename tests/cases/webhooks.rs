//! What changed is sent to receivers: signed, in order, again until they take it, and only where it
//! may go.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use end_to_end::{Client, Received, Receiver, Server, on_both_engines};
use serde_json::{Value, json};

on_both_engines! {

fn what_changes_arrives_in_order_until_the_receiver_takes_it(server: &mut Server) {
    let receiver = allowed(server);
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    receiver.answer(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
        0 => (503, "retry-after: 1\r\n"),
        _ => (204, ""),
    });
    let added = webhook(server, &receiver, &["--topics", "user.created,user.updated,user.deleted"]);
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    let scim = server.client();
    let ids: Vec<String> = (0..3).map(|number| scim.user(&format!("p{number}"))).collect();
    scim.group("Crew", &ids);
    let title = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    scim.patch(&format!("/Users/{}", ids[0]), &title).expect(200);
    let received = receiver.received_when(|received| {
        received.iter().skip(1).any(|one| topics(one).contains(&"user.updated"))
    });
    let first = &received[0];
    let again = received.iter().filter(|one| one.header("webhook-id") == first.header("webhook-id"));
    let bodies: Vec<_> = again.map(|one| &one.body).collect();
    assert!(bodies.len() >= 2 && bodies.iter().all(|body| **body == first.body), "{received:?}");
    let told = taken(&received[1..]);
    let positions: Vec<i64> = told.iter().map(|item| item["position"].as_i64().unwrap()).collect();
    assert!(positions.is_sorted_by(|one, other| one < other), "{positions:?}");
    let names: Vec<&str> = told.iter().map(|item| item["topic"].as_str().unwrap()).collect();
    assert_eq!(names, ["user.created", "user.created", "user.created", "user.updated"]);
    assert_eq!(told[3]["record"]["jobTitle"], "Lead");
    let shown = settled(server);
    assert_eq!((&shown["failing"], &shown["kind"]), (&Value::Null, &json!("webhook")));
    assert!(shown["lastDelivery"].is_string());
    let deliveries = server.items(&["stream", "deliveries", "ServiceOps", "--json"]);
    let oldest = deliveries.as_array().unwrap().last().unwrap();
    assert_eq!((&oldest["state"], &oldest["status"]), (&json!("failed"), &json!(503)));
    assert_eq!(deliveries[0]["state"], "delivered");
}

fn nothing_is_lost_when_the_server_is_killed(server: &mut Server) {
    let receiver = allowed(server);
    webhook(server, &receiver, &[]);
    let (mut copy, mut scim) = (BTreeMap::new(), server.client());
    for round in 0..4 {
        scim.base.clone_from(&server.base);
        for number in 0..20 {
            scim.user(&format!("p{round}-{number}"));
        }
        std::thread::sleep(Duration::from_millis(150 * round));
        server.kill();
        restart(server, &receiver);
    }
    settled(server);
    for item in taken(&receiver.received()) {
        if item["resource"]["type"] == "user" {
            copy.insert(item["resource"]["id"].as_str().unwrap().to_owned(), item);
        }
    }
    let people = server.items(&["user", "list", "--limit", "1000", "--json"]);
    let people = people.as_array().unwrap();
    assert_eq!((people.len(), copy.len()), (80, 80));
    assert!(people.iter().all(|person| copy.contains_key(person["id"].as_str().unwrap())));
}

fn only_public_addresses_and_those_that_are_allowed_are_reached(server: &mut Server) {
    let receiver = Receiver::start(server.data());
    server.stop();
    server.restart_with(&["--feed-ca", receiver.certificate.to_str().unwrap()]);
    webhook(server, &receiver, &[]);
    let wanted = server.json(&["stream", "test", "ServiceOps", "--json"]);
    assert_eq!((&wanted["kind"], &wanted["state"]), (&json!("test"), &json!("wanted")));
    let done = delivery(server, &wanted["id"]);
    assert_eq!((&done["state"], &done["problem"]), (&json!("failed"), &json!("address-not-allowed")));
    assert_eq!(receiver.received().len(), 0);
    for url in ["http://receiver.example/", "https://u:p@receiver.example/", "receiver"] {
        let refused = server.run(&["stream", "add", "Other", "--webhook", url]);
        assert_eq!(refused.status.code(), Some(2), "{url}");
    }
}

fn a_certificate_that_nobody_vouches_for_is_not_sent_to(server: &mut Server) {
    let receiver = Receiver::start(server.data());
    server.stop();
    server.restart_with(&["--feed-allow-networks", "127.0.0.1,::1"]);
    webhook(server, &receiver, &[]);
    let wanted = server.json(&["stream", "test", "ServiceOps", "--json"]);
    assert_eq!(delivery(server, &wanted["id"])["problem"], "untrusted");
}

fn an_administrator_tests_sends_again_and_rotates(server: &mut Server) {
    let receiver = allowed(server);
    webhook(server, &receiver, &[]);
    server.client().user("ava");
    receiver.received_when(|received| !received.is_empty());
    settled(server);
    let sent = server.items(&["stream", "deliveries", "ServiceOps", "--json"])[0].clone();
    let test = server.json(&["stream", "test", "ServiceOps", "--json"]);
    assert_eq!(delivery(server, &test["id"])["state"], "delivered");
    let again = server.json(&["stream", "again", "ServiceOps", sent["id"].as_str().unwrap(), "--json"]);
    assert_eq!(delivery(server, &again["id"])["changes"], sent["changes"]);
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[1].body["items"], json!([]));
    assert_eq!(received[0].body, received[2].body);
    assert_eq!(received[0].header("webhook-id"), received[2].header("webhook-id"));
    let signatures = |one: &Received| one.header("webhook-signature").split(' ').count();
    assert_eq!(signatures(&received[2]), 1);
    let rotated = server.json(&["stream", "secret", "ServiceOps", "--json"]);
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    let test = server.json(&["stream", "test", "ServiceOps", "--json"]);
    delivery(server, &test["id"]);
    assert_eq!(signatures(receiver.received().last().unwrap()), 2);
    let unknown = server.run(&["stream", "again", "ServiceOps", "nosuch"]);
    assert_eq!(unknown.status.code(), Some(1));
}

fn a_receiver_that_is_gone_pauses_its_stream(server: &mut Server) {
    let receiver = allowed(server);
    webhook(server, &receiver, &[]);
    receiver.answer(|_| (410, ""));
    server.client().user("ava");
    wait(|| server.json(&["stream", "show", "ServiceOps", "--json"])["state"] == "paused");
    let tried = receiver.received().len();
    receiver.answer(|_| (204, ""));
    server.json(&["stream", "resume", "ServiceOps", "--json"]);
    receiver.received_when(|received| received.len() > tried);
    settled(server);
}

fn the_admin_api_sends_to_receivers(server: &mut Server) {
    let receiver = allowed(server);
    let key = server.json(&["api-key", "add", "--name", "k", "--role", "administrator", "--json"]);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    let admin = Client::new(&base, key["key"].as_str().unwrap());
    let post = |path: &str, body: Value, more: &[(&str, &str)]| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(more);
        admin.send("POST", path, &headers, Some(body.to_string().as_bytes()))
    };
    for (body, status) in [
        (json!({"name": "Mail", "kind": "webhook"}), 422),
        (json!({"name": "Mail", "kind": "webhook", "url": "http://x.example"}), 422),
        (json!({"name": "Mail", "kind": "read", "url": receiver.url}), 422),
        (json!({"name": "Mail", "kind": "pigeon"}), 422),
    ] {
        assert_eq!(post("/streams", body.clone(), &[]).status, status, "{body}");
    }
    let new = json!({"name": "ServiceOps", "kind": "webhook", "url": receiver.url});
    let path = format!("/streams/{}", post("/streams", new, &[]).expect(201).id());
    let shown = admin.get(&path).expect(200);
    assert_eq!(shown.json["url"], receiver.url.as_str());
    let tag = shown.header("etag").unwrap().to_owned();
    let wanted = admin.send("POST", &format!("{path}/test"), &[], None).expect(200).json;
    assert_eq!(delivery(server, &wanted["id"])["state"], "delivered");
    let listed = admin.get(&format!("{path}/deliveries?limit=1")).expect(200).json;
    assert_eq!((&listed["items"][0]["id"], &listed["next"]), (&wanted["id"], &wanted["id"]));
    let again = format!("{path}/deliveries/{}/again", wanted["id"].as_str().unwrap());
    admin.send("POST", &again, &[], None).expect(200);
    let rotate = format!("{path}/secret");
    assert_eq!(admin.send("POST", &rotate, &[], None).status, 428);
    let rotated = admin.send("POST", &rotate, &[("if-match", &tag)], None).expect(200);
    assert!(rotated.json["secret"].as_str().unwrap().starts_with("whsec_"));
    let read = json!({"name": "Asked"});
    let asked = post("/streams", read, &[]).expect(201).id();
    assert_eq!(admin.send("POST", &format!("/streams/{asked}/test"), &[], None).status, 422);
}

}

/// A receiver that the server may send to.
fn allowed(server: &mut Server) -> Receiver {
    let receiver = Receiver::start(server.data());
    server.stop();
    restart(server, &receiver);
    receiver
}

fn restart(server: &mut Server, receiver: &Receiver) {
    let certificate = receiver.certificate.to_str().unwrap();
    server.restart_with(&[
        "--feed-allow-networks",
        "127.0.0.1,::1",
        "--feed-ca",
        certificate,
    ]);
}

fn webhook(server: &Server, receiver: &Receiver, options: &[&str]) -> Value {
    let mut arguments = vec![
        "stream",
        "add",
        "ServiceOps",
        "--webhook",
        &receiver.url,
        "--json",
    ];
    arguments.extend(options);
    let added = server.json(&arguments);
    assert_eq!(added["kind"], "webhook");
    added
}

fn topics(received: &Received) -> Vec<&str> {
    let items = received.body["items"].as_array().unwrap().iter();
    items.map(|item| item["topic"].as_str().unwrap()).collect()
}

/// The changes that came, without those that came again.
fn taken(received: &[Received]) -> Vec<Value> {
    let mut known = Vec::new();
    for one in received {
        for item in one.body["items"].as_array().unwrap() {
            if !known.contains(item) {
                known.push(item.clone());
            }
        }
    }
    known
}

/// The stream once its receiver has everything.
fn settled(server: &Server) -> Value {
    let mut shown = Value::Null;
    wait(|| {
        shown = server.json(&["stream", "show", "ServiceOps", "--json"]);
        shown["lag"] == 0
    });
    shown
}

/// What was sent by hand once that is done.
fn delivery(server: &Server, id: &Value) -> Value {
    let mut found = Value::Null;
    wait(|| {
        let listed = server.items(&["stream", "deliveries", "ServiceOps", "--json"]);
        let of = |one: &&Value| one["id"] == *id && one["state"] != "wanted";
        found = listed
            .as_array()
            .unwrap()
            .iter()
            .find(of)
            .cloned()
            .unwrap_or_default();
        !found.is_null()
    });
    found
}

#[track_caller]
fn wait(mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not come"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
