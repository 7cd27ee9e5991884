//! The mapping of a configuration: its rules and versions.

use askama::Template;
use scim_admin::mapping::{DraftSeen, MappingVersion};
use scim_admin::{AdminError, Problem, VersionChoice};
use scim_mapping::{Apply, ImportFormat, MappingSet, OnError, Rule, RuleDifference, WithoutEqual};
use scim_provisioning::ResourceKind;
use serde_json::{Value, json};

use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::configuration::{Shown, Tabs};
use super::picture::Picture;
use super::rule::{label, shift, told};
use super::{LIST, Shell, instant};

/// A rule in the list.
struct Row {
    number: usize,
    /// What its buttons are about.
    named: String,
    key: String,
    source: String,
    /// The condition; empty where the rule is for everybody.
    when: String,
    transforms: String,
    target: String,
    enabled: bool,
    required: bool,
    rank: Option<u8>,
    apply: &'static str,
    on_error: &'static str,
    /// How it differs from the active version.
    change: String,
}

/// A version in the list.
struct Version {
    number: i64,
    state: &'static str,
    made: String,
    by: String,
    note: String,
}

/// A mapping with what its pages show of it.
pub(in super::super) struct Edited {
    pub(super) shown: Shown,
    pub(in super::super) resource: ResourceKind,
    pub(super) word: &'static str,
    pub(in super::super) active: MappingVersion,
    /// The draft, where it differs from the active version.
    pub(in super::super) draft: Option<MappingVersion>,
    pub(super) versions: Vec<MappingVersion>,
}

impl Edited {
    pub(in super::super) fn find(visit: &Visit<'_>, word: &str) -> Result<Self, Failed> {
        let (resource, word) = match word {
            "user" => (ResourceKind::User, "user"),
            "group" => (ResourceKind::Group, "group"),
            _ => return Err(Failed::NotFound),
        };
        let shown = Shown::find(visit)?;
        let admin = &visit.console.admin;
        let active = admin.mapping(shown.id, resource, VersionChoice::Active)?;
        let (_, versions) = admin.mappings(shown.id, resource)?;
        let draft = versions.iter().find(|version| version.version == 0);
        Ok(Self {
            draft: draft
                .filter(|draft| draft.checksum != active.checksum)
                .cloned(),
            shown,
            resource,
            word,
            active,
            versions,
        })
    }

    /// What an edit begins with: the draft, or the active version.
    pub(in super::super) fn base(&self) -> &MappingVersion {
        self.draft.as_ref().unwrap_or(&self.active)
    }

    fn differences(&self) -> Vec<RuleDifference> {
        self.active.rules.differences(&self.base().rules)
    }

    pub(super) fn link(&self, rest: &str) -> String {
        format!("{LIST}/{}/mappings/{}{rest}", self.shown.id, self.word)
    }

    /// Keeps changed rules as the draft, if nobody changed them meanwhile.
    pub(super) fn keep(
        &self,
        visit: &Visit<'_>,
        rules: &MappingSet,
        note: &str,
    ) -> Result<(), AdminError> {
        if visit.form.text("base") != self.base().checksum {
            return Err(AdminError::Stale);
        }
        let rules = json!(rules);
        let actor = visit.actor().map_err(|_failed| AdminError::SignIn)?;
        let admin = &visit.console.admin;
        let seen = DraftSeen::among(&self.versions);
        admin.draft_mapping(&actor, self.shown.id, &rules, note, &seen)?;
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "mapping.html")]
struct Editor {
    shell: Shell,
    tabs: Tabs,
    word: &'static str,
    base: String,
    here: String,
    active: i64,
    drafted: bool,
    picture: Picture,
    rows: Vec<Row>,
    differences: Vec<(String, String, String)>,
    versions: Vec<Version>,
    error: String,
    document: String,
    /// What the document is.
    format: String,
    /// What of a mapping that was imported just now has no equal.
    without_equal: Vec<WithoutEqual>,
    /// Whether something was imported just now.
    imported: bool,
}

