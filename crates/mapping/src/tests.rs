#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use scim_protocol::ResourceDefinition;
use serde_json::{Map, Value, json};

use super::*;

mod emit;
mod fields;
mod properties;
mod transforms;

fn users() -> CompiledMapping {
    let set = MappingSet::default_user();
    set.compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap()
}

/// Compiles these rules behind one for the logon name.
fn compile(rules: Value) -> Result<CompiledMapping, MappingError> {
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
    let catalog = Catalog::with_custom(custom.collect());
    set.compile(&ResourceDefinition::user(), &catalog)
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
    for (rules, reason, pointer) in [
        (
            json!([{"key": "a", "source": {"path": "emails["}, "target": "email"}]),
            "no path",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "name[givenName eq \"x\"].familyName[1]"}, "target": "email"}]),
            "no path",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "value"}, "target": "email"}]),
            "could be",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"firstOf": []}, "target": "email"}]),
            "1 to 6 parts",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "status", "default": "gone"}]),
            "none of active, blocked",
            "/default",
        ),
        (
            json!([{"key": "a", "source": {"path": "name"}, "target": "email"}]),
            "name one of them, such as name.formatted",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "emails.adress"}, "target": "email"}]),
            "\"emails\" has no \"adress\"",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "password"}, "target": "email"}]),
            "is a secret",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "x".repeat(513)}, "target": "email"}]),
            "longer than 512 bytes",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "emails[((((type eq \"a\"))))].value"}, "target": "email"}]),
            "no path",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "members"}]),
            "no field of this record",
            "/target",
        ),
        (
            json!([{"key": "", "source": {"path": "title"}, "target": "email"}]),
            "a key has 1 to 128 bytes",
            "/key",
        ),
        (
            json!([{"key": "user_name", "source": {"path": "title"}, "target": "email"}]),
            "the same key",
            "/key",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email", "onAbsent": "default"}]),
            "no default to use",
            "/default",
        ),
        (
            json!([{"key": "a", "source": {"constant": "x".repeat(16 * 1024)}, "target": "email"}]),
            "may have 16384 bytes",
            "/source",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email",
                    "transforms": vec!["trim"; 9]}]),
            "8 transforms",
            "/transforms",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email",
                    "transforms": [{"date": ["%Q"]}]}]),
            "no date format",
            "/transforms/0",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email",
                    "transforms": [{"replace": {"find": "", "with": "x"}}]}]),
            "text to look for is empty",
            "/transforms/0",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email", "transforms": [
                {"valueMap": {"entries": {"IT": 1, "it": 2}, "otherwise": "keep"}}]}]),
            "two entries for \"it\"",
            "/transforms/0",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email"},
                   {"key": "b", "source": {"path": "title"}, "target": "email"}]),
            "another rule writes",
            "/rules/2/target",
        ),
    ] {
        let error = compile(rules.clone()).unwrap_err();
        assert!(error.to_string().contains(reason), "{rules}: {error}");
        let place = match pointer.starts_with("/rules") {
            true => pointer.to_owned(),
            false => format!("/rules/1{pointer}"),
        };
        assert_eq!(error.pointer(), place, "{rules}: {error}");
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
fn errors_name_the_rule() {
    let error = compile(json!([{"key": "mail", "source": {"path": "a b"}, "target": "email"}]));
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("rule 2 (mail): "), "{text}");
}

#[test]
fn a_set_needs_a_required_rule_for_the_name() {
    let mut set = MappingSet::default_user();
    set.rules[0].required = false;
    let error = set
        .compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap_err();
    assert_eq!(error, MappingError::Unnamed(Field::UserName));
    let mut set = MappingSet::default_group();
    set.rules[0].enabled = false;
    let error = set
        .compile(&ResourceDefinition::group(), &Catalog::default())
        .unwrap_err();
    assert_eq!(error, MappingError::Unnamed(Field::Name));
}

