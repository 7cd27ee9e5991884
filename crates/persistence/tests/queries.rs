//! Orders, queries over several resource types, and what ids and empty values are.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{House, actor, caller};
use scim_mapping::EXTENSION;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

fn search(house: &House, path: &str, parameters: Value) -> Value {
    let mut body = parameters;
    body["schemas"] = json!([uri::SEARCH_REQUEST]);
    let answer = house.request(Method::Post, path, &body);
    let mut found = answer.body.unwrap();
    found["http"] = json!(answer.status);
    found
}

/// The names of what was found, of users and groups alike.
fn names(found: &Value) -> Vec<&str> {
    let resources = found["Resources"]
        .as_array()
        .unwrap_or_else(|| panic!("{found}"));
    resources
        .iter()
        .map(|resource| {
            let name = resource.get("userName").or(resource.get("displayName"));
            name.and_then(Value::as_str).unwrap()
        })
        .collect()
}

/// Walks by cursor through all pages of two.
fn walk(house: &House, path: &str, parameters: &Value) -> Vec<String> {
    let mut walked = Vec::new();
    let mut cursor = json!("");
    loop {
        let mut page = parameters.clone();
        page["cursor"] = cursor;
        page["count"] = json!(2);
        let found = search(house, path, page);
        walked.extend(names(&found).into_iter().map(str::to_owned));
        cursor = found["nextCursor"].clone();
        if cursor.is_null() {
            return walked;
        }
        assert!(walked.len() < 50, "the walk does not end");
    }
}

fn numbers_and_instants_sort_as_what_they_are(house: &mut House) {
    let fields = json!([
        {"key": "level", "label": "level", "type": {"number": {"integer": true}}},
        {"key": "grade", "label": "grade", "type": {"number": {}}},
        {"key": "since", "label": "since", "type": "dateTime"}]);
    for field in fields.as_array().unwrap() {
        let field = serde_json::from_value(field.clone()).unwrap();
        house.admin.add_custom_field(&actor(), &field).unwrap();
    }
    let configuration = house.admin.find_configuration("Test").unwrap();
    house.caller = caller(configuration.to_provisioning());
    for (name, level, grade, since) in [
        ("a", 100, 0.1, "2026-03-01T01:00:00+05:00"),
        ("b", -3, 2.5, "2026-02-28T21:00:00Z"),
        ("c", 17, 0.30000000000000004, "2026-02-28T19:00:00-05:00"),
        ("d", 5, -1e-7, "2026-02-28T20:00:00.5Z"),
        ("e", 5, 0.3, "2026-02-28T20:00:00.25Z"),
    ] {
        house.create(
            "/Users",
            &json!({"schemas": [uri::USER, EXTENSION], "userName": name,
            EXTENSION: {"level": level, "grade": grade, "since": since}}),
        );
    }
    house.create(
        "/Users",
        &json!({"schemas": [uri::USER], "userName": "none"}),
    );
    for (attribute, ascending) in [
        ("level", ["b", "d", "e", "c", "a", "none"]),
        ("grade", ["d", "a", "e", "c", "b", "none"]),
        ("since", ["a", "e", "d", "b", "c", "none"]),
    ] {
        let sort_by = format!("{EXTENSION}:{attribute}");
        for order in ["ascending", "descending"] {
            let parameters = json!({"sortBy": sort_by, "sortOrder": order});
            let found = search(house, "/Users/.search", parameters.clone());
            let mut expected = ascending.to_vec();
            if order == "descending" {
                expected.reverse();
                // Ids decide among equals, in one direction.
                if attribute == "level" {
                    expected.swap(3, 4);
                }
            }
            assert_eq!(names(&found), expected, "{attribute} {order}");
            assert_eq!(
                walk(house, "/Users/.search", &parameters),
                expected,
                "{attribute}"
            );
        }
    }
}

fn a_query_over_all_types_leaves_no_type_out(house: &mut House) {
    let user = |name: &str, display: Option<&str>| {
        let body = json!({"schemas": [uri::USER], "userName": name, "displayName": display});
        house.create("/Users", &body)
    };
    let lena = user("lena", Some("Lena"));
    user("max", None);
    house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "lg",
        "members": [{"value": lena}]}),
    );
    house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Other"}),
    );
    for (filter, expected) in [
        (
            "userName eq \"lena\" or displayName sw \"lg\"",
            vec!["lena", "lg"],
        ),
        ("not (userName pr)", vec!["lg", "Other"]),
        ("userName pr or members pr", vec!["lena", "max", "lg"]),
        ("members eq null", vec!["lena", "max", "Other"]),
        ("members ne null", vec!["lg"]),
        (
            "not (emails[type eq \"work\"])",
            vec!["lena", "max", "lg", "Other"],
        ),
        ("userName ne \"lena\"", vec!["max"]),
    ] {
        let found = search(house, "/.search", json!({"filter": filter}));
        assert_eq!(names(&found), expected, "{filter}");
        let walked = walk(house, "/.search", &json!({"filter": filter}));
        assert_eq!(walked, expected, "{filter}");
    }
    for (filter, scim_type) in [
        ("nobodyKnows eq \"x\"", "invalidFilter"),
        ("userName pr or nobodyKnows pr", "invalidFilter"),
        ("password pr", "invalidFilter"),
        ("active gt true", "invalidFilter"),
    ] {
        let refused = search(house, "/.search", json!({"filter": filter}));
        assert_eq!(refused["http"], 400, "{filter}");
        assert_eq!(refused["scimType"], scim_type, "{filter}");
    }
    for (sort_by, order, expected) in [
        ("userName", "ascending", ["lena", "max", "lg", "Other"]),
        ("userName", "descending", ["lg", "Other", "max", "lena"]),
        ("displayName", "ascending", ["lena", "max", "lg", "Other"]),
    ] {
        let parameters = json!({"sortBy": sort_by, "sortOrder": order});
        let found = search(house, "/.search", parameters.clone());
        assert_eq!(names(&found), expected, "{sort_by} {order}");
        assert_eq!(
            walk(house, "/.search", &parameters),
            expected,
            "{sort_by} {order}"
        );
    }
    let refused = search(house, "/.search", json!({"sortBy": "nobodyKnows"}));
    assert_eq!(refused["scimType"], "invalidPath");
}

