//! Every accepted deviation: what it means under the tolerant profile, and that the strict one
//! refuses it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use scim_protocol::filter::Filter;
use scim_protocol::patch::PatchRequest;
use scim_protocol::schema::{Attribute, AttributeType, Schema, uri};
use scim_protocol::{
    Deviation, Error, Limits, Profile, Resource, ResourceDefinition, ScimType, Tolerance,
};
use serde_json::{Value, json};

fn users() -> ResourceDefinition {
    let badge = Schema {
        id: "urn:example:2.0:User".to_owned(),
        name: "Badge".to_owned(),
        description: String::new(),
        attributes: vec![
            Attribute::new("number", AttributeType::Integer),
            Attribute::new("ratio", AttributeType::Decimal),
            Attribute::new("issued", AttributeType::DateTime),
        ],
    };
    ResourceDefinition::user().extended(badge, false)
}

fn read(body: Value, tolerance: &mut Tolerance) -> Result<Resource, Error> {
    Resource::read(&users(), body, tolerance)
}

fn stored() -> Resource {
    let body = json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava", "title": "Guide",
        "emails": [{"value": "a@x.example", "type": "work"}, {"value": "b@x.example", "type": "home"}],
        uri::ENTERPRISE_USER: {"manager": {"value": "boss"}},
    });
    let mut resource = read(body, &mut Tolerance::new(Profile::Strict)).unwrap();
    resource.attributes_mut().insert("id".into(), json!("7"));
    resource
}

fn patch(operations: Value, tolerance: &mut Tolerance) -> Result<Resource, Error> {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    patch_body(body, tolerance)
}

fn patch_body(body: Value, tolerance: &mut Tolerance) -> Result<Resource, Error> {
    let users = users();
    let request = PatchRequest::read(body, &Limits::default(), tolerance)?;
    let patch = request.resolve(&users, tolerance)?;
    patch.check_id("7")?;
    patch.apply(&stored(), tolerance)
}

fn filter(text: &str, tolerance: &mut Tolerance) -> Result<bool, Error> {
    let filter = Filter::parse(text, &Limits::default(), tolerance)?;
    let condition = filter.bind(&users(), tolerance)?;
    Ok(condition.matches(stored().attributes()))
}

/// Accepted and noted by name under the tolerant profile, refused under the strict one.
fn accepted<T>(
    name: &str,
    refused: ScimType,
    work: impl Fn(&mut Tolerance) -> Result<T, Error>,
) -> T {
    let mut tolerance = Tolerance::default();
    let result = work(&mut tolerance).unwrap();
    let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
    assert_eq!(names, [name]);
    match work(&mut Tolerance::new(Profile::Strict)) {
        Ok(_) => panic!("the strict profile accepts {name}"),
        Err(error) => assert_eq!(error.scim_type(), Some(refused), "{error:?}"),
    }
    result
}

#[test]
fn the_verb_of_an_operation_in_any_case() {
    let operations = json!([{"op": "Replace", "path": "title", "value": "Chief"}]);
    let user = accepted("operationCase", ScimType::InvalidSyntax, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("Chief"));
}

