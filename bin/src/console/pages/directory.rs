//! The Users and Groups pages.

use askama::Template;
use scim_admin::people::{GroupSummary, Person};

use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::{ROWS, Shell, instant};

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    shell: Shell,
    search: String,
    rows: Vec<Person>,
    next: String,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    shell: Shell,
    search: String,
    rows: Vec<GroupSummary>,
    next: String,
}

pub(in super::super) fn users(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (search, after) = (visit.query.given("q"), visit.query.given("after"));
    let rows = visit.console.admin.people(search, after, ROWS)?;
    let next = next(search, rows.len(), rows.last().map(|person| &person.id));
    let page = Users {
        shell: Shell::new(visit, "users", "Users")?,
        search: search.unwrap_or_default().to_owned(),
        rows,
        next,
    };
    ConsoleAnswer::page(200, &page)
}

pub(in super::super) fn groups(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (search, after) = (visit.query.given("q"), visit.query.given("after"));
    let rows = visit.console.admin.groups(search, after, ROWS)?;
    let next = next(search, rows.len(), rows.last().map(|group| &group.id));
    let page = Groups {
        shell: Shell::new(visit, "groups", "Groups")?,
        search: search.unwrap_or_default().to_owned(),
        rows,
        next,
    };
    ConsoleAnswer::page(200, &page)
}

/// Where the next page is; empty behind the last one.
fn next(search: Option<&str>, count: usize, last: Option<&String>) -> String {
    let full = i64::try_from(count).is_ok_and(|count| count == ROWS);
    match last.filter(|_| full) {
        Some(last) => format!("?q={}&after={last}", encoded(search.unwrap_or_default())),
        None => String::new(),
    }
}
