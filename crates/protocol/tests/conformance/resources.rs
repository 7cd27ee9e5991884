//! RFC 7643: resources, schemas and attributes.

use super::*;

// RFC 7643

#[test]
fn names_of_attributes_are_read_in_any_case_and_written_as_the_schema_has_them() {
    let user = read(json!({"NICKNAME": "A", "Emails": [{"VALUE": "a@x"}]})).unwrap();
    assert_eq!(user.text("nickName"), Some("A"));
    assert_eq!(user.attributes()["emails"], json!([{"value": "a@x"}]));
    for name in ["1name", "na me", "-name", ""] {
        assert!(
            name.parse::<scim_protocol::AttributePath>().is_err(),
            "{name:?}"
        );
    }
}

#[test]
fn values_are_of_the_type_that_the_schema_says() {
    let badge = |name: &str, value: Value| read(json!({BADGE: {name: value}}));
    for (name, good) in [
        ("number", json!(7)),
        ("weight", json!(0.5)),
        ("since", json!("2026-01-31T08:00:00Z")),
        ("picture", json!("QUJD")),
    ] {
        assert!(badge(name, good).is_ok(), "{name}");
    }
    for (name, bad) in [
        ("number", json!(7.5)),
        ("number", json!(1e300)),
        ("since", json!("2026-01-31")),
        ("since", json!("08:00:00")),
        ("since", json!("yesterday")),
        ("picture", json!("no base64!")),
    ] {
        assert_eq!(
            scim_type(badge(name, bad.clone())),
            ScimType::InvalidValue,
            "{name} {bad}"
        );
    }
    let photo = |value: &str| read(json!({"photos": [{"value": value}], "profileUrl": value}));
    assert!(photo("https://x.example/a.png").is_ok());
    assert_eq!(scim_type(photo("no uri")), ScimType::InvalidValue);
    let certificate = |value: &str| read(json!({"x509Certificates": [{"value": value}]}));
    assert!(certificate("QUJD").is_ok());
    assert_eq!(
        scim_type(certificate("not base64!")),
        ScimType::InvalidValue
    );
}

#[test]
fn the_order_of_members_and_schemas_means_nothing() {
    let one = json!({"schemas": [uri::USER, BADGE], "userName": "ava", "title": "T",
        BADGE: {"number": 7}});
    let other = json!({BADGE: {"number": 7}, "title": "T", "userName": "ava",
        "schemas": [BADGE, uri::USER]});
    let read = |body| Resource::read(&users(), body, &mut strict()).unwrap();
    let (one, other) = (read(one), read(other));
    assert!(one == other);
    assert_eq!(one.attributes()["schemas"], other.attributes()["schemas"]);
}

#[test]
fn one_value_at_most_is_primary_and_who_says_nothing_is_not() {
    let two = json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]});
    assert_eq!(scim_type(read(two)), ScimType::InvalidValue);
    let user = stored(json!({"emails": [{"value": "a"}]}));
    assert_eq!(matches("emails[primary eq false]", &user), Ok(true));
    assert_eq!(matches("emails[primary eq true]", &user), Ok(false));
}

#[test]
fn unassigned_null_and_the_empty_array_are_the_same() {
    let nothing = read(json!({})).unwrap();
    assert!(read(json!({"title": null, "emails": [], "name": null})).unwrap() == nothing);
    let user = stored(json!({"title": "T", "emails": [{"value": "a"}]}));
    let operations = json!([{"op": "replace", "value": {"title": null, "emails": []}}]);
    assert!(
        patch(&user, operations)
            .unwrap()
            .attributes()
            .get("emails")
            .is_none()
    );
}

#[test]
fn schemas_are_the_core_schema_and_the_extensions_that_have_data() {
    let user = read(json!({BADGE: {"number": 7}})).unwrap();
    assert_eq!(user.attributes()["schemas"], json!([uri::USER, BADGE]));
    let user = patch(
        &user,
        json!([{"op": "remove", "path": format!("{BADGE}:number")}]),
    )
    .unwrap();
    assert_eq!(user.attributes()["schemas"], json!([uri::USER]));
    let missing = Resource::read(&users(), json!({"userName": "ava"}), &mut strict());
    assert_eq!(scim_type(missing), ScimType::InvalidSyntax);
    // Attributes of an extension stand under its URI, and nowhere else.
    assert_eq!(
        scim_type(read(json!({"number": 7}))),
        ScimType::InvalidValue
    );
}

