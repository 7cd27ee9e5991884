//! Every accepted deviation: what it means under the tolerant profile, and that the strict one
//! refuses it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use scim_protocol::filter::{Filter, SortKey};
use scim_protocol::patch::PatchRequest;
use scim_protocol::schema::{Attribute, AttributeType, Schema, uri};
use scim_protocol::{
    Deviation, Error, Limits, Profile, Resource, ResourceDefinition, ScimType, Tolerance,
};
use serde_json::{Value, json};

const BADGE: &str = "urn:example:2.0:User";

fn users() -> ResourceDefinition {
    let badge = Schema {
        id: "urn:example:2.0:User".to_owned(),
        name: "Badge".to_owned(),
        description: String::new(),
        attributes: vec![
            Attribute::new("number", AttributeType::Integer),
            Attribute::new("ratio", AttributeType::Decimal),
            Attribute::new("issued", AttributeType::DateTime),
            Attribute::new("lost", AttributeType::Boolean),
            Attribute::new("photo", AttributeType::Reference),
            Attribute::new("key", AttributeType::Binary),
            Attribute::new("sites", AttributeType::String).multi(),
            Attribute::new("room", AttributeType::String),
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
    for (word, flag) in [
        ("False", false),
        ("TRUE", true),
        ("false", false),
        ("fALSE", false),
    ] {
        let body = json!({"schemas": [uri::USER], "userName": "ava", "active": word});
        let user = accepted("booleanAsText", ScimType::InvalidValue, |tolerance| {
            read(body.clone(), tolerance)
        });
        assert_eq!(user.attributes()["active"], flag, "{word}");
    }
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

/// The deviations that a body is read with, and what is read of the extension.
fn of_badge(data: Value) -> (Vec<&'static str>, Value) {
    let body = json!({"schemas": [uri::USER, BADGE], "userName": "ava", BADGE: data});
    let mut tolerance = Tolerance::default();
    let user = read(body.clone(), &mut tolerance).unwrap_or_else(|error| panic!("{body}: {error}"));
    let names = tolerance.deviations().iter().map(Deviation::name);
    let read = user.attributes().get(BADGE).cloned().unwrap_or_default();
    (names.collect(), read)
}

#[test]
fn what_cannot_be_read_in_an_optional_attribute_costs_nothing_else() {
    for (name, value) in [
        ("number", json!("1.5")),
        ("number", json!("0x1F")),
        ("number", json!(1.5)),
        ("number", json!("many")),
        ("number", json!(9_223_372_036_854_775_808_u64)),
        ("number", json!({"value": 1})),
        ("ratio", json!("half")),
        ("ratio", json!([0.5])),
        ("issued", json!("2026-01-31 08:00:00Z")),
        ("issued", json!("2026-01-31t08:00:00z")),
        ("issued", json!("2026-01-31")),
        ("issued", json!(20_260_131)),
        ("lost", json!("T")),
        ("lost", json!("yes")),
        ("lost", json!(1)),
        ("photo", json!("no picture yet")),
        ("key", json!("abcde")),
        ("key", json!("==")),
        ("sites", json!([{"value": {"deep": 1}}])),
    ] {
        let (names, read) = of_badge(json!({name: value, "room": "7"}));
        assert!(names.contains(&"unreadable"), "{name} {value}: {names:?}");
        assert_eq!(read, json!({"room": "7"}), "{name} {value}");
        let body = json!({"schemas": [uri::USER, BADGE], "userName": "ava", BADGE: {name: value}});
        let refused = self::read(body, &mut Tolerance::new(Profile::Strict)).expect_err(name);
        assert_eq!(refused.scim_type(), Some(ScimType::InvalidValue), "{name}");
    }
    // Of several values, and of the parts of one, the others are read.
    let body = json!({"schemas": [uri::USER], "userName": "ava",
        "emails": ["bare@x.example", {"value": "a@x.example", "type": ["work"]}],
        "name": {"givenName": {"deep": 1}, "familyName": "Li"}});
    let mut tolerance = Tolerance::default();
    let user = read(body, &mut tolerance).unwrap();
    let subjects: Vec<_> = tolerance
        .deviations()
        .iter()
        .map(Deviation::subject)
        .collect();
    assert_eq!(subjects, ["emails", "emails.type", "name.givenName"]);
    assert_eq!(
        user.attributes()["emails"],
        json!([{"value": "a@x.example"}])
    );
    assert_eq!(user.attributes()["name"], json!({"familyName": "Li"}));
}

#[test]
fn what_is_required_or_decides_who_may_work_is_never_guessed() {
    for (name, value) in [
        ("userName", json!({"value": "ava"})),
        ("userName", json!(["ava"])),
        ("active", json!("perhaps")),
        ("active", json!(" true ")),
        ("active", json!(1)),
        ("active", json!([true])),
    ] {
        let mut body = json!({"schemas": [uri::USER], "userName": "ava"});
        body[name] = value;
        let refused = read(body.clone(), &mut Tolerance::default()).expect_err(name);
        assert_eq!(refused.scim_type(), Some(ScimType::InvalidValue), "{body}");
    }
}

#[test]
fn a_patch_that_cannot_be_read_changes_nothing_of_the_attribute() {
    let path = |name: &str| format!("{BADGE}:{name}");
    for value in [json!("many"), json!("1.5"), json!("0x1F")] {
        for operation in [
            json!({"op": "replace", "path": path("number"), "value": value}),
            json!({"op": "replace", "value": {BADGE: {"number": value}}}),
        ] {
            let operations = json!([{"op": "add", "path": path("number"), "value": 7}, operation]);
            let user = patch(operations.clone(), &mut Tolerance::default()).unwrap();
            assert_eq!(
                user.attributes()[BADGE],
                json!({"number": 7}),
                "{operations}"
            );
        }
    }
    // Of a list of which nothing can be read, nothing is known, not even that it is empty.
    let operations = json!([{"op": "replace", "value": {"emails": ["bare@x.example", 7]}}]);
    let user = patch(operations, &mut Tolerance::default()).unwrap();
    assert_eq!(user.attributes()["emails"], stored().attributes()["emails"]);
    // An operation that names nothing but an attribute, and gives it a value of another type, says
    // nothing that could be kept.
    let operation = json!([{"op": "replace", "path": "title", "value": {"a": 1}}]);
    let refused = patch(operation, &mut Tolerance::default()).unwrap_err();
    assert_eq!(refused.scim_type(), Some(ScimType::InvalidValue));
}

#[test]
fn an_empty_text_is_no_value_of_another_type() {
    for name in ["number", "ratio", "issued", "lost", "photo", "key", "sites"] {
        let body = json!({"schemas": [uri::USER, BADGE], "userName": "ava",
            BADGE: {name: "", "room": "7"}});
        let user = accepted("emptyClears", ScimType::InvalidValue, |tolerance| {
            read(body.clone(), tolerance)
        });
        assert_eq!(user.attributes()[BADGE], json!({"room": "7"}), "{name}");
        let path = format!("{BADGE}:{name}");
        let operations = json!([{"op": "replace", "path": path, "value": ""}]);
        accepted("emptyClears", ScimType::InvalidValue, |tolerance| {
            patch(operations.clone(), tolerance)
        });
    }
    let (names, read) = of_badge(json!({"photo": "  ", "room": ""}));
    assert_eq!(names, ["emptyClears"]);
    assert_eq!(read, json!({"room": ""}));
}

#[test]
fn numbers_and_booleans_in_the_place_of_text() {
    let body = json!({"schemas": [uri::USER], "userName": 157_663, "externalId": 7.5,
        "title": true, "phoneNumbers": [{"value": 4_930_123, "type": "work"}]});
    let mut tolerance = Tolerance::default();
    let user = read(body.clone(), &mut tolerance).unwrap();
    assert!(
        tolerance
            .deviations()
            .iter()
            .all(|met| met.name() == "textUnquoted")
    );
    assert_eq!(tolerance.deviations().len(), 4);
    assert_eq!(user.text("userName"), Some("157663"));
    assert_eq!(user.text("externalId"), Some("7.5"));
    assert_eq!(user.text("title"), Some("true"));
    assert_eq!(user.attributes()["phoneNumbers"][0]["value"], "4930123");
    assert!(read(body, &mut Tolerance::new(Profile::Strict)).is_err());
    let operations = json!([{"op": "replace", "path": "title", "value": 5}]);
    let user = accepted("textUnquoted", ScimType::InvalidValue, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("5"));
}

#[test]
fn values_of_a_simple_attribute_that_are_wrapped() {
    let body = json!({"schemas": [uri::USER, BADGE], "userName": "ava",
        BADGE: {"sites": [{"value": "Pune"}, {"Value": "Goa", "primary": true}]}});
    let user = accepted("wrappedValue", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(user.attributes()[BADGE]["sites"], json!(["Pune", "Goa"]));
    let path = format!("{BADGE}:sites");
    for (operation, left) in [
        (
            json!({"op": "add", "path": path, "value": [{"value": "Oslo"}]}),
            json!(["Pune", "Goa", "Oslo"]),
        ),
        (
            json!({"op": "replace", "path": path, "value": [{"value": "Oslo"}]}),
            json!(["Oslo"]),
        ),
        (
            json!({"op": "remove", "path": path, "value": [{"value": "pune"}]}),
            json!(["Goa"]),
        ),
    ] {
        let sites = json!({"op": "add", "path": path, "value": ["Pune", "Goa"]});
        let operations = json!([sites, operation]);
        let user = patch(operations.clone(), &mut Tolerance::default()).unwrap();
        assert_eq!(user.attributes()[BADGE]["sites"], left, "{operations}");
    }
}

#[test]
fn a_whole_number_with_a_fraction_of_nothing() {
    let body = json!({"schemas": [uri::USER, BADGE], "userName": "ava", BADGE: {"number": 3.0}});
    let user = accepted("decimalAsInteger", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(user.attributes()[BADGE]["number"].as_i64(), Some(3));
}

#[test]
fn an_attribute_whose_name_stands_twice() {
    for body in [
        json!({"schemas": [uri::USER], "userName": "ava", "TITLE": "A", "title": "B"}),
        json!({"schemas": [uri::USER], "userName": "ava", "title": "B",
            "name": {"GivenName": "A", "givenName": "B"}}),
    ] {
        let user = accepted("repeatedAttribute", ScimType::InvalidSyntax, |tolerance| {
            read(body.clone(), tolerance)
        });
        assert_eq!(user.text("title"), Some("B"));
    }
    let operations = json!([{"op": "add", "value": {"TITLE": "A", "title": "B"}}]);
    let user = accepted("repeatedAttribute", ScimType::InvalidSyntax, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("B"));
}

const ALIASES: [&str; 7] = [
    "urn:scim:schemas:extension:enterprise:1.0",
    "urn:scim:schemas:extension:enterprise:2.0",
    "urn:scim:schemas:extension:enterprise:1.0:User",
    "URN:SCIM:schemas:extension:enterprise:2.0:user",
    "urn:ietf:params:scim:schemas:extension:enterprise:1.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
];

#[test]
fn a_schema_by_another_uri() {
    for alias in ALIASES {
        let body = json!({"schemas": [uri::USER, alias], "userName": "ava",
            alias: {"department": "Ops", "employeeNumber": "7"}});
        let user = accepted("schemaAlias", ScimType::InvalidValue, |tolerance| {
            read(body.clone(), tolerance)
        });
        let data = json!({"department": "Ops", "employeeNumber": "7"});
        assert_eq!(user.attributes()[uri::ENTERPRISE_USER], data, "{alias}");
        assert_eq!(
            user.attributes()["schemas"],
            json!([uri::USER, uri::ENTERPRISE_USER])
        );
        for operation in [
            json!({"op": "replace", "path": format!("{alias}:department"), "value": "Ops"}),
            json!({"op": "replace", "path": alias, "value": {"department": "Ops"}}),
            json!({"op": "replace", "value": {alias: {"department": "Ops"}}}),
            json!({"op": "replace", "value": {format!("{alias}:department"): "Ops"}}),
        ] {
            let mut tolerance = Tolerance::default();
            let operations = json!([operation]);
            let user = patch(operations.clone(), &mut tolerance).unwrap();
            let data = &user.attributes()[uri::ENTERPRISE_USER];
            assert_eq!(data["department"], "Ops", "{operations}");
            let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
            assert_eq!(names, ["schemaAlias"], "{operations}");
            assert!(patch(operations, &mut Tolerance::new(Profile::Strict)).is_err());
        }
        let asked = format!("{alias}:manager.value eq \"boss\"");
        assert!(accepted(
            "schemaAlias",
            ScimType::InvalidFilter,
            |tolerance| { filter(&asked, tolerance) }
        ));
    }
}

#[test]
fn a_schema_uri_that_is_not_joined_by_a_colon() {
    let enterprise = uri::ENTERPRISE_USER;
    for (path, attribute) in [
        (format!("{enterprise}.department"), "department"),
        (format!("{enterprise}department"), "department"),
        (format!("{enterprise}.manager.value"), "manager"),
    ] {
        for operation in [
            json!({"op": "replace", "path": path, "value": "7"}),
            json!({"op": "replace", "value": {&path: "7"}}),
        ] {
            let operations = json!([operation]);
            let user = accepted("schemaJoined", ScimType::InvalidPath, |tolerance| {
                patch(operations.clone(), tolerance)
            });
            let data = &user.attributes()[enterprise][attribute];
            assert!(*data == "7" || data["value"] == "7", "{operations}");
        }
    }
    let operations =
        json!([{"op": "replace", "path": format!("{}.title", uri::USER), "value": "C"}]);
    let user = accepted("schemaJoined", ScimType::InvalidPath, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("C"));
    let asked = format!("{enterprise}.manager.value eq \"boss\"");
    assert!(accepted(
        "schemaJoined",
        ScimType::InvalidFilter,
        |tolerance| filter(&asked, tolerance)
    ));
}

#[test]
fn brackets_on_a_single_value() {
    let manager = format!("{}:manager", uri::ENTERPRISE_USER);
    let one = |operation: Value| {
        let operations = json!([operation]);
        accepted("singleBrackets", ScimType::InvalidPath, |tolerance| {
            patch(operations.clone(), tolerance)
        })
    };
    let gone = one(json!({"op": "remove", "path": format!("{manager}[value eq \"boss\"]")}));
    assert!(!gone.attributes().contains_key(uri::ENTERPRISE_USER));
    let there = one(json!({"op": "remove", "path": format!("{manager}[value eq \"other\"]")}));
    assert_eq!(
        there.attributes()[uri::ENTERPRISE_USER]["manager"]["value"],
        "boss"
    );
    let path = format!("{manager}[value eq \"boss\"].value");
    let next = one(json!({"op": "replace", "path": path, "value": "next"}));
    assert_eq!(
        next.attributes()[uri::ENTERPRISE_USER]["manager"]["value"],
        "next"
    );
    let path = format!("{manager}[value eq \"other\"]");
    let operations = json!([{"op": "replace", "path": path, "value": {"value": "next"}}]);
    let refused = patch(operations, &mut Tolerance::default()).unwrap_err();
    assert_eq!(refused.scim_type(), Some(ScimType::NoTarget));
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
    for (verb, path, value) in [
        (
            "add",
            "emails[type eq \"other\"].value",
            json!("c@x.example"),
        ),
        (
            "replace",
            "emails[type eq \"other\"].value",
            json!("c@x.example"),
        ),
        (
            "replace",
            "emails[type eq \"other\"]",
            json!({"value": "c@x.example"}),
        ),
        (
            "add",
            "emails[type eq \"other\"]",
            json!([{"value": "c@x.example"}]),
        ),
        (
            "replace",
            "emails[type eq \"other\" and value eq \"c@x.example\"].display",
            json!("C"),
        ),
    ] {
        let operations = json!([{"op": verb, "path": path, "value": value}]);
        let user = accepted("createdByFilter", ScimType::NoTarget, |tolerance| {
            patch(operations.clone(), tolerance)
        });
        let created = &user.attributes()["emails"][2];
        assert_eq!(created["type"], "other", "{operations}");
        assert_eq!(created["value"], "c@x.example", "{operations}");
    }
    for verb in ["add", "replace"] {
        for filter in [
            "type ne \"work\" and type ne \"home\"",
            "type eq \"a\" or type eq \"b\"",
            "type sw \"x\"",
        ] {
            let path = format!("emails[{filter}].value");
            let operations = json!([{"op": verb, "path": path, "value": "c@x.example"}]);
            let refused = patch(operations.clone(), &mut Tolerance::default()).unwrap_err();
            assert_eq!(
                refused.scim_type(),
                Some(ScimType::NoTarget),
                "{operations}"
            );
        }
    }
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
    for text in [
        "userName eq AVA",
        "(userName eq ava)",
        "id eq 7",
        "emails eq a@x.example",
    ] {
        assert!(accepted(
            "unquotedValue",
            ScimType::InvalidFilter,
            |tolerance| { filter(text, tolerance) }
        ));
    }
    for value in [
        "157abc",
        "007",
        "O'Brien",
        "CORP\\ava",
        "a:b/c",
        "M\u{fc}ller",
        "a,b;c=d",
        "-x",
        "a+b",
        "{7}",
    ] {
        let mut tolerance = Tolerance::default();
        let text = format!("userName eq {value} and title pr");
        let parsed = Filter::parse(&text, &Limits::default(), &mut tolerance).unwrap();
        let quoted = format!("userName eq {} and title pr", json!(value));
        assert_eq!(parsed.to_string(), quoted);
        assert_eq!(tolerance.deviations()[0].name(), "unquotedValue");
    }
    for value in ["'ava'", "\u{201c}ava\u{201d}", "and", "userName", "eq"] {
        let text = format!("userName eq {value}");
        assert!(filter(&text, &mut Tolerance::default()).is_err(), "{text}");
    }
}

#[test]
fn a_word_for_true_in_any_case() {
    for text in [
        "(userName eq \"ava\") AND not (active EQ TRUE)",
        "not (active eq tRuE)",
    ] {
        assert!(accepted(
            "booleanAsText",
            ScimType::InvalidFilter,
            |tolerance| { filter(text, tolerance) }
        ));
    }
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

#[test]
fn what_stands_below_the_uri_of_the_core_schema_is_of_the_resource() {
    let ava = accepted("pathAsKey", ScimType::InvalidSyntax, |tolerance| {
        let body = json!({"schemas": [uri::USER], "userName": "ava",
            uri::USER: {"active": false}});
        read(body, tolerance)
    });
    assert_eq!(ava.attributes()["active"], false);
    for core in [
        uri::USER.to_uppercase(),
        "urn:scim:schemas:core:1.0".to_owned(),
    ] {
        let body = json!({"schemas": [uri::USER], "userName": "ava", "title": "x",
            (core.clone()): {"active": false, "Title": "Lead", "name.givenName": "Ava",
                "emails": [{"value": "a@x.example"}], "nothing": 1}});
        let mut tolerance = Tolerance::default();
        let ava = read(body, &mut tolerance).unwrap();
        let expected = json!({"schemas": [uri::USER], "userName": "ava", "active": false,
            "title": "Lead", "name": {"givenName": "Ava"}, "emails": [{"value": "a@x.example"}]});
        assert_eq!(Value::Object(ava.attributes().clone()), expected, "{core}");
        let mut names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
        names.retain(|name| *name != "schemaAlias");
        assert_eq!(
            names,
            [
                "pathAsKey",
                "repeatedAttribute",
                "pathAsKey",
                "unknownAttribute"
            ]
        );
    }
    // What holds nothing is no attribute.
    let mut tolerance = Tolerance::default();
    let body = json!({"schemas": [uri::USER], "userName": "ava", uri::USER: "x"});
    read(body, &mut tolerance).unwrap();
    assert_eq!(tolerance.deviations()[0].name(), "unknownAttribute");
}

#[test]
fn a_key_of_a_new_resource_that_is_a_path_is_what_it_names() {
    let department = format!("{}:department", uri::ENTERPRISE_USER);
    let ava = accepted("pathAsKey", ScimType::InvalidSyntax, |tolerance| {
        let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
            (department.clone()): "Ops"});
        read(body, tolerance)
    });
    assert_eq!(
        ava.attributes()[uri::ENTERPRISE_USER],
        json!({"department": "Ops"})
    );
    // Beside what stands in its place already, of the core schema, and of parts.
    let mut tolerance = Tolerance::default();
    let body = json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER, BADGE],
        (format!("{}:userName", uri::USER)): "ava",
        "name.givenName": "Ava", "NAME": {"familyName": "Lin"},
        (format!("{}:manager.value", uri::ENTERPRISE_USER)): "boss",
        (uri::ENTERPRISE_USER.to_uppercase()): {"costCenter": "7"},
        (format!("{}:Department", uri::ENTERPRISE_USER)): "Ops",
        (format!("{BADGE}:number")): 7,
        "urn:scim:schemas:extension:enterprise:1.0:division": "West",
        "emails.value": "nowhere", "name.nothing": "x", "userName.x": "y",
    });
    let ava = read(body, &mut tolerance).unwrap();
    let of = |name: &str| &ava.attributes()[name];
    assert_eq!(
        (of("userName"), of(BADGE)),
        (&json!("ava"), &json!({"number": 7}))
    );
    assert_eq!(
        of("name"),
        &json!({"familyName": "Lin", "givenName": "Ava"})
    );
    assert_eq!(
        of(uri::ENTERPRISE_USER),
        &json!({"costCenter": "7", "manager": {"value": "boss"}, "department": "Ops",
            "division": "West"})
    );
    assert!(ava.attributes().get("emails").is_none());
    let named = |name: &str| {
        tolerance
            .deviations()
            .iter()
            .filter(|one| one.name() == name)
            .count()
    };
    assert_eq!((named("pathAsKey"), named("unknownAttribute")), (6, 3));
    assert_eq!((named("repeatedAttribute"), named("schemaAlias")), (0, 1));
    // Twice the same: the path counts, and it is told.
    let mut tolerance = Tolerance::default();
    let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        (department.clone()): "Ops", uri::ENTERPRISE_USER: {"department": "Lab"}});
    let ava = read(body, &mut tolerance).unwrap();
    assert_eq!(ava.attributes()[uri::ENTERPRISE_USER]["department"], "Ops");
    assert!(
        tolerance
            .deviations()
            .iter()
            .any(|one| one.name() == "repeatedAttribute")
    );
}

