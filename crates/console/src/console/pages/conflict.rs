//! What two people entered at the same time, side by side.

use askama::Template;

use super::Shell;

/// One field in which the two differ.
pub(in super::super) struct Row {
    pub(in super::super) label: String,
    pub(in super::super) name: String,
    pub(in super::super) was: String,
    pub(in super::super) theirs: String,
    pub(in super::super) yours: String,
    /// Whether both changed it, each in another way.
    pub(in super::super) disputed: bool,
    /// Whether only the other one did.
    pub(in super::super) by_them: bool,
}

/// The page that shows both.
#[derive(Template)]
#[template(path = "conflict.html")]
pub(in super::super) struct Conflict {
    pub(in super::super) shell: Shell,
    pub(in super::super) action: String,
    pub(in super::super) back: String,
    /// Who changed it and when; empty when nobody is known.
    pub(in super::super) who: String,
    pub(in super::super) when: String,
    pub(in super::super) rows: Vec<Row>,
    pub(in super::super) hidden: Vec<(String, String)>,
}
