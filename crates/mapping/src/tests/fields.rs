use scim_protocol::ResourceDefinition;
use serde_json::{Value, json};

use crate::{
    Catalog, CustomField, Event, Field, FieldKind, FieldValue, GroupMatch, GroupRule, MappingError,
    MappingSet, ResourceKind, Rule, Source,
};

fn field(kind: FieldKind) -> CustomField {
    CustomField {
        key: "x".into(),
        label: "X".into(),
        kind,
        required: false,
    }
}

/// What a custom field makes of a value; the error is the warning.
fn converted(kind: &FieldKind, value: Value) -> Result<Value, String> {
    let catalog = Catalog::with_custom(vec![field(kind.clone())]);
    let mut set = MappingSet::default_user();
    set.rules.push(Rule::new(
        Source::All("urn:x:y:z".into()),
        Field::Custom("x".into()),
    ));
    let mapping = set.compile(&ResourceDefinition::user(), &catalog).unwrap();
    let value = match value {
        Value::Array(values) => values,
        single => vec![single],
    };
    let document = json!({"userName": "u", "urn:x:y": {"z": value}});
    let projection = mapping.project(document.as_object().unwrap(), Event::Create);
    let warnings: Vec<String> = projection.warnings().map(ToString::to_string).collect();
    match projection.record.get(&Field::Custom("x".into())) {
        Some(value) => Ok(value.to_json()),
        None => Err(warnings.join("; ")),
    }
}

#[test]
fn every_kind_of_field_takes_what_fits() {
    let choice = || vec!["Red".to_owned(), "Grün".to_owned()];
    let number = |min, max, integer| FieldKind::Number { min, max, integer };
    for (kind, value, expected) in [
        (FieldKind::Text { max: 3 }, json!("abc"), json!("abc")),
        (FieldKind::Text { max: 3 }, json!(12), json!("12")),
        (FieldKind::LongText, json!(true), json!("true")),
        (FieldKind::Email, json!("A@X.Example"), json!("A@x.example")),
        (FieldKind::Phone, json!("tel:+49 30"), json!("+49 30")),
        (number(None, None, false), json!("1.5"), json!(1.5)),
        (number(Some(1.0), Some(9.0), true), json!(9), json!(9)),
        (number(None, None, true), json!("5.0"), json!(5)),
        (number(None, None, false), json!(" 3.50 "), json!(3.5)),
        (
            number(None, Some(1.2e16), true),
            json!(11_999_999_999_999_999_i64),
            json!(11_999_999_999_999_999_i64),
        ),
        (FieldKind::Boolean, json!("Yes"), json!(true)),
        (
            FieldKind::DateTime,
            json!("2026-01-31T10:00:00+02:00"),
            json!("2026-01-31T08:00:00Z"),
        ),
        (
            FieldKind::DateTime,
            json!("31-01-2026 08:00"),
            json!("2026-01-31T08:00:00Z"),
        ),
        (
            FieldKind::SingleChoice { options: choice() },
            json!("GRÜN"),
            json!("Grün"),
        ),
        (
            FieldKind::MultiChoice { options: choice() },
            json!(["red", "grün"]),
            json!(["Red", "Grün"]),
        ),
    ] {
        assert_eq!(
            converted(&kind, value.clone()),
            Ok(expected),
            "{kind:?} {value}"
        );
    }
    for (kind, value) in [
        (FieldKind::Text { max: 3 }, json!("abcd")),
        (FieldKind::Email, json!("nobody")),
        (FieldKind::Phone, json!("-")),
        (number(None, None, true), json!(1.5)),
        (number(None, None, false), json!("NaN")),
        (number(None, None, false), json!("inf")),
        (number(Some(1.0), None, false), json!(0)),
        (number(Some(0.5), None, true), json!(0)),
        (number(None, Some(9.5), true), json!("10")),
        (number(None, None, true), json!("9223372036854775808")),
        (FieldKind::Boolean, json!("perhaps")),
        (FieldKind::DateTime, json!("yesterday")),
        (FieldKind::SingleChoice { options: choice() }, json!("blue")),
        (
            FieldKind::MultiChoice { options: choice() },
            json!(["red", "blue"]),
        ),
    ] {
        let said = converted(&kind, value.clone()).unwrap_err();
        assert!(
            said.contains("\"X\"") && said.contains("rule 18"),
            "{kind:?} {value}: {said}"
        );
    }
}

#[test]
fn fields_that_cannot_be_are_refused() {
    for (key, kind) in [
        ("", FieldKind::LongText),
        ("Upper", FieldKind::LongText),
        ("1st", FieldKind::LongText),
        ("with space", FieldKind::LongText),
        ("user_name", FieldKind::LongText),
        ("is_tenant_admin", FieldKind::LongText),
        ("password", FieldKind::LongText),
        ("x", FieldKind::Text { max: 0 }),
        ("x", FieldKind::SingleChoice { options: vec![] }),
        (
            "x",
            FieldKind::MultiChoice {
                options: vec!["a".into(), "A".into()],
            },
        ),
        (
            "x",
            FieldKind::Number {
                min: Some(2.0),
                max: Some(1.0),
                integer: false,
            },
        ),
        ("x", FieldKind::Texts),
    ] {
        let field = CustomField {
            key: key.into(),
            ..field(kind)
        };
        assert!(field.check().is_err(), "{field:?}");
    }
    assert!(field(FieldKind::Boolean).check().is_ok());
}

