//! What waits for an administrator: changes that the guard holds, and links.

use askama::Template;
use scim_admin::AdminError;
use scim_admin::policy::{HeldChange, LinkRequest, LinksQuery, Which};

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::configuration::{Shown, Tabs};
use super::{LIST, Shell, instant};

#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    shell: Shell,
    tabs: Tabs,
    held: Vec<HeldChange>,
    /// Where the next page of them is; empty behind the last one.
    next: String,
    /// Where the first one is, for whoever went on.
    first: String,
    links: Vec<LinkRequest>,
    /// Where the links behind the last one that is shown are.
    next_links: String,
    /// Where the first one is, for whoever went on.
    first_links: String,
    error: String,
    /// What is asked before all of them are decided.
    allow_all: String,
    reject_all: String,
    reject_button: String,
}

impl Waiting {
    fn new(visit: &Visit<'_>, shown: &Shown) -> Result<Self, Failed> {
        let admin = &visit.console.admin;
        let (tabs, after) = (shown.tabs(visit, "waiting"), visit.query.given("after"));
        let held = admin.held(&shown.id, after, SHOWN)?;
        let full = i64::try_from(held.len()).is_ok_and(|count| count == SHOWN);
        let last = held.last().filter(|_| full);
        let behind = visit.query.given("link");
        let query = LinksQuery {
            after: behind.map(str::to_owned),
            limit: Some(SHOWN),
            ..LinksQuery::default()
        };
        let links = admin.link_requests(&shown.id, &query)?;
        let full = i64::try_from(links.len()).is_ok_and(|count| count == SHOWN);
        let last_link = links.iter().max_by_key(|link| &link.id).filter(|_| full);
        let count = usize::try_from(tabs.held).unwrap_or(usize::MAX);
        let all = counted(count, "held change", "held changes");
        Ok(Self {
            shell: shown.shell(visit, "Held & pending")?,
            allow_all: format!("Carry out {all}? The users leave at once."),
            reject_all: format!("Drop {all}? The users stay as they are."),
            reject_button: format!(
                "name=\"all\" value=\"1\" formaction=\"{}/held/reject\"",
                tabs.base
            ),
            next: last
                .map(|last| format!("{LIST}/{}/held?after={}", shown.id, last.id))
                .unwrap_or_default(),
            first: match after {
                Some(_) => format!("{LIST}/{}/held", shown.id),
                None => String::new(),
            },
            next_links: last_link
                .map(|last| format!("{LIST}/{}/links?link={}#links", shown.id, last.id))
                .unwrap_or_default(),
            first_links: match behind {
                Some(_) => format!("{LIST}/{}/links#links", shown.id),
                None => String::new(),
            },
            tabs,
            held,
            links,
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
    let request = admin.chosen_link(&shown.id, person, visit.form.given("link"))?;
    let (actor, provider) = (visit.actor()?, &visit.console.provider);
    match admin.approve_link(&actor, provider, &shown.id, &request) {
        Ok(()) => {}
        Err(error @ AdminError::Invalid(_)) => {
            let page = Waiting {
                error: sentence(&error),
                ..Waiting::new(visit, &shown)?
            };
            return ConsoleAnswer::page(422, &page);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(back(visit, "linked"))
}

/// How many held changes, and how many links, a page shows.
const SHOWN: i64 = 100;
