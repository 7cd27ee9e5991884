//! Names of attributes and schemas in another form.

use super::*;

#[test]
fn an_attribute_whose_name_stands_twice() {
    for body in [
        json!({"schemas": [uri::USER], "userName": "ava", "TITLE": "A", "title": "B"}),
        json!({"schemas": [uri::USER], "userName": "ava", "title": "B",
            "name": {"GivenName": "A", "givenName": "B"}}),
    ] {
        let user = accepted("repeatedAttribute", ScimType::InvalidSyntax, |tolerance| {
            read(body.clone(), tolerance)
        });
        assert_eq!(user.text("title"), Some("B"));
    }
    let operations = json!([{"op": "add", "value": {"TITLE": "A", "title": "B"}}]);
    let user = accepted("repeatedAttribute", ScimType::InvalidSyntax, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("B"));
}

const ALIASES: [&str; 7] = [
    "urn:scim:schemas:extension:enterprise:1.0",
    "urn:scim:schemas:extension:enterprise:2.0",
    "urn:scim:schemas:extension:enterprise:1.0:User",
    "URN:SCIM:schemas:extension:enterprise:2.0:user",
    "urn:ietf:params:scim:schemas:extension:enterprise:1.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
];

#[test]
fn a_schema_by_another_uri() {
    for alias in ALIASES {
        let body = json!({"schemas": [uri::USER, alias], "userName": "ava",
            alias: {"department": "Ops", "employeeNumber": "7"}});
        let user = accepted("schemaAlias", ScimType::InvalidValue, |tolerance| {
            read(body.clone(), tolerance)
        });
        let data = json!({"department": "Ops", "employeeNumber": "7"});
        assert_eq!(user.attributes()[uri::ENTERPRISE_USER], data, "{alias}");
        assert_eq!(
            user.attributes()["schemas"],
            json!([uri::USER, uri::ENTERPRISE_USER])
        );
        for operation in [
            json!({"op": "replace", "path": format!("{alias}:department"), "value": "Ops"}),
            json!({"op": "replace", "path": alias, "value": {"department": "Ops"}}),
            json!({"op": "replace", "value": {alias: {"department": "Ops"}}}),
            json!({"op": "replace", "value": {format!("{alias}:department"): "Ops"}}),
        ] {
            let mut tolerance = Tolerance::default();
            let operations = json!([operation]);
            let user = patch(operations.clone(), &mut tolerance).unwrap();
            let data = &user.attributes()[uri::ENTERPRISE_USER];
            assert_eq!(data["department"], "Ops", "{operations}");
            let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
            assert_eq!(names, ["schemaAlias"], "{operations}");
            assert!(patch(operations, &mut Tolerance::new(Profile::Strict)).is_err());
        }
        let asked = format!("{alias}:manager.value eq \"boss\"");
        assert!(accepted(
            "schemaAlias",
            ScimType::InvalidFilter,
            |tolerance| { filter(&asked, tolerance) }
        ));
    }
}

#[test]
fn a_schema_uri_that_is_not_joined_by_a_colon() {
    let enterprise = uri::ENTERPRISE_USER;
    for (path, attribute) in [
        (format!("{enterprise}.department"), "department"),
        (format!("{enterprise}department"), "department"),
        (format!("{enterprise}.manager.value"), "manager"),
    ] {
        for operation in [
            json!({"op": "replace", "path": path, "value": "7"}),
            json!({"op": "replace", "value": {&path: "7"}}),
        ] {
            let operations = json!([operation]);
            let user = accepted("schemaJoined", ScimType::InvalidPath, |tolerance| {
                patch(operations.clone(), tolerance)
            });
            let data = &user.attributes()[enterprise][attribute];
            assert!(*data == "7" || data["value"] == "7", "{operations}");
        }
    }
    let operations =
        json!([{"op": "replace", "path": format!("{}.title", uri::USER), "value": "C"}]);
    let user = accepted("schemaJoined", ScimType::InvalidPath, |tolerance| {
        patch(operations.clone(), tolerance)
    });
    assert_eq!(user.text("title"), Some("C"));
    let asked = format!("{enterprise}.manager.value eq \"boss\"");
    assert!(accepted(
        "schemaJoined",
        ScimType::InvalidFilter,
        |tolerance| filter(&asked, tolerance)
    ));
}

