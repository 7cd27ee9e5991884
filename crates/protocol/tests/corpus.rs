//! The corpus of filters and PATCH requests in `tests/fixtures/corpus`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    clippy::string_slice
)]

use std::collections::BTreeSet;

use scim_protocol::filter::Comparand;
use scim_protocol::patch::PatchRequest;
use scim_protocol::resource::{changes, same};
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Schema};
use scim_protocol::{
    Deviation, Error, Filter, Limits, Profile, Resource, ResourceDefinition, Tolerance,
};
use serde_json::{Map, Value};

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

fn corpus(name: &str) -> Value {
    let path = format!(
        "{}/../../tests/fixtures/corpus/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The built-in User with the extension that the corpus makes up.
fn users(corpus: &Value) -> ResourceDefinition {
    let attributes = corpus["attributes"].as_array().unwrap();
    let attributes = attributes.iter().filter_map(|definition| {
        let name = definition["path"].as_str()?.strip_prefix(BADGE)?;
        let mut attribute = Attribute::new(&name[1..], AttributeType::String);
        attribute.kind = serde_json::from_value(definition["type"].clone()).unwrap();
        attribute.multi_valued = definition["multiValued"] == true;
        attribute.case_exact = definition["caseExact"] == true;
        if let Some(mutability) = definition["mutability"].as_str() {
            attribute.mutability = match mutability {
                "immutable" => Mutability::Immutable,
                _ => Mutability::ReadOnly,
            };
        }
        Some(attribute)
    });
    let badge = Schema {
        id: BADGE.to_owned(),
        name: "Badge".to_owned(),
        description: String::new(),
        attributes: attributes.collect(),
    };
    ResourceDefinition::user().extended(badge, false)
}

/// The s-expression of a filter, names in lower case.
fn tree(filter: &Filter) -> String {
    let all = |parts: &[Filter]| parts.iter().map(tree).collect::<Vec<_>>().join(" ");
    match filter {
        Filter::And(parts) => format!("(and {})", all(parts)),
        Filter::Or(parts) => format!("(or {})", all(parts)),
        Filter::Not(part) => format!("(not {})", tree(part)),
        Filter::Present(path) => format!("(pr {})", path.to_string().to_lowercase()),
        Filter::Comparison {
            path,
            operator,
            value,
        } => {
            let value = match value {
                Comparand::Number(number) => number.as_f64().unwrap().to_string(),
                other => other.to_string(),
            };
            let path = path.to_string().to_lowercase();
            format!("({} {path} {value})", operator.as_str())
        }
        Filter::ValuePath { path, filter } => {
            format!(
                "(some {} {})",
                path.to_string().to_lowercase(),
                tree(filter)
            )
        }
    }
}

/// An s-expression in the same form: names in lower case, strings and numbers rewritten.
fn normal(expected: &str) -> String {
    let mut out = String::new();
    let mut rest = expected;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            let value = stream.next().unwrap().unwrap();
            out.push_str(&value.to_string());
            rest = &rest[stream.byte_offset()..];
        } else if first == '(' || first == ')' || first == ' ' {
            out.push(first);
            rest = &rest[1..];
        } else {
            let end = rest.find(['(', ')', ' ']).unwrap_or(rest.len());
            match rest[..end].parse::<f64>() {
                Ok(number) => out.push_str(&number.to_string()),
                Err(_) => out.push_str(&rest[..end].to_lowercase()),
            }
            rest = &rest[end..];
        }
    }
    out
}

