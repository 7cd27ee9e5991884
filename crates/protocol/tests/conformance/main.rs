//! What the RFCs demand of this crate, section by section. `docs/conformance.md` lists every demand
//! with the test that holds it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod changes;
mod messages;
mod queries;
mod resources;

use scim_protocol::bulk::{BulkEntry, BulkRequest, BulkResult, References, resolve, response};
use scim_protocol::discovery::{Catalog, ServiceProviderConfig};
use scim_protocol::patch::PatchRequest;
use scim_protocol::query::{ListResponse, Page, Projection, Query};
use scim_protocol::resource::project;
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned, Schema, uri};
use scim_protocol::{
    ETag, Error, Filter, Limits, Profile, Resource, ResourceDefinition, ScimType, Tolerance,
};
use serde_json::{Value, json};

/// Users with an extension that has one attribute of every type.
fn users() -> ResourceDefinition {
    let badge = Schema::new(BADGE, "Badge").with([
        Attribute::new("number", AttributeType::Integer),
        Attribute::new("weight", AttributeType::Decimal),
        Attribute::new("since", AttributeType::DateTime),
        Attribute::new("picture", AttributeType::Binary),
        Attribute::new("serial", AttributeType::String)
            .exact()
            .mutable(Mutability::Immutable),
        Attribute::new("key", AttributeType::String).returned(Returned::Never),
    ]);
    ResourceDefinition::user().extended(badge, false)
}

const BADGE: &str = "urn:example:2.0:Badge";

fn strict() -> Tolerance {
    Tolerance::new(Profile::Strict)
}

fn body(attributes: Value) -> Value {
    let mut body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER, BADGE], "userName": "ava"});
    let members = body.as_object_mut().unwrap();
    members.extend(attributes.as_object().unwrap().clone());
    body
}

fn read(attributes: Value) -> Result<Resource, Error> {
    Resource::read(&users(), body(attributes), &mut strict())
}

/// A user as it is stored.
fn stored(attributes: Value) -> Resource {
    let mut resource = Resource::from_map(body(attributes).as_object().unwrap().clone());
    resource.list_schemas(&users());
    resource
}

fn patch(resource: &Resource, operations: Value) -> Result<Resource, Error> {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let request = PatchRequest::read(body, &Limits::default(), &mut strict())?;
    let users = users();
    let patch = request.resolve(&users, &mut strict())?;
    patch.apply(resource, &mut strict())
}

fn matches(filter: &str, resource: &Resource) -> Result<bool, Error> {
    let filter = Filter::parse(filter, &Limits::default(), &mut strict())?;
    let condition = filter.bind(&users(), &mut strict())?;
    Ok(condition.matches(resource.attributes()))
}

fn scim_type<T: std::fmt::Debug>(result: Result<T, Error>) -> ScimType {
    result.unwrap_err().scim_type().unwrap()
}
