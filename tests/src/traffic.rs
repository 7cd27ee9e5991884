//! Replays recorded shapes of identity-provider traffic (`fixtures/idp-traffic.json`).
//!
//! A case is a list of steps; a step is a request with one expectation, or several of which any may
//! hold. `{{name}}` in a text is replaced by what an earlier step saved.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::client::{Client, Response};

/// What placeholders stand for.
type Scope = HashMap<String, Value>;

/// The cases.
pub fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/idp-traffic.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["version"], 1);
    file["cases"].as_array().unwrap().clone()
}

/// Runs a case.
///
/// # Errors
/// Which step came out otherwise, and how.
pub fn run(client: &Client, case: &Value) -> Result<(), String> {
    let run = Uuid::new_v4().simple().to_string()[..10].to_owned();
    let mut scope: Scope = HashMap::from([
        ("run_upper".to_owned(), json!(run.to_uppercase())),
        ("run".to_owned(), json!(run)),
        ("uuid".to_owned(), json!(Uuid::new_v4().to_string())),
        ("uuid2".to_owned(), json!(Uuid::new_v4().to_string())),
        ("base".to_owned(), json!(client.base)),
        ("token".to_owned(), json!(client.token)),
    ]);
    let mut created = Vec::new();
    let result = run_steps(client, case, &mut scope, &mut created);
    // Filters of later cases must not meet what this one leaves behind.
    for path in created.iter().rev() {
        client.delete(path);
    }
    result
}

fn run_steps(
    client: &Client,
    case: &Value,
    scope: &mut Scope,
    created: &mut Vec<String>,
) -> Result<(), String> {
    for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
        for round in 0..step["repeat"]["count"].as_u64().unwrap_or(1) {
            if step.get("repeat").is_some() {
                let name = step["repeat"]["as"].as_str().unwrap_or("i");
                scope.insert(name.to_owned(), json!(round.to_string()));
            }
            run_step(client, case, step, scope, created)
                .map_err(|why| format!("step {} round {round}: {why}", number + 1))?;
        }
    }
    Ok(())
}

