//! What cannot be read says nothing, not even that there is no value.

use super::*;

const ENTERPRISE: &str = uri::ENTERPRISE_USER;

/// What a PUT of these attributes makes of a user who has all of them.
fn put(attributes: Value) -> (Vec<&'static str>, Value, Value) {
    let before = json!({"schemas": [uri::USER, ENTERPRISE, BADGE], "userName": "ava",
        "title": "Chief", "name": {"givenName": "Ava", "familyName": "Li"},
        "emails": [{"value": "old@x.example", "type": "work"}],
        "phoneNumbers": [{"value": "1", "type": "work"}],
        ENTERPRISE: {"department": "Ops", "manager": {"value": "boss"}},
        BADGE: {"number": 7, "room": "9", "sites": ["Pune"]}});
    let mut body = before.clone();
    body.as_object_mut()
        .unwrap()
        .extend(attributes.as_object().unwrap().clone());
    let mut tolerance = Tolerance::default();
    let new = read(body.clone(), &mut tolerance).unwrap_or_else(|error| panic!("{body}: {error}"));
    let stored = Resource::from_map(before.as_object().unwrap().clone());
    let after = stored.replaced_by(&users(), new).unwrap().into_map();
    let names = tolerance.deviations().iter().map(Deviation::name);
    (names.collect(), before, Value::Object(after))
}

#[test]
fn a_put_that_cannot_be_read_keeps_what_is_stored() {
    for attributes in [
        json!({"emails": "x@y.example"}),
        json!({"emails": ["x@y.example"]}),
        json!({"emails": [{"value": {"a": 1}, "type": "work"}]}),
        json!({"Emails": true}),
        json!({"name": "Ava"}),
        json!({"name": {"givenName": {"a": 1}, "familyName": "Li"}}),
        json!({"phoneNumbers": "1"}),
        json!({"title": {"a": 1}}),
        json!({ENTERPRISE: "x"}),
        json!({ENTERPRISE: {"department": "Ops", "manager": ["x"]}}),
        json!({ENTERPRISE: {"department": "Ops", "manager": {"value": {"a": 1}, "displayName": "B"}}}),
        json!({ENTERPRISE: {"DEPARTMENT": ["x"], "manager": "boss"}}),
        json!({BADGE: {"number": "many", "room": "9", "sites": ["Pune"]}}),
        json!({BADGE: {"number": 7, "room": "9", "sites": [["Goa"]]}}),
        json!({BADGE: 5}),
    ] {
        let (names, mut before, mut after) = put(attributes.clone());
        assert!(names.contains(&"unreadable"), "{attributes}: {names:?}");
        // In which order members stand says nothing.
        before.sort_all_objects();
        after.sort_all_objects();
        assert_eq!(after, before, "{attributes}");
    }
}

#[test]
fn a_put_that_can_be_read_clears_what_it_leaves_out() {
    for (attributes, gone) in [
        (json!({"emails": []}), "emails"),
        (json!({"emails": null}), "emails"),
        (json!({"emails": ""}), "emails"),
        (json!({"title": null}), "title"),
        (json!({"name": {}}), "name"),
        (json!({ENTERPRISE: null}), ENTERPRISE),
    ] {
        let (_, before, after) = put(attributes.clone());
        assert!(before.get(gone).is_some());
        assert_eq!(after.get(gone), None, "{attributes}");
    }
    // What is read beside what is not takes the place of what was.
    let emails = json!(["x@y.example", {"value": "new@x.example"}]);
    let (_, _, after) = put(json!({ "emails": emails }));
    assert_eq!(after["emails"], json!([{"value": "new@x.example"}]));
    let name = json!({"givenName": {"a": 1}});
    let (_, _, after) = put(json!({ "name": name }));
    assert_eq!(after["name"], json!({"givenName": "Ava"}));
}

#[test]
fn a_value_of_a_list_is_nothing_without_the_value_that_cannot_be_read() {
    let operation = json!([{"op": "replace",
        "value": {"emails": [{"value": {"a": 1}, "type": "work"}]}}]);
    let user = patch(operation, &mut Tolerance::default()).unwrap();
    assert_eq!(user.attributes()["emails"], stored().attributes()["emails"]);
    let emails = json!([{"value": {"a": 1}, "type": "work"}, {"value": "b@x.example"}]);
    let body = json!({"schemas": [uri::USER], "userName": "ava", "emails": emails});
    let user = read(body, &mut Tolerance::default()).unwrap();
    assert_eq!(
        user.attributes()["emails"],
        json!([{"value": "b@x.example"}])
    );
}
