//! `link`: people created by hand whom an identity provider wanted to create.

use anyhow::bail;
use clap::{Args, Subcommand};
use scim_admin::policy::{LinkRequest, LinksQuery};

use super::value::{actor, instant};
use crate::documents;
use crate::instance::Instance;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with links.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the links that wait.
    List {
        /// The name or id of the configuration.
        configuration: String,
    },
    /// Put people under the configuration's management, as the identity provider sent them.
    Approve(Chosen),
}

/// Which of the links.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Chosen {
    /// The name or id of the configuration.
    configuration: String,
    /// The logon name or id of a person; may be repeated.
    #[arg(long = "user", value_name = "USER", required_unless_present = "all")]
    users: Vec<String>,
    /// The id of the link, where several users wait for the person.
    #[arg(long, value_name = "LINK", conflicts_with = "all")]
    link: Option<String>,
    /// All that wait.
    #[arg(long, conflicts_with = "users")]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(common: &Common, action: Action) -> anyhow::Result<()> {
    let instance = Instance::of(common)?;
    match action {
        Action::List { configuration } => {
            let waiting = LinksQuery::default();
            list(
                common,
                &instance.admin().link_requests(&configuration, &waiting)?,
            )
        }
        Action::Approve(chosen) => approve(common, &instance, &chosen),
    }
}

fn approve(common: &Common, instance: &Instance, chosen: &Chosen) -> anyhow::Result<()> {
    let admin = instance.admin();
    let waiting = admin.link_requests(&chosen.configuration, &LinksQuery::default())?;
    let approved: Vec<_> = waiting
        .into_iter()
        .filter(|link| chosen.link.as_ref().is_none_or(|id| *id == link.id))
        .filter(|link| chosen.all || chosen.users.iter().any(|user| names(user, link)))
        .collect();
    if approved.is_empty() {
        bail!("no such link waits");
    }
    let again = |link: &&LinkRequest| {
        let same = |other: &&LinkRequest| other.person == link.person;
        approved.iter().filter(same).count() > 1
    };
    if let Some(link) = approved.iter().find(again) {
        bail!(
            "several users wait for \"{}\"; name one of them with --link",
            link.person_name
        );
    }
    let provider = instance.provider(scim_protocol::Limits::default());
    for link in &approved {
        admin.approve_link(&actor(), &provider, &chosen.configuration, link)?;
    }
    if common.json {
        return output::json(&approved.iter().map(documents::link).collect());
    }
    output::line(&format!("Linked {}", approved.len()))
}

fn names(user: &str, link: &LinkRequest) -> bool {
    user == link.person || user.eq_ignore_ascii_case(&link.person_name)
}

fn list(common: &Common, links: &[LinkRequest]) -> anyhow::Result<()> {
    if common.json {
        return output::json(&links.iter().map(documents::link).collect());
    }
    let mut table = Table::titled([
        "last asked",
        "person",
        "userName",
        "shared",
        "person id",
        "id",
    ]);
    for link in links {
        table.row([
            instant(link.at),
            link.person_name.clone(),
            link.user_name().to_owned(),
            link.attribute.clone(),
            link.person.clone(),
            link.id.clone(),
        ]);
    }
    table.print()
}
