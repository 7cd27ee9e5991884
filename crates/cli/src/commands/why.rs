//! `why`: why somebody is as they are.

use clap::Args;
use scim_admin::WhyQuery;
use scim_admin::why::{Found, WhyAnswer};
use scim_console::documents;

use super::value::{actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// Options of `why`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Any name, the beginning of a word of one, an e-mail address, an externalId or an id.
    who: String,
    /// Where this field of the person has its value from.
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// For this configuration alone, by name or id.
    #[arg(long, value_name = "CONFIGURATION")]
    configuration: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, options: Options) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let admin = instance.admin();
    let configuration = match &options.configuration {
        Some(name) => Some(admin.find_configuration(name)?.id),
        None => None,
    };
    let query = WhyQuery {
        who: options.who,
        configuration,
        field: options.field,
    };
    let answer = admin.why(&actor(), &instance.provider(), &query)?;
    match common.json {
        true => output::json(&documents::why(&answer)),
        false => print(&answer),
    }
}

fn print(answer: &WhyAnswer) -> anyhow::Result<()> {
    let document = documents::why(answer);
    output::line(&output::printable(&answer.sentence))?;
    if let Some(field) = &answer.field {
        output::line(&output::printable(&field.sentence()))?;
    }
    if let Some((label, page)) = document.mending() {
        output::line(&format!("{label}: {page}"))?;
    }
    if answer.found.len() > 1 {
        let mut table = Table::titled(["found", "name", "e-mail"]);
        for found in &answer.found {
            table.row(match found {
                Found::Person(person) => [
                    person.status.as_str().to_owned(),
                    person.user_name.clone(),
                    person.email.clone().unwrap_or_default(),
                ],
                Found::Attempt(name) => ["not here".to_owned(), name.clone(), String::new()],
                Found::LookUp(value) => ["looked for".to_owned(), value.clone(), String::new()],
            });
        }
        table.print()?;
    }
    let mut table = Table::titled(["time", "what", "log entry"]);
    for moment in &answer.timeline {
        let event = moment.event.map(|id| id.to_string());
        table.row([
            instant(moment.at),
            moment.sentence.clone(),
            event.unwrap_or_default(),
        ]);
    }
    table.print()
}
