use serde_json::{Value, json};

use crate::transform::PATTERNS_COMPILED;
use crate::{Otherwise, Transform, TransformParseError};

#[test]
fn transforms_do_what_their_names_say() {
    let text = |transform: Transform, value: &str| transform.apply(Some(Value::from(value)));
    for (transform, value, expected) in [
        (Transform::Trim, "  a ", json!("a")),
        (Transform::CollapseSpaces, " a   b ", json!("a b")),
        (Transform::Lower, "ÉVA", json!("éva")),
        (Transform::Upper, "éva", json!("ÉVA")),
        (
            Transform::TitleCase,
            "o'MALLEY van DYK",
            json!("O'malley Van Dyk"),
        ),
        (Transform::StripDiacritics, "Zoë Ñandú", json!("Zoe Nandu")),
        (Transform::Prefix("x-".into()), "a", json!("x-a")),
        (Transform::Suffix("-x".into()), "a", json!("a-x")),
        (
            Transform::Replace {
                find: "a".into(),
                with: "b".into(),
            },
            "aXa",
            json!("bXb"),
        ),
        (
            Transform::Substring {
                start: 1,
                length: 2,
            },
            "äöü!",
            json!("öü"),
        ),
        (Transform::Before("@".into()), "a@b@c", json!("a")),
        (Transform::After("@".into()), "a@b@c", json!("b@c")),
        (
            Transform::Split(",".into()),
            "a, b,,c",
            json!(["a", "b", "c"]),
        ),
        (Transform::StripSpaces, " a b\tc ", json!("abc")),
        (Transform::Left(2), "äöü", json!("äö")),
        (Transform::Right(2), "äöü", json!("öü")),
        (Transform::Right(9), "ab", json!("ab")),
        (Transform::Truncate(3), "abcdef", json!("abc")),
        (
            Transform::PadLeft {
                length: 5,
                with: '0',
            },
            "42",
            json!("00042"),
        ),
        (Transform::DigitsOnly, "+49 (30) 123", json!("4930123")),
        (
            Transform::Word {
                number: 1,
                separators: String::new(),
            },
            " Ava  Maria Stone",
            json!("Maria"),
        ),
        (
            Transform::Word {
                number: 2,
                separators: "=,".into(),
            },
            "CN=ava,OU=people",
            json!("OU"),
        ),
        (Transform::Count, "one", json!(1)),
        (Transform::IfEmpty, "a", json!("a")),
        (Transform::ToNumber, " 4.5 ", json!(4.5)),
        (
            Transform::JsonField("value".into()),
            "{\"value\": \"Admin\", \"id\": 7}",
            json!("Admin"),
        ),
        (
            Transform::RegexExtract {
                pattern: "([a-z]+)@".into(),
                group: 1,
            },
            "ava@x.example",
            json!("ava"),
        ),
        (
            Transform::RegexReplace {
                pattern: "(\\d+)-(\\d+)".into(),
                with: "$2/$1".into(),
            },
            "12-34",
            json!("34/12"),
        ),
        (Transform::ToBool(vec!["ja".into()]), "JA", json!(true)),
        (Transform::ToBool(vec![]), "nein", json!(false)),
        (Transform::ToInt, " 42 ", json!(42)),
        (
            serde_json::from_value(json!({"date": ["%d-%m-%Y %H:%M"]})).unwrap(),
            "31-01-2026 08:00",
            json!("2026-01-31T08:00:00Z"),
        ),
    ] {
        assert_eq!(
            text(transform.clone(), value),
            Some(expected),
            "{transform:?}"
        );
    }
    assert_eq!(text(Transform::Before("@".into()), "none"), None);
    assert_eq!(text(Transform::ToInt, "4.2"), None);
    let list = || Some(json!(["a", "b"]));
    assert_eq!(Transform::First.apply(list()), Some(json!("a")));
    assert_eq!(Transform::Item(1).apply(list()), Some(json!("b")));
    assert_eq!(Transform::Item(2).apply(list()), None);
    assert_eq!(
        Transform::Join("+".into()).apply(list()),
        Some(json!("a+b"))
    );
    assert_eq!(Transform::Upper.apply(list()), Some(json!(["A", "B"])));
    assert_eq!(Transform::Default(json!("d")).apply(None), Some(json!("d")));
}

