//! The OpenAPI 3.1 document of the admin API, from its routes and the types that it answers.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::answer::ApiAnswer;
use super::handlers::Answered;
use super::input;
use super::records::{actions, outcomes, states};
use super::routes::{Gives, ROUTES, Route};
use super::{ADMIN, Call};
use crate::documents;

#[derive(OpenApi)]
#[openapi(components(schemas(
    documents::Configuration,
    documents::Token,
    documents::IssuedTokenDocument,
    documents::Mapping,
    documents::Version,
    documents::Held,
    documents::Link,
    documents::Event,
    documents::User,
    documents::Group,
    documents::Member,
    documents::Account,
    documents::AccountUser,
    documents::ApiKey,
    documents::IssuedKey,
    documents::Made,
    documents::Audit,
    documents::ProblemDocument,
    input::ConfigurationInput,
    input::TokenInput,
    input::TokenEnd,
    input::VersionInput,
    input::LinkInput,
    input::DismissedLinkInput,
    input::UserInput,
    input::GroupInput,
    input::DraftInput,
    input::HeldInput,
    input::NewKey,
    scim_mapping::CustomField,
    scim_mapping::Preview,
    scim_provisioning::Policies,
    scim_provisioning::reapply::Impact,
)))]
struct Schemas;

pub(super) fn show(_call: &Call<'_>) -> Answered {
    Ok(ApiAnswer::document(document().clone()))
}

/// The document.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(written);
    &DOCUMENT
}

fn written() -> Value {
    let derived = json!(Schemas::openapi());
    let mut schemas = derived
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    schemas.values_mut().for_each(close_choices);
    schemas.insert(
        "ScimResource".to_owned(),
        json!({ "type": "object", "description": "A SCIM resource (RFC 7643)" }),
    );
    schemas.insert(
        "OpenApi".to_owned(),
        json!({ "type": "object", "description": "An OpenAPI 3.1 document" }),
    );
    let mut paths = Map::new();
    for route in ROUTES {
        let names = parameters(route);
        let path = paths
            .entry(template(route, &names))
            .or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_lowercase(), operation(route, &names));
        }
    }
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

/// The names of the parts of a path that vary.
fn parameters(route: &Route) -> Vec<&'static str> {
    let mut before = "";
    let mut names = Vec::new();
    for part in route.path.split('/') {
        if part == "*" {
            names.push(match before {
                "configurations" => "configuration",
                "tokens" => "token",
                "mappings" => "resource",
                "events" => "event",
                "users" => "user",
                "groups" => "group",
                "custom-fields" => "key",
                "accounts" => "account",
                _ => "apiKey",
            });
        }
        before = part;
    }
    names
}

fn template(route: &Route, names: &[&str]) -> String {
    let filled = |path: String, name: &&str| path.replacen('*', &format!("{{{name}}}"), 1);
    names.iter().fold(route.path.to_owned(), filled)
}

