#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use scim_protocol::ResourceDefinition;
use serde_json::{Map, Value, json};

use super::*;

mod choices;
mod dates;
mod defaults;
mod emit;
mod fields;
mod groups;
mod imports;
mod notation;
mod properties;
mod reads;
mod refused;
mod tables;
mod transforms;
mod trials;
mod unread;

fn users() -> CompiledMapping {
    let set = MappingSet::default_user();
    set.compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap()
}

/// Compiles these rules behind one for the logon name.
fn compile(rules: Value) -> Result<CompiledMapping, MappingError> {
    let (set, catalog) = behind_the_name(rules);
    set.compile(&ResourceDefinition::user(), &catalog)
}

/// Compiles them as rules that are in force already.
fn compile_in_force(rules: Value) -> Result<CompiledMapping, MappingError> {
    let (set, catalog) = behind_the_name(rules);
    set.compile_in_force(&ResourceDefinition::user(), &catalog)
}

fn behind_the_name(rules: Value) -> (MappingSet, Catalog) {
    let mut all = vec![json!({
        "key": "user_name", "source": {"path": "userName"}, "target": "user_name", "required": true
    })];
    all.extend(rules.as_array().unwrap().clone());
    let set = json!({"resource": "user", "rules": all});
    let set: MappingSet = serde_json::from_value(set).unwrap();
    // Whatever custom field the rules name is there, and holds any text.
    let custom = set.rules.iter().filter_map(|rule| match &rule.target {
        Field::Custom(key) => Some(CustomField {
            key: key.clone(),
            label: key.clone(),
            kind: FieldKind::LongText,
            required: false,
        }),
        _ => None,
    });
    let centers = TableContent::read_csv("code,department\n100,Sales\n200,IT\n").unwrap();
    let table = LookupTable::new("cost-centers", centers).unwrap();
    let catalog = Catalog::with_custom(custom.collect());
    (set, catalog.with_tables(LookupTables::from_iter([table])))
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
fn values_are_converted_to_the_type_of_the_field() {
    for (target, value, expected) in [
        ("email", json!(" Ava@CORP.example "), Ok("Ava@corp.example")),
        ("email", json!("ava"), Err("no e-mail address")),
        ("email", json!("a b@corp.example"), Err("no e-mail address")),
        ("contact_no", json!("TEL:+1-555"), Ok("+1-555")),
        ("contact_no", json!("none"), Err("no phone number")),
        ("department", json!(" IT "), Ok("IT")),
        ("department", json!("  "), Err("a blank name")),
        ("employee_id", json!(7), Ok("7")),
        (
            "job_title",
            json!("x".repeat(256)),
            Err("longer than 255 characters"),
        ),
        ("job_title", json!(["Lead", "Head"]), Ok("Lead")),
        (
            "job_title",
            json!({"a": 1}),
            Err("an object is no value of a field"),
        ),
        ("user_type", json!("Technician"), Ok("technician")),
        (
            "user_type",
            json!("boss"),
            Err("none of requester, technician"),
        ),
        ("is_vip", json!("maybe"), Err("neither true nor false")),
    ] {
        let mapping = compile_in_force(json!([
            {"key": "a", "source": {"constant": value}, "target": target}
        ]))
        .unwrap();
        let projection = mapping.project(&object(json!({"userName": "u"})), Event::Create);
        let key = Field::from_key(target).unwrap();
        let result = match &projection.verdicts[1].status {
            VerdictStatus::Warning(reason) => Err(reason.to_string()),
            _ => Ok(projection
                .record
                .get(&key)
                .and_then(FieldValue::as_text)
                .unwrap()),
        };
        assert_eq!(result, expected.map_err(str::to_owned), "{target} {value}");
    }
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "title"}, "target": "is_vip"}
    ]))
    .unwrap();
    for (text, expected) in [("Yes", true), ("1", true), ("NO", false), ("false", false)] {
        let resource = object(json!({"userName": "u", "title": text}));
        let record = mapping.project(&resource, Event::Create).record;
        assert_eq!(
            record.get(&Field::Vip),
            Some(&FieldValue::Boolean(expected))
        );
    }
}

#[test]
fn a_stored_text_that_looks_like_an_instant_stays_text() {
    let stored = serde_json::to_value(FieldValue::Text("2026-01-31T08:00:00+01:00".into()));
    let value: FieldValue = serde_json::from_value(stored.unwrap()).unwrap();
    assert_eq!(value.as_text(), Some("2026-01-31T08:00:00+01:00"));
}
