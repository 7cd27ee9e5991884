use super::*;

#[test]
fn rules_are_read_as_people_write_them() {
    for (line, document) in [
        (
            "title -> job_title",
            json!({"key": "job_title", "source": {"path": "title"}, "target": "job_title"}),
        ),
        (
            r#"emails[type eq "work"].value > trim > lower -> email when userType eq "Contractor""#,
            json!({"key": "email", "when": "userType eq \"Contractor\"",
                "source": {"path": "emails[type eq \"work\"].value"},
                "transforms": ["trim", "lower"], "target": "email"}),
        ),
        (
            r#"join name.givenName > left: 1, "von", name.familyName with ". " >> upper -> display_name"#,
            json!({"key": "display_name", "source": {"join": {"separator": ". ", "parts": [
                {"path": "name.givenName", "transforms": [{"left": 1}]}, {"literal": "von"},
                {"path": "name.familyName"}]}},
                "transforms": ["upper"], "target": "display_name"}),
        ),
        (
            r#"first of nickName, field(first_name) -> custom_fields.alias ; {"onAbsent": "keep"}"#,
            json!({"key": "custom_fields.alias", "onAbsent": "keep",
                "source": {"firstOf": ["nickName", "field(first_name)"]},
                "target": "custom_fields.alias"}),
        ),
        (
            r#"constant true -> is_vip when title co " -> ""#,
            json!({"key": "is_vip", "source": {"constant": true}, "target": "is_vip",
                "when": "title co \" -> \""}),
        ),
        (
            "all roles.value -> roles",
            json!({"key": "roles", "source": {"all": "roles.value"}, "target": "roles"}),
        ),
    ] {
        let rule: Rule = serde_json::from_value(document).unwrap();
        assert_eq!(line.parse::<Rule>().as_ref(), Ok(&rule), "{line}");
        assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
    }
}

#[test]
fn a_line_that_is_no_rule_says_why() {
    for (line, reason) in [
        ("title", "names its field"),
        (" -> email", "begins with its source"),
        ("title -> shoe", "no ServiceOps field"),
        ("title > nonsense -> email", "no transform"),
        ("constant x -> email", "the constant"),
        ("join title with x -> email", "the separator"),
        (
            r#"join title, nickName with ". " > upper -> email"#,
            "behind “>>”",
        ),
        (
            r#"title -> email; {"requird": true}"#,
            "“requird” behind “;” is no member",
        ),
        (
            r#"title -> email ; {"required": true, "onAbsent": "kep"}"#,
            "“onAbsent” behind “;” cannot",
        ),
        (
            r#"title -> email ; {"onAbsent": "kep"}"#,
            "expected one of `clear`, `keep`, `default`",
        ),
        ("title -> email ; {} ; {}", "behind “;”"),
        ("title -> email ; {\"shoe\": 1}", "behind “;”"),
        ("title -> email ; x", "behind “;”"),
    ] {
        let error = line.parse::<Rule>().unwrap_err();
        assert!(error.to_string().contains(reason), "{line}: {error}");
    }
}

#[test]
fn no_blank_is_needed_before_the_semicolon() {
    for line in [
        r#"title -> email; {"required": true}"#,
        r#"title -> email;{"required":true}"#,
        r#"title -> email when title eq "a;b";{"required":true}"#,
    ] {
        let rule: Rule = line.parse().unwrap();
        assert!(rule.required && rule.target == Field::Email, "{line}");
        assert_eq!(rule.when.is_some(), line.contains("when"), "{line}");
    }
    let rule: Rule = r#"title > replace: {"find": ";", "with": ""} > prefix: a; -> email"#
        .parse()
        .unwrap();
    assert_eq!(rule.transforms[1], Transform::Prefix("a;".to_owned()));
}

#[test]
fn the_members_that_a_line_may_name_are_those_of_a_rule() {
    let whole = Rule {
        when: Some(String::new()),
        transforms: vec![Transform::Trim],
        default: Some(json!(1)),
        on_unknown: Some(OnUnknown::Ignore),
        match_rank: Some(1),
        ..Rule::new(Source::Path("title".into()), Field::Email)
    };
    let mut members: Vec<String> = object(json!(whole))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let mut known = crate::notation::MEMBERS.map(str::to_owned).to_vec();
    members.sort();
    known.sort();
    assert_eq!(members, known);
}
