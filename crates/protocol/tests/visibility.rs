//! What of a resource may be seen: answers, filters and orders agree on it, attribute by attribute.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use scim_protocol::filter::{Filter, SortKey};
use scim_protocol::query::Projection;
use scim_protocol::resource::{Projector, project};
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned, Schema};
use scim_protocol::{AttributePath, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Map, Value, json};

const DEVICE: &str = "urn:example:2.0:Device";
const VAULT: &str = "urn:example:vault:2.0:Device";

fn text(name: &str) -> Attribute {
    Attribute::new(name, AttributeType::String)
}

/// A complex attribute with a sub-attribute of every kind of visibility.
fn keys(name: &str, returned: Returned) -> Attribute {
    Attribute::new(name, AttributeType::Complex)
        .multi()
        .returned(returned)
        .with([
            text("value"),
            text("hidden").returned(Returned::Never),
            text("written").mutable(Mutability::WriteOnly),
            text("history").returned(Returned::Request),
            text("fixed").returned(Returned::Always),
        ])
}

fn attributes() -> Vec<Attribute> {
    vec![
        keys("always", Returned::Always),
        keys("usual", Returned::Default),
        keys("asked", Returned::Request),
        keys("never", Returned::Never),
        keys("written", Returned::Default).mutable(Mutability::WriteOnly),
        Attribute::new("sealed", AttributeType::Complex)
            .with([text("value").returned(Returned::Never)]),
        text("pin").mutable(Mutability::WriteOnly),
    ]
}

fn schema(id: &str) -> Schema {
    Schema {
        id: id.to_owned(),
        name: "Device".to_owned(),
        description: String::new(),
        attributes: attributes(),
    }
}

fn devices() -> ResourceDefinition {
    ResourceDefinition::new("Device", "/Devices", "A device", schema(DEVICE))
        .extended(schema(VAULT), false)
}

/// Every value says where it stands.
fn data() -> Map<String, Value> {
    let mut data = Map::new();
    for attribute in attributes() {
        let value = |sub: &str| json!(format!("{}.{sub}", attribute.name));
        let parts = attribute.sub_attributes.iter();
        let parts: Map<String, Value> = parts
            .map(|sub| (sub.name.clone(), value(&sub.name)))
            .collect();
        let value = match (attribute.kind, attribute.multi_valued) {
            (AttributeType::Complex, true) => json!([parts]),
            (AttributeType::Complex, false) => json!(parts),
            _ => value("itself"),
        };
        data.insert(attribute.name.clone(), value);
    }
    data
}

fn device() -> Map<String, Value> {
    let mut device = data();
    device.insert(VAULT.to_owned(), Value::Object(data()));
    device.insert("schemas".to_owned(), json!([DEVICE, VAULT]));
    device
}

fn paths(names: &[String]) -> Vec<AttributePath> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The values that an answer shows, of the core and of the extension.
fn shown(wanted: &[String], unwanted: &[String]) -> (Vec<String>, Vec<String>) {
    let projection = Projection {
        attributes: paths(wanted),
        excluded_attributes: paths(unwanted),
    };
    let mut part = project(&devices(), &device(), &projection);
    // What is written without a copy is the same.
    let (definition, device) = (devices(), device());
    let view = json!(Projector::new(&definition, &projection).view(&device));
    assert_eq!(view, Value::Object(part.clone()));
    let extension = part.remove(VAULT).unwrap_or_default();
    part.remove("schemas").unwrap();
    // Whether members have an order is for the program to say.
    let sorted = |mut leaves: Vec<String>| {
        leaves.sort();
        leaves
    };
    let core = sorted(leaves(&Value::Object(part)));
    (core, sorted(leaves(&extension)))
}

fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Array(elements) => elements.iter().flat_map(leaves).collect(),
        Value::Object(members) => members.values().flat_map(leaves).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn secret(leaf: &str) -> bool {
    let (attribute, sub) = leaf.split_once('.').unwrap();
    ["never", "written", "sealed", "pin"].contains(&attribute)
        || ["hidden", "written"].contains(&sub)
}

/// Every attribute, every sub-attribute and every schema by its path.
fn everything() -> Vec<String> {
    let mut all = vec![DEVICE.to_owned(), VAULT.to_owned()];
    for prefix in [String::new(), format!("{DEVICE}:"), format!("{VAULT}:")] {
        for attribute in attributes() {
            all.push(format!("{prefix}{}", attribute.name));
            for sub in &attribute.sub_attributes {
                all.push(format!("{prefix}{}.{}", attribute.name, sub.name));
            }
        }
    }
    all
}

#[test]
fn what_is_never_returned_is_shown_by_no_request() {
    let mut asked: Vec<Vec<String>> = everything().into_iter().map(|path| vec![path]).collect();
    asked.extend([Vec::new(), everything()]);
    for paths in asked {
        for (core, extension) in [shown(&paths, &[]), shown(&[], &paths)] {
            for leaf in core.iter().chain(&extension) {
                assert!(!secret(leaf), "{leaf} by {paths:?}");
            }
        }
    }
}

