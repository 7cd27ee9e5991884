//! The tests that stand with a mapping: how they go, and samples that become one.

use askama::Template;
use scim_admin::{AdminError, Problem, VersionChoice};
use scim_mapping::{MappingSet, MappingTest};
use scim_provisioning::ResourceKind;
use serde_json::Value;

use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::Shell;
use super::configuration::Tabs;
use super::mappings::Edited;

/// A test in the list.
struct Row {
    key: String,
    passed: bool,
    why: String,
    /// The sample, as it is read.
    sample: String,
}

#[derive(Template)]
#[template(path = "mapping_tests.html")]
struct Page {
    shell: Shell,
    tabs: Tabs,
    here: String,
    base: String,
    drafted: bool,
    rows: Vec<Row>,
    error: String,
    key: String,
    document: String,
}

impl Page {
    fn new(visit: &Visit<'_>, edited: &Edited) -> Result<Self, Failed> {
        let choice = match edited.draft.is_some() {
            true => VersionChoice::Draft,
            false => VersionChoice::Active,
        };
        let admin = &visit.console.admin;
        let outcomes = admin.test_mapping(edited.shown.id, edited.resource, choice)?;
        let tests = &edited.base().rules.tests;
        Ok(Self {
            shell: edited.shown.shell(visit, "Tests")?,
            tabs: edited.shown.tabs(visit, "mapping"),
            here: edited.link(""),
            base: edited.base().checksum.clone(),
            drafted: edited.draft.is_some(),
            rows: tests
                .iter()
                .zip(&outcomes)
                .map(|(test, outcome)| Row {
                    key: test.key.clone(),
                    passed: outcome.passed,
                    why: outcome.to_string(),
                    sample: serde_json::to_string_pretty(&test.sample).unwrap_or_default(),
                })
                .collect(),
            error: String::new(),
            key: String::new(),
            document: String::new(),
        })
    }
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    ConsoleAnswer::page(200, &Page::new(visit, &edited)?)
}

/// Keeps a sample with what the rules make of it now, so that they go on making that of it.
pub(in super::super) fn keep(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let (key, document) = (visit.form.text("key").trim(), visit.form.text("document"));
    let mut set = edited.base().rules.clone();
    let made = sample(document).and_then(|sample| {
        let record = record(visit, &edited, &sample)?;
        let test = MappingTest {
            key: key.to_owned(),
            sample,
            record,
        };
        match set.tests.iter_mut().find(|known| known.key == test.key) {
            Some(known) => *known = test,
            None => set.tests.push(test),
        }
        edited.keep(visit, &set, "").map_err(Failed::from)
    });
    match made {
        Ok(()) => Ok(done(&edited)),
        Err(Failed::Refused(error @ AdminError::Invalid(_))) => {
            let page = Page {
                error: sentence(&error),
                key: key.to_owned(),
                document: document.to_owned(),
                ..Page::new(visit, &edited)?
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(other) => Err(other),
    }
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let mut set: MappingSet = edited.base().rules.clone();
    let key = visit.form.text("key");
    set.tests.retain(|test| test.key != key);
    edited.keep(visit, &set, "")?;
    Ok(done(&edited))
}

fn done(edited: &Edited) -> ConsoleAnswer {
    ConsoleAnswer::redirect(edited.link("/tests?done=drafted"))
}

fn sample(document: &str) -> Result<serde_json::Map<String, Value>, Failed> {
    let refused = |text: String| Failed::Refused(Problem::entry(text).refused());
    match serde_json::from_str(document) {
        Ok(Value::Object(sample)) => Ok(sample),
        Ok(_) => Err(refused("a sample is a JSON object".to_owned())),
        Err(error) => Err(refused(format!("this is no JSON: {error}"))),
    }
}

/// What the draft, or the active version, makes of a sample.
fn record(
    visit: &Visit<'_>,
    edited: &Edited,
    sample: &serde_json::Map<String, Value>,
) -> Result<serde_json::Map<String, Value>, Failed> {
    let choice = match edited.draft.is_some() {
        true => VersionChoice::Draft,
        false => VersionChoice::Active,
    };
    let console = &visit.console;
    let source = console
        .admin
        .model(edited.shown.id, edited.resource, choice)?;
    let configuration = edited.shown.configuration.to_provisioning();
    let (kind, document): (ResourceKind, _) = (edited.resource, Value::Object(sample.clone()));
    let preview = console
        .provider
        .preview(&configuration, &source, kind, document);
    Ok(preview?.record)
}
