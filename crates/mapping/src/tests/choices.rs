use scim_protocol::AttributePath;

use super::*;

/// Contractors get a title of their own, and whoever has none gets the department's.
fn titles() -> CompiledMapping {
    compile(json!([
        {"key": "contractor", "source": {"constant": "External"}, "target": "job_title",
            "when": "userType eq \"Contractor\" and not (title pr)"},
        {"key": "title", "source": {"path": "title"}, "target": "job_title", "when": "title pr"},
        {"key": "nick", "source": {"path": "nickName"}, "target": "job_title",
            "when": "active eq true"},
    ]))
    .unwrap()
}

fn user(more: Value) -> Map<String, Value> {
    let mut user = object(json!({"userName": "u"}));
    user.extend(object(more));
    user
}

#[test]
fn of_several_rules_for_a_field_the_first_whose_condition_holds_counts() {
    let mapping = titles();
    for (document, title, rule, not_met) in [
        (
            json!({"userType": "contractor"}),
            Some("External"),
            Some(2),
            vec![],
        ),
        (
            json!({"userType": "Contractor", "title": "Lead"}),
            Some("Lead"),
            Some(3),
            vec![2],
        ),
        (
            json!({"title": "Lead", "active": true}),
            Some("Lead"),
            Some(3),
            vec![2],
        ),
        (
            json!({"active": true, "nickName": "Avi"}),
            Some("Avi"),
            Some(4),
            vec![2, 3],
        ),
        // One that counts and has no value gives none; the next is not asked.
        (json!({"active": true}), None, Some(4), vec![2, 3]),
        (json!({"active": false}), None, None, vec![2, 3, 4]),
    ] {
        let projection = mapping.project(&user(document.clone()), Event::Create);
        let found = field(&projection.record, &Field::JobTitle);
        assert_eq!(found.as_deref(), title, "{document}");
        assert_eq!(projection.verdicts.len(), 4);
        let choice = projection.choices().pop();
        if not_met.len() > 1 {
            let said = choice.as_ref().unwrap().to_string();
            assert!(said.ends_with("the conditions do not hold"), "{said}");
        }
        match not_met.is_empty() {
            true => assert_eq!(choice, None, "the first one counts"),
            false => assert_eq!(
                choice,
                Some(FieldChoice {
                    field: "job_title".to_owned(),
                    rule,
                    not_met,
                }),
                "{document}"
            ),
        }
    }
}

#[test]
fn the_verdicts_say_which_rule_counts_and_why_others_do_not() {
    let document = user(json!({"title": "Lead", "active": true}));
    let preview = titles().preview(&document, Event::Create, None);
    let rows: Vec<_> = preview.rules[1..]
        .iter()
        .map(|row| {
            let value = row.value.as_ref().and_then(Value::as_str);
            (row.counts, row.status, row.message.as_deref(), value)
        })
        .collect();
    assert_eq!(
        rows,
        [
            (false, "skipped", Some("its condition does not hold"), None),
            (true, "ok", None, Some("Lead")),
            (false, "skipped", Some("rule 3 counts"), None),
        ]
    );
    assert_eq!(preview.rules[2].when.as_deref(), Some("title pr"));
    assert_eq!(preview.rules[3].source_value, None, "it was not asked");
}

#[test]
fn a_field_for_which_no_condition_holds_is_cleared_or_kept_as_the_last_rule_says() {
    let record = Record::from([(Field::JobTitle, FieldValue::Text("by hand".into()))]);
    for (choices, kept) in [
        (json!({}), false),
        (json!({"onAbsent": "keep"}), true),
        (json!({"apply": "onCreate"}), true),
        // A default and a requirement are of the rule, for those whom it is for.
        (json!({"default": "d", "onAbsent": "default"}), false),
        (json!({"required": true}), false),
    ] {
        let mut rule = json!({"key": "a", "source": {"path": "title"}, "target": "job_title",
            "when": "userType eq \"x\""});
        rule.as_object_mut()
            .unwrap()
            .extend(object(choices.clone()));
        let mapping = compile(json!([rule])).unwrap();
        let projection = mapping.project(&user(json!({})), Event::Change);
        assert!(projection.rejection().is_none());
        let after = projection.onto(&record);
        assert_eq!(after.contains_key(&Field::JobTitle), kept, "{choices}");
    }
}

#[test]
fn a_patch_of_what_a_condition_reads_evaluates_every_rule_for_the_field() {
    let mapping = titles();
    let before = user(json!({"userType": "Contractor", "nickName": "Avi"}));
    let record = mapping.project(&before, Event::Create).record;
    assert_eq!(
        field(&record, &Field::JobTitle).as_deref(),
        Some("External")
    );
    let after = user(json!({"userType": "Employee", "nickName": "Avi", "active": true}));
    let touched = [AttributePath::new("usertype")];
    let projection = mapping.project_touched(&after, &touched);
    assert_eq!(
        projection.verdicts.len(),
        3,
        "those for the title, and no other"
    );
    let title = field(&projection.onto(&record), &Field::JobTitle);
    assert_eq!(title.as_deref(), Some("Avi"));
    assert!(mapping.reads(&AttributePath::new("active")));
    let other = mapping.project_touched(&after, &[AttributePath::new("locale")]);
    assert!(other.verdicts.is_empty());
}

