//! What a transform cannot read, and constants that no field takes.

use super::*;

const STORED: &str = "2026-01-31T08:00:00Z";

/// A rule that reads a title, in a mapping with these others.
fn reading(rule: Value, others: Value) -> CompiledMapping {
    let mut document = object(json!({"key": "a", "source": {"path": "title"},
        "target": "custom_fields.a"}));
    document.extend(object(rule));
    let mut rules = vec![Value::Object(document)];
    rules.extend(others.as_array().unwrap().clone());
    compile(json!(rules)).unwrap()
}

fn titled(title: Value) -> Map<String, Value> {
    object(json!({"userName": "u", "title": title}))
}

fn stored(key: &str) -> Record {
    Record::from([
        (Field::UserName, FieldValue::Text("u".into())),
        (Field::Custom(key.into()), FieldValue::Text(STORED.into())),
    ])
}

#[test]
fn what_a_transform_cannot_read_is_a_warning_and_clears_nothing() {
    for (transform, title, reason) in [
        (
            json!({"date": ["%d.%m.%Y"]}),
            "tomorrow",
            "no date and time",
        ),
        (
            json!({"writeDate": {"format": "%Y"}}),
            "tomorrow",
            "no date and time",
        ),
        (json!({"plusDays": 1}), "tomorrow", "no date and time"),
        (json!("toInt"), "many", "no number"),
        (json!("toInt"), "4.2", "not a whole number"),
        (json!("toInt"), "99999999999999999999", "more than 64 bits"),
        (json!("toNumber"), "NaN", "no number"),
        (json!({"jsonField": "name"}), "plain", "no JSON object"),
        (json!({"jsonField": "name"}), "[1]", "no JSON object"),
        (
            json!({"regexReplace": {"pattern": "x", "with": "y"}}),
            &"z".repeat(4097),
            "longer than the 4096 bytes",
        ),
        (
            json!({"regexExtract": {"pattern": "x"}}),
            &"x".repeat(4097),
            "longer than",
        ),
    ] {
        let mapping = reading(json!({"transforms": [transform]}), json!([]));
        let document = titled(json!(title));
        for event in [Event::Create, Event::Change] {
            let projection = mapping.project(&document, event);
            let warnings: Vec<_> = projection.warnings().map(ToString::to_string).collect();
            assert!(
                warnings.len() == 1 && warnings[0].contains(reason),
                "{transform} {title}: {warnings:?}"
            );
            assert_eq!(projection.cleared, [], "{transform} {title}");
            assert_eq!(
                projection.onto(&stored("a"))[&Field::Custom("a".into())],
                stored("a")[&Field::Custom("a".into())]
            );
        }
        // The field is not said to be edited by hand, and the identity provider reads what it sent.
        assert_eq!(mapping.drift(&document, &stored("a")), [], "{transform}");
        assert_eq!(mapping.emit(&document, &stored("a")), document);
    }
}

