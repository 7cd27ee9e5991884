//! The rehearsal of a configuration: what would happen, going live, discarding.

use askama::Template;
use scim_admin::rehearsal::{
    Moved, MovedResource, RehearsedAction, RehearsedItem, RehearsedPage, RehearsedPlace,
};
use scim_admin::{AdminError, ConfigurationStatus};
use scim_provisioning::{RehearsalStage, ResourceKind};

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::configuration::{self, Shown, Tabs};
use super::telling::{Telling, ToldField};
use super::{LIST, Shell, instant};

/// A user or group to which something would happen, or a request that would be refused.
struct Item {
    /// Where the person who is there already is; empty for whom the copy alone has.
    link: String,
    name: String,
    action: &'static str,
    /// As a pill is coloured.
    colour: &'static str,
    held: bool,
    at_once: bool,
    /// Field, before and after.
    fields: Vec<ToldField>,
    /// Why it would be refused.
    refused: String,
}

impl Item {
    fn new(telling: &mut Telling<'_>, item: &RehearsedItem) -> Result<Self, Failed> {
        let there = !matches!(
            item.action,
            RehearsedAction::Create | RehearsedAction::Refuse
        );
        let link = match (there, &item.id, item.kind) {
            (true, Some(id), Some(ResourceKind::User)) => format!("/admin/users/{id}"),
            (true, Some(id), Some(ResourceKind::Group)) => format!("/admin/groups/{id}"),
            _ => String::new(),
        };
        let name = item.name.clone().or_else(|| item.id.clone());
        Ok(Self {
            link,
            name: name.unwrap_or_default(),
            action: said(item.action),
            colour: match item.action {
                RehearsedAction::Create | RehearsedAction::Link => "good",
                RehearsedAction::Update => "",
                RehearsedAction::Refuse => "bad",
                _ => "warning",
            },
            held: item.held,
            at_once: item.at_once,
            fields: telling.fields(&item.fields)?,
            refused: item
                .refused
                .as_ref()
                .map(|(_, reason)| reason.clone())
                .unwrap_or_default(),
        })
    }
}

/// What would happen, as people say it.
fn said(action: RehearsedAction) -> &'static str {
    match action {
        RehearsedAction::Create => "created",
        RehearsedAction::Link => "linked",
        RehearsedAction::Update => "changed",
        RehearsedAction::Block => "blocked",
        RehearsedAction::Archive => "archived",
        RehearsedAction::Delete => "deleted",
        RehearsedAction::Refuse => "refused",
    }
}

fn moved(one: &MovedResource) -> (String, &'static str) {
    let why = match one.moved {
        Moved::Changed => "was changed since: what was rehearsed is written over it",
        Moved::Gone => "is not there any more, and is left out",
        Moved::Protected => "is protected by now, and is left out",
        Moved::NameTaken => "is left out: another one has the name by now",
    };
    (one.name.clone().unwrap_or_else(|| one.id.clone()), why)
}

#[derive(Template)]
#[template(path = "rehearsal.html")]
struct Rehearses {
    shell: Shell,
    tabs: Tabs,
    /// Since when it rehearses; empty where it does not.
    began: String,
    actor: String,
    /// What it was before.
    before: &'static str,
    stage: &'static str,
    /// What was counted: the word, and how much.
    counts: Vec<(String, i64)>,
    moved: Vec<(String, &'static str)>,
    /// Which actions can be chosen, and whether one is.
    actions: Vec<(&'static str, &'static str, bool)>,
    items: Vec<Item>,
    shown: String,
    older: String,
    first: String,
    error: String,
}

impl Rehearses {
    fn new(visit: &Visit<'_>) -> Result<Self, Failed> {
        let shown = Shown::find(visit)?;
        let mut page = Self {
            shell: shown.shell(visit, "Rehearsal")?,
            tabs: shown.tabs(visit, ""),
            began: String::new(),
            actor: String::new(),
            before: "",
            stage: "",
            counts: Vec::new(),
            moved: Vec::new(),
            actions: Vec::new(),
            items: Vec::new(),
            shown: String::new(),
            older: String::new(),
            first: String::new(),
            error: String::new(),
        };
        if shown.configuration.status == ConfigurationStatus::Rehearsing {
            page.fill(visit, &shown)?;
        }
        Ok(page)
    }

