//! Lists, searches, pages, projections and discovery.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::collections::BTreeSet;

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

fn people(client: &Client, count: usize) -> Vec<String> {
    (0..count)
        .map(|at| {
            let mut body = json!({
                "schemas": [uri::USER], "userName": format!("p{at:03}"),
                "emails": [{"value": format!("p{at}@x.example"), "type": "work"}]
            });
            if at % 3 != 0 {
                body["title"] = json!(format!("T{}", at % 4));
            }
            client.post("/Users", &body).expect(201).id()
        })
        .collect()
}

/// Walks every page by cursor and answers the ids in their order.
fn walk(client: &Client, query: &str, between: &mut dyn FnMut(usize)) -> Vec<String> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let list = client
            .get(&format!("/Users?{query}&cursor={cursor}"))
            .expect(200)
            .json;
        for resource in list["Resources"].as_array().unwrap() {
            seen.push(resource["id"].as_str().unwrap().to_owned());
        }
        assert!(list.get("startIndex").is_none());
        match list["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return seen,
        }
        between(page);
    }
    seen
}

on_both_engines! {
    fn index_pages_have_a_steady_order(server: &Server) {
        let client = server.client();
        let ids = people(&client, 25);
        let mut seen = Vec::new();
        for start in (1..=25).step_by(7) {
            let list = client.get(&format!("/Users?startIndex={start}&count=7")).expect(200);
            assert_eq!(list.json["totalResults"], 25);
            assert_eq!(list.json["startIndex"], start);
            seen.extend(client.ids(&format!("/Users?startIndex={start}&count=7")));
        }
        assert_eq!(seen, ids, "in order of creation, each once");
        let past = client.get("/Users?startIndex=26").expect(200);
        assert_eq!(past.json["Resources"], json!([]));
        assert_eq!(client.get("/Users?count=0").json["totalResults"], 25);
    }

    fn a_cursor_walk_sees_who_was_there_throughout(server: &Server) {
        let client = server.client();
        let ids = people(&client, 30);
        let mut gone = BTreeSet::new();
        let seen = walk(&client, "count=7", &mut |page| {
            client.user(&format!("new{page}"));
            let victim = &ids[page * 2];
            client.delete(&format!("/Users/{victim}")).expect(204);
            gone.insert(victim.clone());
        });
        let unique: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "nobody twice");
        for id in ids.iter().filter(|id| !gone.contains(*id)) {
            assert!(unique.contains(id), "{id}");
        }
    }

    fn cursor_walks_follow_every_order(server: &Server) {
        let client = server.client();
        people(&client, 20);
        for sort in ["userName", "title", "meta.lastModified", "emails.value", "active"] {
            for order in ["ascending", "descending"] {
                let query = format!("sortBy={sort}&sortOrder={order}");
                let whole = client.ids(&format!("/Users?{query}&count=100"));
                assert_eq!(whole.len(), 20);
                let walked = walk(&client, &format!("{query}&count=3"), &mut |_| {});
                assert_eq!(walked, whole, "{query}");
            }
        }
    }

    fn sorting_puts_missing_values_last_ascending(server: &Server) {
        let client = server.client();
        people(&client, 9);
        let titles = |order: &str| -> Vec<Value> {
            let list = client.get(&format!("/Users?sortBy=title&sortOrder={order}")).expect(200);
            let resources = list.json["Resources"].as_array().unwrap().clone();
            resources.into_iter().map(|r| r["title"].clone()).collect()
        };
        let ascending = titles("ascending");
        let named: Vec<&str> = ascending.iter().filter_map(Value::as_str).collect();
        assert_eq!(named, ["T0", "T0", "T1", "T1", "T2", "T3"]);
        assert!(ascending[6..].iter().all(Value::is_null));
        assert!(titles("descending")[..3].iter().all(Value::is_null));
        client.get("/Users?sortBy=nosuch").expect_error(400, Some("invalidPath"));
    }

    fn cursors_are_bound_to_their_query(server: &Server) {
        let client = server.client();
        people(&client, 5);
        let list = client.get("/Users?cursor&count=2").expect(200).json;
        let cursor = list["nextCursor"].as_str().unwrap().to_owned();
        assert!(cursor.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)));
        let next = |query: &str| client.get(&format!("/Users?{query}"));
        next(&format!("cursor={cursor}&count=2")).expect(200);
        next(&format!("cursor={cursor}&count=3")).expect_error(400, Some("invalidCount"));
        next(&format!("cursor={cursor}&count=2&filter=title%20pr"))
            .expect_error(400, Some("invalidCursor"));
        next(&format!("cursor={cursor}&count=2&sortBy=title"))
            .expect_error(400, Some("invalidCursor"));
        client.get(&format!("/Groups?cursor={cursor}&count=2"))
            .expect_error(400, Some("invalidCursor"));
        let forged = format!("{}{}", if cursor.starts_with('A') { "B" } else { "A" }, &cursor[1..]);
        next(&format!("cursor={forged}&count=2")).expect_error(400, Some("invalidCursor"));
        next("cursor=garbage").expect_error(400, Some("invalidCursor"));
        let other = server.configuration("Other").client;
        other.get(&format!("/Users?cursor={cursor}&count=2"))
            .expect_error(400, Some("invalidCursor"));
    }

    fn a_search_is_the_same_query(server: &Server) {
        let client = server.client();
        people(&client, 12);
        client.group("Ops", &[]);
        let body = json!({"schemas": [uri::SEARCH], "filter": "title eq \"t1\"", "count": 2,
            "sortBy": "userName", "sortOrder": "descending", "attributes": ["userName"]});
        let searched = client.post("/Users/.search", &body).expect(200);
        let listed = client.get(
            "/Users?filter=title eq \"t1\"&count=2&sortBy=userName&sortOrder=descending\
             &attributes=userName").expect(200);
        assert_eq!(searched.json, listed.json);
        assert_eq!(searched.json["itemsPerPage"], 2);
        let all = client.post("/.search", &json!({"schemas": [uri::SEARCH]})).expect(200);
        assert_eq!(all.json["totalResults"], 13);
        let some = json!({"schemas": [uri::SEARCH], "startIndex": 12, "count": 5});
        let some = client.post("/.search", &some).expect(200);
        let kinds: Vec<&Value> = some.json["Resources"].as_array().unwrap().iter()
            .map(|resource| &resource["meta"]["resourceType"]).collect();
        assert_eq!(kinds, ["User", "Group"]);
        let ops = json!({"schemas": [uri::SEARCH], "filter": "displayName eq \"ops\""});
        assert_eq!(client.post("/.search", &ops).expect(200).json["totalResults"], 1);
    }

    fn projections_hold_what_was_asked_for(server: &Server) {
        let client = server.client();
        let body = json!({"schemas": [uri::USER, uri::ENTERPRISE], "userName": "ava",
            "name": {"givenName": "Ava", "familyName": "Stone"}, "title": "T",
            "emails": [{"value": "a@x.example", "type": "work"}],
            uri::ENTERPRISE: {"department": "IT", "employeeNumber": "7"}});
        let created = client.post("/Users?attributes=userName", &body).expect(201);
        let names: Vec<&String> = created.json.as_object().unwrap().keys().collect();
        assert_eq!(names, ["schemas", "id", "userName"]);
        let id = created.id();
        client.group("Ops", std::slice::from_ref(&id));
        let get = |query: &str| client.get(&format!("/Users/{id}?{query}")).expect(200).json;
        let part = get(&format!("attributes=name.givenName,emails.value,{}:department", uri::ENTERPRISE));
        assert_eq!(part["name"], json!({"givenName": "Ava"}));
        assert_eq!(part["emails"], json!([{"value": "a@x.example"}]));
        assert_eq!(part[uri::ENTERPRISE], json!({"department": "IT"}));
        assert!(part.get("title").is_none() && part.get("groups").is_none());
        let part = get(&format!("excludedAttributes=name.familyName,groups,{}", uri::ENTERPRISE));
        assert_eq!(part["name"], json!({"givenName": "Ava"}));
        assert!(part.get(uri::ENTERPRISE).is_none() && part.get("groups").is_none());
        assert_eq!(part["title"], "T");
        assert_eq!(get("attributes=groups.display")["groups"], json!([{"display": "Ops"}]));
        let all = get("excludedAttributes=userName,id");
        assert_eq!(all["id"], id, "id is always returned");
        assert!(all.get("userName").is_none());
        client.get(&format!("/Users/{id}?attributes=a&excludedAttributes=b"))
            .expect_error(400, Some("invalidValue"));
    }

    fn memberships_can_be_filtered_from_both_sides(server: &Server) {
        let client = server.client();
        let (ava, bo) = (client.user("ava"), client.user("bo"));
        let ops = client.group("Ops", std::slice::from_ref(&ava));
        let all = client.group("All", &[ops.clone(), bo.clone()]);
        let groups = |filter: &str| client.ids(&format!("/Groups?filter={filter}"));
        assert_eq!(groups(&format!("members eq \"{ava}\"")), std::slice::from_ref(&ops));
        assert_eq!(groups(&format!("members[value eq \"{bo}\"]")), std::slice::from_ref(&all));
        assert_eq!(groups("members[type eq \"group\" and display eq \"OPS\"]"), std::slice::from_ref(&all));
        assert_eq!(groups("not (members.display co \"av\")"), std::slice::from_ref(&all));
        let users = |filter: &str| client.ids(&format!("/Users?filter={filter}"));
        assert_eq!(users(&format!("groups.value eq \"{ops}\"")), std::slice::from_ref(&ava));
        assert_eq!(users("groups.display eq \"all\""), std::slice::from_ref(&bo));
        assert_eq!(users("not (groups pr)"), Vec::<String>::new());
        let base = &client.base.replace("127.0.0.1", "localhost");
        assert_eq!(users(&format!("meta.location eq \"{base}/Users/{ava}\"")), std::slice::from_ref(&ava));
        let version = client.get(&format!("/Users/{bo}")).json["meta"]["version"].to_string();
        assert_eq!(users(&format!("meta.version eq {version} and userName eq \"bo\"")), [bo]);
        assert_eq!(groups("meta.resourceType eq \"Group\"").len(), 2);
        let nested = client.get(&format!("/Groups/{all}")).json;
        assert!(nested["members"].as_array().unwrap().iter().any(|m| m["type"] == "Group"));
    }

    fn discovery_documents_are_complete(server: &Server) {
        let client = server.client();
        let config = client.get("/ServiceProviderConfig").expect(200).json;
        assert_eq!(config["pagination"]["cursor"], true);
        assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
        assert_eq!(config["pagination"]["maxPageSize"], 1000);
        assert_eq!(config["changePassword"]["supported"], false);
        let schemas = client.get("/Schemas").expect(200).json;
        assert_eq!(schemas["totalResults"], 6);
        for schema in schemas["Resources"].as_array().unwrap() {
            let id = schema["id"].as_str().unwrap();
            assert_eq!(&client.get(&format!("/Schemas/{id}")).expect(200).json, schema);
        }
        let types = client.get("/ResourceTypes").expect(200).json;
        assert_eq!(types["Resources"][0]["name"], "User");
        assert_eq!(types["Resources"][1]["name"], "Group");
        client.get("/Schemas?filter=id%20pr").expect_error(403, None);
        client.get("/Schemas/urn:nosuch").expect_error(404, None);
    }
}