#[test]
fn nothing_and_what_is_not_found_still_clear() {
    for (transform, title) in [
        (json!({"date": ["%d.%m.%Y"]}), " "),
        (json!("toInt"), ""),
        (json!({"jsonField": "name"}), " "),
        (json!({"jsonField": "name"}), "{\"name\": null}"),
        (json!({"before": "@"}), "none"),
        (json!("digitsOnly"), "none"),
        (json!({"regexExtract": {"pattern": "x"}}), "none"),
        (
            json!({"valueMap": {"entries": {}, "otherwise": "drop"}}),
            "any",
        ),
    ] {
        let mapping = reading(json!({"transforms": [transform]}), json!([]));
        let projection = mapping.project(&titled(json!(title)), Event::Change);
        assert_eq!(
            projection.cleared,
            [Field::Custom("a".into())],
            "{transform} {title}"
        );
        assert_eq!(projection.warnings().count(), 0, "{transform} {title}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_as_a_value_that_does_not_fit() {
    let date = json!([{"date": ["%d.%m.%Y"]}]);
    let soon = titled(json!("soon"));
    let key = Field::Custom("a".into());
    let run = |rule: Value| reading(rule, json!([])).project(&soon, Event::Change);
    for refuses in [json!({"required": true}), json!({"onError": "reject"})] {
        let mut rule = object(refuses);
        rule.insert("transforms".into(), date.clone());
        let projection = run(Value::Object(rule));
        let refused = projection.rejection().unwrap().to_string();
        assert!(refused.contains("no date and time"), "{refused}");
    }
    let projection = run(json!({"transforms": date, "onError": "useDefault", "default": "never"}));
    assert_eq!(field(&projection.record, &key).as_deref(), Some("never"));
    assert_eq!(projection.warnings().count(), 1);
    // A rule may say what stands in for it.
    let projection = run(json!({"transforms": [date[0], {"default": "never"}, "upper"]}));
    assert_eq!(field(&projection.record, &key).as_deref(), Some("NEVER"));
    assert_eq!(projection.warnings().count(), 0);
    // The preview shows where it ended.
    let mapping = reading(
        json!({"transforms": ["upper", date[0], "lower"]}),
        json!([]),
    );
    let preview = mapping.preview(&soon, Event::Change, Some(&stored("a")));
    let steps: Vec<_> = preview.rules[1]
        .steps
        .iter()
        .map(|step| step.value.clone())
        .collect();
    assert_eq!(steps, [Some(json!("SOON")), None, None]);
    assert_eq!(
        preview.rules[1].message.as_deref(),
        Some("no date and time")
    );
    assert_eq!(preview.changes, []);
}

#[test]
fn one_unreadable_value_keeps_the_whole_list() {
    let document = object(json!({"userName": "u",
        "emails": [{"value": "1"}, {"value": "many"}, {"value": "3"}]}));
    let list = json!({"source": {"all": "emails.value"}, "transforms": ["toInt", {"join": "+"}]});
    let projection = reading(list, json!([])).project(&document, Event::Change);
    assert_eq!(projection.warnings().count(), 1);
    assert_eq!(
        (projection.cleared, projection.record.len()),
        (Vec::new(), 1)
    );
}

#[test]
fn a_joined_text_is_what_its_parts_give_and_stays_where_none_can_be_read() {
    let parts = json!([{"literal": "no."}, {"path": "title", "transforms": ["toInt"]},
        {"path": "nickName"}]);
    let join = json!({"source": {"join": {"separator": " ", "parts": parts}}});
    let mapping = reading(join, json!([]));
    let mut document = titled(json!("many"));
    let projection = mapping.project(&document, Event::Change);
    assert_eq!(
        (projection.warnings().count(), projection.cleared),
        (1, Vec::new())
    );
    document.insert("nickName".into(), json!("n"));
    let record = mapping.project(&document, Event::Change).record;
    assert_eq!(
        field(&record, &Field::Custom("a".into())).as_deref(),
        Some("no. n")
    );
}

#[test]
fn a_rule_that_reads_the_field_of_one_that_could_not_read_keeps_its_own() {
    let others = json!([
        {"key": "b", "source": {"path": "field(custom_fields.a)"}, "target": "custom_fields.b"},
        {"key": "c", "source": {"firstOf": ["field(custom_fields.a)", "nickName"]},
            "target": "custom_fields.c"},
        {"key": "d", "source": {"path": "field(custom_fields.a)"}, "target": "custom_fields.d",
            "transforms": [{"default": "never"}]},
    ]);
    let mapping = reading(json!({"transforms": [{"date": ["%d.%m.%Y"]}]}), others);
    let mut document = titled(json!("soon"));
    document.insert("nickName".into(), json!("n"));
    let projection = mapping.project(&document, Event::Change);
    assert_eq!(projection.cleared, []);
    let of = |key: &str| field(&projection.record, &Field::Custom(key.into()));
    assert_eq!((of("a"), of("b")), (None, None));
    assert_eq!(
        (of("c").as_deref(), of("d").as_deref()),
        (Some("n"), Some("never"))
    );
    assert_eq!(projection.warnings().count(), 2);
    assert_eq!(
        mapping.drift(&document, &stored("b")),
        [Field::Custom("c".into()), Field::Custom("d".into())]
    );
}

#[test]
fn a_constant_that_its_field_never_takes_is_refused_with_its_rule() {
    let constant = |value: Value, target: &str, transforms: Value| {
        json!([{"key": "a", "source": {"constant": value}, "target": target,
            "transforms": transforms}])
    };
    for (rules, reason) in [
        (
            constant(json!("gym"), "user_type", json!([])),
            "none of requester, technician",
        ),
        (
            constant(json!("maybe"), "is_vip", json!([])),
            "neither true nor false",
        ),
        (
            constant(json!("x".repeat(256)), "job_title", json!([])),
            "longer than 255",
        ),
        (
            constant(json!("technician"), "user_type", json!([{"prefix": "x"}])),
            "none of",
        ),
        (
            constant(json!("soon"), "job_title", json!([{"date": []}])),
            "no date and time",
        ),
        (constant(json!(" "), "roles", json!([])), "a blank name"),
    ] {
        let error = compile(rules.clone()).unwrap_err();
        assert!(error.to_string().contains(reason), "{rules}: {error}");
        assert_eq!(error.pointer(), "/rules/1/source");
    }
    for rules in [
        constant(
            json!("agent"),
            "user_type",
            json!([{"valueMap":
            {"entries": {"agent": "technician"}, "otherwise": "drop"}}]),
        ),
        // They clear the field.
        constant(json!(""), "user_type", json!([])),
        constant(json!(null), "is_vip", json!([])),
        // What nobody knows is known when it is written.
        constant(json!(" "), "department", json!([])),
    ] {
        assert!(compile(rules.clone()).is_ok(), "{rules}");
    }
}

#[test]
fn a_constant_of_a_rule_in_force_is_a_warning_with_each_resource() {
    let mapping = compile_in_force(json!([
        {"key": "a", "source": {"constant": "gym"}, "target": "user_type"}
    ]))
    .unwrap();
    let projection = mapping.project(&titled(json!("x")), Event::Change);
    assert_eq!(projection.warnings().count(), 1);
    assert_eq!(projection.cleared, []);
}
