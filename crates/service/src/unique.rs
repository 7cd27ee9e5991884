//! Values that no two resources may have.

use scim_protocol::filter::{Comparand, Filter, Operator};
use scim_protocol::path::same_name;
use scim_protocol::schema::{Attribute, Schema, Uniqueness};
use scim_protocol::{AttributePath, Error, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::select::{Selection, Start};
use crate::store::{ResourceTransaction, Stored};

/// Checks that no other resource of the type has a value that is to be unique (RFC 7643 section
/// 2.4). What has not changed was checked before.
pub(crate) fn check_unique(
    transaction: &mut (dyn ResourceTransaction + '_),
    definition: &ResourceDefinition,
    before: Option<&Stored>,
    attributes: &Map<String, Value>,
    tolerance: &mut Tolerance,
) -> Result<(), Failure> {
    let core = unique(None, &definition.core().attributes, attributes);
    let extensions = definition.extensions().iter().flat_map(|schema: &Schema| {
        let data = attributes.get(&schema.id).and_then(Value::as_object);
        let unique = data.map(|data| unique(Some(&schema.id), &schema.attributes, data));
        unique.unwrap_or_default()
    });
    let extensions: Vec<_> = extensions.collect();
    for (path, value) in core.into_iter().chain(extensions) {
        let filter = Filter::Comparison {
            path: path.clone(),
            operator: Operator::Equal,
            value: Comparand::Text(value),
        };
        let condition = filter.bind(definition, tolerance)?;
        let selection = Selection {
            condition: Some(condition),
            sort: None,
            from: Start::Offset(0),
            count: 2,
        };
        let found = transaction.select(definition, &selection)?.items;
        let other = |found: &Stored| before.is_none_or(|before| before.id != found.id);
        if found.iter().any(other) {
            let detail = format!("A {} with this {path} exists already.", definition.name());
            return Err(Error::new(ScimType::Uniqueness, detail).into());
        }
    }
    Ok(())
}

/// The unique text values among attributes, each with its path.
fn unique(
    schema: Option<&str>,
    attributes: &[Attribute],
    data: &Map<String, Value>,
) -> Vec<(AttributePath, String)> {
    let unique = attributes
        .iter()
        .filter(|attribute| attribute.uniqueness != Uniqueness::None && !attribute.multi_valued);
    unique
        .filter_map(|attribute| {
            let value = data
                .iter()
                .find(|(name, _)| same_name(name, &attribute.name))?;
            let path = AttributePath {
                schema: schema.map(str::to_owned),
                attribute: attribute.name.clone(),
                sub_attribute: None,
            };
            Some((path, value.1.as_str()?.to_owned()))
        })
        .collect()
}
