//! Accounts, API keys, sessions, and what runs here.

use askama::Template;
use chrono::{DateTime, Utc};
use scim_admin::account::Role;
use scim_admin::api_key::{ApiKeyInput, MadeByKey};
use scim_admin::scope::{Scope, Scopes};
use scim_admin::{AdminError, InputField, Problem};

use super::super::form_field::form_field;
use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::{Shell, ago, instant};
use crate::documents::session_id;

struct AccountRow {
    id: String,
    name: String,
    role: &'static str,
    created: String,
    /// Whether it is the account of whoever looks.
    own: bool,
    /// Whether it signs in by an OpenID provider.
    openid: bool,
    /// The id of the person to whom it is bound; empty for nobody.
    person: String,
    /// What the person is called.
    person_name: String,
    /// Whether the person is active.
    open: bool,
    /// How often in a row a sign-in failed.
    failures: usize,
    /// The fields of the forms that bind it and set its password.
    binds: String,
    sets: String,
}

struct KeyRow {
    id: String,
    name: String,
    role: &'static str,
    scopes: String,
    live: bool,
    state: &'static str,
    expires: String,
    /// What revoking it does.
    question: String,
}

struct SessionRow {
    /// The beginning of its hash, by which it is named.
    id: String,
    name: String,
    begun: String,
    used: String,
    own: bool,
}

/// What a form that is shown again holds.
#[derive(Default)]
struct Typed {
    name: String,
    role: String,
    days: String,
    scopes: Vec<String>,
    user: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    shell: Shell,
    error: String,
    /// The form that was refused: `account`, `key`, or `password-` or `bind-` and the id of the
    /// account that it is about.
    refused: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: String,
    /// What was typed into that form, except for passwords.
    typed: Typed,
    endpoint: String,
    version: &'static str,
    accounts: Vec<AccountRow>,
    keys: Vec<KeyRow>,
    sessions: Vec<SessionRow>,
    /// An API key that was just made.
    issued: String,
}

impl Settings {
    fn new(visit: &Visit<'_>) -> Result<Self, Failed> {
        let (admin, who, now) = (
            &visit.console.admin,
            visit.who()?,
            visit.console.admin.now(),
        );
        let accounts = admin.accounts()?.into_iter().map(|account| AccountRow {
            role: account.role.as_str(),
            created: instant(account.created),
            own: account.id == who.session.account,
            openid: account.openid.is_some(),
            open: account.is_open(),
            person_name: match &account.person {
                Some(person) => person.user_name.as_ref().unwrap_or(&person.id).clone(),
                None => String::new(),
            },
            person: account.person.map(|person| person.id).unwrap_or_default(),
            failures: usize::try_from(account.failures).unwrap_or(0),
            binds: format!("bind-{}", account.id),
            sets: format!("password-{}", account.id),
            id: account.id,
            name: account.name,
        });
        let (keys, sessions) = match visit.administers() {
            true => (admin.api_keys()?, admin.sessions()?),
            false => (Vec::new(), Vec::new()),
        };
        Ok(Self {
            shell: Shell::new(visit, "settings", "Settings")?,
            error: String::new(),
            refused: String::new(),
            wrong: String::new(),
            typed: Typed::default(),
            endpoint: visit.console.scim_endpoint.clone(),
            version: env!("CARGO_PKG_VERSION"),
            accounts: accounts.collect(),
            keys: keys
                .into_iter()
                .map(|key| {
                    Ok(KeyRow {
                        role: key.role.as_str(),
                        scopes: key.scopes.names().join(", "),
                        live: key.is_live(now),
                        question: match key.is_live(now) {
                            true => question(&admin.made_by_key(&key.id)?, now),
                            false => String::new(),
                        },
                        state: match (key.revoked, key.is_live(now)) {
                            (Some(_), _) => "revoked",
                            (None, true) => "active",
                            (None, false) => "expired",
                        },
                        expires: instant(key.expires),
                        id: key.id,
                        name: key.name,
                    })
                })
                .collect::<Result<_, AdminError>>()?,
            sessions: sessions
                .into_iter()
                .map(|(session, name)| SessionRow {
                    own: session.hash == who.session.hash,
                    id: session_id(&session),
                    name,
                    begun: instant(session.created),
                    used: ago(Some(session.last_used), now),
                })
                .collect(),
            issued: String::new(),
        })
    }
}

