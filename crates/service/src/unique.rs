//! Values that no two resources may have.

use scim_protocol::AttributePath;
use scim_protocol::path::same_name;
use scim_protocol::schema::{Attribute, Uniqueness};
use serde_json::{Map, Value};

/// The unique text values among attributes, each with its path.
pub(crate) fn unique(
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