fn run_step(
    client: &Client,
    case: &Value,
    step: &Value,
    scope: &mut Scope,
    created: &mut Vec<String>,
) -> Result<(), String> {
    let method = step["method"].as_str().unwrap_or("GET");
    let path = text(step["path"].as_str().unwrap(), scope);
    let body = match (step.get("rawBody"), step.get("body")) {
        (Some(raw), _) => Some(text(raw.as_str().unwrap(), scope)),
        (None, Some(body)) => Some(substitute(body, scope).to_string()),
        (None, None) => None,
    };
    let headers = headers(case, step, scope);
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let response = client.send(method, &path, &headers, body.as_deref().map(str::as_bytes));
    let collection = path.split('?').next().unwrap().trim_end_matches('/');
    if method == "POST" && response.status == 201 && collection.matches('/').count() == 1 {
        created.extend(
            response.json["id"]
                .as_str()
                .map(|id| format!("{collection}/{id}")),
        );
    }
    let wanted = match &step["expect"] {
        Value::Array(wanted) => wanted.clone(),
        one => vec![one.clone()],
    };
    let looks_inside = step.get("save").is_some() || wanted.iter().any(|w| w["json"].is_array());
    let mut document = response.json.clone();
    if response.status == 204 && ["PATCH", "PUT"].contains(&method) && looks_inside {
        document = client.get(path.split('?').next().unwrap()).json;
    }
    let mut problems = Vec::new();
    for expected in &wanted {
        match check(&response, &document, &substitute(expected, scope)) {
            Ok(()) => {
                problems.clear();
                break;
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(format!("{method} {path}: {}", problems.join("; or: ")));
    }
    for (name, at) in step["save"].as_object().unwrap_or(&Map::new()) {
        let at = text(at.as_str().unwrap(), scope);
        let found = select(&document, &at).0;
        let value = found.first().filter(|value| !value.is_null());
        let value = value.ok_or_else(|| format!("nothing to save at {at}"))?;
        scope.insert(text(name, scope), (*value).clone());
    }
    Ok(())
}

/// Headers of the step over those of the case; null removes one, which an empty text stands for.
fn headers(case: &Value, step: &Value, scope: &Scope) -> Vec<(String, String)> {
    let mut merged = vec![("accept".to_owned(), "application/scim+json".to_owned())];
    for source in [&case["headers"], &step["headers"]] {
        for (name, value) in source.as_object().unwrap_or(&Map::new()) {
            merged.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            let value = value.as_str().map(|value| text(value, scope));
            merged.push((name.clone(), value.unwrap_or_default()));
        }
    }
    merged
}

fn check(response: &Response, document: &Value, expected: &Value) -> Result<(), String> {
    let shown = response.text.get(..300).unwrap_or(&response.text);
    if let Some(statuses) = expected["status"].as_array()
        && !statuses.contains(&json!(response.status))
    {
        return Err(format!(
            "status {} not {statuses:?}: {shown}",
            response.status
        ));
    }
    let checks = expected["json"].as_array().cloned().unwrap_or_default();
    if !checks.is_empty() && document.is_null() {
        return Err(format!("no JSON in {shown}"));
    }
    for wanted in &checks {
        check_json(document, wanted).map_err(|why| format!("{why} in {shown}"))?;
    }
    for (name, wanted) in expected["header"].as_object().unwrap_or(&Map::new()) {
        let value = response.header(&name.to_lowercase());
        let wanted = wanted.as_str().unwrap();
        let fits = match wanted {
            "present" => value.is_some(),
            "absent" => value.is_none(),
            _ if wanted.starts_with('~') => {
                value.is_some_and(|v| v.to_lowercase().contains(&wanted[1..].to_lowercase()))
            }
            _ if wanted.starts_with("=$") => {
                let found = select(document, &wanted[1..]).0;
                found.first().and_then(|v| v.as_str()) == value
            }
            _ => value == Some(wanted),
        };
        if !fits {
            return Err(format!("header {name} is {value:?}, not {wanted}"));
        }
    }
    Ok(())
}

fn check_json(document: &Value, wanted: &Value) -> Result<(), String> {
    let path = wanted["path"].as_str().unwrap();
    let (nodes, filtered) = select(document, path);
    let all = |fits: &dyn Fn(&Value) -> bool| !nodes.is_empty() && nodes.iter().all(|n| fits(n));
    for (matcher, value) in wanted.as_object().unwrap() {
        let fits = match matcher.as_str() {
            "path" => true,
            "equals" => all(&|node| same(node, value)),
            "exists" => {
                let there = nodes
                    .iter()
                    .any(|node| !node.is_null() && node.as_array().is_none_or(|a| !a.is_empty()));
                json!(there) == *value
            }
            "count" => match nodes.as_slice() {
                [Value::Array(elements)] => json!(elements.len()) == *value,
                [] | [Value::Null] => *value == 0,
                _ => filtered && json!(nodes.len()) == *value,
            },
            "contains" => nodes
                .iter()
                .filter_map(|node| node.as_array())
                .any(|elements| elements.iter().any(|element| contains(element, value))),
            "type" => all(&|node| kind(node) == value.as_str().unwrap()),
            "oneOf" => all(&|node| value.as_array().unwrap().iter().any(|one| same(node, one))),
            "min" => all(&|node| node.as_f64() >= value.as_f64()),
            other => return Err(format!("no matcher {other}")),
        };
        if !fits {
            return Err(format!(
                "{path} {matcher} {value} does not hold, found {nodes:?}"
            ));
        }
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Equality that keeps `true`, `1` and `"1"` apart; numbers are compared by value.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

fn contains(element: &Value, pattern: &Value) -> bool {
    match (element, pattern) {
        (Value::Object(element), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, value)| element.get(key).is_some_and(|e| contains(e, value))),
        _ => same(element, pattern),
    }
}

/// The nodes that a path selects, and whether a condition took part:
/// `$.name[0]['urn:a'][?attr=='value']`.
fn select<'v>(document: &'v Value, path: &str) -> (Vec<&'v Value>, bool) {
    let mut nodes = vec![document];
    let mut filtered = false;
    let mut rest = path.strip_prefix('$').expect("a path begins with $");
    while !rest.is_empty() {
        let (step, behind) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            (&rest[..=end], &name[end..])
        } else {
            let end = rest.find(']').unwrap();
            (&rest[..=end], &rest[end + 1..])
        };
        rest = behind;
        filtered |= step.starts_with("[?");
        nodes = nodes
            .into_iter()
            .flat_map(|node| follow(node, step))
            .collect();
    }
    (nodes, filtered)
}

fn follow<'v>(node: &'v Value, step: &str) -> Vec<&'v Value> {
    if let Some(name) = step.strip_prefix('.') {
        return node.get(name).into_iter().collect();
    }
    let inside = &step[1..step.len() - 1];
    if let Some(key) = inside.strip_prefix('\'') {
        return node.get(key.trim_end_matches('\'')).into_iter().collect();
    }
    let Some(elements) = node.as_array() else {
        return Vec::new();
    };
    if let Some(condition) = inside.strip_prefix('?') {
        let (attribute, literal) = condition.split_once("==").unwrap();
        let wanted = match literal.strip_prefix('\'') {
            Some(text) => json!(text.trim_end_matches('\'')),
            None => serde_json::from_str(literal).unwrap(),
        };
        let fits = |element: &&Value| element.get(attribute).is_some_and(|v| same(v, &wanted));
        return elements.iter().filter(fits).collect();
    }
    let index: isize = inside.parse().unwrap();
    let index = if index < 0 {
        elements.len().checked_add_signed(index)
    } else {
        usize::try_from(index).ok()
    };
    index
        .and_then(|index| elements.get(index))
        .into_iter()
        .collect()
}

