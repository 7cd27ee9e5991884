use super::*;
use crate::schema::{Attribute, AttributeType};

#[test]
fn schemas_of_discovery_documents_are_listed_too() {
    let (users, groups) = (ResourceDefinition::user(), ResourceDefinition::group());
    let definitions = [&users, &groups];
    let catalog = Catalog::new(&definitions);
    let ids: Vec<String> = catalog.schemas().into_iter().map(|s| s.id).collect();
    assert_eq!(
        ids,
        [
            uri::USER,
            uri::ENTERPRISE_USER,
            uri::GROUP,
            uri::SERVICE_PROVIDER_CONFIG,
            uri::RESOURCE_TYPE,
            uri::SCHEMA
        ]
    );
    assert_eq!(catalog.resource_types("https://x/v2")[0]["name"], "User");
    let upper = uri::USER.to_uppercase();
    assert_eq!(catalog.schema(&upper).unwrap().id, uri::USER);
}

#[test]
fn what_the_rfcs_leave_optional_may_be_missing() {
    let body = json!({
        "schemas": [uri::SERVICE_PROVIDER_CONFIG],
        "documentationUri": "https://x.example/help",
        "patch": {"supported": true}, "bulk": {"supported": false},
        "filter": {"supported": false}, "changePassword": {"supported": false},
        "sort": {"supported": false}, "etag": {"supported": false},
        "pagination": {"cursor": true, "index": false},
        "securityEvents": {"asyncRequest": "none", "eventUris": ["urn:x"]},
        "authenticationSchemes": [{"type": "httpbasic", "name": "Basic", "description": "",
            "documentationUri": "https://x.example/basic"}],
    });
    let config: ServiceProviderConfig = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(config.bulk.max_operations, 0);
    assert_eq!(config.pagination.as_ref().unwrap().max_page_size, None);
    let written = config.to_resource("https://x.example");
    for name in ["documentationUri", "pagination", "securityEvents"] {
        assert_eq!(written[name], body[name]);
    }
    let minimal: Schema = serde_json::from_value(json!({"id": "urn:x"})).unwrap();
    assert_eq!((minimal.name.as_str(), minimal.attributes.len()), ("", 0));
    let attribute: Attribute = serde_json::from_value(json!({"name": "a"})).unwrap();
    assert_eq!(attribute.kind, AttributeType::String);
    let resource_type = json!({"name": "User", "endpoint": "/Users", "schema": uri::USER});
    let resource_type: ResourceType = serde_json::from_value(resource_type).unwrap();
    assert_eq!(resource_type.id, "");
}

#[test]
fn attributes_say_what_rfc_7643_section_8_7_says() {
    let user = serde_json::to_value(builtin::user()).unwrap();
    let find = |name: &str| {
        let attributes = user["attributes"].as_array().unwrap();
        attributes
            .iter()
            .find(|a| a["name"] == name)
            .cloned()
            .unwrap()
    };
    let user_name = find("userName");
    assert_eq!(user_name["uniqueness"], "server");
    assert_eq!(user_name["required"], true);
    assert_eq!(user_name["caseExact"], false);
    let password = find("password");
    assert_eq!(password["mutability"], "writeOnly");
    assert_eq!(password["returned"], "never");
    let groups = find("groups");
    assert_eq!(groups["mutability"], "readOnly");
    assert_eq!(groups["multiValued"], true);
    let emails = find("emails");
    assert_eq!(emails["type"], "complex");
    let names: Vec<&str> = emails["subAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sub| sub["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["value", "display", "type", "primary"]);
    assert_eq!(
        find("x509Certificates")["subAttributes"][0]["type"],
        "binary"
    );
}

#[test]
fn no_complex_attribute_stands_inside_a_complex_one() {
    for schema in [
        builtin::user(),
        builtin::group(),
        builtin::enterprise_user(),
    ] {
        for attribute in &schema.attributes {
            for sub in &attribute.sub_attributes {
                assert!(
                    sub.sub_attributes.is_empty(),
                    "{}.{}",
                    attribute.name,
                    sub.name
                );
            }
        }
    }
}