    fn fill(&mut self, visit: &Visit<'_>, shown: &Shown) -> Result<(), Failed> {
        let admin = &visit.console.admin;
        let rehearsal = match admin.rehearsal(&shown.configuration) {
            // It has just ended.
            Err(AdminError::NotFound { .. }) => return Ok(()),
            found => found?,
        };
        self.began = instant(rehearsal.began);
        self.actor = rehearsal.actor.clone();
        self.before = configuration::said(&rehearsal.before);
        let stage = shown.configuration.rehearsal.map(|of| of.stage);
        self.stage = stage.map_or("", RehearsalStage::as_str);
        if stage == Some(RehearsalStage::Preparing) {
            return Ok(());
        }
        let action = RehearsedAction::parse(visit.query.text("action"));
        let all = RehearsedAction::ALL.into_iter();
        self.actions = all
            .map(|one| (one.as_str(), said(one), Some(one) == action))
            .collect();
        let after = RehearsedPlace::parse(visit.query.text("after"));
        let place = after.unwrap_or(RehearsedPlace::FIRST);
        let read = admin
            .rehearsed_items(&rehearsal, action, place, SHOWN)
            .and_then(|page| Ok((page, admin.moved_since(&rehearsal, SHOWN)?)));
        let (page, since) = match read {
            Err(error @ AdminError::NoCopy) => {
                self.error = sentence(&error);
                return Ok(());
            }
            read => read?,
        };
        let RehearsedPage {
            counts,
            items,
            next,
        } = page;
        let mut telling = Telling::new(admin)?;
        self.counts = counts
            .0
            .into_iter()
            .filter(|(_, amount)| *amount > 0)
            .collect();
        self.moved = since.iter().map(moved).collect();
        self.shown = counted(
            items.len(),
            "user, group or request",
            "users, groups and requests",
        );
        let told = items.iter().map(|item| Item::new(&mut telling, item));
        self.items = told.collect::<Result<_, _>>()?;
        let here = format!("{LIST}/{}/rehearsal", shown.id);
        let chosen = action.map_or(String::new(), |one| format!("&action={}", one.as_str()));
        self.older = next.map_or(String::new(), |next| format!("{here}?after={next}{chosen}"));
        self.first = after.map_or(String::new(), |_| here);
        Ok(())
    }
}

/// What would happen, or what a rehearsal is.
pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &Rehearses::new(visit)?)
}

/// Carries out what a form asks for, or says on the page why not.
fn carry_out(
    visit: &Visit<'_>,
    done: &str,
    what: impl FnOnce(&Shown) -> Result<(), Failed>,
) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    match what(&shown) {
        Ok(()) => Ok(ConsoleAnswer::redirect(format!(
            "{LIST}/{}/rehearsal?done={done}",
            shown.id
        ))),
        Err(Failed::Refused(error)) if is_told(&error) => {
            let status = match error {
                AdminError::NotFound { .. } => 404,
                _ => 409,
            };
            let page = Rehearses {
                error: sentence(&error),
                ..Rehearses::new(visit)?
            };
            ConsoleAnswer::page(status, &page)
        }
        Err(failed) => Err(failed),
    }
}

/// Whether somebody was quicker, or something moved.
fn is_told(error: &AdminError) -> bool {
    matches!(
        error,
        AdminError::Rehearses(_)
            | AdminError::GoesLive(_)
            | AdminError::NoCopy
            | AdminError::RehearsalMoved { .. }
            | AdminError::NotFound { .. }
            | AdminError::Stale
    )
}

/// Begins to rehearse.
pub(in super::super) fn begin(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let actor = visit.actor()?;
    carry_out(visit, "rehearses", |shown| {
        let admin = &visit.console.admin;
        admin.begin_rehearsal(&actor, &shown.configuration)?;
        Ok(())
    })
}

/// Lets it go live.
pub(in super::super) fn go_live(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (actor, anyway) = (visit.actor()?, visit.form.checked("anyway"));
    carry_out(visit, "live", |shown| {
        let admin = &visit.console.admin;
        let begun = admin.begin_going_live(&actor, &shown.configuration, anyway)?;
        // A small one is done when the page is shown; the server goes on with any other.
        for _ in 0..STEPS {
            if admin.step_going_live(Some(begun.id))?.is_none() {
                break;
            }
        }
        Ok(())
    })
}

/// Forgets it.
pub(in super::super) fn discard(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let actor = visit.actor()?;
    carry_out(visit, "forgotten", |shown| {
        let admin = &visit.console.admin;
        admin.discard_rehearsal(&actor, &shown.configuration)?;
        Ok(())
    })
}

/// How many a page shows.
const SHOWN: usize = 50;
/// How many steps are done before the page is shown.
const STEPS: usize = 20;
