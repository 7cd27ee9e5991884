//! `keys`: the keys with which tokens are signed and secrets are sealed.

use std::sync::Arc;

use clap::{Args, Subcommand};
use scim_admin::give_up_lost_keys;
use scim_admin::safekeeping::{GivenUp, ListedKey, MayRetire};
use scim_console::documents;
use scim_provisioning::SystemEnvironment;
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
    /// Keys are lost for good: revoke the live tokens that need them, forget the secrets of webhooks
    /// that they sealed, and begin with a new key.
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
            let (revoked, webhooks) = (Vec::new(), Vec::new());
            let nothing = GivenUp {
                key,
                revoked,
                webhooks,
            };
            tell_of_new_key(common, &nothing)
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
    let mut table = Table::titled([
        "id",
        "state",
        "created",
        "retired",
        "signed",
        "sealed",
        "webhooks",
        "may be retired",
    ]);
    for key in keys {
        table.row([
            key.id.clone(),
            key.state.as_str().to_owned(),
            instant(key.created),
            maybe_instant(key.retired).unwrap_or_default(),
            key.signed.to_string(),
            key.sealed.to_string(),
            key.webhooks.to_string(),
            may_retire(&key),
        ]);
    }
    table.print()
}

/// When a key may be taken out of the ring.
fn may_retire(key: &ListedKey) -> String {
    match key.may_retire() {
        None => String::new(),
        Some(MayRetire::Now) => "now".to_owned(),
        Some(MayRetire::AfterRotation) => "after keys rotate".to_owned(),
        Some(MayRetire::AfterReseal) => "after keys reseal".to_owned(),
        Some(MayRetire::AfterTokens) => match key.signed_until {
            Some(end) => format!("after {}", instant(end)),
            None => "after its tokens".to_owned(),
        },
    }
}

fn give_up(host: &dyn Host, common: &Common) -> anyhow::Result<()> {
    let store = host.open_store(common)?;
    let given_up = give_up_lost_keys(
        &*store,
        &common.key_file(),
        &actor(),
        Arc::new(SystemEnvironment),
    )?;
    tell_of_new_key(common, &given_up)
}

fn tell_of_new_key(common: &Common, given_up: &GivenUp) -> anyhow::Result<()> {
    let GivenUp {
        key,
        revoked,
        webhooks,
    } = given_up;
    if common.json {
        return output::json(&json!({
            "key": key,
            "revoked": revoked,
            "webhooks": webhooks,
        }));
    }
    output::line(&format!(
        "The key {key} signs from now on. Copy {} to every other server.",
        common.key_file().display()
    ))?;
    if !revoked.is_empty() {
        let count = revoked.len();
        output::line(&format!("{count} tokens were revoked; issue new ones."))?;
    }
    for stream in webhooks {
        output::line(&format!(
            "Nothing is sent for the stream {0} until it has a new secret; run: serviceops-scim \
             stream secret {0}",
            output::printable(stream)
        ))?;
    }
    Ok(())
}

fn reseal(host: &dyn Host, common: &Common) -> anyhow::Result<()> {
    let done = host.open(common)?.admin().reseal(&actor())?;
    if !done.unopened.is_empty() {
        output::warning(&format!(
            "no key of the ring opens the seal of {}; these tokens work and cannot be shown again",
            done.unopened.join(", ")
        ));
    }
    if !done.unopened_webhooks.is_empty() {
        output::warning(&format!(
            "no key of the ring opens the secrets of the webhooks {}; give each a new one with: \
             serviceops-scim stream secret",
            output::printable(&done.unopened_webhooks.join(", "))
        ));
    }
    match common.json {
        true => output::json(&json!({
            "resealed": done.resealed,
            "unopened": done.unopened,
            "unopenedWebhooks": done.unopened_webhooks,
        })),
        false => output::line(&format!("{} secrets were sealed anew.", done.resealed)),
    }
}
