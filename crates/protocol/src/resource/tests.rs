use serde_json::{Value, json};

use super::*;
use crate::query::Projection;
use crate::schema::{Attribute, AttributeType, Mutability, Returned, Schema};
use crate::uri;
use crate::{Limits, Profile, Tolerance};

fn read(definition: &ResourceDefinition, body: Value) -> Result<Resource, Error> {
    Resource::read(definition, body, &mut Tolerance::new(Profile::Strict))
}

fn user(mut body: Value) -> Resource {
    body["schemas"] = json!([uri::USER, uri::ENTERPRISE_USER]);
    read(&ResourceDefinition::user(), body).unwrap()
}

fn refused(body: Value) -> Error {
    read(&ResourceDefinition::user(), body).unwrap_err()
}

/// A resource type with an attribute of every `returned` and `mutability`.
fn devices() -> ResourceDefinition {
    let text = |name| Attribute::new(name, AttributeType::String);
    let core = Schema {
        id: "urn:example:Device".to_owned(),
        name: "Device".to_owned(),
        description: String::new(),
        attributes: vec![
            text("serial").required().mutable(Mutability::Immutable),
            text("owner"),
            text("pin")
                .mutable(Mutability::WriteOnly)
                .returned(Returned::Never),
            text("key").returned(Returned::Always),
            text("history").returned(Returned::Request),
        ],
    };
    ResourceDefinition::new("Device", "/Devices", "A device", core)
}

fn device(body: Value) -> Resource {
    let mut body = body;
    body["schemas"] = json!(["urn:example:Device"]);
    read(&devices(), body).unwrap()
}

fn paths(paths: &[&str]) -> Vec<AttributePath> {
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

fn names(
    definition: &ResourceDefinition,
    resource: &Resource,
    projection: &Projection,
) -> Vec<String> {
    let shown = project(definition, resource.attributes(), projection);
    // Whether members have an order is for the program to say.
    let mut names: Vec<String> = shown.into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}

#[test]
fn an_answer_holds_what_is_returned() {
    let device =
        device(json!({"serial": "1", "owner": "a", "pin": "2", "key": "3", "history": "4"}));
    let definition = devices();
    let held = |wanted: &[&str], unwanted: &[&str]| {
        let projection = Projection {
            attributes: paths(wanted),
            excluded_attributes: paths(unwanted),
        };
        names(&definition, &device, &projection)
    };
    assert_eq!(held(&[], &[]), ["key", "owner", "schemas", "serial"]);
    assert_eq!(held(&["OWNER"], &[]), ["key", "owner", "schemas"]);
    assert_eq!(
        held(&["history", "pin"], &[]),
        ["history", "key", "schemas"]
    );
    assert_eq!(
        held(&[], &["owner", "key", "schemas"]),
        ["key", "schemas", "serial"]
    );
    assert_eq!(held(&["unknown"], &[]), ["key", "schemas"]);
    assert_eq!(
        held(&["urn:example:Device:owner"], &[]),
        ["key", "owner", "schemas"]
    );
    assert_eq!(held(&["urn:example:Other:owner"], &[]), ["key", "schemas"]);
}

#[test]
fn an_answer_holds_parts_of_complex_attributes() {
    let ava = user(json!({"userName": "ava",
        "name": {"givenName": "Ava", "familyName": "Li"},
        "emails": [{"value": "a@x.example", "type": "work"}, {"type": "home"}],
        uri::ENTERPRISE_USER: {"department": "Ops", "manager": {"value": "7"}}}));
    let definition = ResourceDefinition::user();
    let part = |wanted: &[&str], unwanted: &[&str]| {
        let projection = Projection {
            attributes: paths(wanted),
            excluded_attributes: paths(unwanted),
        };
        let mut part = project(&definition, ava.attributes(), &projection);
        part.remove("schemas");
        Value::Object(part)
    };
    assert_eq!(
        part(&["name.givenName"], &[]),
        json!({"name": {"givenName": "Ava"}})
    );
    // A value without the part that was asked for is no value.
    assert_eq!(
        part(&["emails.value"], &[]),
        json!({"emails": [{"value": "a@x.example"}]})
    );
    assert_eq!(
        part(
            &["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"],
            &[]
        ),
        json!({uri::ENTERPRISE_USER: {"manager": {"value": "7"}}})
    );
    assert_eq!(
        part(&[uri::ENTERPRISE_USER], &[]),
        json!({uri::ENTERPRISE_USER: {"department": "Ops", "manager": {"value": "7"}}})
    );
    let left = part(&[], &["name.familyName", "emails", uri::ENTERPRISE_USER]);
    assert_eq!(
        left,
        json!({"userName": "ava", "name": {"givenName": "Ava"}})
    );
}

#[test]
fn a_put_clears_what_it_does_not_bring_and_keeps_what_cannot_change() {
    let definition = devices();
    let old = device(json!({"serial": "1", "owner": "a", "key": "k"}));
    let new = old
        .replaced_by(&definition, device(json!({"key": "l"})))
        .unwrap();
    let expected = json!({"schemas": ["urn:example:Device"], "serial": "1", "key": "l"});
    assert_eq!(Value::Object(new.into_map()), expected);
    let same = device(json!({"serial": "1"}));
    assert!(old.replaced_by(&definition, same).is_ok());
    let other = device(json!({"serial": "2"}));
    let error = old.replaced_by(&definition, other).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::Mutability));
}

