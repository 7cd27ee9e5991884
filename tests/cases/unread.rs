//! What is no HTTP, or more of it than can be read: the HTTP library answers by itself, and its
//! answer still has the shape of the endpoint, a request id and a line in the log.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use end_to_end::{Client, Server, on_both_engines};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

/// A connection over TLS.
fn connect(server: &Server) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(server.data().join("tls/certificate.pem")).unwrap();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    StreamOwned::new(connection, stream)
}

/// Sends bytes and reads until the server closes.
fn say(server: &Server, bytes: &[u8]) -> Vec<u8> {
    say_in_parts(server, &[bytes])
}

/// The same, part by part.
fn say_in_parts(server: &Server, parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = connect(server);
    for part in parts {
        // Who is refused in the middle of what they say may still say the rest.
        let _ = stream.write_all(part).and_then(|()| stream.flush());
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

struct Answered {
    status: u16,
    head: String,
    body: Value,
}

/// The answers on a connection, of which each tells its length.
fn answers(bytes: &[u8]) -> Vec<Answered> {
    let (mut rest, mut answers) = (bytes, Vec::new());
    while !rest.is_empty() {
        let end = rest
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        let head = String::from_utf8(rest[..end].to_vec())
            .unwrap()
            .to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        answers.push(Answered {
            status: head.get(9..12).unwrap().parse().unwrap(),
            body: serde_json::from_slice(&rest[end..end + length]).unwrap_or_default(),
            head,
        });
        rest = &rest[end + length..];
    }
    answers
}

fn header<'a>(answer: &'a Answered, name: &str) -> &'a str {
    let mut lines = answer.head.lines();
    let value = lines.find_map(|line| line.strip_prefix(&format!("{name}: ")));
    value.unwrap_or_else(|| panic!("no {name}: {}", answer.head))
}

fn get(target: &str, more: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n").into_bytes()
}

