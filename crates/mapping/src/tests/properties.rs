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
        value in prop::option::of(json_value()),
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

fn otherwise() -> impl Strategy<Value = Otherwise> {
    prop_oneof![
        Just(Otherwise::Keep),
        Just(Otherwise::Drop),
        json_value().prop_map(Otherwise::Value),
    ]
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
        "(%[A-Za-z:+.#%]|\\PC){0,5}".prop_map(|format| Transform::Date(vec![format])),
    ]
}
