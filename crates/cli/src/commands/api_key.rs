//! `api-key`: add, list, revoke.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use scim_admin::account::Role;
use scim_admin::api_key::{ApiKey, ApiKeyInput, MadeByKey};
use scim_admin::scope::Scopes;
use serde_json::{Value, json};

use super::value::{self, actor, instant, maybe_instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a key, which is shown this once.
    Add(Add),
    /// List the keys.
    List,
    /// Refuse a key from the next request on, and every key and token that it made. Setting the end
    /// of a token with `token expire` before keeps it.
    Revoke {
        /// The name or id.
        key: String,
        /// Only say what would end.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Options of `api-key add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name.
    #[arg(long)]
    name: String,
    /// What the key may do at most: an auditor's reads, an administrator's has every scope.
    #[arg(long, value_parser = value::role())]
    role: Role,
    /// What the key may be used for, where that is less: read, configure, tokens, operate.
    #[arg(long, value_name = "SCOPE,...", value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    /// For how many days it is accepted.
    #[arg(long, value_name = "NUMBER", default_value_t = 90)]
    days: i64,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::Add(options) => {
            let scopes = options.scopes.as_ref();
            let scopes = scopes.map(|names| Scopes::parse(names.iter().map(String::as_str)));
            let input = ApiKeyInput {
                name: &options.name,
                role: options.role,
                scopes: scopes.transpose()?,
                days: options.days,
            };
            let issued = admin.add_api_key(&actor(), &input)?;
            match common.json {
                true => output::json(&documents::issued_key(&issued)),
                false => output::line(issued.value.reveal()),
            }
        }
        Action::List => list(common, admin.api_keys()?, admin.now()),
        Action::Revoke { key, dry_run: true } => {
            let made = admin.made_by_key(&key)?;
            match common.json {
                true => output::json(&json!({"wouldEnd": ended(&made, admin.now())})),
                false => tell(&made, "Would end"),
            }
        }
        Action::Revoke { key, .. } => {
            let made = admin.revoke_api_key(&actor(), &key)?;
            match common.json {
                true => output::json(&json!({"revoked": key, "ended": ended(&made, admin.now())})),
                false => {
                    output::line(&format!("Revoked {}", output::printable(&key)))?;
                    tell(&made, "Ended with it")
                }
            }
        }
    }
}

fn ended(made: &MadeByKey, now: DateTime<Utc>) -> Value {
    let tokens = made.tokens.iter();
    let tokens = tokens.map(|(token, configuration)| documents::made(token, configuration));
    json!({
        "keys": made.keys.iter().map(|key| documents::api_key(key, now)).collect::<Vec<_>>(),
        "tokens": tokens.collect::<Vec<_>>(),
        "streams": made.streams.iter().map(|stream| &stream.name).collect::<Vec<_>>(),
    })
}

fn tell(made: &MadeByKey, what: &str) -> anyhow::Result<()> {
    for key in &made.keys {
        output::line(&format!("{what}: the key {}", output::printable(&key.name)))?;
    }
    for (token, configuration) in &made.tokens {
        output::line(&format!(
            "{what}: the token ...{} of {}, last used {}",
            token.hint,
            output::printable(configuration),
            maybe_instant(token.last_used).unwrap_or_else(|| "never".to_owned())
        ))?;
    }
    for stream in &made.streams {
        output::line(&format!(
            "{what}: the stream {}",
            output::printable(&stream.name)
        ))?;
    }
    Ok(())
}

fn list(common: &Common, keys: Vec<ApiKey>, now: DateTime<Utc>) -> anyhow::Result<()> {
    if common.json {
        return output::items(keys.iter().map(|key| documents::api_key(key, now)));
    }
    let mut table = Table::titled(["name", "role", "scopes", "state", "expires", "id"]);
    for key in keys {
        let (role, state) = (
            key.role.as_str().to_owned(),
            documents::key_state(&key, now).to_owned(),
        );
        let scopes = key.scopes.to_string();
        table.row([key.name, role, scopes, state, instant(key.expires), key.id]);
    }
    table.print()
}