#[test]
fn booleans_as_text() {
    let body = json!({"schemas": [uri::USER], "userName": "ava", "active": "False"});
    let user = accepted("booleanAsText", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(user.attributes()["active"], false);
    assert!(!accepted(
        "booleanAsText",
        ScimType::InvalidFilter,
        |tolerance| { filter("active eq \"True\"", tolerance) }
    ));
}

#[test]
fn numbers_as_text() {
    let body = json!({"schemas": [uri::USER, "urn:example:2.0:User"], "userName": "ava",
        "urn:example:2.0:User": {"number": "12"}});
    let user = accepted("numberAsText", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(user.attributes()["urn:example:2.0:User"]["number"], 12);
}

#[test]
fn what_only_looks_like_a_value_is_refused() {
    let badge = "urn:example:2.0:User";
    for (name, value) in [
        ("ratio", json!("0.5")),
        ("number", json!("1.5")),
        ("number", json!("0x1F")),
        ("issued", json!("2026-01-31 08:00:00Z")),
        ("issued", json!("2026-01-31t08:00:00z")),
    ] {
        let body = json!({"schemas": [uri::USER, badge], "userName": "ava",
            badge: {name: value}});
        let refused = read(body.clone(), &mut Tolerance::default()).expect_err(name);
        assert_eq!(refused.scim_type(), Some(ScimType::InvalidValue), "{body}");
    }
    for word in ["TRUE", "fAlse", "yes", ""] {
        let body = json!({"schemas": [uri::USER], "userName": "ava", "active": word});
        let refused = read(body, &mut Tolerance::default()).expect_err(word);
        assert_eq!(refused.scim_type(), Some(ScimType::InvalidValue), "{word}");
    }
}

#[test]
fn removing_by_value_removes_just_those() {
    let operations =
        json!([{"op": "remove", "path": "emails", "value": [{"value": "a@x.example"}]}]);
    let user = accepted("removeByValue", ScimType::InvalidValue, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(
        user.attributes()["emails"],
        json!([{"value": "b@x.example", "type": "home"}])
    );
}

#[test]
fn a_filter_describes_the_value_to_create() {
    let operations =
        json!([{"op": "add", "path": "emails[type eq \"other\"].value", "value": "c@x.example"}]);
    let user = accepted("createdByFilter", ScimType::NoTarget, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(
        user.attributes()["emails"][2],
        json!({"type": "other", "value": "c@x.example"})
    );
}

#[test]
fn paths_as_keys() {
    let operations = json!([{"op": "add", "value": {"name.givenName": "Ava",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Ops"}}]);
    let user = {
        let mut tolerance = Tolerance::default();
        let user = patch(operations.clone(), &mut tolerance).unwrap();
        let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
        assert_eq!(names, ["pathAsKey", "pathAsKey"]);
        user
    };
    assert_eq!(user.attributes()["name"]["givenName"], "Ava");
    assert_eq!(user.attributes()[uri::ENTERPRISE_USER]["department"], "Ops");
    let refused = patch(operations, &mut Tolerance::new(Profile::Strict)).unwrap_err();
    assert_eq!(refused.scim_type(), Some(ScimType::InvalidSyntax));
}

#[test]
fn unknown_attributes_are_ignored() {
    let body = json!({"schemas": [uri::USER], "userName": "ava", "badge": 7});
    let user = accepted("unknownAttribute", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert!(!user.attributes().contains_key("badge"));
}

#[test]
fn extension_data_counts_although_its_schema_is_not_listed() {
    let body = json!({"schemas": [uri::USER], "userName": "ava",
        uri::ENTERPRISE_USER: {"department": "Ops"}});
    let user = accepted("schemaNotListed", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(
        user.attributes()["schemas"],
        json!([uri::USER, uri::ENTERPRISE_USER])
    );
}

#[test]
fn a_bare_value_for_a_complex_attribute() {
    let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        uri::ENTERPRISE_USER: {"manager": "boss"}});
    let user = accepted("bareValue", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    let manager = &user.attributes()[uri::ENTERPRISE_USER]["manager"];
    assert_eq!(*manager, json!({"value": "boss"}));
}

#[test]
fn one_value_for_a_multi_valued_attribute() {
    let body = json!({"schemas": [uri::USER], "userName": "ava",
        "emails": {"value": "a@x.example"}});
    let user = accepted("singleValue", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(
        user.attributes()["emails"],
        json!([{"value": "a@x.example"}])
    );
}

#[test]
fn an_empty_value_clears_a_complex_attribute() {
    let manager = format!("{}:manager", uri::ENTERPRISE_USER);
    let inside = format!("{manager}.value");
    for operation in [
        json!({"op": "replace", "path": manager, "value": ""}),
        json!({"op": "replace", "path": manager, "value": {"value": ""}}),
        json!({"op": "replace", "path": manager, "value": {"Value": "", "displayName": "Bo"}}),
        json!({"op": "replace", "path": inside, "value": ""}),
        json!({"op": "add", "path": manager, "value": ""}),
        json!({"op": "add", "path": inside, "value": ""}),
        json!({"op": "replace", "value": {uri::ENTERPRISE_USER: {"manager": ""}}}),
    ] {
        let operations = json!([operation]);
        let user = accepted("emptyClears", ScimType::InvalidValue, |tolerance| {
            patch(operations.clone(), tolerance)
        });
        assert!(
            !user.attributes().contains_key(uri::ENTERPRISE_USER),
            "{operations} {user:?}"
        );
    }
}

#[test]
fn a_comparison_behind_brackets() {
    for (text, expected) in [
        ("emails[type eq \"work\"].value eq \"A@x.example\"", true),
        ("emails[type eq \"work\"].value eq \"b@x.example\"", false),
    ] {
        let matched = accepted("comparedValuePath", ScimType::InvalidFilter, |tolerance| {
            filter(text, tolerance)
        });
        assert_eq!(matched, expected, "{text}");
    }
}

#[test]
fn a_comparison_value_without_quotes() {
    assert!(accepted(
        "unquotedValue",
        ScimType::InvalidFilter,
        |tolerance| { filter("userName eq AVA", tolerance) }
    ));
}

#[test]
fn spaces_that_the_grammar_does_not_have() {
    for text in [
        " userName eq \"ava\"",
        "userName eq\"ava\"",
        "emails [type eq \"work\"]",
    ] {
        assert!(accepted(
            "filterSpacing",
            ScimType::InvalidFilter,
            |tolerance| { filter(text, tolerance) }
        ));
    }
}

#[test]
fn a_read_only_attribute_with_the_value_it_has() {
    let operations = json!([{"op": "replace", "path": "id", "value": "7"},
        {"op": "replace", "path": "title", "value": "Chief"}]);
    let user = accepted("readOnlyRepeated", ScimType::Mutability, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("Chief"));
}

#[test]
fn a_body_without_schemas() {
    accepted("schemasMissing", ScimType::InvalidSyntax, |tolerance| {
        read(json!({"userName": "ava"}), tolerance)
    });
    let body = json!({"Operations": [{"op": "remove", "path": "title"}]});
    let user = accepted("schemasMissing", ScimType::InvalidSyntax, |tolerance| {
        patch_body(body.clone(), tolerance)
    });
    assert_eq!(user.text("title"), None);
}

#[test]
fn several_primary_values() {
    let body = json!({"schemas": [uri::USER], "userName": "ava", "emails": [
        {"value": "a@x.example", "primary": true}, {"value": "b@x.example", "primary": true}]});
    let user = accepted("severalPrimary", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    let primary: Vec<_> = user.attributes()["emails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|email| email["primary"] == true)
        .collect();
    assert_eq!(primary, [false, true]);
}
