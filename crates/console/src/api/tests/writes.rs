//! What is changed, and by whom has read it.

use std::sync::Arc;

use scim_admin::Actor;
use scim_admin::store::AdminStoreExt;
use scim_protocol::schema::uri;
use scim_provisioning::{Caller, Method, Request};
use serde_json::{Value, json};

use super::super::operations;
use super::{House, body};

#[test]
fn a_write_names_what_it_has_read() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    assert_eq!(added.status, 201);
    let path = added.location.clone().unwrap();
    let token = body(added)["token"]["id"].as_str().unwrap().to_owned();
    let read = house.as_administrator("GET", &path, &Value::Null);
    let tag = read.tag.unwrap();
    let who = Some(house.administrator.as_str());
    let change = json!({"description": "Entra"});
    let write = |if_match: Option<&str>| house.send(who, "PATCH", &path, if_match, &change).status;
    assert_eq!(write(None), 428);
    assert_eq!(write(Some("\"other\"")), 412);
    assert_eq!(write(Some(&tag)), 200);
    assert_eq!(write(Some(&tag)), 412, "it is another document now");
    for operation in operations().iter().filter(|one| one.method != "GET") {
        let filled = operation.path.replace(
            "configurations/{configuration}",
            path.trim_start_matches('/'),
        );
        let filled = filled.replace("{token}", &token);
        let filled = filled.replace("{resource}", "user").replace("{event}", "7");
        let free = FREE.contains(&operation.path.as_str());
        let described = operation.description().operation.responses.responses;
        assert_eq!(!described.contains_key("428"), free, "{}", operation.path);
        if !free {
            let answer = house.send(who, operation.method.as_str(), &filled, None, &json!({}));
            let there = !filled.contains('{') && !filled.contains("events");
            let wanted = if there { 428 } else { 404 };
            assert_eq!(answer.status, wanted, "{} {filled}", operation.method);
        }
    }
    assert_eq!(
        house
            .send(who, "DELETE", &path, Some("*"), &Value::Null)
            .status,
        204
    );
}

/// What creates something, or changes nothing, or is said of whatever is there.
const FREE: [&str; 21] = [
    "/configurations/{configuration}/reapply",
    "/configurations/{configuration}/drift",
    "/sessions/{session}",
    "/tables",
    "/streams/{stream}/test",
    "/streams/{stream}/deliveries/{delivery}/again",
    "/apply",
    "/plan",
    "/tokens/revoke",
    "/runs/{run}/undo",
    "/configurations/{configuration}/rehearsal",
    "/configurations/{configuration}/rehearsal/go-live",
    "/streams",
    "/configurations",
    "/configurations/{configuration}/tokens",
    "/configurations/{configuration}/tokens/{token}/reveal",
    "/configurations/{configuration}/mappings/{resource}/preview",
    "/configurations/{configuration}/mappings/{resource}/test",
    "/configurations/{configuration}/mappings/{resource}/impact",
    "/custom-fields",
    "/api-keys",
];

#[test]
fn the_use_of_a_token_is_no_change_of_it() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let path = added.location.clone().unwrap();
    let token = body(added)["token"]["id"].as_str().unwrap().to_owned();
    let path = format!("{path}/tokens/{token}");
    let who = Some(house.administrator.as_str());
    let read = house.as_administrator("GET", &path, &Value::Null);
    let tag = read.tag.clone().unwrap();
    let now = chrono::Utc::now();
    let touched = house
        .store
        .upkeep(move |rows| Ok(rows.touch_token(&token, now, None, None)?));
    touched.unwrap();
    let again = house.as_administrator("GET", &path, &Value::Null);
    assert_ne!(again.body, read.body);
    assert_eq!(again.tag.as_ref(), Some(&tag));
    let end = now + chrono::Duration::days(3);
    let change = json!({"expiresAt": end.to_rfc3339()});
    let changed = house.send(who, "PATCH", &path, Some(&tag), &change);
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    assert_ne!(changed.tag, Some(tag));
}

