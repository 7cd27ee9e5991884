//! Links `scim-mapping` with a catalogue of one's own: SCIM users become rows of a badge system,
//! which knows nothing of ServiceOps.

use std::fmt;

use scim_mapping::{
    Event, FieldCatalog, FieldKind, FieldValue, MappingSet, OwnKind, ResourceKind, Rule,
    TargetField, ValueError,
};
use scim_protocol::ResourceDefinition;
use serde_json::{Value, json};

/// The columns of the badge system. Nothing else can be mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Column {
    Holder,
    Name,
    Doors,
    Zone,
}

impl Column {
    const ALL: [Self; 4] = [Self::Holder, Self::Name, Self::Doors, Self::Zone];
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Holder => "holder",
            Self::Name => "name",
            Self::Doors => "doors",
            Self::Zone => "zone",
        })
    }
}

impl TargetField for Column {
    type Own = Zone;
    const RECORDS: &'static str = "badge";

    fn from_key(key: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|column| column.to_string() == key)
    }
}

/// A kind of values that only badges have: a letter and two digits, `B07`.
#[derive(Debug, Clone, PartialEq)]
struct Zone;

impl OwnKind for Zone {
    fn convert(&self, value: &Value) -> Result<FieldValue, ValueError> {
        let text = value.as_str().unwrap_or_default().trim().to_uppercase();
        match text.as_bytes() {
            [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9'] => Ok(FieldValue::Text(text)),
            _ => Err(ValueError::Own {
                expected: "zone, such as B07",
            }),
        }
    }
}

struct Badges {
    doors: Vec<String>,
}

impl FieldCatalog for Badges {
    type Field = Column;

    fn kind(&self, column: &Column, resource: ResourceKind) -> Option<FieldKind<Zone>> {
        let kind = match column {
            Column::Holder | Column::Name => FieldKind::Text { max: 40 },
            Column::Doors => FieldKind::MultiChoice {
                options: self.doors.clone(),
            },
            Column::Zone => FieldKind::Reference(Zone),
        };
        (resource == ResourceKind::User).then_some(kind)
    }

    fn identity(&self, _resource: ResourceKind) -> Option<Column> {
        Some(Column::Holder)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = [
        r#"userName > lower -> holder ; {"required": true}"#,
        r#"join name.givenName > left: 1, name.familyName with ". " -> name"#,
        r#"all roles.value > split: "/" -> doors"#,
        r#"addresses[type eq "work"].locality -> zone when active eq true"#,
    ];
    let rules: Result<Vec<Rule<Column>>, _> = rules.into_iter().map(str::parse).collect();
    let set = MappingSet::new(ResourceKind::User, rules?);
    let badges = Badges {
        doors: ["Gate", "Lab", "Roof"].map(str::to_owned).to_vec(),
    };
    let mapping = set.compile(&ResourceDefinition::user(), &badges)?;

    for user in [
        json!({"userName": "AVA", "name": {"givenName": "Ava", "familyName": "Stone"},
            "active": true, "roles": [{"value": "gate/lab"}],
            "addresses": [{"type": "work", "locality": " b07"}]}),
        json!({"userName": "bo", "active": true, "addresses": [{"type": "work", "locality": "7"}]}),
    ] {
        let Value::Object(user) = user else { continue };
        let projection = mapping.project(&user, Event::Create);
        let columns = projection.record.iter();
        let columns: Vec<String> = columns
            .map(|(column, value)| format!("{column}={}", value.to_json()))
            .collect();
        println!("{}", columns.join(" "));
        for warning in projection.warnings() {
            println!("  {warning}");
        }
    }
    Ok(())
}
