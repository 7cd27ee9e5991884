use serde_json::{Value, json};

use super::*;
use crate::error::{Error, ScimType};
use crate::limits::Limits;
use crate::schema::ResourceDefinition;
use crate::tolerance::{Deviation, Profile, Tolerance};
use crate::uri;

fn read(operations: Value) -> Result<BulkRequest, Error> {
    let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": operations});
    BulkRequest::read(body, &Limits::default(), &mut Tolerance::default())
}

#[test]
fn an_operation_that_is_none_fails_alone() {
    let good = json!({"method": "DELETE", "path": "/Users/1"});
    for bad in [
        json!("x"),
        json!({"path": "/Users"}),
        json!({"method": "GET", "path": "/Users"}),
        json!({"method": "POST", "path": "/Users", "data": {}}),
        json!({"method": "PUT", "path": "/Users/1"}),
        json!({"method": "PUT", "path": "/Users/1", "data": []}),
        json!({"method": "DELETE", "path": 7}),
    ] {
        let request = read(json!([good, bad, good])).unwrap();
        let kinds = request
            .operations
            .iter()
            .map(|entry| entry.operation().is_some());
        assert_eq!(kinds.collect::<Vec<_>>(), [true, false, true], "{bad}");
        let BulkEntry::Malformed(malformed) = &request.operations[1] else {
            panic!("{bad}");
        };
        assert_eq!(malformed.error.scim_type(), Some(ScimType::InvalidSyntax));
        assert_eq!(malformed.method, bad["method"].as_str().unwrap_or_default());
    }
    assert_eq!(
        read(json!("x")).unwrap_err().scim_type(),
        Some(ScimType::InvalidSyntax)
    );
    let many: Vec<Value> = (0..1001)
        .map(|at| json!({"method": "DELETE", "path": format!("/Users/{at}")}))
        .collect();
    assert_eq!(read(json!(many)).unwrap_err().status(), 413);
}

#[test]
fn a_name_that_stands_twice_names_nobody() {
    let post = |name: &str| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {}});
    let request = read(json!([post("a"), post("b"), post("a")])).unwrap();
    let kinds = request
        .operations
        .iter()
        .map(|entry| entry.operation().is_some());
    assert_eq!(kinds.collect::<Vec<_>>(), [false, true, false]);
    let BulkEntry::Malformed(malformed) = &request.operations[2] else {
        panic!("an operation");
    };
    assert_eq!(malformed.error.scim_type(), Some(ScimType::InvalidValue));
    assert_eq!(malformed.bulk_id.as_deref(), Some("a"));
}

const ENTERPRISE: &str = uri::ENTERPRISE_USER;

fn known(name: &str) -> Option<String> {
    name.strip_prefix('a').map(|rest| format!("u{rest}"))
}

fn resolved(definition: &ResourceDefinition, data: Value) -> Value {
    let operation = BulkOperation::put("/X/1", data);
    resolve(&operation, Some(definition), &known).unwrap()
}

fn patched(definition: &ResourceDefinition, operations: Value) -> Value {
    let operation = BulkOperation::new(
        BulkMethod::Patch,
        "/X/1".to_owned(),
        Some(json!({"Operations": operations})),
    );
    resolve(&operation, Some(definition), &known).unwrap()["Operations"].take()
}

#[test]
fn unresolved_references_are_left_out() {
    let groups = ResourceDefinition::group();
    let data = json!({
        "displayName": "Ops",
        "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}, "bulkId:b", {"value": "u1"},
            {"$ref": "bulkId:b"}, "BULKID:a2"],
    });
    assert_eq!(
        resolved(&groups, data),
        json!({"displayName": "Ops", "members": [{"value": "u"}, {"value": "u1"}, "u2"]})
    );
    let users = ResourceDefinition::user();
    assert_eq!(
        resolved(
            &users,
            json!({ENTERPRISE: {"manager": {"value": "bulkId:b", "displayName": "B"}}})
        ),
        json!({ENTERPRISE: {"manager": {"displayName": "B"}}})
    );
    assert_eq!(resolve_path("/Users/bulkId:a", &known), "/Users/u");
    let left = patched(
        &groups,
        json!([
            {"op": "add", "path": "members", "value": [{"value": "bulkId:b"}, {"value": "bulkId:a"}]},
            {"op": "add", "path": "members", "value": "bulkId:b"},
            {"op": "remove", "path": "members[value eq \"bulkId:b\"]"},
        ]),
    );
    assert_eq!(
        left,
        json!([
            {"op": "add", "path": "members", "value": [{"value": "u"}]},
            {"op": "remove", "path": "members[value eq \"bulkId:b\"]"},
        ])
    );
}

