//! `group`: list groups.

use clap::Subcommand;

use super::value::Page;
use crate::documents;
use crate::instance::Instance;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List groups, whoever manages them.
    List(Page),
}

/// Runs the command.
///
/// # Errors
/// When the service fails.
pub(crate) fn run(common: &Common, action: &Action) -> anyhow::Result<()> {
    let Action::List(page) = action;
    let (search, after) = (page.search.as_deref(), page.after.as_deref());
    let groups = Instance::of(common)?
        .admin()
        .groups(search, after, page.limit)?;
    if common.json {
        return output::json(&groups.iter().map(documents::group).collect());
    }
    let mut table = Table::titled(["name", "members", "managed by", "id"]);
    for group in groups {
        let members = group.members.to_string();
        table.row([
            group.name,
            members,
            group.managed_by.unwrap_or_default(),
            group.id,
        ]);
    }
    table.print()
}
