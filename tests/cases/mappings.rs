//! Mappings: versions, custom fields, preview, impact and applying them again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User";

fn run(server: &Server, arguments: &[&str]) {
    let output = server.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// What a command that fails says.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Writes a document to a file that a command reads.
fn file(server: &Server, name: &str, document: &Value) -> String {
    let path = server.data().join(name);
    std::fs::write(&path, document.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The rules of the user mapping, changed.
fn import(server: &Server, change: impl Fn(&mut Vec<Value>)) -> Value {
    let mut mapping = server.json(&["mapping", "export", "Test", "--json"]);
    change(mapping["rules"].as_array_mut().unwrap());
    let path = file(server, "mapping.json", &mapping);
    server.json(&["mapping", "import", "Test", &path, "--json"])
}

/// What is said of rules that are refused.
fn import_error(server: &Server, change: impl Fn(&mut Vec<Value>)) -> String {
    let mut mapping = server.json(&["mapping", "export", "Test", "--json"]);
    change(mapping["rules"].as_array_mut().unwrap());
    let path = file(server, "mapping.json", &mapping);
    refused(server, &["mapping", "import", "Test", &path])
}

fn person(server: &Server, name: &str) -> Value {
    let people = server.items(&["user", "list", "--json"]);
    let found = people
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["userName"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {people}"))
        .clone()
}

/// The custom fields of ava.
fn custom(server: &Server) -> Value {
    let fields = person(server, "ava")["fields"].clone();
    let custom = fields
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, value)| {
            Some((
                key.strip_prefix("custom_fields.")?.to_owned(),
                value.clone(),
            ))
        });
    Value::Object(custom.collect())
}

fn ava(client: &Client, more: &Value) -> end_to_end::Response {
    let mut user = json!({"schemas": [uri::USER], "userName": "ava"});
    for (name, value) in more.as_object().unwrap() {
        user[name] = value.clone();
    }
    client.post("/Users", &user)
}

on_both_engines! {
    fn the_rule_whose_condition_holds_counts_and_a_patch_of_what_it_reads_is_enough(server: &Server) {
        let client = server.client();
        let draft = import(server, |rules| {
            let at = rules.iter().position(|rule| rule["key"] == "job_title").unwrap();
            rules[at]["when"] = json!("title pr");
            rules.insert(at, json!({"key": "external", "source": {"constant": "External"},
                "target": "job_title", "when": "userType eq \"Contractor\""}));
            let behind = rules.iter().position(|rule| rule["key"] == "display_name").unwrap();
            let mut display = rules.remove(behind);
            display["source"] = json!({"join": {"separator": ": ", "parts": [
                {"path": "field(job_title)", "transforms": ["upper", {"left": 3}]},
                {"path": "userName"}]}});
            rules.push(display);
        });
        assert_eq!(draft["warnings"], json!([]));
        server.json(&["mapping", "activate", "Test", "--json"]);
        let shown = |name: &str| {
            let person = person(server, name);
            (person["displayName"].clone(), person["fields"]["job_title"].clone())
        };
        let created = ava(&client, &json!({"userType": "contractor", "title": "Lead"}));
        let id = created.expect(201).id();
        assert_eq!(shown("ava"), (json!("EXT: ava"), json!("External")));
        let patch = |operation: Value| {
            client.patch(&format!("/Users/{id}"), &json!([operation])).expect(200);
        };
        patch(json!({"op": "replace", "path": "userType", "value": "Employee"}));
        assert_eq!(shown("ava"), (json!("LEA: ava"), json!("Lead")));
        patch(json!({"op": "remove", "path": "title"}));
        assert_eq!(shown("ava"), (json!("ava"), Value::Null));

        // The preview says which rule counts, and the impact of what comes from which.
        let sample = json!({"schemas": [uri::USER], "userName": "ava", "title": "Head"});
        let sample = file(server, "sample.json", &sample);
        let preview = server.json(&["mapping", "preview", "Test", &sample, "--json"]);
        let rules = preview["rules"].as_array().unwrap();
        let of = |key: &str| {
            let rule = rules.iter().find(|rule| rule["key"] == key).unwrap();
            (rule["counts"].clone(), rule["message"].clone())
        };
        assert_eq!(of("external"), (json!(false), json!("its condition does not hold")));
        assert_eq!(of("job_title"), (json!(true), Value::Null));

        let error = import_error(server, |rules| {
            rules[0]["when"] = json!("userName");
        });
        assert!(error.contains("rule 1 (user_name)"), "{error}");
    }

    fn a_table_is_shared_by_rules_and_its_changes_reach_them_and_whoever_is_there(server: &Server) {
        let client = server.client();
        let csv = |name: &str, text: &str| {
            let path = server.data().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let error = import_error(server, |rules| {
            let title = rules.iter_mut().find(|rule| rule["key"] == "job_title").unwrap();
            title["transforms"] = json!([{"table": {"name": "titles", "otherwise": "keep"}}]);
        });
        assert!(error.contains("there is no table \"titles\""), "{error}");
        let first = csv("titles.csv", "code;title\nSD1;Service Desk\n");
        let put = server.json(&["table", "import", "titles", &first, "--json"]);
        assert_eq!((&put["version"], &put["uses"]), (&json!(1), &json!([])));
        import(server, |rules| {
            let title = rules.iter_mut().find(|rule| rule["key"] == "job_title").unwrap();
            title["transforms"] = json!([{"table": {"name": "titles", "otherwise": "keep"}}]);
        });
        server.json(&["mapping", "activate", "Test", "--json"]);
        let title = || person(server, "ava")["fields"]["job_title"].clone();
        let id = ava(&client, &json!({"title": "sd1"})).expect(201).id();
        assert_eq!(title(), "Service Desk");

        let second = csv("titles.csv", "code,title\nSD1,Help Desk\n");
        let put = server.json(&["table", "import", "titles", &second, "--json"]);
        assert_eq!((&put["version"], &put["uses"][0]["rules"]), (&json!(2), &json!(["job_title"])));
        assert_eq!(server.json(&["mapping", "show", "Test", "--json"])["version"], 3);
        assert_eq!(title(), "Service Desk", "nobody changes by that alone");
        run(server, &["mapping", "reapply", "Test"]);
        assert_eq!(title(), "Help Desk");
        // The next request finds the newest table.
        let replace = json!([{"op": "replace", "path": "title", "value": "SD2"}]);
        client.patch(&format!("/Users/{id}"), &replace).expect(200);
        assert_eq!(title(), "SD2");
        let exported = server.run(&["table", "export", "titles"]);
        assert_eq!(String::from_utf8(exported.stdout).unwrap(), "code,title\r\nSD1,Help Desk\r\n");
        let error = refused(server, &["table", "delete", "titles"]);
        assert!(error.contains("job_title"), "{error}");
    }

    fn tests_that_stand_with_the_rules_keep_wrong_ones_from_becoming_active(server: &Server) {
        server.client();
        let mut mapping = server.json(&["mapping", "export", "Test", "--json"]);
        mapping["tests"] = json!([{"key": "title", "sample": {"userName": "u", "title": " Lead"},
            "record": {"job_title": "Lead", "department": null}}]);
        let path = file(server, "tested.json", &mapping);
        run(server, &["mapping", "import", "Test", &path]);
        let report = server.run(&["mapping", "test", "Test", "--draft", "--json"]);
        assert_eq!(report.status.code(), Some(1));
        let report: Value = serde_json::from_slice(&report.stdout).unwrap();
        assert_eq!((&report["passed"], &report["failed"]), (&json!(0), &json!(1)));
        assert_eq!(report["tests"][0]["differences"], json!([{"field": "job_title",
            "expected": "Lead", "found": " Lead"}]));
        let error = refused(server, &["mapping", "activate", "Test"]);
        assert!(error.contains("test 1 (title)") && error.contains("job_title"), "{error}");
        assert_eq!(server.json(&["mapping", "show", "Test", "--json"])["version"], 1);

        let rules = mapping["rules"].as_array_mut().unwrap();
        let title = rules.iter_mut().find(|rule| rule["key"] == "job_title").unwrap();
        title["transforms"] = json!(["trim"]);
        let path = file(server, "mended.json", &mapping);
        run(server, &["mapping", "import", "Test", &path]);
        run(server, &["mapping", "test", "Test", "--draft"]);
        run(server, &["mapping", "activate", "Test"]);
        let exported = server.json(&["mapping", "export", "Test", "--json"]);
        assert_eq!(exported["tests"], mapping["tests"]);
    }

    fn a_mapping_of_an_identity_provider_becomes_rules_and_says_what_did_not(server: &Server) {
        let client = server.client();
        let document = json!({"properties": {
            "title": {"expression": "user.userType == 'Contractor' ? 'External' : user.title"},
            "department": {"expression": "Nowhere.toFind(user.department)"}}});
        let path = file(server, "okta.json", &document);
        let import = ["mapping", "import", "Test", "--format", "okta", &path, "--activate", "--json"];
        let imported = server.json(&import);
        assert_eq!(imported["withoutEqual"], json!([{"target": "department",
            "expression": "Nowhere.toFind(user.department)",
            "reason": "there is nothing like Nowhere.toFind"}]));
        ava(&client, &json!({"userType": "Contractor", "title": "Lead"})).expect(201);
        assert_eq!(person(server, "ava")["fields"]["job_title"], "External");
        let error = refused(server, &["mapping", "import", "Test", "--format", "entra", &path]);
        assert!(error.contains("attributeMappings"), "{error}");
    }

    fn groups_are_told_by_pattern_and_grant_custom_fields(server: &Server) {
        let client = server.client();
        run(server, &["custom-field", "add", "floor", "--type", "number", "--integer"]);
        run(server, &["custom-field", "add", "sites", "--type", "multi-choice",
            "--option", "Berlin", "--option", "Paris"]);
        let mut mapping =
            server.json(&["mapping", "export", "Test", "--resource", "group", "--json"]);
        mapping["groupRules"] = json!([{"key": "desk", "when": {"nameMatches": "^it-desk-[0-9]+$"},
            "grants": {"fields": {"custom_fields.floor": "7", "location": "Berlin",
                "custom_fields.sites": ["paris"]}}}]);
        let path = file(server, "groups.json", &mapping);
        run(server, &["mapping", "import", "Test", &path, "--activate"]);
        let floor = json!({"userName": "ava", "schemas": [uri::USER, EXTENSION],
            (EXTENSION): {"floor": 2, "sites": ["Berlin"]}});
        let id = client.post("/Users", &floor).expect(201).id();
        let group = client.group("IT-Desk-1", std::slice::from_ref(&id));
        let fields = || person(server, "ava")["fields"].clone();
        // What is granted is of the type of its field; options are added to those there are.
        assert_eq!(fields()["custom_fields.floor"], 7);
        assert_eq!(fields()["custom_fields.sites"], json!(["Berlin", "Paris"]));
        assert_eq!(fields()["location"], "Berlin");
        let error = refused(server, &["custom-field", "delete", "floor"]);
        assert!(error.contains("desk"), "{error}");
        let leave = json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]);
        client.patch(&format!("/Groups/{group}"), &leave);
        assert_eq!(fields()["custom_fields.floor"], 2, "the grant went with the membership");
        assert_eq!(fields()["custom_fields.sites"], json!(["Berlin"]));
        assert_eq!(fields()["location"], Value::Null);
    }

    fn a_draft_changes_nothing_until_it_is_activated(server: &Server) {
        let client = server.client();
        let draft = import(server, |rules| {
            let name = rules.iter_mut().find(|rule| rule["key"] == "display_name").unwrap();
            name["source"] = json!({"join": {"separator": ", ",
                "parts": [{"path": "name.familyName"}, {"path": "name.givenName"}]}});
        });
        assert_eq!((&draft["version"], &draft["state"]), (&json!(0), &json!("draft")));
        let name = json!({"name": {"givenName": "Ava", "familyName": "Li"}, "displayName": "A. L."});
        ava(&client, &name).expect(201);
        assert_eq!(person(server, "ava")["displayName"], "A. L.");

        let differences = server.json(&["mapping", "diff", "Test", "--json"]);
        assert_eq!(differences, json!({"next": null, "items": [{"key": "display_name",
            "change": "changed", "members": ["source"]}]}));
        let impact = server.json(&["mapping", "impact", "Test", "--json"]);
        assert_eq!((&impact["users"], &impact["changed"]), (&json!(1), &json!(1)));
        assert_eq!(impact["examples"][0]["changes"],
            json!([{"field": "display_name", "old": "A. L.", "new": "Li, Ava"}]));
        assert_eq!(person(server, "ava")["displayName"], "A. L.");

        let active = server.json(&["mapping", "activate", "Test", "--json"]);
        assert_eq!((&active["version"], &active["state"]), (&json!(2), &json!("active")));
        let bob = json!({"schemas": [uri::USER], "userName": "bob",
            "name": {"givenName": "Bob", "familyName": "Ng"}});
        client.post("/Users", &bob).expect(201);
        assert_eq!(person(server, "bob")["displayName"], "Ng, Bob");
        let events = server.items(&["events", "--json"]);
        let versions: Vec<&Value> = events.as_array().unwrap().iter()
            .map(|event| &event["mappingVersion"]).collect();
        assert_eq!(versions, [&json!(1), &json!(2)]);

        // Those who were there follow when they are asked to.
        let job = server.json(&["mapping", "reapply", "Test", "--json"]);
        assert_eq!((&job["done"], &job["changed"], &job["finished"]),
            (&json!(2), &json!(1), &json!(true)));
        assert_eq!(person(server, "ava")["displayName"], "Li, Ava");

        run(server, &["mapping", "rollback", "Test", "--version", "1"]);
        let versions = server.json(&["mapping", "show", "Test", "--json"])["versions"].clone();
        let states: Vec<_> = versions.as_array().unwrap().iter()
            .map(|version| version["state"].as_str().unwrap().to_owned()).collect();
        assert_eq!(states, ["archived", "active"]);
        run(server, &["mapping", "reapply", "Test"]);
        assert_eq!(person(server, "ava")["displayName"], "A. L.");
        assert!(refused(server, &["mapping", "activate", "Test"]).contains("draft"));
    }

    fn the_server_applies_a_mapping_in_the_background(server: &Server) {
        let client = server.client();
        let ids: Vec<String> = (0..1_200).map(|at| format!("u{at}")).collect();
        for part in ids.chunks(1_000) {
            let operations: Vec<Value> = part.iter().map(|name| json!({"method": "POST",
                "path": "/Users", "bulkId": name,
                "data": {"schemas": [uri::USER], "userName": name, "title": "Guide"}})).collect();
            client.post("/Bulk", &json!({"schemas": [uri::BULK], "Operations": operations})).expect(200);
        }
        import(server, |rules| {
            let title = rules.iter_mut().find(|rule| rule["key"] == "job_title").unwrap();
            title["transforms"] = json!(["upper"]);
        });
        run(server, &["mapping", "activate", "Test"]);
        run(server, &["mapping", "reapply", "Test", "--background"]);
        let mut server_job = Value::Null;
        for _ in 0..900 {
            server_job = server.json(&["mapping", "reapply", "Test", "--status", "--json"]);
            if server_job["finished"] == true {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert_eq!((&server_job["done"], &server_job["changed"], &server_job["failed"]),
            (&json!(1_200), &json!(1_200), &json!(0)));
        let user = client.get("/Users?filter=userName eq \"u7\"").json;
        assert_eq!(user["Resources"][0]["title"], "Guide");
    }

    fn rules_that_cannot_work_are_refused_by_name(server: &Server) {
        server.client();
        let mut mapping = server.json(&["mapping", "export", "Test", "--json"]);
        mapping["rules"][2]["target"] = json!("is_admin");
        let path = file(server, "wrong.json", &mapping);
        let said = refused(server, &["mapping", "import", "Test", &path]);
        assert!(said.contains("rule 3") && said.contains("is_admin"), "{said}");
        mapping["rules"][2]["target"] = json!("custom_fields.badge");
        let path = file(server, "wrong.json", &mapping);
        let said = refused(server, &["mapping", "import", "Test", &path]);
        assert!(said.contains("rule 3") && said.contains("badge"), "{said}");
        mapping["rules"].as_array_mut().unwrap().remove(0);
        let path = file(server, "wrong.json", &mapping);
        refused(server, &["mapping", "import", "Test", &path]);
        let group = json!({"resource": "group", "rules": [], "groupRules": [{"key": "a",
            "when": "any", "grants": {"roles": ["super  ADMIN"]}}]});
        let path = file(server, "wrong.json", &group);
        refused(server, &["mapping", "import", "Test", &path]);
        assert!(refused(server, &["mapping", "impact", "Test"]).contains("draft"));
    }

    fn custom_fields_are_published_and_set(server: &Server) {
        let client = server.client();
        assert!(!client.get("/Schemas").text.contains(EXTENSION));
        run(server, &["custom-field", "add", "badge", "--type", "number", "--integer",
            "--min", "1", "--label", "Badge"]);
        run(server, &["custom-field", "add", "site", "--type", "single-choice",
            "--option", "Berlin", "--option", "Paris"]);
        run(server, &["custom-field", "add", "skills", "--type", "multi-choice",
            "--option", "SQL", "--option", "Rust"]);
        for wrong in [
            &["custom-field", "add", "badge"][..],
            &["custom-field", "add", "user_name"],
            &["custom-field", "add", "is_tenant_admin"],
            &["custom-field", "add", "Upper"],
        ] {
            refused(server, wrong);
        }
        let bare = server.run(&["custom-field", "add", "x", "--type", "single-choice"]);
        assert_eq!(bare.status.code(), Some(2), "a choice needs options");
        let schema = client.get(&format!("/Schemas/{EXTENSION}")).expect(200).json;
        assert_eq!(schema["attributes"][0]["name"], "badge");
        assert_eq!(schema["attributes"][0]["type"], "integer");
        assert_eq!(schema["attributes"][2]["multiValued"], true);
        let types = client.get("/ResourceTypes/User").json;
        assert!(types["schemaExtensions"].to_string().contains(EXTENSION));

        let user = ava(&client, &json!({"schemas": [uri::USER, EXTENSION],
            EXTENSION: {"badge": 7, "site": "berlin", "skills": ["rust"]}})).expect(201).json;
        assert_eq!(user[EXTENSION], json!({"badge": 7, "site": "berlin", "skills": ["rust"]}));
        assert_eq!(custom(server),
            json!({"badge": 7, "site": "Berlin", "skills": ["Rust"]}));
        let filter = format!("{EXTENSION}:badge eq 7 and {EXTENSION}:skills eq \"RUST\"");
        assert_eq!(client.get(&format!("/Users?filter={filter}")).json["totalResults"], 1);
        let path = format!("/Users/{}", user["id"].as_str().unwrap());
        let operations = json!([{"op": "replace", "path": format!("{EXTENSION}:site"), "value": "Paris"},
            {"op": "remove", "path": format!("{EXTENSION}:skills")}]);
        client.patch(&path, &operations).expect(200);
        assert_eq!(custom(server), json!({"badge": 7, "site": "Paris"}));

        // A value that does not fit an optional field is a warning, not a failure.
        let operations = json!([{"op": "replace", "path": format!("{EXTENSION}:site"), "value": "Rome"}]);
        client.patch(&path, &operations).expect(200);
        let events = server.items(&["events", "--outcome", "warning", "--json"]);
        assert!(events[0]["deviations"].to_string().contains("Berlin, Paris"), "{events}");
        assert_eq!(custom(server)["site"], "Paris");

        // Any attribute can be the source.
        import(server, |rules| rules.push(json!({"key": "site", "target": "custom_fields.site",
            "source": {"path": "addresses[type eq \"work\"].locality"}, "required": true})));
        run(server, &["mapping", "activate", "Test"]);
        let bob = json!({"schemas": [uri::USER], "userName": "bob",
            "addresses": [{"type": "work", "locality": "Rome"}]});
        let error = client.post("/Users", &bob).expect(400).json;
        let detail = error["detail"].as_str().unwrap();
        for part in ["addresses[type eq \"work\"].locality", "site", "rule 18"] {
            assert!(detail.contains(part), "{detail}");
        }
        assert!(refused(server, &["custom-field", "delete", "site"]).contains("rule"));
        run(server, &["custom-field", "delete", "badge"]);
        assert_eq!(server.items(&["custom-field", "list", "--json"]).as_array().unwrap().len(), 2);
    }

    fn a_required_field_is_asked_for(server: &Server) {
        let client = server.client();
        run(server, &["custom-field", "add", "badge", "--label", "Badge No.", "--required"]);
        let error = ava(&client, &json!({})).expect(400).json;
        assert!(error["detail"].as_str().unwrap().contains("Badge No."), "{error}");
        ava(&client, &json!({"schemas": [uri::USER, EXTENSION], EXTENSION: {"badge": "B7"}})).expect(201);
        // A rule of the same key as the field's own may read something else.
        import(server, |rules| rules.push(json!({"key": "custom_fields.badge", "enabled": false,
            "target": "custom_fields.badge", "source": {"path": "title"}})));
        run(server, &["mapping", "activate", "Test"]);
        let bob = json!({"schemas": [uri::USER, EXTENSION], "userName": "bob",
            EXTENSION: {"badge": "B8"}});
        client.post("/Users", &bob).expect(201);
        assert_eq!(person(server, "bob")["fields"]["custom_fields.badge"], "B8");
    }

    fn attributes_that_are_sent_are_listed_masked(server: &Server) {
        let client = server.client();
        let user = ava(&client, &json!({"nickName": "Avi", "badge": 7})).expect(201).id();
        let operations = json!([{"op": "replace", "path": "nickName", "value": "Avy"}]);
        client.patch(&format!("/Users/{user}"), &operations).expect(200);
        let mut seen = Value::Null;
        for _ in 0..300 {
            seen = server.items(&["mapping", "attributes", "Test", "--json"]);
            if seen[0]["count"] == 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let rows: Vec<_> = seen.as_array().unwrap().iter().map(|row| (row["path"].as_str().unwrap(),
            row["count"].as_i64().unwrap(), row["mapped"].as_bool().unwrap())).collect();
        assert_eq!(rows, [("nickName", 2, false), ("badge", 1, false), ("userName", 1, true)]);
        assert_eq!(seen[0]["sample"], "A**");
    }

    fn a_manual_edit_is_counted_and_put_right_by_the_next_cycle(server: &Server) {
        let client = server.client();
        let user = ava(&client, &json!({"title": "Guide", "name": {"givenName": "Ava"}})).expect(201).id();
        let drift = || server.json(&["mapping", "drift", "Test", "--json"]);
        assert_eq!(drift()["drifted"], 0);
        server.sql("UPDATE users SET job_title = 'Boss', first_name = 'Eva'");
        let path = format!("/Users/{user}");
        assert_eq!(client.get(&path).json["title"], "Boss", "the identity provider sees it");
        assert_eq!(drift()["examples"][0]["fields"], json!(["first_name", "job_title"]));
        // Only what a request touches is its business.
        let title = json!([{"op": "replace", "path": "title", "value": "Guide"}]);
        client.patch(&path, &title).expect(200);
        assert_eq!(person(server, "ava")["fields"]["job_title"], "Guide");
        assert_eq!(drift()["examples"][0]["fields"], json!(["first_name"]));
        let whole = json!({"schemas": [uri::USER], "userName": "ava", "title": "Guide",
            "name": {"givenName": "Ava"}});
        client.put(&path, &whole).expect(200);
        assert_eq!(drift()["drifted"], 0);
        let version = client.get(&path).json["meta"]["version"].clone();
        assert_eq!(client.put(&path, &whole).expect(200).json["meta"]["version"], version);
    }

    fn a_preview_shows_every_rule(server: &Server) {
        let client = server.client();
        ava(&client, &json!({"title": "Guide"})).expect(201);
        let sample = json!({"schemas": [uri::USER], "userName": " ava ", "title": "Chief",
            "emails": [{"value": " AVA@X.example ", "type": "work"}]});
        let path = file(server, "sample.json", &sample);
        let preview = server.json(&["mapping", "preview", "Test", &path, "--json"]);
        let rules = preview["rules"].as_array().unwrap();
        let email = rules.iter().find(|rule| rule["key"] == "email").unwrap();
        assert_eq!(email["sourceValue"], " AVA@X.example ");
        assert_eq!(email["steps"][0], json!({"transform": "trim", "value": "AVA@X.example"}));
        assert_eq!(email["value"], "ava@x.example");
        assert_eq!(email["status"], "ok");
        assert_eq!(preview["record"]["email"], "ava@x.example");
        assert_eq!(person(server, "ava")["email"], Value::Null, "nothing is written");
        let text = server.run(&["mapping", "preview", "Test", &path]);
        assert!(String::from_utf8(text.stdout).unwrap().contains("ava@x.example"));
        let path = file(server, "list.json", &json!([1]));
        refused(server, &["mapping", "preview", "Test", &path]);
    }
}
