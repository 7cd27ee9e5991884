//! `user`: add a person by hand, list people, change one by hand.

use anyhow::bail;
use clap::{Args, Subcommand};
use scim_admin::people::{
    ManagedBy, PeopleQuery, Person, PersonChange, PersonDetail, PersonInput, UserType,
};
use scim_admin::{AdminError, AdminService};
use scim_protocol::text::fold;
use serde_json::json;

use super::value::{self, Page, actor, instant, yes};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with people.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a person by hand.
    Add(Add),
    /// List people, whoever manages them.
    List {
        #[command(flatten)]
        page: Page,
        /// Only those with this status.
        #[arg(long, value_parser = ["active", "blocked", "archived"])]
        status: Option<String>,
        /// Only those whom this configuration manages, by its name or id.
        #[arg(long, value_name = "CONFIGURATION")]
        configuration: Option<String>,
    },
    /// Show a person, by the id or the logon name.
    Show {
        /// The id or the logon name.
        user: String,
    },
    /// Let a person no longer sign in.
    Block(Which),
    /// Let a person who is blocked or archived be active again.
    Unblock(Which),
    /// Put a person out of the way; the logon name is free again.
    Archive(Which),
    /// Make a person a technician, or a requester again.
    Convert {
        #[command(flatten)]
        which: Which,
        /// What the person becomes.
        #[arg(long, value_name = "TYPE", value_parser = value::user_type())]
        to: UserType,
    },
    /// Take a person out of the management of an identity provider.
    Unlink(Which),
}

/// A person.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The id or the logon name.
    user: String,
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
    /// A role of ServiceOps; a person whose role administers it is never linked to an identity
    /// provider.
    #[arg(long)]
    role: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
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
        Action::List {
            page,
            status,
            configuration,
        } => {
            let managed_by = match configuration {
                Some(name) => ManagedBy::Configuration(admin.find_configuration(&name)?.id),
                None => ManagedBy::Anybody,
            };
            let query = PeopleQuery {
                search: page.search.clone(),
                status,
                user_type: None,
                managed_by,
                after: page.after.clone(),
                limit: page.limit,
            };
            list(common, &page, admin.people(&query)?)
        }
        Action::Show { user } => show(common, &find(&admin, &user)?),
        Action::Block(which) => change(common, &admin, &which, PersonChange::Block),
        Action::Unblock(which) => change(common, &admin, &which, PersonChange::Unblock),
        Action::Archive(which) => change(common, &admin, &which, PersonChange::Archive),
        Action::Convert { which, to } => change(common, &admin, &which, PersonChange::Convert(to)),
        Action::Unlink(which) => change(common, &admin, &which, PersonChange::Unlink),
    }
}

fn change(
    common: &Common,
    admin: &AdminService,
    which: &Which,
    change: PersonChange,
) -> anyhow::Result<()> {
    let id = find_one(admin, &which.user)?;
    admin.change_person(&actor(), &id, change)?;
    let person = admin.person(&id)?;
    match common.json {
        true => output::json(&documents::user_detail(&person)),
        false => output::line(&format!(
            "{} is {}",
            output::printable(&person.person.user_name),
            match change {
                PersonChange::Unlink => "managed by hand",
                PersonChange::Convert(into) => into.as_str(),
                _ => &person.person.status,
            }
        )),
    }
}

/// The person of an id, or else of a logon name; of several who had it, who was not archived.
fn find(admin: &AdminService, id_or_name: &str) -> anyhow::Result<PersonDetail> {
    match admin.person(id_or_name) {
        Err(missing @ AdminError::NotFound { .. }) => match named(admin, id_or_name)?.pop() {
            Some(id) => Ok(admin.person(&id)?),
            None => Err(missing.into()),
        },
        found => Ok(found?),
    }
}

/// The id of the person who is to be changed; several archived ones of a name are told apart by
/// their ids.
///
/// # Errors
/// When there is nobody, or it does not say who is meant.
pub(super) fn find_one(admin: &AdminService, id_or_name: &str) -> anyhow::Result<String> {
    let missing = match admin.person(id_or_name) {
        Err(error @ AdminError::NotFound { .. }) => error,
        found => return Ok(found?.person.id),
    };
    match named(admin, id_or_name)?.as_slice() {
        [] => Err(missing.into()),
        [id] => Ok(id.clone()),
        several => bail!(
            "several archived users had this name; name one by its id: {}",
            several.join(", ")
        ),
    }
}

/// The ids of those who have a logon name: of who is not archived, or else of all who had it, the
/// last one last.
fn named(admin: &AdminService, name: &str) -> anyhow::Result<Vec<String>> {
    let folded = fold(name);
    let mut query = PeopleQuery {
        search: Some(name.to_owned()),
        status: None,
        user_type: None,
        managed_by: ManagedBy::Anybody,
        after: None,
        limit: 1_000,
    };
    let mut archived = Vec::new();
    loop {
        let page = admin.people(&query)?;
        let Some(last) = page.last().map(|person| person.id.clone()) else {
            break;
        };
        for person in page {
            match fold(&person.user_name) == folded {
                true if person.status != "archived" => return Ok(vec![person.id]),
                true => archived.push(person.id),
                false => {}
            }
        }
        query.after = Some(last);
    }
    Ok(archived)
}

fn show(common: &Common, found: &PersonDetail) -> anyhow::Result<()> {
    if common.json {
        return output::json(&documents::user_detail(found));
    }
    let person = &found.person;
    let mut table = Table::of_fields();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    for (field, value) in [
        ("user name", person.user_name.clone()),
        ("id", person.id.clone()),
        ("name", person.known_as().unwrap_or_default()),
        ("e-mail", text(&person.email)),
        ("status", person.status.clone()),
        ("tenant admin", yes(person.tenant_admin)),
        ("role", text(&person.role)),
        ("managed by", text(&person.managed_by)),
        ("external id", text(&found.external_id)),
        ("created", instant(person.created)),
        ("changed", instant(person.last_modified)),
    ] {
        table.row([field.to_owned(), value]);
    }
    for group in &found.groups {
        table.row(["group".to_owned(), group.name.clone()]);
    }
    table.print()
}

fn list(common: &Common, page: &Page, people: Vec<Person>) -> anyhow::Result<()> {
    if common.json {
        let next = page.next(people.len(), people.last().map(|person| person.id.as_str()));
        return output::page(people.iter().map(documents::user), next);
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
            person.user_name.clone(),
            person.known_as().unwrap_or_default(),
            person.email.unwrap_or_default(),
            person.status,
            yes(person.tenant_admin),
            person.managed_by.unwrap_or_default(),
            person.id,
        ]);
    }
    table.print()
}
