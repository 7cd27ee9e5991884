//! The list of provisioning configurations, and the drawer in which one is added or edited.

use askama::Template;
use chrono::{DateTime, Duration, Utc};
use ipnet::IpNet;
use scim_admin::ProvisioningConfiguration;
use scim_admin::configuration::parse_networks;
use scim_admin::event::Activity;
use scim_admin::people::ManagedCounts;
use scim_admin::{
    AccessToken, AdminError, ConfigurationInput, ConfigurationStatus, IdentityProvider, IssuedToken,
};

use super::super::form_field::form_field;
use super::super::signing_in::{encoded, next};
use super::super::{ConsoleAnswer, Failed, Form, Visit, sentence};
use super::charts::Chart;
use super::configuration::{Health, expiring, said, types};
use super::{LIST, Shell, ago, maybe, rows, sizes};

/// A row of the list.
struct Row {
    id: String,
    name: String,
    description: String,
    status: ConfigurationStatus,
    types: &'static str,
    /// Whether neither users nor groups are provisioned.
    nothing: bool,
    health: Health,
    day: Chart,
    last_used: String,
    expiring: String,
    /// How many changes the guard holds.
    held: i64,
}

#[derive(Template)]
#[template(path = "configurations.html")]
struct List {
    shell: Shell,
    endpoint: String,
    search: String,
    status: String,
    rows: Vec<Row>,
    sizes: Vec<(i64, bool)>,
    /// How many fit.
    fitting: usize,
    /// Which of them are shown: the first and the last.
    shown: (usize, usize),
    /// Where the pages before and behind are; empty where there is none.
    before: String,
    behind: String,
    any: bool,
}

impl List {
    /// The rows whose token ends soon.
    fn expiring(&self) -> Vec<&Row> {
        let rows = self.rows.iter();
        rows.filter(|row| !row.expiring.is_empty()).collect()
    }
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, now) = (&visit.console.admin, visit.console.admin.now());
    let search = visit.query.given("q");
    let status = visit.query.text("status");
    let mut found = admin.configurations(search)?;
    let any = !found.is_empty() || !admin.configurations(None)?.is_empty();
    found.retain(|one| status.is_empty() || one.status.as_str() == status);
    let fitting = found.len();
    let size = usize::try_from(rows(visit)).unwrap_or(1);
    let last = fitting.saturating_sub(1) / size + 1;
    let page = visit.query.text("page").parse().unwrap_or(1).clamp(1, last);
    let first = (page - 1) * size;
    let address = |page: usize| {
        let search = encoded(search.unwrap_or_default());
        match (1..=last).contains(&page) {
            true => format!(
                "?q={search}&status={}&rows={size}&page={page}",
                encoded(status)
            ),
            false => String::new(),
        }
    };
    let activity = admin.activity(now - Duration::hours(24), None)?;
    let requests = admin.requests(now - Duration::hours(24), None)?;
    let mut shown = Vec::new();
    for one in found.into_iter().skip(first).take(size) {
        shown.push(Row::new(visit, one, &activity, &requests, now)?);
    }
    let page = List {
        shell: Shell::new(visit, "provisioning", "SCIM Provisioning")?,
        endpoint: visit.console.scim_endpoint.clone(),
        search: search.unwrap_or_default().to_owned(),
        status: status.to_owned(),
        sizes: sizes(visit),
        fitting,
        shown: (first + 1, first + shown.len()),
        before: address(page - 1),
        behind: address(page + 1),
        rows: shown,
        any,
    };
    ConsoleAnswer::page(200, &page)
}

impl Row {
    fn new(
        visit: &Visit<'_>,
        one: ProvisioningConfiguration,
        activity: &[Activity],
        requests: &[Activity],
        now: DateTime<Utc>,
    ) -> Result<Self, Failed> {
        let id = one.id.to_string();
        let tokens = visit.console.admin.tokens(one.id)?;
        let of = |all: &'_ [Activity]| -> Vec<Activity> {
            let own = all.iter().filter(|entry| entry.configuration == one.id);
            own.cloned().collect()
        };
        let (own, asked) = (of(activity), of(requests));
        let own: Vec<&Activity> = own.iter().collect();
        let asked: Vec<&Activity> = asked.iter().collect();
        let used = tokens.iter().filter_map(|token| token.last_used).max();
        Ok(Self {
            status: one.status,
            types: types(&one),
            nothing: one.provisions_nothing(),
            health: Health::new(&one, &tokens, &own, &asked, now),
            day: Chart::new("Requests, 24 hours", String::new(), &asked, now, 24, 1),
            last_used: ago(used, now),
            held: visit.console.admin.managed_counts(one.id)?.held,
            expiring: expiring(&tokens, now),
            name: one.name,
            description: one.description,
            id,
        })
    }
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
    /// The networks as they were entered, one in a line.
    networks: String,
    /// How long the first token may live; none for a configuration that is there.
    lives: Vec<(i64, &'static str, bool)>,
    /// Where its tokens are, once it is there.
    tokens: String,
    /// Its live tokens: id, end, and when it was last used.
    live: Vec<(String, String, String)>,
    /// Where the drawer is left for.
    back: String,
    version: i64,
    /// The id of the field that is wrong; empty when none is.
    wrong: &'static str,
}