#[test]
fn a_value_map_compares_without_regard_to_case() {
    let map = |otherwise| Transform::ValueMap {
        entries: [
            ("Straße".to_owned(), json!("street")),
            ("1".into(), json!(true)),
        ]
        .into_iter()
        .collect(),
        otherwise,
    };
    for (value, otherwise, expected) in [
        (json!("STRASE"), Otherwise::Keep, Some(json!("STRASE"))),
        (json!("STRAßE"), Otherwise::Drop, Some(json!("street"))),
        (json!("STRASSE"), Otherwise::Drop, Some(json!("street"))),
        (json!(1), Otherwise::Drop, Some(json!(true))),
        (json!("else"), Otherwise::Drop, None),
        (
            json!("else"),
            Otherwise::Value(json!("x")),
            Some(json!("x")),
        ),
    ] {
        assert_eq!(
            map(otherwise).apply(Some(value.clone())),
            expected,
            "{value}"
        );
    }
}

#[test]
fn whole_numbers_and_dates_are_read_in_more_than_one_form() {
    let int = |value: Value| Transform::ToInt.apply(Some(value));
    assert_eq!(int(json!(42.0)), Some(json!(42)));
    assert_eq!(int(json!("100")), Some(json!(100)));
    assert_eq!(int(json!("0.0")), Some(json!(0)));
    assert_eq!(int(json!("99999999999999999999")), None);
    let formats = ["%Y-%m-%d %H:%M %z", "%d.%m.%Y"].map(str::to_owned);
    let date = |text: &str| {
        let date = crate::DateFormats {
            formats: formats.to_vec(),
            zone: None,
        };
        Transform::Date(date).apply(Some(text.into()))
    };
    assert_eq!(
        date("2026-01-31 08:00 +0530"),
        Some(json!("2026-01-31T02:30:00Z"))
    );
    assert_eq!(date("31.01.2026"), Some(json!("2026-01-31T00:00:00Z")));
    assert_eq!(
        date("2026-01-31T08:00:00+01:00"),
        Some(json!("2026-01-31T07:00:00Z"))
    );
    assert_eq!(date("soon"), None);
}

#[test]
fn results_are_limited() {
    let long = "aé".repeat(32 * 1024);
    let replace = Transform::Replace {
        find: "a".into(),
        with: "x".repeat(1024),
    };
    for transform in [Transform::Trim, Transform::Suffix("x".into()), replace] {
        let result = transform.apply(Some(json!(long))).unwrap();
        let length = result.as_str().unwrap().len();
        assert!((16 * 1024 - 3..=16 * 1024).contains(&length), "{length}");
    }
    let many = Transform::Split(",".into()).apply(Some(json!("a,".repeat(8 * 1024))));
    let suffixed = Transform::Suffix("x".repeat(1024)).apply(many).unwrap();
    let bytes: usize = suffixed
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap().len())
        .sum();
    assert!(bytes <= 1024 * 1024);
    assert!(bytes > 1023 * 1024);
}

#[test]
fn lists_are_cut_counted_and_told_apart() {
    let list = || Some(json!(["a", "B", "b", "A"]));
    assert_eq!(Transform::Last.apply(list()), Some(json!("A")));
    assert_eq!(Transform::Dedupe.apply(list()), Some(json!(["a", "B"])));
    assert_eq!(Transform::Count.apply(list()), Some(json!(4)));
    assert_eq!(Transform::IfEmpty.apply(Some(json!([]))), None);
    assert_eq!(Transform::Count.apply(None), None);
}

#[test]
fn what_cannot_be_found_is_no_value() {
    for (transform, value) in [
        (Transform::IfEmpty, "  "),
        (Transform::DigitsOnly, "none"),
        (Transform::ToNumber, "NaN"),
        (Transform::ToNumber, "inf"),
        (Transform::JsonField("value".into()), "no json"),
        (Transform::JsonField("value".into()), "{\"value\": null}"),
        (
            Transform::RegexExtract {
                pattern: "(x)".into(),
                group: 3,
            },
            "x",
        ),
        (
            Transform::Word {
                number: 9,
                separators: String::new(),
            },
            "a b",
        ),
    ] {
        assert_eq!(transform.apply(Some(json!(value))), None, "{transform:?}");
    }
    let long = "x".repeat(5_000);
    let pattern = Transform::RegexExtract {
        pattern: "x".into(),
        group: 0,
    };
    assert_eq!(pattern.apply(Some(json!(long))), None);
}