#[test]
fn an_order_is_named_by_an_alias_of_a_schema() {
    for (name, path) in [
        (
            "schemaAlias",
            "urn:scim:schemas:extension:enterprise:1.0:department",
        ),
        (
            "schemaJoined",
            &format!("{}.department", uri::ENTERPRISE_USER),
        ),
        ("schemaAlias", "urn:scim:schemas:core:1.0:userName"),
        (
            "schemaJoined",
            &format!("{}.manager.value", uri::ENTERPRISE_USER),
        ),
    ] {
        let mut tolerance = Tolerance::default();
        let path: scim_protocol::AttributePath = path.parse().unwrap();
        let key = SortKey::new(&users(), &path, &mut tolerance).unwrap();
        let meant = key.target.attribute;
        assert!(
            ["department", "userName", "manager"].contains(&&*meant),
            "{meant}"
        );
        let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
        assert_eq!(names, [name], "{path}");
        let strict = SortKey::new(&users(), &path, &mut Tolerance::new(Profile::Strict));
        assert_eq!(
            strict.unwrap_err().scim_type(),
            Some(ScimType::InvalidPath),
            "{path}"
        );
    }
}

#[test]
fn a_time_outside_of_four_digits_of_years_is_none() {
    let issued = |text: &str, profile| {
        let body =
            json!({"schemas": [uri::USER, BADGE], "userName": "ava", BADGE: {"issued": text}});
        read(body, &mut Tolerance::new(profile))
    };
    for text in [
        "-0044-03-15T00:00:00",
        "-0044-03-15T00:00:00Z",
        "+12026-03-15T00:00:00",
        "12026-03-15T00:00:00Z",
        "0000-01-01T00:00:00+05:00",
        "9999-12-31T23:00:00-05:00",
        "9999-12-31T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01",
        "",
        "now",
    ] {
        // An attribute that may be absent is passed over with a warning; the strict profile refuses.
        let read = issued(text, Profile::Tolerant).unwrap();
        assert!(read.attributes().get(BADGE).is_none(), "{text}");
        let refused = issued(text, Profile::Strict).unwrap_err();
        assert_eq!(
            (refused.status(), refused.scim_type()),
            (400, Some(ScimType::InvalidValue)),
            "{text}"
        );
        let refused = filter(
            &format!("{BADGE}:issued lt \"{text}\""),
            &mut Tolerance::default(),
        );
        assert_eq!(
            refused.unwrap_err().scim_type(),
            Some(ScimType::InvalidFilter),
            "{text}"
        );
    }
    for text in [
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
        "2016-12-31T23:59:60Z",
    ] {
        assert_eq!(
            issued(text, Profile::Strict).unwrap().attributes()[BADGE]["issued"],
            text
        );
    }
}
