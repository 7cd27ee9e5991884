//! Links `scim-protocol` alone: a PATCH of a document, what it changes, and what the request had
//! beyond the RFCs.

use scim_protocol::patch::PatchRequest;
use scim_protocol::resource::changes;
use scim_protocol::{Limits, Resource, ResourceDefinition, Tolerance};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (users, limits) = (ResourceDefinition::user(), Limits::default());
    let mut tolerance = Tolerance::default();
    let stored = json!({"userName": "ava", "active": true,
        "emails": [{"value": "ava@old.example", "type": "work"}]});
    let ava = Resource::read(&users, stored, &mut tolerance)?;

    // As Microsoft Entra ID sends it.
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ava@corp.example"},
        {"op": "Replace", "path": "active", "value": "False"}]});
    let request = PatchRequest::read(body, &limits, &mut tolerance)?;
    let patch = request.resolve(&users, &mut tolerance)?;
    // All of it, or nothing and an error.
    let patched = patch.apply(&ava, &mut tolerance)?;

    for change in changes(&users, ava.attributes(), patched.attributes()) {
        println!("{}", json!(change));
    }
    for deviation in tolerance.deviations() {
        println!("beyond the RFC: {}", deviation.name());
    }
    Ok(())
}
