use serde_json::{Value, json};

use crate::{Otherwise, Transform};

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
            Transform::Date(vec!["%d-%m-%Y %H:%M".into()]),
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
        (json!("STREET"), Otherwise::Keep, Some(json!("STREET"))),
        (json!("STRASSE"), Otherwise::Drop, Some(json!("street"))),
        (json!("STRAßE"), Otherwise::Drop, Some(json!("street"))),
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
    let date = |text: &str| Transform::Date(formats.to_vec()).apply(Some(text.into()));
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
