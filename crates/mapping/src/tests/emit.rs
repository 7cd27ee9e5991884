use scim_protocol::schema::uri::ENTERPRISE_USER;

use super::*;

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
            "phoneNumbers": [{"type": "work", "value": "+1"}],
            ENTERPRISE_USER: {"department": "IT", "manager": {"value": "m-1"}}
        }),
        "several paths and no value in any: nothing is created"
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
