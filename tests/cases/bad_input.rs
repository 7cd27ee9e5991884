//! Bad input of every kind: a SCIM error of the right status, and the server goes on.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::io::{Read, Write};
use std::net::TcpStream;

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

fn post(client: &Client, path: &str, body: &[u8]) -> end_to_end::Response {
    client.send("POST", path, &[], Some(body))
}

fn search(client: &Client, filter: &str) -> end_to_end::Response {
    client.post(
        "/Users/.search",
        &json!({"schemas": [uri::SEARCH], "filter": filter}),
    )
}

fn user_with(name: &str, value: Value) -> Value {
    let mut body = json!({"schemas": [uri::USER], "userName": "bad"});
    body[name] = value;
    body
}

on_both_engines! {
    fn malformed_json_is_invalid_syntax(server: &Server) {
        let client = server.client();
        for body in [
            "{", "", "[]", "\"x\"", "null", "{\"a\":1,}", "{\"a\": \"\\ud800\",}", "\u{feff}{",
        ] {
            post(&client, "/Users", body.as_bytes()).expect_error(400, Some("invalidSyntax"));
            post(&client, "/Bulk", body.as_bytes()).expect_error(400, Some("invalidSyntax"));
            post(&client, "/.search", body.as_bytes()).expect_error(400, Some("invalidSyntax"));
        }
        post(&client, "/Users", b"{\"userName\": \"\xff\"}").expect_error(400, Some("invalidSyntax"));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        post(&client, "/Users", deep.as_bytes()).expect_error(400, Some("invalidSyntax"));
        let nested = format!("{{\"name\":{}1{}}}", "{\"a\":".repeat(40), "}".repeat(40));
        post(&client, "/Users", nested.as_bytes()).expect_error(400, Some("invalidSyntax"));
        assert_eq!(client.get("/Users").json["totalResults"], 0);
    }

    fn wrong_types_are_invalid_value(server: &Server) {
        let client = server.client();
        for (name, value) in [
            ("userName", json!(["ava"])),
            ("userName", json!("")),
            ("userName", json!("  ")),
            ("userName", json!("a\u{200b}b")),
            ("userName", json!("a\u{e000}b")),
            ("userName", json!("a\u{fdd0}b")),
            ("userName", json!("x".repeat(513))),
            ("externalId", json!("x".repeat(513))),
            ("active", json!("perhaps")),
            ("active", json!(1)),
            ("title", json!("a\u{0}b")),
            ("title", json!("\u{1b}[31m")),
            ("nickName", json!("x".repeat(65 * 1024))),
        ] {
            let body = user_with(name, value.clone());
            client.post("/Users", &body).expect_error(400, Some("invalidValue"));
        }
        let body = json!({"schemas": [uri::USER], "name": {"givenName": "No"}});
        client.post("/Users", &body).expect_error(400, Some("invalidValue"));
        client.post("/Groups", &json!({"schemas": [uri::GROUP]}))
            .expect_error(400, Some("invalidValue"));
        assert_eq!(client.get("/Users").json["totalResults"], 0);
    }

    fn filters_that_are_none_are_invalid_filter(server: &Server) {
        let client = server.client();
        for filter in [
            "userName eq", "nosuch eq \"x\"", "password eq \"x\"", "active gt true",
            "name eq \"x\"", "meta.lastModified gt \"yesterday\"", "userName eq \"a\\u0000\"",
            "emails[type eq \"work\"", "title eq 7",
        ] {
            search(&client, filter).expect_error(400, Some("invalidFilter"));
        }
        let open = "(".repeat(100_000);
        search(&client, &open).expect_error(400, Some("invalidFilter"));
        let open = "(".repeat(10_000);
        search(&client, &open).expect_error(400, Some("invalidFilter"));
        let closed = format!("{}title pr{}", "(".repeat(41), ")".repeat(41));
        search(&client, &closed).expect_error(400, Some("invalidFilter"));
        let allowed = format!("{}title pr{}", "(".repeat(40), ")".repeat(40));
        search(&client, &allowed).expect(200);
        let flat = vec!["a pr"; 90_000].join(" and ");
        assert_eq!(search(&client, &flat).status, 400);
        let terms = vec!["title pr"; 501].join(" and ");
        search(&client, &terms).expect_error(400, Some("invalidFilter"));
        let terms = vec!["title pr"; 500].join(" and ");
        search(&client, &terms).expect(200);
        let long = format!("/Users?filter={}", "a".repeat(20_000));
        client.get(&long).expect_error(400, Some("invalidFilter"));
        client.get("/Users?filter=%00").expect_error(400, Some("invalidFilter"));
    }

    fn bodies_of_the_wrong_kind_or_size_are_refused(server: &Server) {
        let client = server.client();
        let body = user_with("title", json!("x")).to_string();
        for kind in ["text/plain", "application/xml", "multipart/form-data; boundary=x"] {
            let headers = [("content-type", kind)];
            client.send("POST", "/Users", &headers, Some(body.as_bytes())).expect_error(415, None);
        }
        let headers = [("content-encoding", "gzip")];
        client.send("POST", "/Users", &headers, Some(body.as_bytes())).expect_error(415, None);
        for kind in ["application/json; charset=utf-8", "Application/SCIM+JSON;charset=\"utf-8\""] {
            let headers = [("content-type", kind)];
            let body = json!({"schemas": [uri::USER], "userName": kind}).to_string();
            client.send("POST", "/Users", &headers, Some(body.as_bytes())).expect(201);
        }
        let big = vec![b' '; 1024 * 1024 + 1];
        post(&client, "/Users", &big).expect_error(413, None);
        let bigger = vec![b' '; 8 * 1024 * 1024 + 1];
        post(&client, "/Bulk", &bigger).expect_error(413, None);
    }

    fn one_more_than_every_limit_is_refused(server: &Server) {
        let client = server.client();
        let user = client.user("limits");
        let operation = json!({"op": "replace", "path": "title", "value": "x"});
        let path = format!("/Users/{user}");
        client.patch(&path, &json!(vec![operation.clone(); 1000])).expect(200);
        client.patch(&path, &json!(vec![operation; 1001])).expect_error(413, None);
        let config = client.get("/ServiceProviderConfig").json;
        assert_eq!(config["bulk"]["maxOperations"], 1000);
        assert_eq!(config["bulk"]["maxPayloadSize"], 8 * 1024 * 1024);
        assert_eq!(config["filter"]["maxResults"], 1000);
        let delete = json!({"method": "DELETE", "path": "/Users/1"});
        let bulk = json!({"schemas": [uri::BULK], "Operations": vec![delete; 1001]});
        client.post("/Bulk", &bulk).expect_error(413, None);
        let members = vec![json!({"value": user}); 10_001];
        let group = json!({"schemas": [uri::GROUP], "displayName": "g", "members": members});
        client.post("/Groups", &group).expect_error(413, None);
        client.get("/Users?cursor&count=1001").expect_error(400, Some("invalidCount"));
        assert_eq!(client.get("/Users?count=1001").expect(200).json["itemsPerPage"], 1);
    }

    fn paths_that_are_none_are_invalid_path(server: &Server) {
        let client = server.client();
        let user = client.user("paths");
        let nested = format!("emails[{}type eq \"a\"{}].value", "(".repeat(60), ")".repeat(60));
        for path in ["emails[", "a b", "title.x", "title[value eq \"x\"]", "", nested.as_str()] {
            let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
            client.patch(&format!("/Users/{user}"), &operations)
                .expect_error(400, Some("invalidPath"));
        }
        let version = client.get(&format!("/Users/{user}")).json["meta"]["version"].clone();
        assert_eq!(version, "W/\"1\"", "nothing was applied");
    }

    fn plain_http_is_refused_in_words(server: &Server) {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.write_all(b"GET /api/scim/v2/Users HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("HTTPS"), "{answer}");
    }

    fn a_token_in_the_url_is_refused(server: &Server) {
        let client = server.client();
        let path = format!("/Users?access_token={}", client.token);
        client.get(&path).expect_error(403, Some("sensitive"));
        let anonymous = client.with_token("");
        anonymous.get(&path).expect_error(401, None);
    }

    fn what_a_search_asks_for_is_refused_by_name(server: &Server) {
        let client = server.client();
        let search = |body: &str| {
            let body = format!("{{\"schemas\": [\"{}\"], {body}}}", uri::SEARCH);
            client.send("POST", "/Users/.search", &[], Some(body.as_bytes()))
        };
        let long = "a".repeat(70_000);
        for filter in [
            format!("userName eq \\\"{long}\\\""),
            "userName eq \\\"x\\\"\\u0000".to_owned(),
            "userName eq \\\"\\\\u0001\\\"".to_owned(),
        ] {
            search(&format!("\"filter\": \"{filter}\"")).expect_error(400, Some("invalidFilter"));
        }
        let half = search("\"filter\": \"userName eq \\\"\\ud800\\\"\"");
        half.expect_error(400, Some("invalidValue"));
        let body = br#"{"userName": "a\udc00"}"#;
        client.send("POST", "/Users", &[], Some(body)).expect_error(400, Some("invalidValue"));
        for (query, scim_type) in [
            ("cursor=&count=x", "invalidCount"),
            ("cursor=&count=1.5", "invalidCount"),
            ("count=x", "invalidValue"),
            ("filter=userName eq \"x\"%00", "invalidFilter"),
        ] {
            client.get(&format!("/Users?{query}")).expect_error(400, Some(scim_type));
        }
    }
}
