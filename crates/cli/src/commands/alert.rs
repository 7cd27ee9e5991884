//! `alert`: what needs somebody.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use scim_admin::alert::{Alert, AlertCause, AlertState, AlertsQuery};
use scim_console::documents;

use super::value::{instant, maybe_instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with alerts.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List them, the newest first.
    List(List),
}

/// Options of `alert list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Those that are open, that are over, or all.
    #[arg(long, value_name = "STATE", default_value = "open", value_parser = state())]
    state: AlertState,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Those behind this one, the last of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

fn state() -> impl TypedValueParser<Value = AlertState> {
    let words = PossibleValuesParser::new(AlertState::ALL.map(AlertState::as_str));
    words.map(|word| AlertState::parse(&word).unwrap_or_default())
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn run(host: &dyn Host, common: &Common, action: &Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let Action::List(options) = action;
    let found = instance.admin().alerts(&AlertsQuery {
        state: options.state,
        before: options.after.clone(),
        limit: options.limit,
    })?;
    if common.json {
        let full = i64::try_from(found.len()).is_ok_and(|count| count == options.limit);
        let last = found.last().filter(|_| full);
        let next = last.map(|alert| alert.id.clone());
        return output::page(found.iter().map(documents::alert), next);
    }
    list(&found)
}

fn list(alerts: &[Alert]) -> anyhow::Result<()> {
    if alerts.is_empty() {
        return output::line("Nothing needs you.");
    }
    let mut table = Table::titled(["since", "over", "kind", "cause", "about", "what it is"]);
    for alert in alerts {
        table.row([
            instant(alert.since),
            maybe_instant(alert.over).unwrap_or_default(),
            alert.kind.as_str().to_owned(),
            alert
                .cause
                .map(AlertCause::as_str)
                .unwrap_or_default()
                .to_owned(),
            alert.about.name.clone(),
            alert.message(),
        ]);
    }
    table.print()
}
