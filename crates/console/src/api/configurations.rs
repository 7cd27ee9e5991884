//! Provisioning configurations.

use scim_admin::configuration::{parse_networks, parse_profile};
use scim_admin::{
    ConfigurationInput, ConfigurationStatus, IdentityProvider, ProvisioningConfiguration,
};
use scim_provisioning::ConfigurationId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Configure, Operate, Tokens};
use super::answer::{Created, Ended, One, Page, tag};
use super::extract::{IfMatch, Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::ConfigurationPath;
use super::{Problem, input};
use crate::documents::{self, Configuration};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_configurations,
        add_configuration,
        show_configuration,
        edit_configuration,
        delete_configuration,
        enable_configuration,
        pause_configuration,
        disable_configuration,
    ]
}

/// Which configurations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ConfigurationsQuery {
    /// A text to look for
    q: Option<String>,
}

/// List configurations.
#[utoipa::path(get, path = "/configurations")]
fn list_configurations(
    by: Auditor,
    Query(query): Query<ConfigurationsQuery>,
) -> Result<Page<Configuration>, Problem> {
    let found = by.admin.configurations(query.q.as_deref())?;
    Ok(Page::whole(
        found.iter().map(|one| by.document(one)).collect(),
    ))
}

/// Add a configuration with its first token.
#[utoipa::path(post, path = "/configurations")]
fn add_configuration(
    by: Administrator<(Configure, Tokens)>,
    given: Json<input::ConfigurationInput>,
) -> Result<Created<Configuration>, Problem> {
    let given = given.read()?;
    let days = given.token_days;
    let input = given.over(ConfigurationInput::fresh())?;
    let (added, token) = by.admin.add_configuration(&by.actor, &input, days)?;
    let document = documents::added(&by.scim_endpoint, &added, &token);
    let location = format!("/configurations/{}", added.id);
    Ok(Created::secret(document, location))
}

/// Read a configuration.
#[utoipa::path(get, path = "/configurations/{configuration}")]
fn show_configuration(
    by: Auditor,
    Path(path): Path<ConfigurationPath>,
) -> Result<One<Configuration>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    Ok(One::new(by.document(&found)))
}

/// Change a configuration.
#[utoipa::path(patch, path = "/configurations/{configuration}")]
fn edit_configuration(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    given: Json<input::ConfigurationInput>,
) -> Result<One<Configuration>, Problem> {
    let found = by.seen_configuration(&path, &if_match)?;
    let given = given.read()?;
    if given.token_days.is_some() {
        let said = "\"tokenDays\" is for a new configuration; set the \"expiresAt\" of a token.";
        return Err(Problem::new(422, said));
    }
    let input = given.over(ConfigurationInput::of(&found))?;
    let edited = by.admin.edit_configuration(&by.actor, &found, &input)?;
    Ok(One::new(by.document(&edited)))
}

/// Delete a configuration and its tokens.
///
/// One that manages many people goes on being deleted behind the answer 202: its status is `deleting`
/// until it is gone, nothing else can be done with it, and its name is in use.
#[utoipa::path(delete, path = "/configurations/{configuration}")]
fn delete_configuration(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
) -> Result<Ended<Configuration>, Problem> {
    let found = by.seen_configuration(&path, &if_match)?;
    let deletion = by.admin.delete_configuration(&by.actor, found.id)?;
    Ok(match deletion.gone {
        true => Ended::Done,
        false => Ended::GoesOn(One::new(by.document(&deletion.configuration))),
    })
}

/// Enable a configuration.
#[utoipa::path(post, path = "/configurations/{configuration}/enable")]
fn enable_configuration(
    by: Administrator<Operate>,
    path: Path<ConfigurationPath>,
    if_match: IfMatch,
) -> Result<One<Configuration>, Problem> {
    switch(&by, &path, &if_match, ConfigurationStatus::Enabled)
}

/// Pause a configuration: its identity provider is told to come back later.
#[utoipa::path(post, path = "/configurations/{configuration}/pause")]
fn pause_configuration(
    by: Administrator<Operate>,
    path: Path<ConfigurationPath>,
    if_match: IfMatch,
) -> Result<One<Configuration>, Problem> {
    switch(&by, &path, &if_match, ConfigurationStatus::Paused)
}

/// Disable a configuration.
#[utoipa::path(post, path = "/configurations/{configuration}/disable")]
fn disable_configuration(
    by: Administrator<Operate>,
    path: Path<ConfigurationPath>,
    if_match: IfMatch,
) -> Result<One<Configuration>, Problem> {
    switch(&by, &path, &if_match, ConfigurationStatus::Disabled)
}

fn switch(
    by: &Caller,
    Path(path): &Path<ConfigurationPath>,
    if_match: &IfMatch,
    status: ConfigurationStatus,
) -> Result<One<Configuration>, Problem> {
    let found = by.seen_configuration(path, if_match)?;
    let switched = by.admin.set_status(&by.actor, &found, status)?;
    Ok(One::new(by.document(&switched)))
}

impl Caller {
    fn document(&self, found: &ProvisioningConfiguration) -> Configuration {
        documents::configuration(&self.scim_endpoint, found)
    }

    /// The configuration that a path names, as the client has read it: what `If-Match` was compared
    /// with is what is changed.
    fn seen_configuration(
        &self,
        path: &ConfigurationPath,
        if_match: &IfMatch,
    ) -> Result<ProvisioningConfiguration, Problem> {
        let found = self.admin.find_configuration(&path.configuration)?;
        if_match.check(&tag(&self.document(&found)))?;
        Ok(found)
    }

    /// The id of the configuration that a path names.
    pub(super) fn configuration_id(&self, name_or_id: &str) -> Result<ConfigurationId, Problem> {
        Ok(self.admin.find_configuration(name_or_id)?.id)
    }
}

impl input::ConfigurationInput {
    fn over(self, before: ConfigurationInput) -> Result<ConfigurationInput, Problem> {
        let unknown = |what: &str| Problem::new(422, format!("The {what} is not known."));
        let types = self.provisioning_type;
        let chosen = |of: fn(&input::ProvisioningInput) -> Option<bool>, before| {
            types.as_ref().and_then(of).unwrap_or(before)
        };
        Ok(ConfigurationInput {
            users: chosen(|types| types.users, before.users),
            groups: chosen(|types| types.groups, before.groups),
            name: self.name.unwrap_or(before.name),
            description: self.description.unwrap_or(before.description),
            identity_provider: match self.identity_provider {
                Some(name) => {
                    IdentityProvider::parse(&name).ok_or_else(|| unknown("identityProvider"))?
                }
                None => before.identity_provider,
            },
            profile: match self.profile {
                Some(name) => parse_profile(&name).ok_or_else(|| unknown("profile"))?,
                None => before.profile,
            },
            policies: before.policies,
            networks: match self.allowed_networks {
                Some(networks) => parse_networks(&networks.join(","))?,
                None => before.networks,
            },
        })
    }
}