/// A value with its placeholders replaced; `{"$each": ..}` in an array stands for many elements.
fn substitute(value: &Value, scope: &Scope) -> Value {
    match value {
        Value::String(whole) => {
            let name = whole
                .strip_prefix("{{")
                .and_then(|rest| rest.strip_suffix("}}"));
            match name.and_then(|name| scope.get(name)) {
                Some(found) if !found.is_string() => found.clone(),
                _ => Value::String(text(whole, scope)),
            }
        }
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .flat_map(|element| match element.get("$each") {
                    Some(each) => repeated(each, scope),
                    None => vec![substitute(element, scope)],
                })
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| (text(key, scope), substitute(value, scope)))
                .collect(),
        ),
        simple => simple.clone(),
    }
}

fn repeated(each: &Value, scope: &Scope) -> Vec<Value> {
    let name = each["as"].as_str().unwrap_or("i");
    (0..each["count"].as_u64().unwrap())
        .map(|index| {
            let mut inner = scope.clone();
            inner.insert(name.to_owned(), json!(index.to_string()));
            substitute(&each["item"], &inner)
        })
        .collect()
}

/// A text with its placeholders replaced, inner ones first.
fn text(text: &str, scope: &Scope) -> String {
    let mut text = text.to_owned();
    let mut from = text.len();
    while let Some(start) = text[..from].rfind("{{") {
        from = start;
        let inside = &text[start + 2..];
        let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &inside[..end.unwrap_or(inside.len())];
        if name.is_empty() || !inside[name.len()..].starts_with("}}") {
            continue;
        }
        let found = scope
            .get(name)
            .unwrap_or_else(|| panic!("unknown placeholder {name}"));
        let value = found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned);
        let end = start + name.len() + 4;
        text.replace_range(start..end, &value);
    }
    text
}
