//! Who is outside the view of a configuration is neither seen nor touched.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Client, Response, Server, on_both_engines, uri};
use serde_json::{Value, json};

const NAME: &str = "root@corp.example";
const EMAIL: &str = "chief@corp.example";

/// Adds a tenant admin by hand and answers the id.
fn tenant_admin(server: &Server) -> String {
    let words = [
        "user",
        "add",
        "--user-name",
        NAME,
        "--email",
        EMAIL,
        "--tenant-admin",
        "--json",
    ];
    server.json(&words)["id"].as_str().unwrap().to_owned()
}

fn user(name: &str, email: Option<&str>) -> Value {
    let mut body = json!({"schemas": [uri::USER], "userName": name});
    if let Some(email) = email {
        body["emails"] = json!([{"value": email, "type": "home"}]);
    }
    body
}

fn send(client: &Client, method: &str, path: &str, body: Option<&Value>) -> Response {
    let body = body.map(ToString::to_string);
    client.send(method, path, &[], body.as_deref().map(str::as_bytes))
}

/// Checks that requests to the id are answered as those to an id that nobody has.
fn is_unknown(client: &Client, resource: &str, id: &str, schema: &str) {
    let nobody = uuid::Uuid::now_v7().to_string();
    let put = json!({"schemas": [schema], "userName": "other", "displayName": "other"});
    let patch = json!({"schemas": [uri::PATCH], "Operations": [
        {"op": "replace", "path": "displayName", "value": "other"}]});
    let requests = [
        ("GET", None),
        ("PUT", Some(&put)),
        ("PATCH", Some(&patch)),
        ("DELETE", None),
    ];
    for (method, body) in requests {
        let theirs = send(client, method, &format!("/{resource}/{id}"), body);
        theirs.expect_error(404, None);
        let unknown = send(client, method, &format!("/{resource}/{nobody}"), body);
        assert_eq!(
            theirs.text.replace(id, "ID"),
            unknown.text.replace(&nobody, "ID")
        );
        let names = |answer: &Response| -> Vec<String> {
            answer
                .headers
                .iter()
                .map(|(name, _)| name.clone())
                .collect()
        };
        assert_eq!(names(&theirs), names(&unknown), "{method}");
    }
    let path = format!("/{resource}/{id}");
    assert_eq!(client.send("HEAD", &path, &[], None).status, 404);
    client
        .send("GET", &path, &[("if-none-match", "*")], None)
        .expect_error(404, None);
}

/// What is stored of the tenant admin.
fn stored(server: &Server) -> Value {
    let people = server.items(&["user", "list", "--json"]);
    let people = people.as_array().unwrap();
    people
        .iter()
        .find(|person| person["userName"] == NAME)
        .unwrap()
        .clone()
}