#[test]
fn what_is_required_must_have_a_value() {
    let definition = ResourceDefinition::user();
    for name in [json!(null), json!("")] {
        let error = match read(
            &definition,
            json!({"schemas": [uri::USER], "userName": name}),
        ) {
            Ok(resource) => resource.check_required(&definition).unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
        assert!(error.detail().contains("userName"), "{}", error.detail());
    }
    assert!(
        user(json!({"userName": "ava"}))
            .check_required(&definition)
            .is_ok()
    );
}

#[test]
fn names_become_canonical_and_no_value_is_no_value() {
    let ava = user(
        json!({"USERNAME": "ava", "Name": {"GIVENNAME": "Ava", "familyName": null},
        "emails": [], "title": null, "id": "7", "groups": [{"value": "g"}], "meta": {"version": "1"},
        uri::ENTERPRISE_USER.to_uppercase(): {"DEPARTMENT": "Ops"}}),
    );
    let expected = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        "name": {"givenName": "Ava"}, uri::ENTERPRISE_USER: {"department": "Ops"}});
    assert_eq!(Value::Object(ava.into_map()), expected);
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    let schemas = json!([uri::USER]);
    for (attribute, value) in [
        ("userName", json!(7)),
        ("userName", json!({"value": "ava"})),
        ("name", json!("Ava")),
        ("active", json!("perhaps")),
        ("active", json!(1)),
        ("emails", json!([["a"]])),
        ("name", json!({"givenName": {"deep": 1}})),
        ("profileUrl", json!(true)),
        ("x509Certificates", json!([{"value": "no base64!"}])),
    ] {
        let error = refused(json!({"schemas": schemas, "userName": "ava", attribute: value}));
        assert_eq!(
            error.scim_type(),
            Some(ScimType::InvalidValue),
            "{attribute}"
        );
        assert!(error.detail().contains(attribute), "{}", error.detail());
    }
    assert_eq!(
        refused(json!([])).scim_type(),
        Some(ScimType::InvalidSyntax)
    );
    let error = refused(json!({"schemas": uri::USER, "userName": "ava"}));
    assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
}

#[test]
fn bodies_stay_within_limits() {
    let limits = Limits::default();
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(limits.json_depth - 1).as_bytes(), &limits).is_ok());
    let long = format!("\"{}\"", "a".repeat(limits.string_bytes + 1));
    for body in [
        nested(limits.json_depth),
        nested(100_000),
        long,
        "\"nul\\u0000\"".to_owned(),
        "{\"a\":".to_owned(),
        "{} {}".to_owned(),
        String::new(),
    ] {
        assert_eq!(parse(body.as_bytes(), &limits).unwrap_err().status(), 400);
    }
    assert!(parse(b"\"\xff\"", &limits).is_err());
}

#[test]
fn changes_name_the_attributes_that_differ() {
    let definition = ResourceDefinition::user();
    let old = user(
        json!({"userName": "ava", "title": "Guide", "name": {"givenName": "Ava"},
        "emails": [{"value": "a@x.example"}, {"value": "b@x.example"}]}),
    );
    let mut new = user(json!({"userName": "AVA", "name": {"givenName": "Eva"},
        "emails": [{"value": "b@x.example"}, {"value": "a@x.example"}]}));
    new.list_schemas(&definition);
    let changed = changes(&definition, old.attributes(), new.attributes());
    let paths: Vec<_> = changed.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["userName", "name", "title"]);
    assert_eq!(changed[2].old, Some(json!("Guide")));
    assert_eq!(changed[2].new, None);
}
