//! `api-key`: add, list, revoke.

use clap::{Args, Subcommand};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKey;
use serde_json::json;

use super::value::{self, actor, instant};
use crate::documents;
use crate::instance::Instance;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a key, which is shown this once.
    Add(Add),
    /// List the keys.
    List,
    /// Refuse a key from the next request on.
    Revoke {
        /// The name or id.
        key: String,
    },
}

/// Options of `api-key add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name.
    #[arg(long)]
    name: String,
    /// What the key may do.
    #[arg(long, value_parser = value::role())]
    role: Role,
    /// For how many days it is accepted.
    #[arg(long, value_name = "NUMBER", default_value_t = 90)]
    days: i64,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = Instance::of(common)?.admin();
    match action {
        Action::Add(options) => {
            let issued =
                admin.add_api_key(&actor(), &options.name, options.role, options.days, None)?;
            match common.json {
                true => output::json(&documents::issued_key(&issued)),
                false => output::line(issued.value.reveal()),
            }
        }
        Action::List => list(common, admin.api_keys()?),
        Action::Revoke { key } => {
            admin.revoke_api_key(&actor(), &key)?;
            match common.json {
                true => output::json(&json!({"revoked": key})),
                false => output::line(&format!("Revoked {}", output::printable(&key))),
            }
        }
    }
}

fn list(common: &Common, keys: Vec<ApiKey>) -> anyhow::Result<()> {
    if common.json {
        return output::json(&keys.iter().map(documents::api_key).collect());
    }
    let mut table = Table::titled(["name", "role", "state", "expires", "id"]);
    for key in keys {
        let (role, state) = (
            key.role.as_str().to_owned(),
            documents::key_state(&key).to_owned(),
        );
        table.row([key.name, role, state, instant(key.expires), key.id]);
    }
    table.print()
}
