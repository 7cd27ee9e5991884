//! What others did to something after the page of its button was made.

use askama::Template;
use scim_admin::event::AuditEntry;

use super::{Shell, instant, spaced};

/// One field: as it was on the page, as it is now, and as an import makes it.
pub(in super::super) struct Row {
    pub(in super::super) name: String,
    pub(in super::super) was: String,
    pub(in super::super) now: String,
    pub(in super::super) yours: String,
}

/// One thing that somebody did.
pub(in super::super) struct Entry {
    at: String,
    actor: String,
    event: String,
    object: String,
}

impl Entry {
    pub(in super::super) fn of(entry: &AuditEntry) -> Self {
        Self {
            at: instant(entry.at),
            actor: entry.actor.clone(),
            event: spaced(&entry.event).replace(['.', '_'], " "),
            object: entry.object.clone(),
        }
    }
}

/// The page that shows it.
#[derive(Template)]
#[template(path = "meanwhile.html")]
pub(in super::super) struct Meanwhile {
    pub(in super::super) shell: Shell,
    pub(in super::super) action: String,
    pub(in super::super) back: String,
    pub(in super::super) who: String,
    pub(in super::super) when: String,
    /// What is on the button; empty when there is nothing left to do.
    pub(in super::super) word: &'static str,
    /// Whether rules are imported, which are shown beside the others.
    pub(in super::super) imported: bool,
    pub(in super::super) entries: Vec<Entry>,
    pub(in super::super) rows: Vec<Row>,
    /// How many rows are not shown.
    pub(in super::super) more: usize,
    pub(in super::super) hidden: Vec<(String, String)>,
}