on_both_engines! {
    fn what_cannot_be_read_is_answered_in_the_shape_of_its_endpoint(server: &Server) {
        let scim = "/api/scim/v2/Users";
        let long = format!("{scim}?filter={}", "a".repeat(66_000));
        let heavy = format!("X-Heavy: {}\r\n", "a".repeat(140_000));
        let mut raw = get(scim, "");
        raw.splice(raw.len() - 2.., *b"X-Raw: a\x00b\r\n\r\n");
        for (request, status, said) in [
            (get(&format!("{scim}?filter=userName%20eq%20\"ava\""), ""), 400, "%22"),
            (get(&format!("{scim}?filter=a<b"), ""), 400, "%3C"),
            (get(&format!("{scim}/Zoë\u{301} x"), ""), 400, "percent-encode"),
            (get(&long, ""), 400, "65534"),
            (get(scim, &heavy), 431, "128 KiB"),
            (get(scim, "Content-Length: x\r\n"), 400, "well-formed"),
            (raw, 400, "well-formed"),
            (format!("GET {scim} HTTP/9.9\r\n\r\n").into_bytes(), 400, "well-formed"),
        ] {
            let shown = String::from_utf8_lossy(&request[..request.len().min(80)]).into_owned();
            let answered = answers(&say(server, &request));
            assert_eq!(answered.len(), 1, "{shown}");
            let answer = &answered[0];
            assert_eq!(answer.status, status, "{shown}");
            assert_eq!(header(answer, "content-type"), "application/scim+json", "{shown}");
            assert_eq!(answer.body["status"], status.to_string(), "{shown}");
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains(said), "{shown}: {detail}");
            assert!(server.log().contains(header(answer, "x-request-id")), "{shown}");
            assert_eq!(header(answer, "cache-control"), "no-store");
        }
        // Elsewhere it is a problem.
        let answered = answers(&say(server, &get("/api/admin/v1/events?q=<", "")));
        assert_eq!(header(&answered[0], "content-type"), "application/problem+json");
        assert_eq!(answered[0].body["requestId"], header(&answered[0], "x-request-id"));
        assert_eq!(answered[0].body["status"], 400);
    }

    fn an_answer_that_was_given_stays_before_one_that_is_replaced(server: &Server) {
        let mut both = get("/healthz", "");
        both.extend(get("/api/scim/v2/Users?filter=\"", ""));
        let answered = answers(&say(server, &both));
        let statuses: Vec<u16> = answered.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200, 400]);
        assert_eq!(answered[0].body["status"], "ok");
        assert!(answered[1].body["detail"].is_string(), "{}", answered[1].head);
        assert_ne!(header(&answered[0], "x-request-id"), header(&answered[1], "x-request-id"));
    }

    fn malformed_chunks_are_a_scim_error(server: &Server) {
        let token = server.client().token;
        let head = |target: &str| format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        // What is no size, a size that is too small or too large, an end that is missing.
        for chunks in [
            "zz\r\n{}\r\n",
            "5\r\n{}\r\n0\r\n\r\n",
            "1\r\n{}\r\n0\r\n\r\n",
            "2\r\n{}xx0\r\n\r\n",
            "2\r\n{}\r\n-1\r\n",
            "ffffffffffffffffffff\r\n{}\r\n",
        ] {
            for (target, shape) in [
                ("/api/scim/v2/Users", "application/scim+json"),
                ("/api/admin/v1/configurations", "application/problem+json"),
            ] {
                // Beside the head, and behind it when the request is under way.
                let head = head(target);
                let whole = format!("{head}{chunks}");
                for parts in [vec![whole.as_str()], vec![head.as_str(), chunks]] {
                    let sent: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
                    let answered = answers(&say_in_parts(server, &sent));
                    assert_eq!(answered.len(), 1, "{target} {chunks:?}");
                    let answer = &answered[0];
                    assert!([400, 401].contains(&answer.status), "{}", answer.head);
                    assert_eq!(header(answer, "content-type"), shape, "{}", answer.head);
                    assert!(answer.head.contains("x-request-id: "), "{}", answer.head);
                    assert!(answer.body["detail"].is_string(), "{}", answer.head);
                }
            }
        }
    }

    fn nothing_is_done_for_a_request_whose_end_cannot_be_read(server: &Server) {
        let client = server.client();
        let key = server.json(&["api-key", "add", "--name", "k", "--role", "administrator", "--json"]);
        let configuration = server.configuration("Stays enabled");
        let admin = Client::new(&server.base.replace("/api/scim/v2", "/api/admin/v1"),
            key["key"].as_str().unwrap());
        let path = format!("/configurations/{}", configuration.id);
        // No body is asked for: what means nothing has an end as well.
        for round in 0..20 {
            let user = client.user(&format!("ava{round}"));
            for (request, token) in [
                (format!("DELETE /api/scim/v2/Users/{user}"), &client.token),
                (format!("POST /api/admin/v1{path}/disable"), &admin.token),
            ] {
                let whole = format!(
                    "{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
                     If-Match: *\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
                );
                let answered = answers(&say(server, whole.as_bytes()));
                assert_eq!((answered.len(), answered[0].status), (1, 400), "{request}");
            }
            client.get(&format!("/Users/{user}")).expect(200);
            assert_eq!(admin.get(&path).json["status"], "enabled");
            // One that ends is not looked at.
            let (token, rest) = (&client.token, "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n");
            let whole = format!("DELETE /api/scim/v2/Users/{user} HTTP/1.1\r\nHost: localhost\r\n\
                Authorization: Bearer {token}\r\nConnection: close\r\n{rest}");
            assert_eq!(answers(&say(server, whole.as_bytes()))[0].status, 204);
        }
    }

    fn who_asks_before_they_send_a_body_is_refused_without_it(server: &Server) {
        let client = server.client();
        let known = format!("Authorization: Bearer {}\r\n", client.token);
        let json = "Content-Type: application/scim+json\r\n";
        for (target, more, length, status) in [
            ("/api/scim/v2/Users", String::new(), 40, 401),
            ("/api/scim/v2/Users", "Authorization: Bearer none\r\n".to_owned(), 40, 401),
            ("/api/admin/v1/accounts", String::new(), 40, 401),
            ("/nowhere", String::new(), 40, 404),
            ("/api/scim/v2/Users", format!("{known}{json}"), 2_000_000_000, 413),
            ("/api/scim/v2/Users", format!("{known}Content-Type: text/css\r\n"), 40, 415),
        ] {
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                 Content-Length: {length}\r\n{more}\r\n"
            );
            let answered = answers(&say(server, request.as_bytes()));
            let statuses: Vec<u16> = answered.iter().map(|answer| answer.status).collect();
            assert_eq!(statuses, [status], "{target} {more}");
            assert_eq!(header(&answered[0], "x-request-id").len(), 36);
        }
    }

    fn who_is_known_is_told_to_send_a_body_and_answered(server: &Server) {
        let client = server.client();
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "expects", "emails": [{"value": "expects@example.com"}]});
        let body = body.to_string();
        let head = format!(
            "POST /api/scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/scim+json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            client.token,
            body.len()
        );
        let mut stream = connect(server);
        stream.write_all(head.as_bytes()).and_then(|()| stream.flush()).unwrap();
        let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut told = vec![0; expected.len()];
        stream.read_exact(&mut told).unwrap();
        assert_eq!(told, expected);
        // A body that comes in two parts is read whole.
        let (first, rest) = body.as_bytes().split_at(10);
        for part in [first, rest] {
            stream.write_all(part).and_then(|()| stream.flush()).unwrap();
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answered = answers(&answer);
        assert_eq!(answered.len(), 1);
        assert_eq!((answered[0].status, &answered[0].body["userName"]), (201, &json!("expects")));
        // Sent at once, it is answered as well.
        let again = answers(&say(server, format!("{head}{body}").as_bytes()));
        assert_eq!(again.last().unwrap().status, 409);
    }

    fn an_accept_header_that_means_nothing_is_ignored(server: &Server) {
        let client = server.client();
        for accept in ["", "garbage", "text/html;q=0", ";;=", "application/xml, \u{e9}"] {
            client.send("GET", "/Users", &[("Accept", accept)], None).expect(200);
        }
    }
}