impl Editor {
    fn new(visit: &Visit<'_>, edited: &Edited) -> Result<Self, Failed> {
        let admin = &visit.console.admin;
        let catalog = admin.catalog()?;
        let differing = edited.differences();
        let differences: Vec<(String, String, String)> = differing
            .iter()
            .map(|difference| {
                let difference = json!(difference);
                let text = |name: &str| {
                    let value = difference.get(name).and_then(Value::as_str);
                    value.unwrap_or_default().to_owned()
                };
                let members = difference.get("members").and_then(Value::as_array);
                let members = members.into_iter().flatten().filter_map(Value::as_str);
                (
                    text("change"),
                    text("key"),
                    members.collect::<Vec<_>>().join(", "),
                )
            })
            .collect();
        let rules = edited.base().rules.rules.iter().zip(1..);
        let rows: Vec<Row> = rules
            .map(|(rule, number)| {
                let change = differences.iter().find(|(_, key, _)| *key == rule.key);
                let transforms: Vec<String> = rule.transforms.iter().map(told).collect();
                Row {
                    number,
                    named: format!("rule {number}"),
                    key: rule.key.clone(),
                    source: rule.source.to_string(),
                    when: rule.when.clone().unwrap_or_default(),
                    transforms: transforms.join(" › "),
                    target: label(&catalog, &rule.target),
                    enabled: rule.enabled,
                    required: rule.required,
                    rank: rule.match_rank,
                    apply: match rule.apply {
                        Apply::Always => "always",
                        Apply::OnCreate => "on create",
                    },
                    on_error: match rule.on_error {
                        OnError::Reject => "reject",
                        OnError::SkipWarn => "skip and warn",
                        OnError::UseDefault => "use the default",
                    },
                    change: change
                        .map(|(change, ..)| change.clone())
                        .unwrap_or_default(),
                }
            })
            .collect();
        let rules = &edited.base().rules.rules;
        let seen = admin.received_attributes(edited.shown.id, edited.resource)?;
        let picture = Picture::new(&catalog, edited.resource, rules, &differing, &seen);
        let versions = edited.versions.iter().filter(|version| version.version > 0);
        Ok(Self {
            shell: edited.shown.shell(visit, "Mapping")?,
            tabs: edited.shown.tabs(visit, "mapping"),
            word: edited.word,
            base: edited.base().checksum.clone(),
            here: edited.link(""),
            active: edited.active.version,
            drafted: edited.draft.is_some(),
            picture,
            rows,
            versions: versions
                .map(|version| Version {
                    number: version.version,
                    state: version.state(edited.active.version),
                    made: instant(version.created),
                    by: version.created_by.clone(),
                    note: version.note.clone(),
                })
                .collect(),
            differences,
            error: String::new(),
            document: String::new(),
            format: String::new(),
            without_equal: Vec::new(),
            imported: false,
        })
    }
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    ConsoleAnswer::page(200, &Editor::new(visit, &edited)?)
}

/// Changes the rules and shows the editor again.
fn change(
    visit: &Visit<'_>,
    with: impl FnOnce(&mut Vec<Rule>, usize),
) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let mut set = edited.base().rules.clone();
    let key = visit.form.text("key");
    let at = set.rules.iter().position(|rule| rule.key == key);
    let at = at.ok_or(Failed::NotFound)?;
    with(&mut set.rules, at);
    // The page comes back to the rule, or to the one that took its place.
    let there = set.rules.iter().find(|rule| rule.key == key);
    let there = there.or_else(|| set.rules.get(at.min(set.rules.len().saturating_sub(1))));
    let said = match there {
        Some(rule) => format!("drafted#rule-{}", encoded(&rule.key)),
        None => "drafted".to_owned(),
    };
    kept(visit, &edited, edited.keep(visit, &set, ""), &said)
}

