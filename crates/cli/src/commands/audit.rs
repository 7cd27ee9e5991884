//! `audit`: what administrators did, and whether it still says so.

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use crate::host::Host;
use crate::output;
use crate::settings::Common;

/// What is done with the audit.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Follow the chain of hashes, and say where it is broken.
    Verify {
        /// A hash that an earlier verification printed, through which the chain must pass.
        #[arg(long, value_name = "HASH")]
        passes: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// When the chain is broken, or the service fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    let Action::Verify { passes } = action;
    let verdict = host.open(common)?.admin().verify_audit(passes.as_deref())?;
    if common.json {
        output::json(&json!({
            "entries": verdict.head.length,
            "hash": verdict.head.hash,
            "unchained": verdict.head.unchained,
            "fault": verdict.fault.map(|fault| fault.to_string()),
        }))?;
    }
    if let Some(fault) = verdict.fault {
        bail!("the audit does not hold: {fault}");
    }
    match common.json {
        true => Ok(()),
        false => {
            let older = match verdict.head.unchained {
                0 => String::new(),
                older => format!(" ({older} older than the chain are not covered)"),
            };
            output::line(&format!(
                "{} entries hold{older}; the last hash is {}",
                verdict.head.length, verdict.head.hash
            ))
        }
    }
}
