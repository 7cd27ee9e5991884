//! Options that say what leaving means, who is linked, and when leaving is too much at once.

use clap::Args;
use scim_provisioning::policy::{Deactivation, Deletion, GuardAction};
use scim_provisioning::{ExistingUsers, Policies};

use super::value;

/// The policies of a configuration; what is not named stays.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct PolicyOptions {
    /// What a create does that meets a person who was created by hand.
    #[arg(long, group = "Changes", value_parser = value::existing_users())]
    existing_users: Option<ExistingUsers>,
    /// What `active: false` does to a user.
    #[arg(long, group = "Changes", value_name = "ACTION", value_parser = value::deactivation())]
    on_deactivate: Option<Deactivation>,
    /// What DELETE does to a user.
    #[arg(long, group = "Changes", value_name = "ACTION", value_parser = ["archive", "block", "delete"])]
    on_delete: Option<String>,
    /// After how many days `--on-delete delete` deletes the record for good.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    delete_after_days: u16,
    /// How many users may leave in a window before the guard looks at the share; 0 for no guard.
    #[arg(long, group = "Changes", value_name = "NUMBER")]
    guard_count: Option<u32>,
    /// Which share of the users may leave in a window, in percent.
    #[arg(long, group = "Changes", value_name = "PERCENT")]
    guard_percent: Option<u8>,
    /// The window of the guard.
    #[arg(long, group = "Changes", value_name = "MINUTES")]
    guard_minutes: Option<u16>,
    /// Whether further ones are held for an administrator, or refused.
    #[arg(long, group = "Changes", value_name = "ACTION", value_parser = value::guard_action())]
    guard_action: Option<GuardAction>,
}

impl PolicyOptions {
    /// The policies with what the options name.
    pub(super) fn apply(self, mut policies: Policies) -> Policies {
        policies.existing_users = self.existing_users.unwrap_or(policies.existing_users);
        policies.deactivation = self.on_deactivate.unwrap_or(policies.deactivation);
        policies.deletion = match self.on_delete.as_deref() {
            None => policies.deletion,
            Some("block") => Deletion::Block,
            Some("delete") => Deletion::Delete {
                after_days: self.delete_after_days,
            },
            Some(_) => Deletion::Archive,
        };
        let guard = &mut policies.guard;
        guard.count = self.guard_count.unwrap_or(guard.count);
        guard.percent = self.guard_percent.unwrap_or(guard.percent);
        guard.minutes = self.guard_minutes.unwrap_or(guard.minutes);
        guard.action = self.guard_action.unwrap_or(guard.action);
        policies
    }
}

/// The policies for people: what is decided, and how.
pub(super) fn rows(policies: &Policies) -> [(&'static str, String); 4] {
    let guard = policies.guard;
    [
        (
            "Existing users",
            policies.existing_users.as_str().to_owned(),
        ),
        ("On deactivate", policies.deactivation.as_str().to_owned()),
        (
            "On DELETE",
            match policies.deletion {
                Deletion::Archive => "archive".to_owned(),
                Deletion::Block => "block".to_owned(),
                Deletion::Delete { after_days } => {
                    format!("archive, delete for good after {after_days} days")
                }
            },
        ),
        (
            "Guard",
            match guard.count {
                0 => "off".to_owned(),
                count => format!(
                    "{} more than {count} and {} % of the users within {} minutes",
                    guard.action.as_str(),
                    guard.percent,
                    guard.minutes
                ),
            },
        ),
    ]
}
