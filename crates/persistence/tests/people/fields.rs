//! Fields of people: their values, and what is dropped of them.

use super::*;

const FIELDS: &str = scim_mapping::EXTENSION;

fn field(house: &House, key: &str, kind: Value) {
    let field = json!({"key": key, "label": key, "type": kind});
    house
        .admin
        .add_custom_field(&actor(), &serde_json::from_value(field).unwrap())
        .unwrap();
}

pub(super) fn whole_numbers_reach_the_record_exactly_and_edits_of_them_reach_the_identity_provider(
    engine: &Engine,
) {
    let mut house = House::new(engine);
    field(&house, "badge", json!({"number": {"integer": true}}));
    field(&house, "rate", json!({"number": {}}));
    again(&mut house);
    let house = &house;
    for (badge, rate) in [
        (json!(5), json!(5)),
        (json!(12_345_678_901_234_567_i64), json!(1.5)),
    ] {
        let id = house.create(
            "/Users",
            &json!({"userName": badge.to_string(),
            FIELDS: {"badge": badge, "rate": rate}}),
        );
        let fields = person(house, &id);
        assert_eq!(fields["custom_fields.badge"].to_string(), badge.to_string());
        assert_eq!(fields["custom_fields.rate"].to_string(), rate.to_string());
        let shown = house.get(&format!("/Users/{id}"));
        assert_eq!(shown[FIELDS]["badge"].to_string(), badge.to_string());
        assert_eq!(shown[FIELDS]["rate"].to_string(), rate.to_string());
        let edited = r#"{"badge": 7, "rate": 2.5}"#;
        house.tamper(&format!(
            "UPDATE users SET custom_fields = '{edited}' WHERE id = '{id}'"
        ));
        let shown = house.get(&format!("/Users/{id}"));
        assert_eq!(shown[FIELDS], json!({"badge": 7, "rate": 2.5}));
        // As an older version wrote it, it is no edit.
        let older = format!(r#"{{"badge": {badge}, "rate": 5.0}}"#).replace("5,", "5.0,");
        house.tamper(&format!(
            "UPDATE users SET custom_fields = '{older}' WHERE id = '{id}'"
        ));
        let drift = house
            .provider
            .drift_of(&house.caller.configuration, &id)
            .unwrap();
        let expected: &[&str] = if rate == json!(5) {
            &[]
        } else {
            &["custom_fields.rate"]
        };
        assert_eq!(drift, expected);
    }
}

pub(super) fn a_field_that_is_deleted_takes_its_values_along_and_leaves_the_others(
    engine: &Engine,
) {
    let mut house = House::new(engine);
    field(&house, "site", json!("longText"));
    field(&house, "badge", json!({"number": {"integer": true}}));
    again(&mut house);
    let both = house.create(
        "/Users",
        &json!({"userName": "ava",
        FIELDS: {"site": "Berlin", "badge": 7}}),
    );
    let one = house.create("/Users", &json!({"userName": "bob", FIELDS: {"badge": 8}}));
    house.admin.delete_custom_field(&actor(), "badge").unwrap();
    again(&mut house);
    let ava = house.get(&format!("/Users/{both}"));
    assert_eq!(ava[FIELDS], json!({"site": "Berlin"}));
    assert_eq!(total(&house, &format!("{FIELDS}:site eq \"Berlin\"")), 1);
    let bob = house.get(&format!("/Users/{one}"));
    assert_eq!(bob.get(FIELDS), None);
    assert!(
        !bob["schemas"].as_array().unwrap().contains(&json!(FIELDS)),
        "{bob}"
    );
    for id in [&both, &one] {
        assert_eq!(person(&house, id).get("custom_fields.badge"), None);
        let document = house.admin.person(id).unwrap().document;
        assert_eq!(document[FIELDS].get("badge"), None, "{document}");
    }
    // The same key with another type begins without values.
    field(&house, "badge", json!("longText"));
    again(&mut house);
    let house = &house;
    assert_eq!(
        house.get(&format!("/Users/{both}"))[FIELDS],
        json!({"site": "Berlin"})
    );
    let put = json!({"userName": "ava", FIELDS: {"site": "Berlin", "badge": "B-7"}});
    let answer = house.request(Method::Put, &format!("/Users/{both}"), &put);
    assert_eq!(
        answer.body.unwrap()[FIELDS],
        json!({"site": "Berlin", "badge": "B-7"})
    );
    assert_eq!(person(house, &both)["custom_fields.badge"], "B-7");
    assert_eq!(total(house, &format!("{FIELDS}:badge eq \"b-7\"")), 1);
    reapply(house);
    assert_eq!(person(house, &both)["custom_fields.badge"], "B-7");
}

pub(super) fn an_update_of_which_something_was_dropped_is_a_warning_that_names_it(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let ops = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Ops"}),
    );
    let patch = |operations: Value| json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let (user_path, group_path) = (format!("/Users/{ava}"), format!("/Groups/{ops}"));
    for (method, path, body, named) in [
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "add", "path": "favouriteColour", "value": "x"}])),
            Some("favouriteColour"),
        ),
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "replace", "value": {"shoeSize": 9}}])),
            Some("shoeSize"),
        ),
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "replace", "value": {"title": "T", "shoeSize": 9}}])),
            Some("shoeSize"),
        ),
        (
            Method::Put,
            &user_path,
            json!({"userName": "ava", "title": "T", "hat": 7}),
            Some("hat"),
        ),
        (
            Method::Patch,
            &group_path,
            patch(json!([{"op": "add", "path": "memebers", "value": [{"value": ava}]}])),
            Some("memebers"),
        ),
        (
            Method::Put,
            &group_path,
            json!({"displayName": "Ops", "colour": "red"}),
            Some("colour"),
        ),
        // Ordinary updates that change nothing write nothing.
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "Replace", "path": "title", "value": "T"}])),
            None,
        ),
        (
            Method::Patch,
            &user_path,
            patch(json!([{"op": "remove", "path": "nickName"}])),
            None,
        ),
        (
            Method::Put,
            &group_path,
            json!({"displayName": "Ops"}),
            None,
        ),
    ] {
        let before = logged(house).len();
        let answer = house.request(method, path, &body);
        assert!(
            [200, 204].contains(&answer.status),
            "{body}: {:?}",
            answer.body
        );
        let events = logged(house);
        let Some(named) = named else {
            assert_eq!(events.len(), before, "{body}");
            continue;
        };
        assert_eq!(events.len(), before + 1, "{body}");
        assert_eq!(events[0].outcome.as_str(), "warning", "{body}");
        let told = events[0].deviations.to_string();
        assert!(told.contains(named), "{body}: {told}");
        assert!(events[0].resource_name.is_some());
    }
}
