//! The comparison of both sides, attribute by attribute and membership by membership.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::attributes::{Attributes, differing, group_attributes, references, user_attributes};
use crate::finding::Finding;
use crate::links::{Gone, Links};
use crate::model::{Directory, ENTERPRISE, GROUP, Group, USER, User};

/// Compares the directory with everything that the service provider has.
///
/// Resources that this run does not manage are ignored, unless they stand where a managed one
/// should: with its id, its user name or its display name.
pub(crate) fn compare(
    directory: &Directory,
    links: &Links,
    users: &[Value],
    groups: &[Value],
) -> Vec<Finding> {
    let mut comparison = Comparison {
        directory,
        links,
        findings: Vec::new(),
    };
    let user_index = comparison.index(users, "user");
    let group_index = comparison.index(groups, "group");
    comparison.users(&user_index);
    comparison.groups(&group_index);
    comparison.names(users, groups);
    comparison.gone("user", &links.gone_users, &user_index);
    comparison.gone("group", &links.gone_groups, &group_index);
    comparison.findings
}

/// The differences in the provisioned attributes of one user.
pub(crate) fn user_differences(
    subject: &str,
    user: &User,
    manager: Option<&str>,
    found: &Value,
) -> Vec<Finding> {
    let expected = user_attributes(&user.resource(manager));
    let mut findings = value_differences(subject, &expected, &user_attributes(found));
    findings.extend(schema_differences(subject, &[USER, ENTERPRISE], found));
    findings
}

/// The differences in the provisioned attributes of one group, but for its members.
pub(crate) fn group_differences(subject: &str, group: &Group, found: &Value) -> Vec<Finding> {
    let mut expected = Attributes::new();
    expected.insert("displayName".to_owned(), Value::from(&*group.display_name));
    if let Some(key) = &group.external_id {
        expected.insert("externalId".to_owned(), Value::from(&**key));
    }
    let mut findings = value_differences(subject, &expected, &group_attributes(found));
    findings.extend(schema_differences(subject, &[GROUP], found));
    findings
}

/// How a user is called in findings.
pub(crate) fn user_subject(user: &User) -> String {
    format!("user {}", user.user_name)
}

/// How a group is called in findings.
pub(crate) fn group_subject(group: &Group) -> String {
    format!("group {:?}", group.display_name)
}

type Index<'a> = BTreeMap<&'a str, &'a Value>;

struct Comparison<'a> {
    directory: &'a Directory,
    links: &'a Links,
    findings: Vec<Finding>,
}

