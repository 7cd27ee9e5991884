//! `held`: what the guards against mass deprovisioning hold.

use clap::{ArgGroup, Args, Subcommand};
use scim_admin::policy::{HeldChange, Which};

use super::value::{actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents::{self, Held};

/// What is done with held changes.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List what is held.
    List {
        /// The name or id of the configuration.
        configuration: String,
    },
    /// Block, archive, delete or leave the group after all; the guard counts anew.
    Allow(Chosen),
    /// Leave the users and memberships as they are.
    Reject(Chosen),
}

/// Which of the held changes.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").args(["users", "all"]).required(true))]
pub(crate) struct Chosen {
    /// The name or id of the configuration.
    configuration: String,
    /// The logon name or id of a user; may be repeated.
    #[arg(long = "user", value_name = "USER")]
    users: Vec<String>,
    /// All that is held of the configuration.
    #[arg(long)]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    let (chosen, allow) = match action {
        Action::List { configuration } => {
            let configuration = admin.find_configuration(&configuration)?.id;
            let held = admin.held(configuration, None, i64::MAX)?;
            let compared = documents::compared(&admin, configuration, &held)?;
            return list(common, &held, compared);
        }
        Action::Allow(chosen) => (chosen, true),
        Action::Reject(chosen) => (chosen, false),
    };
    let which = match chosen.all {
        true => Which::All,
        false => Which::Users(chosen.users),
    };
    let configuration = admin.find_configuration(&chosen.configuration)?.id;
    let decided = admin.decide_held(&actor(), configuration, which, allow)?;
    if common.json {
        return output::items(decided.iter().map(documents::held));
    }
    let word = if allow { "Allowed" } else { "Rejected" };
    output::line(&format!("{word} {}", decided.len()))
}

fn list(common: &Common, held: &[HeldChange], compared: Vec<Held>) -> anyhow::Result<()> {
    if common.json {
        return output::items(compared);
    }
    let mut table = Table::titled(["since", "user", "change", "asked by", "would change", "id"]);
    for (change, compared) in held.iter().zip(&compared) {
        table.row([
            instant(change.at),
            change.user_name.clone(),
            match &change.group {
                Some(group) => format!("{} {group}", change.action),
                None => change.action.to_owned(),
            },
            change.asked_by().to_owned(),
            compared.said(),
            change.user.clone(),
        ]);
    }
    table.print()
}
