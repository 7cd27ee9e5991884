use scim_protocol::schema::uri::ENTERPRISE_USER;

use super::*;
use crate::catalog::EXTENSION;

#[test]
fn an_edit_by_hand_becomes_visible() {
    let mapping = users();
    let document = object(json!({
        "userName": "u",
        "active": true,
        "title": "Lead",
        "emails": [{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "work"}]
    }));
    let mut record = mapping.project(&document, Event::Create).record;
    assert_eq!(mapping.emit(&document, &record), document);
    record.insert(Field::Status, FieldValue::Text("blocked".into()));
    record.insert(Field::Email, FieldValue::Text("new@x".into()));
    record.insert(Field::FirstName, FieldValue::Text("Ava".into()));
    record.remove(&Field::JobTitle);
    let emitted = mapping.emit(&document, &record);
    assert_eq!(emitted["active"], false);
    assert_eq!(emitted["emails"][1]["value"], "new@x");
    assert_eq!(emitted["emails"][0]["value"], "h@x");
    assert_eq!(emitted["name"]["givenName"], "Ava");
    assert!(!emitted.contains_key("title"));
    assert_eq!(
        mapping.drift(&document, &record),
        [
            Field::FirstName,
            Field::Email,
            Field::Status,
            Field::JobTitle
        ]
    );
}

#[test]
fn a_value_without_an_attribute_creates_what_its_path_points_to() {
    let mapping = users();
    let document = object(json!({"schemas": ["core"], "userName": "u", "active": true}));
    let mut record = mapping.project(&document, Event::Create).record;
    record.insert(Field::ContactNo, FieldValue::Text("+1".into()));
    record.insert(Field::Department, FieldValue::Text("IT".into()));
    record.insert(Field::Manager, FieldValue::Text("m-1".into()));
    record.insert(Field::Email, FieldValue::Text("a@x".into()));
    let emitted = mapping.emit(&document, &record);
    assert_eq!(
        Value::Object(emitted),
        json!({
            "schemas": ["core", ENTERPRISE_USER],
            "userName": "u",
            "active": true,
            "emails": [{"type": "work", "value": "a@x"}],
            "phoneNumbers": [{"type": "work", "value": "+1"}],
            ENTERPRISE_USER: {"department": "IT", "manager": {"value": "m-1"}}
        }),
        "of several paths without a value the plainest is taken"
    );
}

#[test]
fn what_is_cleared_by_hand_leaves_nothing_behind() {
    let mapping = users();
    let document = object(json!({
        "userName": "u",
        "active": true,
        "name": {"givenName": "Ava"},
        "phoneNumbers": [{"type": "work", "value": "1"}],
        "addresses": [{"type": "work", "locality": "Pune", "country": "IN"}],
        ENTERPRISE_USER: {"manager": {"value": "m-1", "displayName": "Max"}}
    }));
    let record = Record::from([
        (Field::UserName, FieldValue::Text("u".into())),
        (Field::Status, FieldValue::Text("active".into())),
    ]);
    assert_eq!(
        Value::Object(mapping.emit(&document, &record)),
        json!({
            "userName": "u",
            "active": true,
            "addresses": [{"type": "work", "country": "IN"}]
        })
    );
    let empty = object(json!({"userName": "u", "active": true}));
    assert_eq!(mapping.emit(&empty, &record), empty);
}

#[test]
fn another_manager_does_not_keep_the_name_of_the_old_one() {
    let mapping = users();
    let document = object(json!({
        "userName": "u",
        ENTERPRISE_USER: {"manager": {"value": "m-1", "$ref": "../Users/m-1", "displayName": "Max"}}
    }));
    let mut record = mapping.project(&document, Event::Create).record;
    record.insert(Field::Manager, FieldValue::Text("m-2".into()));
    let emitted = mapping.emit(&document, &record);
    assert_eq!(
        emitted[ENTERPRISE_USER],
        json!({"manager": {"value": "m-2"}})
    );
}