/// The version at the end of an old URI is no name of an attribute.
#[test]
fn a_schema_uri_that_ends_in_a_version_and_is_joined_by_a_dot() {
    let badge = Schema::new("urn:example:badge:2.0", "Badge")
        .with([Attribute::new("serial", AttributeType::String)]);
    let users = users().extended(badge, false);
    for (start, name, meant) in [
        (
            "urn:scim:schemas:extension:enterprise:1.0",
            "department",
            uri::ENTERPRISE_USER,
        ),
        (
            "urn:scim:schemas:extension:enterprise:2.0",
            "manager.value",
            uri::ENTERPRISE_USER,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
            "Department",
            uri::ENTERPRISE_USER,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
            "department",
            uri::ENTERPRISE_USER,
        ),
        ("urn:scim:schemas:core:1.0", "title", uri::USER),
        ("URN:SCIM:schemas:core:2.0", "name.givenName", uri::USER),
        ("urn:example:badge:2.0", "serial", "urn:example:badge:2.0"),
    ] {
        let (path, own) = (format!("{start}.{name}"), format!("{meant}:{name}"));
        let patched = |path: &str, inner: bool, tolerance: &mut Tolerance| {
            let operation = match inner {
                true => json!({"op": "replace", "value": {path: "7"}}),
                false => json!({"op": "replace", "path": path, "value": "7"}),
            };
            let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
            let before: Resource = serde_json::from_value(json!({"userName": "ava"})).unwrap();
            let request = PatchRequest::from_json(body)?;
            let patch = request.resolve(&users, tolerance)?;
            Ok::<_, Error>(patch.apply(&before, tolerance)?.into_map())
        };
        let mut tolerance = Tolerance::default();
        let wanted = patched(&own, false, &mut Tolerance::default()).unwrap();
        assert!(wanted.len() > 1, "{own}");
        assert_eq!(patched(&path, false, &mut tolerance).unwrap(), wanted);
        assert_eq!(
            tolerance.deviations(),
            [Deviation::SchemaJoined(path.clone())]
        );
        assert_eq!(patched(&path, true, &mut tolerance).unwrap(), wanted);
        assert!(patched(&path, false, &mut Tolerance::new(Profile::Strict)).is_err());

        let body = json!({"schemas": [uri::USER], "userName": "ava", &path: "7"});
        let read = Resource::read(&users, body, &mut Tolerance::default())
            .unwrap()
            .into_map();
        let whole = json!(wanted);
        let told = |data: &Value| {
            data.get(meant)
                .or(data.get("title"))
                .or(data.get("name"))
                .cloned()
        };
        assert_eq!(told(&json!(read)), told(&whole), "{path}");

        let bound = |path: &str| {
            let filter: Filter = format!("{path} eq \"7\"").parse().unwrap();
            filter.bind(&users, &mut Tolerance::default()).unwrap()
        };
        assert_eq!(bound(&path), bound(&own));
        let sorted = |path: &str| {
            let path = path.parse().unwrap();
            SortKey::new(&users, &path, &mut Tolerance::default()).unwrap()
        };
        assert_eq!(sorted(&path), sorted(&own));
        let shown = |path: &str| {
            let projection = Projection {
                attributes: vec![path.parse().unwrap()],
                ..Projection::default()
            };
            Projector::new(&users, &projection).project(&wanted)
        };
        assert_eq!(shown(&path), shown(&own));
        assert_ne!(json!(shown(&path)), json!(shown("displayName")));
    }
    let unknown =
        json!({"schemas": [uri::USER], "userName": "ava", "urn:example:other:2.0.serial": "7"});
    let mut tolerance = Tolerance::default();
    Resource::read(&users, unknown, &mut tolerance).unwrap();
    assert_eq!(tolerance.deviations()[0].name(), "unknownAttribute");
}

