//! What is measured, and how requests are followed through proxies.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use end_to_end::{Client, Engine, Server, engines};

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A server with metrics, and where they are.
fn start(engine: &Engine) -> (Server, u16) {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let options = [
        "--metrics-listen",
        &listen,
        "--trusted-proxies",
        "127.0.0.1",
    ];
    (Server::start_with(engine.clone(), &options), port)
}

fn get(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// The value of a series that a line begins with.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find(|line| {
        let rest = line.strip_prefix(series);
        rest.is_some_and(|rest| rest.starts_with(' '))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

#[track_caller]
fn expect(text: &str, series: &str, wanted: f64) {
    assert_eq!(value(text, series), Some(wanted), "{series} in {text}");
}

fn what_is_measured_is_what_happened((server, port): &mut (Server, u16)) {
    let port = *port;
    let okta = server.configuration("Okta");
    okta.client.user("ava");
    okta.client.get("/Users/1").expect(404);
    okta.client.with_token("nonsense").get("/Users").expect(401);
    assert!(
        server
            .run(&["stream", "add", "Mail", "--read"])
            .status
            .success()
    );
    okta.client.user("bo");
    let (status, text) = get(port, "/metrics");
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("application/openmetrics-text"), "{text}");
    let id = &okta.id;
    let requests = |operation: &str, class: &str, configuration: &str| {
        format!(
            "serviceops_scim_requests_total{{operation=\"{operation}\",status=\"{class}\",configuration=\"{configuration}\"}}"
        )
    };
    expect(&text, &requests("users.post", "2xx", id), 2.0);
    expect(&text, &requests("users.get", "4xx", id), 1.0);
    expect(&text, &requests("users.get", "4xx", "none"), 1.0);
    let of = |name: &str| format!("serviceops_scim_{name}{{configuration=\"{id}\"}}");
    expect(&text, &of("tokens_live"), 1.0);
    expect(&text, &of("tokens_ending"), 0.0);
    expect(&text, &of("held_changes"), 0.0);
    expect(&text, "serviceops_scim_database_answers", 1.0);
    expect(&text, "serviceops_scim_database_takes_writes", 1.0);
    expect(
        &text,
        "serviceops_scim_admission_places_used{way=\"write\"}",
        0.0,
    );
    assert!(value(&text, "serviceops_scim_stream_lag_changes{stream=\"Mail\"}").unwrap() > 0.0);
    let end = value(&text, "serviceops_scim_certificate_end_timestamp_seconds").unwrap();
    assert!(end > chrono::Utc::now().timestamp() as f64);
    let skipped = "serviceops_scim_refused_total{outcome=\"skipped\",cause=\"resource.unknown\"}";
    expect(&text, skipped, 1.0);
    // Nobody's path, name or token is in it.
    for secret in ["ava", &okta.client.token, "nonsense", "/Users"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(get(port, "/").0, 404);
    let other = format!("https://127.0.0.1:{}/metrics", server.port);
    Client::new(&server.base, "").get(&other).expect(404);
    // It is there before housekeeping was done, so that one that never succeeds is noticed.
    let done = value(&text, "serviceops_scim_housekeeping_timestamp_seconds").unwrap();
    assert!(done > 0.0 && done <= chrono::Utc::now().timestamp() as f64);
}

fn a_proxy_that_is_listed_names_its_requests((server, _): &mut (Server, u16)) {
    let client = server.client();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let id = |headers: &[(&str, &str)]| {
        let answer = client.send("GET", "/Users", headers, None).expect(200);
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id(&[("X-Request-Id", "edge-17")]), "edge-17");
    assert_eq!(id(&[("traceparent", &parent)]), trace);
    assert_ne!(id(&[("X-Request-Id", "two words")]), "two words");
    assert!(server.log().contains("edge-17"), "{}", server.log());
    let body = serde_json::json!({"schemas": [end_to_end::uri::USER], "userName": "ava"});
    let headers = [("X-Request-Id", "edge-18")];
    client
        .send(
            "POST",
            "/Users",
            &headers,
            Some(body.to_string().as_bytes()),
        )
        .expect(201);
    let events = server.json(&["events", "--json"]);
    let found = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|event| event["requestId"] == "edge-18");
    assert!(found, "{events}");
}

fn nobody_else_names_requests(server: &mut Server) {
    let headers = [("X-Request-Id", "edge-17")];
    let answer = server.client().send("GET", "/Users", &headers, None);
    assert_ne!(answer.expect(200).header("x-request-id"), Some("edge-17"));
}

engines::tests! {
    on_both(start): what_is_measured_is_what_happened, a_proxy_that_is_listed_names_its_requests;
    on_both(|engine: &Engine| Server::start(engine.clone())): nobody_else_names_requests;
}
