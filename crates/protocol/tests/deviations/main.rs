//! Every accepted deviation: what it means under the tolerant profile, and that the strict one
//! refuses it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod filters;
mod names;
mod unread;
mod values;

use scim_protocol::filter::{Filter, SortKey};
use scim_protocol::patch::PatchRequest;
use scim_protocol::query::Projection;
use scim_protocol::resource::Projector;
use scim_protocol::schema::{Attribute, AttributeType, Schema, uri};
use scim_protocol::{
    Deviation, Error, Limits, Profile, Resource, ResourceDefinition, ScimType, Tolerance,
};
use serde_json::{Value, json};

const BADGE: &str = "urn:example:2.0:User";

fn users() -> ResourceDefinition {
    let badge = Schema {
        id: "urn:example:2.0:User".to_owned(),
        name: "Badge".to_owned(),
        description: String::new(),
        attributes: vec![
            Attribute::new("number", AttributeType::Integer),
            Attribute::new("ratio", AttributeType::Decimal),
            Attribute::new("issued", AttributeType::DateTime),
            Attribute::new("lost", AttributeType::Boolean),
            Attribute::new("photo", AttributeType::Reference),
            Attribute::new("key", AttributeType::Binary),
            Attribute::new("sites", AttributeType::String).multi(),
            Attribute::new("room", AttributeType::String),
        ],
    };
    ResourceDefinition::user().extended(badge, false)
}

fn read(body: Value, tolerance: &mut Tolerance) -> Result<Resource, Error> {
    Resource::read(&users(), body, tolerance)
}

fn stored() -> Resource {
    let body = json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "ava", "title": "Guide",
        "emails": [{"value": "a@x.example", "type": "work"}, {"value": "b@x.example", "type": "home"}],
        uri::ENTERPRISE_USER: {"manager": {"value": "boss"}},
    });
    let mut resource = read(body, &mut Tolerance::new(Profile::Strict)).unwrap();
    resource.attributes_mut().insert("id".into(), json!("7"));
    resource
}

fn patch(operations: Value, tolerance: &mut Tolerance) -> Result<Resource, Error> {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    patch_body(body, tolerance)
}

fn patch_body(body: Value, tolerance: &mut Tolerance) -> Result<Resource, Error> {
    let users = users();
    let request = PatchRequest::read(body, &Limits::default(), tolerance)?;
    let patch = request.resolve(&users, tolerance)?;
    patch.check_id("7")?;
    patch.apply(&stored(), tolerance)
}

fn filter(text: &str, tolerance: &mut Tolerance) -> Result<bool, Error> {
    let filter = Filter::parse(text, &Limits::default(), tolerance)?;
    let condition = filter.bind(&users(), tolerance)?;
    Ok(condition.matches(stored().attributes()))
}

/// Accepted and noted by name under the tolerant profile, refused under the strict one.
fn accepted<T>(
    name: &str,
    refused: ScimType,
    work: impl Fn(&mut Tolerance) -> Result<T, Error>,
) -> T {
    let mut tolerance = Tolerance::default();
    let result = work(&mut tolerance).unwrap();
    let names: Vec<_> = tolerance.deviations().iter().map(Deviation::name).collect();
    assert_eq!(names, [name]);
    match work(&mut Tolerance::new(Profile::Strict)) {
        Ok(_) => panic!("the strict profile accepts {name}"),
        Err(error) => assert_eq!(error.scim_type(), Some(refused), "{error:?}"),
    }
    result
}
