//! RFC 7644 section 3.4 and RFC 9865: filters, lists and pages.

use super::*;

#[test]
fn a_list_without_results_says_so() {
    let list = ListResponse::whole(Vec::new()).to_json();
    assert_eq!(
        (&list["totalResults"], &list["Resources"]),
        (&json!(0), &json!([]))
    );
    let page = ListResponse {
        total_results: Some(9),
        start_index: Some(3),
        ..ListResponse::whole(vec![json!({"id": "1"})])
    };
    let page = page.to_json();
    assert_eq!(
        (&page["startIndex"], &page["itemsPerPage"]),
        (&json!(3), &json!(1))
    );
}

#[test]
fn a_filter_is_an_expression_and_binds_as_the_rfc_says() {
    for none in [
        "",
        " ",
        "userName",
        "eq \"a\"",
        "userName eq",
        "userName is \"a\"",
        "(userName pr",
    ] {
        assert_eq!(
            scim_type(matches(none, &stored(json!({})))),
            ScimType::InvalidFilter,
            "{none:?}"
        );
    }
    let user = stored(json!({"title": "T", "nickName": "N"}));
    for (filter, expected) in [
        ("userName eq \"x\" and title pr or nickName pr", true),
        ("userName eq \"x\" and (title pr or nickName pr)", false),
        ("not (userName eq \"x\") and title pr", true),
        ("NOT (title PR) OR nickName Eq \"n\"", true),
    ] {
        assert_eq!(matches(filter, &user), Ok(expected), "{filter}");
    }
}

#[test]
fn a_value_filter_names_sub_attributes_of_its_attribute() {
    let user = stored(json!({"emails": [{"value": "a", "type": "work"}, {"value": "b"}]}));
    assert_eq!(
        matches("emails[type eq \"work\" and value eq \"a\"]", &user),
        Ok(true)
    );
    assert_eq!(
        matches("emails[type eq \"work\" and value eq \"b\"]", &user),
        Ok(false)
    );
    for none in [
        "emails[userName eq \"a\"]",
        "emails[]",
        "emails[type eq \"work\"",
    ] {
        assert_eq!(
            scim_type(matches(none, &user)),
            ScimType::InvalidFilter,
            "{none}"
        );
    }
}

#[test]
fn booleans_and_binary_have_no_order() {
    let user = stored(json!({"active": true, BADGE: {"number": 10, "picture": "QUJD"}}));
    for operator in ["gt", "ge", "lt", "le"] {
        for (path, value) in [
            ("active", "true"),
            ("urn:example:2.0:Badge:picture", "\"QUJD\""),
        ] {
            let filter = format!("{path} {operator} {value}");
            assert_eq!(
                scim_type(matches(&filter, &user)),
                ScimType::InvalidFilter,
                "{filter}"
            );
        }
    }
    assert_eq!(
        matches("urn:example:2.0:Badge:number gt 9", &user),
        Ok(true),
        "by number"
    );
    assert_eq!(
        matches("urn:example:2.0:Badge:number lt 9", &user),
        Ok(false)
    );
}

#[test]
fn an_attribute_that_a_type_does_not_know_has_no_value_there() {
    let (users, groups) = (users(), ResourceDefinition::group());
    let filter: Filter = "userName eq \"ava\"".parse().unwrap();
    let among = |others: &[&ResourceDefinition]| {
        let condition = filter.bind_among(&groups, others, &mut strict());
        condition.map(|condition| condition.matches(&serde_json::Map::new()))
    };
    assert_eq!(among(&[&users]), Ok(false));
    assert_eq!(scim_type(among(&[])), ScimType::InvalidFilter);
}

#[test]
fn parameters_of_a_query_have_the_defaults_of_the_rfc() {
    let limits = Limits::default();
    let query = |raw: &str| Query::from_query_string(raw, &limits, &mut strict());
    assert!(!query("sortBy=userName").unwrap().descending);
    assert!(
        query("sortBy=userName&sortOrder=descending")
            .unwrap()
            .descending
    );
    let below = query("startIndex=0&count=-1").unwrap();
    assert_eq!(
        (below.page, below.count),
        (Page::Index { start_index: 1 }, Some(0))
    );
    assert_eq!(query("count=3").unwrap().page_size(&limits), Ok(3));
    assert_eq!(
        query("count=5000").unwrap().page_size(&limits),
        Ok(limits.page_max)
    );
}

#[test]
fn a_search_body_is_the_same_query() {
    let body = json!({"schemas": [uri::SEARCH_REQUEST], "filter": "title pr", "count": 5,
        "attributes": ["userName"]});
    let search = Query::from_search_request(body, &Limits::default(), &mut strict()).unwrap();
    let get = "filter=title%20pr&count=5&attributes=userName";
    let get = Query::from_query_string(get, &Limits::default(), &mut strict()).unwrap();
    assert_eq!(search, get);
    let other = json!({"schemas": [uri::PATCH_OP], "filter": "title pr"});
    assert!(Query::from_search_request(other, &Limits::default(), &mut strict()).is_err());
    for wrong in ["a b", "1a"] {
        let body = json!({"schemas": [uri::SEARCH_REQUEST], "sortBy": wrong});
        let refused = Query::from_search_request(body, &Limits::default(), &mut strict());
        assert_eq!(scim_type(refused), ScimType::InvalidPath, "{wrong}");
    }
}

#[test]
fn attributes_and_excluded_attributes_leave_what_is_always_returned() {
    let user = stored(json!({"id": "7", "title": "T", "nickName": "N"}));
    let names = |attributes: &[&str], excluded: &[&str]| {
        let paths = |paths: &[&str]| paths.iter().map(|path| path.parse().unwrap()).collect();
        let projection = Projection {
            attributes: paths(attributes),
            excluded_attributes: paths(excluded),
        };
        let shown = project(&users(), user.attributes(), &projection);
        let mut names: Vec<String> = shown.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&["TITLE"], &[]), ["id", "schemas", "title"]);
    assert_eq!(
        names(&[], &["id", "title", "schemas"]),
        ["id", "nickName", "schemas", "userName"]
    );
}

// RFC 9865

#[test]
fn pages_by_cursor_begin_with_an_empty_one() {
    let limits = Limits::default();
    let query = |raw: &str| Query::from_query_string(raw, &limits, &mut strict());
    assert_eq!(
        query("cursor=").unwrap().page,
        Page::Cursor { cursor: None }
    );
    assert_eq!(query("cursor=&count=-3").unwrap().count, Some(0));
    assert_eq!(query("cursor=&count=3").unwrap().page_size(&limits), Ok(3));
    assert_eq!(scim_type(query("cursor=&count=x")), ScimType::InvalidCount);
    assert_eq!(
        query("").unwrap().page,
        Page::Index { start_index: 1 },
        "the default"
    );
    assert!(query("cursor=a&startIndex=1").is_err());
}

#[test]
fn the_last_page_has_no_next_cursor_and_the_first_no_previous_one() {
    let last = ListResponse {
        total_results: None,
        start_index: None,
        ..ListResponse::whole(vec![json!({"id": "1"})])
    };
    let body = last.clone().to_json();
    for name in ["nextCursor", "previousCursor", "totalResults", "startIndex"] {
        assert!(body.get(name).is_none(), "{name}");
    }
    let middle = ListResponse {
        next_cursor: Some("n".into()),
        previous_cursor: Some("p".into()),
        ..last
    };
    let body = middle.to_json();
    assert_eq!(
        (&body["nextCursor"], &body["previousCursor"]),
        (&json!("n"), &json!("p"))
    );
}