#[test]
fn only_a_bijective_value_map_is_inverted() {
    let rule = |otherwise: &str| {
        compile(json!([{
            "key": "a", "source": {"path": "title"}, "target": "job_title",
            "transforms": [{"valueMap": {
                "entries": {"01": "Lead", "02": "Head", "03": "Head"}, "otherwise": otherwise
            }}]
        }]))
        .unwrap()
    };
    let document = object(json!({"userName": "u", "title": "02"}));
    for (otherwise, current, shown) in [
        ("drop", "Lead", "01"),
        ("drop", "Clerk", "02"),
        ("keep", "Clerk", "Clerk"),
        ("keep", "01", "02"),
    ] {
        let record = Record::from([
            (Field::UserName, FieldValue::Text("u".into())),
            (Field::JobTitle, FieldValue::Text(current.into())),
        ]);
        let mapping = rule(otherwise);
        assert_eq!(
            mapping.emit(&document, &record)["title"],
            shown,
            "{current}"
        );
        assert_eq!(mapping.drift(&document, &record), [Field::JobTitle]);
    }
}

#[test]
fn fields_that_do_not_follow_the_document_are_not_shown() {
    for choices in [
        json!({"direction": "inbound"}),
        json!({"apply": "onCreate"}),
        json!({"source": {"constant": "Clerk"}}),
        json!({"source": {"join": {"separator": " ", "parts": [{"path": "title"}]}}}),
        json!({"onAbsent": "keep", "source": {"path": "nickName"}}),
    ] {
        let mut rule = json!({"key": "a", "source": {"path": "title"}, "target": "job_title"});
        rule.as_object_mut()
            .unwrap()
            .extend(object(choices.clone()));
        let mapping = compile(json!([rule])).unwrap();
        let document = object(json!({"userName": "u", "title": "Lead"}));
        let record = Record::from([
            (Field::UserName, FieldValue::Text("u".into())),
            (Field::JobTitle, FieldValue::Text("Head".into())),
        ]);
        assert_eq!(mapping.emit(&document, &record), document, "{choices}");
    }
}

#[test]
fn a_value_that_never_fitted_is_no_drift() {
    let mapping = users();
    let document = object(json!({
        "userName": "u", "active": true, "phoneNumbers": [{"type": "work", "value": "none"}]
    }));
    let record = mapping.project(&document, Event::Create).record;
    assert!(!record.contains_key(&Field::ContactNo));
    assert!(mapping.drift(&document, &record).is_empty());
}

/// A user mapping with custom fields of these types, each from the attribute of its name.
fn with_fields(fields: &[(&str, FieldKind)]) -> CompiledMapping {
    let custom = fields.iter().map(|(key, kind)| CustomField {
        key: (*key).to_owned(),
        label: (*key).to_owned(),
        kind: kind.clone(),
        required: false,
    });
    let catalog = Catalog::with_custom(custom.collect());
    let schema = catalog.extension_schema().unwrap();
    let mut set = MappingSet::default_user();
    for attribute in &schema.attributes {
        let path = format!("{EXTENSION}:{}", attribute.name);
        let source = match attribute.multi_valued {
            true => Source::All(path),
            false => Source::Path(path),
        };
        set.rules
            .push(Rule::new(source, Field::Custom(attribute.name.clone())));
    }
    let definition = ResourceDefinition::user().extended(schema, false);
    set.compile(&definition, &catalog).unwrap()
}

