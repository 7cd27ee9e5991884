//! The admin API, read from its OpenAPI document.

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

use super::super::{ConsoleAnswer, Failed, Visit};
use super::Shell;
use crate::api::{ADMIN, openapi};

struct Parameter {
    name: String,
    place: String,
    kind: String,
    required: bool,
    said: String,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Parameter>,
    body: String,
    /// The status and the body of an answer.
    responses: Vec<(String, String)>,
    problems: String,
    curl: String,
}

#[derive(Template)]
#[template(path = "api_docs.html")]
struct Docs {
    shell: Shell,
    base: String,
    parts: Vec<(String, Vec<Operation>)>,
    schemas: Vec<String>,
}

#[derive(Template)]
#[template(path = "schema.html")]
struct Schema {
    shell: Shell,
    name: String,
    schema: String,
    uses: Vec<String>,
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let document = openapi::document();
    let address = visit.console.scim_endpoint.split("/api/scim").next();
    let base = format!("{}{ADMIN}", address.unwrap_or_default());
    let mut parts: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (path, methods) in members(document, "/paths") {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tag = text(operation, "/tags/0");
            let operation = describe(&base, path, method, operation);
            parts.entry(tag).or_default().push(operation);
        }
    }
    let schemas = members(document, "/components/schemas");
    let page = Docs {
        shell: Shell::new(visit, "settings", "Admin API")?,
        base,
        parts: parts.into_iter().collect(),
        schemas: schemas.map(|(name, _)| name.clone()).collect(),
    };
    ConsoleAnswer::page(200, &page)
}

/// One schema.
pub(in super::super) fn schema(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let name = visit.part("schema");
    let mut schemas = members(openapi::document(), "/components/schemas");
    let (_, schema) = schemas
        .find(|(known, _)| *known == name)
        .ok_or(Failed::NotFound)?;
    let mut uses = Vec::new();
    references(schema, &mut uses);
    let page = Schema {
        shell: Shell::new(visit, "settings", name)?,
        name: name.to_owned(),
        schema: serde_json::to_string_pretty(schema).unwrap_or_default(),
        uses,
    };
    ConsoleAnswer::page(200, &page)
}

/// The names of the schemas that a schema is made of.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("$ref") {
                let name = kind(value);
                if !found.contains(&name) {
                    found.push(name);
                }
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// The document itself, for tools.
pub(in super::super) fn document(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let document = openapi::document_below(visit.console.outside.path());
    let written = serde_json::to_string_pretty(&document);
    let written = written.map_err(|error| Failed::internal(&error))?;
    Ok(ConsoleAnswer::file(
        "openapi.json",
        "application/json",
        written,
    ))
}

fn describe(base: &str, path: &str, method: &str, operation: &Value) -> Operation {
    let method = method.to_uppercase();
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let parameters = parameters.into_iter().flatten().map(|one| Parameter {
        name: text(one, "/name"),
        place: text(one, "/in"),
        kind: kind(one.pointer("/schema").unwrap_or(&Value::Null)),
        required: one.get("required") == Some(&Value::Bool(true)),
        said: text(one, "/description"),
    });
    let parameters: Vec<Parameter> = parameters.collect();
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    let body = body.map(kind).unwrap_or_default();
    let (mut answers, mut problems) = (Vec::new(), Vec::new());
    for (status, response) in members(operation, "/responses") {
        let schema = response.pointer("/content/application~1json/schema");
        match response.pointer("/content/application~1problem+json") {
            Some(_) => problems.push(status.as_str()),
            None => answers.push((status.clone(), schema.map(kind).unwrap_or_default())),
        }
    }
    let mut curl = format!("curl \"{base}{path}\" -H \"Authorization: Bearer $KEY\"");
    if method != "GET" {
        curl = format!("{curl} -X {method}");
    }
    if parameters.iter().any(|one| one.name == "If-Match") {
        curl.push_str(" -H \"If-Match: $ETAG\"");
    }
    if !body.is_empty() {
        curl.push_str(" -H \"Content-Type: application/json\" -d @body.json");
    }
    Operation {
        id: text(operation, "/operationId"),
        path: path.to_owned(),
        summary: text(operation, "/summary"),
        parameters,
        body,
        problems: problems.join(", "),
        responses: answers,
        curl,
        method,
    }
}

/// A schema in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(items) = schema.pointer("/properties/items/items") {
        return format!("page of {}", kind(items));
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        let options: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
        return options.join(", ");
    }
    text(schema, "/type")
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn members<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    let found = value.pointer(pointer).and_then(Value::as_object);
    found.into_iter().flatten()
}
