//! `export`, `plan` and `apply`: what is configured, as one document.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{ArgGroup, Args, ValueEnum};
use scim_admin::Application;
use scim_admin::declaration::{Change, Declaration, Plan, PlanItem};
use serde_json::Value;

use super::configuration::finish_deletion;
use super::value::actor;
use crate::host::{Host, Instance};
use crate::output;
use crate::settings::Common;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// TOML, for people.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// The one that is named, else that of the file's name, else JSON.
    fn of(named: Option<Self>, file: Option<&Path>) -> Self {
        let ending = file.and_then(Path::extension);
        let is_toml = ending.is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
        named.unwrap_or(if is_toml { Self::Toml } else { Self::Json })
    }
}

/// Options of `export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file; without it the document is printed.
    file: Option<PathBuf>,
    /// How it is written; without it as the file's name ends, or JSON.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub(crate) struct Planned {
    /// The file, or - for standard input.
    file: PathBuf,
    /// Delete what is in none of the document's lists; a list that it does not have is left alone.
    #[arg(long)]
    prune: bool,
    /// How it is written; without it as the file's name ends, or JSON.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Options of `apply`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["file", "plan"]).required(true).multiple(true))]
pub(crate) struct Apply {
    /// The file, or - for standard input; without it that of the plan.
    file: Option<PathBuf>,
    /// Do just what this plan says, or nothing.
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// Delete what is in none of the document's lists; a list that it does not have is left alone.
    #[arg(long)]
    prune: bool,
    /// Delete without asking.
    #[arg(long)]
    yes: bool,
    /// How it is written; without it as the file's name ends, or JSON.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Prints what is configured, or writes it into a file.
///
/// # Errors
/// When the service fails, or the file cannot be written.
pub(crate) fn export(host: &dyn Host, common: &Common, options: &Export) -> anyhow::Result<()> {
    let declared = host.open(common)?.admin().export()?;
    let document = serde_json::to_value(&declared)?;
    let text = match Format::of(options.format, options.file.as_deref()) {
        Format::Json => serde_json::to_string_pretty(&document)?,
        Format::Toml => toml::to_string_pretty(&without_nulls(document)?)?,
    };
    let text = text.trim_end();
    match &options.file {
        None => output::line(text),
        Some(file) => std::fs::write(file, format!("{text}\n"))
            .with_context(|| format!("cannot write {}", file.display())),
    }
}

/// Shows what applying a document would do.
///
/// # Errors
/// When the document does not fit, or the service fails.
pub(crate) fn plan(host: &dyn Host, common: &Common, options: &Planned) -> anyhow::Result<()> {
    let declared = read(&options.file, options.format)?;
    let plan = host
        .open(common)?
        .admin()
        .plan(&actor(), &declared, options.prune)?;
    if common.json {
        return output::json(&plan);
    }
    print(&plan)?;
    match plan.items.is_empty() {
        true => output::line("Nothing to do"),
        false => output::line(&format!(
            "\nTo do just this: serviceops-scim apply --plan {}",
            plan.digest
        )),
    }
}

/// Makes what is configured what a document says.
///
/// # Errors
/// When the document does not fit, is not what was planned, or the service fails.
pub(crate) fn apply(host: &dyn Host, common: &Common, options: &Apply) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let applied = application(&instance, options)?;
    let admin = instance.admin();
    let done = admin.apply(&actor(), applied)?;
    // Nobody else may be there who goes on with them.
    for begun in admin.deletions()? {
        finish_deletion(&admin, begun)?;
    }
    if common.json {
        return output::json(&done);
    }
    print(&done)?;
    if done.items.is_empty() {
        return output::line("Nothing to do");
    }
    output::line("\nDone")?;
    if !done.afterwards.is_empty() {
        output::line("Secrets are not made by apply. Left to do:")?;
    }
    done.afterwards
        .iter()
        .try_for_each(|command| output::line(&format!("  {}", output::printable(command))))
}

/// What is to be applied. Where it deletes, somebody has said so: by the digest of a plan, by an
/// option, or on the terminal.
fn application(instance: &Instance, options: &Apply) -> anyhow::Result<Application> {
    let admin = instance.admin();
    let position = instance.services.feed.head()?;
    let file = options.file.as_deref();
    let declared = file.map(|file| read(file, options.format)).transpose()?;
    if let Some(digest) = &options.plan {
        let stored = admin.stored_plan(digest)?;
        let declared = match declared {
            Some(declared) => declared,
            None => Declaration::from_json(stored.document)?,
        };
        return Ok(Application {
            declared,
            prune: stored.prune,
            digest: Some(digest.clone()),
            position,
        });
    }
    let declared = declared.context("a file is needed, or the digest of a plan")?;
    let mut digest = None;
    if options.prune && !options.yes {
        let plan = admin.plan(&actor(), &declared, true)?;
        confirm(&plan)?;
        // What was asked about is what is done.
        digest = Some(plan.digest);
    }
    Ok(Application {
        declared,
        prune: options.prune,
        digest,
        position,
    })
}

/// Asks whether what the plan deletes may be deleted.
fn confirm(plan: &Plan) -> anyhow::Result<()> {
    let deletions = plan.deletions();
    if deletions == 0 {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("--prune would delete {deletions}; look at the plan, and say --yes");
    }
    let mut said = std::io::stderr();
    for item in &plan.items {
        if item.change == Change::Delete {
            writeln!(said, "{}", headline(item))?;
        }
    }
    write!(said, "Delete {deletions}? [y/N] ")?;
    said.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

fn print(plan: &Plan) -> anyhow::Result<()> {
    for item in &plan.items {
        output::line(&headline(item))?;
        if item.change != Change::Update {
            continue;
        }
        for change in &item.changes {
            output::line(&format!(
                "    {}: {} -> {}",
                output::printable(&change.member),
                output::printable(&change.old.to_string()),
                output::printable(&change.new.to_string())
            ))?;
        }
    }
    Ok(())
}

fn headline(item: &PlanItem) -> String {
    let sign = match item.change {
        Change::Create => '+',
        Change::Update => '~',
        Change::Delete => '-',
    };
    let (kind, name) = (item.kind.words(), output::printable(&item.name));
    format!("{sign} {kind} {name}")
}

fn read(file: &Path, format: Option<Format>) -> anyhow::Result<Declaration> {
    let name = match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    };
    let mut text = String::new();
    let cannot = || format!("cannot read {name}");
    match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    }
    .with_context(cannot)?;
    let document: Value = match Format::of(format, Some(file)) {
        Format::Json => serde_json::from_str(&text).with_context(cannot)?,
        Format::Toml => toml::from_str(&text).with_context(cannot)?,
    };
    Declaration::from_json(document).with_context(|| name)
}

/// A document without nulls, which TOML has not. A member that is null is as one that is not there.
fn without_nulls(value: Value) -> anyhow::Result<Value> {
    Ok(match value {
        Value::Null => bail!("a list has a null, which TOML has not; export JSON"),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(without_nulls)
                .collect::<anyhow::Result<_>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Ok((name, without_nulls(value)?)))
                .collect::<anyhow::Result<_>>()?,
        ),
        value => value,
    })
}
