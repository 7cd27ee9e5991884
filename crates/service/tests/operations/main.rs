//! Every operation of a service provider, over a store in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod queries;
mod stores;
mod writes;

use chrono::{DateTime, Utc};
use scim_protocol::discovery::AuthenticationScheme;
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned, Uniqueness};
use scim_protocol::{Error, Limits, Profile, ResourceDefinition, Schema, Version};
use scim_service::store::Work;
use scim_service::{
    Answer, Environment, MemoryStore, Method, Policy, Request, ResourceStore, ResourceTransaction,
    Rollback, ServiceProvider, StoreError, Stored,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

const BASE: &str = "https://scim.example/v2";

/// Devices: a type of the test's own with an extension of its own.
fn devices() -> ResourceDefinition {
    use AttributeType::{Integer, String};
    let core = Schema {
        id: "urn:example:Device".into(),
        name: "Device".into(),
        description: "A device".into(),
        attributes: vec![
            Attribute::new("serial", String)
                .required()
                .exact()
                .unique(Uniqueness::Server),
            Attribute::new("rank", Integer),
            Attribute::new("pin", String)
                .mutable(Mutability::WriteOnly)
                .returned(Returned::Never),
            Attribute::new("maker", String).mutable(Mutability::Immutable),
        ],
    };
    let place = Schema {
        id: "urn:example:Place".into(),
        name: "Place".into(),
        description: "Where it stands".into(),
        attributes: vec![Attribute::new("room", String).unique(Uniqueness::Server)],
    };
    ResourceDefinition::new("Device", "/Devices", "Device", core).extended(place, false)
}

fn provider() -> ServiceProvider<MemoryStore> {
    let definitions = [
        ResourceDefinition::user(),
        ResourceDefinition::group(),
        devices(),
    ];
    ServiceProvider::new(MemoryStore::new(definitions), BASE, b"secret")
}

/// A clock that is put by the test.
#[derive(Default)]
struct Clock(AtomicI64);

impl Environment for Clock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + self.0.load(Ordering::Relaxed), 0).unwrap()
    }
}

fn send(provider: &impl Policy<Caller = ()>, method: Method, target: &str, body: &Value) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = Request {
        query,
        body: text.as_bytes(),
        ..Request::new(method, path)
    };
    scim_service::answer(provider, &(), &request)
}

fn get(provider: &impl Policy<Caller = ()>, target: &str) -> Value {
    let answer = send(provider, Method::Get, target, &Value::Null);
    assert_eq!(answer.status, 200, "{target}: {:?}", answer.document());
    answer.document().unwrap()
}

fn create(provider: &impl Policy<Caller = ()>, path: &str, body: Value) -> String {
    let answer = send(provider, Method::Post, path, &body);
    assert_eq!(answer.status, 201, "{:?}", answer.document());
    answer.document().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn device(serial: &str) -> Value {
    json!({"schemas": ["urn:example:Device"], "serial": serial})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// Puts a resource into a store under an id, without asking anybody.
fn put(store: &impl ResourceStore, kind: &str, id: &str, attributes: &Value) {
    let stored = Stored {
        id: id.to_owned(),
        attributes: attributes.as_object().unwrap().clone(),
        version: Version(1),
        created: DateTime::UNIX_EPOCH,
        last_modified: DateTime::UNIX_EPOCH,
    };
    let put = store.write(&mut |tx| Ok(tx.insert(kind, stored.clone())?));
    put.unwrap();
}
