use super::*;

#[test]
fn the_default_rules_map_a_user() {
    let resource = object(json!({
        "userName": "ava@corp.example",
        "externalId": "x1",
        "name": {"givenName": "Ava", "familyName": "Stone"},
        "emails": [
            {"value": "home@x.example", "type": "home", "primary": true},
            {"value": "ava@CORP.example", "type": "work"}
        ],
        "phoneNumbers": [{"value": "tel:+1-555", "type": "work"}, {"value": "2", "type": "mobile"}],
        "addresses": [{"type": "work", "locality": "Pune"}],
        "title": "Lead",
        "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "IT", "employeeNumber": "7", "manager": {"value": "m-1"}
        }
    }));
    let projection = users().project(&resource, Event::Create);
    assert!(projection.rejection().is_none());
    assert_eq!(projection.warnings().count(), 0);
    for (key, value) in [
        ("user_name", "ava@corp.example"),
        ("first_name", "Ava"),
        ("last_name", "Stone"),
        ("email", "ava@corp.example"),
        ("contact_no", "+1-555"),
        ("alt_contact_no1", "2"),
        ("location", "Pune"),
        ("job_title", "Lead"),
        ("status", "active"),
        ("department", "IT"),
        ("employee_id", "7"),
        ("manager", "m-1"),
        ("scim_external_id", "x1"),
    ] {
        let key = Field::from_key(key).unwrap();
        assert_eq!(
            field(&projection.record, &key).as_deref(),
            Some(value),
            "{key}"
        );
    }
    assert!(projection.cleared.contains(&Field::Language));
    assert!(
        !projection.record.contains_key(&Field::UserType),
        "off by default"
    );
}

#[test]
fn the_work_address_comes_before_the_primary_and_the_first() {
    for (emails, expected) in [
        (
            json!([{"value": "a@x"}, {"value": "b@x", "type": "WORK"}]),
            "b@x",
        ),
        (
            json!([{"value": "a@x"}, {"value": "b@x", "primary": true}]),
            "b@x",
        ),
        (json!([{"value": "a@x"}, {"value": "b@x"}]), "a@x"),
    ] {
        let resource = object(json!({"userName": "u", "emails": emails}));
        let projection = users().project(&resource, Event::Create);
        assert_eq!(
            field(&projection.record, &Field::Email).as_deref(),
            Some(expected)
        );
    }
}

#[test]
fn the_default_rules_survive_json() {
    for set in [MappingSet::default_user(), MappingSet::default_group()] {
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<MappingSet>(&text).unwrap(), set);
    }
    let json = serde_json::to_value(MappingSet::default_user()).unwrap();
    assert_eq!(json["rules"][0]["source"], json!({"path": "userName"}));
    assert_eq!(json["rules"][0]["matchRank"], 1);
    assert_eq!(
        json["rules"][5]["transforms"],
        json!([{"valueMap": {"entries": {"true": "active", "false": "blocked"}, "otherwise": "keep"}}])
    );
}

#[test]
fn the_default_rules_map_a_group() {
    let mapping = MappingSet::default_group()
        .compile(&ResourceDefinition::group(), &Catalog::default())
        .unwrap();
    let resource = object(json!({
        "displayName": "Night shift", "members": [{"value": "a"}, {"value": "b"}]
    }));
    let record = mapping.project(&resource, Event::Create).record;
    assert_eq!(field(&record, &Field::Name).as_deref(), Some("Night shift"));
    assert_eq!(
        record.get(&Field::Members),
        Some(&FieldValue::Texts(vec!["a".into(), "b".into()]))
    );
    assert!(
        mapping
            .project(&Map::new(), Event::Create)
            .rejection()
            .is_some()
    );
}

#[test]
fn a_user_type_that_is_mapped_falls_back_to_requester() {
    let mut set = MappingSet::default_user();
    let last = set.rules.last_mut().unwrap();
    assert_eq!(last.target, Field::UserType);
    last.enabled = true;
    let mapping = set
        .compile(&ResourceDefinition::user(), &Catalog::default())
        .unwrap();
    for (user_type, expected) in [
        (json!("Agent"), "technician"),
        (json!("Employee"), "requester"),
        (Value::Null, "requester"),
    ] {
        let resource = object(json!({"userName": "u", "userType": user_type}));
        let record = mapping.project(&resource, Event::Create).record;
        assert_eq!(
            field(&record, &Field::UserType).as_deref(),
            Some(expected),
            "{user_type}"
        );
    }
}

