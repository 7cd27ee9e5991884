//! Alerts: what needs somebody is told by the command, the admin API, the feed and the metrics, until
//! it is over.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::time::{Duration, Instant};

use end_to_end::{Client, Receiver, Server, on_both_engines};
use serde_json::{Value, json};

/// The alerts of a state once there are so many.
#[track_caller]
fn alerts(server: &Server, state: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let listed = server.items(&["alert", "list", "--state", state, "--json"]);
        let found = listed.as_array().unwrap();
        if found.len() == count {
            return found.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{listed}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// A client of the admin API.
fn admin(server: &Server) -> Client {
    let key = server.json(&[
        "api-key", "add", "--name", "ops", "--role", "auditor", "--json",
    ]);
    let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
    Client::new(&base, key["key"].as_str().unwrap())
}

fn run(server: &Server, arguments: &[&str]) {
    let output = server.run(arguments);
    assert!(output.status.success(), "{output:?}");
}

on_both_engines! {

fn what_a_guard_holds_is_told_everywhere_until_somebody_decides(server: &Server) {
    let added = server.json(&["stream", "add", "Alerts", "--read", "--topics",
        "alert.raised,alert.resolved", "--json"]);
    let feed = Client::new(&server.base.replace("/api/scim/v2", "/api/feed/v1"),
        added["secret"].as_str().unwrap());
    let client = server.client();
    run(server, &["configuration", "edit", "Test", "--guard-count", "1", "--guard-percent", "1"]);
    for name in ["ava", "bo", "cy"] {
        let id = client.user(name);
        client.delete(&format!("/Users/{id}")).expect(204);
    }
    let open = alerts(server, "open", 1);
    let alert = &open[0];
    assert_eq!((&alert["kind"], &alert["overAt"]), (&json!("changes-held"), &Value::Null));
    assert_eq!(alert["about"]["name"], "Test");
    let page = alert["page"].as_str().unwrap();
    assert!(page.starts_with("/admin/users/scim-provisioning/") && page.ends_with("/held"), "{page}");
    let api = admin(server);
    let listed = api.get("/alerts").expect(200).json;
    assert_eq!(listed["items"][0]["id"], alert["id"]);
    assert_eq!(listed["next"], Value::Null);
    assert_eq!(api.get("/alerts?state=over").expect(200).json["items"], json!([]));
    api.get("/alerts?state=quiet").expect(400);

    let page = feed.get("/changes?wait=30").expect(200).json;
    let raised = &page["items"][0];
    assert_eq!((&raised["topic"], &raised["resource"]["type"]), (&json!("alert.raised"), &json!("alert")));
    assert_eq!(raised["record"]["message"], alert["message"]);

    run(server, &["held", "reject", "Test", "--all"]);
    let over = alerts(server, "over", 1);
    assert_eq!(over[0]["id"], alert["id"]);
    assert!(over[0]["overAt"].is_string());
    let path = format!("/changes?after={}&wait=30", page["next"]);
    let resolved = &feed.get(&path).expect(200).json["items"][0];
    assert_eq!((&resolved["topic"], &resolved["resource"]["id"]), (&json!("alert.resolved"), &alert["id"]));
    let lines = feed.get("/snapshot").expect(200).text;
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(server.log().contains("changes-held"), "{}", server.log());
    let said = server.run(&["alert", "list"]);
    assert!(String::from_utf8(said.stdout).unwrap().contains("Nothing needs you"));
}

fn a_receiver_that_is_gone_is_an_alert_of_its_stream(server: &mut Server) {
    let receiver = Receiver::start(server.data());
    server.stop();
    let certificate = receiver.certificate.to_str().unwrap().to_owned();
    server.restart_with(&["--feed-ca", &certificate, "--feed-allow-networks", "127.0.0.1,::1"]);
    receiver.answer(|_| (410, ""));
    let added = server.json(&["stream", "add", "Mail", "--webhook", &receiver.url, "--topics",
        "user.created", "--json"]);
    server.client().user("ava");
    let open = alerts(server, "open", 1);
    let about = json!({"type": "stream", "id": added["id"], "name": "Mail"});
    assert_eq!((&open[0]["kind"], &open[0]["cause"], &open[0]["about"]),
        (&json!("deliveries-failing"), &json!("paused"), &about));
    receiver.answer(|_| (204, ""));
    run(server, &["stream", "resume", "Mail"]);
    alerts(server, "open", 0);
}

}