/// What is asked before a key is revoked: which tokens end with it.
fn question(made: &MadeByKey, now: DateTime<Utc>) -> String {
    let mut said = "Revoke the API key {}? Scripts that use it are refused at once.".to_owned();
    if !made.keys.is_empty() {
        let keys = counted(made.keys.len(), "API key", "API keys");
        said += &format!(" {keys} that it made ends with it.");
    }
    for (token, configuration) in &made.tokens {
        let used = match token.last_used {
            Some(at) => format!("last used {}", ago(Some(at), now)),
            None => "never used".to_owned(),
        };
        said += &format!(
            " The token …{} of {configuration}, {used}, ends with it.",
            token.hint
        );
    }
    for stream in &made.streams {
        said += &format!(" The stream {} ends with it.", stream.name);
    }
    if !made.tokens.is_empty() {
        said += " To keep a token, set its last day first.";
    }
    said
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let issued = visit.flash().filter(|_| visit.query.checked("shown"));
    let page = Settings {
        issued: issued.map(|flash| flash.text).unwrap_or_default(),
        ..Settings::new(visit)?
    };
    ConsoleAnswer::page(200, &page)
}

/// Does something, and shows the page again.
fn then(
    visit: &Visit<'_>,
    work: impl FnOnce() -> Result<(), AdminError>,
    done: &str,
) -> Result<ConsoleAnswer, Failed> {
    match work() {
        Ok(()) => Ok(ConsoleAnswer::redirect(format!(
            "/admin/settings?done={done}"
        ))),
        Err(error) => refused(visit, error),
    }
}

fn refused(visit: &Visit<'_>, error: AdminError) -> Result<ConsoleAnswer, Failed> {
    match error {
        AdminError::Invalid(_) | AdminError::NameTaken(_) => {
            let refused = form_of(visit.request.path);
            let text = |name: &str| visit.form.text(name).to_owned();
            let page = Settings {
                wrong: field_id(&refused, &error),
                error: sentence(&error),
                refused,
                typed: Typed {
                    name: text("name"),
                    role: text("role"),
                    days: text("days"),
                    scopes: visit.form.all("scopes"),
                    user: text("user"),
                },
                ..Settings::new(visit)?
            };
            ConsoleAnswer::page(422, &page)
        }
        error => Err(error.into()),
    }
}

/// The form that was posted to a path: `account`, `key`, or `password-` or `bind-` and the id of the
/// account that it is about; empty for a button.
fn form_of(path: &str) -> String {
    let below = path.strip_prefix("/settings/").unwrap_or_default();
    let of_account = below.strip_prefix("accounts/");
    match (below, of_account.and_then(|rest| rest.rsplit_once('/'))) {
        ("accounts", _) => "account".to_owned(),
        ("api-keys", _) => "key".to_owned(),
        (_, Some((account, form @ ("password" | "bind")))) => format!("{form}-{account}"),
        _ => String::new(),
    }
}

/// The id of the field of a form that an error is about.
fn field_id(form: &str, error: &AdminError) -> String {
    match (form, form_field(error)) {
        ("account" | "key", field @ ("password" | "role" | "scopes" | "days")) => {
            format!("{form}-{field}")
        }
        ("account" | "key", _) => format!("{form}-name"),
        // There is one field.
        (form, _) => form.to_owned(),
    }
}

fn role(visit: &Visit<'_>) -> Result<Role, AdminError> {
    Role::parse(visit.form.text("role"))
        .ok_or_else(|| Problem::entry("choose a role").at(InputField::Role))
}

