//! `group`: list groups, unlink one.

use clap::Subcommand;
use scim_admin::AdminService;
use scim_admin::people::GroupsQuery;

use super::value::{Page, actor};
use crate::documents;
use crate::instance::Instance;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List groups, whoever manages them.
    List(Page),
    /// Take a group out of the management of an identity provider.
    Unlink {
        /// The id of the group.
        id: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(common: &Common, action: &Action) -> anyhow::Result<()> {
    let admin = Instance::of(common)?.admin();
    match action {
        Action::List(page) => list(common, &admin, page),
        Action::Unlink { id } => {
            admin.unlink_group(&actor(), id)?;
            let group = admin.group(id)?;
            match common.json {
                true => output::json(&documents::group_detail(&group)),
                false => output::line(&format!(
                    "{} is managed by hand",
                    output::printable(&group.group.name)
                )),
            }
        }
    }
}

fn list(common: &Common, admin: &AdminService, page: &Page) -> anyhow::Result<()> {
    let groups = admin.groups(&GroupsQuery {
        search: page.search.clone(),
        after: page.after.clone(),
        limit: page.limit,
        ..GroupsQuery::default()
    })?;
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
