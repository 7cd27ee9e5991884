//! Filters and mappings in a browser: a user, a filter and rules go in as one JSON document, and
//! what they come to goes out as another. `page.html` shows it; `memory.rs` is how it gets there,
//! without any tool but the compiler.

#[cfg(target_arch = "wasm32")]
mod memory;

use std::error::Error;

use scim_mapping::{Catalog, Event, MappingSet, Rule};
use scim_protocol::{Filter, Resource, ResourceDefinition, Tolerance};
use serde_json::{Map, Value, json};

/// What a document comes to: whether the user matches the filter, what the rules make of it, and what
/// of it is beyond the RFCs. What cannot be read is said in `error`.
pub fn evaluate(document: &str) -> Value {
    evaluated(document).unwrap_or_else(|error| json!({"error": error.to_string()}))
}

fn evaluated(document: &str) -> Result<Value, Box<dyn Error>> {
    let document: Value = serde_json::from_str(document)?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or("");
    let users = ResourceDefinition::user();
    let mut tolerance = Tolerance::default();
    let user = Resource::read(&users, serde_json::from_str(text("user"))?, &mut tolerance)?;

    let filter: Filter = text("filter").parse()?;
    let matches = filter
        .bind(&users, &mut tolerance)?
        .matches(user.attributes());

    let mut set = MappingSet::default_user();
    let lines = text("rules").lines().filter(|line| !line.trim().is_empty());
    let rules: Result<Vec<Rule>, _> = lines.map(str::parse).collect();
    set = set.with_imported(rules?);
    let mapping = set.compile(&users, &Catalog::default())?;
    let projection = mapping.project(user.attributes(), Event::Create);
    let record = projection.record.iter();
    let record = record.map(|(field, value)| (field.key(), value.to_json()));
    let warnings = projection.warnings().chain(projection.rejection());
    let warnings: Vec<String> = warnings.map(ToString::to_string).collect();
    let deviations = tolerance.deviations().iter();
    let deviations: Vec<String> = deviations.map(ToString::to_string).collect();
    Ok(json!({
        "matches": matches,
        "record": record.collect::<Map<_, _>>(),
        "warnings": warnings,
        "deviations": deviations,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(filter: &str, rules: &str) -> Value {
        let user = r#"{"userName": "ava", "active": "True",
            "name": {"givenName": "Ava", "familyName": "Stone"}}"#;
        evaluate(&json!({"user": user, "filter": filter, "rules": rules}).to_string())
    }

    #[test]
    fn a_document_is_evaluated() {
        let answer = asked(
            "userName sw \"A\"",
            "name.familyName > upper -> job_title\n",
        );
        assert_eq!(answer["matches"], true);
        assert_eq!(answer["record"]["job_title"], "STONE");
        assert_eq!(answer["record"]["user_name"], "ava");
        assert_eq!(answer["deviations"].as_array().map(Vec::len), Some(2));
        assert_eq!(asked("active eq false", "")["matches"], false);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (filter, rules) in [("userName", ""), ("userName pr", "title -> nothing")] {
            let answer = asked(filter, rules);
            assert!(answer["error"].is_string(), "{answer}");
        }
    }
}
