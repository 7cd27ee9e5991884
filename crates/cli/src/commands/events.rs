//! `events`: the provisioning log.

use std::thread;
use std::time::Duration;

use clap::Args;
use scim_admin::AdminService;
use scim_admin::event::{EventQuery, EventState, LoggedEvent, Word};
use scim_provisioning::Outcome;

use super::value::instant;
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// Options of `events`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only those of this configuration, by name or id.
    #[arg(long, value_name = "CONFIGURATION")]
    configuration: Option<String>,
    /// Only those with this outcome.
    #[arg(long, value_parser = Outcome::ALL.map(Outcome::as_str))]
    outcome: Option<String>,
    /// Only failures and warnings that are not resolved.
    #[arg(long)]
    open: bool,
    /// The newest so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// The oldest so many behind this entry, the last of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<i64>,
    /// Go on with new entries until interrupted; with --json one document a line.
    #[arg(long)]
    follow: bool,
}

/// Runs the command.
///
/// # Errors
/// When the service fails.
pub(crate) fn run(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    let query = query(&admin, options)?;
    let events = admin.events(&query)?;
    match (options.follow, common.json) {
        (true, _) => follow(&admin, query, events, common.json),
        (false, true) => output::page(events.iter().map(documents::event), next(&query, &events)),
        (false, false) => table(&events),
    }
}

/// Behind what the next page begins; the newest have none.
fn next(query: &EventQuery, events: &[LoggedEvent]) -> Option<String> {
    query.after?;
    let full = i64::try_from(events.len()).is_ok_and(|count| count == query.limit);
    let last = events.last().filter(|_| full)?;
    Some(last.id.to_string())
}

fn query(admin: &AdminService, options: &Options) -> anyhow::Result<EventQuery> {
    let configuration = match &options.configuration {
        Some(name) => Some(admin.find_logged_configuration(name)?),
        None => None,
    };
    Ok(EventQuery {
        configuration,
        outcome: options.outcome.as_deref().and_then(Outcome::parse),
        state: options.open.then_some(EventState::Open),
        after: options.after,
        limit: options.limit,
        ..EventQuery::default()
    })
}

fn follow(
    admin: &AdminService,
    mut query: EventQuery,
    mut events: Vec<LoggedEvent>,
    json: bool,
) -> anyhow::Result<()> {
    query.after.get_or_insert(0);
    loop {
        for event in &events {
            query.after = Some(event.id);
            match json {
                true => output::json_line(&documents::event(event))?,
                false => {
                    output::line(&cells(event).map(|cell| output::printable(&cell)).join("  "))?
                }
            }
        }
        thread::sleep(PAUSE);
        events = admin.events(&query)?;
    }
}

fn table(events: &[LoggedEvent]) -> anyhow::Result<()> {
    let mut table = Table::titled(TITLES);
    for event in events {
        table.row(cells(event));
    }
    table.print()
}

fn cells(event: &LoggedEvent) -> [String; 8] {
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        instant(event.at),
        event.configuration_name.clone(),
        event.outcome.as_str().to_owned(),
        event.status.to_string(),
        event.action.as_str().to_owned(),
        event.kind.as_ref().map_or("", Word::as_str).to_owned(),
        or_nothing(&event.resource_name),
        or_nothing(&event.reason),
    ]
}

const TITLES: [&str; 8] = [
    "time",
    "configuration",
    "outcome",
    "status",
    "action",
    "type",
    "name",
    "reason",
];
const PAUSE: Duration = Duration::from_secs(1);