#[test]
fn edits_of_every_type_become_visible_and_map_back() {
    let number = |integer| FieldKind::Number {
        min: None,
        max: None,
        integer,
    };
    let options = ["Red", "Green", "Blue"].map(str::to_owned).to_vec();
    let mapping = with_fields(&[
        ("badge", number(true)),
        ("rate", number(false)),
        ("remote", FieldKind::Boolean),
        ("since", FieldKind::DateTime),
        (
            "shift",
            FieldKind::SingleChoice {
                options: options.clone(),
            },
        ),
        ("colours", FieldKind::MultiChoice { options }),
    ]);
    let document = object(json!({"schemas": ["core"], "userName": "u", EXTENSION: {
        "badge": 5, "rate": 1.5, "remote": true, "since": "2026-01-01T00:00:00Z",
        "shift": "red", "colours": ["red", "green"]}}));
    let before = mapping.project(&document, Event::Create).record;
    assert_eq!(mapping.emit(&document, &before), document);
    let texts =
        |texts: &[&str]| FieldValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    let instant = "2026-02-01T00:00:00Z";
    for (key, value, shown) in [
        (
            "badge",
            FieldValue::Integer(12_345_678_901_234_567),
            json!(12_345_678_901_234_567_i64),
        ),
        ("badge", FieldValue::Integer(6), json!(6)),
        ("rate", FieldValue::Number(2.5), json!(2.5)),
        ("rate", FieldValue::Integer(2), json!(2)),
        ("remote", FieldValue::Boolean(false), json!(false)),
        ("since", FieldValue::Text(instant.into()), json!(instant)),
        (
            "since",
            FieldValue::DateTime(instant.parse().unwrap()),
            json!(instant),
        ),
        ("shift", FieldValue::Text("Blue".into()), json!("Blue")),
        (
            "colours",
            texts(&["Green", "Blue"]),
            json!(["green", "Blue"]),
        ),
        ("colours", texts(&["Blue"]), json!(["Blue"])),
    ] {
        let mut record = before.clone();
        record.insert(Field::Custom(key.into()), value.clone());
        assert_eq!(
            mapping.drift(&document, &record),
            [Field::Custom(key.into())]
        );
        let emitted = mapping.emit(&document, &record);
        assert_eq!(emitted[EXTENSION][key], shown, "{key}");
        // What is shown is what the field holds: it is no drift once it is sent back.
        assert!(mapping.drift(&emitted, &record).is_empty(), "{key}");
        record.remove(&Field::Custom(key.into()));
        let emitted = mapping.emit(&document, &record);
        assert!(emitted[EXTENSION].get(key).is_none(), "{key}");
    }
    // Options have no order.
    let mut record = before;
    record.insert(Field::Custom("colours".into()), texts(&["Green", "Red"]));
    assert_eq!(mapping.emit(&document, &record), document);
}

#[test]
fn an_edit_of_a_list_keeps_what_the_path_does_not_select() {
    let mut set = MappingSet::default_user();
    let target = Field::Custom("desks".into());
    set.rules.push(Rule::new(
        Source::All("roles[type eq \"it\"].value".into()),
        target.clone(),
    ));
    let catalog = Catalog::with_custom(vec![CustomField {
        key: "desks".into(),
        label: "Desks".into(),
        kind: FieldKind::MultiChoice {
            options: ["Desk", "Night", "Day"].map(str::to_owned).to_vec(),
        },
        required: false,
    }]);
    let definition = ResourceDefinition::user();
    let mapping = set.compile(&definition, &catalog).unwrap();
    let document = object(json!({"userName": "u", "roles": [
        {"type": "it", "value": "Desk", "display": "D"}, {"type": "hr", "value": "Payroll"},
        {"type": "it", "value": "Night"}]}));
    let mut record = mapping.project(&document, Event::Create).record;
    record.insert(
        target.clone(),
        FieldValue::Texts(vec!["Night".into(), "Day".into()]),
    );
    assert_eq!(
        mapping.emit(&document, &record)["roles"],
        json!([{"type": "hr", "value": "Payroll"}, {"type": "it", "value": "Night"},
            {"type": "it", "value": "Day"}])
    );
    record.remove(&target);
    let emitted = mapping.emit(&document, &record);
    assert_eq!(
        emitted["roles"],
        json!([{"type": "hr", "value": "Payroll"}])
    );
}

#[test]
fn a_vip_who_is_none_any_more_is_shown_as_such() {
    let mut set = MappingSet::default_user();
    set.rules.push(Rule::new(
        Source::Path("urn:x:2.0:User:vip".into()),
        Field::Vip,
    ));
    let definition = ResourceDefinition::user();
    let mapping = set.compile(&definition, &Catalog::default()).unwrap();
    let document = |vip: bool| object(json!({"userName": "u", "urn:x:2.0:User": {"vip": vip}}));
    let record = Record::from([
        (Field::UserName, FieldValue::Text("u".into())),
        (Field::Status, FieldValue::Text("active".into())),
    ]);
    // A record that was stored has nothing where it is no.
    assert!(mapping.drift(&document(false), &record).is_empty());
    let emitted = mapping.emit(&document(true), &record);
    assert_eq!(emitted["urn:x:2.0:User"]["vip"], false);
}