#[test]
fn people_and_groups_are_changed_one_thing_at_a_time() {
    let house = House::new();
    let person = scim_admin::people::PersonInput {
        user_name: "ava".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let actor = Actor::new("test", None);
    let id = house.admin.add_person(&actor, &person).unwrap();
    let path = format!("/users/{id}");
    let who = Some(house.administrator.as_str());
    let change = |change: Value| {
        let answer = house.send(who, "PATCH", &path, Some("*"), &change);
        (answer.status, answer.body.unwrap_or_default())
    };
    assert_eq!(change(json!({"status": "blocked"})).1["status"], "blocked");
    assert_eq!(
        change(json!({"status": "archived"})).1["status"],
        "archived"
    );
    assert_eq!(change(json!({"status": "active"})).1["status"], "active");
    let technician = change(json!({"userType": "technician"})).1;
    assert_eq!(technician["fields"]["user_type"], "technician");
    for wrong in [
        json!({}),
        json!({"status": "gone"}),
        json!({"status": "blocked", "userType": "requester"}),
        json!({"managedBy": "Entra"}),
        json!({"managedBy": null}),
        json!({"userType": "technician"}),
    ] {
        assert_eq!(change(wrong.clone()).0, 422, "{wrong}");
    }
    assert_eq!(change(json!({"name": "x"})).0, 400);
}

impl House {
    /// What an identity provider of a new configuration sends.
    fn provision(&self, bodies: &[Value]) -> Vec<u16> {
        let added = self.as_administrator("POST", "/configurations", &json!({"name": "A"}));
        let id = body(added)["id"].as_str().unwrap().to_owned();
        let caller = Caller {
            configuration: Arc::new(
                self.admin
                    .find_configuration(&id)
                    .unwrap()
                    .to_provisioning(),
            ),
            request_id: "1".to_owned(),
            source: None,
            user_agent: None,
            actor: None,
            run: None,
        };
        let send = |body: &Value| {
            let body = body.to_string();
            let request = Request {
                method: Method::Post,
                path: "/Users",
                query: "",
                body: body.as_bytes(),
                if_match: None,
                if_none_match: None,
            };
            self.services.provider.answer(&caller, &request).status
        };
        bodies.iter().map(send).collect()
    }
}

#[test]
fn an_event_is_resolved_by_whom_has_read_it() {
    let house = House::new();
    let user = json!({"schemas": [uri::USER], "userName": "bo"});
    assert_eq!(house.provision(&[user.clone(), user]), [201, 409]);
    let listed = |state: &str| {
        let path = format!("/events?state={state}");
        let list = body(house.as_administrator("GET", &path, &Value::Null));
        list["items"].as_array().unwrap().clone()
    };
    let open = listed("open");
    assert_eq!((open.len(), &open[0]["status"]), (1, &json!(409)));
    assert_eq!(
        (&open[0]["resolvedAt"], &open[0]["resolvedBy"]),
        (&Value::Null, &Value::Null)
    );
    let path = format!("/events/{}", open[0]["id"]);
    let tag = house
        .as_administrator("GET", &path, &Value::Null)
        .tag
        .unwrap();
    let who = Some(house.administrator.as_str());
    let write = |action: &str, tag: Option<&str>| {
        house.send(who, "POST", &format!("{path}/{action}"), tag, &Value::Null)
    };
    assert_eq!(write("resolve", None).status, 428);
    let resolved = write("resolve", Some(&tag));
    assert_eq!(resolved.status, 200);
    let now = resolved.tag.clone().unwrap();
    let document = body(resolved);
    assert_eq!(document["resolvedBy"], "API key administrator");
    assert!(document["resolvedAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(write("reopen", Some(&tag)).status, 412);
    assert_eq!((listed("open").len(), listed("resolved").len()), (0, 1));
    assert_eq!(body(write("reopen", Some(&now)))["resolvedBy"], Value::Null);
    assert_eq!((listed("open").len(), listed("resolved").len()), (1, 0));
    assert_eq!(write("replay", None).status, 428);
    let replayed = body(write("replay", Some("*")));
    assert_eq!(replayed["status"], 409, "the name is taken still");
    assert_eq!(replayed["event"]["outcome"], "failure");
    let success = house.send(who, "POST", "/events/1/resolve", Some("*"), &Value::Null);
    assert_eq!((success.status, success.problem), (422, true));
}

#[test]
fn a_write_stays_with_the_configuration_that_its_path_named() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let token = body(added)["token"]["id"].as_str().unwrap().to_owned();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "B"}));
    assert_eq!(added.status, 201);
    // Whenever something is written, the names change places at once.
    let swapped = "UPDATE provisioning_configurations SET name_key = 'x' || name_key; \
         UPDATE provisioning_configurations SET name_key = \
         CASE name_key WHEN 'xa' THEN 'b' ELSE 'a' END;";
    house.tamper(&format!(
        "CREATE TRIGGER drafted AFTER INSERT ON mapping_versions BEGIN {swapped} END; \
         CREATE TRIGGER ended AFTER UPDATE ON access_tokens BEGIN {swapped} END;"
    ));
    let who = Some(house.administrator.as_str());
    let mapping = "/configurations/A/mappings/user";
    let read = house.as_administrator("GET", mapping, &Value::Null);
    let tag = read.tag.clone().unwrap();
    let rules = body(read)["active"]["mapping"].clone();
    let draft = json!({"mapping": rules, "note": "of A"});
    let drafted = house.send(who, "PUT", mapping, Some(&tag), &draft);
    assert_eq!(drafted.status, 200, "{:?}", drafted.body);
    assert_eq!(body(drafted)["draft"]["note"], "of A");
    // Its name is B by now.
    let mapping = "/configurations/B/mappings/user";
    let activated = house.send(
        who,
        "POST",
        &format!("{mapping}/activate"),
        Some("*"),
        &json!({}),
    );
    assert_eq!(activated.status, 200, "{:?}", activated.body);
    assert_eq!(body(activated)["active"]["version"], 2);
    let end = chrono::Utc::now() + chrono::Duration::days(3);
    let change = json!({"expiresAt": end.to_rfc3339()});
    let path = format!("/configurations/A/tokens/{token}");
    let changed = house.send(who, "PATCH", &path, Some("*"), &change);
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    assert_eq!(body(changed)["id"], token.as_str());
}
