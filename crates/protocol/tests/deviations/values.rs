//! Values in another form than the schema has.

use super::*;

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
fn a_number_that_is_not_held_exactly_is_no_text() {
    let body = |name: &str, id: &str| {
        let schemas = format!(r#""schemas": ["{}"]"#, uri::USER);
        let text = format!(r#"{{{schemas}, "userName": {name}, "externalId": {id}}}"#);
        serde_json::from_str(&text).unwrap()
    };
    for number in [
        "12345678901234567890123",
        "12345678901234567890124",
        "-1e300",
    ] {
        let mut tolerance = Tolerance::default();
        let user = read(body("\"ava\"", number), &mut tolerance).unwrap();
        assert_eq!(user.text("externalId"), None, "{number}");
        let names: Vec<&str> = tolerance.deviations().iter().map(Deviation::name).collect();
        assert_eq!(names, ["unreadable"]);
        let refused = read(body(number, "1"), &mut Tolerance::default()).unwrap_err();
        assert_eq!(refused.scim_type(), Some(ScimType::InvalidValue));
    }
    let longest = json!({"schemas": [uri::USER], "userName": "ava", "externalId": u64::MAX});
    let user = read(longest, &mut Tolerance::default()).unwrap();
    assert_eq!(user.text("externalId"), Some("18446744073709551615"));
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
fn a_read_only_attribute_with_the_value_it_has() {
    let operations = json!([{"op": "replace", "path": "id", "value": "7"},
        {"op": "replace", "path": "title", "value": "Chief"}]);
    let user = accepted("readOnlyRepeated", ScimType::Mutability, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("Chief"));
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
