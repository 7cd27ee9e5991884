//! `demo`: plays an identity provider against the running server.
//!
//! It has a configuration of its own, speaks SCIM to the server over HTTPS as Entra ID or Okta do, and
//! takes away nothing but what it made: whatever has a logon name at `demo.example`.

mod company;
mod play;
mod reach;

use anyhow::bail;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use scim_admin::people::{ManagedBy, PeopleQuery};
use scim_admin::{
    AdminService, ConfigurationInput, IdentityProvider, IssuedToken, ProvisioningConfiguration,
};
use scim_provisioning::policy::{Deletion, Guard, MemberGuard};
use scim_provisioning::{ExistingUsers, Policies};
use serde_json::json;

use self::company::{Company, DOMAIN};
use self::play::{Dialect, Played};
use self::reach::Reached;
use super::value::actor;
use crate::host::{Host, Instance};
use crate::output;
use crate::settings::{Common, TlsOptions};

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many people the company has.
    #[arg(long, value_name = "NUMBER", default_value_t = 25,
        value_parser = clap::value_parser!(u32).range(5..=10_000))]
    users: u32,
    /// Which identity provider is played.
    #[arg(long, default_value = "entra", value_parser = dialect())]
    idp: Dialect,
    /// Take away what the demo made, and nothing else.
    #[arg(long, conflicts_with_all = ["users", "idp", "beside_real_data"])]
    remove: bool,
    /// Play although there are people, configurations or streams that the demo did not make.
    #[arg(long)]
    beside_real_data: bool,
    /// The certificate by which the server is known.
    #[command(flatten)]
    tls: TlsOptions,
}

fn dialect() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(["entra", "okta"]).map(|name| match &*name {
        "okta" => Dialect::Okta,
        _ => Dialect::Entra,
    })
}

/// Plays, or takes away what was played.
///
/// # Errors
/// When the server does not run, something else is there, or the server answers otherwise than it
/// should.
pub(crate) fn run(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let server = Reached::find(common, &options.tls)?;
    if options.remove {
        return remove(common, &instance, &server);
    }
    let admin = instance.admin();
    if !options.beside_real_data {
        check_alone(&admin)?;
    }
    if let Some(left) = own(&admin)?.first() {
        bail!(
            "the demo was played already: {}; take it away first: demo --remove",
            left.name
        );
    }
    let (configuration, token) = add(&admin, options.idp)?;
    let client = server.client(&token);
    let company = Company::new(options.users);
    let played = play::play(&client, options.idp, company, common.json)?;
    report(common, &instance, &configuration, &played)
}

/// Adds the configuration of the demo, which links nobody, gives nothing, and lets everybody leave.
fn add(
    admin: &AdminService,
    dialect: Dialect,
) -> anyhow::Result<(ProvisioningConfiguration, IssuedToken)> {
    let open = Guard {
        count: 0,
        ..Guard::default()
    };
    let input = ConfigurationInput {
        name: format!("Demo ({})", dialect.product()),
        description: MARK.to_owned(),
        identity_provider: match dialect {
            Dialect::Entra => IdentityProvider::Entra,
            Dialect::Okta => IdentityProvider::Okta,
        },
        policies: Policies {
            existing_users: ExistingUsers::Refuse,
            deletion: Deletion::Delete { after_days: 1 },
            guard: open,
            member_guard: MemberGuard {
                count: 0,
                ..MemberGuard::default()
            },
            ..Policies::default()
        },
        ..ConfigurationInput::fresh()
    };
    Ok(admin.add_configuration(&actor(), &input, Some(TOKEN_DAYS))?)
}

/// The configurations that the demo made.
fn own(admin: &AdminService) -> anyhow::Result<Vec<ProvisioningConfiguration>> {
    let mut found = admin.configurations(None)?;
    found.retain(|configuration| configuration.description == MARK);
    Ok(found)
}

/// Refuses where there is anything that the demo did not make.
fn check_alone(admin: &AdminService) -> anyhow::Result<()> {
    let refuse = |what: &str, name: &str| {
        bail!(
            "there is the {what} \"{}\", which the demo did not make; play on an instance of its own, \
             or say --beside-real-data",
            output::printable(name)
        )
    };
    let configurations = admin.configurations(None)?;
    if let Some(other) = configurations.iter().find(|one| one.description != MARK) {
        return refuse("configuration", &other.name);
    }
    if let Some(stream) = admin.streams()?.first() {
        return refuse("stream", &stream.name);
    }
    let mut query = PeopleQuery {
        search: None,
        status: None,
        user_type: None,
        managed_by: ManagedBy::Anybody,
        after: None,
        limit: 1_000,
    };
    loop {
        let page = admin.people(&query)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        query.after = Some(last.id.clone());
        if let Some(person) = page
            .iter()
            .find(|person| !person.user_name.ends_with(DOMAIN))
        {
            return refuse("person", &person.user_name);
        }
    }
}

fn report(
    common: &Common,
    instance: &Instance,
    configuration: &ProvisioningConfiguration,
    played: &Played,
) -> anyhow::Result<()> {
    let page = instance.console(&scim_console::configuration_page(configuration.id));
    if common.json {
        output::json(&json!({
            "configuration": {"id": configuration.id.to_string(), "name": configuration.name},
            "requests": played.requests,
            "users": played.users,
            "groups": played.groups,
            "changed": played.changed,
            "left": played.left,
            "differences": played.differences,
            "console": page,
        }))?;
    } else {
        output::line(&format!(
            "{} people and {} groups were created, {} people changed, {} left: {} requests",
            played.users, played.groups, played.changed, played.left, played.requests
        ))?;
        output::line(&format!("To look at: {page}"))?;
        output::line("To take it away: serviceops-scim demo --remove")?;
    }
    match played.differences.as_slice() {
        [] if common.json => Ok(()),
        [] => output::line("What the server has is what was sent"),
        [first, ..] => bail!(
            "the server has something else than was sent, of {}: {first}",
            played.differences.len()
        ),
    }
}

/// Takes away the groups and people of the demo, as an identity provider deletes them, and then its
/// configurations. People are archived, and deleted for good a day later.
fn remove(common: &Common, instance: &Instance, server: &Reached) -> anyhow::Result<()> {
    let admin = instance.admin();
    let configurations = own(&admin)?;
    let mut removed = 0;
    for configuration in &configurations {
        admin.revoke_tokens_before(&actor(), Some(configuration.id), admin.now())?;
        let token = admin.add_token(&actor(), configuration.id, Some(0), Some(1))?;
        removed += play::remove(&server.client(&token), common.json)?;
        let begun = admin.begin_deletion(&actor(), configuration.id)?;
        admin.finish_deletion(begun, |_let_go| {})?;
    }
    match (common.json, configurations.is_empty()) {
        (true, _) => output::json(&json!({
            "configurations": configurations.len(),
            "resources": removed,
        })),
        (false, true) => output::line("The demo has left nothing to take away"),
        (false, false) => output::line(&format!(
            "Took away {removed} people and groups; people are archived, and deleted for good \
             tomorrow"
        )),
    }
}

/// By what a configuration of the demo is known.
const MARK: &str = "Made by serviceops-scim demo; demo --remove takes it away";
const TOKEN_DAYS: i64 = 7;
