//! `user`: add a person by hand, list people.

use clap::{Args, Subcommand};
use scim_admin::people::{Person, PersonInput};
use serde_json::json;

use super::value::{Page, actor, yes};
use crate::documents;
use crate::instance::Instance;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with people.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a person by hand.
    Add(Add),
    /// List people, whoever manages them.
    List(Page),
}

/// Options of `user add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The logon name.
    #[arg(long)]
    user_name: String,
    /// The e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// A tenant admin is never seen or changed by an identity provider.
    #[arg(long)]
    tenant_admin: bool,
    /// An administrative role; a person who has one is never linked to an identity provider.
    #[arg(long)]
    role: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = Instance::of(common)?.admin();
    match action {
        Action::Add(options) => {
            let input = PersonInput {
                user_name: options.user_name,
                email: options.email,
                tenant_admin: options.tenant_admin,
                role: options.role,
            };
            let id = admin.add_person(&actor(), &input)?;
            match common.json {
                true => output::json(&json!({
                    "id": id,
                    "userName": input.user_name,
                    "email": input.email,
                    "tenantAdmin": input.tenant_admin,
                    "role": input.role,
                })),
                false => output::line(&format!("Added {id}")),
            }
        }
        Action::List(page) => {
            let (search, after) = (page.search.as_deref(), page.after.as_deref());
            list(common, admin.people(search, after, page.limit)?)
        }
    }
}

fn list(common: &Common, people: Vec<Person>) -> anyhow::Result<()> {
    if common.json {
        return output::json(&people.iter().map(documents::user).collect());
    }
    let mut table = Table::titled([
        "user name",
        "name",
        "e-mail",
        "status",
        "tenant admin",
        "managed by",
        "id",
    ]);
    for person in people {
        table.row([
            person.user_name,
            person.display_name.unwrap_or_default(),
            person.email.unwrap_or_default(),
            person.status,
            yes(person.tenant_admin),
            person.managed_by.unwrap_or_default(),
            person.id,
        ]);
    }
    table.print()
}
