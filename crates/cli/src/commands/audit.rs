//! `audit`: what administrators did, and whether it still says so.

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use scim_admin::event::AuditQuery;
use scim_console::documents;
use serde_json::json;

use super::value::{self, actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
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
    /// List what administrators did, the newest first.
    List(List),
}

/// Options of `audit list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only what this account, key or program did.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only events that begin so, such as `token.`.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only what concerns this configuration, by its name or id.
    #[arg(long, value_name = "CONFIGURATION")]
    configuration: Option<String>,
    /// Only what happened at this time or later.
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    since: Option<DateTime<Utc>>,
    /// Only what happened before this time.
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    until: Option<DateTime<Utc>>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Those after this one in the list, which `next` of the page before says.
    #[arg(long, value_name = "NUMBER", alias = "before")]
    after: Option<i64>,
}

/// Runs the command.
///
/// # Errors
/// When the chain is broken, or the service fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    match action {
        Action::Verify { passes } => verify(host, common, passes.as_deref()),
        Action::List(options) => list(host, common, options),
    }
}

fn list(host: &dyn Host, common: &Common, options: &List) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    let configuration = options.configuration.as_deref();
    let configuration = configuration.map(|name| admin.find_logged_configuration(name));
    let query = AuditQuery {
        actor: options.actor.clone(),
        event: options.event.clone(),
        configuration: configuration.transpose()?,
        since: options.since,
        until: options.until,
        before: options.after,
        limit: options.limit,
        ..AuditQuery::default()
    };
    let found = admin.read_audit(&actor(), &query)?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == options.limit);
    let next = found.last().filter(|_| full).map(|(id, _)| id.to_string());
    if common.json {
        let items = found.iter().map(|(id, entry)| documents::audit(*id, entry));
        return output::page(items, next);
    }
    let mut table = Table::titled(["id", "at", "who", "from", "event", "what"]);
    for (id, entry) in found {
        table.row([
            id.to_string(),
            instant(entry.at),
            entry.actor,
            entry.source.unwrap_or_default(),
            entry.event.into_owned(),
            entry.object,
        ]);
    }
    table.print()
}

fn verify(host: &dyn Host, common: &Common, passes: Option<&str>) -> anyhow::Result<()> {
    let verdict = host.open(common)?.admin().verify_audit(passes)?;
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
