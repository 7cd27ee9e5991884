use proptest::prelude::*;

use scim_protocol::AttributePath;

use super::*;

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("(value|type|primary|display|[a-z]{1,6})", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_resource_is_mapped_and_emitted(
        members in prop::collection::hash_map(
            "(userName|emails|phoneNumbers|active|name|addresses|title|[a-z]{1,8})",
            json_value(),
            0..8,
        )
    ) {
        let resource: Map<String, Value> = members.into_iter().collect();
        let mapping = users();
        let projection = mapping.project(&resource, Event::Create);
        prop_assert_eq!(projection.verdicts.len(), 16, "one verdict per rule");
        let emitted = mapping.emit(&resource, &projection.record);
        let again = mapping.project(&emitted, Event::Create);
        if projection.rejection().is_none() && projection.warnings().next().is_none() {
            prop_assert_eq!(again.record, projection.record);
        }
    }

    #[test]
    fn a_preview_and_a_projection_agree(
        members in prop::collection::hash_map(
            "(userName|emails|phoneNumbers|active|name|title)",
            json_value(),
            0..6,
        )
    ) {
        let resource: Map<String, Value> = members.into_iter().collect();
        let mapping = users();
        let projection = mapping.project(&resource, Event::Create);
        let preview = mapping.preview(&resource, Event::Create, None);
        let record: Map<String, Value> = projection
            .record
            .iter()
            .map(|(field, value)| (field.key(), value.to_json()))
            .collect();
        prop_assert_eq!(preview.record, record);
        prop_assert_eq!(preview.rules.len(), projection.verdicts.len());
    }

    #[test]
    fn rules_that_are_not_touched_need_not_run(
        members in prop::collection::hash_map("(title|emails|name|active)", json_value(), 0..4),
        changed in prop::collection::hash_map("(title|emails|name)", json_value(), 0..3),
    ) {
        let mapping = users();
        let mut before = Map::from_iter([("userName".to_owned(), json!("u"))]);
        before.extend(members);
        let record = mapping.project(&before, Event::Create).record;
        let mut after = before;
        let touched: Vec<_> = changed.keys().map(AttributePath::new).collect();
        after.extend(changed);
        let whole = mapping.project(&after, Event::Change).onto(&record);
        let part = mapping.project_touched(&after, &touched).onto(&record);
        // What an untouched rule warns about or defaults is as it was; the fields are the same.
        prop_assert_eq!(part, whole);
    }

    #[test]
    fn any_path_compiles_or_says_why(
        path in "(emails|name|title|[a-z]{1,4})?[\\[\\]().:\"a-z0-9 $-]{0,12}(\\[type eq \"work\"\\])?(\\.value)?",
        resource in json_value(),
    ) {
        let rules = json!([{"key": "a", "source": {"path": path}, "target": "custom_fields.a"}]);
        match compile(rules) {
            Ok(mapping) => {
                let resource = json!({"userName": "u", "emails": resource, "title": resource});
                let resource = object(resource);
                let record = Record::from([(
                    Field::Custom("a".into()),
                    FieldValue::Text("by hand".into()),
                )]);
                let emitted = mapping.emit(&resource, &record);
                prop_assert_eq!(mapping.emit(&emitted, &record), emitted);
            }
            Err(error) => prop_assert!(error.to_string().starts_with("rule 2 (a): ")),
        }
    }

    #[test]
    fn any_transform_takes_any_value(
        transforms in prop::collection::vec(transform(), 0..8),
        value in prop::option::of(prop_oneof![
            json_value(),
            "-?[0-9]{1,6}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z|[+-][01][0-9]:00)?)?"
                .prop_map(Value::from),
        ]),
    ) {
        let result = transforms.iter().fold(value, |value, transform| transform.apply(value));
        if let Some(Value::String(text)) = result {
            prop_assert!(text.len() <= 16 * 1024);
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(transform in transform()) {
        let line = transform.to_string();
        prop_assert!(!line.contains('\n'), "{line}");
        prop_assert_eq!(line.parse::<Transform>(), Ok(transform), "{}", line);
    }
}

proptest! {
    #[test]
    fn a_rule_that_is_written_is_read_back(rule in rule()) {
        let line = rule.to_string();
        prop_assert_eq!(line.parse::<Rule>(), Ok(rule), "{}", line);
    }

    #[test]
    fn rules_with_conditions_that_read_fields_give_by_a_patch_what_they_give_by_a_put(
        members in prop::collection::hash_map("(title|userType|nickName|active)", simple(), 0..5),
        changed in prop::collection::hash_map("(title|userType|nickName|active)", simple(), 0..3),
    ) {
        let mapping = chosen();
        let mut before = Map::from_iter([("userName".to_owned(), json!("u"))]);
        before.extend(members);
        let record = mapping.project(&before, Event::Create).record;
        // The same PUT changes nothing.
        prop_assert_eq!(&mapping.project(&before, Event::Change).onto(&record), &record);
        let mut after = before;
        let touched: Vec<_> = changed.keys().map(AttributePath::new).collect();
        after.extend(changed);
        let whole = mapping.project(&after, Event::Change).onto(&record);
        let part = mapping.project_touched(&after, &touched).onto(&record);
        prop_assert_eq!(&part, &whole);
        // And what was there before leaves nothing behind.
        prop_assert_eq!(whole, mapping.project(&after, Event::Create).record);
        prop_assert!(mapping.drift(&after, &part).is_empty());
    }
}

fn simple() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "(a|b|Contractor|)".prop_map(Value::from),
    ]
}

