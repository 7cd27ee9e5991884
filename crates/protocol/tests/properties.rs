//! What holds for every input: nothing panics, what is written is read back, what a PATCH makes
//! is a resource again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::fmt::Write;

use proptest::prelude::*;
use scim_protocol::filter::{Comparand, Filter, Operator};
use scim_protocol::patch::PatchRequest;
use scim_protocol::schema::uri;
use scim_protocol::text::fold;
use scim_protocol::{
    AttributePath, Limits, Profile, Resource, ResourceDefinition, Tolerance, resource,
};
use serde_json::{Map, Value, json};

const OPERATORS: [Operator; 9] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Greater,
    Operator::GreaterOrEqual,
    Operator::Less,
    Operator::LessOrEqual,
];

fn path() -> impl Strategy<Value = AttributePath> {
    let name = "[a-zA-Z][a-zA-Z0-9_-]{0,6}";
    let name = name.prop_filter("a word of the grammar", |name: &String| {
        !name.eq_ignore_ascii_case("not")
    });
    let schema = proptest::option::weighted(0.2, Just(uri::ENTERPRISE_USER.to_owned()));
    let sub = proptest::option::of("[a-zA-Z$][a-zA-Z0-9]{0,6}");
    (schema, name, sub).prop_map(|(schema, attribute, sub_attribute)| AttributePath {
        schema,
        attribute,
        sub_attribute,
    })
}

fn comparand() -> impl Strategy<Value = Comparand> {
    prop_oneof![
        // Control characters are in no filter.
        any::<String>().prop_map(|text| Comparand::Text(text.replace(char::is_control, "\t"))),
        any::<i64>().prop_map(|number| Comparand::Number(number.into())),
        any::<bool>().prop_map(Comparand::Boolean),
        Just(Comparand::Null),
    ]
}

fn term(path: impl Strategy<Value = AttributePath> + Clone + 'static) -> BoxedStrategy<Filter> {
    let comparison = (
        path.clone(),
        proptest::sample::select(OPERATORS.to_vec()),
        comparand(),
    )
        .prop_map(|(path, operator, value)| Filter::Comparison {
            path,
            operator,
            value,
        });
    prop_oneof![comparison, path.prop_map(Filter::Present)].boxed()
}

/// Filters as the parser builds them: lists of two or more, no list in a list of its kind.
fn logical(term: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    term.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Filter::Not(Box::new(part))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| {
                let flat = parts.into_iter().flat_map(|part| match part {
                    Filter::And(parts) => parts,
                    part => vec![part],
                });
                Filter::And(flat.collect())
            }),
            proptest::collection::vec(inner, 2..4).prop_map(|parts| {
                let flat = parts.into_iter().flat_map(|part| match part {
                    Filter::Or(parts) => parts,
                    part => vec![part],
                });
                Filter::Or(flat.collect())
            }),
        ]
    })
    .boxed()
}

fn filter() -> impl Strategy<Value = Filter> {
    let inside = path().prop_map(|path| AttributePath {
        schema: None,
        ..path
    });
    let value_path =
        (path(), logical(term(inside.boxed()))).prop_map(|(path, filter)| Filter::ValuePath {
            path: AttributePath {
                sub_attribute: None,
                ..path
            },
            filter: Box::new(filter),
        });
    logical(prop_oneof![3 => term(path().boxed()), 1 => value_path].boxed())
}

/// Text that looks like a filter or a path more often than chance would have it.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("userName".to_owned()),
        Just("emails".to_owned()),
        Just("urn:ietf:params:scim:schemas:core:2.0:User:".to_owned()),
        "(\\(|\\)|\\[|\\]|\\.|:|\"| |\\$|\\\\){1,3}",
        "( eq | and | or |not|pr|true|null|-1\\.5e3|\"a\")",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        proptest::sample::select(vec!["", "work", "home", "True", "a@x.example", "7"])
            .prop_map(Value::from),
    ];
    let key = proptest::sample::select(vec![
        "value",
        "type",
        "primary",
        "givenName",
        "title",
        "emails",
        "members",
        "name.familyName",
        "userName",
        "id",
        "unknown",
        uri::ENTERPRISE_USER,
        "$ref",
        "display",
        "department",
    ]);
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let map = proptest::collection::vec((key.clone(), inner.clone()), 0..4).prop_map(|pairs| {
            let pairs = pairs.into_iter().map(|(k, v)| (k.to_owned(), v));
            Value::Object(pairs.collect::<Map<_, _>>())
        });
        prop_oneof![
            map,
            proptest::collection::vec(inner, 0..4).prop_map(Value::Array)
        ]
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let paths = vec![
        "userName",
        "title",
        "active",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[value pr and primary eq true].type",
        "phoneNumbers[type ne \"work\"]",
        "id",
        "groups",
        "x509Certificates",
        "addresses[type eq \"home\"].locality",
        "nonsense",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ];
    let op = proptest::sample::select(vec!["add", "remove", "replace", "Replace"]);
    let path = proptest::option::weighted(0.8, proptest::sample::select(paths));
    (op, path, proptest::option::weighted(0.9, value())).prop_map(|(op, path, value)| {
        let mut operation = json!({"op": op});
        if let Some(path) = path {
            operation["path"] = json!(path);
        }
        if let Some(value) = value {
            operation["value"] = value;
        }
        operation
    })
}

