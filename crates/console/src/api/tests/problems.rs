//! What is wrong with a request, and how that is said.

use serde_json::{Value, json};

use super::{House, body};

#[test]
fn a_whole_number_is_one_however_it_is_written() {
    let house = House::new();
    for (path, body, field) in [
        (
            "/custom-fields",
            r#"{"key": "a", "label": "A", "type": {"text": {"max": 20.0}}}"#,
            "/type/text/max",
        ),
        (
            "/custom-fields",
            r#"{"key": "b", "label": "B", "type": {"number": {"min": 0.5}}}"#,
            "/type/number/min",
        ),
    ] {
        let sent: Value = serde_json::from_str(body).unwrap();
        let added = house.as_administrator("POST", path, &sent);
        assert_eq!(added.status, 201, "{:?}", added.body);
        let (kept, wanted) = (added.body.unwrap(), &sent);
        let number = |of: &Value| of.pointer(field).unwrap().as_f64();
        assert_eq!(number(&kept), number(wanted));
    }
    let key = json!({"name": "k", "role": "auditor", "days": 7.0});
    assert_eq!(
        house.as_administrator("POST", "/api-keys", &key).status,
        201
    );
}

#[test]
fn what_is_wrong_is_said_as_a_problem() {
    let house = House::new();
    for (method, path, body, status) in [
        ("GET", "/nothing", json!(null), 404),
        ("PUT", "/configurations", json!({}), 405),
        ("POST", "/configurations", json!({"name": ""}), 422),
        ("POST", "/configurations", json!({"nam": "A"}), 400),
        ("POST", "/configurations", json!([]), 400),
        ("GET", "/configurations/none", json!(null), 404),
        ("GET", "/events?limit=0", json!(null), 400),
        ("GET", "/events?cursor=x", json!(null), 400),
        ("GET", "/events/x", json!(null), 404),
        ("GET", "/events?state=closed", json!(null), 400),
        ("POST", "/events/x/resolve", json!(null), 404),
        ("POST", "/events/1/reopen", json!(null), 404),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "root"}),
            422,
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "administrator", "scopes": []}),
            422,
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "administrator", "scopes": ["write"]}),
            422,
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "k", "role": "auditor", "scopes": ["tokens"]}),
            422,
        ),
        ("POST", "/accounts", json!({"name": "mallory"}), 405),
        (
            "POST",
            "/custom-fields",
            json!({"key": "Up", "label": "U", "type": "boolean"}),
            422,
        ),
        (
            "GET",
            "/configurations/none/mappings/user",
            json!(null),
            404,
        ),
    ] {
        let answer = house.as_administrator(method, path, &body);
        assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.body);
        assert!(answer.problem, "{method} {path}");
        let document = answer.body.unwrap();
        assert_eq!(document["status"], status);
        assert!(document["detail"].as_str().unwrap().len() > 5);
        assert_eq!(answer.allow.is_some(), status == 405);
    }
}

#[test]
fn a_problem_points_at_each_value_that_is_wrong() {
    let house = House::new();
    let long = "x".repeat(501);
    let rule = json!({"key": "a", "source": {"path": "match Code"}, "target": "email"});
    for (method, path, body, pointers) in [
        (
            "POST",
            "/configurations",
            json!({"name": "", "description": long}),
            vec!["/description", "/name"],
        ),
        (
            "POST",
            "/configurations",
            json!({"name": "guard", "allowedNetworks": ["name"]}),
            vec!["/allowedNetworks"],
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "days", "role": "auditor", "scopes": ["tokens"]}),
            vec!["/scopes"],
        ),
        (
            "POST",
            "/api-keys",
            json!({"name": "scope", "role": "auditor", "days": 366}),
            vec!["/days"],
        ),
        (
            "POST",
            "/custom-fields",
            json!({"key": "label", "label": "", "type": "boolean"}),
            vec!["/label"],
        ),
    ] {
        let answer = house.as_administrator(method, path, &body);
        assert_eq!(answer.status, 422, "{path}: {:?}", answer.body);
        let document = answer.body.unwrap();
        let errors = document["errors"].as_array().unwrap();
        let said: Vec<&str> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(said, pointers, "{document}");
        assert!(errors.iter().all(|error| error["detail"].is_string()));
    }
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "Okta"}));
    assert_eq!(added.status, 201, "{:?}", added.body);
    let draft = json!({"mapping": {"resource": "user", "rules": [rule]}});
    let path = "/configurations/Okta/mappings/user";
    let tag = house.as_administrator("GET", path, &json!(null)).tag;
    let who = Some(house.administrator.as_str());
    let answer = house.send(who, "PUT", path, tag.as_deref(), &draft);
    assert_eq!(answer.status, 422, "{:?}", answer.body);
    let document = answer.body.unwrap();
    assert_eq!(document["errors"][0]["pointer"], "/mapping/rules/0/source");
    // Nothing that was entered is wrong.
    let missing = house.as_administrator("GET", "/configurations/none", &json!(null));
    assert_eq!(missing.body.unwrap().get("errors"), None);
}

#[test]
fn what_was_sent_is_not_sent_back_at_any_length() {
    let house = House::new();
    let added = house.as_administrator("POST", "/configurations", &json!({"name": "A"}));
    let path = format!("{}/held/reject", added.location.unwrap());
    let who = Some(house.administrator.as_str());
    let users: Vec<String> = (0..100).map(|_| "x".repeat(1_000)).collect();
    let answer = house.send(who, "POST", &path, Some("*"), &json!({ "users": users }));
    assert_eq!(answer.status, 422);
    let detail = body(answer)["detail"].as_str().unwrap().to_owned();
    assert!(detail.len() <= 1_024, "{} bytes", detail.len());
}

#[test]
fn of_a_parameter_that_is_repeated_the_first_counts() {
    let house = House::new();
    for name in ["A", "B", "C d"] {
        let added = house.as_administrator("POST", "/configurations", &json!({ "name": name }));
        assert_eq!(added.status, 201);
    }
    let answer = |path: &str| house.as_administrator("GET", path, &json!(null));
    let names = |query: &str| -> Vec<String> {
        let list = answer(&format!("/configurations?{query}"));
        assert_eq!(list.status, 200, "{query}: {:?}", list.body);
        let list = body(list);
        let items = list["items"].as_array().unwrap().iter();
        let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
        items.map(name).collect()
    };
    assert_eq!(names("q=B&q=A"), ["B"]);
    assert_eq!(
        names("q=B&%71=A&q"),
        ["B"],
        "the same name, written otherwise"
    );
    assert_eq!(names("&q=c+d&q=A"), ["C d"]);
    for (query, status) in [
        ("limit=1&limit=none", 200),
        ("limit=none&limit=1", 400),
        ("state=open&limit=2&state=closed", 200),
    ] {
        assert_eq!(
            answer(&format!("/events?{query}")).status,
            status,
            "{query}"
        );
    }
}
