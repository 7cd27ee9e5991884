//! Lists and pages, and what the service provider says of itself.

use super::*;

#[test]
fn lists_are_filtered_sorted_and_cut() {
    let provider = provider();
    for (serial, rank) in [
        ("b", Some(10)),
        ("c", None),
        ("a", Some(9)),
        ("d", Some(-1)),
    ] {
        let mut made = device(serial);
        made["rank"] = json!(rank);
        create(&provider, "/Devices", made);
    }
    let serials = |target: &str| {
        let list = get(&provider, target);
        let serials = list["Resources"].as_array().unwrap().iter();
        let serials = serials.map(|one| one["serial"].as_str().unwrap().to_owned());
        (
            serials.collect::<String>(),
            list["totalResults"].as_u64().unwrap(),
        )
    };
    assert_eq!(serials("/Devices"), ("bcad".into(), 4));
    assert_eq!(serials("/Devices?sortBy=rank"), ("dabc".into(), 4));
    assert_eq!(
        serials("/Devices?sortBy=rank&sortOrder=descending"),
        ("cbad".into(), 4)
    );
    assert_eq!(
        serials("/Devices?filter=rank%20gt%20-1&sortBy=serial"),
        ("ab".into(), 2)
    );
    assert_eq!(serials("/Devices?startIndex=2&count=2"), ("ca".into(), 4));
    assert_eq!(serials("/Devices?count=0"), (String::new(), 4));
    let answer = send(
        &provider,
        Method::Get,
        "/Devices?filter=colour%20eq%20%22red%22",
        &Value::Null,
    );
    assert_eq!(
        (
            answer.status,
            answer.document().unwrap()["scimType"].clone()
        ),
        (400, json!("invalidFilter"))
    );
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "serial eq \"c\"", "attributes": ["serial"]});
    let found = send(&provider, Method::Post, "/Devices/.search", &search)
        .document()
        .unwrap();
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0].get("meta"), None);
}

#[test]
fn a_query_of_every_type_goes_from_one_type_to_the_next() {
    let provider = provider();
    create(&provider, "/Users", json!({"userName": "ava"}));
    create(&provider, "/Groups", json!({"displayName": "Ops"}));
    create(&provider, "/Devices", device("1"));
    assert_eq!(get(&provider, "/")["totalResults"], 3);
    let mut types = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&provider, &format!("/?cursor={cursor}&count=1"));
        types.push(page["Resources"][0]["meta"]["resourceType"].clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(types, ["User", "Group", "Device"]);
    for (index, name) in ["User", "Group", "Device"].iter().enumerate() {
        let page = get(&provider, &format!("/?startIndex={}&count=1", index + 1));
        assert_eq!(page["Resources"][0]["meta"]["resourceType"], **name);
        assert_eq!(page["totalResults"], 3);
    }
}

#[test]
fn a_cursor_is_bound_to_its_query_and_to_time() {
    let clock = Arc::new(Clock::default());
    let provider = provider().with_environment(clock.clone());
    for serial in ["a", "b", "c"] {
        create(&provider, "/Devices", device(serial));
    }
    let first = get(&provider, "/Devices?cursor&count=2&sortBy=serial");
    assert_eq!(
        (first["totalResults"].clone(), first.get("startIndex")),
        (json!(3), None)
    );
    let next = first["nextCursor"].as_str().unwrap();
    let ask = |target: String| {
        let answer = send(&provider, Method::Get, &target, &Value::Null);
        (answer.status, answer.document().unwrap())
    };
    let (_, second) = ask(format!("/Devices?cursor={next}&count=2&sortBy=serial"));
    assert_eq!(second["Resources"][0]["serial"], "c");
    assert_eq!(second.get("nextCursor"), None);
    for (target, scim_type) in [
        (format!("/Devices?cursor={next}&count=2"), "invalidCursor"),
        (
            format!("/Users?cursor={next}&count=2&sortBy=serial"),
            "invalidPath",
        ),
        (
            format!("/Devices?cursor={next}x&count=2&sortBy=serial"),
            "invalidCursor",
        ),
        (
            format!("/Devices?cursor={next}&count=1&sortBy=serial"),
            "invalidCount",
        ),
    ] {
        assert_eq!(ask(target.clone()).1["scimType"], scim_type, "{target}");
    }
    clock.0.store(3_601, Ordering::Relaxed);
    let (status, late) = ask(format!("/Devices?cursor={next}&count=2&sortBy=serial"));
    assert_eq!(
        (status, late["scimType"].clone()),
        (400, json!("expiredCursor"))
    );
}

