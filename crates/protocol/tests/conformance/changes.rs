//! RFC 7644 section 3.5: PUT and PATCH.

use super::*;

#[test]
fn a_put_replaces_keeps_what_is_immutable_and_ignores_what_is_read_only() {
    let old = stored(json!({"title": "T", "nickName": "N", BADGE: {"serial": "1"}}));
    let put = |attributes| old.replaced_by(&users(), read(attributes).unwrap());
    let new = put(json!({"title": "U", "id": "other"})).unwrap();
    assert_eq!(
        (new.text("title"), new.text("nickName"), new.id()),
        (Some("U"), None, None)
    );
    assert_eq!(new.attributes()[BADGE]["serial"], "1");
    assert_eq!(
        scim_type(put(json!({BADGE: {"serial": "2"}}))),
        ScimType::Mutability
    );
    assert!(put(json!({BADGE: {"serial": "1"}})).is_ok());
    let first =
        stored(json!({})).replaced_by(&users(), read(json!({BADGE: {"serial": "9"}})).unwrap());
    assert_eq!(first.unwrap().attributes()[BADGE]["serial"], "9");
}

#[test]
fn a_patch_request_has_its_schema_and_operations_that_say_what_they_do() {
    let read = |body| PatchRequest::read(body, &Limits::default(), &mut strict());
    let operation = json!({"op": "add", "path": "title", "value": "T"});
    assert!(read(json!({"schemas": [uri::PATCH_OP], "Operations": [operation]})).is_ok());
    for body in [
        json!({"Operations": [operation]}),
        json!({"schemas": [uri::PATCH_OP]}),
        json!({"schemas": [uri::PATCH_OP], "Operations": []}),
        json!({"schemas": [uri::PATCH_OP], "Operations": [{"path": "title", "value": "T"}]}),
        json!({"schemas": [uri::PATCH_OP], "Operations": [{"op": "move", "path": "title"}]}),
    ] {
        assert_eq!(
            scim_type(read(body.clone())),
            ScimType::InvalidSyntax,
            "{body}"
        );
    }
    let one = |operation: Value| scim_type(patch(&stored(json!({})), json!([operation])));
    assert_eq!(one(json!({"op": "remove"})), ScimType::NoTarget);
    assert_eq!(
        one(json!({"op": "add", "path": "title"})),
        ScimType::InvalidValue
    );
}

#[test]
fn an_operation_heeds_mutability_and_schema() {
    let user = stored(json!({BADGE: {"serial": "1"}}));
    for (operation, expected) in [
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "remove", "path": "meta"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": format!("{BADGE}:serial"), "value": "2"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": "active", "value": "maybe"}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "unknown", "value": 1}),
            ScimType::InvalidPath,
        ),
        (
            json!({"op": "remove", "path": "userName"}),
            ScimType::Mutability,
        ),
    ] {
        let refused = patch(&user, json!([operation]));
        assert_eq!(scim_type(refused), expected, "{operation}");
    }
}

#[test]
fn a_patch_is_atomic() {
    let user = stored(json!({"title": "T"}));
    let before = user.clone();
    let operations = json!([{"op": "replace", "path": "title", "value": "U"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}]);
    assert_eq!(scim_type(patch(&user, operations)), ScimType::NoTarget);
    assert!(user == before);
}

#[test]
fn a_new_primary_takes_the_flag_from_the_old_one() {
    let user = stored(json!({"emails": [{"value": "a", "primary": true}, {"value": "b"}]}));
    let operation =
        json!({"op": "add", "path": "emails", "value": [{"value": "c", "primary": true}]});
    let user = patch(&user, json!([operation])).unwrap();
    let primary = user.attributes()["emails"].as_array().unwrap().iter();
    let primary: Vec<&Value> = primary.filter(|email| email["primary"] == true).collect();
    assert_eq!(primary, [&json!({"value": "c", "primary": true})]);
}

#[test]
fn an_add_of_what_is_there_changes_nothing() {
    let user = stored(json!({"title": "T", "emails": [{"value": "a", "type": "work"}]}));
    let operations = json!([{"op": "add", "path": "title", "value": "T"},
        {"op": "add", "path": "emails", "value": [{"value": "a", "type": "work"}]}]);
    assert!(patch(&user, operations).unwrap() == user);
    let name = json!({"op": "add", "path": "name", "value": {"givenName": "Ava"}});
    let user = patch(&user, json!([name])).unwrap();
    assert_eq!(user.attributes()["name"], json!({"givenName": "Ava"}));
    let bare = json!({"op": "add", "path": "name", "value": "Ava"});
    assert_eq!(
        scim_type(patch(&user, json!([bare]))),
        ScimType::InvalidValue
    );
}

#[test]
fn what_is_removed_is_unassigned() {
    let emails = json!([{"value": "a", "type": "work"}, {"value": "b", "type": "home"}]);
    let user = stored(
        json!({"title": "T", "emails": emails, "roles": [{"value": "r"}],
        "addresses": [{"locality": "Lyon"}]}),
    );
    let operations = json!([{"op": "remove", "path": "title"}, {"op": "remove", "path": "roles"},
        {"op": "remove", "path": "emails[type eq \"work\"]"},
        {"op": "remove", "path": "emails[type eq \"home\"]"},
        {"op": "remove", "path": "addresses[locality eq \"Lyon\"].locality"}]);
    let user = patch(&user, operations).unwrap();
    for name in ["title", "emails", "roles", "addresses"] {
        assert!(!user.attributes().contains_key(name), "{name}");
    }
}

#[test]
fn a_replace_adds_what_is_not_there_and_replaces_every_match() {
    let user =
        stored(json!({"emails": [{"value": "a", "type": "work"}, {"value": "b", "type": "work"}]}));
    let operations = json!([{"op": "replace", "path": "title", "value": "T"},
        {"op": "replace", "path": "name", "value": {"givenName": "Ava"}},
        {"op": "replace", "path": "emails[type eq \"work\"].display", "value": "D"}]);
    let user = patch(&user, operations).unwrap();
    assert_eq!(user.text("title"), Some("T"));
    assert_eq!(user.attributes()["name"], json!({"givenName": "Ava"}));
    let displays = user.attributes()["emails"].as_array().unwrap().iter();
    assert!(
        displays
            .map(|email| &email["display"])
            .all(|display| display == "D")
    );
    let whole = json!([{"op": "replace", "value": {"nickName": "N"}}]);
    assert_eq!(patch(&user, whole).unwrap().text("nickName"), Some("N"));
}
