//! Every endpoint, for every kind of caller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

/// Endpoint, the methods it has, and a body that succeeds where one is needed.
fn grid(user: &str, group: &str) -> Vec<(String, &'static str, Option<Value>)> {
    let new_user = json!({"schemas": [uri::USER], "userName": "grid"});
    let patch = json!({"schemas": [uri::PATCH], "Operations": [
        {"op": "replace", "path": "displayName", "value": "G"}]});
    let search = json!({"schemas": [uri::SEARCH]});
    let group_body = json!({"schemas": [uri::GROUP], "displayName": "grid"});
    vec![
        ("/Users".into(), "GET", None),
        ("/Users".into(), "POST", Some(new_user.clone())),
        (format!("/Users/{user}"), "GET", None),
        (
            format!("/Users/{user}"),
            "PUT",
            Some(json!({"schemas": [uri::USER], "userName": "put"})),
        ),
        (format!("/Users/{user}"), "PATCH", Some(patch.clone())),
        ("/Users/.search".into(), "POST", Some(search.clone())),
        ("/Groups".into(), "GET", None),
        ("/Groups".into(), "POST", Some(group_body)),
        (format!("/Groups/{group}"), "GET", None),
        (format!("/Groups/{group}"), "PATCH", Some(patch)),
        (
            format!("/Groups/{group}"),
            "PUT",
            Some(json!({"schemas": [uri::GROUP], "displayName": "p"})),
        ),
        ("/Groups/.search".into(), "POST", Some(search.clone())),
        ("/.search".into(), "POST", Some(search)),
        (
            "/Bulk".into(),
            "POST",
            Some(json!({"schemas": [uri::BULK], "Operations": []})),
        ),
        ("/ServiceProviderConfig".into(), "GET", None),
        ("/Schemas".into(), "GET", None),
        (format!("/Schemas/{}", uri::USER), "GET", None),
        ("/ResourceTypes".into(), "GET", None),
        ("/ResourceTypes/User".into(), "GET", None),
        (format!("/Users/{user}"), "DELETE", None),
        (format!("/Groups/{group}"), "DELETE", None),
    ]
}

fn send(client: &Client, path: &str, method: &str, body: Option<&Value>) -> end_to_end::Response {
    let body = body.map(ToString::to_string);
    client.send(method, path, &[], body.as_deref().map(str::as_bytes))
}

