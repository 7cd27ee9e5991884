//! What ServiceOps says of itself.

use serde_json::json;

use crate::house::House;

#[test]
fn security_events_are_told_of_where_there_are_any() {
    const URIS: [&str; 1] = ["urn:ietf:params:scim:event:prov:delete"];
    let mut house = House::new();
    let schema = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    let told = |house: &House| {
        let attributes = house.get(schema)["attributes"].as_array().unwrap().clone();
        attributes
            .iter()
            .any(|known| known["name"] == "securityEvents")
    };
    assert_eq!(
        house.get("/ServiceProviderConfig").get("securityEvents"),
        None
    );
    assert!(!told(&house));
    house.tell_events(&URIS);
    let events = &house.get("/ServiceProviderConfig")["securityEvents"];
    assert_eq!(events, &json!({"asyncRequest": "none", "eventUris": URIS}));
    assert!(told(&house));
}

#[test]
fn clients_are_told_which_token_is_theirs() {
    let config = House::new().get("/ServiceProviderConfig");
    assert_eq!(
        config["authenticationSchemes"][0]["description"],
        "The authentication token of a provisioning configuration, sent as a bearer token."
    );
}