impl Drawer {
    fn new(visit: &Visit<'_>, input: &ConfigurationInput) -> Result<Self, Failed> {
        let providers = IdentityProvider::ALL.into_iter();
        Ok(Self {
            shell: Shell::new(visit, "provisioning", "Add SCIM Provisioning")?.below(),
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
            networks: written(&input.networks),
            lives: lives(365),
            tokens: String::new(),
            live: Vec::new(),
            back: LIST.to_owned(),
            version: 0,
            wrong: "",
        })
    }

    fn of(
        visit: &Visit<'_>,
        found: &ProvisioningConfiguration,
        input: &ConfigurationInput,
    ) -> Result<Self, Failed> {
        let (base, now) = (format!("{LIST}/{}", found.id), visit.console.admin.now());
        let tokens = visit.console.admin.tokens(found.id)?;
        let live = tokens.into_iter().filter(|token| token.is_live(now));
        Ok(Self {
            shell: Shell::new(visit, "provisioning", "Edit SCIM Provisioning")?
                .of(&found.name, &found.id.to_string()),
            action: format!("{base}/edit"),
            button: "Save",
            lives: Vec::new(),
            tokens: format!("{base}/tokens"),
            live: live
                .map(|token| (token.id, token.hint, ago(token.last_used, now)))
                .collect(),
            back: base,
            version: found.version,
            ..Self::new(visit, input)?
        })
    }

    /// The drawer as it was filled in.
    fn filled(self, form: &Form) -> Self {
        let days = form.text("days").parse().unwrap_or(365);
        Self {
            networks: form.text("networks").to_owned(),
            lives: match self.lives.is_empty() {
                true => Vec::new(),
                false => lives(days),
            },
            ..self
        }
    }

    /// The drawer again, with what was wrong.
    fn again(self, error: AdminError) -> Result<ConsoleAnswer, Failed> {
        let (AdminError::Invalid(_) | AdminError::NameTaken(_) | AdminError::BeingDeleted(_)) =
            &error
        else {
            return Err(error.into());
        };
        let said = sentence(&error);
        let wrong = form_field(&error);
        let page = Self {
            wrong,
            error: said,
            ..self
        };
        ConsoleAnswer::page(422, &page)
    }
}