#[test]
fn text_that_is_no_reference_is_left_alone() {
    let users = ResourceDefinition::user();
    for data in [
        json!({"userName": "bulkId:a", "title": "bulkId:a", "name": {"givenName": "bulkId:a"}}),
        json!({"emails": [{"value": "bulkId:a", "display": "bulkId:a"}], "profileUrl": "bulkId:a"}),
        json!({"photos": [{"value": "bulkId:a"}], "groups": [{"value": "bulkId:a"}]}),
        json!({ENTERPRISE: {"department": "bulkId:a", "manager": {"displayName": "bulkId:a"}}}),
        json!({"urn:example:unknown": {"manager": {"value": "bulkId:a"}}}),
    ] {
        assert_eq!(resolved(&users, data.clone()), data);
        let operation = BulkOperation::post("/Users", "a", data);
        assert!(references(&operation, Some(&users)).is_empty());
        assert_eq!(referring(&operation, Some(&users)), json!({}));
    }
    let operations = json!([
        {"op": "replace", "path": "title", "value": "bulkId:a"},
        {"op": "replace", "path": "emails[value eq \"bulkId:a\"].display", "value": "bulkId:a"},
        {"op": "replace", "value": {"userName": "bulkId:a", "name.givenName": "bulkId:a"}},
    ]);
    assert_eq!(patched(&users, operations.clone()), operations);
}

#[test]
fn a_reference_is_resolved_wherever_one_stands() {
    let users = ResourceDefinition::user();
    for (data, resolved_data) in [
        (
            json!({ENTERPRISE: {"Manager": "bulkId:a1"}}),
            json!({ENTERPRISE: {"Manager": "u1"}}),
        ),
        (
            json!({format!("{ENTERPRISE}:manager.value"): "bulkId:a1"}),
            json!({format!("{ENTERPRISE}:manager.value"): "u1"}),
        ),
        (
            json!({"urn:scim:schemas:extension:enterprise:1.0": {"manager": {"value": "bulkId:a"}}}),
            json!({"urn:scim:schemas:extension:enterprise:1.0": {"manager": {"value": "u"}}}),
        ),
        (
            json!({ENTERPRISE: {"manager": {"$ref": "https://x.example/Users/bulkId:a1"}}}),
            json!({ENTERPRISE: {"manager": {"$ref": "https://x.example/Users/u1"}}}),
        ),
        (
            json!({ENTERPRISE: {"manager": {"$ref": "bulkId:a1"}}}),
            json!({ENTERPRISE: {"manager": {"$ref": "../u1"}}}),
        ),
    ] {
        assert_eq!(resolved(&users, data), resolved_data);
    }
    let groups = ResourceDefinition::group();
    let operations = patched(
        &groups,
        json!([
            {"op": "remove", "path": "members[value eq \"bulkId:a1\" or value eq \"bulkId:b\"]"},
            {"OP": "remove", "PATH": "members[display eq \"bulkId:a\" and not (value eq \"bulkId:a2\")]"},
            {"op": "add", "value": {"members": [{"value": "bulkId:a3"}]}},
            {"op": "remove", "path": "members", "value": ["bulkId:a4"]},
        ]),
    );
    assert_eq!(
        operations,
        json!([
            {"op": "remove", "path": "members[value eq \"u1\" or value eq \"bulkId:b\"]"},
            {"OP": "remove", "PATH": "members[display eq \"bulkId:a\" and not (value eq \"u2\")]"},
            {"op": "add", "value": {"members": [{"value": "u3"}]}},
            {"op": "remove", "path": "members", "value": ["u4"]},
        ])
    );
    let operation = patched(
        &users,
        json!([
            {"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": "bulkId:a1"},
            {"op": "replace", "path": ENTERPRISE, "value": {"manager": {"value": "bulkId:a2"}}},
        ]),
    );
    assert_eq!(operation[0]["value"], "u1");
    assert_eq!(operation[1]["value"]["manager"]["value"], "u2");
}

#[test]
fn what_is_left_to_be_set_is_what_refers() {
    let users = ResourceDefinition::user();
    let data =
        json!({"title": "T", ENTERPRISE: {"department": "D", "manager": {"value": "bulkId:b"}}});
    let operation = BulkOperation::post("/Users", "a", data);
    assert_eq!(
        referring(&operation, Some(&users)),
        json!({ENTERPRISE: {"manager": {"value": "bulkId:b"}}})
    );
    assert_eq!(references(&operation, Some(&users)), ["b"]);
}

#[test]
fn how_many_errors_end_a_request_may_be_text() {
    let body = |errors: Value| json!({"schemas": [uri::BULK_REQUEST], "failOnErrors": errors, "Operations": []});
    let mut tolerance = Tolerance::default();
    let request = BulkRequest::read(body(json!("2")), &Limits::default(), &mut tolerance).unwrap();
    assert_eq!(request.fail_on_errors, Some(2));
    assert_eq!(
        tolerance.deviations(),
        [Deviation::NumberAsText("failOnErrors".to_owned())]
    );
    for bad in [
        json!("two"),
        json!(0),
        json!("0"),
        json!(-1),
        json!(1.5),
        json!([1]),
    ] {
        let error = BulkRequest::from_json(body(bad)).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
    }
    let mut strict = Tolerance::new(Profile::Strict);
    assert!(BulkRequest::read(body(json!("2")), &Limits::default(), &mut strict).is_err());
}