fn an_empty_external_id_names_nothing(house: &mut House) {
    for (path, name) in [("/Users", "userName"), ("/Groups", "displayName")] {
        for value in ["one", "two"] {
            let id = house.create(path, &json!({name: value, "externalId": ""}));
            let read = house.get(&format!("{path}/{id}"));
            assert!(read.get("externalId").is_none(), "{read}");
        }
    }
    assert_eq!(
        house.get("/Users?filter=externalId%20pr")["totalResults"],
        0
    );
}

fn ids_of_members_compare_in_any_case(house: &mut House) {
    let user = house.create(
        "/Users",
        &json!({"userName": "ava",
        uri::ENTERPRISE_USER: {"manager": "U09"}}),
    );
    let group = json!({"displayName": "Ops", "members": [{"value": user.to_uppercase()}]});
    let group = house.create("/Groups", &group);
    let upper = (user.to_uppercase(), group.to_uppercase());
    let manager = format!("{}:manager.value", uri::ENTERPRISE_USER);
    for (path, filter, total) in [
        (
            "/Groups/.search",
            format!("members.value eq \"{}\"", upper.0),
            1,
        ),
        ("/Groups/.search", format!("members eq \"{user}\""), 1),
        (
            "/Users/.search",
            format!("groups.value eq \"{}\"", upper.1),
            1,
        ),
        ("/Users/.search", format!("{manager} eq \"u09\""), 1),
        ("/Users/.search", format!("{manager} eq \"u08\""), 0),
    ] {
        let found = search(house, path, json!({"filter": filter}));
        assert_eq!(found["totalResults"], total, "{filter}");
    }
    let path = format!("/Groups/{group}");
    let patch = |operation: Value| {
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
        let answer = house.request(Method::Patch, &path, &body);
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.body.unwrap()["members"]
            .as_array()
            .map_or(0, Vec::len)
    };
    let value = json!([{"value": upper.0}]);
    let by_filter = format!("members[value eq \"{}\"]", upper.0);
    assert_eq!(patch(json!({"op": "remove", "path": by_filter})), 0);
    assert_eq!(
        patch(json!({"op": "add", "path": "members", "value": value})),
        1
    );
    assert_eq!(
        patch(json!({"op": "remove", "path": "members", "value": value})),
        0
    );
}

fn a_deleted_custom_field_hides_nothing_but_its_own_value(house: &mut House) {
    let number = json!({"number": {"integer": true}});
    let field = |key: &str, kind: Value| {
        serde_json::from_value(json!({"key": key, "label": key, "type": kind})).unwrap()
    };
    let reload = |house: &mut House| {
        let configuration = house.admin.find_configuration("Test").unwrap();
        house.caller = caller(configuration.to_provisioning());
    };
    for key in ["badge", "site"] {
        let field = field(key, json!({"text": {"max": 100}}));
        house.admin.add_custom_field(&actor(), &field).unwrap();
    }
    reload(house);
    let id = house.create(
        "/Users",
        &json!({"schemas": [uri::USER, EXTENSION], "userName": "ava",
            EXTENSION: {"badge": "B-17", "site": "Berlin"}}),
    );
    let get = |house: &House| house.get(&format!("/Users/{id}"));
    let filtered = |house: &House, filter: &str| {
        let filter = format!("{EXTENSION}:{filter}");
        search(house, "/Users/.search", json!({"filter": filter}))
    };

    house.admin.delete_custom_field(&actor(), "badge").unwrap();
    reload(house);
    assert_eq!(get(house)[EXTENSION], json!({"site": "Berlin"}));
    let listed = search(house, "/Users/.search", json!({"attributes": [EXTENSION]}));
    assert_eq!(listed["Resources"][0][EXTENSION], json!({"site": "Berlin"}));
    assert_eq!(names(&filtered(house, "site eq \"Berlin\"")), ["ava"]);
    assert_eq!(
        filtered(house, "badge eq \"B-17\"")["scimType"],
        "invalidFilter"
    );
    let patch = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": "Chief"}]});
    let answer = house.request(Method::Patch, &format!("/Users/{id}"), &patch);
    assert_eq!(answer.body.unwrap()[EXTENSION], json!({"site": "Berlin"}));

    // The field that comes again as another does not take up what the old one left.
    let again = field("badge", number);
    house.admin.add_custom_field(&actor(), &again).unwrap();
    house.admin.delete_custom_field(&actor(), "site").unwrap();
    reload(house);
    let ava = get(house);
    assert_eq!(ava[EXTENSION], Value::Null, "{ava}");
    assert!(
        !ava["schemas"]
            .as_array()
            .unwrap()
            .contains(&json!(EXTENSION)),
        "{ava}"
    );
}

engines::tests! {
    on_both(House::new):
        numbers_and_instants_sort_as_what_they_are,
        a_query_over_all_types_leaves_no_type_out,
        an_empty_external_id_names_nothing,
        ids_of_members_compare_in_any_case,
        a_deleted_custom_field_hides_nothing_but_its_own_value;
}
