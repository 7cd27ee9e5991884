//! `table`: the lookup tables that rules of all configurations share.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use scim_admin::table::TableUse;
use scim_admin::{AdminService, TableSeen};
use scim_console::documents;
use scim_mapping::TableContent;
use serde_json::json;

use super::value::{actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with lookup tables.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the tables.
    List,
    /// Show a table, and the rules that look values up in it.
    Show {
        /// The name of the table.
        name: String,
    },
    /// Write a table as CSV, to be imported again.
    Export {
        /// The name of the table.
        name: String,
        /// The file; without it the table is printed.
        file: Option<PathBuf>,
    },
    /// Make a table what a CSV file says; its first line has the titles, its first column the keys.
    Import(Import),
    /// Delete a table that no rule uses.
    Delete {
        /// The name of the table.
        name: String,
    },
}

/// Options of `table import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The name of the table: lower-case letters, digits, hyphens and underscores.
    name: String,
    /// The file, or - for standard input.
    file: PathBuf,
    /// Apply the rules that use it to the users that are there; the server does it.
    #[arg(long)]
    reapply: bool,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails, and when a file cannot be read or written.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::List => list(common, &admin),
        Action::Show { name } => show(common, &admin, &name),
        Action::Export { name, file } => {
            let csv = admin.lookup_table(&name, None)?.content.to_csv();
            match file {
                Some(file) => std::fs::write(&file, csv)
                    .with_context(|| format!("cannot write {}", file.display())),
                None => print(&csv),
            }
        }
        Action::Import(options) => import(common, &admin, &options),
        Action::Delete { name } => {
            admin.delete_table(&actor(), &name)?;
            match common.json {
                true => output::json(&json!({ "name": name })),
                false => output::line(&format!("Deleted {name}")),
            }
        }
    }
}

fn print(csv: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(csv.as_bytes())?;
    Ok(out.flush()?)
}

fn list(common: &Common, admin: &AdminService) -> anyhow::Result<()> {
    let tables = admin.lookup_tables()?;
    if common.json {
        return output::items(tables.into_iter().map(documents::table_summary));
    }
    let mut rows = Table::titled(["name", "columns", "rows", "version", "changed", "by"]);
    for table in tables {
        rows.row([
            table.name,
            table.columns.join(", "),
            table.rows.to_string(),
            table.version.to_string(),
            instant(table.created),
            table.created_by,
        ]);
    }
    rows.print()
}

fn show(common: &Common, admin: &AdminService, name: &str) -> anyhow::Result<()> {
    let table = admin.lookup_table(name, None)?;
    let uses = admin.table_uses(name)?;
    if common.json {
        return output::json(&documents::lookup_table(table, &uses));
    }
    let mut rows = Table::titled(table.content.columns);
    for row in table.content.rows {
        rows.row(row);
    }
    rows.print()?;
    told(&uses)
}

fn import(common: &Common, admin: &AdminService, options: &Import) -> anyhow::Result<()> {
    let content = TableContent::read_csv(&read(&options.file)?)?;
    let put = admin.put_table(&actor(), &options.name, content, TableSeen::Any)?;
    let mut begun: Vec<_> = put.uses.iter().filter(|one| !one.draft).collect();
    begun.dedup_by_key(|one| one.configuration);
    let in_force = begun.len();
    if options.reapply {
        for one in begun {
            admin.begin_reapply(&actor(), one.configuration)?;
        }
    }
    if common.json {
        return output::json(&documents::put_table(put));
    }
    let (name, version) = (&put.table.name, put.table.version);
    let rows = put.table.content.rows.len();
    match put.changed {
        true => output::line(&format!("{name} has {rows} rows now; version {version}"))?,
        false => output::line(&format!(
            "{name} says that already; version {version} stays"
        ))?,
    }
    told(&put.uses)?;
    match (in_force, options.reapply) {
        (0, _) => Ok(()),
        (_, true) => output::line("The rules are applied to the users that are there."),
        (_, false) => output::line(
            "They use it from the next request on; `mapping reapply` applies them to the users \
             that are there.",
        ),
    }
}

/// Prints which rules look values up in a table.
fn told(uses: &[TableUse]) -> anyhow::Result<()> {
    for one in uses {
        let draft = if one.draft { " (draft)" } else { "" };
        let rules = one.rules.join(", ");
        output::line(&format!("{}/{}{draft}: {rules}", one.name, one.resource))?;
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
