//! Links `scim-mapping` alone: one SCIM user becomes ServiceOps fields.

use scim_mapping::{Catalog, CustomField, Event, Field, FieldKind, MappingSet, Rule, Source};
use scim_protocol::ResourceDefinition;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A field that this company added to its user form.
    let catalog = Catalog::with_custom(vec![CustomField {
        key: "shift".to_owned(),
        label: "Shift".to_owned(),
        kind: FieldKind::SingleChoice {
            options: vec!["Day".to_owned(), "Night".to_owned()],
        },
        required: false,
    }]);
    let mut rules = MappingSet::default_user();
    rules.rules.push(Rule::new(
        Source::Path("userType".to_owned()),
        Field::Custom("shift".to_owned()),
    ));
    let mapping = rules.compile(&ResourceDefinition::user(), &catalog)?;

    let Value::Object(user) = json!({
        "userName": "ava@corp.example",
        "name": {"givenName": " Ava ", "familyName": "Stone"},
        "emails": [{"value": "Ava@CORP.example", "type": "work"}],
        "phoneNumbers": [{"value": "ask the desk", "type": "work"}],
        "userType": "night",
        "active": false
    }) else {
        return Err("a user is a JSON object".into());
    };
    let projection = mapping.project(&user, Event::Create);
    if let Some(rejected) = projection.rejection() {
        return Err(rejected.to_string().into());
    }
    for (field, value) in &projection.record {
        println!("{field} = {}", value.to_json());
    }
    for warning in projection.warnings() {
        println!("warning: {warning}");
    }
    Ok(())
}