#[test]
fn a_missing_value_clears_keeps_or_defaults() {
    use VerdictStatus::{Defaulted, Skipped};
    for (choices, event, value, cleared, status) in [
        (
            json!({}),
            Event::Change,
            None,
            true,
            Skipped(SkipReason::Absent),
        ),
        (
            json!({"onAbsent": "keep"}),
            Event::Change,
            None,
            false,
            Skipped(SkipReason::Absent),
        ),
        (
            json!({"onAbsent": "keep", "default": "d"}),
            Event::Change,
            None,
            false,
            Skipped(SkipReason::Absent),
        ),
        (
            json!({"onAbsent": "keep", "default": "d"}),
            Event::Create,
            Some("d"),
            false,
            Defaulted,
        ),
        (
            json!({"required": true, "default": "d"}),
            Event::Change,
            Some("d"),
            false,
            Defaulted,
        ),
        (
            json!({"warnIfMissing": true}),
            Event::Create,
            None,
            true,
            VerdictStatus::Warning(ValueError::Absent),
        ),
        (
            json!({"apply": "onCreate"}),
            Event::Change,
            None,
            false,
            Skipped(SkipReason::Created),
        ),
    ] {
        let mut rule = json!({"key": "a", "source": {"path": "title"}, "target": "job_title"});
        rule.as_object_mut()
            .unwrap()
            .extend(object(choices.clone()));
        let mapping = compile(json!([rule])).unwrap();
        let projection = mapping.project(&object(json!({"userName": "u"})), event);
        assert_eq!(
            field(&projection.record, &Field::JobTitle).as_deref(),
            value,
            "{choices}"
        );
        assert_eq!(
            projection.cleared.contains(&Field::JobTitle),
            cleared,
            "{choices}"
        );
        assert_eq!(projection.verdicts[1].status, status, "{choices}");
    }
}

#[test]
fn the_default_rules_fall_back_to_what_there_is() {
    let mapping = users();
    for (document, expected) in [
        (
            json!({"phoneNumbers": [{"value": "1"}], "addresses": [{"locality": "Pune"}],
                "emails": [{"value": "a@x"}]}),
            json!({"contact_no": "1", "location": "Pune", "email": "a@x"}),
        ),
        (
            json!({"phoneNumbers": [{"value": "1"}, {"value": "2", "primary": true}],
                "addresses": [{"locality": "Pune"}, {"locality": "Bonn", "primary": true}],
                "emails": [{"value": "a@x"}, {"value": "b@x", "primary": true}]}),
            json!({"contact_no": "2", "location": "Bonn", "email": "b@x"}),
        ),
        (
            json!({"phoneNumbers": [{"value": "1", "primary": true}, {"value": "2", "type": "work"}],
                "addresses": [{"locality": "Pune", "primary": true},
                    {"locality": "Bonn", "type": "work"}],
                "emails": [{"value": "a@x", "primary": true}, {"value": "b@x", "type": "work"}]}),
            json!({"contact_no": "2", "location": "Bonn", "email": "b@x"}),
        ),
        (
            json!({"phoneNumbers": [{"value": "1", "type": "work"},
                    {"value": "2", "type": "work", "primary": true},
                    {"value": "3", "type": "mobile"}, {"value": "4", "type": "mobile"}],
                "addresses": [{"locality": "Pune", "type": "work"},
                    {"locality": "Bonn", "type": "work", "primary": true}],
                "emails": [{"value": "a@x", "type": "work"},
                    {"value": "b@x", "type": "work", "primary": true}]}),
            json!({"contact_no": "2", "alt_contact_no1": "3", "location": "Bonn", "email": "b@x"}),
        ),
        (
            json!({"name": {"formatted": "Ava Maria Lindqvist"}}),
            json!({"first_name": "Ava Maria", "last_name": "Lindqvist"}),
        ),
        (
            json!({"name": {"formatted": "Lindqvist, Ava  Maria"}}),
            json!({"first_name": "Ava Maria", "last_name": "Lindqvist"}),
        ),
        (
            json!({"name": {"formatted": " Cher "}}),
            json!({"first_name": "Cher"}),
        ),
        (
            json!({"name": {"formatted": "Dr. A. L.", "givenName": "Mary Ann", "familyName": "Li"}}),
            json!({"first_name": "Mary Ann", "last_name": "Li"}),
        ),
    ] {
        let mut document = object(document);
        document.insert("userName".into(), "u".into());
        let record = mapping.project(&document, Event::Create).record;
        let mut mapped: Map<String, Value> = record
            .iter()
            .map(|(field, value)| (field.key(), value.to_json()))
            .collect();
        for known in ["user_name", "status"] {
            mapped.remove(known);
        }
        assert_eq!(Value::Object(mapped), expected, "{document:?}");
        assert_eq!(mapping.emit(&document, &record), document);
    }
}

#[test]
fn a_name_that_is_changed_by_hand_is_shown_beside_the_whole_one() {
    let mapping = users();
    let document = object(json!({"userName": "u", "name": {"formatted": "Ava Lindqvist"}}));
    let mut record = mapping.project(&document, Event::Create).record;
    record.insert(Field::LastName, FieldValue::Text("Weber".into()));
    let emitted = mapping.emit(&document, &record);
    assert_eq!(
        emitted["name"],
        json!({"formatted": "Ava Lindqvist", "familyName": "Weber"})
    );
    assert!(mapping.drift(&emitted, &record).is_empty());
}
