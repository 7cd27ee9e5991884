//! The examples of the OpenAPI document: of each body that is sent, and of each document that is
//! answered.
//!
//! They are composed of those that stand at the types. Of a type stands there what is its own; what it
//! holds of other types has their example, and a placeholder (`{}` or `[{}]`) where it need not be
//! there. So a value is written once, and a person is the same person everywhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Composes examples from the schemas that the document has.
pub(super) struct Examples {
    schemas: BTreeMap<String, Value>,
}

/// Where an example stands: not everything is shown everywhere.
#[derive(Clone, Copy)]
struct Place {
    lists: bool,
    reads: bool,
    creates: bool,
}

impl Examples {
    /// Takes the schemas, each of which has its whole example from then on.
    pub(super) fn of(schemas: &mut BTreeMap<String, Value>) -> Self {
        let examples = Self {
            schemas: schemas.clone(),
        };
        for schema in schemas.values_mut() {
            let example = example_of(schema)
                .is_some()
                .then(|| examples.compose(schema, None, Place::ONE))
                .flatten();
            if let (Some(example), Some(schema)) = (example, schema.as_object_mut()) {
                // The plural alone belongs into a JSON Schema.
                schema.remove("example");
                schema.insert("examples".to_owned(), json!([example]));
            }
        }
        examples
    }

    /// Gives the operations of these paths their examples.
    pub(super) fn give(&self, paths: &mut BTreeMap<String, Map<String, Value>>) {
        let operations = paths.values_mut().flat_map(Map::iter_mut);
        for (method, operation) in operations {
            let sent = operation.pointer_mut("/requestBody/content/application~1json");
            if let Some(content) = sent {
                self.give_to(content, Place::ONE);
            }
            for status in ["200", "201", "202"] {
                let at = format!("/responses/{status}/content/application~1json");
                let Some(content) = operation.pointer_mut(&at) else {
                    continue;
                };
                let place = Place {
                    lists: content.pointer("/schema/properties/items").is_some(),
                    reads: method == "get",
                    creates: status == "201",
                };
                self.give_to(content, place);
            }
        }
    }

    fn give_to(&self, content: &mut Value, place: Place) {
        let example = content
            .get("schema")
            .and_then(|schema| self.compose(schema, None, place));
        if let (Some(example), Some(content)) = (example, content.as_object_mut()) {
            content.insert("example".to_owned(), example);
        }
    }

    /// An example of a schema, in which `said` is as it is said.
    fn compose(&self, schema: &Value, said: Option<&Value>, place: Place) -> Option<Value> {
        let name = schema.get("$ref").and_then(Value::as_str);
        if let Some(name) = name.and_then(|name| name.strip_prefix(SCHEMAS)) {
            return self.compose(self.schemas.get(name)?, said, place);
        }
        if said == Some(&Value::Null) {
            return Some(Value::Null);
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            // Of what may be null the other choice is filled in.
            return match said {
                Some(said) if !choices.iter().any(is_null) => Some(said.clone()),
                _ => self.compose(choices.iter().find(|one| !is_null(one))?, said, place),
            };
        }
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            return self.compose_object(schema, members, said, place);
        }
        match (schema.get("items"), said) {
            (Some(items), Some(Value::Array(said))) => said
                .iter()
                .map(|one| self.compose(items, Some(one), place))
                .collect::<Option<_>>()
                .map(Value::Array),
            (_, Some(said)) => Some(said.clone()),
            (items, None) => {
                let usual = example_of(schema).or_else(|| schema.get("default"));
                let first = || schema.pointer("/enum/0");
                let of_items = || Some(json!([self.compose(items?, None, place)?]));
                usual.or_else(first).cloned().or_else(of_items)
            }
        }
    }

    fn compose_object(
        &self,
        schema: &Value,
        members: &Map<String, Value>,
        said: Option<&Value>,
        place: Place,
    ) -> Option<Value> {
        let own = example_of(schema);
        let required = schema.get("required").and_then(Value::as_array);
        let mut composed = Map::new();
        for (name, member) in members {
            let said = said.and_then(|said| said.get(name));
            let said = said.or_else(|| own.and_then(|own| own.get(name)));
            let required = required.is_some_and(|names| names.iter().any(|one| one == name));
            let created = place.creates && name == "token";
            if !required && !created && (said.is_none() || !place.shows(name)) {
                continue;
            }
            composed.insert(name.clone(), self.compose(member, said, place)?);
        }
        Some(Value::Object(composed))
    }
}

impl Place {
    const ONE: Self = Self {
        lists: false,
        reads: true,
        creates: false,
    };

    /// Whether a member is shown here that is not shown everywhere.
    fn shows(self, member: &str) -> bool {
        match member {
            "detail" | "mapping" => !self.lists,
            "changes" | "leaves" => self.reads,
            _ => true,
        }
    }
}

fn example_of(schema: &Value) -> Option<&Value> {
    schema
        .get("example")
        .or_else(|| schema.pointer("/examples/0"))
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

const SCHEMAS: &str = "#/components/schemas/";