fn operation(route: &Route, names: &[&str]) -> Value {
    let tag = route.path.split('/').nth(1).unwrap_or_default();
    let words = route
        .path
        .split('/')
        .filter(|part| !part.is_empty() && *part != "*");
    let id: Vec<&str> = std::iter::once(route.method).chain(words).collect();
    let last = if route.path.ends_with('*') {
        "_one"
    } else {
        ""
    };
    let mut given: Vec<Value> = names.iter().map(|name| path_parameter(name)).collect();
    given.extend(route.query.iter().map(|name| query_parameter(name)));
    if route.current.is_some() {
        given.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "The ETag that was read, or * for whatever is there",
            "schema": { "type": "string" },
        }));
    }
    let needs: Vec<&str> = route.needs.iter().map(|scope| scope.as_str()).collect();
    let mut operation = json!({
        "operationId": format!("{}{last}", id.join("_").to_lowercase().replace(['-', '.'], "_")),
        "summary": route.summary,
        "tags": [tag],
        "parameters": given,
        "responses": responses(route),
        // The scopes that the key needs.
        "security": [{ "apiKey": needs }],
    });
    if let (Some(schema), Some(members)) = (route.takes, operation.as_object_mut()) {
        let required = schema != "TokenInput";
        let content = json!({ "application/json": { "schema": reference(schema) } });
        let body = json!({ "required": required, "content": content });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn path_parameter(name: &str) -> Value {
    let (schema, said) = match name {
        "resource" => (
            json!({ "type": "string", "enum": ["user", "group"] }),
            "Whose mapping",
        ),
        "event" => (
            json!({ "type": "integer", "minimum": 1 }),
            "The number of the entry",
        ),
        "configuration" => (
            json!({ "type": "string", "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,100}$" }),
            "The id or the name",
        ),
        "key" => (
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$" }),
            "The key of the field",
        ),
        _ => (json!({ "type": "string", "pattern": ID }), "The id"),
    };
    json!({ "name": name, "in": "path", "required": true, "description": said, "schema": schema })
}

fn query_parameter(name: &str) -> Value {
    let (schema, said) = match name {
        "limit" => (
            json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }),
            "How many items a page has",
        ),
        "cursor" => (
            json!({ "type": "string", "pattern": ID }),
            "`next` of the page before",
        ),
        NUMBER_CURSOR => (
            json!({ "type": "string", "pattern": "^[0-9]{1,18}$" }),
            "`next` of the page before",
        ),
        "q" => (
            json!({ "type": "string" }),
            "A text to look for: of log entries how the name begins, or an id",
        ),
        "outcome" => (
            json!({ "type": "string", "enum": outcomes() }),
            "How it ended",
        ),
        "state" => (
            json!({ "type": "string", "enum": states() }),
            "Failures and warnings that are not resolved, or what is resolved",
        ),
        "action" => (
            json!({ "type": "string", "enum": actions() }),
            "What was done or attempted",
        ),
        "status" => (
            json!({ "type": "string", "enum": ["active", "blocked", "archived"] }),
            "How the user is",
        ),
        "userType" => (
            json!({ "type": "string", "enum": ["requester", "technician"] }),
            "What the user is, by the user's own record",
        ),
        "resourceType" => (
            json!({ "type": "string", "enum": ["User", "Group"] }),
            "To what",
        ),
        "since" => (
            json!({ "type": "string", "format": "date-time" }),
            "At this time or later",
        ),
        "until" => (
            json!({ "type": "string", "format": "date-time" }),
            "Before this time",
        ),
        "version" => (
            json!({ "type": "string", "pattern": "^(draft|active|[1-9][0-9]{0,8})$" }),
            "`draft`, `active` or the number of a version",
        ),
        "configuration" => (json!({ "type": "string" }), "The id or the name"),
        "event" => (
            json!({ "type": "string" }),
            "How the event begins, such as `token.`",
        ),
        _ => (json!({ "type": "string" }), "Exactly this"),
    };
    let name = if name == NUMBER_CURSOR {
        "cursor"
    } else {
        name
    };
    json!({ "name": name, "in": "query", "description": said, "schema": schema })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let content = |schema: Value| json!({ "application/json": { "schema": schema } });
    let tag = json!({ "ETag": { "schema": { "type": "string" } } });
    let (status, good) = match route.gives {
        Gives::One(schema) => (
            "200",
            json!({ "description": "It", "headers": tag, "content": content(reference(schema)) }),
        ),
        Gives::Computed(schema) => (
            "200",
            json!({ "description": "It", "content": content(reference(schema)) }),
        ),
        Gives::Page(schema) => {
            let page = json!({
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": { "type": "array", "items": reference(schema) },
                    "next": { "type": ["string", "null"], "description": "The cursor of the next page" },
                },
            });
            (
                "200",
                json!({ "description": "A page", "content": content(page) }),
            )
        }
        Gives::Created(schema) => {
            let location = json!({ "Location": { "schema": { "type": "string" } } });
            (
                "201",
                json!({ "description": "It is there", "headers": location, "content": content(reference(schema)) }),
            )
        }
        Gives::Nothing => ("204", json!({ "description": "Done" })),
    };
    responses.insert(status.to_owned(), good);
    let problem = json!({ "application/problem+json": { "schema": reference("ProblemDocument") } });
    let mut bad = vec![
        ("400", "The request cannot be read"),
        ("401", "No live API key was shown"),
        ("403", "The role or the scopes of the key do not allow it"),
        ("404", "There is no such thing"),
        ("413", "The body is too long"),
        ("429", "Authentication failed too often"),
        (
            "503",
            "Too much is going on at once, or the database cannot be used; `Retry-After` says when to try again",
        ),
    ];
    if route.method != "GET" {
        bad.push(("409", "A name is in use, or there are two live tokens"));
        bad.push(("422", "A value does not fit"));
    }
    if route.current.is_some() {
        bad.push(("412", "It was changed meanwhile"));
        bad.push(("428", "If-Match is missing"));
    }
    for (status, said) in bad {
        let answer = json!({ "description": said, "content": problem });
        responses.insert(status.to_owned(), answer);
    }
    Value::Object(responses)
}

/// The name among a route's parameters for a cursor that is a number.
pub(super) const NUMBER_CURSOR: &str = "cursor, a number";
const ID: &str = "^[0-9A-Za-z-]{1,64}$";

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference below a value.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    found.push(to.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_route_is_described_and_every_schema_is_there() {
        let document = document();
        let mut operations = Vec::new();
        for path in document["paths"].as_object().unwrap().values() {
            for operation in path.as_object().unwrap().values() {
                operations.push(operation["operationId"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(operations.len(), ROUTES.len());
        operations.sort_unstable();
        operations.dedup();
        assert_eq!(operations.len(), ROUTES.len(), "{operations:?}");
        let mut found = Vec::new();
        references(document, &mut found);
        for to in found {
            assert!(
                document.pointer(to.trim_start_matches('#')).is_some(),
                "{to}"
            );
        }
    }
}
