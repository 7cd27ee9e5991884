//! PATCH, versions and bulk requests.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

fn bulk(client: &Client, fail_on_errors: Option<u64>, operations: &Value) -> Vec<Value> {
    let mut body = json!({"schemas": [uri::BULK], "Operations": operations});
    if let Some(number) = fail_on_errors {
        body["failOnErrors"] = json!(number);
    }
    let answer = client.post("/Bulk", &body).expect(200).json;
    answer["Operations"].as_array().unwrap().clone()
}

fn new_user(name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": name,
        "data": {"schemas": [uri::USER], "userName": name}})
}

fn new_group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": name,
        "data": {"schemas": [uri::GROUP], "displayName": name, "members": members}})
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect()
}

fn id_at(result: &Value) -> String {
    result["location"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}

fn members(client: &Client, group: &str) -> Vec<String> {
    let group = client.get(&format!("/Groups/{group}")).expect(200).json;
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members
        .iter()
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

on_both_engines! {
    fn a_version_says_what_was_meant(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        let title = |version: &str, title: &str| {
            let body = json!({"schemas": [uri::PATCH], "Operations": [
                {"op": "replace", "path": "title", "value": title}]}).to_string();
            client.send("PATCH", &path, &[("if-match", version)], Some(body.as_bytes()))
        };
        let first = client.get(&path).expect(200);
        let version = first.header("etag").unwrap().to_owned();
        assert_eq!(first.json["meta"]["version"], version);
        let changed = title(&version, "A").expect(200);
        let next = changed.header("etag").unwrap().to_owned();
        assert_ne!(next, version);
        title(&version, "B").expect_error(412, None);
        assert_eq!(client.get(&path).json["title"], "A");
        title("*", "C").expect(200);
        let put = json!({"schemas": [uri::USER], "userName": "ava"}).to_string();
        client.send("PUT", &path, &[("if-match", &next)], Some(put.as_bytes()))
            .expect_error(412, None);
        client.send("DELETE", &path, &[("if-match", &next)], None).expect_error(412, None);
        let now = client.get(&path).header("etag").unwrap().to_owned();
        let unchanged = client.send("GET", &path, &[("if-none-match", &now)], None).expect(304);
        assert_eq!(unchanged.text, "");
        client.send("GET", &path, &[("if-none-match", &next)], None).expect(200);
        client.send("DELETE", &path, &[("if-match", &now)], None).expect(204);
        client.get(&path).expect_error(404, None);
    }

    fn what_changes_nothing_leaves_the_version(server: &Server) {
        let client = server.client();
        let user = client.user("ava");
        let path = format!("/Users/{user}");
        let title = json!([{"op": "replace", "path": "title", "value": "A"},
            {"op": "add", "path": "active", "value": true}]);
        let before = client.patch(&path, &title).expect(200).json;
        for operations in [
            title,
            json!([{"op": "remove", "path": "nickName"}]),
            json!([{"op": "add", "path": "active", "value": "True"}]),
        ] {
            let after = client.patch(&path, &operations);
            assert!([200, 204].contains(&after.status), "{}", after.text);
        }
        let after = client.get(&path).expect(200).json;
        assert_eq!(after["meta"], before["meta"]);
        let group = client.group("Ops", std::slice::from_ref(&user));
        let path = format!("/Groups/{group}");
        let before = client.get(&path).json["meta"].clone();
        client.patch(&path, &json!([{"op": "add", "path": "members", "value": [{"value": user}]}]))
            .expect(200);
        assert_eq!(client.get(&path).json["meta"], before);
    }

    fn a_patch_applies_whole_or_not_at_all(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        let operations = json!([
            {"op": "replace", "path": "title", "value": "A"},
            {"op": "replace", "path": "emails[type ne \"work\"].value", "value": "x@x.example"}]);
        client.patch(&path, &operations).expect_error(400, Some("noTarget"));
        let user = client.get(&path).json;
        assert!(user.get("title").is_none());
        assert_eq!(user["meta"]["version"], "W/\"1\"");
        let group = client.group("Ops", &[]);
        let ava = user["id"].as_str().unwrap();
        let unknown = uuid::Uuid::new_v4().to_string();
        let operations = json!([
            {"op": "add", "path": "members", "value": [{"value": ava}]},
            {"op": "add", "path": "members", "value": [{"value": unknown}]}]);
        let refused = client.patch(&format!("/Groups/{group}"), &operations);
        refused.expect_error(400, Some("invalidValue"));
        assert!(refused.text.contains(&unknown), "{}", refused.text);
        assert_eq!(members(&client, &group), Vec::<String>::new());
    }

    fn removing_named_members_removes_just_those(server: &Server) {
        let client = server.client();
        let mut ids: Vec<String> = (0..4).map(|at| client.user(&format!("m{at}"))).collect();
        ids.sort();
        let group = client.group("Ops", &ids);
        let path = format!("/Groups/{group}");
        let value = json!([{"value": ids[0]}]);
        client.patch(&path, &json!([{"op": "remove", "path": "members", "value": value}]))
            .expect(200);
        assert_eq!(members(&client, &group), ids[1..]);
        let one = format!("members[value eq \"{}\"]", ids[1]);
        client.patch(&path, &json!([{"op": "Remove", "path": one}])).expect(200);
        assert_eq!(members(&client, &group), ids[2..]);
        client.patch(&path, &json!([{"op": "remove", "path": "members"}])).expect(200);
        assert_eq!(members(&client, &group), Vec::<String>::new());
    }

    fn one_member_takes_the_place_of_another(server: &Server) {
        let client = server.client();
        let mut ids: Vec<String> = (0..3).map(|at| client.user(&format!("m{at}"))).collect();
        ids.sort();
        let group = client.group("Ops", &ids[..2]);
        let path = format!("/Groups/{group}");
        let swap = |from: &str, to: &str| client.patch(&path, &json!([{"op": "replace",
            "path": format!("members[value eq \"{from}\"]"), "value": {"value": to}}]));
        swap(&ids[0], &ids[2]).expect(200);
        assert_eq!(members(&client, &group), ids[1..]);
        let before = client.get(&path).json;
        swap(&ids[2], &ids[2]).expect(200);
        assert_eq!(client.get(&path).json, before);
        swap(&ids[0], &ids[2]).expect_error(400, Some("noTarget"));
        client.patch(&path, &json!([{"op": "replace", "path": "members", "value": [{}]}]))
            .expect_error(400, Some("invalidValue"));
        client.put(&path, &json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": [{}]}))
            .expect_error(400, Some("invalidValue"));
        assert_eq!(members(&client, &group), ids[1..]);
    }

    fn a_group_is_never_its_own_member(server: &Server) {
        let client = server.client();
        let inner = client.group("Inner", &[]);
        let outer = client.group("Outer", std::slice::from_ref(&inner));
        for member in [&outer, &inner] {
            let operations = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
            client.patch(&format!("/Groups/{inner}"), &operations)
                .expect_error(400, Some("invalidValue"));
        }
        assert_eq!(members(&client, &inner), Vec::<String>::new());
    }

    fn a_deleted_user_is_gone_and_may_come_back(server: &Server) {
        let client = server.client();
        let user = client.user("ava");
        let group = client.group("Ops", std::slice::from_ref(&user));
        client.delete(&format!("/Users/{user}")).expect(204);
        client.get(&format!("/Users/{user}")).expect_error(404, None);
        client.delete(&format!("/Users/{user}")).expect_error(404, None);
        assert_eq!(members(&client, &group), Vec::<String>::new());
        assert_eq!(client.get("/Users").json["totalResults"], 0);
        client.user("ava");
    }

    fn a_group_that_loses_a_member_has_another_version(server: &Server) {
        let client = server.client();
        let (ava, bo) = (client.user("ava"), client.user("bo"));
        let inner = client.group("Inner", std::slice::from_ref(&ava));
        let outer = client.group("Outer", &[inner.clone(), bo.clone()]);
        let known = |group: &str| {
            let (client, path) = (client.clone(), format!("/Groups/{group}"));
            let tag = client.get(&path).header("etag").unwrap().to_owned();
            move || client.send("GET", &path, &[("if-none-match", &tag)], None).status
        };
        let of_inner = known(&inner);
        let of_outer = known(&outer);
        client.delete(&format!("/Users/{ava}")).expect(204);
        assert_eq!((of_inner(), of_outer()), (200, 304));
        client.delete(&format!("/Groups/{inner}")).expect(204);
        assert_eq!(of_outer(), 200);
        assert_eq!(members(&client, &outer), [bo]);
    }

    fn a_user_whose_groups_change_has_another_tag(server: &Server) {
        let client = server.client();
        let ava = client.user("ava");
        let path = format!("/Users/{ava}");
        let read = || {
            let read = client.get(&path).expect(200);
            let tag = read.header("etag").unwrap().to_owned();
            assert_eq!(read.json["meta"]["version"], tag);
            let filter = tag.replace('"', "\\\"");
            let found = client.get(&format!("/Users?filter=meta.version eq \"{filter}\""));
            assert_eq!(found.json["Resources"][0]["meta"]["version"], tag, "{}", found.text);
            tag
        };
        let status = |tag: &str| client.send("GET", &path, &[("if-none-match", tag)], None).status;
        let mut tag = read();
        let mut check = |moved: bool| {
            assert_eq!(status(&tag), if moved { 200 } else { 304 });
            tag = read();
        };
        let group = client.group("Ops", std::slice::from_ref(&ava));
        check(true);
        check(false);
        let other = client.group("Other", &[]);
        check(false);
        let name = json!([{"op": "replace", "path": "displayName", "value": "Operations"}]);
        client.patch(&format!("/Groups/{group}"), &name).expect(200);
        check(true);
        let member = json!([{"op": "add", "path": "members", "value": [{"value": ava}]}]);
        client.patch(&format!("/Groups/{other}"), &member).expect(200);
        check(true);
        client.delete(&format!("/Groups/{other}")).expect(204);
        check(true);
        let tag = read();
        client.delete(&format!("/Groups/{group}")).expect(204);
        assert_eq!(status(&tag), 200);
        // The user as such is the one that the client knows.
        let title = json!({"schemas": [uri::PATCH], "Operations": [
            {"op": "replace", "path": "title", "value": "T"}]}).to_string();
        client.send("PATCH", &path, &[("if-match", &tag)], Some(title.as_bytes())).expect(200);
        client.send("PATCH", &path, &[("if-match", &tag)], Some(title.as_bytes()))
            .expect_error(412, None);
    }

    fn a_user_of_whom_nobody_says_active_is_active(server: &Server) {
        let client = server.client();
        let silent = client.user("ava");
        let path = format!("/Users/{silent}");
        let put = json!({"schemas": [uri::USER], "userName": "ava", "title": "T"});
        assert_eq!(client.put(&path, &put).expect(200).json["active"], true);
        assert_eq!(server.items(&["user", "list", "--json"])[0]["status"], "active");
        for (filter, count) in [("active pr", 1), ("active eq true", 1), ("active eq false", 0)] {
            let found = client.get(&format!("/Users?filter={filter}"));
            assert_eq!(found.json["totalResults"], count, "{filter}");
        }
        // To say it changes nothing.
        let said = client.patch(&path, &json!([{"op": "add", "path": "active", "value": true}]));
        assert_eq!(said.expect(200).json["active"], true);
        assert_eq!(client.get(&path).header("etag"), Some("W/\"2\""));
    }

    fn silence_about_active_lets_no_leaver_in(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        client.patch(&path, &json!([{"op": "replace", "path": "active", "value": false}]))
            .expect(200);
        for operations in [
            json!([{"op": "replace", "path": "active", "value": null}]),
            json!([{"op": "Replace", "path": "active", "value": ""}]),
            json!([{"op": "add", "path": "active", "value": null}]),
            json!([{"op": "remove", "path": "active"}]),
            json!([{"op": "replace", "value": {"active": null}}]),
            json!([{"op": "add", "value": {"title": "T", "active": null}}]),
        ] {
            let answer = client.patch(&path, &operations);
            assert!([200, 400].contains(&answer.status), "{}", answer.text);
            assert_eq!(client.get(&path).json["active"], false, "{operations}");
            let listed = server.items(&["user", "list", "--json"]);
            assert_eq!(listed[0]["status"], "blocked", "{operations}");
        }
    }

    fn deactivation_stays_readable(server: &Server) {
        let client = server.client();
        let path = format!("/Users/{}", client.user("ava"));
        let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
        assert_eq!(client.patch(&path, &off).expect(200).json["active"], false);
        assert_eq!(client.get("/Users?filter=active eq false").json["totalResults"], 1);
        let listed = server.items(&["user", "list", "--json"]);
        assert_eq!(listed[0]["status"], "blocked");
        let on = json!([{"op": "replace", "value": {"active": true}}]);
        assert_eq!(client.patch(&path, &on).expect(200).json["active"], true);
        assert_eq!(server.items(&["user", "list", "--json"])[0]["status"], "active");
    }

    fn bulk_operations_refer_to_each_other_in_any_order(server: &Server) {
        let client = server.client();
        let results = bulk(&client, None, &json!([
            new_group("Ops", &["bulkId:ava", "bulkId:bo"]), new_user("ava"), new_user("bo"),
            {"method": "PATCH", "path": "/Users/bulkId:ava", "data": {"schemas": [uri::PATCH],
                "Operations": [{"op": "replace", "path": "title", "value": "T"}]}},
            {"method": "DELETE", "path": "/Users/bulkId:bo"}]));
        assert_eq!(statuses(&results), ["201", "201", "201", "200", "204"]);
        let ava = id_at(&results[1]);
        assert_eq!(client.get(&format!("/Users/{ava}")).json["title"], "T");
        assert_eq!(members(&client, &id_at(&results[0])), [ava]);
        assert!(results[1]["version"].is_string());
        assert_eq!(results[1]["bulkId"], "ava");
    }

    fn bulk_references_stand_where_the_schema_has_them(server: &Server) {
        let client = server.client();
        let mut ava = new_user("ava");
        ava["data"]["title"] = json!("bulkId:bo");
        let group = client.group("Old", &[]);
        let patch = |path: &str, operation: Value| {
            json!({"method": "PATCH", "path": path,
                "data": {"schemas": [uri::PATCH], "Operations": [operation]}})
        };
        let results = bulk(&client, Some(1), &json!([ava, new_user("bo"),
            patch(&format!("/Groups/{group}"), json!({"op": "add", "path": "members",
                "value": [{"value": "bulkId:ava"}, {"$ref": "bulkId:bo"}]})),
            patch("/Users/bulkId:bo", json!({"op": "add", "path": "title", "value": "bulkId:ava"})),
        ]));
        assert_eq!(statuses(&results), ["201", "201", "200", "200"]);
        let (ava, bo) = (id_at(&results[0]), id_at(&results[1]));
        let title = |id: &str| client.get(&format!("/Users/{id}")).json["title"].clone();
        assert_eq!((title(&ava), title(&bo)), (json!("bulkId:bo"), json!("bulkId:ava")));
        assert_eq!(members(&client, &group).len(), 2);
        // The number of errors may be text, and a filter refers to what is created beside it.
        let body = json!({"schemas": [uri::BULK], "failOnErrors": "1", "Operations": [new_user("cy"),
            patch(&format!("/Groups/{group}"),
                json!({"op": "add", "path": "members", "value": "bulkId:cy"})),
            patch(&format!("/Groups/{group}"),
                json!({"op": "remove", "path": "members[value eq \"bulkId:cy\"]"})),
            patch("/Users/nobody", json!({"op": "add", "path": "title", "value": "T"})),
            new_user("never")]});
        let answer = client.post("/Bulk", &body).expect(200).json;
        let results = answer["Operations"].as_array().unwrap();
        assert_eq!(statuses(results), ["201", "200", "200", "404"]);
        assert_eq!(members(&client, &group).len(), 2);
    }

    fn bulk_references_may_go_in_circles(server: &Server) {
        let client = server.client();
        let manager = |name: &str, manager: &str| {
            let mut operation = new_user(name);
            operation["data"][uri::ENTERPRISE] =
                json!({"manager": {"value": format!("bulkId:{manager}")}});
            operation
        };
        let results = bulk(&client, None, &json!([manager("ava", "bo"), manager("bo", "ava")]));
        assert_eq!(statuses(&results), ["201", "201"]);
        let (ava, bo) = (id_at(&results[0]), id_at(&results[1]));
        for (user, manager) in [(&ava, &bo), (&bo, &ava)] {
            let read = client.get(&format!("/Users/{user}")).json;
            assert_eq!(read[uri::ENTERPRISE]["manager"]["value"], **manager);
        }
        let unknown = bulk(&client, None, &json!([new_group("Lost", &["bulkId:nobody"])]));
        assert_eq!(unknown[0]["status"], "400");
        assert_eq!(client.get("/Groups").json["totalResults"], 0);
    }

    fn groups_in_a_circle_are_not_created(server: &Server) {
        let client = server.client();
        let results = bulk(&client, None, &json!([
            new_group("Around", &["bulkId:ga"]),
            new_group("ga", &["bulkId:ava", "bulkId:gb"]), new_group("gb", &["bulkId:ga"]),
            new_group("self", &["bulkId:self"]), new_user("ava"),
            new_group("Ops", &["bulkId:ava"])]));
        assert_eq!(statuses(&results), ["400", "409", "409", "409", "201", "201"]);
        assert!(results[1].get("location").is_none(), "{}", results[1]);
        assert_eq!(client.get("/Groups").json["totalResults"], 1);
    }

    fn who_lacks_a_reference_is_not_reported_as_created(server: &Server) {
        let client = server.client();
        client.user("bo");
        let manager = |name: &str, manager: &str| {
            let mut operation = new_user(name);
            operation["data"][uri::ENTERPRISE] =
                json!({"manager": {"value": format!("bulkId:{manager}")}});
            operation
        };
        let results = bulk(&client, None, &json!([
            new_group("Ops", &["bulkId:ava"]), manager("ava", "bo"), manager("bo", "ava")]));
        assert_eq!(statuses(&results), ["201", "409", "409"]);
        let ava = id_at(&results[1]);
        assert_eq!(members(&client, &id_at(&results[0])), [ava]);
        assert!(results[2].get("location").is_none(), "{}", results[2]);
    }

    fn bulk_answers_say_where(server: &Server) {
        let client = server.client();
        let user = client.user("ava");
        let at = client.get(&format!("/Users/{user}")).json["meta"]["location"].clone();
        let missing = format!("/Users/{}", uuid::Uuid::new_v4());
        let wrong = json!({"schemas": [uri::PATCH], "Operations": [{"op": "replace",
            "path": "userName", "value": ""}]});
        let results = bulk(&client, None, &json!([
            {"method": "PATCH", "path": format!("/Users/{user}"), "data": wrong},
            {"method": "PUT", "path": format!("/Users/{user}"), "data": {"userName": ""}},
            {"method": "DELETE", "path": missing},
            {"method": "DELETE", "path": format!("/Users/{user}")}]));
        assert_eq!(statuses(&results), ["400", "400", "404", "204"]);
        assert_eq!(results[0]["location"], at);
        assert_eq!(results[1]["location"], at);
        let other = results[2]["location"].as_str().unwrap();
        assert!(other.ends_with(&missing), "{other}");
        assert_eq!(results[3]["location"], at);
    }

    fn a_large_group_is_answered_with_its_version_alone(server: &Server) {
        let client = server.client();
        let mut operations: Vec<Value> = (0..101).map(|at| new_user(&format!("u{at}"))).collect();
        let names: Vec<String> = (0..101).map(|at| format!("bulkId:u{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        operations.push(new_group("Ops", &names));
        let results = bulk(&client, None, &json!(operations));
        let path = format!("/Groups/{}", id_at(&results[101]));
        let late = client.user("late");
        let added = client.patch(&path, &json!([
            {"op": "add", "path": "members", "value": [{"value": late}]}])).expect(204);
        assert_eq!(added.header("etag"), Some("W/\"2\""));
        assert_eq!(client.get(&path).header("etag"), Some("W/\"2\""));
    }

    fn fail_on_errors_ends_a_bulk_request(server: &Server) {
        let client = server.client();
        client.user("taken");
        let operations = json!([
            new_user("one"), new_user("taken"), new_user("two"),
            {"method": "DELETE", "path": "/Users/00000000-0000-7000-8000-000000000000"},
            new_user("three")]);
        let results = bulk(&client, Some(2), &operations);
        assert_eq!(statuses(&results), ["201", "409", "201", "404"]);
        assert_eq!(results[1]["response"]["scimType"], "uniqueness");
        assert_eq!(client.get("/Users?filter=userName eq \"three\"").json["totalResults"], 0);
        let results = bulk(&client, None, &operations);
        assert_eq!(statuses(&results), ["409", "409", "409", "404", "201"]);
    }

    fn bulk_operations_heed_versions(server: &Server) {
        let client = server.client();
        let user = client.user("ava");
        let delete = |version: &str| bulk(&client, None, &json!([{
            "method": "DELETE", "path": format!("/Users/{user}"), "version": version}]));
        assert_eq!(statuses(&delete("W/\"7\"")), ["412"]);
        assert_eq!(statuses(&delete("W/\"1\"")), ["204"]);
    }
}
