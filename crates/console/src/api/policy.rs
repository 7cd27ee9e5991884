//! The policy of a configuration.

use scim_admin::ConfigurationInput;
use scim_admin::declaration::merge_policies;
use scim_provisioning::Policies;
use serde_json::Value;

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
    let policies = merge_policies(&found.policies, &changes)?;
    let input = ConfigurationInput {
        policies,
        ..ConfigurationInput::of(&found)
    };
    let edited = by.admin.edit_configuration(&by.actor, &found, &input)?;
    Ok(One::new(edited.policies))
}
