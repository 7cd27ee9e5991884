//! The policy of a configuration.

use scim_admin::ConfigurationInput;
use scim_provisioning::Policies;
use serde_json::{Map, Value, json};

use super::Problem;
use super::access::{Administrator, Auditor, Configure};
use super::answer::{One, tag};
use super::extract::{IfMatch, Json, Path};
use super::operation::{Operation, operations};
use super::parameters::ConfigurationPath;

pub(super) fn operations() -> Vec<Operation> {
    operations![show_policy, edit_policy]
}

/// Read the policy.
#[utoipa::path(get, path = "/configurations/{configuration}/policy")]
fn show_policy(by: Auditor, Path(path): Path<ConfigurationPath>) -> Result<One<Policies>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    Ok(One::new(found.policies))
}

/// Change the policy; what is not named stays.
#[utoipa::path(patch, path = "/configurations/{configuration}/policy")]
fn edit_policy(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    changes: Json<Policies>,
) -> Result<One<Policies>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    if_match.check(&tag(&found.policies))?;
    let Value::Object(changes) = changes.into_document() else {
        return Err(Problem::new(400, "The body is not a JSON object."));
    };
    let mut merged = json!(found.policies);
    merge(&mut merged, &changes)?;
    let policies: Policies = serde_json::from_value(merged)
        .map_err(|error| Problem::new(422, format!("The policy does not fit: {error}.")))?;
    let input = ConfigurationInput {
        policies,
        ..ConfigurationInput::of(&found)
    };
    let edited = by.admin.edit_configuration(&by.actor, &found, &input)?;
    Ok(One::new(edited.policies))
}

/// Puts members in the place of those that are there; there must be such members.
fn merge(document: &mut Value, changes: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in changes {
        let place = document
            .get_mut(name)
            .ok_or_else(|| Problem::new(422, format!("The policy has no member \"{name}\".")))?;
        match value {
            Value::Object(inner) if GUARDS.contains(&name.as_str()) => merge(place, inner)?,
            _ if GUARDS.contains(&name.as_str()) => {
                return Err(Problem::new(422, "The guard is a JSON object."));
            }
            value => *place = value.clone(),
        }
    }
    Ok(())
}

/// The members of a policy of which a change names the parts.
const GUARDS: [&str; 2] = ["guard", "memberGuard"];
