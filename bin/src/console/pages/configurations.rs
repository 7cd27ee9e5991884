//! The list of provisioning configurations, and the drawer in which one is added or edited.

use askama::Template;
use chrono::{Duration, Utc};
use scim_admin::ProvisioningConfiguration;
use scim_admin::event::Activity;
use scim_admin::people::ManagedCounts;
use scim_admin::{AdminError, ConfigurationInput, IdentityProvider, IssuedToken};

use super::super::signing_in::ask_again;
use super::super::{ConsoleAnswer, Failed, Form, Visit, sentence};
use super::charts::Chart;
use super::configuration::{Health, expiring, types};
use super::{LIST, Shell, ago, maybe};

/// A row of the list.
struct Row {
    id: String,
    name: String,
    description: String,
    enabled: bool,
    types: &'static str,
    health: Health,
    day: Chart,
    last_used: String,
    expiring: String,
}

#[derive(Template)]
#[template(path = "configurations.html")]
struct List {
    shell: Shell,
    endpoint: String,
    search: String,
    status: String,
    rows: Vec<Row>,
    any: bool,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, now) = (&visit.console.admin, Utc::now());
    let search = visit.query.given("q");
    let status = visit.query.text("status");
    let found = admin.configurations(search)?;
    let activity = admin.activity(now - Duration::hours(24))?;
    let mut rows = Vec::new();
    for one in found {
        if !status.is_empty() && one.status() != status {
            continue;
        }
        let id = one.id.to_string();
        let tokens = admin.tokens(&id)?;
        let own: Vec<&Activity> = activity
            .iter()
            .filter(|entry| entry.configuration == id)
            .collect();
        let used = tokens.iter().filter_map(|token| token.last_used).max();
        rows.push(Row {
            enabled: one.enabled,
            types: types(&one),
            health: Health::new(&one, &tokens, &own, now),
            day: Chart::new("Requests, 24 hours", &own, now, 24, 1),
            last_used: ago(used, now),
            expiring: expiring(&tokens, now),
            name: one.name,
            description: one.description,
            id,
        });
    }
    let any = !rows.is_empty() || !admin.configurations(None)?.is_empty();
    let page = List {
        shell: Shell::new(visit, "provisioning", "SCIM Provisioning")?,
        endpoint: visit.console.scim_endpoint.clone(),
        search: search.unwrap_or_default().to_owned(),
        status: status.to_owned(),
        rows,
        any,
    };
    ConsoleAnswer::page(200, &page)
}

/// The drawer.
#[derive(Template)]
#[template(path = "drawer.html")]
struct Drawer {
    shell: Shell,
    action: String,
    endpoint: String,
    button: &'static str,
    error: String,
    name: String,
    description: String,
    users: bool,
    groups: bool,
    providers: Vec<(&'static str, &'static str, bool)>,
    /// Where its tokens are, once it is there.
    tokens: String,
    /// Its live tokens: id, end, and when it was last used.
    live: Vec<(String, String, String)>,
    /// Where the drawer is left for.
    back: String,
    version: i64,
    /// Whether it is the name that is wrong.
    name_is_wrong: bool,
}

impl Drawer {
    fn new(visit: &Visit<'_>, input: &ConfigurationInput) -> Result<Self, Failed> {
        let providers = IdentityProvider::ALL.into_iter();
        Ok(Self {
            shell: Shell::new(visit, "provisioning", "Add SCIM Provisioning")?,
            action: "/admin/users/scim-provisioning/new".to_owned(),
            endpoint: visit.console.scim_endpoint.clone(),
            button: "Add",
            error: String::new(),
            name: input.name.clone(),
            description: input.description.clone(),
            users: input.users,
            groups: input.groups,
            providers: providers
                .map(|one| (one.as_str(), label(one), one == input.identity_provider))
                .collect(),
            tokens: String::new(),
            live: Vec::new(),
            back: LIST.to_owned(),
            version: 0,
            name_is_wrong: false,
        })
    }

    fn of(
        visit: &Visit<'_>,
        found: &ProvisioningConfiguration,
        input: &ConfigurationInput,
    ) -> Result<Self, Failed> {
        let (base, now) = (format!("{LIST}/{}", found.id), Utc::now());
        let tokens = visit.console.admin.tokens(&found.id.to_string())?;
        let live = tokens.into_iter().filter(|token| token.is_live(now));
        Ok(Self {
            shell: Shell::new(visit, "provisioning", "Edit SCIM Provisioning")?,
            action: format!("{base}/edit"),
            button: "Save",
            tokens: format!("{base}/tokens"),
            live: live
                .map(|token| (token.id, token.hint, ago(token.last_used, now)))
                .collect(),
            back: base,
            version: found.version,
            ..Self::new(visit, input)?
        })
    }

    /// The drawer again, with what was wrong.
    fn again(self, error: AdminError) -> Result<ConsoleAnswer, Failed> {
        let (AdminError::Invalid(_) | AdminError::NameTaken(_) | AdminError::Stale) = &error else {
            return Err(error.into());
        };
        let error = sentence(&error);
        let page = Self {
            name_is_wrong: error.to_lowercase().contains("name"),
            error,
            ..self
        };
        ConsoleAnswer::page(422, &page)
    }
}

