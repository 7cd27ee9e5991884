//! Where a server is reached: below a path, and through a socket of its machine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::engines;
use end_to_end::{Client, Engine, Server, uri};
use serde_json::json;

/// What is answered to bytes that are sent through a socket.
fn said(socket: &Path, bytes: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// What is answered to a request of a proxy.
fn asked(socket: &Path, path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: scim.example.com\r\nConnection: close\r\n{headers}\r\n"
    );
    said(socket, &request)
}

#[track_caller]
fn status(answer: &str, expected: u16) {
    let line = format!("HTTP/1.1 {expected} ");
    assert!(answer.starts_with(&line), "{answer}");
}

fn socket_of(server: &Server) -> PathBuf {
    server.data().join("http.sock")
}

/// A server at an address and at a socket, with a configuration and its token.
fn at_a_socket(options: &[&str]) -> (Server, String, String) {
    let mut server = Server::start(Engine::Sqlite);
    let bearer = format!("Bearer {}", server.configuration("Entra").client.token);
    assert_eq!(server.stop(), Some(0));
    let listen = format!("unix:{}", socket_of(&server).display());
    server.restart_with(&[&["--listen", &listen], options].concat());
    (server, listen, bearer)
}

fn whoever_comes_through_a_socket_is_where_the_proxy_says() {
    let (mut server, listen, bearer) = at_a_socket(&[]);
    let socket = socket_of(&server);
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    status(&asked(&socket, "/readyz", &[]), 200);
    assert!(
        server
            .run(&["healthcheck", "--listen", &listen])
            .status
            .success()
    );
    let from = |address: &[&str]| {
        let mut headers = vec![("Authorization", &*bearer)];
        headers.extend(address.iter().map(|one| ("X-Forwarded-For", *one)));
        asked(&socket, "/api/scim/v2/Users?count=0", &headers)
    };
    status(&from(&[]), 200);
    server.json(&[
        "configuration",
        "edit",
        "Entra",
        "--allowed-networks",
        "192.0.2.0/24",
        "--json",
    ]);
    status(&from(&["192.0.2.7"]), 200);
    status(&from(&["192.0.2.7, 198.51.100.1"]), 403);
    // Nobody is let in of whom the proxy does not say where they are.
    status(&from(&[]), 403);
    status(&from(&["unknown"]), 403);
    let named = asked(&socket, "/healthz", &[("X-Request-Id", "of-the-proxy")]);
    assert!(named.contains("x-request-id: of-the-proxy\r\n"), "{named}");
    // What is no HTTP is told so.
    status(&said(&socket, "\x16\x03\x01\r\n\r\n"), 400);
    // The address of the machine goes on beside it, by TLS.
    server.client().get("/Users").expect(200);
    assert_eq!(server.stop(), Some(0));
    assert!(!socket.exists(), "the socket goes with its server");
}

fn what_a_killed_server_leaves_is_replaced_and_a_live_one_is_not() {
    let (mut server, listen, _) = at_a_socket(&[]);
    let socket = socket_of(&server);
    let beside = server.run(&[
        "serve",
        "--listen",
        &listen,
        "--public-url",
        "https://x.example",
    ]);
    assert_eq!(beside.status.code(), Some(1));
    let said = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(
        said.contains(&format!("cannot listen on {listen}")),
        "{said}"
    );
    status(&asked(&socket, "/readyz", &[]), 200);
    server.kill();
    assert!(socket.exists());
    server.restart_with(&["--listen", &listen]);
    status(&asked(&socket, "/readyz", &[]), 200);
    // It drains as at an address.
    server.stop();
    server.restart_with(&["--listen", &listen, "--drain", "300"]);
    server.signal("TERM");
    let since = Instant::now();
    while !asked(&socket, "/readyz", &[]).starts_with("HTTP/1.1 503") {
        assert!(since.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(20));
    }
    status(&asked(&socket, "/healthz", &[]), 200);
    // Whoever is silent is not waited for when it stops.
    let silent = UnixStream::connect(&socket).unwrap();
    assert_eq!(server.stop(), Some(0));
    assert!(!socket.exists());
    drop(silent);
}

