//! Messages of every kind: Bulk, errors, versions, discovery.

use super::*;

// RFC 7644

#[test]
fn messages_name_their_schema_and_none_of_them_is_a_schema_of_resources() {
    let list = ListResponse::whole(Vec::new()).to_json();
    let error = Error::not_found().to_json();
    let bulk = response(&[]);
    for (message, schema) in [
        (&list, uri::LIST_RESPONSE),
        (&error, uri::ERROR),
        (&bulk, uri::BULK_RESPONSE),
    ] {
        assert!(schema.starts_with("urn:ietf:params:scim:api:"));
        assert_eq!(message["schemas"], json!([schema]));
    }
    let users = users();
    let schemas = Catalog::new(&[&users]).schemas();
    assert!(
        schemas
            .iter()
            .all(|schema| !schema.id.contains(":api:messages:"))
    );
}

#[test]
fn bulk_operations_have_what_their_method_needs() {
    let read = |operation: Value| {
        let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [operation]});
        let request = BulkRequest::read(body, &Limits::default(), &mut strict()).unwrap();
        matches!(request.operations[0], BulkEntry::Operation(_))
    };
    for (operation, fits) in [
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}}),
            true,
        ),
        (
            json!({"method": "POST", "path": "/Users", "data": {}}),
            false,
        ),
        (json!({"method": "PUT", "path": "/Users/1"}), false),
        (json!({"method": "PATCH", "path": "/Users/1"}), false),
        (json!({"method": "DELETE", "path": "/Users/1"}), true),
        (json!({"method": "DELETE"}), false),
        (json!({"path": "/Users/1"}), false),
    ] {
        assert_eq!(read(operation.clone()), fits, "{operation}");
    }
    let many = vec![json!({"method": "DELETE", "path": "/Users/1"}); 1_001];
    let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": many});
    let error = BulkRequest::read(body, &Limits::default(), &mut strict()).unwrap_err();
    assert_eq!(error.status(), 413);
    assert!(
        error.detail().contains("1000"),
        "it says which limit: {error}"
    );
}

#[test]
fn references_become_ids_in_any_order_and_in_circles() {
    let group = |name: &str, member: &str| {
        json!({"method": "POST", "path": "/Groups", "bulkId": name,
            "data": {"displayName": name, BADGE: {"owner": {"value": format!("bulkId:{member}")}}}})
    };
    let operations = [group("a", "b"), group("b", "c"), group("c", "a")];
    let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": operations});
    let request = BulkRequest::read(body, &Limits::default(), &mut strict()).unwrap();
    let owner = Attribute::new("owner", AttributeType::Complex).with([
        Attribute::new("value", AttributeType::String),
        Attribute::new("$ref", AttributeType::Reference).referring(["Group"]),
    ]);
    let badge = Schema::new(BADGE, "Badge").with([owner]);
    let groups = [ResourceDefinition::group().extended(badge, false)];
    let references = References::new(&request.operations, &groups);
    assert_eq!(references.circular(), [0, 1, 2]);
    assert_eq!(references.order().count(), 3);
    let operation = request.operations[0].operation().unwrap();
    let id = |name: &str| (name == "b").then(|| "id-of-b".to_owned());
    let resolved = resolve(operation, Some(&groups[0]), &id).unwrap();
    assert_eq!(resolved[BADGE]["owner"]["value"], "id-of-b");
}

#[test]
fn the_outcome_of_a_bulk_operation_says_where_and_what() {
    let failed = BulkResult {
        method: "POST".into(),
        bulk_id: Some("a".into()),
        location: None,
        version: None,
        status: 409,
        response: Some(Error::new(ScimType::Uniqueness, "It is taken.").to_json()),
    };
    let body = response(&[failed]);
    let failed = &body["Operations"][0];
    assert_eq!(
        (&failed["bulkId"], &failed["status"]),
        (&json!("a"), &json!("409"))
    );
    assert_eq!(failed["response"]["schemas"], json!([uri::ERROR]));
    assert_eq!(failed["response"]["detail"], "It is taken.");
}

#[test]
fn an_error_has_its_status_as_text() {
    let error = Error::new(ScimType::InvalidFilter, "No filter.").to_json();
    assert_eq!(error["status"], "400");
    assert_eq!(
        (&error["scimType"], &error["detail"]),
        (&json!("invalidFilter"), &json!("No filter."))
    );
    let query = Query::from_query_string("access_token=x", &Limits::default(), &mut strict());
    let refused = query.unwrap_err();
    assert_eq!(
        (refused.status(), refused.scim_type()),
        (403, Some(ScimType::Sensitive))
    );
}

#[test]
fn versions_are_weak_entity_tags() {
    let version = scim_protocol::Version(3);
    assert_eq!(version.to_string(), "W/\"3\"");
    assert!(ETag::from(version).is_weak());
}

#[test]
fn what_a_service_provider_is_it_says_in_the_schema_of_the_rfc() {
    let config = ServiceProviderConfig::new(&Limits::default(), 3600);
    let config = config.to_resource("https://x.example/v2");
    assert_eq!(config["schemas"], json!([uri::SERVICE_PROVIDER_CONFIG]));
    for (feature, member) in [
        ("patch", "supported"),
        ("bulk", "maxOperations"),
        ("bulk", "maxPayloadSize"),
        ("filter", "maxResults"),
        ("changePassword", "supported"),
        ("sort", "supported"),
        ("etag", "supported"),
        ("pagination", "cursor"),
        ("pagination", "index"),
        ("pagination", "defaultPaginationMethod"),
    ] {
        assert!(!config[feature][member].is_null(), "{feature}.{member}");
    }
    let scheme = &config["authenticationSchemes"][0];
    assert!(
        ["type", "name", "description"]
            .iter()
            .all(|name| scheme[*name].is_string())
    );
    let users = users();
    let definitions = [&users];
    let catalog = Catalog::new(&definitions);
    let types = catalog.resource_types("https://x.example/v2");
    let named = types[0]["schemaExtensions"].as_array().unwrap().iter();
    let mut named: Vec<&str> = named
        .map(|extension| extension["schema"].as_str().unwrap())
        .collect();
    named.push(types[0]["schema"].as_str().unwrap());
    assert!(
        named.iter().all(|uri| catalog.schema(uri).is_some()),
        "{named:?}"
    );
}
