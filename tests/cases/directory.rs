//! What the rules make of people and groups: references, managers, group rules, grants and
//! custom fields.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Client, Server, on_both_engines, uri};
use serde_json::{Value, json};

fn run(server: &Server, arguments: &[&str]) {
    let output = server.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
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

fn roles(server: &Server, name: &str) -> Vec<String> {
    let roles = person(server, name)["fields"]["roles"].clone();
    let names = roles.as_array().into_iter().flatten();
    let mut names: Vec<_> = names
        .map(|role| role.as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Imports and activates a mapping after a change.
fn activate(server: &Server, resource: &str, change: impl Fn(&mut Value)) {
    let arguments = [
        "mapping",
        "export",
        "Test",
        "--resource",
        resource,
        "--json",
    ];
    let mut mapping = server.json(&arguments);
    change(&mut mapping);
    let path = server.data().join("mapping.json");
    std::fs::write(&path, mapping.to_string()).unwrap();
    run(
        server,
        &[
            "mapping",
            "import",
            "Test",
            path.to_str().unwrap(),
            "--activate",
        ],
    );
}

fn group_rules(server: &Server, rules: &Value) {
    activate(server, "group", |mapping| {
        mapping["groupRules"] = rules.clone()
    });
}

fn user(client: &Client, name: &str, enterprise: &Value) -> end_to_end::Response {
    let user = json!({"schemas": [uri::USER, uri::ENTERPRISE], "userName": name,
        uri::ENTERPRISE: enterprise});
    client.post("/Users", &user)
}

fn members(client: &Client, group: &str, op: &str, user: &str) {
    let operations = json!([{"op": op, "path": "members", "value": [{"value": user}]}]);
    client
        .patch(&format!("/Groups/{group}"), &operations)
        .expect(200);
}

on_both_engines! {
    fn what_is_not_named_of_a_field_stays_as_it_is(server: &Server) {
        let edited = |key: &str, options: &[&str]| {
            let words = [&["custom-field", "edit", key, "--json"], options].concat();
            server.json(&words)
        };
        let changed = |of: &Value, member: &str, to: Value| {
            let mut of = of.clone();
            of[member] = to;
            of
        };
        for (key, options) in [
            ("plain", &["--max-length", "10"][..]),
            ("count", &["--type", "number", "--integer", "--min", "1", "--max", "9"][..]),
            ("site", &["--type", "single-choice", "--option", "Berlin", "--option", "Paris"][..]),
            ("sites", &["--type", "multi-choice", "--option", "Berlin"][..]),
            ("memo", &["--type", "long-text"][..]),
            ("mail", &["--type", "email"][..]),
            ("line", &["--type", "phone"][..]),
            ("agreed", &["--type", "boolean"][..]),
            ("since", &["--type", "datetime"][..]),
        ] {
            let added = [&["custom-field", "add", key, "--label", "X", "--json"], options].concat();
            let field = server.json(&added);
            let required = edited(key, &["--required"]);
            assert_eq!(required, changed(&field, "required", json!(true)));
            let labelled = edited(key, &["--label", "Y"]);
            assert_eq!(labelled, changed(&required, "label", json!("Y")), "{key}");
            assert_eq!(edited(key, &["--required=false"])["required"], false);
        }
        let kind = |field: Value| field["type"].clone();
        assert_eq!(kind(edited("plain", &["--max-length", "20"])), json!({"text": {"max": 20}}));
        assert_eq!(kind(edited("count", &["--max", "none"])),
            json!({"number": {"min": 1.0, "integer": true}}));
        assert_eq!(kind(edited("site", &["--type", "single-choice", "--option", "Rome"])),
            json!({"singleChoice": {"options": ["Rome"]}}));
        for (key, options, said) in [
            ("plain", ["--type", "number"], "keeps its type"),
            ("plain", ["--min", "1"], "--min"),
            ("count", ["--option", "x"], "--option"),
            ("nobody", ["--label", "x"], "nobody"),
        ] {
            let words = [&["custom-field", "edit", key], &options[..]].concat();
            let refused = server.run(&words);
            assert_eq!(refused.status.code(), Some(1));
            let error = String::from_utf8_lossy(&refused.stderr);
            assert!(error.contains(said), "{error}");
        }
    }

    fn a_manager_who_comes_later_is_linked(server: &Server) {
        let client = server.client();
        // Identity providers name a manager by whatever they know.
        user(&client, "report1", &json!({"manager": {"value": "boss@x.example"}})).expect(201);
        user(&client, "report2", &json!({"manager": {"value": "E-7"}})).expect(201);
        assert_eq!(person(server, "report1")["managerId"], Value::Null);
        let boss = json!({"schemas": [uri::USER], "userName": "Boss@x.example", "externalId": "E-7"});
        let boss = client.post("/Users", &boss).expect(201).id();
        for name in ["report1", "report2"] {
            assert_eq!(person(server, name)["managerId"], boss.as_str(), "{name}");
        }
        let report = user(&client, "report3", &json!({"manager": boss})).expect(201).id();
        assert_eq!(person(server, "report3")["managerId"], boss.as_str());
        let path = format!("{}:manager", uri::ENTERPRISE);
        let operations = json!([{"op": "remove", "path": path}]);
        client.patch(&format!("/Users/{report}"), &operations).expect(200);
        assert_eq!(person(server, "report3")["managerId"], Value::Null);
    }

    fn a_reference_that_nobody_knows_is_made_ignored_or_refused(server: &Server) {
        let client = server.client();
        let ava = user(&client, "ava", &json!({"department": "Operations"})).expect(201);
        assert_eq!(person(server, "ava")["fields"]["department"], "Operations");
        let department = |on_unknown: &str| activate(server, "user", |mapping| {
            let rules = mapping["rules"].as_array_mut().unwrap();
            let rule = rules.iter_mut().find(|rule| rule["key"] == "department").unwrap();
            rule["onUnknown"] = json!(on_unknown);
        });
        department("ignore");
        let bob = user(&client, "bob", &json!({"department": "Nowhere"})).expect(201);
        assert_eq!(person(server, "bob")["fields"].get("department"), None);
        assert_eq!(bob.json[uri::ENTERPRISE]["department"], "Nowhere", "the provider's word stays");
        let events = server.items(&["events", "--outcome", "warning", "--json"]);
        assert!(events[0]["deviations"].to_string().contains("Nowhere"), "{events}");
        user(&client, "eve", &json!({"department": "OPERATIONS"})).expect(201);
        assert_eq!(person(server, "eve")["fields"]["department"], "OPERATIONS");

        department("reject");
        let refused = user(&client, "joe", &json!({"department": "Nowhere"}));
        refused.expect_error(400, Some("invalidValue"));
        assert!(refused.json["detail"].as_str().unwrap().contains("Nowhere"));
        assert_eq!(client.get("/Users").json["totalResults"], 3);
        // What was there is not asked about again.
        let operations = json!([{"op": "replace", "path": "title", "value": "Chief"}]);
        client.patch(&format!("/Users/{}", ava.id()), &operations).expect(200);
    }

    fn roles_are_mapped_but_never_administrative_ones(server: &Server) {
        let client = server.client();
        activate(server, "user", |mapping| {
            mapping["rules"].as_array_mut().unwrap().push(json!({"key": "roles", "target": "roles",
                "source": {"all": "roles.value"}}));
        });
        let with = |name: &str, roles: &[&str]| {
            let roles: Vec<_> = roles.iter().map(|role| json!({"value": role})).collect();
            client.post("/Users", &json!({"schemas": [uri::USER], "userName": name, "roles": roles}))
        };
        with("ava", &["junior technician", "Contract Manager", "Wizard"]).expect(201);
        assert_eq!(roles(server, "ava"), ["Contract Manager", "junior technician"]);
        for role in ["Super Admin", "SUPER-ADMIN", "Admin", "ｔｅｎａｎｔ admin"] {
            with("mallory", &[role]).expect(201);
            let mallory = person(server, "mallory");
            assert_eq!(roles(server, "mallory"), Vec::<String>::new());
            assert_eq!((&mallory["tenantAdmin"], &mallory["role"]), (&json!(false), &Value::Null));
            let id = mallory["id"].as_str().unwrap();
            client.delete(&format!("/Users/{id}")).expect(204);
            server.sql(&format!("DELETE FROM users WHERE id = '{id}'"));
        }
    }

    fn a_group_gives_and_takes_only_what_it_gave(server: &Server) {
        let client = server.client();
        group_rules(server, &json!([
            {"key": "desk", "when": {"nameStartsWith": "IT Desk"}, "kind": "technicianGroup",
                "nameTransforms": [{"prefix": "SCIM "}],
                "grants": {"roles": ["Service Desk Technician"], "userType": "technician"}},
            {"key": "night", "when": {"externalId": "n-1"}, "kind": "ignore",
                "grants": {"roles": ["Service Desk Technician", "Junior Technician"], "vip": true}},
            {"key": "rest", "when": "any", "kind": "requesterGroup"},
        ]));
        let ava = client.user("ava");
        let desk = client.group("IT Desk Berlin", std::slice::from_ref(&ava));
        let night = json!({"schemas": [uri::GROUP], "displayName": "Night", "externalId": "n-1",
            "members": [{"value": ava}]});
        let night = client.post("/Groups", &night).expect(201).id();
        let staff = client.group("Staff", std::slice::from_ref(&ava));

        let groups = server.items(&["group", "list", "--json"]);
        let kinds: Vec<_> = groups.as_array().unwrap().iter()
            .map(|group| (group["name"].as_str().unwrap(), group["kind"].as_str().unwrap())).collect();
        assert_eq!(kinds, [("SCIM IT Desk Berlin", "technician_group"), ("Night", "ignored"),
            ("Staff", "requester_group")]);
        // The identity provider reads its own name.
        assert_eq!(client.get(&format!("/Groups/{desk}")).json["displayName"], "IT Desk Berlin");
        let found = client.get("/Groups?filter=displayName eq \"it desk berlin\"").json;
        assert_eq!(found["totalResults"], 1);

        let fields = person(server, "ava")["fields"].clone();
        assert_eq!((&fields["user_type"], &fields["is_vip"]), (&json!("technician"), &json!(true)));
        assert_eq!(roles(server, "ava"), ["Junior Technician", "Service Desk Technician"]);

        members(&client, &desk, "remove", &ava);
        assert_eq!(roles(server, "ava"), ["Junior Technician", "Service Desk Technician"]);
        assert_eq!(person(server, "ava")["fields"]["user_type"], "requester");
        members(&client, &desk, "add", &ava);
        client.delete(&format!("/Groups/{night}")).expect(204);
        assert_eq!(roles(server, "ava"), ["Service Desk Technician"]);
        assert_eq!(person(server, "ava")["fields"].get("is_vip"), None);
        // A group that is renamed is another group to the rules.
        let operations = json!([{"op": "replace", "path": "displayName", "value": "Desk"}]);
        client.patch(&format!("/Groups/{desk}"), &operations).expect(200);
        assert_eq!(roles(server, "ava"), Vec::<String>::new());
        // Rules that change are applied when somebody asks for it.
        group_rules(server, &json!([{"key": "rest", "when": {"name": "STAFF"},
            "grants": {"roles": ["Purchase Manager"]}}]));
        assert_eq!(roles(server, "ava"), Vec::<String>::new());
        run(server, &["mapping", "reapply", "Test"]);
        assert_eq!(roles(server, "ava"), ["Purchase Manager"]);
        members(&client, &staff, "remove", &ava);
        assert_eq!(roles(server, "ava"), Vec::<String>::new());
    }

    fn what_was_given_by_hand_stays(server: &Server) {
        run(server, &["user", "add", "--user-name", "ava", "--role", "Contract Manager"]);
        let client = server.configuration_with("Test", &["--existing-users", "link"]).client;
        group_rules(server, &json!([{"key": "all", "when": "any",
            "grants": {"roles": ["Contract Manager", "Junior Technician"]}}]));
        let ava = client.user("ava");
        let group = client.group("Ops", std::slice::from_ref(&ava));
        assert_eq!(roles(server, "ava"), ["Contract Manager", "Junior Technician"]);
        members(&client, &group, "remove", &ava);
        assert_eq!(roles(server, "ava"), ["Contract Manager"]);
    }

    fn a_group_that_is_there_is_linked_by_name(server: &Server) {
        let before = server.configuration("Before").client;
        let ops = before.group("Operations", &[]);
        run(server, &["configuration", "delete", "Before"]);
        let client = server.client();
        group_rules(server, &json!([{"key": "all", "when": "any", "link": "existingByName"}]));
        let ava = client.user("ava");
        let linked = json!({"schemas": [uri::GROUP], "displayName": "OPERATIONS",
            "members": [{"value": ava}]});
        let linked = client.post("/Groups", &linked).expect(201);
        assert_eq!(linked.id(), ops);
        assert_eq!(linked.json["displayName"], "OPERATIONS");
        assert_eq!(linked.json["members"][0]["value"], ava.as_str());
        let groups = server.items(&["group", "list", "--json"]);
        assert_eq!(groups.as_array().unwrap().len(), 1);
        assert_eq!(groups[0]["managedBy"], "Test");
        client.post("/Groups", &json!({"schemas": [uri::GROUP], "displayName": "Operations"}))
            .expect_error(409, Some("uniqueness"));
    }
}