fn a_socket_of_the_proxy_protocol_takes_nothing_else() {
    let (mut server, listen, bearer) = at_a_socket(&["--proxy-protocol"]);
    let socket = socket_of(&server);
    let healthy = |server: &Server| server.run(&["healthcheck", "--listen", &listen]).status;
    assert!(healthy(&server).success());
    server.json(&[
        "configuration",
        "edit",
        "Entra",
        "--allowed-networks",
        "192.0.2.0/24",
        "--json",
    ]);
    let request = format!(
        "GET /api/scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         X-Forwarded-For: 192.0.2.7\r\nAuthorization: {bearer}\r\n\r\n"
    );
    let from = |origin: &str| {
        said(
            &socket,
            &format!("PROXY TCP4 {origin} 10.0.0.1 1 2\r\n{request}"),
        )
    };
    status(&from("192.0.2.7"), 200);
    // Of whom the connection is, that one counts, and not what it says of itself.
    status(&from("198.51.100.1"), 403);
    let mut without = UnixStream::connect(&socket).unwrap();
    without.write_all(request.as_bytes()).unwrap();
    let _ = without.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = without.read_to_end(&mut answer);
    assert!(answer.is_empty());
    assert_eq!(server.stop(), Some(0));
}

fn a_server_at_sockets_alone_needs_to_be_told_where_clients_reach_it() {
    let place = end_to_end::Place::new(&Engine::Sqlite);
    let listen = format!("unix:{}", place.data().join("http.sock").display());
    let refused = place.run(&["serve", "--listen", &listen]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--public-url"), "{said}");
    let left = std::fs::read_dir(place.data()).unwrap().count();
    assert_eq!(left, 0, "nothing was made");
}

fn below_a_path_everything_is_served_and_leads_below_it() {
    let mut server = Server::start(Engine::Sqlite);
    let token = server.configuration("Entra").client.token;
    server.stop();
    let port = free_port();
    let (listen, metrics) = (
        format!("127.0.0.1:{port}"),
        format!("127.0.0.1:{}", free_port()),
    );
    let public = format!("https://localhost:{port}/ops/scim");
    let options = [
        "--listen",
        &listen,
        "--public-url",
        &public,
        "--metrics-listen",
        &metrics,
    ];
    server.restart_with(&options);
    let host = format!("https://127.0.0.1:{port}");
    let client = Client::new(&format!("{host}/ops/scim/api/scim/v2"), &token);
    let user = json!({"schemas": [uri::USER], "userName": "ava"});
    let made = client.post("/Users", &user).expect(201);
    let base = format!("{public}/api/scim/v2/Users/");
    assert!(made.header("location").unwrap().starts_with(&base));
    assert!(
        made.json["meta"]["location"]
            .as_str()
            .unwrap()
            .starts_with(&base)
    );
    let types = client.get("/ResourceTypes").expect(200).json;
    let place = types["Resources"][0]["meta"]["location"].as_str().unwrap();
    assert!(place.starts_with(&public), "{place}");
    // Without the path as well, for probes and for proxies that take it off.
    for probe in [
        "/healthz",
        "/readyz",
        "/version",
        "/ops/scim/healthz",
        "/ops/scim/readyz",
    ] {
        let answer = client.try_send("GET", &format!("{host}{probe}"), &[], None);
        answer.unwrap().expect(200);
    }
    for (asked, led) in [
        ("/ops/scim", "/ops/scim/admin"),
        ("/ops/scim/", "/ops/scim/admin"),
        ("/", "/ops/scim/admin"),
        ("/ops/scim/admin", "/ops/scim/admin/login?next=%2Fadmin%2F"),
    ] {
        let answer = client
            .try_send("GET", &format!("{host}{asked}"), &[], None)
            .unwrap();
        assert_eq!(answer.header("location"), Some(led), "{asked}");
    }
    for nowhere in [
        "/ops",
        "/ops/scimitar/healthz",
        "/ops/scim/ops/scim/healthz",
    ] {
        let answer = client.try_send("GET", &format!("{host}{nowhere}"), &[], None);
        answer.unwrap().expect(404);
    }
    assert!(server.run(&["healthcheck"]).status.success());
    for place in ["/metrics", "/ops/scim/metrics"] {
        let mut stream = TcpStream::connect(&metrics).unwrap();
        write!(
            stream,
            "GET {place} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        status(&answer, 200);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

engines::tests! {
    once:
        whoever_comes_through_a_socket_is_where_the_proxy_says,
        what_a_killed_server_leaves_is_replaced_and_a_live_one_is_not,
        a_socket_of_the_proxy_protocol_takes_nothing_else,
        a_server_at_sockets_alone_needs_to_be_told_where_clients_reach_it,
        below_a_path_everything_is_served_and_leads_below_it;
}
