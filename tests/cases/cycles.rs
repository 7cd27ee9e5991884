//! Two cycles of an identity provider under rules of one's own: the directory holds exactly what
//! the rules say, field by field.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use end_to_end::{Client, Server, example, on_both_engines, uri};
use serde_json::{Map, Value, json};

fn run(server: &Server, arguments: &[&str]) {
    let output = server.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Imports and activates a mapping after a change.
fn activate(server: &Server, resource: &str, change: impl Fn(&mut Value)) {
    let export = [
        "mapping",
        "export",
        "Test",
        "--resource",
        resource,
        "--json",
    ];
    let mut mapping = server.json(&export);
    change(&mut mapping);
    let path = server.data().join("mapping.json");
    std::fs::write(&path, mapping.to_string()).unwrap();
    let path = path.to_str().unwrap();
    run(server, &["mapping", "import", "Test", path, "--activate"]);
}

/// Fields that this company added, and the rules that fill them: twenty rules in all.
fn rules(server: &Server) {
    for field in [
        &["login"][..],
        &["cost_center"],
        &["desk", "--type", "long-text"],
        &["works", "--type", "boolean"],
    ] {
        run(server, &[&["custom-field", "add"], field].concat());
    }
    let cost_center = format!("{}:costCenter", uri::ENTERPRISE);
    let department = format!("{}:department", uri::ENTERPRISE);
    let custom = json!([
        {"key": "login", "source": {"path": "userName"}, "target": "custom_fields.login",
            "transforms": [{"before": "@"}, "upper"]},
        {"key": "cost", "source": {"path": cost_center}, "target": "custom_fields.cost_center"},
        {"key": "desk", "target": "custom_fields.desk", "source": {"join": {"separator": " / ",
            "parts": [{"path": "title"}, {"path": department}]}}},
        {"key": "works", "source": {"path": "active"}, "target": "custom_fields.works"},
    ]);
    activate(server, "user", |mapping| {
        let rules = mapping["rules"].as_array_mut().unwrap();
        rules.retain(|rule| rule["enabled"] != false);
        rules.extend(custom.as_array().unwrap().clone());
        assert_eq!(rules.len(), 20);
    });
    activate(server, "group", |mapping| {
        mapping["groupRules"] = json!([
            {"key": "ones", "when": {"nameEndsWith": "1"}, "kind": "technicianGroup",
                "grants": {"roles": ["Service Desk Technician"], "userType": "technician"}},
            {"key": "zeros", "when": {"nameEndsWith": "0"}, "kind": "ignore",
                "grants": {"roles": ["Junior Technician"], "vip": true}},
        ]);
    });
}

/// The simulated identity provider, built beside the server.
fn identity_provider(client: &Client, dialect: &str) {
    let output = Command::new(example("simulated-idp"))
        .args([
            "--base",
            &client.base,
            "--token",
            &client.token,
            "--insecure",
        ])
        .args(["--users", "150", "--groups", "12", "--dialect", dialect])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Every resource of an endpoint.
fn all(client: &Client, path: &str) -> Vec<Value> {
    let list = client.get(&format!("{path}?count=1000")).expect(200).json;
    list["Resources"].as_array().unwrap().clone()
}

/// The value of the element of a type.
fn of_type<'a>(user: &'a Value, attribute: &str, kind: &str, member: &str) -> Option<&'a Value> {
    let elements = user[attribute].as_array()?;
    elements
        .iter()
        .find(|element| element["type"] == kind)?
        .get(member)
}

/// The value of the element for work, else of the primary one, else of the first.
fn for_work<'a>(user: &'a Value, attribute: &str, member: &str) -> Option<&'a Value> {
    let elements = user[attribute].as_array()?;
    let primary = || elements.iter().find(|element| element["primary"] == true);
    of_type(user, attribute, "work", member)
        .or_else(|| primary()?.get(member))
        .or_else(|| elements.first()?.get(member))
}

