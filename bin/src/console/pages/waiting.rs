//! What waits for an administrator: changes that the guard holds, and links.

use askama::Template;
use scim_admin::policy::{HeldChange, LinkRequest, Which};

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::configuration::{Shown, Tabs};
use super::{LIST, Shell, instant};
use crate::commands::link;

#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    shell: Shell,
    tabs: Tabs,
    held: Vec<HeldChange>,
    links: Vec<LinkRequest>,
    error: String,
    /// What is asked before all of them are decided.
    allow_all: String,
    reject_all: String,
    reject_button: String,
}

impl Waiting {
    fn new(visit: &Visit<'_>, shown: &Shown) -> Result<Self, Failed> {
        let admin = &visit.console.admin;
        let (tabs, held) = (shown.tabs(visit, "waiting"), admin.held(&shown.id)?);
        let all = counted(held.len(), "held change", "held changes");
        Ok(Self {
            shell: shown.shell(visit, "Held & pending")?,
            allow_all: format!("Carry out {all}? The users leave at once."),
            reject_all: format!("Drop {all}? The users stay as they are."),
            reject_button: format!(
                "name=\"all\" value=\"1\" formaction=\"{}/held/reject\"",
                tabs.base
            ),
            tabs,
            held,
            links: admin.link_requests(&shown.id)?,
            error: String::new(),
        })
    }
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    ConsoleAnswer::page(200, &Waiting::new(visit, &shown)?)
}

fn back(visit: &Visit<'_>, done: &str) -> ConsoleAnswer {
    ConsoleAnswer::redirect(format!("{LIST}/{}/held?done={done}", visit.part(0)))
}

pub(in super::super) fn allow(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    decide(visit, true)
}

pub(in super::super) fn reject(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    decide(visit, false)
}

fn decide(visit: &Visit<'_>, allow: bool) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let chosen = visit.form.all("user");
    let which = match (visit.form.checked("all"), chosen.is_empty()) {
        (true, _) => Which::All,
        (false, false) => Which::Users(chosen),
        (false, true) => {
            let page = Waiting {
                error: "Choose the users first.".to_owned(),
                ..Waiting::new(visit, &shown)?
            };
            return ConsoleAnswer::page(422, &page);
        }
    };
    let admin = &visit.console.admin;
    admin.decide_held(&visit.actor()?, &shown.id, which, allow)?;
    Ok(back(visit, if allow { "allowed" } else { "rejected" }))
}

pub(in super::super) fn approve(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let admin = &visit.console.admin;
    let person = visit.form.text("person");
    let mut waiting = admin.link_requests(&shown.id)?.into_iter();
    let request = waiting.find(|link| link.person == person);
    let request = request.ok_or(Failed::NotFound)?;
    let configuration = shown.configuration.to_provisioning();
    if let Err(reason) = link::carry_out(&visit.console.provider, configuration, &request) {
        let page = Waiting {
            error: reason,
            ..Waiting::new(visit, &shown)?
        };
        return ConsoleAnswer::page(422, &page);
    }
    admin.link_approved(&visit.actor()?, &shown.id, &request)?;
    Ok(back(visit, "linked"))
}
