//! What filters mean, beside the corpus.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use scim_protocol::schema::uri;
use scim_protocol::{Error, Filter, Limits, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Value, json};

fn bo() -> Value {
    json!({
        "id": "7", "userName": "bo", "title": "", "name": {"givenName": ""},
        "emails": [{"value": "a@x.example", "type": "work", "primary": true},
            {"value": "b@x.example", "type": "home"},
            {"value": "c@x.example", "type": "other", "primary": false}],
        "ims": [{"value": ""}],
        uri::ENTERPRISE_USER: {"manager": {"value": "U09"}},
        "meta": {"resourceType": "User", "created": "2026-01-06T10:00:00Z"},
    })
}

fn matches(text: &str) -> Result<bool, Error> {
    let mut tolerance = Tolerance::default();
    let filter = Filter::parse(text, &Limits::default(), &mut tolerance)?;
    let condition = filter.bind(&ResourceDefinition::user(), &mut tolerance)?;
    Ok(condition.matches(bo().as_object().unwrap()))
}

#[track_caller]
fn check(cases: &[(&str, bool)]) {
    for (text, expected) in cases {
        let found = matches(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn an_empty_string_is_a_value_but_not_present() {
    check(&[
        ("title eq \"\"", true),
        ("not (title eq \"\")", false),
        ("title ne \"x\"", true),
        ("title le \"a\"", true),
        ("title co \"\"", true),
        ("title pr", false),
        ("name.givenName eq \"\"", true),
        ("name pr", false),
        ("ims pr", false),
        ("ims eq \"\"", true),
        ("ims[value eq \"\"]", true),
        ("emails pr", true),
        ("nickName eq \"\"", false),
        ("nickName ne \"x\"", false),
    ]);
}

#[test]
fn primary_is_false_where_it_is_not_said() {
    check(&[
        ("emails[primary eq false and type eq \"home\"]", true),
        ("emails[primary eq false and type eq \"other\"]", true),
        ("emails[primary eq false and type eq \"work\"]", false),
        ("emails[primary ne true and type eq \"home\"]", true),
        ("emails.primary eq false", true),
        ("ims.primary eq false", true),
        ("photos.primary eq false", false),
        ("not (emails[primary eq false])", false),
        ("emails[not (primary eq false)]", true),
    ]);
}

#[test]
fn single_complex_attributes_take_brackets() {
    check(&[
        ("meta[resourceType eq \"User\"]", true),
        ("meta[created pr and resourceType ne \"User\"]", false),
        ("name[givenName eq \"\"]", true),
        ("name[not (givenName pr)]", true),
    ]);
}

#[test]
fn ids_of_others_compare_in_any_case() {
    let manager = format!("{}:manager", uri::ENTERPRISE_USER);
    check(&[
        (&format!("{manager}.value eq \"u09\""), true),
        (&format!("{manager} sw \"u0\""), true),
        ("id eq \"7\"", true),
    ]);
}

#[test]
fn values_that_are_none_are_refused() {
    for text in [
        "title eq \"a\\u0001b\"",
        "title eq \"\\u0000\"",
        "title eq \"\\u007f\"",
        "active eq \"T\"",
        "active eq \"yes\"",
        "meta.created gt \"2026-01-06 10:00:00Z\"",
        "meta.created gt \"2026-01-06t10:00:00z\"",
    ] {
        let error = matches(text).expect_err(text);
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
    }
    check(&[
        ("title eq \"\\b\\f\\n\\r\\t\"", false),
        ("active eq \"False\"", false),
        ("not (active EQ TRUE)", true),
        ("not (active eq \"TRUE\")", true),
        ("meta.created gt \"2026-01-06T09:00:00\"", true),
    ]);
}

#[test]
fn what_another_type_knows_has_no_value_here() {
    let (users, groups) = (ResourceDefinition::user(), ResourceDefinition::group());
    let group = json!({"displayName": "Ops"});
    let ask = |text: &str| -> Result<bool, Error> {
        let filter = Filter::parse(text, &Limits::default(), &mut Tolerance::default())?;
        let others = [&users, &groups];
        let condition = filter.bind_among(&groups, &others, &mut Tolerance::default())?;
        Ok(condition.matches(group.as_object().unwrap()))
    };
    for (text, expected) in [
        ("userName pr", false),
        ("not (userName pr)", true),
        ("userName eq null", true),
        ("userName ne \"a\"", false),
        ("emails[type eq \"work\"]", false),
        ("userName eq \"a\" or displayName eq \"ops\"", true),
    ] {
        assert_eq!(ask(text).unwrap(), expected, "{text}");
    }
    let unknown = ask("nobodyKnows pr").unwrap_err();
    assert_eq!(unknown.scim_type(), Some(ScimType::InvalidFilter));
}
