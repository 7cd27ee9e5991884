//! `configuration`: add, list, show, edit, enable, pause, disable, rehearse, delete.

use clap::{Args, Subcommand};
use scim_admin::configuration::{parse_networks, profile_name};
use scim_admin::{
    AdminService, ConfigurationInput, ConfigurationStatus, Deletion, IdentityProvider,
    ProvisioningConfiguration,
};
use scim_protocol::Profile;
use scim_provisioning::{ConfigurationId, Policies};

use super::policy::{self, PolicyOptions};
use super::rehearsal;
use super::value::{self, actor, instant};
use crate::host::{Host, Instance};
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with configurations.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a configuration with its first token.
    Add(Add),
    /// List the configurations.
    List {
        /// Only those whose name or description contains this text.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show a configuration.
    Show(Which),
    /// Change a configuration; what is not named stays.
    Edit(Box<Edit>),
    /// Accept a configuration's tokens again.
    Enable(Which),
    /// Tell the identity provider to come back later; it keeps what it has and sends it again.
    Pause(Which),
    /// Refuse a configuration's tokens from the next request on.
    Disable(Which),
    /// Answer the identity provider from a copy of the directory, to see what it would do.
    Rehearse(Which),
    /// Delete a configuration and its tokens; its users, groups and log entries stay.
    Delete(Which),
}

/// Options of `configuration add`.
#[derive(Debug, Args)]
#[group(id = "Changes", multiple = true)]
pub(crate) struct Add {
    /// The name.
    #[arg(long)]
    name: String,
    /// What it is for.
    #[arg(long, default_value = "")]
    description: String,
    /// Provision users; without --users and --groups both are.
    #[arg(long)]
    users: bool,
    /// Provision groups; without --users and --groups both are.
    #[arg(long)]
    groups: bool,
    /// The identity provider.
    #[arg(long, default_value = "generic", value_parser = value::identity_provider())]
    idp: IdentityProvider,
    /// Whether deviations from the RFCs are accepted.
    #[arg(long, default_value = "tolerant", value_parser = value::profile())]
    profile: Profile,
    /// The networks from which its tokens are accepted, separated by commas; without it every one.
    #[arg(long, value_name = "NETWORKS", default_value = "")]
    allowed_networks: String,
    /// How many days the token lives.
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    token_days: i64,
    #[command(flatten)]
    policies: PolicyOptions,
}

/// Options of `configuration edit`.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Changes {
    /// The new name.
    #[arg(long, group = "Changes")]
    name: Option<String>,
    /// What it is for.
    #[arg(long, group = "Changes")]
    description: Option<String>,
    /// Whether users are provisioned.
    #[arg(long, group = "Changes", num_args = 0..=1, default_missing_value = "true")]
    users: Option<bool>,
    /// Whether groups are provisioned.
    #[arg(long, group = "Changes", num_args = 0..=1, default_missing_value = "true")]
    groups: Option<bool>,
    /// The identity provider.
    #[arg(long, group = "Changes", value_parser = value::identity_provider())]
    idp: Option<IdentityProvider>,
    /// Whether deviations from the RFCs are accepted.
    #[arg(long, group = "Changes", value_parser = value::profile())]
    profile: Option<Profile>,
    /// The networks from which its tokens are accepted, separated by commas; "" for every one.
    #[arg(long, group = "Changes", value_name = "NETWORKS")]
    allowed_networks: Option<String>,
    #[command(flatten)]
    policies: PolicyOptions,
}

/// A configuration and what changes of it.
#[derive(Debug, Args)]
#[group(id = "Changes", required = true, multiple = true)]
pub(crate) struct Edit {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    changes: Changes,
}

/// A configuration.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The name or id of the configuration.
    configuration: String,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    if let Action::Add(options) = &action {
        options.policies.check_new()?;
        parse_networks(&options.allowed_networks)?;
    }
    let instance = host.open(common)?;
    let admin = instance.admin();
    let (said, configuration) = match action {
        Action::Add(options) => return add(common, &instance, options),
        Action::List { search } => return list(common, &instance, search.as_deref()),
        Action::Show(which) => return show(common, &instance, &which),
        Action::Rehearse(which) => {
            let found = admin.find_configuration(&which.configuration)?;
            return rehearsal::begin(common, &admin, &found);
        }
        Action::Edit(edit) => ("Changed", self::edit(&admin, *edit)?),
        Action::Enable(which) => (
            "Enabled",
            set(&admin, &which, ConfigurationStatus::Enabled)?,
        ),
        Action::Pause(which) => ("Paused", set(&admin, &which, ConfigurationStatus::Paused)?),
        Action::Disable(which) => {
            let disabled = set(&admin, &which, ConfigurationStatus::Disabled)?;
            ("Disabled", disabled)
        }
        Action::Delete(which) => {
            let found = admin.find_configuration(&which.configuration)?.id;
            let deleted = delete(&admin, found)?;
            if common.json {
                let endpoint = instance.scim_endpoint();
                return output::deleted(&documents::configuration(endpoint, &deleted), "status");
            }
            ("Deleted", deleted)
        }
    };
    match common.json {
        true => output::json(&documents::configuration(
            instance.scim_endpoint(),
            &configuration,
        )),
        false => output::line(&format!(
            "{said} {}",
            output::printable(&configuration.name)
        )),
    }
}

