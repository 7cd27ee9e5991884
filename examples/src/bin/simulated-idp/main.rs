//! A simulated identity provider.
//!
//! It has a directory of its own, provisions it to a SCIM service provider the way Microsoft
//! Entra ID or Okta does, changes it, provisions the changes, and compares both sides.

mod attributes;
mod client;
mod comparison;
mod cycle;
mod dialect;
mod entra;
mod finding;
mod links;
mod list;
mod model;
mod names;
mod okta;
mod options;
mod parallel;
mod population;
mod random;
mod report;
mod verification;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use crate::client::{CallError, Client, Endpoint};
use crate::cycle::{CutOff, Run};
use crate::links::Links;
use crate::options::Options;
use crate::population::{Plan, Scale, plan};
use crate::report::{Progress, phases_json, table};

fn main() -> ExitCode {
    let options = Options::parse();
    // A second provider in the process would be somebody else's choice; there is none here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trust = match options.trust() {
        Ok(trust) => trust,
        Err(problem) => {
            eprintln!("simulated-idp: {problem}");
            return ExitCode::from(2);
        }
    };
    let dialect = options.dialect.dialect();
    let client = Client::new(Endpoint {
        base: options.base.clone(),
        token: options.token.clone(),
        headers: dialect.headers(),
        trust,
        connections: usize::from(options.concurrency),
    });
    let plan = plan(&scale(&options), &dialect.habits());
    let mut run = Run {
        client: &client,
        dialect,
        plan: &plan,
        concurrency: usize::from(options.concurrency),
        progress: Progress::choose(options.quiet),
        links: Links::default(),
        findings: Vec::new(),
        phases: Vec::new(),
        counts: BTreeMap::new(),
    };
    let result = provision(&mut run, &plan, options.clean_up);
    conclude(&run, &options, result)
}

/// Why a run ended before its comparison.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the connection test failed: {0}")]
    ConnectionTest(#[from] CallError),
    #[error(transparent)]
    CutOff(#[from] CutOff),
}

fn scale(options: &Options) -> Scale {
    Scale {
        seed: options.seed,
        users: usize::try_from(options.users).unwrap_or(usize::MAX),
        groups: usize::try_from(options.groups).unwrap_or(usize::MAX),
        prefix: options.prefix(),
    }
}

fn provision(run: &mut Run<'_>, plan: &Plan, clean_up: bool) -> Result<(), RunError> {
    run.test_connection()?;
    run.cycle("first cycle", &plan.first)?;
    run.verify("first comparison", &plan.first)?;
    run.cycle("second cycle", &plan.second)?;
    run.verify("second comparison", &plan.second)?;
    if clean_up {
        run.clean_up()?;
    }
    Ok(())
}

/// Prints the result; nothing is lost when nobody reads it to its end.
fn conclude(run: &Run<'_>, options: &Options, result: Result<(), RunError>) -> ExitCode {
    let equal = result.is_ok() && run.findings.is_empty();
    let text = if options.json {
        summary_json(run, options, &result)
    } else {
        summary(run, options, result.is_ok())
    };
    let _ = writeln!(std::io::stdout(), "{text}");
    if let Err(error) = result {
        eprintln!("simulated-idp: {error}");
    }
    if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn summary(run: &Run<'_>, options: &Options, ended: bool) -> String {
    let mut text = String::new();
    if !run.phases.is_empty() {
        text.push_str(&format!("{}\n\n", table(&run.phases)));
    }
    for (event, times) in &run.counts {
        text.push_str(&format!("{event:<20} {times:>7}\n"));
    }
    if !run.counts.is_empty() {
        text.push('\n');
    }
    for finding in run.findings.iter().take(SHOWN) {
        text.push_str(&format!("difference: {finding}\n"));
    }
    if let Some(more) = run.findings.len().checked_sub(SHOWN + 1) {
        text.push_str(&format!("and {} more\n", more + 1));
    }
    let (name, prefix) = (run.dialect.name(), options.prefix());
    let verdict = match (ended, run.findings.len()) {
        (false, _) => "the run did not end".to_owned(),
        (true, 0) => "both sides are equal".to_owned(),
        (true, 1) => "1 difference".to_owned(),
        (true, count) => format!("{count} differences"),
    };
    text.push_str(&format!("{name}, prefix {prefix}: {verdict}"));
    text
}

fn summary_json(run: &Run<'_>, options: &Options, result: &Result<(), RunError>) -> String {
    let shown = run.findings.iter().take(SHOWN);
    let document = json!({
        "dialect": run.dialect.name(),
        "seed": options.seed,
        "prefix": options.prefix(),
        "users": options.users,
        "groups": options.groups,
        "equal": result.is_ok() && run.findings.is_empty(),
        "error": result.as_ref().err().map(ToString::to_string),
        "counts": run.counts,
        "phases": phases_json(&run.phases),
        "differences": run.findings.len(),
        "firstDifferences": shown.map(finding::Finding::to_json).collect::<Vec<_>>(),
    });
    format!("{document:#}")
}

/// How many differences are shown in full.
const SHOWN: usize = 20;
