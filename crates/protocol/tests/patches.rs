//! What PATCH operations do to a resource, beside the corpus.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use scim_protocol::patch::{ListEdit, PatchRequest};
use scim_protocol::resource::changes;
use scim_protocol::schema::{Attribute, AttributeType, Schema, uri};
use scim_protocol::{Error, Limits, Profile, Resource, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Value, json};

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

fn stored() -> Value {
    json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        "name": {"givenName": "Ava", "familyName": "Stone"},
        "emails": [{"value": "a@x.example", "type": "work", "primary": true},
            {"value": "b@x.example", "type": "home", "display": "B"}],
        "addresses": [{"type": "work", "country": "IN", "locality": "Pune"}],
        "roles": [{"value": "admin"}],
        uri::ENTERPRISE_USER: {"department": "Ops", "manager": {"value": "boss", "$ref": "../boss"}},
    })
}

fn apply(operation: &Value, profile: Profile) -> Result<Value, Error> {
    let users = ResourceDefinition::user();
    let mut tolerance = Tolerance::new(profile);
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
    let request = PatchRequest::read(body, &Limits::default(), &mut tolerance)?;
    let stored = Resource::from_map(stored().as_object().unwrap().clone());
    let patched = request
        .resolve(&users, &mut tolerance)?
        .apply(&stored, &mut tolerance)?;
    Ok(Value::Object(patched.into_map()))
}

fn patched(operation: &Value) -> Value {
    apply(operation, Profile::Tolerant).unwrap_or_else(|error| panic!("{operation}: {error}"))
}

fn refused(operation: &Value, profile: Profile) -> Option<ScimType> {
    match apply(operation, profile) {
        Ok(after) => panic!("{operation} makes {after}"),
        Err(error) => error.scim_type(),
    }
}

#[test]
fn a_value_that_names_nothing_changes_nothing() {
    for operation in [
        json!({"op": "add", "path": "emails[type eq \"work\"]", "value": {"nosuch": 1}}),
        json!({"op": "add", "path": "emails[type eq \"work\"]", "value": {}}),
        json!({"op": "add", "path": "emails[type eq \"work\"]", "value": null}),
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"nosuch": 1}}),
        json!({"op": "add", "path": "emails[type eq \"other\"]", "value": {}}),
        json!({"op": "add", "path": "emails", "value": [{}]}),
        json!({"op": "replace", "path": "name", "value": {"nosuch": "x"}}),
        json!({"op": "replace", "path": "name", "value": {}}),
        json!({"op": "add", "path": "name", "value": {"givenName": null}}),
        json!({"op": "replace", "value": {"name": {"nosuch": 1}}}),
        json!({"op": "replace", "path": MANAGER, "value": {"displayName": "B"}}),
        json!({"op": "replace", "path": MANAGER, "value": {"managerId": "5", "displayName": "B"}}),
        json!({"op": "add", "path": MANAGER, "value": {"value": null}}),
    ] {
        let (before, after) = (stored(), patched(&operation));
        let changed = changes(
            &ResourceDefinition::user(),
            before.as_object().unwrap(),
            after.as_object().unwrap(),
        );
        assert!(changed.is_empty(), "{operation}: {changed:?}");
    }
}

#[test]
fn a_list_of_values_that_name_nothing_is_no_empty_list() {
    for value in [json!([{}]), json!([{"nosuch": 1}]), json!({})] {
        let operation = json!({"op": "replace", "path": "emails", "value": value});
        let scim_type = refused(&operation, Profile::Tolerant);
        assert_eq!(scim_type, Some(ScimType::InvalidValue), "{operation}");
    }
}

#[test]
fn null_clears_the_sub_attribute_that_has_it() {
    for operation in [
        json!({"op": "replace", "path": "name", "value": {"givenName": null}}),
        json!({"op": "replace", "value": {"name": {"givenName": null}}}),
        json!({"op": "replace", "path": "name", "value": {"givenName": null, "formatted": null}}),
    ] {
        assert_eq!(patched(&operation)["name"], json!({"familyName": "Stone"}));
    }
    let name = json!({"givenName": null, "familyName": "Z"});
    for operation in [
        json!({"op": "replace", "path": "name", "value": name}),
        json!({"op": "replace", "value": {"name": name}}),
    ] {
        assert_eq!(patched(&operation)["name"], json!({"familyName": "Z"}));
    }
    let operation = json!({"op": "replace", "path": "addresses[type eq \"work\"]",
        "value": {"country": null, "locality": "Goa"}});
    let address = json!([{"type": "work", "locality": "Goa"}]);
    assert_eq!(patched(&operation)["addresses"], address);
    let operation = json!({"op": "replace", "path": "emails[type eq \"work\"]",
        "value": {"display": "D", "primary": null}});
    let work = json!({"value": "a@x.example", "type": "work", "display": "D"});
    assert_eq!(patched(&operation)["emails"][0], work);
    let all = json!({"givenName": null, "familyName": null});
    let operation = json!({"op": "replace", "path": "name", "value": all});
    assert!(patched(&operation).get("name").is_none());
}

