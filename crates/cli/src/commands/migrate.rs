//! `migrate`: brings the tables to the version of this program.

use std::time::Duration;

use clap::Args;

use crate::host::Host;
use crate::output;
use crate::settings::Common;

/// Options of `migrate`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long another program is waited for that does the same, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
}

/// Runs the command.
///
/// # Errors
/// When the tables cannot be brought to this version; they are as they were then.
pub(crate) fn run(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let patience = Duration::from_secs(options.wait);
    let upgraded = host.upgrade(common, patience, &mut || {
        output::warning("another program brings the tables to its version; waiting for it");
    })?;
    if common.json {
        return output::json(&upgraded);
    }
    let version = &upgraded.version;
    output::line(&match upgraded.applied.len() {
        0 => format!("The tables are of version {version} already."),
        applied => format!("{applied} migrations applied; the tables are of version {version}."),
    })
}