#[test]
fn defaults_are_the_same_in_an_extension_and_by_the_name_of_a_schema() {
    let by_default = ["always.fixed", "always.value", "usual.fixed", "usual.value"];
    let always = ["always.fixed", "always.value"];
    let (core, extension) = shown(&[], &[]);
    assert_eq!(
        (core, extension),
        (
            by_default.map(String::from).to_vec(),
            by_default.map(String::from).to_vec()
        )
    );
    let (core, extension) = shown(&[VAULT.to_owned()], &[]);
    assert_eq!(core, always);
    assert_eq!(extension, by_default);
    let (core, extension) = shown(&[DEVICE.to_owned()], &[]);
    assert_eq!(core, by_default);
    assert_eq!(extension, always);
    let (core, extension) = shown(&[], &[VAULT.to_owned()]);
    assert_eq!(core, by_default);
    assert_eq!(
        extension, always,
        "what is always returned cannot be excluded"
    );
}

#[test]
fn what_is_returned_on_request_is_shown_by_its_name_alone() {
    let named = |path: &str| shown(&[path.to_owned()], &[]).0;
    assert!(named("usual.history").contains(&"usual.history".to_owned()));
    assert!(!named("usual").contains(&"usual.history".to_owned()));
    assert!(named("asked").contains(&"asked.value".to_owned()));
    assert!(!named(DEVICE).contains(&"asked.value".to_owned()));
    let of_extension = shown(&[format!("{VAULT}:asked")], &[]).1;
    assert!(of_extension.contains(&"asked.value".to_owned()));
}

#[test]
fn what_is_not_shown_is_neither_found_nor_an_order() {
    let devices = devices();
    for prefix in [String::new(), format!("{VAULT}:")] {
        for path in [
            "never",
            "never.value",
            "written",
            "written.fixed",
            "sealed",
            "sealed.value",
            "pin",
            "always.hidden",
            "always.written",
            "usual.hidden",
            "usual.written",
        ] {
            let path = format!("{prefix}{path}");
            let asked = [format!("{path} eq \"x\""), format!("not ({path} eq \"x\")")];
            for filter in asked {
                let bound = filter.parse::<Filter>().unwrap();
                let refused = bound.bind(&devices, &mut Tolerance::default());
                let refused = refused.expect_err(&filter);
                assert_eq!(
                    refused.scim_type(),
                    Some(ScimType::InvalidFilter),
                    "{filter}"
                );
            }
            let parsed: AttributePath = path.parse().unwrap();
            assert!(
                SortKey::new(&devices, &parsed, &mut Tolerance::default()).is_err(),
                "{path}"
            );
        }
        for filter in [
            format!("{prefix}usual[hidden eq \"x\"]"),
            format!("{prefix}always[value eq \"x\" or written sw \"x\"]"),
            format!("{prefix}never[value pr]"),
            format!("{prefix}usual.hidden pr"),
        ] {
            let bound = filter.parse::<Filter>().unwrap();
            assert!(
                bound.bind(&devices, &mut Tolerance::default()).is_err(),
                "{filter}"
            );
        }
    }
    // Whether a complex attribute is there is asked of what is seen of it.
    let present: Filter = "sealed pr".parse().unwrap();
    let present = present.bind(&devices, &mut Tolerance::default()).unwrap();
    assert!(!present.matches(&device()));
}

#[test]
fn a_value_that_no_schema_knows_hides_nothing_but_itself() {
    let definition = devices();
    let mut device = device();
    device[VAULT]
        .as_object_mut()
        .unwrap()
        .insert("gone".to_owned(), json!("old"));
    device["usual"][0]
        .as_object_mut()
        .unwrap()
        .insert("gone".to_owned(), json!("old"));
    device.insert("gone".to_owned(), json!("old"));
    device.insert(
        "urn:example:gone:2.0:Device".to_owned(),
        json!({"value": "old"}),
    );
    device["schemas"] = json!([DEVICE, "urn:example:gone:2.0:Device", VAULT]);
    let part = project(&definition, &device, &Projection::default());
    let without = project(&definition, &self::device(), &Projection::default());
    assert_eq!(part, without);
}

#[test]
fn a_value_of_another_type_than_the_schema_says_is_not_shown() {
    let number = Schema {
        attributes: vec![
            Attribute::new("badge", AttributeType::Integer),
            Attribute::new("sites", AttributeType::String).multi(),
            text("room"),
        ],
        ..schema(VAULT)
    };
    let definition = ResourceDefinition::new("Device", "/Devices", "A device", schema(DEVICE))
        .extended(number, false);
    let stored = |data: Value| {
        let device = json!({"schemas": [DEVICE, VAULT], VAULT: data});
        let device = device.as_object().unwrap().clone();
        Value::Object(project(&definition, &device, &Projection::default()))
    };
    let part = stored(json!({"badge": "old", "sites": "old", "room": ["old"]}));
    assert_eq!(part, json!({"schemas": [DEVICE]}));
    let part = stored(json!({"badge": "old", "sites": ["Berlin"], "room": "1"}));
    let kept = json!({"sites": ["Berlin"], "room": "1"});
    assert_eq!(part, json!({"schemas": [DEVICE, VAULT], VAULT: kept}));
}