#[test]
fn a_rule_for_a_field_that_is_not_there_is_refused() {
    let mut set = MappingSet::default_user();
    let target = Field::Custom("gone".into());
    set.rules
        .push(Rule::new(Source::Path("title".into()), target));
    let error = set
        .compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap_err();
    assert!(
        matches!(&error, MappingError::Rule(wrong) if wrong.rule.number == 18
            && wrong.part == crate::RulePart::Target),
        "{error}"
    );
    assert!(error.to_string().contains("gone"), "{error}");
}

fn group(key: &str, when: GroupMatch) -> GroupRule {
    GroupRule {
        key: key.into(),
        when,
        kind: crate::GroupKind::default(),
        link: crate::GroupLink::default(),
        name_transforms: Vec::new(),
        grants: crate::Grants::default(),
        paused: false,
    }
}

fn groups(rules: Vec<GroupRule>) -> Result<crate::CompiledMapping, MappingError> {
    let set = MappingSet {
        group_rules: rules,
        ..MappingSet::default_group()
    };
    set.compile(&ResourceDefinition::group(), &Catalog::default())
}

#[test]
fn the_first_group_rule_that_matches_counts() {
    let paused = GroupRule {
        paused: true,
        ..group("paused", GroupMatch::Any)
    };
    let mapping = groups(vec![
        paused,
        group("name", GroupMatch::Name("Straße".into())),
        group("starts", GroupMatch::NameStartsWith("it ".into())),
        group("ends", GroupMatch::NameEndsWith("-Admins".into())),
        group("contains", GroupMatch::NameContains("desk".into())),
        group("id", GroupMatch::ExternalId("a".into())),
    ])
    .unwrap();
    let found = |name: &str, id: Option<&str>| {
        let rule = mapping.group_rule(name, id);
        rule.map(|rule| rule.rule().key.clone())
    };
    assert_eq!(found(" STRAßE ", None).as_deref(), Some("name"));
    assert_eq!(found("IT Desk", None).as_deref(), Some("starts"));
    assert_eq!(found("db-ADMINS", None).as_deref(), Some("ends"));
    assert_eq!(found("Helpdesk", Some("a")).as_deref(), Some("contains"));
    assert_eq!(found("Other", Some("a")).as_deref(), Some("id"));
    assert_eq!(
        found("Other", Some("A")),
        None,
        "an externalId is compared exactly"
    );
}

#[test]
fn differences_name_rules_and_members() {
    let old = MappingSet::default_user();
    let mut new = old.clone();
    let removed = new.rules.pop().unwrap();
    new.rules[1].required = true;
    new.rules.swap(2, 3);
    new.rules.push(Rule {
        key: "new".into(),
        ..removed.clone()
    });
    let told: Vec<_> = old
        .differences(&new)
        .into_iter()
        .map(|difference| (difference.key, difference.change, difference.members))
        .collect();
    use crate::RuleChange::{Added, Changed, Moved, Removed};
    assert_eq!(
        told,
        [
            (removed.key, Removed, vec![]),
            (
                "first_name".to_owned(),
                Changed,
                vec!["required".to_owned()]
            ),
            ("email".to_owned(), Moved, vec![]),
            ("last_name".to_owned(), Moved, vec![]),
            ("new".to_owned(), Added, vec![]),
        ]
    );
    assert_eq!(old.differences(&old), []);
}

#[test]
fn doubts_are_warnings_and_unknown_members_errors() {
    let mut set = MappingSet::default_user();
    set.rules[1].source = Source::Path("name.givenNam".into());
    set.rules[2].source = Source::Path("usrName".into());
    set.rules[3].source = Source::Path("urn:example:2.0:User:badge".into());
    let warnings = set.warnings(&ResourceDefinition::user());
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("\"userName\""), "{warnings:?}");
    let mut document = serde_json::to_value(MappingSet::default_user()).unwrap();
    document["rules"][4]["targt"] = json!("x");
    let error = MappingSet::<Field>::from_json(&document)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("rule 5") && error.contains("targt"),
        "{error}"
    );
    assert_eq!(
        MappingSet::<Field>::from_json(&json!({"resource": "user", "rules": []}))
            .map(|set| set.resource),
        Ok(ResourceKind::User)
    );
}

#[test]
fn whole_numbers_are_kept_exactly() {
    let whole = FieldKind::Number {
        min: None,
        max: None,
        integer: true,
    };
    for number in [
        0,
        -1,
        5,
        12_345_678_901_234_567,
        9_007_199_254_740_993,
        i64::MAX,
        i64::MIN,
    ] {
        for value in [json!(number), json!(number.to_string())] {
            assert_eq!(converted(&whole, value), Ok(json!(number)));
        }
        let stored = FieldValue::Integer(number).to_json().to_string();
        assert_eq!(stored, number.to_string());
        let read: FieldValue = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, FieldValue::Integer(number));
    }
    // As an older version wrote it.
    let read: FieldValue = serde_json::from_str("5.0").unwrap();
    assert_eq!(read, FieldValue::Integer(5));
}

#[test]
fn blank_text_is_no_number_no_date_and_no_choice_of_yes_or_no() {
    let number = FieldKind::Number {
        min: None,
        max: None,
        integer: false,
    };
    for kind in [number, FieldKind::Boolean, FieldKind::DateTime] {
        for blank in ["", " ", "\t"] {
            assert_eq!(
                converted(&kind, json!(blank)),
                Err(String::new()),
                "{kind:?}"
            );
        }
    }
}
