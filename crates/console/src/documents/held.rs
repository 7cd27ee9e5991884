//! What guards hold, as documents.

use scim_admin::policy::{HeldChange, HeldComparison};
use scim_admin::{AdminError, AdminService};
use scim_provisioning::ConfigurationId;
use serde_json::Value;

use super::kinds::{Held, Named};
use super::times::{instant, maybe_instant};

/// A change that a guard holds.
pub fn held(change: &HeldChange) -> Held {
    Held {
        id: change.id.clone(),
        user: Named {
            id: change.user.clone(),
            user_name: change.user_name.clone(),
        },
        change: change.action.to_owned(),
        asked_by: change.asked_by().to_owned(),
        group: change.group.clone(),
        held_at: instant(change.at),
        changes: None,
        leaves: None,
        purge_at: maybe_instant(change.purge),
    }
}

impl Held {
    /// What would change, in a line: fields with their values now and then, and groups.
    pub fn said(&self) -> String {
        let value = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => "-".to_owned(),
        };
        let changes = self.changes.iter().flatten().map(|change| {
            let (old, new) = (value(change.old.as_ref()), value(change.new.as_ref()));
            format!("{}: {old} -> {new}", change.field)
        });
        let leaves = self.leaves.iter().flatten();
        let leaves = leaves.map(|group| format!("leaves {group}"));
        changes.chain(leaves).collect::<Vec<_>>().join(", ")
    }
}

/// Changes that a guard holds, with what they would change.
pub fn compared(
    admin: &AdminService,
    configuration: ConfigurationId,
    changes: &[HeldChange],
) -> Result<Vec<Held>, AdminError> {
    let compared = admin.compare_held(configuration, changes)?;
    let pairs = changes.iter().zip(compared);
    let with = |(change, compared): (&HeldChange, HeldComparison)| Held {
        changes: Some(compared.changes),
        leaves: Some(compared.leaves),
        ..held(change)
    };
    Ok(pairs.map(with).collect())
}