#[test]
fn a_set_has_200_rules_at_most() {
    let mut set = MappingSet::default_user();
    for at in set.rules.len()..=200 {
        set.rules.push(Rule {
            key: format!("rule{at}"),
            ..Rule::new(
                Source::Path("title".into()),
                Field::Custom(format!("f{at}")),
            )
        });
    }
    let error = set
        .compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap_err();
    assert_eq!(
        error,
        MappingError::TooManyRules {
            list: RuleList::Rules,
            count: 201,
            most: 200
        }
    );
    set.rules.pop();
    let field = |at| CustomField {
        key: format!("f{at}"),
        label: "Field".into(),
        kind: FieldKind::LongText,
        required: false,
    };
    let catalog = Catalog::with_custom((0..=200).map(field).collect());
    assert!(set.compile(&ResourceDefinition::user(), &catalog).is_ok());
}

#[test]
fn the_default_rules_survive_json() {
    for set in [MappingSet::default_user(), MappingSet::default_group()] {
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<MappingSet>(&text).unwrap(), set);
    }
    let json = serde_json::to_value(MappingSet::default_user()).unwrap();
    assert_eq!(json["rules"][0]["source"], json!({"path": "userName"}));
    assert_eq!(json["rules"][0]["matchRank"], 1);
    assert_eq!(
        json["rules"][5]["transforms"],
        json!([{"valueMap": {"entries": {"true": "active", "false": "blocked"}, "otherwise": "keep"}}])
    );
}

#[test]
fn the_default_rules_map_a_group() {
    let mapping = MappingSet::default_group()
        .compile(&ResourceDefinition::group(), &Catalog::default())
        .unwrap();
    let resource = object(json!({
        "displayName": "Night shift", "members": [{"value": "a"}, {"value": "b"}]
    }));
    let record = mapping.project(&resource, Event::Create).record;
    assert_eq!(field(&record, &Field::Name).as_deref(), Some("Night shift"));
    assert_eq!(
        record.get(&Field::Members),
        Some(&FieldValue::Texts(vec!["a".into(), "b".into()]))
    );
    assert!(
        mapping
            .project(&Map::new(), Event::Create)
            .rejection()
            .is_some()
    );
}

#[test]
fn a_user_type_that_is_mapped_falls_back_to_requester() {
    let mut set = MappingSet::default_user();
    let last = set.rules.last_mut().unwrap();
    assert_eq!(last.target, Field::UserType);
    last.enabled = true;
    let mapping = set
        .compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap();
    for (user_type, expected) in [
        (json!("Agent"), "technician"),
        (json!("Employee"), "requester"),
        (Value::Null, "requester"),
    ] {
        let resource = object(json!({"userName": "u", "userType": user_type}));
        let record = mapping.project(&resource, Event::Create).record;
        assert_eq!(
            field(&record, &Field::UserType).as_deref(),
            Some(expected),
            "{user_type}"
        );
    }
}