#[test]
fn filters() {
    let corpus = corpus("filters.json");
    let (users, groups) = (users(&corpus), ResourceDefinition::group());
    let mut failures = Vec::new();
    for case in corpus["cases"].as_array().unwrap() {
        let text = case["filter"].as_str().unwrap();
        let mut tolerance = Tolerance::default();
        let parsed = Filter::parse(text, &Limits::default(), &mut tolerance);
        let verdict = match (case["parse"].as_str().unwrap(), &parsed) {
            ("accept", Err(error)) => Err(format!("refused: {error}")),
            ("reject", Ok(filter)) => Err(format!("accepted as {}", tree(filter))),
            (_, Ok(filter)) => evaluate(case, filter, &corpus, &users, &groups),
            _ => Ok(()),
        };
        if let Err(why) = verdict {
            failures.push(format!("{} {text:.80}: {why}", case["id"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn evaluate(
    case: &Value,
    filter: &Filter,
    corpus: &Value,
    users: &ResourceDefinition,
    groups: &ResourceDefinition,
) -> Result<(), String> {
    if let Some(expected) = case["tree"].as_str()
        && tree(filter) != normal(expected)
    {
        return Err(format!(
            "parsed as {}, not {}",
            tree(filter),
            normal(expected)
        ));
    }
    let again: Filter = filter
        .to_string()
        .parse()
        .map_err(|e| format!("shown as {filter}: {e}"))?;
    if again != *filter {
        return Err(format!("shown as {filter}, which is another filter"));
    }
    let bound = filter.bind(users, &mut Tolerance::default());
    if let Some(scim_type) = case["eval_error"].as_str() {
        return match bound {
            Err(error) if error.scim_type().is_some_and(|t| t.as_str() == scim_type) => Ok(()),
            other => Err(format!("bound to {other:?}")),
        };
    }
    let Some(matches) = case["matches"].as_array() else {
        // What matches is open; it must bind to one of the schemas or be refused, and not panic.
        drop(filter.bind(groups, &mut Tolerance::default()));
        return Ok(());
    };
    let condition = bound.map_err(|error| error.to_string())?;
    let found: BTreeSet<&str> = corpus["resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|resource| condition.matches(resource.as_object().unwrap()))
        .map(|resource| resource["id"].as_str().unwrap())
        .collect();
    let ids = |value: &Value| -> BTreeSet<String> {
        let ids = value.as_array().into_iter().flatten();
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let open = ids(&case["open"]);
    let wanted: BTreeSet<String> = matches
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    let closed: BTreeSet<String> = found
        .iter()
        .map(|id| (*id).to_owned())
        .filter(|id| !open.contains(id))
        .collect();
    if closed == wanted {
        Ok(())
    } else {
        Err(format!("matches {found:?}, not {wanted:?}"))
    }
}

#[test]
fn patches() {
    let corpus = corpus("patches.json");
    let (users, groups) = (users(&corpus), ResourceDefinition::group());
    let mut failures = Vec::new();
    for case in corpus["cases"].as_array().unwrap() {
        let before = corpus["resources"]
            .as_array()
            .unwrap()
            .iter()
            .find(|resource| resource["name"] == case["before"])
            .map(|resource| resource["resource"].as_object().unwrap().clone())
            .unwrap();
        let is_group = before["meta"]["resourceType"] == "Group";
        let definition = if is_group { &groups } else { &users };
        let result = patch(definition, &before, case);
        let outcomes =
            std::iter::once(case).chain(case["also_ok"].as_array().into_iter().flatten());
        let mut whys = Vec::new();
        let fits = outcomes
            .map(|outcome| fits(definition, outcome, &result))
            .any(|verdict| verdict.map_err(|why| whys.push(why)).is_ok());
        if !fits {
            failures.push(format!("{}: {}", case["id"], whys.join("; or: ")));
            continue;
        }
        if let (Ok(after), Some(changed)) = (&result, case["changed"].as_bool())
            && case["also_ok"].is_null()
            && changes(definition, &before, after).is_empty() == changed
        {
            failures.push(format!("{}: changed is not {changed}", case["id"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn patch(
    definition: &ResourceDefinition,
    before: &Map<String, Value>,
    case: &Value,
) -> Result<Map<String, Value>, Error> {
    let body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": case["operations"],
    });
    let patched = |mut tolerance: Tolerance| {
        let request = PatchRequest::read(body.clone(), &Limits::default(), &mut tolerance)?;
        let patch = request.resolve(definition, &mut tolerance)?;
        let after = patch.apply(&Resource::from_map(before.clone()), &mut tolerance)?;
        Ok((after.into_map(), tolerance))
    };
    let (after, tolerance) = patched(Tolerance::default())?;
    // What every tolerant configuration creates is `noTarget` to the letter of the RFC.
    let created = |deviation: &Deviation| matches!(deviation, Deviation::CreatedByFilter(_));
    if case["dialect"].is_null() && tolerance.deviations().iter().any(created) {
        return patched(Tolerance::new(Profile::Strict)).map(|(after, _)| after);
    }
    Ok(after)
}

fn fits(
    definition: &ResourceDefinition,
    outcome: &Value,
    result: &Result<Map<String, Value>, Error>,
) -> Result<(), String> {
    match (outcome["after"].as_object(), result) {
        (Some(expected), Ok(after)) => {
            let (expected_members, members) = (without_display(expected), without_display(after));
            let differences = changes(definition, &expected_members, &members);
            let expected_schemas = &expected["schemas"];
            let schemas = definition.attribute("schemas").unwrap();
            if differences.is_empty() && same(schemas, expected_schemas, &after["schemas"]) {
                Ok(())
            } else {
                Err(format!("{differences:?}, schemas {}", after["schemas"]))
            }
        }
        (None, Err(error)) => {
            let wanted = outcome["error"]["scimType"].as_array().unwrap();
            let scim_type = error.scim_type().map(scim_protocol::ScimType::as_str);
            if wanted.iter().any(|w| w.as_str() == scim_type)
                && outcome["error"]["status"] == error.status()
            {
                Ok(())
            } else {
                Err(format!("{error:?}, not {wanted:?}"))
            }
        }
        (Some(_), Err(error)) => Err(format!("refused: {error}")),
        (None, Ok(_)) => Err("accepted".to_owned()),
    }
}

/// `display` of a member is the server's to look up.
fn without_display(resource: &Map<String, Value>) -> Map<String, Value> {
    let mut resource = resource.clone();
    let members = resource.get_mut("members").and_then(Value::as_array_mut);
    for member in members.into_iter().flatten() {
        member.as_object_mut().unwrap().remove("display");
    }
    resource
}
