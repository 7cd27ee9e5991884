use scim_protocol::AttributePath;

use super::*;

#[test]
fn a_rule_reads_what_the_rules_before_give() {
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "title"}, "target": "job_title",
            "transforms": ["upper"], "default": "NONE"},
        {"key": "b", "source": {"path": "field(job_title)"}, "target": "display_name",
            "transforms": [{"prefix": "* "}]},
        {"key": "c", "source": {"join": {"separator": "", "parts": [
            {"path": "field( display_name )", "transforms": [{"left": 3}]}, {"literal": "!"}]}},
            "target": "custom_fields.c"},
        {"key": "d", "source": {"all": "field(roles)"}, "target": "custom_fields.d",
            "enabled": false},
    ]))
    .unwrap();
    for (title, display, custom) in [("Lead", "* LEAD", "* L!"), ("", "* NONE", "* N!")] {
        let document = object(json!({"userName": "u", "title": title}));
        let record = mapping.project(&document, Event::Create).record;
        assert_eq!(
            field(&record, &Field::DisplayName).as_deref(),
            Some(display)
        );
        let key = Field::Custom("c".into());
        assert_eq!(field(&record, &key).as_deref(), Some(custom));
    }
}

#[test]
fn a_patch_evaluates_what_comes_from_what_it_touches() {
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "title"}, "target": "job_title"},
        {"key": "b", "source": {"path": "field(job_title)"}, "target": "display_name"},
        {"key": "c", "source": {"path": "field(display_name)"}, "target": "first_name"},
        {"key": "d", "source": {"path": "nickName"}, "target": "last_name"},
    ]))
    .unwrap();
    let document = object(json!({"userName": "u", "title": "Lead", "nickName": "n"}));
    let by = |name: &str| {
        let projection = mapping.project_touched(&document, &[AttributePath::new(name)]);
        let fields: Vec<String> = projection.record.keys().map(Field::key).collect();
        fields.join(" ")
    };
    assert_eq!(by("title"), "first_name display_name job_title");
    assert_eq!(by("nickName"), "last_name");
}

#[test]
fn what_is_read_depends_on_the_resource_and_not_on_the_record() {
    // The first field belongs to ServiceOps once it is there; the second follows the resource.
    let mapping = compile(json!([
        {"key": "a", "source": {"path": "title"}, "target": "job_title", "apply": "onCreate"},
        {"key": "b", "source": {"path": "field(job_title)"}, "target": "display_name"},
    ]))
    .unwrap();
    let of = |title: &str| object(json!({"userName": "u", "title": title}));
    let record = mapping.project(&of("Lead"), Event::Create).record;
    let after = mapping.project(&of("Head"), Event::Change).onto(&record);
    assert_eq!(field(&after, &Field::JobTitle).as_deref(), Some("Lead"));
    assert_eq!(field(&after, &Field::DisplayName).as_deref(), Some("Head"));
    assert!(mapping.drift(&of("Head"), &after).is_empty());
}

#[test]
fn circles_and_reads_of_what_comes_later_are_refused() {
    let rule = |key: &str, source: &str, target: &str| json!({"key": key, "source": {"path": source}, "target": target});
    let (job, display) = ("field(job_title)", "field(display_name)");
    for (rules, reason, number) in [
        (vec![rule("a", job, "job_title")], "comes from the field", 1),
        (
            vec![
                rule("a", display, "job_title"),
                rule("b", job, "display_name"),
            ],
            "comes from the field",
            1,
        ),
        (
            vec![
                rule("a", "title", "job_title"),
                rule("b", job, "display_name"),
                json!({"key": "c", "source": {"path": display}, "target": "job_title",
                    "when": "title pr"}),
            ],
            "comes from the field",
            2,
        ),
        (
            vec![
                rule("a", display, "job_title"),
                rule("b", "title", "display_name"),
            ],
            "rules before this one alone",
            1,
        ),
        // All the rules for a field stand before whoever reads it.
        (
            vec![
                json!({"key": "a", "source": {"path": "title"}, "target": "job_title",
                    "when": "title pr"}),
                rule("b", job, "display_name"),
                rule("c", "nickName", "job_title"),
            ],
            "rules before this one alone",
            2,
        ),
        (vec![rule("a", job, "display_name")], "no rule gives", 1),
        (
            vec![
                json!({"key": "a", "source": {"path": "title"}, "target": "job_title",
                    "enabled": false}),
                rule("b", job, "display_name"),
            ],
            "no rule gives",
            2,
        ),
        (
            vec![rule("a", "field(shoe)", "display_name")],
            "no ServiceOps field",
            1,
        ),
    ] {
        let error = compile(json!(rules)).unwrap_err();
        assert!(error.to_string().contains(reason), "{rules:?}: {error}");
        assert_eq!(
            error.pointer(),
            format!("/rules/{number}/source"),
            "{rules:?}"
        );
    }
}

#[test]
fn parts_of_joined_texts_have_transforms_of_their_own() {
    let mapping = compile(json!([
        {"key": "a", "source": {"join": {"separator": ".", "parts": [
            {"path": "name.givenName", "transforms": ["trim", {"left": 1}]},
            {"path": "name.familyName", "transforms": ["stripDiacritics"]},
            {"path": "title", "transforms": [{"valueMap": {"entries": {}, "otherwise": "drop"}}]}]}},
            "target": "display_name", "transforms": ["lower"]},
    ]))
    .unwrap();
    let document = object(json!({"userName": "u", "title": "Lead",
        "name": {"givenName": " Ava", "familyName": "Lindström"}}));
    let record = mapping.project(&document, Event::Create).record;
    let display = field(&record, &Field::DisplayName);
    // A part without a value goes, and its separator with it.
    assert_eq!(display.as_deref(), Some("a.lindstrom"));
    assert_eq!(mapping.emit(&document, &record), document);
    let none = mapping.project(&object(json!({"userName": "u"})), Event::Create);
    assert!(!none.record.contains_key(&Field::DisplayName));
}

#[test]
fn a_part_is_a_path_with_transforms_or_a_literal_and_nothing_else() {
    let read = |part: Value| serde_json::from_value::<JoinPart>(part);
    for part in [
        json!({"path": "title"}),
        json!({"literal": "x"}),
        json!({"path": "title", "transforms": ["trim"]}),
    ] {
        assert_eq!(
            json!(read(part.clone()).unwrap()),
            part,
            "it is written as it was read"
        );
    }
    for wrong in [
        json!({}),
        json!({"path": "title", "literal": "x"}),
        json!({"literal": "x", "transforms": ["trim"]}),
        json!({"path": "title", "more": 1}),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}