#[test]
fn a_manager_goes_with_its_value() {
    let inside = format!("{MANAGER}.value");
    for operation in [
        json!({"op": "replace", "path": MANAGER, "value": {"value": null}}),
        json!({"op": "replace", "path": MANAGER, "value": {"value": null, "displayName": "B"}}),
        json!({"op": "replace", "path": MANAGER, "value": null}),
        json!({"op": "replace", "path": inside, "value": null}),
        json!({"op": "remove", "path": MANAGER}),
        json!({"op": "replace", "value": {uri::ENTERPRISE_USER: {"manager": null}}}),
    ] {
        for profile in [Profile::Tolerant, Profile::Strict] {
            let after = apply(&operation, profile).unwrap();
            let left = json!({"department": "Ops"});
            assert_eq!(after[uri::ENTERPRISE_USER], left, "{operation}");
        }
    }
}

#[test]
fn primary_is_never_true_for_two_values() {
    for operation in [
        json!({"op": "replace", "path": "emails.primary", "value": true}),
        json!({"op": "add", "path": "emails.primary", "value": true}),
        json!({"op": "replace", "value": {"emails.primary": true}}),
    ] {
        let scim_type = refused(&operation, Profile::Tolerant);
        assert_eq!(scim_type, Some(ScimType::InvalidValue), "{operation}");
    }
    let operation = json!({"op": "replace", "path": "roles.primary", "value": true});
    let role = json!([{"value": "admin", "primary": true}]);
    assert_eq!(patched(&operation)["roles"], role);
    let operation = json!({"op": "replace", "path": "emails.primary", "value": false});
    assert_eq!(patched(&operation)["emails"][0]["primary"], false);
}

#[test]
fn the_same_value_twice_is_there_once() {
    let twice = json!([{"value": "c@x.example", "type": "other"},
        {"type": "other", "value": "c@x.example"}, {"value": "c@x.example"}]);
    let operation = json!({"op": "replace", "path": "emails", "value": twice});
    let once = json!([{"value": "c@x.example", "type": "other"}, {"value": "c@x.example"}]);
    assert_eq!(patched(&operation)["emails"], once);
    let operation = json!({"op": "add", "path": "emails", "value": twice});
    assert_eq!(patched(&operation)["emails"].as_array().unwrap().len(), 4);
}

#[test]
fn an_empty_value_is_found_by_its_filter() {
    let users = ResourceDefinition::user();
    let mut tolerance = Tolerance::default();
    let operation = json!({"op": "replace", "path": "emails[value eq \"\"].value", "value": "c"});
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
    let request = PatchRequest::read(body, &Limits::default(), &mut tolerance).unwrap();
    let patch = request.resolve(&users, &mut tolerance).unwrap();
    let empty = json!({"userName": "bo", "emails": [{"value": "", "type": "work"}]});
    let stored = Resource::from_map(empty.as_object().unwrap().clone());
    let patched = patch.apply(&stored, &mut tolerance).unwrap();
    let emails = json!([{"value": "c", "type": "work"}]);
    assert_eq!(patched.attributes()["emails"], emails);
}

#[test]
fn a_filter_that_contradicts_itself_describes_no_value() {
    let path = "emails[type eq \"other\" and type eq \"foo\"].value";
    let operation = json!({"op": "add", "path": path, "value": "c@x.example"});
    let scim_type = refused(&operation, Profile::Tolerant);
    assert_eq!(scim_type, Some(ScimType::NoTarget));
}

