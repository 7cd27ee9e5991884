//! What waits for an administrator: changes that the guard holds, and links.

use askama::Template;
use scim_admin::policy::{HeldChange, HeldComparison, HeldGroup, LinkRequest, LinksQuery, Which};
use scim_admin::{AdminError, AdminService};
use scim_mapping::Catalog;
use scim_provisioning::{Comparison, ConfigurationId};

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::configuration::{Shown, Tabs};
use super::rule::called;
use super::rule::shown_value;
use super::{LIST, Shell, instant};

/// A person, and everybody who waits to be linked to them, the strongest first.
struct Candidates {
    person: String,
    name: String,
    users: Vec<Candidate>,
}

/// A user who waits, beside the person field by field.
struct Candidate {
    link: LinkRequest,
    changes: Vec<Compared>,
    same: Vec<Compared>,
    refused: Option<String>,
}

/// A field: what it is called, its value now, and then.
struct Compared {
    field: String,
    now: String,
    then: String,
}

/// A change that is held, with what it would make of the user.
struct Held {
    change: HeldChange,
    changes: Vec<Compared>,
    leaves: Vec<String>,
    /// When the user would be deleted for good; empty where that is not so.
    purged: String,
}

impl Held {
    fn new(catalog: &Catalog, change: HeldChange, compared: HeldComparison) -> Self {
        let changes = compared.changes.iter().map(|change| Compared {
            field: called(catalog, &change.field),
            now: shown_value(change.old.as_ref()),
            then: shown_value(change.new.as_ref()),
        });
        Self {
            changes: changes.collect(),
            leaves: compared.leaves,
            purged: change.purge.map(instant).unwrap_or_default(),
            change,
        }
    }
}

impl Candidate {
    fn new(catalog: &Catalog, link: LinkRequest, compared: Comparison) -> Self {
        let changes = compared.changes.iter().map(|change| Compared {
            field: called(catalog, &change.field),
            now: shown_value(change.old.as_ref()),
            then: shown_value(change.new.as_ref()),
        });
        let same = compared.same.iter().map(|(field, value)| Compared {
            field: called(catalog, field),
            now: shown_value(Some(value)),
            then: shown_value(Some(value)),
        });
        Self {
            changes: changes.collect(),
            same: same.collect(),
            refused: compared.refused,
            link,
        }
    }

    /// The attribute that both have, as people call it.
    fn shared(&self) -> &str {
        match self.link.attribute.as_str() {
            "emails" => "e-mail address",
            other => other,
        }
    }
}