#[test]
fn paths_as_keys() {
    let operations = json!([{"op": "add", "value": {"name.givenName": "Ava",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Ops"}}]);
    let user = {
        let mut tolerance = Tolerance::default();
        let user = patch(operations.clone(), &mut tolerance).unwrap();
        let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
        assert_eq!(names, ["pathAsKey", "pathAsKey"]);
        user
    };
    assert_eq!(user.attributes()["name"]["givenName"], "Ava");
    assert_eq!(user.attributes()[uri::ENTERPRISE_USER]["department"], "Ops");
    let refused = patch(operations, &mut Tolerance::new(Profile::Strict)).unwrap_err();
    assert_eq!(refused.scim_type(), Some(ScimType::InvalidSyntax));
}

#[test]
fn unknown_attributes_are_ignored() {
    let body = json!({"schemas": [uri::USER], "userName": "ava", "badge": 7});
    let user = accepted("unknownAttribute", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert!(!user.attributes().contains_key("badge"));
}

#[test]
fn extension_data_counts_although_its_schema_is_not_listed() {
    let body = json!({"schemas": [uri::USER], "userName": "ava",
        uri::ENTERPRISE_USER: {"department": "Ops"}});
    let user = accepted("schemaNotListed", ScimType::InvalidValue, |tolerance| {
        read(body.clone(), tolerance)
    });
    assert_eq!(
        user.attributes()["schemas"],
        json!([uri::USER, uri::ENTERPRISE_USER])
    );
}

#[test]
fn a_body_without_schemas() {
    accepted("schemasMissing", ScimType::InvalidSyntax, |tolerance| {
        read(json!({"userName": "ava"}), tolerance)
    });
    let body = json!({"Operations": [{"op": "remove", "path": "title"}]});
    let user = accepted("schemasMissing", ScimType::InvalidSyntax, |tolerance| {
        patch_body(body.clone(), tolerance)
    });
    assert_eq!(user.text("title"), None);
}

#[test]
fn what_stands_below_the_uri_of_the_core_schema_is_of_the_resource() {
    let ava = accepted("pathAsKey", ScimType::InvalidSyntax, |tolerance| {
        let body = json!({"schemas": [uri::USER], "userName": "ava",
            uri::USER: {"active": false}});
        read(body, tolerance)
    });
    assert_eq!(ava.attributes()["active"], false);
    for core in [
        uri::USER.to_uppercase(),
        "urn:scim:schemas:core:1.0".to_owned(),
    ] {
        let body = json!({"schemas": [uri::USER], "userName": "ava", "title": "x",
            (core.clone()): {"active": false, "Title": "Lead", "name.givenName": "Ava",
                "emails": [{"value": "a@x.example"}], "nothing": 1}});
        let mut tolerance = Tolerance::default();
        let ava = read(body, &mut tolerance).unwrap();
        let expected = json!({"schemas": [uri::USER], "userName": "ava", "active": false,
            "title": "Lead", "name": {"givenName": "Ava"}, "emails": [{"value": "a@x.example"}]});
        assert_eq!(Value::Object(ava.attributes().clone()), expected, "{core}");
        let mut names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
        names.retain(|name| *name != "schemaAlias");
        assert_eq!(
            names,
            [
                "pathAsKey",
                "repeatedAttribute",
                "pathAsKey",
                "unknownAttribute"
            ]
        );
    }
    // What holds nothing is no attribute.
    let mut tolerance = Tolerance::default();
    let body = json!({"schemas": [uri::USER], "userName": "ava", uri::USER: "x"});
    read(body, &mut tolerance).unwrap();
    assert_eq!(tolerance.deviations()[0].name(), "unknownAttribute");
}

#[test]
fn a_key_of_a_new_resource_that_is_a_path_is_what_it_names() {
    let department = format!("{}:department", uri::ENTERPRISE_USER);
    let ava = accepted("pathAsKey", ScimType::InvalidSyntax, |tolerance| {
        let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
            (department.clone()): "Ops"});
        read(body, tolerance)
    });
    assert_eq!(
        ava.attributes()[uri::ENTERPRISE_USER],
        json!({"department": "Ops"})
    );
    // Beside what stands in its place already, of the core schema, and of parts.
    let mut tolerance = Tolerance::default();
    let body = json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER, BADGE],
        (format!("{}:userName", uri::USER)): "ava",
        "name.givenName": "Ava", "NAME": {"familyName": "Lin"},
        (format!("{}:manager.value", uri::ENTERPRISE_USER)): "boss",
        (uri::ENTERPRISE_USER.to_uppercase()): {"costCenter": "7"},
        (format!("{}:Department", uri::ENTERPRISE_USER)): "Ops",
        (format!("{BADGE}:number")): 7,
        "urn:scim:schemas:extension:enterprise:1.0:division": "West",
        "emails.value": "nowhere", "name.nothing": "x", "userName.x": "y",
    });
    let ava = read(body, &mut tolerance).unwrap();
    let of = |name: &str| &ava.attributes()[name];
    assert_eq!(
        (of("userName"), of(BADGE)),
        (&json!("ava"), &json!({"number": 7}))
    );
    assert_eq!(
        of("name"),
        &json!({"familyName": "Lin", "givenName": "Ava"})
    );
    assert_eq!(
        of(uri::ENTERPRISE_USER),
        &json!({"costCenter": "7", "manager": {"value": "boss"}, "department": "Ops",
            "division": "West"})
    );
    assert!(ava.attributes().get("emails").is_none());
    let named = |name: &str| {
        tolerance
            .deviations()
            .iter()
            .filter(|one| one.name() == name)
            .count()
    };
    assert_eq!((named("pathAsKey"), named("unknownAttribute")), (6, 3));
    assert_eq!((named("repeatedAttribute"), named("schemaAlias")), (0, 1));
    // Twice the same: the path counts, and it is told.
    let mut tolerance = Tolerance::default();
    let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava",
        (department.clone()): "Ops", uri::ENTERPRISE_USER: {"department": "Lab"}});
    let ava = read(body, &mut tolerance).unwrap();
    assert_eq!(ava.attributes()[uri::ENTERPRISE_USER]["department"], "Ops");
    assert!(
        tolerance
            .deviations()
            .iter()
            .any(|one| one.name() == "repeatedAttribute")
    );
}

#[test]
fn an_order_is_named_by_an_alias_of_a_schema() {
    for (name, path) in [
        (
            "schemaAlias",
            "urn:scim:schemas:extension:enterprise:1.0:department",
        ),
        (
            "schemaJoined",
            &format!("{}.department", uri::ENTERPRISE_USER),
        ),
        ("schemaAlias", "urn:scim:schemas:core:1.0:userName"),
        (
            "schemaJoined",
            &format!("{}.manager.value", uri::ENTERPRISE_USER),
        ),
    ] {
        let mut tolerance = Tolerance::default();
        let path: scim_protocol::AttributePath = path.parse().unwrap();
        let key = SortKey::new(&users(), &path, &mut tolerance).unwrap();
        let meant = key.target.attribute;
        assert!(
            ["department", "userName", "manager"].contains(&&*meant),
            "{meant}"
        );
        let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
        assert_eq!(names, [name], "{path}");
        let strict = SortKey::new(&users(), &path, &mut Tolerance::new(Profile::Strict));
        assert_eq!(
            strict.unwrap_err().scim_type(),
            Some(ScimType::InvalidPath),
            "{path}"
        );
    }
}
