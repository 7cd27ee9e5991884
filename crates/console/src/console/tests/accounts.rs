//! Accounts, keys and sessions on the pages.

use scim_admin::account::Role;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

use super::actions::done;
use super::house::{House, PASSWORD};

#[test]
fn accounts_keys_and_sessions_are_kept() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let form = format!(
        "name=otto&role=auditor&password={}",
        PASSWORD.replace(' ', "+")
    );
    assert_eq!(
        done(&house.post(&ada, "/settings/accounts", &form)),
        "added"
    );
    assert_eq!(
        house.post(&ada, "/settings/accounts", &form).status,
        422,
        "the name is taken"
    );
    assert_eq!(
        house
            .post(
                &ada,
                "/settings/accounts",
                "name=x&role=auditor&password=short"
            )
            .status,
        422
    );
    let accounts = house.admin.accounts().unwrap();
    let id = |name: &str| {
        let found = accounts.iter().find(|account| account.name == name);
        found.unwrap().id.clone()
    };
    let of = |name: &str, action: &str| format!("/settings/accounts/{}/{action}", id(name));
    assert_eq!(
        house.post(&ada, &of("ada", "delete"), "").status,
        422,
        "the last administrator"
    );
    let token = house
        .admin
        .sign_in(&scim_admin::Attempt {
            name: "otto",
            password: PASSWORD,
            ..scim_admin::Attempt::default()
        })
        .unwrap()
        .session;
    let sessions = house.admin.sessions().unwrap();
    let (session, _) = sessions.iter().find(|(_, name)| name == "otto").unwrap();
    let path = format!("/settings/sessions/{}/end", session.hash.get(..16).unwrap());
    assert_eq!(done(&house.post(&ada, &path, "")), "ended");
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_none()
    );
    assert_eq!(
        done(&house.post(&ada, &of("otto", "role"), "role=administrator")),
        "saved"
    );
    assert_eq!(
        done(&house.post(&ada, &of("otto", "delete"), "")),
        "deleted"
    );
    let made = house.post(
        &ada,
        "/settings/api-keys",
        "name=k&role=auditor&days=7&scopes=read&scopes=tokens",
    );
    let flash = made.cookies[0].split(';').next().unwrap();
    let shown = house.console.answer(&super::super::ConsoleRequest {
        method: "GET",
        path: "/settings",
        query: "shown=key",
        cookie: Some(&format!("{ada}; {flash}")),
        ..Default::default()
    });
    let key = shown.body.split("sopsapi_").nth(1).unwrap();
    let key = format!("sopsapi_{}", key.split('\"').next().unwrap());
    let found = house.admin.authenticate_key(&key).unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.scopes.to_string().as_str()),
        ("k", "read")
    );
    assert_eq!(
        done(&house.post(&ada, &format!("/settings/api-keys/{}/revoke", found.id), "")),
        "revoked"
    );
    assert!(house.admin.authenticate_key(&key).unwrap().is_none());
}

#[test]
fn a_page_that_looks_again_by_itself_keeps_no_session_alive() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let minutes = |age: i64| {
        let then = chrono::Utc::now().timestamp_millis() - age * 60_000;
        house.tamper(&format!("UPDATE sessions SET last_used_at = {then}"));
    };
    let ask = |polled| {
        let request = super::super::ConsoleRequest {
            method: "GET",
            path: "/users",
            cookie: Some(&ada),
            polled,
            ..Default::default()
        };
        house.console.answer(&request).status
    };
    let used = || house.admin.sessions().unwrap()[0].0.last_used;
    minutes(20);
    let before = used();
    assert_eq!((ask(true), used() == before), (200, true));
    assert_eq!((ask(false), used() == before), (200, false));
    minutes(31);
    assert_eq!(ask(false), 303, "half an hour without use ends a session");
}

#[test]
fn an_account_is_bound_and_unbound_on_the_settings_page_with_the_password() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let otto = house.account("otto", Role::Auditor);
    let user = json!({"schemas": [uri::USER], "userName": "otto@corp.example"});
    let made = house.scim(Method::Post, "/Users", &user);
    let id = made.body.unwrap()["id"].as_str().unwrap().to_owned();
    let accounts = house.admin.accounts().unwrap();
    let of = |name: &str, action: &str| {
        let found = accounts.iter().find(|account| account.name == name);
        format!("/settings/accounts/{}/{action}", found.unwrap().id)
    };
    for wrong in ["user=nobody", "user="] {
        let page = house.post(&ada, &of("otto", "bind"), wrong);
        assert_eq!(page.status, 422, "{wrong}");
        assert!(page.body.contains("aria-invalid"), "{}", page.body);
    }
    let last = house.post(&ada, &of("ada", "bind"), &format!("user={id}"));
    assert_eq!(last.status, 422, "the last administrator");
    assert_eq!(house.post(&otto, &of("otto", "unbind"), "").status, 403);
    let form = "user=otto%40corp.example";
    assert_eq!(done(&house.post(&ada, &of("otto", "bind"), form)), "saved");
    let page = house.ask("GET", "/settings", Some(&ada), "").body;
    let link = format!("<a href=\"/admin/users/{id}\">otto@corp.example</a>");
    assert!(page.contains(&link), "{page}");
    assert_eq!(house.ask("GET", "/settings", Some(&otto), "").status, 200);
    let path = format!("/Users/{id}");
    assert_eq!(house.scim(Method::Delete, &path, &Value::Null).status, 204);
    let out = house.ask("GET", "/settings", Some(&otto), "");
    assert!(out.location.unwrap().starts_with("/admin/login"));
    let said = |name: &str, password: &str| {
        let body = format!("name={name}&password={password}");
        let answer = house.ask("POST", "/login", None, &body);
        assert_eq!(answer.status, 401);
        answer.body.replace(name, "")
    };
    let right = PASSWORD.replace(' ', "+");
    assert_eq!(said("otto", &right), said("otto", "wrong"));
    let page = house.ask("GET", "/settings", Some(&ada), "").body;
    assert!(page.contains("not active: closed"), "{page}");
    house.tamper("UPDATE sessions SET confirmed_at = 0");
    let asked = house.post(&ada, &of("otto", "unbind"), "");
    assert!(asked.body.contains("Enter your password again"));
    let confirmed = house.post(
        &ada,
        &of("otto", "unbind"),
        &format!("confirm_password={right}"),
    );
    assert_eq!(done(&confirmed), "saved");
    assert_eq!(house.admin.accounts().unwrap()[1].person, None);
}