fn add(common: &Common, instance: &Instance, options: Add) -> anyhow::Result<()> {
    let both = !options.users && !options.groups;
    let input = ConfigurationInput {
        name: options.name,
        description: options.description,
        users: options.users || both,
        groups: options.groups || both,
        identity_provider: options.idp,
        profile: options.profile,
        policies: options.policies.apply(Policies::default())?,
        networks: parse_networks(&options.allowed_networks)?,
    };
    let (configuration, token) =
        instance
            .admin()
            .add_configuration(&actor(), &input, Some(options.token_days))?;
    if common.json {
        let endpoint = instance.scim_endpoint();
        return output::json(&documents::added(endpoint, &configuration, &token));
    }
    let mut table = Table::of_fields();
    table.row(["Configuration".to_owned(), configuration.name]);
    table.row(["Id".to_owned(), configuration.id.to_string()]);
    table.row([
        "SCIM endpoint".to_owned(),
        instance.scim_endpoint().to_owned(),
    ]);
    table.row(["Token".to_owned(), token.value.reveal().to_owned()]);
    let expires = value::maybe_instant(token.token.ends());
    table.row(["Token ends".to_owned(), expires.unwrap_or_default()]);
    table.print()
}

fn list(common: &Common, instance: &Instance, search: Option<&str>) -> anyhow::Result<()> {
    let configurations = instance.admin().configurations(search)?;
    if common.json {
        let documents = configurations
            .iter()
            .map(|one| documents::configuration(instance.scim_endpoint(), one));
        return output::items(documents);
    }
    let mut table = Table::titled(["name", "status", "provisions", "idp", "id"]);
    for one in configurations {
        let (status, provisions) = (one.status.as_str().to_owned(), provisions(&one));
        let idp = one.identity_provider.as_str().to_owned();
        table.row([one.name, status, provisions, idp, one.id.to_string()]);
    }
    table.print()
}

fn show(common: &Common, instance: &Instance, which: &Which) -> anyhow::Result<()> {
    let one = instance.admin().find_configuration(&which.configuration)?;
    if common.json {
        return output::json(&documents::configuration(instance.scim_endpoint(), &one));
    }
    let mut table = Table::of_fields();
    for (title, text) in [
        ("Name", one.name.clone()),
        ("Description", one.description.clone()),
        ("Status", one.status.as_str().to_owned()),
        ("Provisions", provisions(&one)),
        (
            "Identity provider",
            one.identity_provider.as_str().to_owned(),
        ),
        ("Profile", profile_name(one.profile).to_owned()),
    ]
    .into_iter()
    .chain(policy::rows(&one.policies))
    .chain([
        (
            "Allowed networks",
            match one.networks.as_slice() {
                [] => "every one".to_owned(),
                networks => networks
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        ),
        ("SCIM endpoint", instance.scim_endpoint().to_owned()),
        ("Created", instant(one.created)),
        ("Changed", instant(one.last_modified)),
        ("Id", one.id.to_string()),
    ]) {
        table.row([title.to_owned(), text]);
    }
    table.print()
}

fn edit(admin: &AdminService, edit: Edit) -> anyhow::Result<ProvisioningConfiguration> {
    let (name, changes) = (edit.which.configuration, edit.changes);
    let before = admin.find_configuration(&name)?;
    let now = ConfigurationInput::of(&before);
    let input = ConfigurationInput {
        name: changes.name.unwrap_or(now.name),
        description: changes.description.unwrap_or(now.description),
        users: changes.users.unwrap_or(now.users),
        groups: changes.groups.unwrap_or(now.groups),
        identity_provider: changes.idp.unwrap_or(now.identity_provider),
        profile: changes.profile.unwrap_or(now.profile),
        policies: changes.policies.apply(now.policies)?,
        networks: match changes.allowed_networks {
            Some(networks) => parse_networks(&networks)?,
            None => now.networks,
        },
    };
    let edited = admin.edit_configuration(&actor(), &before, &input)?;
    if edited.provisions_nothing() {
        output::warning(
            "the configuration provisions nothing: neither users nor groups; \
             --users true or --groups true switches one on",
        );
    }
    Ok(edited)
}

fn set(
    admin: &AdminService,
    which: &Which,
    status: ConfigurationStatus,
) -> anyhow::Result<ProvisioningConfiguration> {
    let before = admin.find_configuration(&which.configuration)?;
    Ok(admin.set_status(&actor(), &before, status)?)
}

/// Deletes a configuration to its end, however many it manages.
fn delete(
    admin: &AdminService,
    found: ConfigurationId,
) -> anyhow::Result<ProvisioningConfiguration> {
    let begun = admin.begin_deletion(&actor(), found)?;
    let deleted = begun.configuration.clone();
    finish_deletion(admin, begun)?;
    Ok(deleted)
}

/// Waits until a configuration is gone that is being deleted, and says how far that is.
pub(super) fn finish_deletion(admin: &AdminService, begun: Deletion) -> anyhow::Result<()> {
    if begun.gone {
        return Ok(());
    }
    let (id, name) = (begun.configuration.id, begun.configuration.name.clone());
    let mut untold = TOLD;
    admin.finish_deletion(begun, |let_go| {
        untold += let_go;
        if untold < TOLD {
            return;
        }
        untold = 0;
        // Whoever keeps the server up works on it as well. It may be gone by now.
        if let Ok(counts) = admin.managed_counts(id) {
            let left = counts.active + counts.blocked + counts.archived + counts.groups;
            let name = output::printable(&name);
            output::progress(&format!("{name}: {left} users and groups are to be let go"));
        }
    })?;
    Ok(())
}

/// After how many people and groups it is said again how far a deletion is.
const TOLD: usize = 5_000;

fn provisions(configuration: &ProvisioningConfiguration) -> String {
    let text = match (configuration.users, configuration.groups) {
        (true, true) => "users, groups",
        (true, false) => "users",
        (false, true) => "groups",
        (false, false) => "nothing",
    };
    text.to_owned()
}
