//! `event`: one entry of the provisioning log.

use clap::Subcommand;
use scim_console::documents;
use serde_json::Value;

use super::value::actor;
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with an entry.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show an entry.
    Show(Which),
    /// Mark a failure or a warning as resolved.
    Resolve(Which),
    /// Take back that a failure or a warning is resolved.
    Reopen(Which),
    /// Carry a failed request out again, as the identity provider sent it.
    Replay(Which),
}

/// An entry.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The number of the entry, as `events --json` lists it.
    event: i64,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails; and of a replay when the request fails again.
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let admin = instance.admin();
    match action {
        Action::Show(which) => {
            let event = documents::event(&admin.event(which.event)?);
            if common.json {
                return output::json(&event);
            }
            let mut table = Table::of_fields();
            let document = serde_json::to_value(&event)?;
            for (name, value) in document.as_object().into_iter().flatten() {
                let value = match value {
                    Value::Null => continue,
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                table.row([name.clone(), value]);
            }
            table.print()
        }
        Action::Resolve(which) => {
            let event = admin.resolve_event(&actor(), which.event)?;
            match common.json {
                true => output::json(&documents::event(&event)),
                false => output::line("Resolved"),
            }
        }
        Action::Reopen(which) => {
            let event = admin.reopen_event(&actor(), which.event)?;
            match common.json {
                true => output::json(&documents::event(&event)),
                false => output::line("Open again"),
            }
        }
        Action::Replay(which) => {
            let replay = admin.to_replay(&actor(), which.event)?;
            let done = admin.replay(&actor(), &instance.provider(), &replay)?;
            if common.json {
                output::json(&documents::replayed(&done, &replay))?;
            } else if done.answer.status < 300 {
                output::line(&format!("Replayed as run {}", replay.run()))?;
            }
            match (done.answer.status, done.made.and_then(|made| made.reason)) {
                (..300, _) => Ok(()),
                (status, reason) => anyhow::bail!(
                    "it fails again: HTTP {status} {}",
                    reason.unwrap_or_default()
                ),
            }
        }
    }
}
