//! What the console can do over everybody, by script.

use serde_json::{Value, json};

use super::{House, body};

#[test]
fn rules_are_applied_again_and_counted_and_mappings_of_providers_are_imported() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let path = added.location.unwrap();
    let get = |below: &str| house.as_administrator("GET", &format!("{path}{below}"), &Value::Null);
    let post =
        |below: &str| house.as_administrator("POST", &format!("{path}{below}"), &Value::Null);
    assert_eq!(body(get("/reapply"))["items"], json!([]));
    let begun = body(post("/reapply"));
    assert_eq!(body(get("/reapply"))["items"], json!([begun]));
    let drift = body(post("/drift"));
    assert_eq!(
        (&drift["users"], &drift["examples"]),
        (&json!(0), &json!([]))
    );
    let seen = get("/mappings/user/attributes");
    assert_eq!((seen.status, &body(seen)["items"]), (200, &json!([])));

    let who = Some(house.administrator.as_str());
    let import = |format: &str, document: &Value| {
        let path = format!("{path}/mappings/user/import{format}");
        house.send(who, "POST", &path, Some("*"), document)
    };
    let entra = json!({"attributeMappings": [
        {"targetAttributeName": "title", "source": {"expression": "Trim([jobTitle])"}},
        {"targetAttributeName": "displayName", "source": {"expression": "NumFromDate([x])"}},
    ]});
    let imported = import("?format=entra", &entra);
    assert_eq!(imported.status, 200, "{:?}", imported.body);
    let imported = body(imported);
    assert_eq!(imported["draft"]["state"], "draft");
    assert_eq!(imported["withoutEqual"][0]["target"], "displayName");
    assert_eq!(import("", &entra).status, 422);
    assert_eq!(import("?format=ping", &entra).status, 400);
    assert_eq!(import("?format=okta", &entra).status, 422);
}

#[test]
fn who_is_signed_in_is_listed_and_signed_out() {
    let house = House::new();
    let role = scim_admin::account::Role::Administrator;
    let actor = scim_admin::Actor::new("test", None);
    let password = "four random words suffice";
    house
        .admin
        .add_account(&actor, "ada", role, password)
        .unwrap();
    let attempt = scim_admin::Attempt {
        name: "ada",
        password,
        ..scim_admin::Attempt::default()
    };
    house.admin.sign_in(&attempt).unwrap();
    let list = || body(house.as_administrator("GET", "/sessions", &Value::Null));
    let found = list()["items"][0].clone();
    assert_eq!(found["account"], "ada");
    let path = format!("/sessions/{}", found["id"].as_str().unwrap());
    let end = || house.as_administrator("DELETE", &path, &Value::Null).status;
    assert_eq!((end(), end()), (204, 404));
    assert_eq!(list()["items"], json!([]));
}
