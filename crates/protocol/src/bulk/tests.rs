use serde_json::{Value, json};

use super::*;
use crate::error::{Error, ScimType};
use crate::limits::Limits;
use crate::tolerance::Tolerance;
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

#[test]
fn unresolved_references_are_left_out() {
    let data = json!({
        "displayName": "Ops",
        "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}, {"value": "u1"}],
        "manager": {"value": "bulkId:b", "displayName": "B"}
    });
    let known = |name: &str| (name == "a").then(|| "u-a".to_owned());
    assert_eq!(
        resolve(&data, &known),
        json!({
            "displayName": "Ops",
            "members": [{"value": "u-a"}, {"value": "u1"}],
            "manager": {"displayName": "B"}
        })
    );
    assert_eq!(resolve_path("/Users/bulkId:a", &known), "/Users/u-a");
    let extended = json!({"title": "T", "urn:x": {"a": "1", "manager": {"value": "bulkId:b"}}});
    assert_eq!(
        referring(&extended),
        json!({"urn:x": {"manager": {"value": "bulkId:b"}}})
    );
}