#[test]
fn a_page_that_is_cut_by_its_bytes_goes_on_behind_its_last_resource() {
    let provider = provider();
    for at in 0..50 {
        let mut made =
            json!({"serial": format!("s{:02}", at * 7 % 50), "maker": "x".repeat(200_000)});
        if at % 5 > 0 {
            made["rank"] = (at * 3 % 20 - 9).into();
        }
        put(provider.store(), "Device", &format!("d{at:02}"), &made);
    }
    let ids = |page: &Value| -> Vec<String> {
        let resources = page["Resources"].as_array().unwrap().iter();
        resources
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for sort in [
        "",
        "&sortBy=serial",
        "&sortBy=serial&sortOrder=descending",
        "&sortBy=rank",
        "&sortBy=rank&sortOrder=descending",
    ] {
        let whole = get(
            &provider,
            &format!("/Devices?attributes=serial&count=100{sort}"),
        );
        let (mut walked, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = get(
                &provider,
                &format!("/Devices?cursor={cursor}&count=100{sort}"),
            );
            walked.extend(ids(&page));
            pages += 1;
            assert!(pages < 10, "a walk ends: {sort}");
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((walked, pages), (ids(&whole), 3), "{sort}");
    }
}

#[test]
fn refusals_speak_of_resources_and_of_no_product() {
    let mut teams = ResourceDefinition::group().core().clone();
    teams.id = "urn:example:Team".into();
    for attribute in &mut teams.attributes {
        for part in &mut attribute.sub_attributes {
            if !part.reference_types.is_empty() {
                part.reference_types = vec!["Team".into()];
            }
        }
    }
    let teams = ResourceDefinition::new("Team", "/Teams", "Team", teams);
    let provider = ServiceProvider::new(MemoryStore::new([teams]), BASE, b"secret");
    let nested = |name: &str, member: &str| {
        json!({"method": "POST", "path": "/Teams", "bulkId": name, "data": {"displayName": name,
            "schemas": ["urn:example:Team"], "members": [{"value": format!("bulkId:{member}")}]}})
    };
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [nested("a", "b"), nested("b", "a")]});
    let answer = send(&provider, Method::Post, "/Bulk", &body);
    let answer = answer.document().unwrap();
    assert_eq!(
        answer["Operations"][0]["response"]["detail"],
        "The Team would be among its own members through others of this request."
    );
    let answer = send(&provider, Method::Get, "/Me", &Value::Null);
    assert_eq!(
        answer.document().unwrap()["detail"],
        "The caller is no resource of its own."
    );
}

#[test]
fn what_the_service_provider_is_it_says_itself() {
    let provider = provider();
    let types = get(&provider, "/ResourceTypes");
    let names: Vec<_> = types["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["User", "Group", "Device"]);
    assert_eq!(
        get(&provider, "/ResourceTypes/Device")["endpoint"],
        "/Devices"
    );
    assert_eq!(
        get(&provider, "/Schemas/urn:example:Place")["name"],
        "Place"
    );
    assert_eq!(
        get(&provider, "/ServiceProviderConfig")["pagination"]["cursor"],
        true
    );
    for (method, target, status) in [
        (Method::Get, "/Schemas?filter=a", 403),
        (Method::Get, "/Schemas/urn:example:None", 404),
        (Method::Post, "/Schemas", 405),
        (Method::Get, "/Me", 501),
        (Method::Get, "/Nothing", 404),
        (Method::Put, "/Users", 405),
        (Method::Other, "/Users", 405),
    ] {
        let answer = send(&provider, method, target, &Value::Null);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.document().unwrap()["status"], status.to_string());
        assert_eq!(answer.allow.is_some(), status == 405);
    }
}

#[test]
fn limits_and_tolerance_are_the_service_providers_own() {
    let small = Limits {
        body: 40,
        page_max: 1,
        work: 10_000,
        ..Limits::default()
    };
    let provider = provider().with_limits(small);
    create(&provider, "/Users", json!({"userName": "a"}));
    create(&provider, "/Users", json!({"userName": "b"}));
    let long = json!({"userName": "a".repeat(60)});
    assert_eq!(send(&provider, Method::Post, "/Users", &long).status, 413);
    assert_eq!(get(&provider, "/Users?count=9")["itemsPerPage"], 1);
    let answer = send(
        &provider,
        Method::Get,
        "/Users?cursor&count=9",
        &Value::Null,
    );
    assert_eq!(answer.document().unwrap()["scimType"], "invalidCount");
    let strict = provider.with_profile(Profile::Strict);
    let unnamed = json!({"userName": "c"});
    assert_eq!(
        send(&strict, Method::Post, "/Users", &unnamed).status,
        400,
        "no schemas"
    );
}
