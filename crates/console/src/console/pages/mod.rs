//! The pages.

mod advice;
pub(super) mod alerts;
pub(super) mod api_docs;
pub(super) mod audit;
mod charts;
mod columns;
pub(super) mod configuration;
pub(super) mod configurations;
pub(super) mod conflict;
pub(super) mod directory;
pub(super) mod event;
pub(super) mod fields;
pub(super) mod group_rules;
pub(super) mod guides;
pub(super) mod keys;
pub(super) mod logs;
pub(super) mod mapping_tests;
pub(super) mod mappings;
pub(super) mod meanwhile;
mod moment;
pub(super) mod overview;
mod picture;
pub(super) mod policy;
pub(super) mod previews;
pub(super) mod rehearsal;
mod rule;
pub(super) mod rule_page;
pub(super) mod runs;
pub(super) mod settings;
pub(super) mod stream;
pub(super) mod streams;
pub(super) mod tables;
mod telling;
pub(super) mod tokens;
pub(super) mod tried;
pub(super) mod waiting;
pub(super) mod why;

use askama::Template;
use chrono::{DateTime, Utc};

use super::{ConsoleAnswer, Failed, Visit, cookies};

/// What surrounds every page of somebody who is signed in.
pub(super) struct Shell {
    title: String,
    /// Which entry of the navigation the page belongs to.
    section: &'static str,
    /// What is above the page, with where it is; the last one is the page itself.
    crumbs: Vec<(String, String)>,
    name: String,
    administers: bool,
    form_token: String,
    /// The last audit entry that the page knows of.
    seen: i64,
    theme: &'static str,
    /// The address of the page, to come back to.
    here: String,
    /// What was done just now.
    done: &'static str,
    /// How that is taken back.
    undo: Option<Undo>,
}

/// The form that takes back what was done to a configuration.
struct Undo {
    action: String,
    /// The configuration.
    name: String,
    /// The list that it was done in; empty when it was the page of the configuration.
    list: String,
}

impl Undo {
    /// Of a status that was changed just now.
    fn of(visit: &Visit<'_>) -> Option<Self> {
        let (done, from) = (visit.query.text("done"), visit.query.text("done_from"));
        let back = match from {
            "enabled" => "enable",
            "paused" => "pause",
            "disabled" => "disable",
            _ => return None,
        };
        let found = visit
            .console
            .admin
            .find_configuration(visit.query.given("done_to")?)
            .ok()?;
        // Somebody may have changed it once more meanwhile.
        if !visit.administers() || found.status.as_str() != done || done == from {
            return None;
        }
        let here = visit.here();
        Some(Self {
            action: format!("{LIST}/{}/{back}", found.id),
            list: if address_of(&here) == LIST {
                here
            } else {
                String::new()
            },
            name: found.name,
        })
    }
}

