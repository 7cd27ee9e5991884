#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use super::*;

#[test]
fn an_error_shows_type_and_detail() {
    let body = json!({"scimType": "uniqueness", "detail": "taken"});
    assert_eq!(detail(&body), "uniqueness: taken");
    assert_eq!(detail(&Value::Null), "without a detail");
}

#[test]
fn only_scim_answers_are_understood() {
    assert!(is_scim("application/scim+json;charset=utf-8"));
    assert!(!is_scim("text/html"));
    assert!(!is_scim(""));
}

#[test]
fn a_proxy_is_not_used_for_this_machine() {
    assert!(is_local("https://localhost:8443/api/scim/v2"));
    assert!(is_local("http://[::1]:8443"));
    assert!(!is_local("https://localhost.example/scim"));
}

/// Answers each connection with the next of these, then with the last again, and counts them.
fn server(answers: &'static [&'static str]) -> (Client, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let served = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = count.fetch_add(1, Ordering::SeqCst) as usize;
            let answer = answers.get(number).or(answers.last());
            respond(stream.unwrap(), answer.unwrap());
        }
    });
    (client(base), served)
}

fn respond(mut stream: TcpStream, answer: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
    let (head, body) = answer.split_once('|').unwrap();
    let length = body.len();
    let head = head.replace(';', "\r\n");
    write!(
        stream,
        "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

fn client(base: String) -> Client {
    Client::new(Endpoint {
        base,
        token: "t".to_owned(),
        headers: Headers {
            user_agent: "test",
            accept: "application/scim+json",
            content_type: "application/scim+json",
        },
        trust: Trust::Anything,
        connections: 1,
    })
}

fn read_users(client: &Client) -> Result<Answer, CallError> {
    client.call(&Call::new(Method::Get, "/Users".to_owned()), &[200])
}

const FOUND: &str = "200 OK;Content-Type: application/scim+json|{\"id\":\"7\"}";
const BUSY: &str = "429 Too Many Requests;Retry-After: 0|";

#[test]
fn a_busy_server_is_waited_for() {
    let (client, served) = server(&[BUSY, "503 Busy;Retry-After: 0|", FOUND]);
    let answer = read_users(&client).unwrap();
    assert_eq!(answer.id(), Some("7"));
    assert_eq!(served.load(Ordering::SeqCst), 3);
    let samples = client.take_samples();
    assert_eq!((samples.repeated, samples.failed), (2, 0));
    assert_eq!(client.take_samples().durations.len(), 0);
}

#[test]
fn patience_has_an_end() {
    let (client, served) = server(&[BUSY]);
    let error = read_users(&client).unwrap_err();
    assert!(matches!(error, CallError::Status { status: 429, .. }));
    assert_eq!(
        served.load(Ordering::SeqCst),
        scim_client::Patience::default().attempts
    );
    assert_eq!(client.take_samples().failed, 1);
}

#[test]
fn an_error_names_request_status_and_detail() {
    let (client, _) = server(&[
        "409 Conflict;Content-Type: application/scim+json|{\"scimType\":\"uniqueness\",\"detail\":\"taken\"}",
    ]);
    let error = read_users(&client).unwrap_err().to_string();
    assert_eq!(error, "GET /Users: status 409, uniqueness: taken");
}

#[test]
fn what_is_not_scim_is_refused() {
    let (client, _) = server(&[
        "200 OK;Content-Type: text/html|<html>",
        "200 OK;Content-Type: application/scim+json|{",
    ]);
    let error = read_users(&client).unwrap_err().to_string();
    assert!(error.contains("of type \"text/html\""), "{error}");
    let error = read_users(&client).unwrap_err().to_string();
    assert!(error.contains("not JSON"), "{error}");
}

#[test]
fn a_server_that_is_gone_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    for _ in 0..UNANSWERED {
        assert!(!client.is_cut_off());
        let error = read_users(&client).unwrap_err();
        assert!(matches!(error, CallError::Transport { .. }));
    }
    assert!(client.is_cut_off());
}
