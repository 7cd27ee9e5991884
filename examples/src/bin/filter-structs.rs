//! Links `scim-protocol` alone: a filter over structs of one's own.
//! `filter-structs 'label sw "Lab" and ports[speed ge 1000]'` prints those that match.

use scim_protocol::schema::{Attribute, AttributeType, Schema};
use scim_protocol::{Filter, ResourceDefinition, Tolerance};
use serde::Serialize;
use serde_json::{Value, json};

/// What is filtered. Its JSON has the names of the schema.
#[derive(Serialize)]
struct Switch {
    label: &'static str,
    ports: Vec<Port>,
}

#[derive(Serialize)]
struct Port {
    name: &'static str,
    speed: u32,
}

/// Which attributes there are, and how their values compare.
fn definition() -> ResourceDefinition {
    let label = Attribute::new("label", AttributeType::String);
    let name = Attribute::new("name", AttributeType::String).exact();
    let speed = Attribute::new("speed", AttributeType::Integer);
    let ports = Attribute::new("ports", AttributeType::Complex)
        .with([name, speed])
        .multi();
    let schema = Schema::new("urn:example:2.0:Switch", "Switch").with([label, ports]);
    ResourceDefinition::new("Switch", "/Switches", "A switch", schema)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = |name, speed| Port { name, speed };
    let switches = [
        Switch {
            label: "Lab 1",
            ports: vec![port("uplink", 10_000), port("p1", 100)],
        },
        Switch {
            label: "lab 2",
            ports: vec![port("uplink", 100)],
        },
        Switch {
            label: "Hall",
            ports: vec![port("uplink", 1_000)],
        },
    ];
    let asked = std::env::args().nth(1);
    let asked = asked
        .as_deref()
        .unwrap_or(r#"label sw "LAB" and ports[speed ge 1000]"#);

    let (definition, mut tolerance) = (definition(), Tolerance::default());
    let filter: Filter = asked.parse()?;
    // Bound to the schema: names are known, values are of the types that they are compared with.
    let condition = filter.bind(&definition, &mut tolerance)?;
    for switch in &switches {
        if let Value::Object(attributes) = json!(switch)
            && condition.matches(&attributes)
        {
            println!("{}", switch.label);
        }
    }
    Ok(())
}
