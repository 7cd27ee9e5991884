#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use scim_protocol::ResourceDefinition;
use serde_json::{Map, Value, json};

use super::*;

fn users() -> CompiledMapping {
    let set = MappingSet::default_user();
    set.compile(&ResourceDefinition::user()).unwrap()
}

fn compile(rules: Value) -> Result<CompiledMapping, MappingError> {
    let set = json!({"resource": "user", "rules": rules});
    let set: MappingSet = serde_json::from_value(set).unwrap();
    set.compile(&ResourceDefinition::user())
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn field(record: &Record, field: &Field) -> Option<String> {
    record
        .get(field)
        .and_then(FieldValue::as_text)
        .map(str::to_owned)
}

#[test]
fn the_default_rules_map_a_user() {
    let resource = object(json!({
        "userName": "ava@corp.example",
        "externalId": "x1",
        "name": {"givenName": "Ava", "familyName": "Stone"},
        "emails": [
            {"value": "home@x.example", "type": "home", "primary": true},
            {"value": "ava@CORP.example", "type": "work"}
        ],
        "phoneNumbers": [{"value": "tel:+1-555", "type": "work"}, {"value": "2", "type": "mobile"}],
        "addresses": [{"type": "work", "locality": "Pune"}],
        "title": "Lead",
        "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "IT", "employeeNumber": "7", "manager": {"value": "m-1"}
        }
    }));
    let projection = users().project(&resource, Event::Create);
    assert!(projection.rejection().is_none());
    assert_eq!(projection.warnings().count(), 0);
    for (key, value) in [
        ("user_name", "ava@corp.example"),
        ("first_name", "Ava"),
        ("last_name", "Stone"),
        ("email", "ava@corp.example"),
        ("contact_no", "+1-555"),
        ("alt_contact_no1", "2"),
        ("location", "Pune"),
        ("job_title", "Lead"),
        ("status", "active"),
        ("department", "IT"),
        ("employee_id", "7"),
        ("manager", "m-1"),
        ("scim_external_id", "x1"),
    ] {
        let key = Field::from_key(key).unwrap();
        assert_eq!(
            field(&projection.record, &key).as_deref(),
            Some(value),
            "{key}"
        );
    }
    assert!(projection.cleared.contains(&Field::Language));
    assert!(
        !projection.record.contains_key(&Field::UserType),
        "off by default"
    );
}

#[test]
fn the_work_address_comes_before_the_primary_and_the_first() {
    for (emails, expected) in [
        (
            json!([{"value": "a@x"}, {"value": "b@x", "type": "WORK"}]),
            "b@x",
        ),
        (
            json!([{"value": "a@x"}, {"value": "b@x", "primary": true}]),
            "b@x",
        ),
        (json!([{"value": "a@x"}, {"value": "b@x"}]), "a@x"),
    ] {
        let resource = object(json!({"userName": "u", "emails": emails}));
        let projection = users().project(&resource, Event::Create);
        assert_eq!(
            field(&projection.record, &Field::Email).as_deref(),
            Some(expected)
        );
    }
}

#[test]
fn a_bad_value_in_an_optional_field_is_a_warning() {
    let resource = object(json!({
        "userName": "u",
        "emails": [{"value": "not an address", "type": "work"}],
        "phoneNumbers": [{"value": "9".repeat(33), "type": "work"}]
    }));
    let projection = users().project(&resource, Event::Create);
    assert!(projection.rejection().is_none());
    let warnings: Vec<String> = projection.warnings().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "\"emails[type eq \"work\"].value\": no e-mail address (ServiceOps field \"Email\", rule 4)",
            "\"phoneNumbers[type eq \"work\"].value\": longer than 32 characters (ServiceOps field \
             \"Contact No.\", rule 7)"
        ]
    );
    assert!(!projection.record.contains_key(&Field::Email));
}

