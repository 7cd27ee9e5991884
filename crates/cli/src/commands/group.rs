//! `group`: list groups, add one by hand, put people into it, unlink one.

use clap::Subcommand;
use scim_admin::AdminService;
use scim_admin::people::{GroupInput, GroupsQuery};

use super::value::{Page, actor};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List groups, whoever manages them.
    List(Page),
    /// Add a group by hand.
    Add {
        /// The name.
        name: String,
        /// Its members are tenant admins; no identity provider ever sees or changes it.
        #[arg(long)]
        confers_admin: bool,
    },
    /// Put a person into a group by hand; what a group gives, the person then has.
    AddMember {
        /// The id of the group.
        id: String,
        /// The id of the person.
        #[arg(long, value_name = "USER")]
        user: String,
    },
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
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::List(page) => list(common, &admin, page),
        Action::Add {
            name,
            confers_admin,
        } => {
            let input = GroupInput {
                name: name.clone(),
                confers_admin: *confers_admin,
            };
            let id = admin.add_group(&actor(), &input)?;
            match common.json {
                true => output::json(&documents::group_detail(&admin.group(&id)?)),
                false => output::line(&format!("Added {id}")),
            }
        }
        Action::AddMember { id, user } => {
            admin.add_member(&actor(), id, user)?;
            let group = admin.group(id)?;
            match common.json {
                true => output::json(&documents::group_detail(&group)),
                false => output::line(&format!(
                    "{} has {} members",
                    output::printable(&group.group.name),
                    group.group.members
                )),
            }
        }
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
        let next = page.next(groups.len(), groups.last().map(|group| group.id.as_str()));
        return output::page(groups.iter().map(documents::group), next);
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
