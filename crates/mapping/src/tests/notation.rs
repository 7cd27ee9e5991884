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
        ("title -> email ; {\"shoe\": 1}", "behind “;”"),
        ("title -> email ; x", "behind “;”"),
    ] {
        let error = line.parse::<Rule>().unwrap_err();
        assert!(error.to_string().contains(reason), "{line}: {error}");
    }
}