impl Comparison<'_> {
    fn note(&mut self, subject: &str, what: &str, expected: &str, found: &str) {
        let finding = Finding::new(subject, what, expected, found);
        self.findings.push(finding);
    }

    /// The resources by id; RFC 7643 section 3.1 has every resource carry a unique one.
    fn index<'v>(&mut self, resources: &'v [Value], kind: &str) -> Index<'v> {
        let mut index = Index::new();
        for resource in resources {
            let Some(id) = resource.get("id").and_then(Value::as_str) else {
                self.note(
                    &format!("a {kind} of the list"),
                    "id",
                    "a text",
                    "something else",
                );
                continue;
            };
            if index.insert(id, resource).is_some() {
                let subject = format!("{kind} {id}");
                self.note(&subject, "walk of the pages", "one occurrence", "several");
            }
        }
        index
    }

    fn users(&mut self, index: &Index<'_>) {
        let memberships = self.memberships();
        let managed = self.managed_groups();
        for (number, user) in self.directory.users.iter().enumerate() {
            let Some(user) = user else { continue };
            let subject = user_subject(user);
            let link = self.links.user(number);
            let Some((link, found)) = link.and_then(|link| Some((link, index.get(&*link.id)?)))
            else {
                self.note(&subject, "resource", "present", "missing");
                continue;
            };
            let manager = user.manager.and_then(|number| self.links.user(number));
            let manager = manager.map(|link| link.id.as_str());
            let differences = user_differences(&subject, user, manager, found);
            self.findings.extend(differences);
            let wanted = memberships.get(&*link.id).cloned().unwrap_or_default();
            self.user_groups(&subject, &wanted, &managed, found);
        }
    }

    /// The display names of the groups of each user, both by id.
    fn memberships(&self) -> BTreeMap<String, GroupNames> {
        let mut memberships: BTreeMap<String, GroupNames> = BTreeMap::new();
        for (number, group) in self.directory.groups.iter().enumerate() {
            let (Some(group), Some(link)) = (group, self.links.group(number)) else {
                continue;
            };
            for member in &group.members {
                if let Some(user) = self.links.user(*member) {
                    memberships
                        .entry(user.id.clone())
                        .or_default()
                        .insert(link.id.clone(), group.display_name.clone());
                }
            }
        }
        memberships
    }

    /// The ids of the groups that a user's `groups` may name only if it is a member.
    fn managed_groups(&self) -> BTreeSet<String> {
        let links = self.links.groups.iter().flatten();
        let gone = self.links.gone_groups.iter();
        links
            .map(|link| link.id.clone())
            .chain(gone.map(|gone| gone.id.clone()))
            .collect()
    }

    fn user_groups(
        &mut self,
        subject: &str,
        wanted: &GroupNames,
        managed: &BTreeSet<String>,
        found: &Value,
    ) {
        let found = references(found, "groups");
        for (id, name) in wanted {
            match found.get(&**id) {
                None => self.note(subject, "groups", &format!("{name:?}"), "no such value"),
                Some(Some(display)) if display != name => {
                    let shown = format!("{display:?}");
                    self.note(subject, "groups.display", &format!("{name:?}"), &shown);
                }
                Some(_) => {}
            }
        }
        for id in found.keys() {
            if managed.contains(*id) && !wanted.contains_key(*id) {
                self.note(subject, "groups", "no such value", &format!("group {id}"));
            }
        }
    }

    fn groups(&mut self, index: &Index<'_>) {
        for (number, group) in self.directory.groups.iter().enumerate() {
            let Some(group) = group else { continue };
            let subject = group_subject(group);
            let link = self.links.group(number);
            let Some(found) = link.and_then(|link| index.get(&*link.id)) else {
                self.note(&subject, "resource", "present", "missing");
                continue;
            };
            let differences = group_differences(&subject, group, found);
            self.findings.extend(differences);
            self.members(&subject, group, found);
        }
    }

    fn members(&mut self, subject: &str, group: &Group, found: &Value) {
        let found = references(found, "members");
        let mut wanted = BTreeSet::new();
        for member in &group.members {
            let Some(link) = self.links.user(*member) else {
                continue;
            };
            wanted.insert(link.id.as_str());
            if !found.contains_key(&*link.id) {
                let user = self.directory.user(*member);
                let name = user.map_or(&*link.id, |user| &user.user_name);
                self.note(subject, "members", name, "no such value");
            }
        }
        for id in found.keys() {
            if !wanted.contains(id) {
                self.note(subject, "members", "no such value", &format!("user {id}"));
            }
        }
    }

    /// No other resource may have the name of one that this run manages or deleted.
    fn names(&mut self, users: &[Value], groups: &[Value]) {
        let mut user_names: BTreeMap<String, Option<&str>> = BTreeMap::new();
        for gone in &self.links.gone_users {
            user_names.insert(gone.name.to_lowercase(), None);
        }
        for (number, user) in self.directory.users.iter().enumerate() {
            if let Some(user) = user {
                let id = self.links.user(number).map(|link| link.id.as_str());
                user_names.insert(user.user_name.to_lowercase(), id);
            }
        }
        let mut group_names: BTreeMap<String, Option<&str>> = BTreeMap::new();
        for gone in &self.links.gone_groups {
            group_names.insert(gone.name.to_lowercase(), None);
        }
        for (number, group) in self.directory.groups.iter().enumerate() {
            if let Some(group) = group {
                let id = self.links.group(number).map(|link| link.id.as_str());
                group_names.insert(group.display_name.to_lowercase(), id);
            }
        }
        self.holders("userName", users, &user_names);
        self.holders("displayName", groups, &group_names);
    }

    fn holders(
        &mut self,
        attribute: &str,
        resources: &[Value],
        names: &BTreeMap<String, Option<&str>>,
    ) {
        for resource in resources {
            let text = |name: &str| resource.get(name).and_then(Value::as_str);
            let Some((name, id)) = text(attribute).zip(text("id")) else {
                continue;
            };
            match names.get(&name.to_lowercase()) {
                Some(Some(holder)) if *holder != id => {
                    let expected = format!("only resource {holder}");
                    self.note(name, attribute, &expected, &format!("also {id}"));
                }
                Some(None) => self.note(name, attribute, "nobody", &format!("resource {id}")),
                _ => {}
            }
        }
    }

    fn gone(&mut self, kind: &str, gone: &[Gone], index: &Index<'_>) {
        for resource in gone {
            if index.contains_key(&*resource.id) {
                let subject = format!("{kind} {}", resource.name);
                self.note(&subject, "resource", "deleted", "present");
            }
        }
    }
}

/// Display names of groups by id.
type GroupNames = BTreeMap<String, String>;

fn value_differences(subject: &str, expected: &Attributes, found: &Attributes) -> Vec<Finding> {
    differing(expected, found)
        .into_iter()
        .map(|path| Finding::value(subject, path, expected.get(path), found.get(path)))
        .collect()
}

/// RFC 7643 section 3: `schemas` names every schema whose attributes are there.
fn schema_differences(subject: &str, expected: &[&str], found: &Value) -> Vec<Finding> {
    let schemas = found.get("schemas").and_then(Value::as_array);
    expected
        .iter()
        .filter(|schema| !schemas.is_some_and(|found| found.contains(&Value::from(**schema))))
        .map(|schema| Finding::new(subject, "schemas", schema, "no such value"))
        .collect()
}

#[cfg(test)]
mod tests;