/// Rules with conditions, several for a field, that read what others give.
fn chosen() -> CompiledMapping {
    compile(json!([
        {"key": "a", "source": {"path": "nickName"}, "target": "first_name",
            "when": "userType eq \"Contractor\" or active eq true"},
        {"key": "b", "source": {"path": "title"}, "target": "first_name",
            "when": "not (title eq \"a\")", "default": "none"},
        {"key": "c", "source": {"path": "field(first_name)"}, "target": "last_name",
            "transforms": ["upper"]},
        {"key": "d", "source": {"firstOf": ["field(last_name)", "nickName"]},
            "target": "job_title", "when": "nickName pr"},
        {"key": "e", "source": {"join": {"separator": "/", "parts": [
            {"path": "field(job_title)"}, {"path": "userType", "transforms": [{"left": 1}]}]}},
            "target": "display_name"},
    ]))
    .unwrap()
}

fn rule() -> impl Strategy<Value = Rule> {
    let path = || {
        prop_oneof![
            Just("title"),
            Just("emails[type eq \"wo -> rk, > ; when\"].value"),
            Just("name.formatted | givenName"),
            Just("field(department)"),
        ]
        .prop_map(str::to_owned)
    };
    let part = prop_oneof![
        "\\PC{0,6}".prop_map(JoinPart::Literal),
        (path(), prop::collection::vec(transform(), 0..3))
            .prop_map(|(path, transforms)| JoinPart::Path { path, transforms }),
    ];
    let source = prop_oneof![
        path().prop_map(Source::Path),
        path().prop_map(Source::All),
        json_value().prop_map(Source::Constant),
        prop::collection::vec(path(), 1..4).prop_map(Source::FirstOf),
        ("\\PC{0,6}", prop::collection::vec(part, 1..4))
            .prop_map(|(separator, parts)| Source::Join { separator, parts }),
    ];
    let when = prop::option::of(Just("userType eq \" -> ; when \" and title pr".to_owned()));
    (
        source,
        prop::collection::vec(transform(), 0..3),
        when,
        any::<(bool, bool, bool)>(),
    )
        .prop_map(|(source, transforms, when, (required, named, rank))| {
            let plain = Rule::new(source, Field::Custom("a".to_owned()));
            Rule {
                key: if named {
                    "a ; key".to_owned()
                } else {
                    plain.key.clone()
                },
                transforms,
                when,
                required,
                match_rank: rank.then_some(3),
                default: required.then(|| json!(" ; -> ")),
                ..plain
            }
        })
}

fn otherwise() -> impl Strategy<Value = Otherwise> {
    prop_oneof![
        Just(Otherwise::Keep),
        Just(Otherwise::Drop),
        json_value().prop_map(Otherwise::Value),
    ]
}

fn format() -> impl Strategy<Value = String> {
    "(%[A-Za-z:+.#%]|\\PC){0,5}"
}

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Nowhere/Else",
];

fn zone() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(ZONES).prop_map(str::to_owned))
}

fn transform() -> impl Strategy<Value = Transform> {
    let text = || "\\PC{0,3}";
    prop_oneof![
        Just(Transform::Trim),
        Just(Transform::CollapseSpaces),
        Just(Transform::Lower),
        Just(Transform::Upper),
        Just(Transform::TitleCase),
        Just(Transform::StripDiacritics),
        Just(Transform::First),
        Just(Transform::ToInt),
        Just(Transform::ToNumber),
        Just(Transform::StripSpaces),
        Just(Transform::DigitsOnly),
        Just(Transform::IfEmpty),
        Just(Transform::Last),
        Just(Transform::Dedupe),
        Just(Transform::Count),
        any::<usize>().prop_map(Transform::Left),
        any::<usize>().prop_map(Transform::Right),
        any::<usize>().prop_map(Transform::Truncate),
        (any::<usize>(), any::<char>())
            .prop_map(|(length, with)| Transform::PadLeft { length, with }),
        (any::<usize>(), text())
            .prop_map(|(number, separators)| Transform::Word { number, separators }),
        text().prop_map(Transform::JsonField),
        ("[a-z.()*+|\\[\\]{}0-9]{1,8}", any::<usize>())
            .prop_map(|(pattern, group)| Transform::RegexExtract { pattern, group }),
        ("[a-z.()*+|]{1,8}", text())
            .prop_map(|(pattern, with)| Transform::RegexReplace { pattern, with }),
        text().prop_map(Transform::Prefix),
        text().prop_map(Transform::Suffix),
        (text(), "\\PC{0,200}").prop_map(|(find, with)| Transform::Replace { find, with }),
        (any::<usize>(), any::<usize>())
            .prop_map(|(start, length)| Transform::Substring { start, length }),
        text().prop_map(Transform::Before),
        text().prop_map(Transform::After),
        (text(), json_value(), otherwise()).prop_map(|(from, to, otherwise)| {
            let entries = Map::from_iter([(from, to)]);
            Transform::ValueMap { entries, otherwise }
        }),
        json_value().prop_map(Transform::Default),
        text().prop_map(Transform::Split),
        any::<usize>().prop_map(Transform::Item),
        text().prop_map(Transform::Join),
        text().prop_map(|word| Transform::ToBool(vec![word])),
        (format(), zone()).prop_map(|(format, zone)| {
            let formats = vec![format];
            Transform::Date(DateFormats { formats, zone })
        }),
        (format(), zone()).prop_map(|(format, zone)| Transform::WriteDate { format, zone }),
        (-40_000_i64..40_000, zone())
            .prop_map(|(days, zone)| Transform::PlusDays(Days { days, zone })),
    ]
}