/// A session of the console of a new administrator: its cookie and the token of its forms.
fn console(server: &Server) -> (Client, String, String) {
    let password = "correct horse battery staple";
    let added = server.run_with_input(
        &["account", "add", "ada", "--role", "administrator"],
        password,
    );
    assert!(added.status.success(), "{added:?}");
    let client = Client::new(&server.base.replace("/api/scim/v2", "/admin"), "");
    let body = format!("name=ada&password={}", password.replace(' ', "+"));
    let signed_in = client.send("POST", "/login", &FORM, Some(body.as_bytes()));
    let cookie = signed_in.header("set-cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = client.send("GET", "/users", &[("cookie", &cookie)], None);
    let (_, rest) = page
        .text
        .split_once("name=\"form_token\" value=\"")
        .unwrap();
    let token = rest.split('"').next().unwrap().to_owned();
    (client, cookie, token)
}

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

on_both_engines! {
    fn a_tenant_admin_has_no_id(server: &Server) {
        let admin = tenant_admin(server);
        let client = server.client();
        let before = stored(server);
        is_unknown(&client, "Users", &admin, uri::USER);
        assert_eq!(stored(server), before);
    }

    fn a_tenant_admin_is_in_no_list(server: &Server) {
        let admin = tenant_admin(server);
        let client = server.client();
        let ids: Vec<String> = (0..5).map(|at| client.user(&format!("u{at}"))).collect();
        for filter in [
            format!("userName eq \"{NAME}\""), "userName co \"root\"".to_owned(),
            "userName sw \"ROOT\"".to_owned(), format!("emails.value eq \"{EMAIL}\""),
            format!("emails[value co \"{EMAIL}\"]"), format!("id eq \"{admin}\""),
            "not (userName sw \"u\")".to_owned(), format!("meta.location co \"{admin}\""),
        ] {
            let body = json!({"schemas": [uri::SEARCH], "filter": filter});
            for path in ["/Users/.search", "/.search"] {
                let found = client.post(path, &body).expect(200).json;
                assert_eq!(found["totalResults"], 0, "{filter}");
            }
        }
        for query in ["", "?filter=userName pr", "?sortBy=userName", "?cursor&count=2"] {
            assert_eq!(client.get(&format!("/Users{query}")).expect(200).json["totalResults"], 5);
        }
        let mut seen = Vec::new();
        for start in 1..=5 {
            let page = client.ids(&format!("/Users?startIndex={start}&count=1"));
            assert_eq!(page.len(), 1, "no gap at {start}");
            seen.extend(page);
        }
        assert_eq!(seen, ids);
    }

    fn the_names_of_a_tenant_admin_are_taken(server: &Server) {
        tenant_admin(server);
        let client = server.client();
        client.user("taken");
        let ordinary = client.post("/Users", &user("Taken", None));
        ordinary.expect_error(409, Some("uniqueness"));
        let full_width: String = NAME.chars()
            .map(|c| if c.is_ascii_lowercase() { char::from_u32(c as u32 + 0xFEE0).unwrap() } else { c })
            .collect();
        for body in [
            user(NAME, None), user(&NAME.to_uppercase(), None), user(&full_width, None),
            user("a", Some(EMAIL)), user("a", Some(&EMAIL.to_uppercase())),
            user(EMAIL, None), user("a", Some(NAME)),
        ] {
            let answer = client.post("/Users", &body);
            answer.expect_error(409, Some("uniqueness"));
        }
        let same_name = client.post("/Users", &user(NAME, None));
        assert_eq!(same_name.json["detail"], ordinary.json["detail"]);
        let ava = client.user("ava");
        let path = format!("/Users/{ava}");
        client.put(&path, &user(NAME, None)).expect_error(409, Some("uniqueness"));
        client.put(&path, &user("ava", Some(EMAIL))).expect_error(409, Some("uniqueness"));
        for (attribute, value) in [
            ("userName", json!(NAME)), ("userName", json!(EMAIL)),
            ("emails", json!([{"value": EMAIL, "type": "work"}])),
        ] {
            let operations = json!([
                {"op": "replace", "path": "title", "value": "T"},
                {"op": "replace", "path": attribute, "value": value}]);
            client.patch(&path, &operations).expect_error(409, Some("uniqueness"));
        }
        let ava = client.get(&path).json;
        assert_eq!((&ava["userName"], ava.get("title")), (&json!("ava"), None));
        assert_eq!(ava["meta"]["version"], "W/\"1\"");
    }

    fn a_tenant_admin_is_no_member(server: &Server) {
        let admin = tenant_admin(server);
        let client = server.client();
        let group = client.group("Ops", &[]);
        let path = format!("/Groups/{group}");
        let unknown = uuid::Uuid::now_v7().to_string();
        let said = |id: &str| {
            let members = json!([{"value": id}]);
            let patched = client.patch(&path, &json!([
                {"op": "add", "path": "members", "value": members}]));
            let group = json!({"schemas": [uri::GROUP], "displayName": "New", "members": members});
            let put = client.put(&path, &group);
            let posted = client.post("/Groups", &group);
            [patched, put, posted].map(|answer| {
                answer.expect_error(400, Some("invalidValue"));
                answer.text.replace(id, "ID")
            })
        };
        assert_eq!(said(&admin), said(&unknown));
        assert_eq!(client.get(&path).json.get("members"), None);
        assert_eq!(client.get("/Groups").json["totalResults"], 1);
    }

    fn bulk_requests_are_no_way_round(server: &Server) {
        let admin = tenant_admin(server);
        let client = server.client();
        let before = stored(server);
        let group = json!({"schemas": [uri::GROUP], "displayName": "g", "members": [{"value": admin}]});
        let patch = json!({"schemas": [uri::PATCH], "Operations": [
            {"op": "replace", "path": "active", "value": false}]});
        let path = format!("/Users/{admin}");
        let operations = json!([
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(NAME, None)},
            {"method": "PUT", "path": path, "data": user("other", None)},
            {"method": "PATCH", "path": path, "data": patch},
            {"method": "DELETE", "path": path},
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group}]);
        let body = json!({"schemas": [uri::BULK], "Operations": operations});
        let answer = client.post("/Bulk", &body).expect(200).json;
        let results = answer["Operations"].as_array().unwrap();
        let statuses: Vec<&str> = results.iter().map(|r| r["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["409", "404", "404", "404", "400"]);
        assert_eq!(stored(server), before);
    }

    fn an_external_id_is_no_key(server: &Server) {
        let admin = tenant_admin(server);
        let client = server.client();
        for (name, external) in [("a", admin.as_str()), ("b", EMAIL), ("c", NAME)] {
            let mut body = user(name, None);
            body["externalId"] = json!(external);
            let created = client.post("/Users", &body).expect(201);
            assert_ne!(created.id(), admin);
            assert_eq!(created.json["externalId"], external);
        }
        let mut body = user("d", None);
        body["roles"] = json!([{"value": "TENANT_ADMIN"}]);
        body["userType"] = json!("TENANT_ADMIN");
        client.post("/Users", &body).expect(201);
        let people = server.items(&["user", "list", "--json"]);
        let admins = people.as_array().unwrap().iter().filter(|p| p["tenantAdmin"] == true);
        assert_eq!(admins.count(), 1);
    }

    fn a_person_made_by_hand_waits_for_an_administrator(server: &Server) {
        let made = server.json(&["user", "add", "--user-name", "hand", "--json"]);
        let client = server.client();
        client.post("/Users", &user("HAND", None)).expect_error(409, Some("uniqueness"));
        is_unknown(&client, "Users", made["id"].as_str().unwrap(), uri::USER);
        assert_eq!(client.get("/Users?filter=userName eq \"hand\"").json["totalResults"], 0);
    }

    fn a_policy_links_people_but_never_those_with_a_role(server: &Server) {
        let person = server.json(&["user", "add", "--user-name", "hand", "--json"]);
        server.json(&["user", "add", "--user-name", "boss", "--role", "Administrator", "--json"]);
        tenant_admin(server);
        let options = ["--users", "--existing-users", "link"];
        let client = server.configuration_with("Links", &options).client;
        let linked = client.post("/Users", &user("hand", None));
        assert!([200, 201].contains(&linked.status), "{}", linked.text);
        assert_eq!(linked.json["id"], person["id"]);
        for name in ["boss", NAME] {
            client.post("/Users", &user(name, None)).expect_error(409, Some("uniqueness"));
        }
        assert_eq!(client.get("/Users").json["totalResults"], 1);
    }

    fn a_configuration_sees_nothing_of_another(server: &Server) {
        let one = server.configuration("One").client;
        let two = server.configuration("Two").client;
        let (ava, ops) = (one.user("ava"), one.group("Ops", &[]));
        is_unknown(&two, "Users", &ava, uri::USER);
        is_unknown(&two, "Groups", &ops, uri::GROUP);
        assert_eq!(two.get("/Users").json["totalResults"], 0);
        assert_eq!(two.get("/Groups").json["totalResults"], 0);
        let search = json!({"schemas": [uri::SEARCH]});
        assert_eq!(two.post("/.search", &search).json["totalResults"], 0);
        two.post("/Users", &user("ava", None)).expect_error(409, Some("uniqueness"));
        let group = json!({"schemas": [uri::GROUP], "displayName": "x", "members": [{"value": ava}]});
        two.post("/Groups", &group).expect_error(400, Some("invalidValue"));
        assert_eq!(one.get(&format!("/Users/{ava}")).expect(200).json["userName"], "ava");
    }

    fn nobody_changes_a_tenant_admin_from_here(server: &Server) {
        let admin = tenant_admin(server);
        let before = stored(server);
        for words in [
            vec!["block"], vec!["unblock"], vec!["archive"], vec!["unlink"],
            vec!["convert", "--to", "technician"],
        ] {
            let command: Vec<&str> = ["user"].into_iter().chain(words).chain([admin.as_str()]).collect();
            let refused = server.run(&command);
            let said = String::from_utf8_lossy(&refused.stderr).to_lowercase();
            assert!(!refused.status.success() && said.contains("protected"), "{command:?}: {said}");
        }
        let key = server.json(&["api-key", "add", "--name", "k", "--role", "administrator", "--json"]);
        let base = server.base.replace("/api/scim/v2", "/api/admin/v1");
        let api = Client::new(&base, key["key"].as_str().unwrap());
        let path = format!("/users/{admin}");
        for change in [
            json!({"status": "blocked"}), json!({"status": "archived"}), json!({"status": "active"}),
            json!({"userType": "technician"}), json!({"managedBy": null}),
        ] {
            let headers = [("if-match", "*"), ("content-type", "application/json")];
            let body = change.to_string();
            let refused = api.send("PATCH", &path, &headers, Some(body.as_bytes()));
            assert_eq!((refused.status, &refused.json["title"]), (403, &json!("Protected account")),
                "{change}: {}", refused.text);
        }
        let (client, cookie, token) = console(server);
        let page = client.send("GET", &path, &[("cookie", &cookie)], None).text;
        assert!(page.contains("Protected account"), "{page}");
        for action in ["block", "unblock", "archive", "convert", "unlink"] {
            let form = format!("{path}/{action}");
            assert!(!page.contains(&form), "{action} is offered");
            let headers = [FORM[0], ("cookie", &cookie)];
            let body = format!("form_token={token}&to=technician");
            let refused = client.send("POST", &form, &headers, Some(body.as_bytes()));
            assert_eq!(refused.status, 403, "{action}: {}", refused.text);
            assert!(refused.text.contains("Protected account"), "{action}");
        }
        assert_eq!(stored(server), before);
    }

    fn a_group_of_tenant_admins_is_neither_seen_nor_taken_over(server: &Server) {
        let group = server.json(&["group", "add", "Owners", "--confers-admin", "--json"]);
        let id = group["id"].as_str().unwrap();
        let client = server.client();
        is_unknown(&client, "Groups", id, uri::GROUP);
        assert_eq!(client.get("/Groups").json["totalResults"], 0);
        let group = json!({"schemas": [uri::GROUP], "displayName": "owners"});
        client.post("/Groups", &group).expect_error(409, Some("uniqueness"));
        let refused = server.run(&["group", "unlink", id]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("protected"), "{refused:?}");
        assert_eq!(server.items(&["group", "list", "--json"])[0]["confersAdmin"], true);
    }

    fn a_rule_names_roles_that_there_are_and_that_may_be_given(server: &Server) {
        let client = server.client();
        let refused = |roles: &[&str]| {
            let group = json!({"resource": "group", "rules": server.json(
                &["mapping", "export", "Test", "--resource", "group", "--json"])["rules"],
                "groupRules": [{"key": "a", "when": "any", "grants": {"roles": roles}}]});
            let path = server.data().join("roles.json");
            std::fs::write(&path, group.to_string()).unwrap();
            let imported = server.run(&["mapping", "import", "Test", path.to_str().unwrap()]);
            (!imported.status.success()).then(|| String::from_utf8_lossy(&imported.stderr).into_owned())
        };
        assert_eq!(refused(&["service desk technician"]), None);
        for role in ["Administrator", "super  ADMIN", "Administrators", "\u{410}dministrator",
            "Tenant Admins", "ITSM Admin", "TENANT ADMIN"] {
            let said = refused(&["Junior Technician", role]);
            assert!(said.is_some_and(|said| said.contains("the role")), "{role}");
        }
        // What was a role when the rule was saved.
        server.sql("UPDATE reference_values SET privileged = 1 WHERE name_key = 'service desk technician'");
        let activated = server.run(&["mapping", "activate", "Test", "--resource", "group"]);
        assert!(!activated.status.success());
        server.sql("UPDATE reference_values SET privileged = 0 WHERE name_key = 'service desk technician'");
        let activated = server.run(&["mapping", "activate", "Test", "--resource", "group"]);
        assert!(activated.status.success(), "{activated:?}");
        server.sql("UPDATE reference_values SET privileged = 1 WHERE name_key = 'service desk technician'");
        let ava = client.user("ava");
        client.group("Ops", &[ava]);
        let people = server.items(&["user", "list", "--json"]);
        assert_eq!(people[0]["fields"].get("roles"), None, "{people}");
    }

    fn what_was_refused_stands_in_the_log(server: &Server) {
        let admin = tenant_admin(server);
        let client = server.client();
        client.post("/Users", &user(NAME, None)).expect_error(409, Some("uniqueness"));
        client.delete(&format!("/Users/{admin}")).expect_error(404, None);
        client.get(&format!("/Users/{admin}")).expect_error(404, None);
        client.post("/Groups", &json!({"schemas": [uri::GROUP], "displayName": "x",
            "members": [{"value": admin}]})).expect_error(400, Some("invalidValue"));
        let events = server.items(&["events", "--configuration", "Test", "--json"]);
        let events = events.as_array().unwrap();
        assert_eq!(events.len(), 4, "{events:?}");
        for event in events {
            assert_eq!(event["outcome"], "skipped", "{event}");
            let reason = event["reason"].as_str().unwrap();
            assert!(reason.contains("protected"), "{event}");
        }
    }
}