#[test]
fn the_strict_add_one_value_and_no_unknown_member() {
    let value = json!({"value": "c@x.example", "type": "other"});
    let operation = json!({"op": "add", "path": "emails", "value": value});
    let after = apply(&operation, Profile::Strict).unwrap();
    assert_eq!(after["emails"][2], value);
    let operation = json!({"op": "replace", "path": "emails", "value": value});
    let scim_type = refused(&operation, Profile::Strict);
    assert_eq!(scim_type, Some(ScimType::InvalidValue));
    let operation = json!({"op": "add", "path": "title", "value": "T", "name": "setTitle"});
    let scim_type = refused(&operation, Profile::Strict);
    assert_eq!(scim_type, Some(ScimType::InvalidSyntax));
}

#[test]
fn another_member_takes_the_place_of_a_selected_one() {
    let groups = ResourceDefinition::group();
    let mut tolerance = Tolerance::default();
    let mut edits = |value: Value| {
        let operation =
            json!({"op": "replace", "path": "members[value eq \"u1\"]", "value": value});
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
        let request = PatchRequest::read(body, &Limits::default(), &mut tolerance).unwrap();
        let mut patch = request.resolve(&groups, &mut tolerance).unwrap();
        patch.take_list("members").unwrap()
    };
    let edited = edits(json!({"value": "u2"}));
    assert!(
        matches!(&edited[..], [ListEdit::ReplaceSelected(_, value)] if value["value"] == "u2"),
        "{edited:?}"
    );
    assert_eq!(edits(json!({})), [ListEdit::Add(Vec::new())]);
}

#[test]
fn a_bracket_on_a_single_value_counts_where_the_value_is_emptied_too() {
    let users = ResourceDefinition::user();
    for (path, value) in [
        (format!("{MANAGER}[value eq \"other\"]"), json!("")),
        (format!("{MANAGER}[value eq \"other\"]"), json!(null)),
        (
            format!("{MANAGER}[value eq \"other\"]"),
            json!({"value": ""}),
        ),
        (format!("{MANAGER}[value eq \"other\"].value"), json!("")),
        (format!("{MANAGER}[value eq \"other\"].value"), json!(null)),
        ("name[givenName eq \"Bo\"]".to_owned(), json!(null)),
    ] {
        let operation = json!({"op": "replace", "path": path, "value": value});
        let scim_type = refused(&operation, Profile::Tolerant);
        assert_eq!(scim_type, Some(ScimType::NoTarget), "{operation}");
        let path = path.replace("other", "boss").replace("Bo", "Ava");
        let operation = json!({"op": "replace", "path": path, "value": value});
        let (before, after) = (stored(), patched(&operation));
        let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
        assert!(!changes(&users, before, after).is_empty(), "{operation}");
    }
}

#[test]
fn of_nothing_no_value_is_made() {
    for (path, value) in [
        ("emails[type eq \"other\"]", json!({"value": null})),
        ("emails[type eq \"other\"]", json!({"value": ""})),
        ("emails[type eq \"other\"].value", json!("")),
        ("emails[type eq \"other\"].value", json!(null)),
        ("photos.display", json!("")),
    ] {
        for op in ["add", "replace"] {
            let operation = json!({"op": op, "path": path, "value": value});
            assert_eq!(patched(&operation), stored(), "{operation}");
        }
    }
}

#[test]
fn an_add_of_nothing_takes_nothing_away() {
    let badge = Schema::new("urn:example:Badge", "Badge").with([Attribute::new(
        "tags",
        AttributeType::String,
    )
    .multi()]);
    let users = ResourceDefinition::user().extended(badge, false);
    let data = json!({"userName": "ava", "urn:example:Badge": {"tags": ["vip", "red"]},
        "emails": [{"value": "a@x.example", "type": "work"}]});
    let before: Resource = serde_json::from_value(data).unwrap();
    for path in [
        "urn:example:Badge:tags[value eq \"vip\"]",
        "urn:example:Badge:tags[value eq \"vip\" or value eq \"red\"]",
        "urn:example:Badge:tags",
        "emails[type eq \"work\"]",
    ] {
        for value in [json!(""), json!(null)] {
            let operation = json!({"op": "add", "path": path, "value": value});
            let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
            let mut tolerance = Tolerance::default();
            let request = PatchRequest::from_json(body).unwrap();
            let patch = request.resolve(&users, &mut tolerance).unwrap();
            let after = patch.apply(&before, &mut tolerance).unwrap();
            let changed = changes(&users, before.attributes(), after.attributes());
            assert_eq!(changed, [], "{operation}");
        }
    }
}