/// A number for each transform; a new one does not compile until it has one.
fn number(transform: &Transform) -> usize {
    match transform {
        Transform::Trim => 0,
        Transform::CollapseSpaces => 1,
        Transform::StripSpaces => 2,
        Transform::Lower => 3,
        Transform::Upper => 4,
        Transform::TitleCase => 5,
        Transform::StripDiacritics => 6,
        Transform::Prefix(_) => 7,
        Transform::Suffix(_) => 8,
        Transform::Replace { .. } => 9,
        Transform::Substring { .. } => 10,
        Transform::Left(_) => 11,
        Transform::Right(_) => 12,
        Transform::Truncate(_) => 13,
        Transform::PadLeft { .. } => 14,
        Transform::DigitsOnly => 15,
        Transform::Word { .. } => 16,
        Transform::Before(_) => 17,
        Transform::After(_) => 18,
        Transform::ValueMap { .. } => 19,
        Transform::IfEmpty => 20,
        Transform::Default(_) => 21,
        Transform::Split(_) => 22,
        Transform::Item(_) => 23,
        Transform::First => 24,
        Transform::Last => 25,
        Transform::Dedupe => 26,
        Transform::Count => 27,
        Transform::Join(_) => 28,
        Transform::ToBool(_) => 29,
        Transform::ToInt => 30,
        Transform::ToNumber => 31,
        Transform::JsonField(_) => 32,
        Transform::RegexExtract { .. } => 33,
        Transform::RegexReplace { .. } => 34,
        Transform::Date(_) => 35,
        Transform::WriteDate { .. } => 36,
        Transform::PlusDays(_) => 37,
        Transform::Table { .. } => 38,
    }
}

#[test]
fn every_transform_is_explained_by_a_line_that_is_one() {
    let mut explained = std::collections::BTreeSet::new();
    for example in Transform::EXAMPLES {
        let transform: Transform = example.line.parse().unwrap();
        assert_eq!(transform.to_string().parse(), Ok(transform.clone()));
        assert!(explained.insert(number(&transform)), "{}", example.line);
        // What the example needs passes the checks of a rule.
        let rule = json!([{"key": "a", "source": {"path": "title"}, "target": "custom_fields.a",
            "transforms": [transform]}]);
        super::compile(rule).unwrap();
    }
    assert!(
        explained.into_iter().eq(0..=38),
        "all of them, and no other"
    );
}

#[test]
fn a_line_that_is_no_transform_says_how_one_is_written() {
    let error = |line: &str| line.parse::<Transform>().unwrap_err();
    let unknown = TransformParseError::Unknown {
        name: "nonsense".to_owned(),
    };
    assert_eq!(error("nonsense: 1"), unknown);
    assert_eq!(unknown.to_string(), "there is no transform “nonsense”");
    assert_eq!(
        error("prefix: 7"),
        TransformParseError::Malformed {
            line: "prefix: 7".to_owned(),
            example: "prefix: \"EXT-\"",
        }
    );
    assert!(matches!(
        error("trim: 1"),
        TransformParseError::Malformed { .. }
    ));
    assert!(
        matches!(error(&"x".repeat(100)), TransformParseError::Unknown { name }
            if name.chars().count() == 64 && name.ends_with('…'))
    );
    let map = error(r#"valueMap: {"entries": {"FTE": "technician"}, "otherwise": "none"}"#);
    let said = map.to_string();
    assert!(said.contains(r#""drop" or {"value": …}"#), "{said}");
    assert!(
        said.starts_with("the transform “valueMap: ") && said.contains("…” cannot"),
        "{said}"
    );
    let plain: Transform = " prefix:  EXT- ".parse().unwrap();
    assert_eq!(plain, Transform::Prefix("EXT-".to_owned()));
}

#[test]
fn a_pattern_is_compiled_with_its_rules_and_never_for_a_value() {
    let compiled = || PATTERNS_COMPILED.with(std::cell::Cell::get);
    let before = compiled();
    let mapping = super::compile(json!([
        {"key": "a", "source": {"path": "title"}, "target": "custom_fields.a", "transforms": [
            {"regexExtract": {"pattern": "([a-z]+)@", "group": 1}},
            {"regexReplace": {"pattern": "a", "with": "b"}}]},
    ]))
    .unwrap();
    assert_eq!(compiled() - before, 2, "one for each pattern");
    for at in 0..100 {
        let user = super::object(json!({"userName": "u", "title": format!("a{at}x@y")}));
        let record = mapping.project(&user, crate::Event::Create).record;
        mapping.emit(&user, &record);
        mapping.preview(&user, crate::Event::Create, None);
    }
    assert_eq!(compiled() - before, 2, "none for 100 values");
}

#[test]
fn the_page_about_mapping_lists_what_there_is() {
    let page = include_str!("../../../../docs/mapping.md");
    let rows: String = Transform::EXAMPLES
        .iter()
        .map(|example| {
            let line = example.line.replace('|', "\\|");
            format!("| `{line}` | {} |\n", example.meaning)
        })
        .collect();
    let table = format!("| for example | a value becomes |\n|---|---|\n{rows}");
    assert!(
        page.contains(&table),
        "docs/mapping.md has another list than:\n{table}"
    );
    let documented: String = table.lines().map(|line| format!("/// {line}\n")).collect();
    assert!(
        include_str!("../transform/mod.rs").contains(&documented),
        "the page of Transform has another list than:\n{documented}"
    );
}
