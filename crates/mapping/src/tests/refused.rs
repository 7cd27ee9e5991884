use super::*;

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
            json!([{"key": "a", "source": {"path": "title"}, "target": "email",
                    "transforms": [{"plusDays": 36_526}]}]),
            "36525 days at most",
            "/transforms/0",
        ),
        (
            json!([{"key": "a", "source": {"path": "title"}, "target": "email",
                    "transforms": [{"writeDate": {"format": "%Y", "zone": "Mars/Olympus"}}]}]),
            "no time zone",
            "/transforms/0",
        ),
        (
            json!([{"key": "a", "source": {"join": {"separator": "", "parts": [
                {"path": "title", "transforms": [{"before": ""}]}]}}, "target": "email"}]),
            "text to look for is empty",
            "/source",
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
    assert_eq!(error, MappingError::Unnamed(Field::UserName.key()));
    let mut set = MappingSet::default_group();
    set.rules[0].enabled = false;
    let error = set
        .compile(&ResourceDefinition::group(), &Catalog::default())
        .unwrap_err();
    assert_eq!(error, MappingError::Unnamed(Field::Name.key()));
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
