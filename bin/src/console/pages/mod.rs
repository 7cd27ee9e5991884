//! The pages.

pub(super) mod audit;
pub(super) mod configurations;
pub(super) mod directory;
pub(super) mod logs;
pub(super) mod tokens;

use askama::Template;
use chrono::{DateTime, Utc};

use super::{ConsoleAnswer, Failed, Visit};

/// What surrounds every page of somebody who is signed in.
struct Shell {
    title: String,
    /// Which entry of the navigation the page belongs to.
    section: &'static str,
    name: String,
    administers: bool,
    form_token: String,
}

impl Shell {
    fn new(visit: &Visit<'_>, section: &'static str, title: &str) -> Result<Self, Failed> {
        let who = visit.who()?;
        Ok(Self {
            title: title.to_owned(),
            section,
            name: who.name.clone(),
            administers: visit.administers(),
            form_token: visit.console.admin.form_token(who),
        })
    }
}

/// A sentence where a page would be.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub(super) title: &'a str,
    pub(super) text: &'a str,
}

pub(super) fn home(_visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    Ok(ConsoleAnswer::redirect("/admin/users/scim-provisioning"))
}

/// An instant as people read it.
fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn maybe(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "never".to_owned(), instant)
}

/// How many rows a page has.
const ROWS: i64 = 25;
