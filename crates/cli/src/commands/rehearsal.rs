//! `rehearsal`: show, go-live, discard; and `configuration rehearse`.

use clap::{Args, Subcommand};
use scim_admin::rehearsal::{RehearsedAction, RehearsedItem, RehearsedPlace};
use scim_admin::{AdminService, ProvisioningConfiguration};
use scim_console::documents;
use scim_provisioning::ResourceKind;
use serde_json::json;

use super::value::{actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with rehearsals.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List what would happen, field by field, and what moved since the rehearsal began.
    Show(Show),
    /// Carry over what was rehearsed, and enable the configuration.
    GoLive(GoLive),
    /// Forget what was rehearsed; the configuration is what it was before.
    Discard {
        /// The name or id of the configuration.
        configuration: String,
    },
}

/// Options of `rehearsal show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The name or id of the configuration.
    configuration: String,
    /// Only what happens so.
    #[arg(long, value_parser = RehearsedAction::ALL.map(RehearsedAction::as_str))]
    action: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000,
        value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Those behind this place, "next" of the page before.
    #[arg(long, value_name = "PLACE", value_parser = place)]
    after: Option<RehearsedPlace>,
}

/// Options of `rehearsal go-live`.
#[derive(Debug, Args)]
pub(crate) struct GoLive {
    /// The name or id of the configuration.
    configuration: String,
    /// Also where somebody changed meanwhile what was rehearsed: that becomes what was rehearsed.
    #[arg(long)]
    anyway: bool,
    /// Leave it to the running server, and do not wait.
    #[arg(long)]
    background: bool,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::Show(options) => show(common, &admin, &options),
        Action::GoLive(options) => go_live(common, &admin, &options),
        Action::Discard { configuration } => {
            let found = admin.find_configuration(&configuration)?;
            let discarded = admin.discard_rehearsal(&actor(), &found)?;
            match common.json {
                true => output::json(&json!({
                    "configuration": {"id": discarded.id.to_string(), "name": discarded.name},
                    "state": "discarded",
                    "status": discarded.status.as_str(),
                })),
                false => {
                    let name = output::printable(&discarded.name);
                    output::line(&format!("Discarded the rehearsal of {name}"))
                }
            }
        }
    }
}

/// Begins to rehearse.
///
/// # Errors
/// When the service refuses or fails.
pub(super) fn begin(
    common: &Common,
    admin: &AdminService,
    found: &ProvisioningConfiguration,
) -> anyhow::Result<()> {
    let begun = admin.begin_rehearsal(&actor(), found)?;
    match common.json {
        true => output::json(&documents::rehearsal_begun(found, &begun)),
        false => output::line(&format!("{} rehearses", output::printable(&found.name))),
    }
}

fn show(common: &Common, admin: &AdminService, options: &Show) -> anyhow::Result<()> {
    let found = admin.find_configuration(&options.configuration)?;
    let rehearsal = admin.rehearsal(&found)?;
    let action = options.action.as_deref().and_then(RehearsedAction::parse);
    let after = options.after.unwrap_or(RehearsedPlace::FIRST);
    let page = admin.rehearsed_items(&rehearsal, action, after, options.limit.into())?;
    let moved = match options.after {
        None => Some(admin.moved_since(&rehearsal, MOVED)?),
        Some(_) => None,
    };
    if common.json {
        let moved = moved.as_deref();
        return output::json(&documents::rehearsal(&found, &rehearsal, &page, moved));
    }
    output::line(&format!("Rehearses since {}", instant(rehearsal.began)))?;
    for (counted, amount) in page.counts.0.iter().filter(|(_, amount)| **amount > 0) {
        output::line(&format!("{counted} {amount}"))?;
    }
    for one in moved.unwrap_or_default() {
        let name = one.name.unwrap_or(one.id);
        let name = output::printable(&name).to_string();
        output::line(&format!(
            "moved: {} {name} ({})",
            one.kind,
            one.moved.as_str()
        ))?;
    }
    let mut table = Table::titled(["action", "resource", "field", "before", "after"]);
    for item in &page.items {
        for row in rows(item) {
            table.row(row);
        }
    }
    table.print()
}

fn rows(item: &RehearsedItem) -> Vec<[String; 5]> {
    let name = item.name.clone().or_else(|| item.id.clone());
    let kind = item.kind.map(ResourceKind::as_str).unwrap_or_default();
    let resource = format!("{kind} {}", name.unwrap_or_default());
    let action = match (item.held, item.at_once) {
        (true, _) => format!("{} (held)", item.action.as_str()),
        (false, true) => format!("{} (at once)", item.action.as_str()),
        (false, false) => item.action.as_str().to_owned(),
    };
    let row = |field: &str, old: String, new: String| {
        [action.clone(), resource.clone(), field.to_owned(), old, new]
    };
    if let Some((cause, reason)) = &item.refused {
        return vec![row(
            cause.as_deref().unwrap_or_default(),
            String::new(),
            reason.clone(),
        )];
    }
    if item.fields.is_empty() {
        return vec![row("", String::new(), String::new())];
    }
    let fields = item.fields.iter();
    fields
        .map(|field| {
            row(
                &field.field,
                super::run::text(&field.old),
                super::run::text(&field.new),
            )
        })
        .collect()
}

fn go_live(common: &Common, admin: &AdminService, options: &GoLive) -> anyhow::Result<()> {
    let found = admin.find_configuration(&options.configuration)?;
    let begun = admin.begin_going_live(&actor(), &found, options.anyway)?;
    let run = begun.live.as_ref().map(|live| live.run);
    if !options.background {
        admin.finish_going_live(&begun)?;
    }
    if common.json {
        return output::json(&documents::rehearsal_live(run, !options.background));
    }
    output::line(&run.map(|run| run.to_string()).unwrap_or_default())
}

fn place(text: &str) -> anyhow::Result<RehearsedPlace> {
    RehearsedPlace::parse(text).ok_or_else(|| anyhow::anyhow!("that is no place of this list"))
}

/// How many of those that moved are named.
const MOVED: usize = 100;