/// Networks, one in a line.
pub(super) fn written(networks: &[IpNet]) -> String {
    let lines: Vec<String> = networks.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// How long a token may live, in days, with the one that is chosen.
pub(super) fn lives(chosen: i64) -> Vec<(i64, &'static str, bool)> {
    LIVES
        .map(|(days, said)| (days, said, days == chosen))
        .to_vec()
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

/// What was entered; what the networks are is told apart, because it may be no network.
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
    title: &'static str,
    intro: String,
    endpoint: String,
    value: String,
    expires: String,
    tokens: String,
    guide: String,
    /// Where it is edited, when it provisions nothing.
    nothing: String,
}

/// The page that shows a token which was made or asked for just now.
pub(super) fn shown(
    visit: &Visit<'_>,
    configuration: &ProvisioningConfiguration,
    token: AccessToken,
    value: String,
) -> Result<ConsoleAnswer, Failed> {
    let title = match visit.query.text("shown") {
        "first" => "The configuration is there",
        "new" => "The new token",
        _ => "The token",
    };
    let shell = Shell::new(visit, "provisioning", title)?;
    let page = Token {
        shell: shell.within(&configuration.name, &configuration.id.to_string()),
        title,
        intro: configuration.name.clone(),
        endpoint: visit.console.scim_endpoint.clone(),
        value,
        expires: maybe(token.ends()),
        tokens: format!("{LIST}/{}/tokens", configuration.id),
        guide: format!("{LIST}/{}/setup", configuration.id),
        nothing: match configuration.provisions_nothing() {
            true => format!("{LIST}/{}/edit", configuration.id),
            false => String::new(),
        },
    };
    ConsoleAnswer::page(200, &page)
}

/// Leads to the page that shows a token.
pub(super) fn show(
    visit: &Visit<'_>,
    issued: &IssuedToken,
    why: &str,
) -> Result<ConsoleAnswer, Failed> {
    let (configuration, token) = (issued.token.configuration, &issued.token.id);
    let page = format!("{LIST}/{configuration}/tokens/{token}?shown={why}");
    visit.shown_at(&page, issued.value.reveal())
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let form = &visit.form;
    let input = entered(form, ConfigurationInput::fresh());
    let days = form.given("days").and_then(|days| days.parse().ok());
    let actor = visit.actor()?;
    let added = parse_networks(form.text("networks")).and_then(|networks| {
        let input = ConfigurationInput {
            networks,
            ..input.clone()
        };
        visit.console.admin.add_configuration(&actor, &input, days)
    });
    match added {
        Ok((_, token)) => show(visit, &token, "first"),
        Err(error) => Drawer::new(visit, &input)?.filled(form).again(error),
    }
}

fn found(visit: &Visit<'_>) -> Result<ProvisioningConfiguration, Failed> {
    Ok(visit
        .console
        .admin
        .find_configuration(visit.part("configuration"))?)
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
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let saved = parse_networks(visit.form.text("networks")).and_then(|networks| {
        if seen != Ok(found.version) {
            return Err(AdminError::Stale);
        }
        let input = ConfigurationInput {
            networks,
            ..input.clone()
        };
        admin.edit_configuration(&actor, &found, &input)
    });
    match saved {
        Ok(saved) => {
            let done = match saved.provisions_nothing() {
                true => "saved-nothing",
                false => "saved",
            };
            let page = format!("{LIST}/{}?done={done}", found.id);
            Ok(ConsoleAnswer::redirect(page))
        }
        Err(error) => Drawer::of(visit, &found, &input)?
            .filled(&visit.form)
            .again(error),
    }
}

pub(in super::super) fn enable(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    switch(visit, ConfigurationStatus::Enabled)
}

pub(in super::super) fn pause(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    switch(visit, ConfigurationStatus::Paused)
}

pub(in super::super) fn disable(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    switch(visit, ConfigurationStatus::Disabled)
}

fn switch(visit: &Visit<'_>, status: ConfigurationStatus) -> Result<ConsoleAnswer, Failed> {
    let (admin, found) = (&visit.console.admin, found(visit)?);
    let id = found.id;
    admin.set_status(&visit.actor()?, &found, status)?;
    // The list comes back as it was, at the same row; what was done can be taken back from there.
    let (page, row) = match visit.form.given("list") {
        Some(list) if list.split('?').next() == Some(LIST) => (next(list), format!("#row-{id}")),
        _ => (LIST, String::new()),
    };
    let own = format!("{LIST}/{id}");
    let page = if row.is_empty() { own.as_str() } else { page };
    let done = format!(
        "done={}&done_to={id}&done_from={}",
        status.as_str(),
        found.status.as_str()
    );
    let mark = if page.contains('?') { '&' } else { '?' };
    Ok(ConsoleAnswer::redirect(format!("{page}{mark}{done}{row}")))
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
        shell: Shell::new(visit, "provisioning", "Delete SCIM Provisioning")?
            .of(&found.name, &found.id.to_string()),
        counts: visit.console.admin.managed_counts(found.id)?,
        name: found.name,
        error,
    })
}

pub(in super::super) fn confirm_deletion(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &deletion(visit, "")?)
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let found = found(visit)?;
    if visit.form.text("name").trim() != found.name {
        let page = deletion(visit, "This is not the name of the configuration.")?;
        return ConsoleAnswer::page(422, &page);
    }
    let admin = &visit.console.admin;
    let deletion = admin.delete_configuration(&visit.actor()?, found.id)?;
    Ok(ConsoleAnswer::redirect(match deletion.gone {
        true => format!("{LIST}?done=deleted"),
        false => format!("{LIST}/{}?done=deleting", found.id),
    }))
}

const LIVES: [(i64, &str); 5] = [
    (30, "30 days"),
    (90, "90 days"),
    (180, "180 days"),
    (365, "1 year"),
    (730, "2 years"),
];
