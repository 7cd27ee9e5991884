//! What compiling and mapping cost: `cargo bench -p scim-mapping`.
#![allow(clippy::expect_used, missing_docs)]

use divan::{Bencher, black_box};
use scim_mapping::{Catalog, CompiledMapping, Event, Field, MappingSet, Rule, Source};
use scim_protocol::{AttributePath, ResourceDefinition};
use serde_json::{Map, Value, json};

fn main() {
    divan::main();
}

/// The default rules and further ones, so many in all.
fn rules(count: usize) -> (MappingSet, Catalog) {
    let mut set = MappingSet::default_user();
    set.rules.retain(|rule| rule.enabled);
    let mut custom = Vec::new();
    for at in set.rules.len()..count {
        let key = format!("field{at}");
        custom.push(scim_mapping::CustomField {
            key: key.clone(),
            label: key.clone(),
            kind: scim_mapping::FieldKind::LongText,
            required: false,
        });
        let source = Source::Path("addresses[type eq \"work\"].postalCode".to_owned());
        set.rules.push(Rule::new(source, Field::Custom(key)));
    }
    (set, Catalog::with_custom(custom))
}

fn compiled(count: usize) -> CompiledMapping {
    let (set, catalog) = rules(count);
    let users = ResourceDefinition::user();
    set.compile(&users, &catalog).expect("the rules fit")
}

fn user() -> Map<String, Value> {
    let user = json!({
        "userName": "ava.stone@corp.example", "externalId": "00u1", "active": true,
        "name": {"givenName": "Ava", "familyName": "Stone"}, "displayName": "Ava Stone",
        "emails": [{"value": "ava.stone@corp.example", "type": "work", "primary": true}],
        "phoneNumbers": [{"value": "+49 30 1", "type": "work"}, {"value": "+49 170", "type": "mobile"}],
        "addresses": [{"type": "work", "locality": "Berlin", "postalCode": "10115"}],
        "title": "Engineer", "preferredLanguage": "de", "timezone": "Europe/Berlin",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Operations", "employeeNumber": "4711", "manager": {"value": "m"}},
    });
    match user {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[divan::bench]
fn compile_50_rules(bencher: Bencher<'_, '_>) {
    let (set, catalog) = rules(50);
    let users = ResourceDefinition::user();
    bencher.bench(|| black_box(&set).compile(&users, &catalog));
}

#[divan::bench]
fn project_20_rules(bencher: Bencher<'_, '_>) {
    let (mapping, user) = (compiled(20), user());
    bencher.bench(|| black_box(&mapping).project(black_box(&user), Event::Change));
}

#[divan::bench]
fn project_a_patch_of_one_attribute(bencher: Bencher<'_, '_>) {
    let (mapping, user) = (compiled(20), user());
    let touched = [AttributePath::new("title")];
    bencher.bench(|| black_box(&mapping).project_touched(black_box(&user), &touched));
}

#[divan::bench]
fn emit_20_rules(bencher: Bencher<'_, '_>) {
    let (mapping, user) = (compiled(20), user());
    let record = mapping.project(&user, Event::Create).record;
    bencher.bench(|| black_box(&mapping).emit(black_box(&user), &record));
}
