//! What two sets of rules differ in, and what of a set is worth a second look.

use std::collections::HashMap;

use scim_protocol::ResourceDefinition;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{DocumentPlace, MappingError, RuleList};
use crate::rule::MappingSet;
use crate::source::field_key;
use crate::target::TargetField;

/// A rule in which two sets differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDifference {
    /// The key of the rule.
    pub key: String,
    /// What happened to it.
    pub change: RuleChange,
    /// Which of its members changed.
    pub members: Vec<String>,
}

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
    /// It stands elsewhere among the others.
    Moved,
}

impl<F: TargetField> MappingSet<F> {
    /// What a newer set does differently, rule by rule.
    pub fn differences(&self, newer: &Self) -> Vec<RuleDifference> {
        let mut found = differences(&documents(&self.rules), &documents(&newer.rules));
        let groups = (documents(&self.group_rules), documents(&newer.group_rules));
        found.extend(differences(&groups.0, &groups.1));
        let tests = (documents(&self.tests), documents(&newer.tests));
        found.extend(differences(&tests.0, &tests.1));
        found
    }

    /// Reads rules as they are exported.
    ///
    /// ```
    /// use scim_mapping::{Field, MappingSet};
    /// use serde_json::json;
    ///
    /// let set = MappingSet::<Field>::from_json(&json!({"resource": "user", "rules": [
    ///     {"key": "user_name", "source": {"path": "userName"}, "target": "user_name", "required": true}
    /// ]}))?;
    /// assert_eq!(set.rules[0].to_string(), r#"userName -> user_name ; {"required":true}"#);
    ///
    /// let error = MappingSet::<Field>::from_json(&json!({"resource": "user", "rules": [
    ///     {"key": "title", "source": {"path": "title"}, "targt": "job_title"}
    /// ]}));
    /// let error = error.unwrap_err();
    /// assert_eq!(error.pointer(), "/rules/0");
    /// assert!(error.to_string().contains("targt"), "{error}");
    /// # Ok::<(), scim_mapping::MappingError>(())
    /// ```
    ///
    /// # Errors
    /// [`MappingError::Document`] which rule cannot be read.
    pub fn from_json(document: &Value) -> Result<Self, MappingError> {
        let wrong = |place: DocumentPlace, error: serde_json::Error| MappingError::Document {
            place,
            syntax: error.to_string(),
        };
        // A rule that cannot be read is named by its number.
        for (list, check) in [
            (RuleList::Rules, read_rule::<F> as fn(&Value) -> _),
            (RuleList::GroupRules, read_group),
            (RuleList::Tests, read_test),
        ] {
            let rules = document.get(list.member()).and_then(Value::as_array);
            for (number, rule) in (1..).zip(rules.into_iter().flatten()) {
                check(rule).map_err(|error| wrong(DocumentPlace::Rule(list, number), error))?;
            }
        }
        serde_json::from_value(document.clone()).map_err(|error| wrong(DocumentPlace::Set, error))
    }

    /// What is allowed and hardly meant: attributes that no schema knows, and rules that never
    /// count because one before them for the same field always does.
    pub fn warnings(&self, definition: &ResourceDefinition) -> Vec<String> {
        let mut found = Vec::new();
        let mut decided: HashMap<&F, usize> = HashMap::new();
        for (number, rule) in (1..).zip(&self.rules) {
            if rule.enabled {
                if let Some(first) = decided.get(&rule.target) {
                    found.push(format!(
                        "rule {number} ({}): it never counts, because rule {first} for \"{}\" \
                         has no condition",
                        rule.key, rule.target
                    ));
                } else if rule.when.is_none() {
                    decided.insert(&rule.target, number);
                }
            }
            for path in rule.source.paths() {
                if let Some(warning) = doubt(path, definition) {
                    found.push(format!("rule {number} ({}): {warning}", rule.key));
                }
            }
        }
        found
    }
}

