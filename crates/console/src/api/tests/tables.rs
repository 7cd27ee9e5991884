//! Lookup tables by script.

use serde_json::{Value, json};

use super::{House, body};

#[test]
fn a_table_is_written_as_rows_or_csv_and_read_as_both() {
    let house = House::new();
    let add = |table: Value| house.as_administrator("POST", "/tables", &table);
    let added = add(json!({"name": "centers", "csv": "code,department\n100,Sales\n"}));
    assert_eq!(
        (added.status, added.location.as_deref()),
        (201, Some("/tables/centers"))
    );
    let tag = added.tag.clone().unwrap();
    let document = body(added);
    assert_eq!(document["columns"], json!(["code", "department"]));
    assert_eq!(
        (&document["version"], &document["uses"]),
        (&json!(1), &json!([]))
    );
    let read = house.as_administrator("GET", "/tables/centers", &Value::Null);
    assert_eq!(read.tag.as_ref(), Some(&tag));
    assert_eq!(body(read), document);
    for wrong in [
        json!({"name": "centers", "csv": "a,b\n"}),
        json!({"name": "Centers", "csv": "a,b\n"}),
        json!({"name": "x"}),
        json!({"name": "x", "columns": ["a", "b"]}),
        json!({"name": "x", "columns": ["a", "b"], "rows": [], "csv": "a,b\n"}),
        json!({"name": "x", "columns": ["a", "b"], "rows": [["1"]]}),
    ] {
        let status = add(wrong.clone()).status;
        let taken = wrong["name"] == "centers";
        assert_eq!(status, if taken { 409 } else { 422 }, "{wrong}");
    }
    let who = Some(house.administrator.as_str());
    let put =
        |tag: &str, table: &Value| house.send(who, "PUT", "/tables/centers", Some(tag), table);
    let other = json!({"columns": ["code", "department"], "rows": [["100", "Sales, EMEA"]]});
    let changed = put(&tag, &other);
    assert_eq!(
        (changed.status, changed.tag == Some(tag.clone())),
        (200, false)
    );
    assert_eq!(put(&tag, &other).status, 412);
    let csv = house.as_administrator("GET", "/tables/centers/csv", &Value::Null);
    assert_eq!(body(csv), "code,department\r\n100,\"Sales, EMEA\"\r\n");
    let list = body(house.as_administrator("GET", "/tables", &Value::Null));
    assert_eq!(
        (&list["items"][0]["rowCount"], &list["next"]),
        (&json!(1), &Value::Null)
    );
    let delete = house.send(who, "DELETE", "/tables/centers", Some("*"), &Value::Null);
    assert_eq!(delete.status, 204);
    assert_eq!(put("*", &other).status, 404);
}
