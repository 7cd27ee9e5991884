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
            member: misfit(before, changes).unwrap_or_default().to_owned(),
            syntax: error.to_string(),
        }
        .refused()
    })
}

/// The member that does not fit by itself.
fn misfit<'c>(before: &Policies, changes: &'c Map<String, Value>) -> Option<&'c str> {
    let alone = changes.iter().find(|(name, value)| {
        let mut merged = json!(before);
        let change = Map::from_iter([((*name).clone(), (*value).clone())]);
        let merging = merge(&mut merged, &change);
        merging.is_err() || serde_json::from_value::<Policies>(merged).is_err()
    });
    alone.map(|(name, _value)| name.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_member_that_does_not_fit_is_named() {
        for (changes, member) in [
            (
                json!({"deactivation": "block", "deletion": {"deleteAfter": -4}}),
                "deletion:",
            ),
            (json!({"guard": {"count": -4}}), "guard"),
        ] {
            let changes = changes.as_object().unwrap();
            let refused = merge_policies(&Policies::default(), changes).unwrap_err();
            assert!(refused.to_string().contains(member), "{refused}");
        }
    }
}