impl Candidates {
    fn of(visit: &Visit<'_>, shown: &Shown, links: Vec<LinkRequest>) -> Result<Vec<Self>, Failed> {
        let (admin, provider) = (&visit.console.admin, &visit.console.provider);
        let compared = admin.compare_links(provider, shown.id, &links)?;
        let catalog = admin.catalog()?;
        let mut people: Vec<Self> = Vec::new();
        for (link, compared) in links.into_iter().zip(compared) {
            let (person, name) = (link.person.clone(), link.person_name.clone());
            let candidate = Candidate::new(&catalog, link, compared);
            match people.last_mut() {
                Some(last) if last.person == person => last.users.push(candidate),
                _ => people.push(Self {
                    person,
                    name,
                    users: vec![candidate],
                }),
            }
        }
        Ok(people)
    }
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    shell: Shell,
    tabs: Tabs,
    held: Vec<Held>,
    /// The groups that would lose members.
    groups: Vec<HeldGroup>,
    /// Where the next page of them is; empty behind the last one.
    next: String,
    /// Where the first one is, for whoever went on.
    first: String,
    links: Vec<Candidates>,
    /// How many users wait in them.
    waiting: usize,
    /// The links that were dismissed.
    dismissed: Vec<LinkRequest>,
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
        let held = admin.held(shown.id, after, SHOWN)?;
        let compared = admin.compare_held(shown.id, &held)?;
        let catalog = admin.catalog()?;
        let groups = admin.held_groups(shown.id)?;
        let full = i64::try_from(held.len()).is_ok_and(|count| count == SHOWN);
        let last = held.last().filter(|_| full);
        let behind = visit.query.given("link");
        let query = LinksQuery {
            after: behind.map(str::to_owned),
            limit: Some(SHOWN),
            ..LinksQuery::default()
        };
        let links = admin.link_requests(shown.id, &query)?;
        let waiting = links.len();
        let query = LinksQuery {
            limit: Some(SHOWN),
            dismissed: true,
            ..LinksQuery::default()
        };
        let dismissed = admin.link_requests(shown.id, &query)?;
        let links = Candidates::of(visit, shown, links)?;
        let full = i64::try_from(links.len()).is_ok_and(|count| count == SHOWN);
        let last_link = links.last().filter(|_| full);
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
                .map(|last| format!("{LIST}/{}/links?link={}#links", shown.id, last.person))
                .unwrap_or_default(),
            first_links: match behind {
                Some(_) => format!("{LIST}/{}/links#links", shown.id),
                None => String::new(),
            },
            tabs,
            held: held
                .into_iter()
                .zip(compared)
                .map(|(change, compared)| Held::new(&catalog, change, compared))
                .collect(),
            groups,
            waiting,
            dismissed,
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
    ConsoleAnswer::redirect(format!(
        "{LIST}/{}/held?done={done}",
        visit.part("configuration")
    ))
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
    admin.decide_held(&visit.actor()?, shown.id, which, allow)?;
    Ok(back(visit, if allow { "allowed" } else { "rejected" }))
}

pub(in super::super) fn approve(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (actor, provider) = (visit.actor()?, &visit.console.provider);
    decide_link(visit, "linked", |admin, id, link| {
        // What the form was made of is what is linked, or nothing is.
        match visit.form.text("version") == link.person_version.0.to_string() {
            true => admin.approve_link(&actor, provider, id, link),
            false => Err(AdminError::Stale),
        }
    })
}

pub(in super::super) fn dismiss(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let actor = visit.actor()?;
    decide_link(visit, "dismissed", |admin, id, link| {
        admin.dismiss_link(&actor, id, link)
    })
}

pub(in super::super) fn restore(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let id = admin.find_configuration(visit.part("configuration"))?.id;
    let link = admin.dismissed_link(id, visit.form.text("link"))?;
    admin.restore_link(&actor, id, &link)?;
    Ok(back(visit, "restored"))
}

/// Carries out what was decided about the link of a form, or shows what waits by now and why nothing
/// was done.
fn decide_link(
    visit: &Visit<'_>,
    done: &str,
    decision: impl FnOnce(&AdminService, ConfigurationId, &LinkRequest) -> Result<(), AdminError>,
) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let (admin, id) = (&visit.console.admin, shown.id);
    let link = Some(visit.form.text("link"));
    let decided = admin
        .chosen_link(id, visit.form.text("person"), link)
        .and_then(|link| decision(admin, id, &link));
    let (status, error) = match decided {
        Ok(()) => return Ok(back(visit, done)),
        Err(AdminError::NotFound { .. }) => (404, GONE.to_owned()),
        Err(AdminError::Stale) => (409, CHANGED.to_owned()),
        Err(error @ AdminError::Invalid(_)) => (422, sentence(&error)),
        Err(error) => return Err(error.into()),
    };
    let page = Waiting {
        error,
        ..Waiting::new(visit, &shown)?
    };
    ConsoleAnswer::page(status, &page)
}

const GONE: &str = "Nothing was done: this link does not wait any more. The identity provider asked \
                    again, or somebody decided meanwhile. Look at what waits now.";
const CHANGED: &str = "Nothing was done: the person was changed since the page was shown. Look at \
                       the two again.";

/// How many held changes, and how many people with links, a page shows.
const SHOWN: i64 = 100;