#[test]
fn a_missing_value_clears_keeps_or_defaults() {
    use VerdictStatus::{Defaulted, Skipped};
    for (choices, event, value, cleared, status) in [
        (
            json!({}),
            Event::Change,
            None,
            true,
            Skipped(SkipReason::Absent),
        ),
        (
            json!({"onAbsent": "keep"}),
            Event::Change,
            None,
            false,
            Skipped(SkipReason::Absent),
        ),
        (
            json!({"onAbsent": "keep", "default": "d"}),
            Event::Change,
            None,
            false,
            Skipped(SkipReason::Absent),
        ),
        (
            json!({"onAbsent": "keep", "default": "d"}),
            Event::Create,
            Some("d"),
            false,
            Defaulted,
        ),
        (
            json!({"required": true, "default": "d"}),
            Event::Change,
            Some("d"),
            false,
            Defaulted,
        ),
        (
            json!({"warnIfMissing": true}),
            Event::Create,
            None,
            true,
            VerdictStatus::Warning(ValueError::Absent),
        ),
        (
            json!({"apply": "onCreate"}),
            Event::Change,
            None,
            false,
            Skipped(SkipReason::Created),
        ),
    ] {
        let mut rule = json!({"key": "a", "source": {"path": "title"}, "target": "job_title"});
        rule.as_object_mut()
            .unwrap()
            .extend(object(choices.clone()));
        let mapping = compile(json!([rule])).unwrap();
        let projection = mapping.project(&object(json!({"userName": "u"})), event);
        assert_eq!(
            field(&projection.record, &Field::JobTitle).as_deref(),
            value,
            "{choices}"
        );
        assert_eq!(
            projection.cleared.contains(&Field::JobTitle),
            cleared,
            "{choices}"
        );
        assert_eq!(projection.verdicts[1].status, status, "{choices}");
    }
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
        let mapping = compile(json!([
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

#[test]
fn the_default_rules_fall_back_to_what_there_is() {
    let mapping = users();
    for (document, expected) in [
        (
            json!({"phoneNumbers": [{"value": "1"}], "addresses": [{"locality": "Pune"}],
                "emails": [{"value": "a@x"}]}),
            json!({"contact_no": "1", "location": "Pune", "email": "a@x"}),
        ),
        (
            json!({"phoneNumbers": [{"value": "1"}, {"value": "2", "primary": true}],
                "addresses": [{"locality": "Pune"}, {"locality": "Bonn", "primary": true}],
                "emails": [{"value": "a@x"}, {"value": "b@x", "primary": true}]}),
            json!({"contact_no": "2", "location": "Bonn", "email": "b@x"}),
        ),
        (
            json!({"phoneNumbers": [{"value": "1", "primary": true}, {"value": "2", "type": "work"}],
                "addresses": [{"locality": "Pune", "primary": true},
                    {"locality": "Bonn", "type": "work"}],
                "emails": [{"value": "a@x", "primary": true}, {"value": "b@x", "type": "work"}]}),
            json!({"contact_no": "2", "location": "Bonn", "email": "b@x"}),
        ),
        (
            json!({"phoneNumbers": [{"value": "1", "type": "work"},
                    {"value": "2", "type": "work", "primary": true},
                    {"value": "3", "type": "mobile"}, {"value": "4", "type": "mobile"}],
                "addresses": [{"locality": "Pune", "type": "work"},
                    {"locality": "Bonn", "type": "work", "primary": true}],
                "emails": [{"value": "a@x", "type": "work"},
                    {"value": "b@x", "type": "work", "primary": true}]}),
            json!({"contact_no": "2", "alt_contact_no1": "3", "location": "Bonn", "email": "b@x"}),
        ),
        (
            json!({"name": {"formatted": "Ava Maria Lindqvist"}}),
            json!({"first_name": "Ava Maria", "last_name": "Lindqvist"}),
        ),
        (
            json!({"name": {"formatted": "Lindqvist, Ava  Maria"}}),
            json!({"first_name": "Ava Maria", "last_name": "Lindqvist"}),
        ),
        (
            json!({"name": {"formatted": " Cher "}}),
            json!({"first_name": "Cher"}),
        ),
        (
            json!({"name": {"formatted": "Dr. A. L.", "givenName": "Mary Ann", "familyName": "Li"}}),
            json!({"first_name": "Mary Ann", "last_name": "Li"}),
        ),
    ] {
        let mut document = object(document);
        document.insert("userName".into(), "u".into());
        let record = mapping.project(&document, Event::Create).record;
        let mut mapped: Map<String, Value> = record
            .iter()
            .map(|(field, value)| (field.key(), value.to_json()))
            .collect();
        for known in ["user_name", "status"] {
            mapped.remove(known);
        }
        assert_eq!(Value::Object(mapped), expected, "{document:?}");
        assert_eq!(mapping.emit(&document, &record), document);
    }
}

#[test]
fn a_name_that_is_changed_by_hand_is_shown_beside_the_whole_one() {
    let mapping = users();
    let document = object(json!({"userName": "u", "name": {"formatted": "Ava Lindqvist"}}));
    let mut record = mapping.project(&document, Event::Create).record;
    record.insert(Field::LastName, FieldValue::Text("Weber".into()));
    let emitted = mapping.emit(&document, &record);
    assert_eq!(
        emitted["name"],
        json!({"formatted": "Ava Lindqvist", "familyName": "Weber"})
    );
    assert!(mapping.drift(&emitted, &record).is_empty());
}

#[test]
fn only_parts_of_names_stand_behind_a_bar() {
    let mut set = MappingSet::default_user();
    set.rules[1].source = Source::Path("name.formatted | middleName".into());
    let error = set
        .compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap_err();
    assert!(
        error.to_string().contains("givenName or familyName"),
        "{error}"
    );
}
