//! The examples of the OpenAPI document.

use scim_admin::declaration::Declaration;
use scim_mapping::CustomField;
use scim_provisioning::Policies;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::{input, openapi};

#[test]
fn every_operation_has_examples_that_its_schemas_allow() {
    let document = openapi::document();
    let mut wrong = Vec::new();
    let mut look = |place: &str, content: &Value| match content.get("example") {
        None => wrong.push(format!("{place}: no example")),
        Some(example) => {
            let found = misfit(document, &content["schema"], example);
            wrong.extend(found.map(|found| format!("{place}{found}")));
        }
    };
    let mut bodies = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let place = format!("{method} {path}");
            if let Some(body) = operation.get("requestBody") {
                look(
                    &format!("{place} sends "),
                    &body["content"]["application/json"],
                );
                bodies += 1;
            }
            let answers = operation["responses"].as_object().unwrap();
            for (status, answer) in answers.iter().filter(|(status, _)| status.starts_with('2')) {
                if let Some(content) = answer.pointer("/content/application~1json") {
                    look(&format!("{place} answers {status} "), content);
                    bodies += 1;
                }
            }
        }
    }
    assert!(bodies > 100, "{bodies}");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for example in schema
            .get("examples")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            wrong.extend(
                misfit(document, schema, example).map(|found| format!("{name} has {found}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_secret_is_in_the_answer_that_makes_it_and_no_other() {
    let paths = &openapi::document()["paths"];
    let shown = |method: &str, status: &str| {
        let at = format!("/~1configurations/{method}/responses/{status}/content");
        let at = format!("{at}/application~1json/example");
        paths.pointer(&at).unwrap()
    };
    assert!(shown("post", "201")["token"]["value"].is_string());
    assert!(shown("get", "200")["items"][0].get("token").is_none());
}

#[test]
fn what_examples_send_is_read_as_its_type() {
    let document = openapi::document();
    let mut named = Vec::new();
    for operation in document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|operations| operations.as_object().unwrap().values())
    {
        let Some(content) = operation.pointer("/requestBody/content/application~1json") else {
            continue;
        };
        let name = content["schema"]["$ref"].as_str().unwrap();
        let name = name.rsplit('/').next().unwrap();
        let example = &content["example"];
        // Two that are any object: what an identity provider sends or exports.
        if !["ScimResource", "ForeignMapping"].contains(&name) {
            let known = READERS.iter().find(|(known, _)| *known == name);
            let (_, read) = known.unwrap_or_else(|| panic!("no reader of {name}"));
            assert!(read(example), "{name}: {example}");
        }
        named.push(name.to_owned());
    }
    for (name, _) in READERS {
        assert!(
            named.iter().any(|one| one == name),
            "{name} is sent nowhere"
        );
    }
}

type Reader = fn(&Value) -> bool;

/// How each body is read.
const READERS: &[(&str, Reader)] = &[
    ("ConfigurationInput", reads::<input::ConfigurationInput>),
    ("CustomField", reads::<CustomField>),
    ("Declaration", reads::<Declaration>),
    ("DismissedLinkInput", reads::<input::DismissedLinkInput>),
    ("DraftInput", reads::<input::DraftInput>),
    ("GoLiveInput", reads::<input::GoLiveInput>),
    ("GroupInput", reads::<input::GroupInput>),
    ("HeldInput", reads::<input::HeldInput>),
    ("LinkInput", reads::<input::LinkInput>),
    ("NewKey", reads::<input::NewKey>),
    ("NewStream", reads::<input::NewStream>),
    ("NewTable", reads::<input::NewTable>),
    ("Policies", reads::<Policies>),
    ("ReplayInput", reads::<input::ReplayInput>),
    ("RevokedTokens", reads::<input::RevokedTokens>),
    ("TableInput", reads::<input::TableInput>),
    ("TokenEnd", reads::<input::TokenEnd>),
    ("TokenInput", reads::<input::TokenInput>),
    ("UndoInput", reads::<input::UndoInput>),
    ("UserInput", reads::<input::UserInput>),
    ("VersionInput", reads::<input::VersionInput>),
];

fn reads<T: DeserializeOwned>(example: &Value) -> bool {
    serde_json::from_value::<T>(example.clone()).is_ok()
}

#[test]
fn the_checker_of_examples_finds_what_is_wrong() {
    let document = json!({"components": {"schemas": {"Name": {"type": "string", "maxLength": 3}}}});
    let schema = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"$ref": "#/components/schemas/Name"},
            "count": {"type": ["integer", "null"], "minimum": 1, "maximum": 5},
            "kinds": {"type": "array", "items": {"oneOf": [{"enum": ["a"]}, {"enum": ["b"]}]}},
        },
        "additionalProperties": false,
    });
    let fits = json!({"name": "Ava", "count": null, "kinds": ["a", "b"]});
    assert_eq!(misfit(&document, &schema, &fits), None);
    for wrong in [
        json!({}),
        json!([]),
        json!({"name": "Ava", "other": 1}),
        json!({"name": "Avas"}),
        json!({"name": "Ava", "count": 1.5}),
        json!({"name": "Ava", "count": 6}),
        json!({"name": "Ava", "kinds": ["c"]}),
    ] {
        assert!(misfit(&document, &schema, &wrong).is_some(), "{wrong}");
    }
}

