//! An imported mapping beside the one that is there.

use std::collections::BTreeMap;

use scim_mapping::MappingSet;
use serde_json::{Value, json};

use super::pages::audit::flatten;
use super::pages::meanwhile::Row;

/// Whether a set has a rule of a key, for users or for groups.
pub(super) fn has_rule(rules: &MappingSet, key: &str) -> bool {
    rules.rules.iter().any(|rule| rule.key == key)
        || rules.group_rules.iter().any(|rule| rule.key == key)
}

/// What an import puts in the place of what, rule by rule: as it was, as it is now, and yours. Of a
/// rule that one of them does not have stands in one row what it writes.
pub(super) fn compare_import(
    fields: &BTreeMap<String, (String, String)>,
    now: &MappingSet,
    yours: &MappingSet,
) -> Vec<Row> {
    let mut rows = order(now, yours);
    let (now, yours) = (fields_of(now), fields_of(yours));
    let mut was = now.clone();
    let ends = format!("{PART}position");
    for (name, (old, _)) in fields.iter().filter(|(name, _)| !name.ends_with(&ends)) {
        match old.is_empty() {
            true => was.remove(name),
            false => was.insert(name.clone(), old.clone()),
        };
    }
    let all = [&was, &now, &yours];
    let of = |fields: &BTreeMap<String, String>, name: &str| {
        fields.get(name).cloned().unwrap_or_default()
    };
    let mut names: Vec<&String> = all.iter().flat_map(|fields| fields.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (rule, field) = name.split_once(PART).unwrap_or((name, ""));
        let key = format!("{rule}{PART}key");
        let is_whole = all.iter().any(|fields| !fields.contains_key(&key));
        let (shown, read) = match (is_whole, field) {
            (false, _) => (name.clone(), name.clone()),
            (true, "key") => (rule.to_owned(), format!("{rule}{PART}target")),
            (true, _) => continue,
        };
        let [was, now, yours] = all.map(|fields| of(fields, &read));
        if was != now || now != yours {
            rows.push(Row {
                name: shown,
                was,
                now,
                yours,
            });
        }
    }
    rows
}

/// The order of the rules that both have, where it is another one.
fn order(now: &MappingSet, yours: &MappingSet) -> Vec<Row> {
    let common = |set: &MappingSet, other: &MappingSet| {
        let users = set.rules.iter().map(|rule| rule.key.as_str());
        let groups = set.group_rules.iter().map(|rule| rule.key.as_str());
        let keys = users.chain(groups).filter(|key| has_rule(other, key));
        keys.collect::<Vec<_>>().join(", ")
    };
    let (now, yours) = (common(now, yours), common(yours, now));
    let moved = now != yours;
    let row = Row {
        name: "order".to_owned(),
        was: now.clone(),
        now,
        yours,
    };
    moved.then_some(row).into_iter().collect()
}

/// The fields of every rule, by the names that the audit gives them.
fn fields_of(set: &MappingSet) -> BTreeMap<String, String> {
    let rules = set.rules.iter().map(|rule| (&rule.key, json!(rule)));
    let groups = set.group_rules.iter().map(|rule| (&rule.key, json!(rule)));
    let all: serde_json::Map<String, Value> = rules
        .chain(groups)
        .map(|(key, rule)| (key.clone(), rule))
        .collect();
    let mut fields = Vec::new();
    flatten("", Some(&Value::Object(all)), &mut fields);
    fields.into_iter().collect()
}

/// What stands between the names that lead to a field.
const PART: &str = " › ";
