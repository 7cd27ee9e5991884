//! What ServiceOps says of itself.

use crate::house::House;

#[test]
fn clients_are_told_which_token_is_theirs() {
    let config = House::new().get("/ServiceProviderConfig");
    assert_eq!(
        config["authenticationSchemes"][0]["description"],
        "The authentication token of a provisioning configuration, sent as a bearer token."
    );
}
