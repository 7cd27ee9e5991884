//! `group`: list groups, add one by hand, put people into it, unlink one.

use anyhow::bail;
use clap::Subcommand;
use scim_admin::people::{GroupDetail, GroupInput, GroupsQuery};
use scim_admin::{AdminError, AdminService};
use scim_protocol::text::fold;

use super::user;
use super::value::{Page, actor, instant, yes};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List groups, whoever manages them.
    List(Page),
    /// Show a group, by the id or the name.
    Show {
        /// The id or the name.
        group: String,
    },
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
        /// The id or the name of the group.
        group: String,
        /// The id or the logon name of the person.
        #[arg(long, value_name = "USER")]
        user: String,
    },
    /// Take a group out of the management of an identity provider.
    Unlink {
        /// The id or the name of the group.
        group: String,
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
        Action::Show { group } => show(common, &find(&admin, group)?),
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
        Action::AddMember { group, user } => {
            let id = find(&admin, group)?.group.id;
            admin.add_member(&actor(), &id, &user::find_one(&admin, user)?)?;
            let group = admin.group(&id)?;
            match common.json {
                true => output::json(&documents::group_detail(&group)),
                false => output::line(&format!(
                    "{} has {} members",
                    output::printable(&group.group.name),
                    group.group.members
                )),
            }
        }
        Action::Unlink { group } => {
            let id = find(&admin, group)?.group.id;
            admin.unlink_group(&actor(), &id)?;
            let group = admin.group(&id)?;
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

/// The group of an id, or else the one of a name; several of one name are told apart by their ids.
fn find(admin: &AdminService, id_or_name: &str) -> anyhow::Result<GroupDetail> {
    let missing = match admin.group(id_or_name) {
        Err(error @ AdminError::NotFound { .. }) => error,
        found => return Ok(found?),
    };
    let name = fold(id_or_name);
    let mut query = GroupsQuery {
        search: Some(id_or_name.to_owned()),
        limit: 1_000,
        ..GroupsQuery::default()
    };
    let mut found = Vec::new();
    loop {
        let page = admin.groups(&query)?;
        let Some(last) = page.last().map(|group| group.id.clone()) else {
            break;
        };
        found.extend(page.into_iter().filter(|group| fold(&group.name) == name));
        query.after = Some(last);
    }
    match found.as_slice() {
        [] => Err(missing.into()),
        [group] => Ok(admin.group(&group.id)?),
        several => {
            let ids: Vec<&str> = several.iter().map(|group| &*group.id).collect();
            bail!(
                "several groups have this name; name one by its id: {}",
                ids.join(", ")
            )
        }
    }
}

fn show(common: &Common, found: &GroupDetail) -> anyhow::Result<()> {
    if common.json {
        return output::json(&documents::group_detail(found));
    }
    let group = &found.group;
    let mut table = Table::of_fields();
    for (field, value) in [
        ("name", group.name.clone()),
        ("id", group.id.clone()),
        ("members", group.members.to_string()),
        ("confers admin", yes(group.confers_admin)),
        ("managed by", group.managed_by.clone().unwrap_or_default()),
        ("external id", found.external_id.clone().unwrap_or_default()),
        ("created", instant(group.created)),
        ("changed", instant(group.last_modified)),
    ] {
        table.row([field.to_owned(), value]);
    }
    for (field, value) in &found.grants {
        table.row([format!("gives {field}"), value.clone()]);
    }
    table.print()
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