/// What the rules say of a user, written down a second time.
fn expected(user: &Value, gets: &Gets) -> Map<String, Value> {
    let enterprise = &user[uri::ENTERPRISE];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut fields = Map::new();
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(key.to_owned(), json!(value));
        }
    };
    let user_name = user["userName"].as_str().unwrap();
    set("user_name", Some(user_name.to_owned()));
    set("first_name", text(&user["name"]["givenName"]));
    set("last_name", text(&user["name"]["familyName"]));
    set("display_name", text(&user["displayName"]));
    let work = for_work(user, "emails", "value").and_then(text);
    set("email", work.map(|email| email.to_lowercase()));
    set(
        "contact_no",
        for_work(user, "phoneNumbers", "value").and_then(text),
    );
    set(
        "alt_contact_no1",
        of_type(user, "phoneNumbers", "mobile", "value").and_then(text),
    );
    set("job_title", text(&user["title"]));
    set("department", text(&enterprise["department"]));
    set("employee_id", text(&enterprise["employeeNumber"]));
    set("manager", text(&enterprise["manager"]["value"]));
    set(
        "location",
        for_work(user, "addresses", "locality").and_then(text),
    );
    set("language", text(&user["preferredLanguage"]));
    set("time_zone", text(&user["timezone"]));
    set("scim_external_id", text(&user["externalId"]));
    set("custom_fields.cost_center", text(&enterprise["costCenter"]));
    let login = user_name.split('@').next().unwrap().to_uppercase();
    set("custom_fields.login", Some(login));
    let desk = [text(&user["title"]), text(&enterprise["department"])];
    let desk: Vec<String> = desk.into_iter().flatten().collect();
    set(
        "custom_fields.desk",
        (!desk.is_empty()).then(|| desk.join(" / ")),
    );
    let kind = if gets.technician {
        "technician"
    } else {
        "requester"
    };
    set("user_type", Some(kind.to_owned()));
    fields.insert("custom_fields.works".to_owned(), user["active"].clone());
    if gets.vip {
        fields.insert("is_vip".to_owned(), json!(true));
    }
    if !gets.roles.is_empty() {
        fields.insert("roles".to_owned(), json!(gets.roles));
    }
    fields
}

/// What a user gets from groups.
#[derive(Default)]
struct Gets {
    technician: bool,
    vip: bool,
    roles: BTreeSet<&'static str>,
}

fn compare(server: &Server, client: &Client) {
    let mut gets: BTreeMap<String, Gets> = BTreeMap::new();
    let groups = all(client, "/Groups");
    for group in &groups {
        let name = group["displayName"].as_str().unwrap();
        for member in group["members"].as_array().into_iter().flatten() {
            let gets = gets
                .entry(member["value"].as_str().unwrap().to_owned())
                .or_default();
            if name.ends_with('1') {
                gets.technician = true;
                gets.roles.insert("Service Desk Technician");
            } else if name.ends_with('0') {
                gets.vip = true;
                gets.roles.insert("Junior Technician");
            }
        }
    }
    let people = server.items(&["user", "list", "--limit", "10000", "--json"]);
    let mut people: BTreeMap<&str, &Value> = people
        .as_array()
        .unwrap()
        .iter()
        .map(|person| (person["id"].as_str().unwrap(), person))
        .collect();
    let users = all(client, "/Users");
    assert!(users.len() > 140, "{} users", users.len());
    for user in &users {
        let id = user["id"].as_str().unwrap();
        let person = people
            .remove(id)
            .unwrap_or_else(|| panic!("no person {id}"));
        let gets = gets.remove(id).unwrap_or_default();
        let mut fields = person["fields"].as_object().unwrap().clone();
        if let Some(roles) = fields.get_mut("roles") {
            roles
                .as_array_mut()
                .unwrap()
                .sort_by_key(ToString::to_string);
        }
        assert_eq!(
            Value::Object(fields),
            Value::Object(expected(user, &gets)),
            "{user}"
        );
        let status = if user["active"] == true {
            "active"
        } else {
            "blocked"
        };
        assert_eq!(person["status"], status, "{user}");
        let manager = &user[uri::ENTERPRISE]["manager"]["value"];
        assert_eq!(person["managerId"], *manager, "{user}");
    }
    // Who is left was deleted by the identity provider.
    assert!(people.values().all(|person| person["status"] == "archived"));
    let kinds = server.items(&["group", "list", "--json"]);
    for group in kinds.as_array().unwrap() {
        let name = group["name"].as_str().unwrap();
        let kind = match name.chars().last() {
            Some('1') => "technician_group",
            Some('0') => "ignored",
            _ => "requester_group",
        };
        assert_eq!(group["kind"], kind, "{name}");
    }
}

on_both_engines! {
    fn the_directory_holds_what_the_rules_say(server: &Server) {
        let client = server.client();
        rules(server);
        identity_provider(&client, "entra");
        compare(server, &client);
        identity_provider(&client, "okta");
        compare(server, &client);
    }
}