/// Where a value does not fit a schema, of the keywords that the document uses.
fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let Some(members) = schema.as_object() else {
        return (schema == &json!(false)).then(|| format!("{value} where nothing may be"));
    };
    let length = value.as_str().map(|text| text.chars().count() as f64);
    let count = value.as_array().map(|items| items.len() as f64);
    for (keyword, said) in members {
        let number = || said.as_f64().unwrap();
        let at_least = |size: Option<f64>| size.is_none_or(|size| size >= number());
        let at_most = |size: Option<f64>| size.is_none_or(|size| size <= number());
        let fits = match keyword.as_str() {
            "$ref" => {
                let at = said.as_str().unwrap().trim_start_matches('#');
                let there = document.pointer(at).expect(at);
                match misfit(document, there, value) {
                    None => true,
                    within => return within,
                }
            }
            "type" => match said {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "enum" => said.as_array().unwrap().contains(value),
            "oneOf" => {
                let choices = said.as_array().unwrap().iter();
                choices
                    .filter(|choice| misfit(document, choice, value).is_none())
                    .count()
                    == 1
            }
            "required" => value.as_object().is_none_or(|object| {
                let mut names = said.as_array().unwrap().iter();
                names.all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                let found = said.as_object().unwrap().iter().find_map(|(name, schema)| {
                    let within = misfit(document, schema, value.get(name)?)?;
                    Some(format!(".{name}{within}"))
                });
                if found.is_some() {
                    return found;
                }
                true
            }
            "additionalProperties" => {
                let known = members.get("properties").and_then(Value::as_object);
                value.as_object().is_none_or(|object| {
                    object.iter().all(|(name, value)| {
                        known.is_some_and(|known| known.contains_key(name))
                            || misfit(document, said, value).is_none()
                    })
                })
            }
            "items" => {
                let found = value
                    .as_array()
                    .and_then(|items| items.iter().find_map(|item| misfit(document, said, item)));
                if let Some(within) = found {
                    return Some(format!("[]{within}"));
                }
                true
            }
            "minimum" => at_least(value.as_f64()),
            "maximum" => at_most(value.as_f64()),
            "minLength" => at_least(length),
            "maxLength" => at_most(length),
            "minItems" => at_least(count),
            "maxItems" => at_most(count),
            "format" if said == "date-time" => {
                let text = value.as_str().unwrap_or_default();
                text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()
            }
            // What only says how large a number is, or is for readers; names of tables are the one
            // pattern.
            "format" | "description" | "default" | "examples" | "example" | "pattern"
            | "propertyNames" => true,
            other => panic!("the keyword {other} is not looked at"),
        };
        if !fits {
            return Some(format!(": {value} against {keyword} {said}"));
        }
    }
    None
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type {other} is not looked at"),
    }
}