fn kept(
    visit: &Visit<'_>,
    edited: &Edited,
    done: Result<(), AdminError>,
    said: &str,
) -> Result<ConsoleAnswer, Failed> {
    match done {
        Ok(()) => Ok(ConsoleAnswer::redirect(
            edited.link(&format!("?done={said}")),
        )),
        Err(error @ AdminError::Invalid(_)) => {
            let page = Editor {
                error: sentence(&error),
                document: visit.form.text("document").to_owned(),
                format: visit.form.text("format").to_owned(),
                ..Editor::new(visit, edited)?
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

pub(in super::super) fn reorder(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let up = visit.form.text("direction") == "up";
    change(visit, |rules, at| shift(rules, at, up))
}

pub(in super::super) fn delete_rule(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    change(visit, |rules, at| {
        rules.remove(at);
    })
}

pub(in super::super) fn discard(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let done = edited.keep(visit, &edited.active.rules, "");
    kept(visit, &edited, done, "discarded")
}

pub(in super::super) fn restore(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let rules = match edited.resource {
        ResourceKind::User => MappingSet::default_user(),
        ResourceKind::Group => MappingSet::default_group(),
    };
    let done = edited.keep(visit, &rules, "The default rules");
    kept(visit, &edited, done, "drafted")
}

/// The rules that a form brings, and what of an identity provider's mapping has no equal.
pub(in super::super) fn imported(
    visit: &Visit<'_>,
    edited: &Edited,
) -> Result<(MappingSet, Vec<WithoutEqual>), AdminError> {
    let read = serde_json::from_str::<Value>(visit.form.text("document"));
    let document =
        read.map_err(|error| Problem::entry(format!("this is no JSON: {error}")).refused())?;
    let (set, without_equal) = match ImportFormat::parse(visit.form.text("format")) {
        Some(format) => visit
            .console
            .admin
            .read_import(edited.shown.id, format, &document)?,
        None => (MappingSet::from_json(&document)?, Vec::new()),
    };
    match set.resource == edited.resource {
        true => Ok((set, without_equal)),
        false => Err(Problem::entry("this mapping is for the other kind of resource").refused()),
    }
}

pub(in super::super) fn import(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let done = imported(visit, &edited).and_then(|(set, without_equal)| {
        edited.keep(visit, &set, "Imported")?;
        Ok(without_equal)
    });
    let without_equal = match done {
        Ok(without_equal) if without_equal.is_empty() => {
            return kept(visit, &edited, Ok(()), "drafted");
        }
        Ok(without_equal) => without_equal,
        Err(error) => return kept(visit, &edited, Err(error), ""),
    };
    // What has no equal is kept nowhere: it is said now.
    let edited = Edited::find(visit, visit.part("resource"))?;
    let page = Editor {
        without_equal,
        imported: true,
        ..Editor::new(visit, &edited)?
    };
    ConsoleAnswer::page(200, &page)
}

pub(in super::super) fn export(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let document = serde_json::to_string_pretty(&edited.base().document());
    let document = document.map_err(|error| Failed::internal(&error))?;
    let name = match edited.resource {
        ResourceKind::User => "user-mapping.json",
        ResourceKind::Group => "group-mapping.json",
    };
    Ok(ConsoleAnswer::file(name, "application/json", document))
}

pub(in super::super) fn activate(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    // Rules decide who signs in by which address, and with which role.
    if visit.form.text("base") != edited.base().checksum {
        return kept(visit, &edited, Err(AdminError::Stale), "");
    }
    let admin = &visit.console.admin;
    let (id, seen) = (edited.shown.id, DraftSeen::among(&edited.versions));
    let done = admin.activate_mapping(&visit.actor()?, id, edited.resource, &seen);
    kept(visit, &edited, done.map(drop), "activated")
}

pub(in super::super) fn roll_back(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let number = visit.form.text("version").parse();
    let number = number.map_err(|_number| Failed::NotFound)?;
    let admin = &visit.console.admin;
    let id = edited.shown.id;
    let done = admin.roll_back_mapping(&visit.actor()?, id, edited.resource, number);
    kept(visit, &edited, done.map(drop), "activated")
}

/// The colour of a version's state.
fn kind(state: &str) -> &'static str {
    match state {
        "active" => "good",
        _ => "",
    }
}
