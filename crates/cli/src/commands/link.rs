//! `link`: people created by hand whom an identity provider wanted to create.

use anyhow::bail;
use clap::{ArgGroup, Args, Subcommand};
use scim_admin::AdminService;
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_provisioning::ConfigurationId;
use serde_json::Value;

use super::value::{actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents::{self, Link};

/// What is done with links.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the links that wait.
    List {
        /// The name or id of the configuration.
        configuration: String,
        /// Those that were dismissed instead.
        #[arg(long)]
        dismissed: bool,
    },
    /// Put people under the configuration's management, as the identity provider sent them.
    Approve(Chosen),
    /// Take links from those that wait, until the identity provider sends other values.
    Dismiss(Chosen),
    /// Put dismissed links back among those that wait.
    Restore(Chosen),
}

/// Which of the links.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").args(["users", "link", "all"]).required(true).multiple(true))]
pub(crate) struct Chosen {
    /// The name or id of the configuration.
    configuration: String,
    /// The logon name or id of a person; may be repeated.
    #[arg(long = "user", value_name = "USER")]
    users: Vec<String>,
    /// The id of the link, where several users wait for a person.
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
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let admin = instance.admin();
    let provider = instance.provider();
    let documents = |configuration: ConfigurationId, links: &[LinkRequest]| {
        documents::links(&admin, &provider, configuration, links)
    };
    match action {
        Action::List {
            configuration,
            dismissed,
        } => {
            let query = LinksQuery {
                dismissed,
                ..LinksQuery::default()
            };
            let configuration = admin.find_configuration(&configuration)?.id;
            let links = admin.link_requests(configuration, &query)?;
            match common.json {
                true => output::items(documents(configuration, &links)?),
                false => list(&links, &documents(configuration, &links)?),
            }
        }
        Action::Approve(chosen) => {
            let (configuration, links) = chosen.links(&admin, false)?;
            check_one_each(&links)?;
            let said = documents(configuration, &links)?;
            for link in &links {
                admin.approve_link(&actor(), &provider, configuration, link)?;
            }
            told(common, "Linked", said)
        }
        Action::Dismiss(chosen) => {
            let (configuration, links) = chosen.links(&admin, false)?;
            if !chosen.all {
                check_one_each(&links)?;
            }
            let said = documents(configuration, &links)?;
            for link in &links {
                admin.dismiss_link(&actor(), configuration, link)?;
            }
            told(common, "Dismissed", said)
        }
        Action::Restore(chosen) => {
            let (configuration, links) = chosen.links(&admin, true)?;
            for link in &links {
                admin.restore_link(&actor(), configuration, link)?;
            }
            told(common, "Restored", documents(configuration, &links)?)
        }
    }
}

impl Chosen {
    /// The configuration, and the links that are meant, of those that wait or were dismissed.
    fn links(
        &self,
        admin: &AdminService,
        dismissed: bool,
    ) -> anyhow::Result<(ConfigurationId, Vec<LinkRequest>)> {
        let query = LinksQuery {
            dismissed,
            ..LinksQuery::default()
        };
        let configuration = admin.find_configuration(&self.configuration)?.id;
        let waiting = admin.link_requests(configuration, &query)?;
        let links: Vec<_> = waiting
            .into_iter()
            .filter(|link| self.link.as_ref().is_none_or(|id| *id == link.id))
            .filter(|link| self.users.is_empty() || self.users.iter().any(|user| names(user, link)))
            .collect();
        if links.is_empty() {
            match dismissed {
                true => bail!("no such link was dismissed"),
                false => bail!("no such link waits"),
            }
        }
        Ok((configuration, links))
    }
}

/// Whoever names a person of whom several wait has to say which.
fn check_one_each(links: &[LinkRequest]) -> anyhow::Result<()> {
    let again = |link: &&LinkRequest| {
        let same = |other: &&LinkRequest| other.person == link.person;
        links.iter().filter(same).count() > 1
    };
    if let Some(link) = links.iter().find(again) {
        let waiting = links.iter().filter(|other| other.person == link.person);
        let waiting = waiting.map(|other| format!("--link {} ({})", other.id, other.user_name()));
        bail!(
            "several users wait for \"{}\"; say which: {}",
            link.person_name,
            waiting.collect::<Vec<_>>().join(", ")
        );
    }
    Ok(())
}

fn told(common: &Common, done: &str, links: Vec<Link>) -> anyhow::Result<()> {
    match common.json {
        true => output::items(links),
        false => output::line(&format!("{done} {}", links.len())),
    }
}

fn names(user: &str, link: &LinkRequest) -> bool {
    user == link.person || user.eq_ignore_ascii_case(&link.person_name)
}

/// `shown` are the same links with what approving each would change.
fn list(links: &[LinkRequest], shown: &[Link]) -> anyhow::Result<()> {
    let mut table = Table::titled([
        "last asked",
        "person",
        "userName",
        "shared",
        "approving changes",
        "person id",
        "id",
    ]);
    for (link, shown) in links.iter().zip(shown) {
        table.row([
            instant(link.at),
            link.person_name.clone(),
            link.user_name().to_owned(),
            link.attribute.clone(),
            changes(shown)?,
            link.person.clone(),
            link.id.clone(),
        ]);
    }
    table.print()
}

/// Which fields of the person approving a link changes, and which it clears.
fn changes(link: &Link) -> anyhow::Result<String> {
    let link = serde_json::to_value(link)?;
    if let Some(refused) = link.get("refused").and_then(Value::as_str) {
        return Ok(format!("it cannot be approved: {refused}"));
    }
    let changes = link.get("changes").and_then(Value::as_array);
    let changes = changes.into_iter().flatten().map(|change| {
        let field = change.get("field").and_then(Value::as_str);
        let field = field.unwrap_or_default();
        match change.get("new") {
            None | Some(Value::Null) => format!("clears {field}"),
            Some(_) => field.to_owned(),
        }
    });
    let changes: Vec<String> = changes.collect();
    Ok(changes.join(", "))
}