#[test]
fn an_id_of_null_says_nothing_beside_others() {
    let operation = json!({"op": "replace", "value": {"id": null, "title": "Chief"}});
    assert_eq!(patched(&operation)["title"], "Chief");
    let scim_type = refused(&operation, Profile::Strict);
    assert_eq!(scim_type, Some(ScimType::Mutability));
}

#[test]
fn what_names_no_value_of_a_list_is_refused() {
    for operation in [
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": "n@x.example"}),
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": ["n@x.example"]}),
        json!({"op": "add", "path": "emails[type eq \"other\"]", "value": "n@x.example"}),
        json!({"op": "Remove", "path": "emails", "value": "a@x.example"}),
        json!({"op": "Remove", "path": "emails", "value": ["a@x.example"]}),
        json!({"op": "remove", "path": "emails", "value": [{"value": {"a": 1}}]}),
        json!({"op": "replace", "path": "emails", "value": [{"value": {"a": 1}, "type": "work"}]}),
        json!({"op": "replace", "path": "emails[type eq \"work\"].primary", "value": "maybe"}),
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"primary": "maybe"}}),
        json!({"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": "maybe"}]}),
    ] {
        let scim_type = refused(&operation, Profile::Tolerant);
        assert_eq!(scim_type, Some(ScimType::InvalidValue), "{operation}");
    }
    let flag =
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"});
    assert_eq!(patched(&flag)["emails"][1]["primary"], true);
}

#[test]
fn a_list_of_members_is_emptied_by_null_and_by_no_members_alone() {
    let groups = ResourceDefinition::group();
    let edits = |operation: Value| {
        let mut tolerance = Tolerance::default();
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
        let request = PatchRequest::read(body, &Limits::default(), &mut tolerance)?;
        let mut patch = request.resolve(&groups, &mut tolerance)?;
        patch.take_list("members")
    };
    for value in [
        json!(""),
        json!([null]),
        json!([""]),
        json!([{"value": ""}]),
        json!([{"value": null}]),
        json!([{}, {"value": "u1"}]),
        json!([["u2"], {"value": "u1"}]),
    ] {
        for operation in [
            json!({"op": "replace", "path": "members", "value": value}),
            json!({"op": "replace", "value": {"members": value}}),
        ] {
            let refused = edits(operation.clone()).map(|edits| panic!("{operation}: {edits:?}"));
            let scim_type = refused.unwrap_err().scim_type();
            assert_eq!(scim_type, Some(ScimType::InvalidValue), "{operation}");
        }
        let body = json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": value});
        assert!(Resource::read(&groups, body, &mut Tolerance::default()).is_err());
    }
    for value in [json!(null), json!([])] {
        let operation = json!({"op": "replace", "path": "members", "value": value});
        assert_eq!(edits(operation).unwrap(), [ListEdit::Replace(Vec::new())]);
    }
}

#[test]
fn a_resource_that_is_named_by_its_uri_alone_is_named() {
    let uri = "https://scim.example/scim/v2/Users/u2";
    for operation in [
        json!({"op": "replace", "path": MANAGER, "value": {"$ref": uri}}),
        json!({"op": "add", "path": MANAGER, "value": {"$ref": format!("{uri}/")}}),
        json!({"op": "replace", "path": format!("{MANAGER}.$ref"), "value": uri}),
        json!({"op": "replace", "value": {uri::ENTERPRISE_USER: {"manager": {"$ref": "../Users/u2"}}}}),
    ] {
        let after = patched(&operation);
        let manager = &after[uri::ENTERPRISE_USER]["manager"];
        assert_eq!(manager["value"], "u2", "{operation}");
    }
    let groups = ResourceDefinition::group();
    for (op, edit) in [
        ("add", ListEdit::Add as fn(Vec<Value>) -> ListEdit),
        ("remove", ListEdit::Remove),
        ("replace", ListEdit::Replace),
    ] {
        let mut tolerance = Tolerance::default();
        let operation = json!({"op": op, "path": "members", "value": [{"$ref": uri}]});
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
        let request = PatchRequest::read(body, &Limits::default(), &mut tolerance).unwrap();
        let mut patch = request.resolve(&groups, &mut tolerance).unwrap();
        let named = json!({"$ref": uri, "value": "u2"});
        assert_eq!(patch.take_list("members").unwrap(), [edit(vec![named])]);
    }
}
