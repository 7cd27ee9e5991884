use super::*;

/// Compiles these group rules with a number, a choice of several and a text as custom fields.
fn compile_groups(rules: Value) -> Result<CompiledMapping, MappingError> {
    let mut set = MappingSet::default_group();
    set.group_rules = serde_json::from_value(rules).unwrap();
    let custom = |key: &str, kind: FieldKind| CustomField {
        key: key.into(),
        label: key.into(),
        kind,
        required: false,
    };
    let several = FieldKind::MultiChoice {
        options: vec!["Berlin".into(), "Paris".into()],
    };
    let number = FieldKind::Number {
        min: None,
        max: Some(9.0),
        integer: true,
    };
    let catalog = Catalog::with_custom(vec![
        custom("floor", number),
        custom("sites", several),
        custom("team", FieldKind::LongText),
    ]);
    set.compile(&ResourceDefinition::group(), &catalog)
}

#[test]
fn groups_are_told_by_lists_and_patterns() {
    let mapping = compile_groups(json!([
        {"key": "list", "when": {"nameIn": ["Service Desk", "Straße"]}},
        {"key": "pattern", "when": {"nameMatches": "^it-(emea|apac)-[0-9]+$"}},
        {"key": "ids", "when": {"externalIdIn": ["a", "b"]}},
    ]))
    .unwrap();
    let rule = |name: &str, id: Option<&str>| {
        let rule = mapping.group_rule(name, id);
        rule.map(|rule| rule.rule().key.clone())
    };
    for (name, id, key) in [
        (" service DESK ", None, Some("list")),
        ("STRASSE", None, Some("list")),
        ("IT-EMEA-7", None, Some("pattern")),
        (" it-apac-12 ", None, Some("pattern")),
        ("IT-EMEA-x", None, None),
        ("other", Some("b"), Some("ids")),
        ("other", Some("B"), None),
        (&"it-emea-".repeat(1000), None, None),
    ] {
        assert_eq!(rule(name, id).as_deref(), key, "{name} {id:?}");
    }
}

#[test]
fn any_field_is_granted_in_the_form_in_which_it_is_held() {
    let mapping = compile_groups(json!([{"key": "a", "when": "any", "grants": {
        "roles": ["Technician"], "vip": true, "fields": {
            "location": " Berlin ", "custom_fields.floor": "7",
            "custom_fields.sites": ["berlin", "PARIS"], "custom_fields.team": "Blue"}}}]))
    .unwrap();
    let granted: Vec<(&str, &str)> = mapping
        .group_rule("x", None)
        .unwrap()
        .grants()
        .iter()
        .map(|(field, value)| (field.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        granted,
        [
            ("roles", "Technician"),
            ("is_vip", "true"),
            ("location", "Berlin"),
            ("custom_fields.floor", "7"),
            ("custom_fields.sites", "Berlin"),
            ("custom_fields.sites", "Paris"),
            ("custom_fields.team", "Blue"),
        ]
    );
}

#[test]
fn group_rules_that_cannot_work_are_refused() {
    for (rule, reason, pointer) in [
        (json!({"when": {"nameIn": []}}), "1 to 500 groups", "when"),
        (json!({"when": {"nameIn": ["a", " "]}}), "is empty", "when"),
        (
            json!({"when": {"nameIn": vec!["a"; 501]}}),
            "1 to 500 groups",
            "when",
        ),
        (json!({"when": {"nameMatches": "("}}), "no pattern", "when"),
        (
            json!({"when": {"nameMatches": "x".repeat(257)}}),
            "256 bytes",
            "when",
        ),
        (
            json!({"when": "any", "grants": {"fields": {"user_name": "x"}}}),
            "no field that a group can give",
            "grants/fields",
        ),
        (
            json!({"when": "any", "grants": {"fields": {"status": "active"}}}),
            "no field that a group can give",
            "grants/fields",
        ),
        (
            json!({"when": "any", "grants": {"fields": {"roles": "x"}}}),
            "no field that a group can give",
            "grants/fields",
        ),
        (
            json!({"when": "any", "grants": {"fields": {"custom_fields.shoe": "x"}}}),
            "no field that a group can give",
            "grants/fields",
        ),
        (
            json!({"when": "any", "grants": {"fields": {"custom_fields.floor": "10"}}}),
            "does not fit: more than 9",
            "grants/fields",
        ),
    ] {
        let mut rule = rule;
        rule["key"] = "a".into();
        let error = compile_groups(json!([rule])).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.pointer(), format!("/groupRules/0/{pointer}"));
    }
}

#[test]
fn grants_are_written_as_they_were() {
    let old = json!({"roles": ["a"], "userType": "technician"});
    let grants: Grants = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(json!(grants), old);
    let more = json!({"fields": {"location": "x"}, "more": 1});
    assert!(serde_json::from_value::<Grants>(more).is_err());
}
