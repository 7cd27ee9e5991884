//! Options that say what leaving means, who is linked, and when leaving is too much at once.

use clap::Args;
use scim_provisioning::policy::{
    Deactivation, Deletion, GuardAction, MemberGuardAction, RepeatedExternalIds, UnknownMembers,
};
use scim_provisioning::{ExistingUsers, Policies};

use super::value;
use crate::wrong_usage::WrongUsage;

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
    #[arg(long, group = "Changes", value_name = "DAYS")]
    delete_after_days: Option<u16>,
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
    /// How many members may leave a group by one request before the guard looks at the share; 0
    /// for no guard.
    #[arg(long, group = "Changes", value_name = "NUMBER")]
    member_guard_count: Option<u32>,
    /// Which share of a group's members may leave by one request, in percent.
    #[arg(long, group = "Changes", value_name = "PERCENT")]
    member_guard_percent: Option<u8>,
    /// Whether the memberships are held for an administrator, the request is refused, or the log
    /// warns.
    #[arg(long, group = "Changes", value_name = "ACTION", value_parser = value::member_guard_action())]
    member_guard_action: Option<MemberGuardAction>,
    /// Whether members that the configuration does not see refuse the request, or are left out.
    #[arg(long, group = "Changes", value_name = "ACTION", value_parser = value::unknown_members())]
    unknown_members: Option<UnknownMembers>,
    /// Whether an externalId that another user or group has is accepted, or refused.
    #[arg(long, group = "Changes", value_name = "ACTION", value_parser = value::external_ids())]
    external_ids: Option<RepeatedExternalIds>,
}

impl PolicyOptions {
    /// Checks that the options of a new configuration go together.
    ///
    /// # Errors
    /// When a number of days is named and nothing is deleted after it.
    pub(super) fn check_new(&self) -> Result<(), WrongUsage> {
        let deletes = self.on_delete.as_deref() == Some("delete");
        match self.delete_after_days {
            Some(_) if !deletes => Err(days_alone()),
            _ => Ok(()),
        }
    }

    /// The policies with what the options name.
    ///
    /// # Errors
    /// When a number of days is named and nothing is deleted after it.
    pub(super) fn apply(self, mut policies: Policies) -> anyhow::Result<Policies> {
        let days = self.delete_after_days;
        policies.existing_users = self.existing_users.unwrap_or(policies.existing_users);
        policies.deactivation = self.on_deactivate.unwrap_or(policies.deactivation);
        policies.deletion = match self.on_delete.as_deref() {
            None => policies.deletion,
            Some("block") => Deletion::Block,
            Some("delete") => Deletion::Delete {
                after_days: days.unwrap_or(DAYS),
            },
            Some(_) => Deletion::Archive,
        };
        match (&mut policies.deletion, days) {
            (Deletion::Delete { after_days }, Some(days)) => *after_days = days,
            (_, Some(_)) => {
                return Err(days_alone().into());
            }
            (_, None) => {}
        }
        let guard = &mut policies.guard;
        guard.count = self.guard_count.unwrap_or(guard.count);
        guard.percent = self.guard_percent.unwrap_or(guard.percent);
        guard.minutes = self.guard_minutes.unwrap_or(guard.minutes);
        guard.action = self.guard_action.unwrap_or(guard.action);
        let members = &mut policies.member_guard;
        members.count = self.member_guard_count.unwrap_or(members.count);
        members.percent = self.member_guard_percent.unwrap_or(members.percent);
        members.action = self.member_guard_action.unwrap_or(members.action);
        policies.unknown_members = self.unknown_members.unwrap_or(policies.unknown_members);
        policies.external_ids = self.external_ids.unwrap_or(policies.external_ids);
        Ok(policies)
    }
}

fn days_alone() -> WrongUsage {
    WrongUsage("--delete-after-days goes with --on-delete delete; type both".into())
}

/// The policies for people: what is decided, and how.
pub(super) fn rows(policies: &Policies) -> [(&'static str, String); 7] {
    let (guard, members) = (policies.guard, policies.member_guard);
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
        (
            "Member guard",
            match members.count {
                0 => "off".to_owned(),
                count => format!(
                    "{} more than {count} and {} % of a group's members by one request",
                    members.action.as_str(),
                    members.percent
                ),
            },
        ),
        (
            "Unknown members",
            policies.unknown_members.as_str().to_owned(),
        ),
        (
            "Repeated externalId",
            policies.external_ids.as_str().to_owned(),
        ),
    ]
}

/// After how many days a record is deleted where nobody says it.
const DAYS: u16 = 30;