pub(in super::super) fn add_account(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let (name, password) = (visit.form.text("name"), visit.form.text("password"));
    let work = || {
        admin
            .add_account(&actor, name, role(visit)?, password)
            .map(drop)
    };
    then(visit, work, "added")
}

pub(in super::super) fn set_role(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let work = || admin.set_role(&actor, visit.part("account"), role(visit)?);
    then(visit, work, "saved")
}

pub(in super::super) fn set_password(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let work = || {
        let account = admin.account(visit.part("account"))?;
        admin.set_password(&actor, &account.name, visit.form.text("password"))
    };
    then(visit, work, "saved")
}

pub(in super::super) fn bind(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let account = admin.account(visit.part("account"))?;
    let work = || match admin.bind_account(&actor, &account.id, visit.form.text("user")) {
        // What was typed is wrong, and not the page.
        Err(error @ AdminError::NotFound { kind: "user", .. }) => {
            Err(Problem::entry(error.to_string()).at(InputField::UserName))
        }
        bound => bound.map(drop),
    };
    then(visit, work, "saved")
}

pub(in super::super) fn unlock(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let account = admin.account(visit.part("account"))?;
    let work = || admin.unlock_account(&actor, &account.name).map(drop);
    then(visit, work, "unlocked")
}

pub(in super::super) fn unbind(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let work = || {
        admin
            .unbind_account(&actor, visit.part("account"))
            .map(drop)
    };
    then(visit, work, "saved")
}

pub(in super::super) fn delete_account(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let work = || admin.delete_account(&actor, visit.part("account"));
    then(visit, work, "deleted")
}

pub(in super::super) fn end_session(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let sessions = admin.sessions()?;
    let mut found = sessions.iter().map(|(session, _)| session);
    let found = found.find(|session| session_id(session) == visit.part("session"));
    admin.revoke_session(&actor, &found.ok_or(Failed::NotFound)?.hash)?;
    Ok(ConsoleAnswer::redirect("/admin/settings?done=ended"))
}

pub(in super::super) fn add_key(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let issue = || {
        let role = role(visit)?;
        let chosen = visit.form.all("scopes");
        // The boxes of the scopes that the role does not have count for nothing.
        let own = chosen.iter().map(String::as_str).filter(|name| {
            let scope = Scope::parse(name);
            scope.is_none_or(|scope| Scopes::of(role).contains(scope))
        });
        let input = ApiKeyInput {
            name: visit.form.text("name"),
            role,
            scopes: Some(Scopes::parse(own)?),
            days: visit.form.text("days").parse().unwrap_or_default(),
        };
        admin.add_api_key(&actor, &input)
    };
    match issue() {
        Ok(issued) => visit.shown_at("/admin/settings?shown=key", issued.value.reveal()),
        Err(error) => refused(visit, error),
    }
}

pub(in super::super) fn revoke_key(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    then(
        visit,
        || admin.revoke_api_key(&actor, visit.part("key")).map(drop),
        "revoked",
    )
}

/// The scopes to choose from, with what each is for, and whether it is chosen.
fn scopes(refused: &str, typed: &Typed) -> Vec<(&'static str, &'static str, bool)> {
    let said = |scope: Scope| match scope {
        Scope::Read => "reads everything but tokens and keys",
        Scope::Configure => "changes configurations, policies, mappings and custom fields",
        Scope::Tokens => "makes, shows and ends tokens and keys",
        Scope::Operate => {
            "pauses, and decides about people, groups, held changes, links and failures"
        }
    };
    let chosen =
        |scope: Scope| refused != "key" || typed.scopes.iter().any(|name| name == scope.as_str());
    let row = |scope: Scope| (scope.as_str(), said(scope), chosen(scope));
    Scope::ALL.map(row).to_vec()
}

/// The colour of a key's state.
fn colour(state: &str) -> &'static str {
    match state {
        "active" => "good",
        _ => "",
    }
}
