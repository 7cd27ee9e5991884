//! `feed`: what changes in the directory, on standard output, and its new beginning.

use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand};
use scim_feed::{Change, Changes, Feed, FeedError, Position};
use serde_json::json;

use super::value::{actor, instant};
use crate::host::Host;
use crate::output;
use crate::settings::Common;

/// What is done with the feed.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Print changes as they come, one a line, until interrupted. Nothing is kept for it.
    Follow(Follow),
    /// Begin anew after the database was put back by other means than `restore`: every receiver
    /// needs a snapshot.
    Restart,
}

/// Options of `feed follow`.
#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// Begin behind this position, or with 0 at the oldest change that is kept; without it with
    /// what changes from now on.
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
}

/// Runs the command.
///
/// # Errors
/// When the feed cannot be read, or what is behind the position is not kept.
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    match action {
        Action::Follow(options) => follow(&instance.services.feed, common, options),
        Action::Restart => {
            let position = instance.admin().restart_feed(&actor())?;
            match common.json {
                true => output::json(&json!({ "position": position })),
                false => output::line("Every receiver needs a snapshot from now on."),
            }
        }
    }
}

fn follow(feed: &Feed, common: &Common, options: &Follow) -> anyhow::Result<()> {
    let mut after = match options.after {
        Some(after) => feed.check(after)?,
        None => feed.head()?,
    };
    loop {
        let page = changes_behind(feed, after)?;
        after = page.next;
        print_page(&page, common.json)?;
    }
}

/// What is behind a position. A fault that passes is waited for, as a receiver over HTTP would.
fn changes_behind(feed: &Feed, after: Position) -> anyhow::Result<Changes> {
    loop {
        match feed.changes(None, after, PAGE) {
            Err(FeedError::Store(fault)) => match fault.retry_after() {
                Some(seconds) => {
                    eprintln!("{fault}; trying again in {seconds} s");
                    thread::sleep(Duration::from_secs(seconds.into()));
                }
                None => return Err(fault.into()),
            },
            done => return Ok(done?),
        }
    }
}

/// Prints changes, or waits a moment where there are none.
fn print_page(page: &Changes, as_json: bool) -> anyhow::Result<()> {
    for change in &page.items {
        match as_json {
            true => output::json_line(&json!(change))?,
            false => output::line(&line(change))?,
        }
    }
    if page.items.is_empty() {
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn line(change: &Change) -> String {
    let fields: Vec<&str> = change
        .changes
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    let cells = [
        change.position.to_string(),
        instant(change.at),
        change.topic.as_str().to_owned(),
        change.resource.id.clone(),
        change.resource.name.clone().unwrap_or_default(),
        fields.join(","),
        change.actor.clone().unwrap_or_default(),
    ];
    cells.map(|cell| output::printable(&cell)).join("  ")
}

const PAGE: usize = 500;
const PAUSE: Duration = Duration::from_millis(500);