fn read_rule<F: TargetField>(rule: &Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<crate::rule::Rule<F>>(rule.clone()).map(drop)
}

fn read_group(rule: &Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<crate::group::GroupRule>(rule.clone()).map(drop)
}

fn read_test(test: &Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<crate::rule::MappingTest>(test.clone()).map(drop)
}

fn documents(rules: &[impl Serialize]) -> Vec<Map<String, Value>> {
    let objects = rules.iter().map(serde_json::to_value);
    objects
        .filter_map(|rule| rule.ok()?.as_object().cloned())
        .collect()
}

fn differences(old: &[Map<String, Value>], new: &[Map<String, Value>]) -> Vec<RuleDifference> {
    let key = |rule: &Map<String, Value>| {
        let key = rule.get("key").and_then(Value::as_str);
        key.unwrap_or_default().to_owned()
    };
    let find = |rules: &[Map<String, Value>], wanted: &str| {
        rules.iter().position(|rule| key(rule) == wanted)
    };
    let mut found = Vec::new();
    for rule in old {
        if find(new, &key(rule)).is_none() {
            found.push(difference(key(rule), RuleChange::Removed, Vec::new()));
        }
    }
    // Among the rules that both sets have, the order.
    let common = |rules: &[Map<String, Value>], other: &[Map<String, Value>]| -> Vec<String> {
        let keys = rules.iter().map(key);
        keys.filter(|key| find(other, key).is_some()).collect()
    };
    let (before, after) = (common(old, new), common(new, old));
    for rule in new {
        let name = key(rule);
        let Some(previous) = find(old, &name).and_then(|at| old.get(at)) else {
            found.push(difference(name, RuleChange::Added, Vec::new()));
            continue;
        };
        let members = changed_members(previous, rule);
        let at = |keys: &[String]| keys.iter().position(|key| *key == name);
        if !members.is_empty() {
            found.push(difference(name, RuleChange::Changed, members));
        } else if at(&before) != at(&after) {
            found.push(difference(name, RuleChange::Moved, Vec::new()));
        }
    }
    found
}

fn difference(key: String, change: RuleChange, members: Vec<String>) -> RuleDifference {
    RuleDifference {
        key,
        change,
        members,
    }
}

fn changed_members(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .cloned()
        .collect()
}

/// Why a path may not be meant: its attribute is in no schema.
fn doubt(path: &str, definition: &ResourceDefinition) -> Option<String> {
    if field_key(path).is_some() {
        return None;
    }
    let bare = path.split('[').next().unwrap_or_default();
    let parsed: scim_protocol::AttributePath = bare.parse().ok()?;
    let known = |schema: Option<&str>| -> Option<Vec<String>> {
        let attributes = match schema {
            Some(uri) if !uri.eq_ignore_ascii_case(&definition.core().id) => {
                &definition.extension(uri)?.attributes
            }
            _ => &definition.core().attributes,
        };
        Some(attributes.iter().map(|a| a.name.clone()).collect())
    };
    let Some(mut names) = known(parsed.schema.as_deref()) else {
        return Some(format!("\"{path}\" is of a schema that is not known here"));
    };
    names.extend(["externalId", "givenName", "familyName"].map(str::to_owned));
    if names
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&parsed.attribute))
    {
        return None;
    }
    let near = names
        .iter()
        .find(|name| distance(&name.to_lowercase(), &parsed.attribute.to_lowercase()) <= 2);
    Some(match near {
        Some(name) => format!("\"{path}\" is in no schema; is \"{name}\" meant?"),
        None => format!("\"{path}\" is in no schema"),
    })
}

/// How many letters must be added, removed or replaced (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, other) in right.iter().enumerate() {
            let above = row.get(column + 1).copied().unwrap_or_default() + 1;
            let before = next.last().copied().unwrap_or_default() + 1;
            let diagonal = row.get(column).copied().unwrap_or_default();
            next.push(
                above
                    .min(before)
                    .min(diagonal + usize::from(*other != letter)),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
