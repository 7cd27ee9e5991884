//! The tokens of a configuration.

use askama::Template;
use chrono::Utc;
use scim_admin::token::LIVE;

use super::super::signing_in::ask_again;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::configurations::shown;
use super::{Shell, instant, maybe};

struct Row {
    id: String,
    hint: String,
    state: &'static str,
    created: String,
    created_by: String,
    expires: String,
    last_used: String,
    client: String,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    shell: Shell,
    id: String,
    rows: Vec<Row>,
    /// Whether another one may be made.
    room: bool,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let configuration = admin.configuration(visit.part(0))?;
    let (id, now) = (configuration.id.to_string(), Utc::now());
    let tokens = admin.tokens(&id)?;
    let live = tokens.iter().filter(|token| token.is_live(now)).count();
    let rows = tokens.into_iter().map(|token| Row {
        state: token.state(now),
        created: instant(token.created),
        expires: maybe(token.expires),
        last_used: maybe(token.last_used),
        client: [token.last_used_from, token.last_used_by]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · "),
        id: token.id,
        hint: token.hint,
        created_by: token.created_by,
    });
    let page = Tokens {
        shell: Shell::new(
            visit,
            "provisioning",
            &format!("Tokens of {}", configuration.name),
        )?,
        rows: rows.collect(),
        room: live < LIVE,
        id,
    };
    ConsoleAnswer::page(200, &page)
}

/// Back to the list, by way of the password.
fn password(visit: &Visit<'_>) -> ConsoleAnswer {
    let list = format!("/admin/users/scim-provisioning/{}/tokens", visit.part(0));
    ask_again(&list)
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    if !visit.is_confirmed() {
        return Ok(password(visit));
    }
    let admin = &visit.console.admin;
    let configuration = admin.configuration(visit.part(0))?;
    let issued = admin.add_token(&visit.actor()?, &configuration.id.to_string())?;
    shown(visit, &configuration, &issued, "The new token")
}

pub(in super::super) fn reveal(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    if !visit.is_confirmed() {
        return Ok(password(visit));
    }
    let admin = &visit.console.admin;
    let configuration = admin.configuration(visit.part(0))?;
    let (id, token) = (configuration.id.to_string(), Some(visit.part(1)));
    let issued = admin.reveal_token(&visit.actor()?, &id, token)?;
    shown(visit, &configuration, &issued, "The token")
}

pub(in super::super) fn revoke(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    if !visit.is_confirmed() {
        return Ok(password(visit));
    }
    let admin = &visit.console.admin;
    let id = admin.configuration(visit.part(0))?.id.to_string();
    admin.revoke_tokens(&visit.actor()?, &id, Some(visit.part(1)))?;
    Ok(ConsoleAnswer::redirect(format!(
        "/admin/users/scim-provisioning/{id}/tokens"
    )))
}