#[test]
fn a_bad_value_in_a_required_field_is_an_error_that_names_path_field_and_rule() {
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "userName"}, "target": "user_name"},
        {"key": "b", "source": {"path": "title"}, "target": "email", "required": true}
    ]))
    .unwrap();
    let resource = object(json!({"userName": "u", "title": "Lead"}));
    let projection = mapping.project(&resource, Event::Create);
    let error = projection.rejection().unwrap().to_error();
    assert_eq!(error.status(), 400);
    assert_eq!(
        error.detail(),
        "\"title\": no e-mail address (ServiceOps field \"Email\", rule 2)."
    );
}

#[test]
fn sets_that_cannot_work_are_refused() {
    for (rules, reason) in [
        (
            json!([{"key": "a", "source": {"path": "emails["}, "target": "email"}]),
            "no path",
        ),
        (
            json!([{"key": "a", "source": {"path": "name[givenName eq \"x\"].familyName[1]"}, "target": "email"}]),
            "no path",
        ),
        (
            json!([{"key": "a", "source": {"path": "value"}, "target": "email"}]),
            "could be",
        ),
        (
            json!([{"key": "a", "source": {"firstOf": []}, "target": "email"}]),
            "1 to 6 parts",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "status", "default": "gone"}]),
            "none of active, blocked",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email"},
                   {"key": "b", "source": {"path": "title"}, "target": "email"}]),
            "another rule writes",
        ),
    ] {
        let error = compile(rules.clone()).unwrap_err();
        assert!(error.to_string().contains(reason), "{rules}: {error}");
    }
    let unknown = json!({"resource": "user", "rules": [
        {"key": "a", "source": {"path": "title"}, "target": "is_tenant_admin"}]});
    assert!(
        serde_json::from_value::<MappingSet>(unknown).is_err(),
        "no such field"
    );
}

#[test]
fn a_bare_sub_attribute_stands_for_its_path() {
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "givenname"}, "target": "first_name"},
        {"key": "b", "source": {"path": "emails[1].value"}, "target": "email"},
        {"key": "c", "source": {"join": {"separator": " ", "parts": [
            {"path": "name.familyName"}, {"literal": "-"}, {"path": "title"}]}}, "target": "display_name"},
    ]))
    .unwrap();
    let resource = object(json!({
        "name": {"givenName": "Ava", "familyName": "Stone"},
        "emails": [{"value": "a@x"}, {"value": "b@x"}]
    }));
    let record = mapping.project(&resource, Event::Create).record;
    assert_eq!(field(&record, &Field::FirstName).as_deref(), Some("Ava"));
    assert_eq!(field(&record, &Field::Email).as_deref(), Some("b@x"));
    assert_eq!(
        field(&record, &Field::DisplayName).as_deref(),
        Some("Stone -")
    );
}

#[test]
fn an_edit_by_hand_becomes_visible() {
    let mapping = users();
    let document = object(json!({
        "userName": "u",
        "active": true,
        "title": "Lead",
        "emails": [{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "work"}]
    }));
    let mut record = mapping.project(&document, Event::Create).record;
    assert_eq!(mapping.emit(&document, &record), document);
    record.insert(Field::Status, FieldValue::Text("blocked".into()));
    record.insert(Field::Email, FieldValue::Text("new@x".into()));
    record.insert(Field::FirstName, FieldValue::Text("Ava".into()));
    record.remove(&Field::JobTitle);
    let emitted = mapping.emit(&document, &record);
    assert_eq!(emitted["active"], false);
    assert_eq!(emitted["emails"][1]["value"], "new@x");
    assert_eq!(emitted["emails"][0]["value"], "h@x");
    assert_eq!(emitted["name"]["givenName"], "Ava");
    assert!(!emitted.contains_key("title"));
    assert_eq!(
        mapping.drift(&document, &record),
        [
            Field::FirstName,
            Field::Email,
            Field::Status,
            Field::JobTitle
        ]
    );
}