fn ava() -> Resource {
    let body = json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava", "active": true,
        "name": {"givenName": "Ava", "familyName": "Li"},
        "emails": [{"value": "a@x.example", "type": "work", "primary": true},
            {"value": "b@x.example", "type": "home"}],
        uri::ENTERPRISE_USER: {"department": "Ops", "manager": {"value": "boss"}},
    });
    let users = ResourceDefinition::user();
    Resource::read(&users, body, &mut Tolerance::new(Profile::Strict)).unwrap()
}

/// Whether an attribute has two values that are equal by `value` and `type`.
fn has_equals(resource: &Resource) -> bool {
    ["emails", "phoneNumbers"].iter().any(|name| {
        let values = resource.attributes().get(*name).and_then(Value::as_array);
        let values = values.into_iter().flatten();
        let keys: Vec<_> = values
            .map(|value| (&value["value"], &value["type"]))
            .collect();
        keys.iter()
            .enumerate()
            .any(|(at, key)| keys.iter().skip(at + 1).any(|other| other == key))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_is_read_as_it_was_written(filter in filter()) {
        let written = filter.to_string();
        prop_assume!(written.len() <= Limits::default().filter_bytes);
        let mut strict = Tolerance::new(Profile::Strict);
        let read = Filter::parse(&written, &Limits::default(), &mut strict);
        prop_assert_eq!(read, Ok(filter), "{}", written);
    }

    #[test]
    fn folding_twice_is_folding_once(text in any::<String>()) {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in nearly()) {
        let (limits, users) = (Limits::default(), ResourceDefinition::user());
        let mut tolerance = Tolerance::default();
        if let Ok(filter) = Filter::parse(&text, &limits, &mut tolerance) {
            // What was accepted is written in the grammar of the RFC.
            let written = filter.to_string();
            prop_assert_eq!(written.parse::<Filter>(), Ok(filter.clone()), "{}", written);
            if let Ok(condition) = filter.bind(&users, &mut tolerance) {
                condition.matches(ava().attributes());
            }
        }
        let _ = text.parse::<AttributePath>();
        let _ = scim_protocol::patch::PatchPath::parse(&text, &limits, &mut tolerance);
        let _ = scim_protocol::query::Query::from_query_string(&text, &limits, &mut tolerance);
        let _ = resource::parse(text.as_bytes(), &limits);
    }

    #[test]
    fn what_a_patch_makes_is_a_resource(operations in proptest::collection::vec(operation(), 1..4)) {
        let users = ResourceDefinition::user();
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
        let mut tolerance = Tolerance::default();
        let before = ava();
        let patched = PatchRequest::read(body, &Limits::default(), &mut tolerance)
            .and_then(|request| request.resolve(&users, &mut tolerance)?.apply(&before, &mut tolerance));
        if let Ok(patched) = patched {
            // A strict reader finds nothing to object to and nothing to change.
            let whole = Value::Object(patched.attributes().clone());
            let mut strict = Tolerance::new(Profile::Strict);
            let again = Resource::read(&users, whole, &mut strict);
            // What one operation makes the same in several values is the same in all of them.
            prop_assume!(!has_equals(&patched));
            prop_assert_eq!(again.map(Resource::into_map), Ok(patched.into_map()));
        }
    }
}

#[test]
fn depth_and_terms_are_bounded_before_anything_is_built() {
    let limits = Limits::default();
    let deep = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(deep(limits.filter_depth).parse::<Filter>().is_ok());
    assert!(deep(limits.filter_depth + 1).parse::<Filter>().is_err());
    let negated = "not (".repeat(limits.filter_depth + 1);
    assert!(negated.parse::<Filter>().is_err());
    let flat = |terms: usize| vec!["title pr"; terms].join(" or ");
    let parsed: Filter = flat(limits.filter_terms).parse().unwrap();
    assert!(matches!(parsed, Filter::Or(parts) if parts.len() == limits.filter_terms));
    assert!(flat(limits.filter_terms + 1).parse::<Filter>().is_err());
    // The same bounds hold where a longer text is allowed.
    let generous = Limits {
        filter_bytes: usize::MAX,
        ..limits
    };
    for text in [
        deep(100_000),
        flat(90_000),
        "(".repeat(100_000),
        "not(".repeat(100_000),
    ] {
        assert!(Filter::parse(&text, &generous, &mut Tolerance::default()).is_err());
    }
}

#[test]
fn an_error_says_where() {
    for (text, position) in [
        ("userName eq", 11),
        ("userName eq \"é\" xor title pr", 16),
        ("userName == \"a\"", 9),
        ("(title pr", 9),
        ("emails[type eq \"work\"", 21),
        ("title pr and", 12),
        ("", 0),
    ] {
        let error = text.parse::<Filter>().unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        let mut said = String::new();
        write!(said, "{error}").unwrap();
        assert!(said.contains(&(position + 1).to_string()), "{said}");
    }
}
