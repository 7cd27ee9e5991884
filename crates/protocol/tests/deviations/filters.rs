//! Filters, paths and operations in another form.

use super::*;

#[test]
fn the_verb_of_an_operation_in_any_case() {
    let operations = json!([{"op": "Replace", "path": "title", "value": "Chief"}]);
    let user = accepted("operationCase", ScimType::InvalidSyntax, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("Chief"));
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
fn an_attribute_of_one_extension_is_found_by_its_name_alone() {
    let users = ResourceDefinition::user();
    let ava = json!({"userName": "ava", uri::ENTERPRISE_USER: {"manager": {"value": "m1"},
        "department": "Ops"}});
    for (filter, matches) in [
        ("id eq \"7\" and manager eq \"m1\"", true),
        ("manager.value eq \"m2\"", false),
        ("DEPARTMENT sw \"op\"", true),
        ("manager[value pr]", true),
    ] {
        let condition = accepted("schemaAlias", ScimType::InvalidFilter, |tolerance| {
            filter.parse::<Filter>()?.bind(&users, tolerance)
        });
        let mut shown = ava.as_object().cloned().unwrap();
        shown.insert("id".into(), "7".into());
        assert_eq!(condition.matches(&shown), matches, "{filter}");
    }
    let unknown: Filter = "managers eq \"m1\"".parse().unwrap();
    assert!(unknown.bind(&users, &mut Tolerance::default()).is_err());
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