#[test]
fn a_condition_in_brackets_or_of_an_extension_is_read_too() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let mapping = compile(json!([
        {"key": "a", "source": {"constant": "a"}, "target": "job_title",
            "when": "emails[type eq \"work\" and value ew \"@corp.example\"]"},
        {"key": "b", "source": {"constant": "b"}, "target": "job_title",
            "when": format!("{enterprise}:department eq \"IT\"")},
    ]))
    .unwrap();
    for (document, expected) in [
        (
            json!({"emails": [{"type": "work", "value": "a@CORP.example"}]}),
            Some("a"),
        ),
        (
            json!({"emails": [{"type": "home", "value": "a@corp.example"}],
                (enterprise): {"department": "it"}}),
            Some("b"),
        ),
        (json!({}), None),
    ] {
        let record = mapping.project(&user(document), Event::Create).record;
        assert_eq!(field(&record, &Field::JobTitle).as_deref(), expected);
    }
    assert!(mapping.reads(&AttributePath::new("emails")));
    let department = format!("{enterprise}:department").parse().unwrap();
    assert!(mapping.reads(&department));
}

#[test]
fn conditions_that_cannot_be_used_are_refused() {
    for (when, reason) in [
        ("userType", "operator"),
        ("shoeSize eq 7", "shoeSize"),
        ("password eq \"x\"", "password"),
        ("id eq \"x\"", "\"id\" is not"),
        ("meta.lastModified pr", "\"meta\" is not"),
        ("groups.value eq \"x\"", "\"groups\" is not"),
        ("(((((title pr)))))", "nested"),
        (&"title pr and ".repeat(60), "title pr"),
    ] {
        let error = compile(json!([
            {"key": "a", "source": {"path": "title"}, "target": "job_title", "when": when}
        ]))
        .unwrap_err();
        assert!(error.to_string().contains(reason), "{when}: {error}");
        assert_eq!(error.pointer(), "/rules/1/when", "{when}");
    }
}

#[test]
fn the_logon_name_needs_a_rule_for_everybody() {
    let mut set = MappingSet::default_user();
    let conditional = |when: &str| Rule {
        key: "first".to_owned(),
        when: Some(when.to_owned()),
        ..set.rules[0].clone()
    };
    let first = conditional("title pr");
    set.rules.insert(0, first);
    let users = ResourceDefinition::user();
    assert!(set.compile(&users, &Catalog::default()).is_ok());
    set.rules[0].required = false;
    let optional = set.compile(&users, &Catalog::default()).unwrap_err();
    assert_eq!(optional, MappingError::Unnamed(Field::UserName.key()));
    set.rules[0].required = true;
    set.rules.remove(1);
    let not_all = set.compile(&users, &Catalog::default()).unwrap_err();
    assert_eq!(not_all, MappingError::Unnamed(Field::UserName.key()));
}

#[test]
fn a_rule_that_never_counts_is_a_warning() {
    let rules = json!([
        {"key": "a", "source": {"path": "title"}, "target": "job_title", "when": "title pr"},
        {"key": "b", "source": {"path": "nickName"}, "target": "job_title"},
        {"key": "c", "source": {"path": "userType"}, "target": "job_title", "when": "title pr"},
        {"key": "d", "source": {"path": "userType"}, "target": "job_title", "enabled": false},
    ]);
    let set: MappingSet =
        serde_json::from_value(json!({"resource": "user", "rules": rules})).unwrap();
    assert_eq!(
        set.warnings(&ResourceDefinition::user()),
        ["rule 3 (c): it never counts, because rule 2 for \"job_title\" has no condition"]
    );
    // And it does not.
    let mapping = compile(rules).unwrap();
    let record = mapping
        .project(&user(json!({"userType": "x"})), Event::Create)
        .record;
    assert_eq!(field(&record, &Field::JobTitle), None);
}

#[test]
fn what_is_shown_to_the_identity_provider_stands_where_the_rule_that_counts_read_it() {
    let mapping = titles();
    let document = user(json!({"active": true, "nickName": "Avi"}));
    let mut record = mapping.project(&document, Event::Create).record;
    assert!(mapping.drift(&document, &record).is_empty());
    record.insert(Field::JobTitle, FieldValue::Text("by hand".into()));
    let emitted = mapping.emit(&document, &record);
    assert_eq!(emitted["nickName"], "by hand");
    assert!(!emitted.contains_key("title"));
    // Where none counts there is no attribute for it.
    let nobody = user(json!({"active": false}));
    assert_eq!(mapping.emit(&nobody, &record), nobody);
}

#[test]
fn a_reference_that_nobody_knows_is_treated_as_the_rule_says_that_counts() {
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "title"}, "target": "department", "when": "title pr",
            "onUnknown": "reject"},
        {"key": "b", "source": {"path": "nickName"}, "target": "department"},
    ]))
    .unwrap();
    let unknown = |document: Value| mapping.on_unknown(&Field::Department, &object(document));
    assert_eq!(unknown(json!({"title": "x"})), OnUnknown::Reject);
    assert_eq!(unknown(json!({"nickName": "x"})), OnUnknown::Create);
}