#[test]
fn id_and_meta_of_a_client_are_ignored() {
    let user = read(
        json!({"id": "mine", "meta": {"created": "2026-01-31T08:00:00Z"},
        "groups": [{"value": "g"}], "externalId": "E-1"}),
    );
    let user = user.unwrap();
    let kept: Vec<&str> = user.attributes().keys().map(String::as_str).collect();
    assert!(
        !["id", "meta", "groups"]
            .iter()
            .any(|name| kept.contains(name)),
        "{kept:?}"
    );
    assert_eq!(user.external_id(), Some("E-1"));
}

#[test]
fn common_attributes_are_part_of_every_type() {
    let definition =
        ResourceDefinition::new("Lamp", "/Lamps", "", Schema::new("urn:x:Lamp", "Lamp"));
    for name in ["schemas", "id", "externalId", "meta"] {
        assert!(definition.attribute(name).is_some(), "{name}");
    }
    let id = definition.attribute("id").unwrap();
    assert_eq!(
        (id.mutability, id.returned),
        (Mutability::ReadOnly, Returned::Always)
    );
    assert!(id.case_exact);
}

#[test]
fn user_names_are_required_and_compared_in_any_case() {
    let nameless = json!({"schemas": [uri::USER], "title": "T"});
    let nameless = Resource::read(&users(), nameless, &mut strict()).unwrap();
    assert_eq!(
        scim_type(nameless.check_required(&users())),
        ScimType::InvalidValue
    );
    let empty = json!({"schemas": [uri::USER], "userName": ""});
    let empty = Resource::read(&users(), empty, &mut strict()).unwrap();
    assert!(empty.check_required(&users()).is_err());
    assert_eq!(matches("userName eq \"AVA\"", &stored(json!({}))), Ok(true));
}

#[test]
fn passwords_are_shown_and_found_by_nothing() {
    let user = stored(json!({"password": "secret", BADGE: {"key": "secret"}}));
    let asked = ["password", "urn:example:2.0:Badge:key", BADGE, uri::USER];
    let asked = asked.map(|path| path.parse().unwrap()).to_vec();
    for attributes in [Vec::new(), asked] {
        let projection = Projection {
            attributes,
            ..Projection::default()
        };
        let shown = Value::Object(project(&users(), user.attributes(), &projection));
        assert!(!shown.to_string().contains("secret"), "{shown}");
    }
    for filter in [
        "password eq \"secret\"",
        "password pr",
        "urn:example:2.0:Badge:key sw \"s\"",
    ] {
        assert_eq!(
            scim_type(matches(filter, &user)),
            ScimType::InvalidFilter,
            "{filter}"
        );
    }
}

#[test]
fn a_required_extension_and_what_it_requires_are_required() {
    let required =
        Schema::new("urn:x:Pass", "Pass")
            .with([Attribute::new("gate", AttributeType::String).required()]);
    let users = ResourceDefinition::user().extended(required, true);
    for (attributes, fits) in [
        (json!({"userName": "ava"}), false),
        (json!({"userName": "ava", "urn:x:Pass": {}}), false),
        (
            json!({"userName": "ava", "urn:x:Pass": {"gate": "N"}}),
            true,
        ),
    ] {
        let resource = Resource::from_map(attributes.as_object().unwrap().clone());
        assert_eq!(
            resource.check_required(&users).is_ok(),
            fits,
            "{attributes}"
        );
    }
}

#[test]
fn case_exact_text_is_kept_and_told_apart() {
    let user = read(json!({BADGE: {"serial": "Ab"}})).unwrap();
    assert_eq!(user.attributes()[BADGE]["serial"], "Ab");
    assert_eq!(
        matches("urn:example:2.0:Badge:serial eq \"Ab\"", &user),
        Ok(true)
    );
    assert_eq!(
        matches("urn:example:2.0:Badge:serial eq \"AB\"", &user),
        Ok(false)
    );
}
