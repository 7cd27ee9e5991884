use serde_json::{Value, json};

use super::*;
use crate::tolerance::{Deviation, Profile, Tolerance};
use crate::uri;

fn query(raw: &str) -> Result<Query, Error> {
    Query::from_query_string(raw, &Limits::default(), &mut Tolerance::default())
}

#[test]
fn edges_of_index_pages() {
    for (raw, start_index, count) in [
        ("", 1, None),
        ("startIndex=0&count=-5", 1, Some(0)),
        ("STARTINDEX=7&count=0", 7, Some(0)),
        ("startIndex=-9223372036854775808", 1, None),
        ("startIndex=&count=", 1, None),
    ] {
        let query = query(raw).unwrap();
        assert_eq!(query.page, Page::Index { start_index }, "{raw}");
        assert_eq!(query.count, count, "{raw}");
    }
}

#[test]
fn an_empty_cursor_begins_a_cursor_walk() {
    assert_eq!(query("cursor").unwrap().page, Page::Cursor { cursor: None });
    assert_eq!(
        query("cursor=&count=3").unwrap().page,
        Page::Cursor { cursor: None }
    );
    let over = query("cursor=abc&count=1001").unwrap();
    let error = over.page_size(&Limits::default()).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidCount));
}

#[test]
fn bad_parameters_are_refused() {
    for (raw, scim_type) in [
        ("count=ten", ScimType::InvalidValue),
        ("startIndex=1.5", ScimType::InvalidValue),
        ("count=99999999999999999999", ScimType::InvalidValue),
        ("sortOrder=up", ScimType::InvalidValue),
        ("filter=%20", ScimType::InvalidFilter),
        ("filter=a%20eq", ScimType::InvalidFilter),
        ("attributes=a..b", ScimType::InvalidPath),
        ("attributes=a&excludedAttributes=b", ScimType::InvalidValue),
        ("cursor=x&startIndex=1", ScimType::InvalidValue),
        ("count=1&count=2", ScimType::InvalidValue),
        ("filter=%zz", ScimType::InvalidValue),
        ("filter=%ff", ScimType::InvalidValue),
        ("access_token=abc", ScimType::Sensitive),
    ] {
        assert_eq!(
            query(raw).unwrap_err().scim_type(),
            Some(scim_type),
            "{raw}"
        );
    }
}

#[test]
fn what_is_empty_is_absent() {
    let empty = "filter=&sortBy=&sortOrder=&attributes=&excludedAttributes=&count=&startIndex=";
    assert_eq!(query(empty), query(""));
    let body = json!({"schemas": [uri::SEARCH_REQUEST], "filter": "", "attributes": []});
    let searched = Query::from_search_request(body, &Limits::default(), &mut Tolerance::default());
    assert_eq!(searched, query(""));
}

#[test]
fn a_plus_sign_is_one_where_blanks_are_written_otherwise() {
    let filter = |raw: &str| query(raw).unwrap().filter.unwrap().to_string();
    let plus = "userName eq \"a+b@x\"";
    assert_eq!(filter("filter=userName%20eq%20%22a+b@x%22"), plus);
    assert_eq!(filter("filter=userName%20eq%20%22a%2Bb@x%22"), plus);
    assert_eq!(filter("filter=userName+eq+%22a%2Bb@x%22"), plus);
    let offset = "filter=meta.created%20gt%20%222026-01-31T08:00:00+05:30%22";
    assert!(filter(offset).contains("+05:30"));
}

#[test]
fn a_filter_in_a_list_of_attributes_is_left_out() {
    let mut tolerance = Tolerance::default();
    let raw =
        "attributes=emails[type%20eq%20%22a,b%22],name,phoneNumbers[type%20eq%20%22work%22].value";
    let query = Query::from_query_string(raw, &Limits::default(), &mut tolerance).unwrap();
    let paths: Vec<_> = query
        .projection
        .attributes
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(paths, ["emails", "name", "phoneNumbers.value"]);
    let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
    assert_eq!(names, ["filteredAttribute", "filteredAttribute"]);
    let mut strict = Tolerance::new(Profile::Strict);
    assert!(Query::from_query_string(raw, &Limits::default(), &mut strict).is_err());
}

#[test]
fn lists_of_attributes_are_limited() {
    let names = |count: usize| {
        let body = json!({"schemas": [uri::SEARCH_REQUEST], "attributes": vec!["title"; count]});
        Query::from_search_request(body, &Limits::default(), &mut Tolerance::default())
    };
    assert!(names(200).is_ok());
    assert_eq!(names(201).unwrap_err().status(), 413);
}

#[test]
fn a_search_request_is_the_same_query() {
    let body = json!({
        "schemas": [uri::SEARCH_REQUEST],
        "attributes": ["userName", "name.givenName"],
        "filter": "title pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 10
    });
    let searched = Query::from_search_request(body, &Limits::default(), &mut Tolerance::default());
    let listed = query(
        "attributes=userName,%20name.givenName&filter=title+pr&sortBy=userName\
         &sortOrder=descending&startIndex=2&count=10&aadOptscim062020",
    );
    assert_eq!(searched.unwrap(), listed.unwrap());
}

#[test]
fn a_query_is_read_as_it_was_written() {
    let filter = "userName eq \"a+b&c=\u{fc} %\" and emails[type eq \"work\"]";
    let queries = [
        Query::default(),
        Query::default()
            .with_filter(filter.parse().unwrap())
            .without_attributes([
                "name.formatted".parse().unwrap(),
                "urn:x:y".parse().unwrap(),
            ])
            .sorted_by("name.familyName".parse().unwrap())
            .in_descending_order()
            .from_index(7)
            .with_count(0),
        Query::default()
            .with_attributes(["userName".parse().unwrap()])
            .from_cursor(Some("a+/= %".into()))
            .with_count(9),
        Query::default().from_cursor(None),
    ];
    for written in queries {
        assert_eq!(query(&written.to_query_string()).unwrap(), written);
        assert_eq!(Query::from_json(written.to_json()).unwrap(), written);
    }
}

#[test]
fn numbers_of_a_search_may_be_text() {
    let read = |body: &Value, tolerance: &mut Tolerance| {
        let mut body = body.clone();
        body["schemas"] = json!([uri::SEARCH_REQUEST]);
        Query::from_search_request(body, &Limits::default(), tolerance)
    };
    let mut tolerance = Tolerance::default();
    let query = read(&json!({"count": "2", "startIndex": " 3"}), &mut tolerance).unwrap();
    assert_eq!(
        (query.page, query.count),
        (Page::Index { start_index: 3 }, Some(2))
    );
    let names: Vec<_> = tolerance
        .deviations()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "number as text in \"count\"",
            "number as text in \"startIndex\""
        ]
    );
    let plain = read(
        &json!({"count": 2, "startIndex": "", "filter": "title eq \"2\""}),
        &mut tolerance,
    );
    assert_eq!(plain.unwrap().count, Some(2));
    assert_eq!(tolerance.deviations().len(), 2);
    for bad in [
        json!({"count": "two"}),
        json!({"count": [2]}),
        json!({"startIndex": 1.5}),
    ] {
        let error = read(&bad, &mut Tolerance::default()).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{bad}");
    }
    let strict = read(&json!({"count": "2"}), &mut Tolerance::new(Profile::Strict));
    assert_eq!(
        strict.unwrap_err().scim_type(),
        Some(ScimType::InvalidValue)
    );
}