pub(super) fn label(provider: IdentityProvider) -> &'static str {
    match provider {
        IdentityProvider::Entra => "Microsoft Entra ID",
        IdentityProvider::Okta => "Okta",
        IdentityProvider::OneLogin => "OneLogin",
        IdentityProvider::Keycloak => "Keycloak",
        IdentityProvider::Google => "Google Workspace",
        IdentityProvider::JumpCloud => "JumpCloud",
        IdentityProvider::Ping => "Ping",
        IdentityProvider::Authentik => "authentik",
        IdentityProvider::Rauthy => "Rauthy",
        _ => "Another one",
    }
}

fn entered(form: &Form, before: ConfigurationInput) -> ConfigurationInput {
    ConfigurationInput {
        name: form.text("name").to_owned(),
        description: form.text("description").to_owned(),
        users: form.checked("users"),
        groups: form.checked("groups"),
        identity_provider: IdentityProvider::parse(form.text("identity_provider"))
            .unwrap_or(before.identity_provider),
        ..before
    }
}

pub(in super::super) fn new(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &Drawer::new(visit, &ConfigurationInput::fresh())?)
}

/// A token, shown once it was made or asked for.
#[derive(Template)]
#[template(path = "token.html")]
struct Token {
    shell: Shell,
    intro: String,
    endpoint: String,
    value: String,
    expires: String,
    tokens: String,
    guide: String,
}

/// The page that shows a token.
pub(super) fn shown(
    visit: &Visit<'_>,
    configuration: &ProvisioningConfiguration,
    issued: &IssuedToken,
    title: &str,
) -> Result<ConsoleAnswer, Failed> {
    let page = Token {
        shell: Shell::new(visit, "provisioning", title)?,
        intro: configuration.name.clone(),
        endpoint: visit.console.scim_endpoint.clone(),
        value: issued.value.reveal().to_owned(),
        expires: maybe(issued.token.expires),
        tokens: format!("{LIST}/{}/tokens", configuration.id),
        guide: format!("{LIST}/{}/setup", configuration.id),
    };
    ConsoleAnswer::page(200, &page)
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let input = entered(&visit.form, ConfigurationInput::fresh());
    match visit
        .console
        .admin
        .add_configuration(&visit.actor()?, &input)
    {
        Ok((added, token)) => shown(visit, &added, &token, "The configuration is there"),
        Err(error) => Drawer::new(visit, &input)?.again(error),
    }
}

fn found(visit: &Visit<'_>) -> Result<ProvisioningConfiguration, Failed> {
    Ok(visit.console.admin.configuration(visit.part(0))?)
}

pub(in super::super) fn edit(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let found = found(visit)?;
    ConsoleAnswer::page(
        200,
        &Drawer::of(visit, &found, &ConfigurationInput::of(&found))?,
    )
}

pub(in super::super) fn save(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let found = found(visit)?;
    let input = entered(&visit.form, ConfigurationInput::of(&found));
    let seen = visit.form.text("version").parse::<i64>();
    let admin = &visit.console.admin;
    let saved = match seen == Ok(found.version) {
        true => admin.edit_configuration(&visit.actor()?, &found.id.to_string(), &input),
        false => Err(AdminError::Stale),
    };
    match saved {
        Ok(_) => Ok(ConsoleAnswer::redirect(format!(
            "{LIST}/{}?done=saved",
            found.id
        ))),
        Err(error) => Drawer::of(visit, &found, &input)?.again(error),
    }
}

pub(in super::super) fn enable(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    switch(visit, true)
}

pub(in super::super) fn disable(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    switch(visit, false)
}

fn switch(visit: &Visit<'_>, enabled: bool) -> Result<ConsoleAnswer, Failed> {
    let (admin, id) = (&visit.console.admin, found(visit)?.id.to_string());
    admin.enable_configuration(&visit.actor()?, &id, enabled)?;
    let done = if enabled { "enabled" } else { "disabled" };
    let back = match visit.form.text("list") {
        "" => format!("{LIST}/{id}?done={done}"),
        _ => format!("{LIST}?done={done}"),
    };
    Ok(ConsoleAnswer::redirect(back))
}

#[derive(Template)]
#[template(path = "delete.html")]
struct Delete {
    shell: Shell,
    name: String,
    counts: ManagedCounts,
    error: &'static str,
}

fn deletion(visit: &Visit<'_>, error: &'static str) -> Result<Delete, Failed> {
    let found = found(visit)?;
    Ok(Delete {
        shell: Shell::new(visit, "provisioning", "Delete SCIM Provisioning")?,
        counts: visit.console.admin.managed_counts(found.id)?,
        name: found.name,
        error,
    })
}

pub(in super::super) fn confirm_deletion(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    if !visit.is_confirmed() {
        return Ok(ask_again(&format!("/admin{}", visit.request.path)));
    }
    ConsoleAnswer::page(200, &deletion(visit, "")?)
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let found = found(visit)?;
    if !visit.is_confirmed() {
        return Ok(ask_again(&format!("/admin{}", visit.request.path)));
    }
    if visit.form.text("name").trim() != found.name {
        let page = deletion(visit, "This is not the name of the configuration.")?;
        return ConsoleAnswer::page(422, &page);
    }
    let admin = &visit.console.admin;
    admin.delete_configuration(&visit.actor()?, &found.id.to_string())?;
    Ok(ConsoleAnswer::redirect(format!("{LIST}?done=deleted")))
}
