//! What the audit tells of a draft: the rules that it changes, member by member.

use scim_mapping::{MappingSet, RuleChange};
use serde_json::{Map, Value, json};

use crate::mapping::{DRAFT, MappingVersion};

/// What is told of a draft beside what was edited: the draft that was there, or else the version in
/// use.
pub(super) fn details(versions: &[MappingVersion], in_use: i64, draft: &MappingVersion) -> Value {
    let numbered = |number| versions.iter().find(|one| one.version == number);
    let before = numbered(DRAFT).or_else(|| numbered(in_use));
    let (old, new) = before.map_or_else(Default::default, |before| {
        changed_rules(&before.rules, &draft.rules)
    });
    json!({
        "resource": draft.rules.resource,
        "checksum": draft.checksum,
        "old": old,
        "new": new,
    })
}

/// The rules in which two sets differ, each with those of its members that do: as they were, and as
/// they are. Where very many differ, the first ones.
fn changed_rules(
    before: &MappingSet,
    after: &MappingSet,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut old, mut new) = (Map::new(), Map::new());
    for difference in before.differences(after).into_iter().take(TOLD) {
        let key = difference.key;
        for (set, told) in [(before, &mut old), (after, &mut new)] {
            let Some((position, rule)) = rule_of(set, &key) else {
                continue;
            };
            let members = match difference.change {
                RuleChange::Moved => Map::from_iter([("position".to_owned(), position.into())]),
                RuleChange::Changed => {
                    let changed = |name: &str| difference.members.iter().any(|one| one == name);
                    rule.into_iter().filter(|(name, _)| changed(name)).collect()
                }
                RuleChange::Added | RuleChange::Removed => rule,
            };
            told.insert(key.clone(), Value::Object(members));
        }
    }
    (old, new)
}

/// A rule of a set as it is exported, and which one it is, from 1 on.
fn rule_of(set: &MappingSet, key: &str) -> Option<(usize, Map<String, Value>)> {
    let rules = set.rules.iter().map(serde_json::to_value);
    let groups = set.group_rules.iter().map(serde_json::to_value);
    let numbered = (1..).zip(rules).chain((1..).zip(groups));
    numbered
        .filter_map(|(number, rule)| match rule {
            Ok(Value::Object(rule)) => Some((number, rule)),
            _ => None,
        })
        .find(|(_, rule)| rule.get("key").and_then(Value::as_str) == Some(key))
}

/// How many changed rules an audit entry tells.
const TOLD: usize = 100;