on_both_engines! {
    fn nobody_passes_without_a_token(server: &Server) {
        let client = server.client();
        let (user, group) = (client.user("u"), client.group("g", &[]));
        for (path, method, body) in grid(&user, &group) {
            for token in ["", "Basic YTpi", "Bearer", "Bearer not-a-token"] {
                let headers = [("authorization", token)];
                let body = body.as_ref().map(ToString::to_string);
                let bytes = body.as_deref().map(str::as_bytes);
                let nobody = client.with_token("");
                let answer = nobody.send(method, &path, &headers, bytes);
                // The twentieth failure of an address in a minute is held back.
                if answer.status == 429 {
                    let wait = answer.header("retry-after").unwrap();
                    assert!(wait.parse::<u32>().is_ok(), "{wait}");
                    continue;
                }
                answer.expect_error(401, None);
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Bearer"), "{challenge}");
            }
        }
        client.get("/Users?count=0").expect(200);
    }

    fn authentication_comes_before_everything(server: &Server) {
        let nobody = server.client().with_token("");
        for path in ["/Gadgets", "/Users/1", "/Me", "/"] {
            nobody.get(path).expect_error(401, None);
        }
        let forged = "sopscim_eyJ0eXAiOiJzY2ltK2p3dCIsImFsZyI6Im5vbmUiLCJraWQiOiJiZDQ4OTU1NiJ9.\
                      eyJpc3MiOiJ4IiwiYXVkIjoic2NpbSIsInN1YiI6IngiLCJqdGkiOiJ4IiwidiI6MX0.";
        nobody.with_token(forged).get("/Users").expect_error(401, None);
    }

    fn every_endpoint_succeeds(server: &Server) {
        let client = server.client();
        let (user, group) = (client.user("u"), client.group("g", &[]));
        for (path, method, body) in grid(&user, &group) {
            let answer = send(&client, &path, method, body.as_ref());
            let expected = match method {
                "DELETE" => 204,
                "POST" if !path.contains("earch") && path != "/Bulk" => 201,
                _ => 200,
            };
            let answer = answer.expect(expected);
            if expected != 204 {
                assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{path}");
            }
            assert!(answer.header("x-request-id").is_some(), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        }
    }

    fn a_disabled_configuration_is_403_everywhere(server: &Server) {
        let configuration = server.configuration("Off");
        let client = &configuration.client;
        let (user, group) = (client.user("u"), client.group("g", &[]));
        assert!(server.run(&["configuration", "disable", "off"]).status.success());
        for (path, method, body) in grid(&user, &group) {
            send(client, &path, method, body.as_ref()).expect_error(403, None);
        }
        assert!(server.run(&["configuration", "enable", &configuration.id]).status.success());
        client.get("/Users").expect(200);
    }

    fn a_type_that_is_switched_off_is_403_and_undiscoverable(server: &Server) {
        let users = server.configuration_with("Users only", &["--users"]).client;
        users.get("/Groups").expect_error(403, None);
        users.post("/Groups", &json!({"schemas": [uri::GROUP], "displayName": "g"}))
            .expect_error(403, None);
        users.get("/ResourceTypes/Group").expect_error(404, None);
        users.get(&format!("/Schemas/{}", uri::GROUP)).expect_error(404, None);
        let types = users.get("/ResourceTypes").expect(200);
        assert_eq!(types.json["totalResults"], 1);
        let bulk = json!({"schemas": [uri::BULK], "Operations": [{
            "method": "POST", "path": "/Groups", "bulkId": "g",
            "data": {"schemas": [uri::GROUP], "displayName": "g"}}]});
        let answer = users.post("/Bulk", &bulk).expect(200);
        assert_eq!(answer.json["Operations"][0]["status"], "403");
    }

    fn methods_that_an_endpoint_does_not_have_are_405(server: &Server) {
        let client = server.client();
        let user = client.user("u");
        for (method, path, allow) in [
            ("DELETE", "/Users".to_owned(), "GET, HEAD, POST"),
            ("PUT", "/Groups".to_owned(), "GET, HEAD, POST"),
            ("POST", format!("/Users/{user}"), "GET, HEAD, PUT, PATCH, DELETE"),
            ("POST", "/Schemas".to_owned(), "GET, HEAD"),
            ("DELETE", "/ServiceProviderConfig".to_owned(), "GET, HEAD"),
            ("PATCH", "/ResourceTypes/User".to_owned(), "GET, HEAD"),
            ("GET", "/Bulk".to_owned(), "POST"),
            ("GET", "/Users/.search".to_owned(), "POST"),
        ] {
            let answer = client.send(method, &path, &[], Some(b"{}"));
            answer.expect_error(405, None);
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
        client.get("/Me").expect_error(501, None);
        client.get("/Gadgets").expect_error(404, None);
        client.get("/Users/1/2").expect_error(404, None);
    }

    fn unknown_resources_and_conflicts(server: &Server) {
        let client = server.client();
        let unknown = uuid::Uuid::new_v4().to_string();
        for id in [unknown.as_str(), "1", "..", "%00", "0198ABCD-0000-7000-8000-000000000000"] {
            for (method, body) in [("GET", None), ("DELETE", None), ("PUT", Some(uri::USER))] {
                let body = body.map(|schema| json!({"schemas": [schema], "userName": "x"}));
                let answer = send(&client, &format!("/Users/{id}"), method, body.as_ref());
                assert!(
                    [400, 404].contains(&answer.status), "{method} {id}: {}", answer.text);
            }
        }
        client.user("taken");
        let again = json!({"schemas": [uri::USER], "userName": "TAKEN"});
        client.post("/Users", &again).expect_error(409, Some("uniqueness"));
        let other = client.user("other");
        client.put(&format!("/Users/{other}"), &again).expect_error(409, Some("uniqueness"));
        let rename = json!([{"op": "replace", "path": "userName", "value": "Taken"}]);
        client.patch(&format!("/Users/{other}"), &rename).expect_error(409, Some("uniqueness"));
        assert_eq!(client.get(&format!("/Users/{other}")).json["userName"], "other");
        client.group("Ops", &[]);
        let ops = json!({"schemas": [uri::GROUP], "displayName": "ops"});
        client.post("/Groups", &ops).expect_error(409, Some("uniqueness"));
    }

    fn a_head_is_a_get_without_a_body(server: &Server) {
        let client = server.client();
        let user = client.user("u");
        let answer = client.send("HEAD", &format!("/Users/{user}"), &[], None);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("etag"), Some("W/\"1\""));
    }
}
