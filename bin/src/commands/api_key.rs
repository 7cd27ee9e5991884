//! `api-key`: add, list, revoke.

use chrono::Utc;
use clap::{Args, Subcommand};
use scim_admin::IssuedApiKey;
use scim_admin::account::Role;
use scim_admin::api_key::ApiKey;
use serde_json::{Value, json};

use super::value::{self, actor, instant, maybe_instant};
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
            let issued = admin.add_api_key(&actor(), &options.name, options.role, options.days)?;
            match common.json {
                true => output::json(&self::issued(&issued)),
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

/// The document of a key just issued.
pub(crate) fn issued(issued: &IssuedApiKey) -> Value {
    json!({
        "id": issued.key.id,
        "name": issued.key.name,
        "role": issued.key.role.as_str(),
        "key": issued.value.reveal(),
        "expiresAt": instant(issued.key.expires),
    })
}

fn list(common: &Common, keys: Vec<ApiKey>) -> anyhow::Result<()> {
    if common.json {
        return output::json(&keys.iter().map(document).collect());
    }
    let mut table = Table::titled(["name", "role", "state", "expires", "id"]);
    for key in keys {
        let (role, state) = (key.role.as_str().to_owned(), state(&key).to_owned());
        table.row([key.name, role, state, instant(key.expires), key.id]);
    }
    table.print()
}

/// The document for scripts.
pub(crate) fn document(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.role.as_str(),
        "state": state(key),
        "createdAt": instant(key.created),
        "expiresAt": instant(key.expires),
        "revokedAt": maybe_instant(key.revoked),
    })
}

fn state(key: &ApiKey) -> &'static str {
    match (key.revoked, key.is_live(Utc::now())) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    }
}