fn address_of(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

impl Shell {
    pub(super) fn new(
        visit: &Visit<'_>,
        section: &'static str,
        title: &str,
    ) -> Result<Self, Failed> {
        let who = visit.who()?;
        let done = visit.query.text("done");
        let done = DONE.iter().find(|(key, _)| *key == done);
        Ok(Self {
            title: title.to_owned(),
            section,
            crumbs: crumbs(section, title),
            name: who.name.clone(),
            administers: visit.administers(),
            form_token: visit.console.admin.form_token(who),
            seen: visit.seen,
            theme: cookies::theme(visit.request.cookie),
            here: visit.here(),
            done: done.map(|(_, said)| *said).unwrap_or_default(),
            undo: Undo::of(visit),
        })
    }

    /// The same, below the list of configurations.
    fn below(self) -> Self {
        let mut crumbs = crumbs("provisioning", "");
        crumbs.insert(2, ("SCIM Provisioning".to_owned(), LIST.to_owned()));
        crumbs.truncate(3);
        crumbs.push((self.title.clone(), String::new()));
        Self { crumbs, ..self }
    }

    /// The same, with the configuration that the page is about.
    fn within(self, name: &str, id: &str) -> Self {
        let title = format!("{} · {name}", self.title);
        Self {
            title,
            ..self.of(name, id)
        }
    }

    /// The same, with the configuration in the breadcrumb alone.
    fn of(self, name: &str, id: &str) -> Self {
        let mut shell = self.below();
        let at = shell.crumbs.len().saturating_sub(1);
        let one = (name.to_owned(), format!("{LIST}/{id}"));
        shell.crumbs.insert(at, one);
        shell
    }
}

/// Where the list of configurations is.
const LIST: &str = "/admin/users/scim-provisioning";

/// What the page of the log is called.
const LOGS: &str = "Provisioning Status & Logs";

fn crumbs(section: &str, title: &str) -> Vec<(String, String)> {
    let part = match section {
        "" | "overview" => return Vec::new(),
        "alerts" => "Alerts",
        "audit" => "Security",
        "settings" => "Settings",
        _ => "Users",
    };
    let part = match section {
        "users" if title != "Users" => ("Users", "/admin/users"),
        "groups" if title != "Groups" => ("Groups", "/admin/groups"),
        "tables" if title != "Lookup tables" => ("Lookup tables", "/admin/users/tables"),
        "fields" if title != "User form" => ("User form", "/admin/users/user-form"),
        "settings" if title != "Settings" => ("Settings", "/admin/settings"),
        "logs" if title != LOGS => (LOGS, "/admin/users/scim-provisioning/logs"),
        _ => (part, ""),
    };
    let mut crumbs = vec![("Admin", "/admin"), part];
    crumbs.push((title, ""));
    crumbs.dedup();
    let owned = |(name, link): (&str, &str)| (name.to_owned(), link.to_owned());
    crumbs.into_iter().map(owned).collect()
}

/// What a page says after an action, by the word in its address. No other text gets there.
const DONE: [(&str, &str); 41] = [
    (
        "table-saved",
        "Saved. Rules that are in force use it from the next request on; those who are there change when the rules are applied to them.",
    ),
    (
        "rehearses",
        "Begun. The identity provider is answered from a copy of the directory from now on.",
    ),
    (
        "live",
        "Gone live. What was rehearsed is carried over, and the configuration is enabled when that is done.",
    ),
    (
        "forgotten",
        "Discarded. Nothing of it was ever in the directory.",
    ),
    (
        "undone",
        "Begun. What was changed is taken back; this page is the run that does it.",
    ),
    ("saved", "Saved."),
    (
        "saved-nothing",
        "Saved. This configuration provisions nothing: neither users nor groups are switched on.",
    ),
    ("enabled", "Enabled. Its tokens are accepted from now on."),
    (
        "disabled",
        "Disabled. Its tokens are refused, and nothing is provisioned until it is enabled again.",
    ),
    (
        "paused",
        "Paused. The identity provider is told to come back later.",
    ),
    (
        "stream-paused",
        "Paused. What changes meanwhile waits for it.",
    ),
    ("stream-resumed", "Resumed. What waits is told from now on."),
    ("replays", "It begins again there."),
    (
        "tested",
        "Something without changes is sent in a moment; what comes of it stands among the deliveries.",
    ),
    (
        "sent-again",
        "It is sent once more in a moment; what comes of it stands among the deliveries.",
    ),
    ("deleted", "Deleted."),
    (
        "deleting",
        "Being deleted: its tokens are refused, and whom it manages is let go in the background.",
    ),
    ("added", "Added."),
    (
        "drafted",
        "Kept as the draft. Nothing changes until it is activated.",
    ),
    (
        "activated",
        "Activated. It applies from the next request on.",
    ),
    ("discarded", "The draft is as the active version again."),
    ("revoked", "Revoked. It is refused from now on."),
    ("begun", "Begun. It goes on in the background."),
    ("allowed", "Carried out."),
    ("rejected", "Dropped; the users stay as they are."),
    ("linked", "Linked."),
    (
        "dismissed",
        "Dismissed. It comes back when the identity provider sends other values.",
    ),
    (
        "restored",
        "Among those that wait again. Decide about it whenever you like.",
    ),
    (
        "unlocked",
        "Unlocked. Whoever knows the password signs in again.",
    ),
    ("blocked", "Blocked."),
    ("unblocked", "Active again."),
    ("archived", "Archived; the logon name is free again."),
    ("technician", "A technician from now on."),
    ("requester", "A requester from now on."),
    ("unlinked", "Unlinked; managed by hand from now on."),
    ("resolved", "Resolved. It is not open any more."),
    ("reopened", "Open again."),
    ("replayed", "Replayed. This is what came of it."),
    (
        "unneeded",
        "Replayed. It is as the request wants it already: nothing was changed.",
    ),
    ("ended", "The session has ended."),
    ("expiry", "The token is accepted until then."),
];

/// A sentence where a page would be.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) theme: &'static str,
}

/// The same, within the console.
#[derive(Template)]
#[template(path = "told.html")]
struct Told<'a> {
    shell: Shell,
    title: &'a str,
    text: &'a str,
    back: String,
}

pub(super) fn told(
    visit: &Visit<'_>,
    status: u16,
    title: &str,
    text: &str,
) -> Result<ConsoleAnswer, Failed> {
    let page = Told {
        shell: Shell::new(visit, "", title)?,
        title,
        text,
        back: visit.back(),
    };
    ConsoleAnswer::page(status, &page)
}

#[derive(Template)]
#[template(path = "help.html")]
struct Help {
    shell: Shell,
}

pub(super) fn help(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shell = Shell::new(visit, "overview", "Help")?;
    ConsoleAnswer::page(200, &Help { shell })
}

/// An instant as people read it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A word such as `changeMembers` as people read it: `change members`.
fn spaced(word: &str) -> String {
    let mut said = String::with_capacity(word.len() + 2);
    for character in word.chars() {
        match character.is_ascii_uppercase() {
            true => said.extend([' ', character.to_ascii_lowercase()]),
            false => said.push(character),
        }
    }
    said
}

/// An instant without year and seconds.
fn short(at: DateTime<Utc>) -> String {
    at.format("%m-%d %H:%M").to_string()
}

fn maybe(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "never".to_owned(), instant)
}

/// How long ago an instant is.
fn ago(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(at) = at else {
        return "never".to_owned();
    };
    let passed = now - at;
    match (passed.num_days(), passed.num_hours(), passed.num_minutes()) {
        (0, 0, 0) => "just now".to_owned(),
        (0, 0, minutes) => format!("{minutes} min ago"),
        (0, hours, _) => format!("{hours} h ago"),
        (days, ..) => format!("{days} d ago"),
    }
}

/// How many rows a page has: one of the sizes that are offered.
fn rows(visit: &Visit<'_>) -> i64 {
    let wanted = visit.query.text("rows").parse().unwrap_or(ROWS);
    SIZES
        .into_iter()
        .find(|size| *size == wanted)
        .unwrap_or(ROWS)
}

/// The sizes of a page, with the one that is chosen.
fn sizes(visit: &Visit<'_>) -> Vec<(i64, bool)> {
    let chosen = rows(visit);
    SIZES.map(|size| (size, size == chosen)).to_vec()
}

const ROWS: i64 = 25;
const SIZES: [i64; 4] = [10, 25, 50, 100];
