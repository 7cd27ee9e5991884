//! Policies of which some members are named.

use scim_provisioning::Policies;
use serde_json::{Map, Value, json};

use crate::error::AdminError;
use crate::invalid::Problem;

/// Policies with these members in the place of theirs, by the names under which they are shown.
///
/// # Errors
/// [`AdminError::Invalid`] for a member that there is not, and a value that does not fit.
pub fn merge_policies(
    before: &Policies,
    changes: &Map<String, Value>,
) -> Result<Policies, AdminError> {
    let mut merged = json!(before);
    merge(&mut merged, changes)?;
    serde_json::from_value(merged).map_err(|error| {
        Problem::PolicyValue {
            syntax: error.to_string(),
        }
        .refused()
    })
}

fn merge(document: &mut Value, changes: &Map<String, Value>) -> Result<(), AdminError> {
    for (name, value) in changes {
        let unknown = || Problem::UnknownPolicy { name: name.clone() }.refused();
        let place = document.get_mut(name).ok_or_else(unknown)?;
        match value {
            Value::Object(inner) if GUARDS.contains(&name.as_str()) => merge(place, inner)?,
            _ if GUARDS.contains(&name.as_str()) => return Err(Problem::GuardShape.refused()),
            value => *place = value.clone(),
        }
    }
    Ok(())
}

/// The members of a policy of which a change names the parts.
const GUARDS: [&str; 2] = ["guard", "memberGuard"];
