//! The OpenAPI 3.1 document of the admin API, from its operations and the types that they take and
//! answer.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use scim_mapping::ReferenceKind;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::access::Auditor;
use super::answer::One;
use super::examples::Examples;
use super::operation::{Operation, operations};
use super::{ADMIN, Problem};
use crate::console::outside::path_of;

pub(super) fn operations() -> Vec<Operation> {
    operations![show_openapi]
}

/// This document.
#[derive(Serialize)]
struct OpenApi(Value);

impl PartialSchema for OpenApi {
    fn schema() -> RefOr<Schema> {
        let document = ObjectBuilder::new().schema_type(Type::Object);
        let document = document.description(Some("An OpenAPI 3.1 document"));
        let info = json!({ "title": "ServiceOps SCIM: admin API", "version": "0.1.0" });
        let example = json!({ "openapi": "3.1.0", "info": info, "paths": {} });
        let document = document.examples([example]);
        RefOr::T(Schema::Object(document.build()))
    }
}

impl ToSchema for OpenApi {}

/// Read this document.
#[utoipa::path(get, path = "/openapi.json")]
fn show_openapi(by: Auditor) -> Result<One<OpenApi>, Problem> {
    Ok(One::new(OpenApi(document_below(path_of(
        &by.scim_endpoint,
    )))))
}

/// The document of a server that is reached below a path.
pub fn document_below(path: &str) -> Value {
    let mut document = document().clone();
    if let Some(url) = document.pointer_mut("/servers/0/url") {
        *url = json!(format!("{path}{ADMIN}"));
    }
    document
}

/// The document.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(written);
    &DOCUMENT
}

fn written() -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    // What the kinds of a catalogue are, a type with a parameter does not name by itself.
    let reference = (
        ReferenceKind::name().into_owned(),
        json!(ReferenceKind::schema()),
    );
    schemas.extend([reference]);
    for operation in super::operations() {
        let description = operation.description();
        let path = paths.entry(operation.path).or_default();
        let method = operation.method.as_str().to_lowercase();
        path.insert(method, json!(description.operation));
        let found = description.schemas.into_iter();
        schemas.extend(found.map(|(name, schema)| (name, json!(schema))));
    }
    schemas.values_mut().for_each(close_choices);
    Examples::of(&mut schemas).give(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ServiceOps SCIM: admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What administrators do, by script.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": ADMIN }],
        "security": [{ "apiKey": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`serviceops-scim api-key add`)",
                },
            },
        },
    })
}

/// A choice that is written as an object has one member and no other.
fn close_choices(schema: &mut Value) {
    let choices = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let members = choice.get("properties").and_then(Value::as_object);
        if members.is_some_and(|members| members.len() == 1)
            && let Some(choice) = choice.as_object_mut()
        {
            choice.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}