#[test]
fn fields_that_no_rule_writes_stay() {
    let mapping = users();
    let current = Record::from([
        (Field::Vip, FieldValue::Boolean(true)),
        (Field::JobTitle, FieldValue::Text("Lead".into())),
    ]);
    let projection = mapping.project(&object(json!({"userName": "u"})), Event::Change);
    let record = projection.onto(&current);
    assert_eq!(record.get(&Field::Vip), Some(&FieldValue::Boolean(true)));
    assert!(!record.contains_key(&Field::JobTitle));
}

#[test]
fn transforms_do_what_their_names_say() {
    let text = |transform: Transform, value: &str| transform.apply(Some(Value::from(value)));
    for (transform, value, expected) in [
        (Transform::Trim, "  a ", json!("a")),
        (Transform::CollapseSpaces, " a   b ", json!("a b")),
        (Transform::Lower, "ÉVA", json!("éva")),
        (Transform::Upper, "éva", json!("ÉVA")),
        (
            Transform::TitleCase,
            "o'MALLEY van DYK",
            json!("O'malley Van Dyk"),
        ),
        (Transform::StripDiacritics, "Zoë Ñandú", json!("Zoe Nandu")),
        (Transform::Prefix("x-".into()), "a", json!("x-a")),
        (Transform::Suffix("-x".into()), "a", json!("a-x")),
        (
            Transform::Replace {
                find: "a".into(),
                with: "b".into(),
            },
            "aXa",
            json!("bXb"),
        ),
        (
            Transform::Substring {
                start: 1,
                length: 2,
            },
            "äöü!",
            json!("öü"),
        ),
        (Transform::Before("@".into()), "a@b@c", json!("a")),
        (Transform::After("@".into()), "a@b@c", json!("b@c")),
        (
            Transform::Split(",".into()),
            "a, b,,c",
            json!(["a", "b", "c"]),
        ),
        (Transform::ToBool(vec!["ja".into()]), "JA", json!(true)),
        (Transform::ToBool(vec![]), "nein", json!(false)),
        (Transform::ToInt, " 42 ", json!(42)),
        (
            Transform::Date(vec!["%d-%m-%Y %H:%M".into()]),
            "31-01-2026 08:00",
            json!("2026-01-31T08:00:00Z"),
        ),
    ] {
        assert_eq!(
            text(transform.clone(), value),
            Some(expected),
            "{transform:?}"
        );
    }
    assert_eq!(text(Transform::Before("@".into()), "none"), None);
    assert_eq!(text(Transform::ToInt, "4.2"), None);
    let list = || Some(json!(["a", "b"]));
    assert_eq!(Transform::First.apply(list()), Some(json!("a")));
    assert_eq!(Transform::Item(1).apply(list()), Some(json!("b")));
    assert_eq!(Transform::Item(2).apply(list()), None);
    assert_eq!(
        Transform::Join("+".into()).apply(list()),
        Some(json!("a+b"))
    );
    assert_eq!(Transform::Upper.apply(list()), Some(json!(["A", "B"])));
    assert_eq!(Transform::Default(json!("d")).apply(None), Some(json!("d")));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("(value|type|primary|display|[a-z]{1,6})", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_resource_is_mapped_and_emitted(
        members in prop::collection::hash_map(
            "(userName|emails|phoneNumbers|active|name|addresses|title|[a-z]{1,8})",
            json_value(),
            0..8,
        )
    ) {
        let resource: Map<String, Value> = members.into_iter().collect();
        let mapping = users();
        let projection = mapping.project(&resource, Event::Create);
        prop_assert_eq!(projection.verdicts.len(), 16);
        let emitted = mapping.emit(&resource, &projection.record);
        let again = mapping.project(&emitted, Event::Create);
        if projection.rejection().is_none() && projection.warnings().next().is_none() {
            prop_assert_eq!(again.record, projection.record);
        }
    }
}
