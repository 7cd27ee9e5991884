//! Shapes that clients really send: each means the same to a configuration of every identity
//! provider.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Client, Response, Server, on_both_engines, uri};
use serde_json::{Value, json};

const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User";
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// The kinds of a configuration, of which `generic` is every other.
const KINDS: [&str; 10] = [
    "entra",
    "okta",
    "onelogin",
    "keycloak",
    "google",
    "jumpcloud",
    "ping",
    "authentik",
    "rauthy",
    "generic",
];

/// Runs a check as every kind of identity provider.
fn as_everybody(server: &Server, check: impl Fn(&Client, &str)) {
    for kind in KINDS {
        let options = ["--users", "--groups", "--idp", kind];
        let configuration = server.configuration_with(kind, &options);
        check(&configuration.client, kind);
    }
}

fn fields(server: &Server) {
    for arguments in [
        &["grade", "--type", "number"][..],
        &["level", "--type", "number", "--integer"],
        &["vip", "--type", "boolean"],
        &["since", "--type", "datetime"],
        &[
            "skills",
            "--type",
            "multi-choice",
            "--option",
            "rust",
            "--option",
            "sql",
            "--option",
            "go",
        ],
    ] {
        let arguments = [&["custom-field", "add"][..], arguments].concat();
        let output = server.run(&arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

/// A user of this name with further attributes.
fn create(client: &Client, name: &str, more: Value) -> Response {
    let mut body = json!({"schemas": [uri::USER], "userName": name});
    for (attribute, value) in more.as_object().unwrap() {
        body[attribute] = value.clone();
    }
    client.post("/Users", &body)
}

/// The user after one operation, which must succeed.
#[track_caller]
fn patched(client: &Client, id: &str, operation: Value) -> Value {
    client
        .patch(&format!("/Users/{id}"), &json!([operation]))
        .expect(200)
        .json
}

/// The log's newest entry of a configuration.
fn logged(server: &Server, kind: &str) -> Value {
    let events = server.items(&["events", "--configuration", kind, "--json"]);
    events[0].clone()
}

on_both_engines! {
    fn a_filter_that_selects_nothing_creates_what_it_describes(server: &Server) {
        as_everybody(server, |client, kind| {
            let id = create(client, &format!("{kind}.ava"), json!({})).expect(201).id();
            for (at, (op, path, value)) in [
                ("replace", "phoneNumbers[type eq \"mobile\"].value", json!("1")),
                ("Replace", "emails[type eq \"work\"].value", json!("ava@x.example")),
                ("add", "addresses[type eq \"work\"].locality", json!("Pune")),
                ("replace", "roles[value eq \"r1\"].display", json!("R")),
                ("replace", "ims[type eq \"xmpp\"]", json!({"value": "ava"})),
            ].into_iter().enumerate() {
                let ava = patched(client, &id, json!({"op": op, "path": path, "value": value}));
                let attribute = path.split('[').next().unwrap();
                assert_eq!(ava[attribute].as_array().map(Vec::len), Some(1), "{kind} {at} {ava}");
            }
            // Several operations of one request end in one value.
            let operations = json!([
                {"op": "replace", "path": "addresses[type eq \"home\"].locality", "value": "Goa"},
                {"op": "replace", "path": "addresses[type eq \"home\"].country", "value": "IN"}]);
            let ava = client.patch(&format!("/Users/{id}"), &operations).expect(200).json;
            assert_eq!(ava["addresses"][1], json!({"type": "home", "locality": "Goa", "country": "IN"}));
            for filter in ["type ne \"mobile\"", "type sw \"f\"", "type eq \"a\" or type eq \"b\""] {
                let operation = json!([{"op": "replace",
                    "path": format!("phoneNumbers[({filter}) and value eq \"no\"].value"), "value": "2"}]);
                client.patch(&format!("/Users/{id}"), &operation).expect_error(400, Some("noTarget"));
            }
        });
    }

    fn a_plus_sign_in_a_query_is_one(server: &Server) {
        as_everybody(server, |client, kind| {
            let name = format!("a+b.{kind}@x.example");
            let more = json!({"emails": [{"value": name, "type": "work"}]});
            let id = create(client, &name, more).expect(201).id();
            for filter in [
                format!("filter=userName%20eq%20%22{name}%22"),
                format!("filter=emails.value%20eq%20%22{name}%22"),
                "filter=userName%20sw%20%22a+b%22".to_owned(),
                format!("filter=userName+eq+%22{}%22", name.replace('+', "%2B")),
            ] {
                assert_eq!(client.ids(&format!("/Users?{filter}")), std::slice::from_ref(&id), "{filter}");
            }
            client.get("/Users?filter=meta.created%20lt%20%222020-01-01T00:00:00+05:30%22").expect(200);
        });
    }

    fn schemas_by_another_uri_and_joined_by_a_dot_are_understood(server: &Server) {
        as_everybody(server, |client, kind| {
            for alias in [
                "urn:scim:schemas:extension:enterprise:1.0",
                "urn:scim:schemas:extension:enterprise:2.0",
                "urn:ietf:params:scim:schemas:extension:enterprise:1.0:User",
            ] {
                let name = format!("{kind}.{}", alias.len());
                let more = json!({"schemas": [uri::USER, alias], alias: {"department": "Ops"}});
                let ava = create(client, &name, more).expect(201);
                assert_eq!(ava.json[uri::ENTERPRISE]["department"], "Ops", "{alias}");
                let path = format!("{alias}:department");
                let ava = patched(client, &ava.id(), json!({"op": "replace", "path": path, "value": "IT"}));
                assert_eq!(ava[uri::ENTERPRISE]["department"], "IT", "{alias}");
                let found = client.ids(&format!("/Users?filter={alias}:department eq \"IT\""));
                assert_eq!(found.len(), 1);
                client.delete(&format!("/Users/{}", found[0])).expect(204);
            }
            let id = create(client, &format!("{kind}.dotted"), json!({})).expect(201).id();
            let path = format!("{}.department", uri::ENTERPRISE);
            for operation in [
                json!({"op": "replace", "path": path, "value": "Ops"}),
                json!({"op": "replace", "value": {&path: "Ops"}}),
            ] {
                let ava = patched(client, &id, operation);
                assert_eq!(ava[uri::ENTERPRISE]["department"], "Ops", "{kind}");
            }
            let shown = client.get(&format!("/Users/{id}?attributes={path}")).expect(200).json;
            assert_eq!(shown[uri::ENTERPRISE], json!({"department": "Ops"}));
        });
    }

    fn brackets_on_a_single_value_apply_when_they_match(server: &Server) {
        as_everybody(server, |client, kind| {
            let more = json!({uri::ENTERPRISE: {"manager": {"value": "boss"}}});
            let id = create(client, &format!("{kind}.ava"), more).expect(201).id();
            let bracketed = |who: &str| format!("{MANAGER}[value eq \"{who}\"]");
            let ava = patched(client, &id, json!({"op": "remove", "path": bracketed("other")}));
            assert_eq!(ava[uri::ENTERPRISE]["manager"]["value"], "boss");
            let operations = json!([{"op": "replace", "path": bracketed("other"), "value": {"value": "x"}}]);
            client.patch(&format!("/Users/{id}"), &operations).expect_error(400, Some("noTarget"));
            let ava = patched(client, &id, json!({"op": "replace", "path": format!("{}.value", bracketed("boss")), "value": "next"}));
            assert_eq!(ava[uri::ENTERPRISE]["manager"]["value"], "next");
            let operations = json!([{"op": "remove", "path": bracketed("next")},
                {"op": "replace", "path": "title", "value": "Chief"}]);
            let ava = client.patch(&format!("/Users/{id}"), &operations).expect(200).json;
            assert!(ava[uri::ENTERPRISE].get("manager").is_none(), "{ava}");
            assert_eq!(ava["title"], "Chief");
        });
    }

    fn what_an_optional_field_cannot_take_refuses_nobody(server: &Server) {
        fields(server);
        as_everybody(server, |client, kind| {
            let data = json!({"grade": "3.5", "level": "7", "vip": "", "since": "",
                "skills": [{"value": "rust"}, {"value": "sql"}]});
            let more = json!({"schemas": [uri::USER, EXTENSION], EXTENSION: data,
                "profileUrl": " ", "photos": [{"value": "x y"}], "externalId": 157_663});
            let ava = create(client, &format!("{kind}.ava"), more).expect(201);
            let kept = json!({"grade": 3.5, "level": 7, "skills": ["rust", "sql"]});
            assert_eq!(ava.json[EXTENSION], kept, "{kind}");
            assert_eq!(ava.json["externalId"], "157663");
            assert!(ava.json.get("profileUrl").is_none() && ava.json.get("photos").is_none());
            let event = logged(server, kind);
            assert_eq!(event["outcome"], "warning", "{kind}: {event}");
            let names: Vec<_> = event["deviations"].as_array().unwrap().iter()
                .map(|note| note["name"].as_str().unwrap()).collect();
            for name in ["numberAsText", "emptyClears", "wrappedValue", "unreadable", "textUnquoted"] {
                assert!(names.contains(&name), "{kind}: {names:?}");
            }
            let data = json!({"grade": "half", "level": 1.5, "vip": "maybe", "since": "2026-05-01"});
            let more = json!({"schemas": [uri::USER, EXTENSION], EXTENSION: data, "title": {"a": 1}});
            let eve = create(client, &format!("{kind}.eve"), more).expect(201);
            assert!(eve.json.get(EXTENSION).is_none() && eve.json.get("title").is_none());
            // What says nothing that can be read changes nothing.
            let path = format!("{EXTENSION}:grade");
            let ava = patched(client, &ava.id(), json!({"op": "replace", "path": path, "value": "half"}));
            assert_eq!(ava[EXTENSION]["grade"], 3.5);
            let path = format!("{EXTENSION}:skills");
            let id = ava["id"].as_str().unwrap();
            let ava = patched(client, id, json!({"op": "Add", "path": path, "value": [{"value": "go"}]}));
            assert_eq!(ava[EXTENSION]["skills"], json!(["rust", "sql", "go"]));
            // Who may work is never guessed, and neither is a name.
            create(client, "nobody", json!({"active": "perhaps"})).expect_error(400, Some("invalidValue"));
            create(client, "nobody", json!({"userName": {"a": 1}})).expect_error(400, Some("invalidValue"));
        });
    }

    fn whole_numbers_are_told_apart(server: &Server) {
        fields(server);
        as_everybody(server, |client, kind| {
            for (name, number) in [("a", 9_007_199_254_740_992_i64), ("b", 9_007_199_254_740_993)] {
                let more = json!({"schemas": [uri::USER, EXTENSION], EXTENSION: {"level": number}});
                let user = create(client, &format!("{kind}.{name}"), more).expect(201);
                assert_eq!(user.json[EXTENSION]["level"].as_i64(), Some(number));
                let filter = format!("/Users?filter={EXTENSION}:level eq {number}");
                assert_eq!(client.ids(&filter), [user.id()], "{kind}");
            }
            let above = format!("/Users?filter={EXTENSION}:level gt 9007199254740992");
            assert_eq!(client.ids(&above).len(), 1);
            let sorted = format!("/Users?sortBy={EXTENSION}:level&sortOrder=descending&attributes=userName");
            let list = client.get(&sorted).json;
            assert_eq!(list["Resources"][0]["userName"], format!("{kind}.b"));
        });
    }

    fn values_without_quotes_are_taken_to_the_next_blank(server: &Server) {
        as_everybody(server, |client, kind| {
            for name in ["157663", "O'Brien", "CORP\\ava", "a:b/c", "ü.müller", "7up"] {
                let name = format!("{name}.{kind}");
                let id = create(client, &name, json!({})).expect(201).id();
                assert_eq!(client.ids(&format!("/Users?filter=userName eq {name}")), std::slice::from_ref(&id));
                assert_eq!(client.ids(&format!("/Users?filter=(userName eq {name})")), [id]);
            }
            assert_eq!(client.get("/Users?filter=userName eq 'ava'").status, 400);
            assert_eq!(client.get("/Users?filter=title eq ava").status, 400);
        });
    }

    fn smaller_slips_are_understood(server: &Server) {
        as_everybody(server, |client, kind| {
            let more = json!({"title": "A", "TITLE": "B", "phoneNumbers": [
                {"value": "1", "type": "work"}, {"value": "2", "type": "home"}]});
            let id = create(client, &format!("{kind}.ava"), more).expect(201).id();
            assert_eq!(client.get(&format!("/Users/{id}")).json["title"], "B");
            assert_eq!(client.ids("/Users?filter="), std::slice::from_ref(&id));
            assert_eq!(client.ids("/Users?filter=userName pr AND active EQ TRUE"), std::slice::from_ref(&id));
            let shown = client.get("/Users?attributes=phoneNumbers[type eq \"work\"]").expect(200).json;
            assert_eq!(shown["Resources"][0]["phoneNumbers"].as_array().map(Vec::len), Some(2));
            let marked = format!("\u{feff}{}", json!({"schemas": [uri::USER], "userName": format!("{kind}.bom")}));
            client.send("POST", "/Users", &[], Some(marked.as_bytes())).expect(201);
            // Two values cannot both be the primary one, however they are named.
            for path in ["phoneNumbers.primary", "phoneNumbers[value pr].primary"] {
                let operations = json!([{"op": "replace", "path": path, "value": true}]);
                client.patch(&format!("/Users/{id}"), &operations).expect_error(400, Some("invalidValue"));
            }
            // A value that becomes another one is that one.
            let operation = json!({"op": "replace", "path": "phoneNumbers[type eq \"home\"]",
                "value": {"value": "1", "type": "work"}});
            let ava = patched(client, &id, operation);
            assert_eq!(ava["phoneNumbers"], json!([{"value": "1", "type": "work"}]), "{kind}");
            // A record that a filter selects is replaced but for what the filter names.
            let address = json!([{"type": "work", "locality": "Pune", "country": "IN"}]);
            patched(client, &id, json!({"op": "add", "path": "addresses", "value": address}));
            let operation = json!({"op": "replace", "path": "addresses[type eq \"work\"]",
                "value": {"locality": "Goa"}});
            let ava = patched(client, &id, operation);
            assert_eq!(ava["addresses"], json!([{"type": "work", "locality": "Goa"}]));
        });
    }

    fn a_malformed_bulk_operation_fails_alone(server: &Server) {
        as_everybody(server, |client, kind| {
            let user = |name: &str| json!({"method": "POST", "path": "/Users", "bulkId": name,
                "data": {"schemas": [uri::USER], "userName": format!("{kind}.{name}")}});
            let body = json!({"schemas": [uri::BULK], "Operations": [
                user("a"),
                {"method": "POST", "path": "/Users", "data": {"userName": "x"}},
                {"method": "PUT", "path": "/Users/1", "data": []},
                "nothing",
                user("b")]});
            let answer = client.post("/Bulk", &body).expect(200).json;
            let statuses: Vec<_> = answer["Operations"].as_array().unwrap().iter()
                .map(|result| result["status"].as_str().unwrap()).collect();
            assert_eq!(statuses, ["201", "400", "400", "400", "201"], "{kind}");
            assert_eq!(answer["Operations"][1]["response"]["scimType"], "invalidSyntax");
        });
    }

    fn silence_about_active_changes_nothing_of_it(server: &Server) {
        as_everybody(server, |client, kind| {
            let ava = create(client, &format!("{kind}.ava"), json!({})).expect(201);
            assert_eq!(ava.json["active"], true, "{kind}");
            let id = ava.id();
            assert_eq!(client.ids("/Users?filter=active eq true"), std::slice::from_ref(&id));
            patched(client, &id, json!({"op": "replace", "path": "active", "value": false}));
            for operation in [
                json!({"op": "replace", "path": "active", "value": null}),
                json!({"op": "replace", "path": "active", "value": ""}),
                json!({"op": "remove", "path": "active"}),
                json!({"op": "add", "value": {"active": null}}),
            ] {
                let after = patched(client, &id, operation.clone());
                assert_eq!(after["active"], false, "{kind} {operation}");
            }
        });
    }

    fn one_request_cannot_keep_the_server(server: &Server) {
        let client = server.client();
        let emails = |from: usize, to: usize| -> Value {
            (from..to).map(|at| json!({"value": format!("a{at}@x.example"), "type": "work"})).collect()
        };
        let id = create(&client, "ava", json!({"emails": emails(0, 1_000)})).expect(201).id();
        let path = format!("/Users/{id}");
        create(&client, "eve", json!({"emails": emails(0, 1_001)})).expect_error(413, None);
        let one = json!([{"op": "add", "path": "emails", "value": emails(1_000, 1_001)}]);
        client.patch(&path, &one).expect_error(413, None);
        let keys: serde_json::Map<_, _> = (0..20_000)
            .map(|at| (format!("emails[value eq \"a{at}\"].display"), json!("x")))
            .collect();
        client.patch(&path, &json!([{"op": "replace", "value": keys}])).expect_error(413, None);
        let filter = vec!["value eq \"x\""; 490].join(" or ");
        let remove = json!({"op": "remove", "path": format!("emails[{filter}]")});
        client.patch(&path, &json!(vec![remove; 60])).expect_error(413, None);
        let names = vec!["userName"; 60_000];
        client.post("/Users/.search", &json!({"schemas": [uri::SEARCH], "attributes": names}))
            .expect_error(413, None);
        let reversed: Value = emails(0, 1_000).as_array().unwrap().iter().rev().cloned().collect();
        let body = json!({"schemas": [uri::USER], "userName": "ava", "emails": reversed});
        client.put(&path, &body).expect(200);
        assert_eq!(client.get(&path).json["emails"].as_array().map(Vec::len), Some(1_000));
    }
}
