//! `keys`: the keys with which tokens are signed and secrets are sealed.

use clap::{Args, Subcommand};
use scim_admin::give_up_lost_keys;
use scim_console::documents;
use serde_json::json;

use super::value::{actor, instant, maybe_instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the keys, how old they are and what needs them.
    List,
    /// Make a key that signs and seals from now on; the old ones go on verifying.
    Rotate(Rotate),
    /// Seal the kept secrets with the key that signs. What is interrupted goes on when it is run
    /// again.
    Reseal,
    /// Take a key out of the ring that nothing needs any more.
    Retire(Retire),
}

/// Options of `keys rotate`.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The keys of live tokens are lost for good: revoke these tokens, and begin with a new key.
    #[arg(long)]
    lost: bool,
}

/// Options of `keys retire`.
#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The id of the key.
    id: String,
}

/// Runs the command.
///
/// # Errors
/// When the key file or the database cannot be used, or a key is still needed.
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    match action {
        Action::List => list(host, common),
        Action::Rotate(Rotate { lost: true }) => give_up(host, common),
        Action::Rotate(Rotate { lost: false }) => {
            let key = host.open(common)?.admin().rotate_keys(&actor())?;
            tell_of_new_key(common, &key, &[])
        }
        Action::Reseal => reseal(host, common),
        Action::Retire(Retire { id }) => {
            host.open(common)?.admin().retire_key(&actor(), id)?;
            match common.json {
                true => output::json(&json!({ "key": id, "retired": true })),
                false => output::line(&format!("The key {id} is out of the ring.")),
            }
        }
    }
}

fn list(host: &dyn Host, common: &Common) -> anyhow::Result<()> {
    let keys = host.open(common)?.admin().keys()?;
    if common.json {
        return output::items(keys.iter().map(documents::key));
    }
    let mut table = Table::titled(["id", "state", "created", "retired", "signed", "sealed"]);
    for key in keys {
        table.row([
            key.id,
            key.state.as_str().to_owned(),
            instant(key.created),
            maybe_instant(key.retired).unwrap_or_default(),
            key.signed.to_string(),
            key.sealed.to_string(),
        ]);
    }
    table.print()
}

fn give_up(host: &dyn Host, common: &Common) -> anyhow::Result<()> {
    let store = host.open_store(common)?;
    let given_up = give_up_lost_keys(&*store, &common.key_file(), &actor())?;
    tell_of_new_key(common, &given_up.key, &given_up.revoked)
}

fn tell_of_new_key(common: &Common, key: &str, revoked: &[String]) -> anyhow::Result<()> {
    if common.json {
        return output::json(&json!({ "key": key, "revoked": revoked }));
    }
    output::line(&format!(
        "The key {key} signs from now on. Copy {} to every other server.",
        common.key_file().display()
    ))?;
    match revoked.len() {
        0 => Ok(()),
        count => output::line(&format!("{count} tokens were revoked; issue new ones.")),
    }
}

fn reseal(host: &dyn Host, common: &Common) -> anyhow::Result<()> {
    let done = host.open(common)?.admin().reseal(&actor())?;
    if !done.unopened.is_empty() {
        output::warning(&format!(
            "no key of the ring opens the seal of {}; these tokens work and cannot be shown again",
            done.unopened.join(", ")
        ));
    }
    match common.json {
        true => output::json(&json!({
            "resealed": done.resealed,
            "unopened": done.unopened,
        })),
        false => output::line(&format!("{} secrets were sealed anew.", done.resealed)),
    }
}
