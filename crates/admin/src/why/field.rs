//! Where a field of a person has its value from.

use scim_mapping::{JoinPart, MappingSet, Source};
use serde_json::Value;

use super::explain::is_within;
use super::facts::{Facts, is_done};
use crate::event::LoggedEvent;
use crate::people::Person;

/// Where a field of a person has its value from.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldAnswer {
    /// The key of the field.
    pub field: String,
    /// Its value; `None` where it has none.
    pub value: Option<Value>,
    /// Where from.
    pub origin: FieldOrigin,
    /// The version of the mapping by which it was written, where one was.
    pub version: Option<i64>,
    /// The entry of the log whose request gave the value.
    pub event: Option<i64>,
}

/// What gave a field its value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldOrigin {
    /// A rule.
    Rule {
        /// Its number, from 1.
        number: usize,
        /// Its key.
        key: String,
        /// What it reads.
        source: String,
    },
    /// A rule dropped what was sent.
    Dropped {
        /// What the rule said.
        text: String,
    },
    /// A group that the person is a member of.
    Group(String),
    /// An administrator gave it.
    Given,
    /// It is not what the identity provider and the rules say: somebody changed it by hand.
    Edited {
        /// Who, where that is known.
        by: Option<String>,
    },
    /// No rule writes the field.
    NoRule,
}

impl FieldOrigin {
    /// The origin as scripts read it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rule { .. } => "rule",
            Self::Dropped { .. } => "value.dropped",
            Self::Group(_) => "group",
            Self::Given => "given",
            Self::Edited { .. } => "changedByHand",
            Self::NoRule => "noRule",
        }
    }
}

impl FieldAnswer {
    /// The answer in a sentence.
    pub fn sentence(&self) -> String {
        let field = &self.field;
        let by = match (self.version, self.event) {
            (Some(version), Some(event)) => {
                format!(", in version {version} of the mapping, by log entry {event}")
            }
            (Some(version), None) => format!(", in version {version} of the mapping"),
            _ => String::new(),
        };
        match &self.origin {
            FieldOrigin::Rule {
                number,
                key,
                source,
            } => format!("Rule {number} ({key}) gave {field} its value from {source}{by}."),
            FieldOrigin::Dropped { text } => {
                format!("The value that was sent for {field} was dropped{by}: {text}.")
            }
            FieldOrigin::Group(name) => format!("The group “{name}” gives {field} its value."),
            FieldOrigin::Given => format!("An administrator gave {field} its value."),
            FieldOrigin::Edited { by: Some(name) } => {
                format!("{field} was changed by hand by {name}.")
            }
            FieldOrigin::Edited { by: None } => format!(
                "{field} is not what the identity provider and the rules say: it was changed by hand."
            ),
            FieldOrigin::NoRule => format!("No rule writes {field}."),
        }
    }
}

/// Where the value of a field is from. `drifted` says that it is not what the rules say; the rules
/// are those of a version, for whoever asks for one.
pub(crate) fn origin(
    facts: &Facts,
    person: &Person,
    field: &str,
    drifted: bool,
    mut rules: impl FnMut(i64) -> Option<MappingSet>,
    active: Option<i64>,
) -> FieldAnswer {
    let answer = |origin, version, event| FieldAnswer {
        field: field.to_owned(),
        value: person.fields.get(field).cloned(),
        origin,
        version,
        event,
    };
    if let Some(grant) = person
        .grants
        .iter()
        .rev()
        .find(|grant| grant.field == field)
    {
        let origin = match &grant.group {
            Some(group) => FieldOrigin::Group(group.clone()),
            None => FieldOrigin::Given,
        };
        return answer(origin, None, None);
    }
    let changed = match field {
        "user_type" => Some("person.converted"),
        _ => None,
    };
    let mut audit = facts.audit.iter().map(|(_, entry)| entry);
    let edited = audit.find(|entry| changed.is_some_and(|event| event == entry.event));
    let own = || facts.own().filter(|event| is_done(event));
    if drifted || edited.is_some_and(|entry| own().next().is_none_or(|e| e.at < entry.at)) {
        let by = edited.map(|entry| entry.actor.clone());
        return answer(FieldOrigin::Edited { by }, None, None);
    }
    let mut newest = active.and_then(&mut rules);
    for event in own() {
        if let Some(text) = dropped(event, field) {
            let origin = FieldOrigin::Dropped { text };
            return answer(origin, event.mapping_version, Some(event.id));
        }
        let version = event.mapping_version.or(active);
        if version.is_some() && version != active {
            newest = version.and_then(&mut rules).or(newest);
        }
        // Of several rules for the field, the first one that reads what was changed.
        let mut found = rules_for(newest.as_ref(), field).into_iter();
        if let Some((number, key, paths)) = found.find(|(_, _, read)| wrote(event, field, read)) {
            let source = paths.join(", ");
            let origin = FieldOrigin::Rule {
                number,
                key,
                source,
            };
            return answer(origin, version, Some(event.id));
        }
    }
    match rules_for(active.and_then(rules).as_ref(), field)
        .into_iter()
        .next()
    {
        Some((number, key, paths)) => {
            let source = paths.join(", ");
            let origin = FieldOrigin::Rule {
                number,
                key,
                source,
            };
            answer(origin, active, None)
        }
        None => answer(FieldOrigin::NoRule, None, None),
    }
}

/// The numbers and the keys of the rules that write a field, and what each reads.
fn rules_for(set: Option<&MappingSet>, field: &str) -> Vec<(usize, String, Vec<String>)> {
    let rules = set.map_or(&[][..], |set| &set.rules);
    let rules = rules.iter().zip(1..);
    rules
        .filter(|(rule, _)| rule.enabled && rule.target.key() == field)
        .map(|(rule, number)| (number, rule.key.clone(), paths(&rule.source)))
        .collect()
}

fn paths(source: &Source) -> Vec<String> {
    match source {
        Source::Path(path) | Source::All(path) => vec![path.clone()],
        Source::FirstOf(paths) => paths.clone(),
        Source::Join { parts, .. } => {
            let read = parts.iter().filter_map(|part| match part {
                JoinPart::Path { path, .. } => Some(path.clone()),
                JoinPart::Literal(_) => None,
            });
            read.collect()
        }
        Source::Constant(value) => vec![format!("the constant {value}")],
    }
}

/// What a rule said that dropped the value of a field.
fn dropped(event: &LoggedEvent, field: &str) -> Option<String> {
    let mut notes = event.deviations.as_array()?.iter();
    let of = |note: &Value, member: &str| note.get(member)?.as_str().map(str::to_owned);
    notes.find_map(|note| {
        let about = of(note, "name").as_deref() == Some("mapping")
            && of(note, "field").as_deref() == Some(field);
        about.then(|| of(note, "text")).flatten()
    })
}

/// Whether an entry tells of a change of what a rule reads, or of the field.
fn wrote(event: &LoggedEvent, field: &str, paths: &[String]) -> bool {
    let changes = event.changes.as_array().into_iter().flatten();
    changes.into_iter().any(|change| {
        let of = |member: &str| change.get(member).and_then(Value::as_str);
        match (of("path"), of("field")) {
            (Some(path), _) => paths.iter().any(|read| is_within(path, read)),
            (None, Some(changed)) => changed == field,
            (None, None) => false,
        }
    })
}
