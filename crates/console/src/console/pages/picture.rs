//! A mapping as a picture: attributes on the left, fields on the right, a line for every rule.
//!
//! The server draws it, in rows of one height, so that lines need no script to meet their ends at
//! any width. The table of the rules says the same to those who do not see it.

use std::collections::BTreeSet;

use scim_admin::mapping::ReceivedAttribute;
use scim_mapping::{Catalog, Field, ResourceKind, Rule, RuleDifference, Source};
use scim_protocol::path::same_name;
use scim_protocol::{AttributePath, Filter};

use super::super::signing_in::encoded;
use super::super::ui::{self, counted};
use super::rule::{label, plain, told};

/// The whole picture.
pub(super) struct Picture {
    /// What rules read, in the order of the rules, and behind that what none reads.
    pub(super) sources: Vec<Node>,
    /// What rules write, in their order, and behind that what is required and none writes.
    pub(super) fields: Vec<Node>,
    /// A line for every rule, or several.
    pub(super) threads: Vec<Thread>,
    /// How tall it is in its own units.
    pub(super) height: usize,
    /// What it shows, in a sentence.
    pub(super) said: String,
    /// The other fields that no rule writes.
    pub(super) free: String,
    /// How many attributes that no rule reads are not in it.
    pub(super) left_out: usize,
}

/// An attribute or a field.
pub(super) struct Node {
    pub(super) name: String,
    /// The whole of it, for whoever points at it; empty where the name is that.
    pub(super) title: String,
    /// What is said under the name.
    pub(super) note: String,
    /// How it stands out: `unread`, `unseen`, `missing`; empty for most.
    pub(super) class: &'static str,
    /// Where a rule for it is added, behind the page of the mapping; empty where there is one.
    pub(super) add: String,
}

/// The lines of a rule.
pub(super) struct Thread {
    /// The page of the rule, behind the page of the mapping.
    pub(super) link: String,
    /// Its row in the table.
    pub(super) row: String,
    /// What the rule does, in a sentence.
    pub(super) said: String,
    /// How it stands out: `off`, `changed`; empty for most.
    pub(super) class: &'static str,
    /// The lines of its values, as SVG draws them.
    pub(super) values: String,
    /// Those of what stands in its condition alone.
    pub(super) conditions: String,
}

/// Where the value of a rule comes from, and what its condition reads.
#[derive(Debug, Clone, PartialEq)]
enum Origin {
    Attribute(AttributePath),
    Field(String),
    Constant(String),
}

impl Picture {
    /// The picture of rules and of what was received.
    pub(super) fn new(
        catalog: &Catalog,
        resource: ResourceKind,
        rules: &[Rule],
        differences: &[RuleDifference],
        seen: &[ReceivedAttribute],
    ) -> Self {
        let mut drawing = Drawing {
            catalog,
            seen,
            sources: Vec::new(),
            fields: Vec::new(),
        };
        let mut threads = Vec::new();
        for (rule, number) in rules.iter().zip(1..) {
            let mut thread = drawing.thread(rule, number);
            let differs = differences.iter().any(|one| one.key == rule.key);
            if rule.enabled && differs {
                thread.class = "changed";
            }
            threads.push(thread);
        }
        let read: BTreeSet<&str> = drawing.sources.iter().filter_map(Placed::seen).collect();
        let unread = seen.iter().filter(|one| !read.contains(&*one.path));
        let unread: Vec<Node> = unread.map(unread_attribute).collect();
        let written: Vec<&Rule> = rules.iter().filter(|rule| rule.enabled).collect();
        let (mut needless, mut free) = (Vec::new(), Vec::new());
        for field in catalog.fields(resource) {
            let has_rule = rules.iter().any(|rule| rule.target == field);
            let is_written = written.iter().any(|rule| rule.target == field);
            let needed = is_needed(catalog, &field) && !is_written;
            match drawing.fields.iter_mut().find(|one| one.field == field) {
                Some(drawn) if needed => drawn.node.class = "missing",
                _ if has_rule => {}
                _ if needed => free.push(needed_field(catalog, &field)),
                _ => needless.push(label(catalog, &field)),
            }
        }
        let missing = drawing.fields.iter().map(|one| &one.node).chain(&free);
        let missing = missing.filter(|node| node.class == "missing").count();
        let said = [
            counted(rules.len(), "rule", "rules"),
            match unread.len() {
                0 => "no attribute without a rule".to_owned(),
                count => {
                    let of = counted(count, "attribute", "attributes");
                    format!("{of} that no rule reads")
                }
            },
            match missing {
                0 => "no required field without a rule".to_owned(),
                count => {
                    let of = counted(count, "required field", "required fields");
                    format!("{of} without a rule")
                }
            },
        ];
        let left_out = unread.len().saturating_sub(SHOWN);
        let mut sources: Vec<Node> = drawing.sources.into_iter().map(|one| one.node).collect();
        sources.extend(unread.into_iter().take(SHOWN));
        let mut fields: Vec<Node> = drawing.fields.into_iter().map(|one| one.node).collect();
        fields.extend(free);
        Self {
            height: sources.len().max(fields.len()) * ROW,
            sources,
            fields,
            threads,
            said: said.join(", "),
            free: needless.join(", "),
            left_out,
        }
    }
}

/// What is drawn so far.
struct Drawing<'a> {
    catalog: &'a Catalog,
    seen: &'a [ReceivedAttribute],
    sources: Vec<Placed>,
    fields: Vec<PlacedField>,
}

/// A source in its place.
struct Placed {
    node: Node,
    origin: Origin,
    /// The attribute as it was received.
    seen: Option<String>,
}

impl Placed {
    fn seen(&self) -> Option<&str> {
        self.seen.as_deref()
    }
}

struct PlacedField {
    node: Node,
    field: Field,
    /// How many rules write it.
    rules: usize,
}

impl Drawing<'_> {
    fn thread(&mut self, rule: &Rule, number: usize) -> Thread {
        let to = self.place_field(rule);
        let mut ends: Vec<(usize, bool)> = Vec::new();
        for (text, origin) in origins(&rule.source) {
            for at in self.place(&text, origin) {
                if !ends.iter().any(|(known, _)| *known == at) {
                    ends.push((at, false));
                }
            }
        }
        for path in rule
            .when
            .as_deref()
            .map(condition_paths)
            .unwrap_or_default()
        {
            for at in self.place(&path.to_string(), Origin::Attribute(path)) {
                if !ends.iter().any(|(known, _)| *known == at) {
                    ends.push((at, true));
                }
            }
        }
        let transforms: Vec<String> = rule.transforms.iter().map(told).collect();
        let target = label(self.catalog, &rule.target);
        let mut said = format!("Rule {number}: {} to {target}", told_source(&rule.source));
        if !transforms.is_empty() {
            said = format!("{said} by {}", transforms.join(", "));
        }
        if let Some(when) = &rule.when {
            said = format!("{said}, where {when}");
        }
        if !rule.enabled {
            said.push_str(", off");
        }
        let key = encoded(&rule.key);
        Thread {
            link: format!("/rules/{key}"),
            row: format!("#rule-{key}"),
            said,
            class: if rule.enabled { "" } else { "off" },
            values: curves(&ends, false, to),
            conditions: curves(&ends, true, to),
        }
    }

    fn place_field(&mut self, rule: &Rule) -> usize {
        let required = rule.required || is_needed(self.catalog, &rule.target);
        if let Some(at) = self.fields.iter().position(|one| one.field == rule.target) {
            if let Some(known) = self.fields.get_mut(at) {
                known.rules += 1;
                known.node.note = format!("{} rules", known.rules);
            }
            return at;
        }
        let mut name = label(self.catalog, &rule.target);
        if required {
            name.push_str(" *");
        }
        let transforms: Vec<String> = rule.transforms.iter().map(told).collect();
        let transforms = transforms.join(" › ");
        self.fields.push(PlacedField {
            node: Node {
                title: whole(transforms.clone()),
                name,
                note: transforms,
                class: "",
                add: String::new(),
            },
            field: rule.target.clone(),
            rules: 1,
        });
        self.fields.len() - 1
    }

    /// Where what a rule names stands: at every received attribute that it can mean.
    fn place(&mut self, text: &str, origin: Origin) -> Vec<usize> {
        let mut meant: Vec<&ReceivedAttribute> = Vec::new();
        if let Origin::Attribute(path) = &origin {
            let same = |one: &&ReceivedAttribute| same_name(&one.path, text);
            meant.extend(self.seen.iter().filter(same));
            if meant.is_empty() {
                let can = |one: &&ReceivedAttribute| {
                    bare(&one.path).is_some_and(|received| is_meant(path, &received))
                };
                meant.extend(self.seen.iter().filter(can));
            }
        }
        if meant.is_empty() {
            let known = |one: &Placed| one.seen.is_none() && one.origin == origin;
            let at = self.sources.iter().position(known).unwrap_or_else(|| {
                let node = self.unseen(&origin);
                self.sources.push(Placed {
                    node,
                    origin,
                    seen: None,
                });
                self.sources.len() - 1
            });
            return vec![at];
        }
        let mut places = Vec::new();
        for one in meant {
            let known = |placed: &Placed| placed.seen() == Some(&one.path);
            places.push(self.sources.iter().position(known).unwrap_or_else(|| {
                self.sources.push(Placed {
                    node: received(one, "", String::new()),
                    origin: origin.clone(),
                    seen: Some(one.path.clone()),
                });
                self.sources.len() - 1
            }));
        }
        places
    }

    fn unseen(&self, origin: &Origin) -> Node {
        let (name, note, class) = match origin {
            Origin::Attribute(path) => (path.to_string(), "not sent yet", "unseen"),
            Origin::Constant(value) => (value.clone(), "constant", ""),
            Origin::Field(key) => (
                Field::from_key(key).map_or_else(|| key.clone(), |of| label(self.catalog, &of)),
                "field of ServiceOps",
                "",
            ),
        };
        Node {
            name: ui::path(&name),
            title: whole(name),
            note: note.to_owned(),
            class,
            add: String::new(),
        }
    }
}

fn received(one: &ReceivedAttribute, class: &'static str, add: String) -> Node {
    Node {
        name: ui::path(&one.path),
        title: whole(one.path.clone()),
        note: match class {
            "unread" => format!("{}×, no rule", one.count),
            _ => format!("{}×", one.count),
        },
        class,
        add,
    }
}

fn unread_attribute(one: &ReceivedAttribute) -> Node {
    let add = format!("/new-rule?path={}", encoded(&one.path));
    received(one, "unread", add)
}

fn needed_field(catalog: &Catalog, field: &Field) -> Node {
    Node {
        name: format!("{} *", label(catalog, field)),
        title: String::new(),
        note: "required, no rule".to_owned(),
        class: "missing",
        add: format!("/new-rule?target={}", encoded(&field.key())),
    }
}

/// A path where it is too long to be seen whole, or is shown by a shorter name.
fn whole(path: String) -> String {
    match path.len() > SHORT || ui::path(&path) != path {
        true => path,
        false => String::new(),
    }
}

/// Whether no record is complete without the field.
fn is_needed(catalog: &Catalog, field: &Field) -> bool {
    match field {
        Field::UserName | Field::Name => true,
        Field::Custom(key) => {
            let mut custom = catalog.custom().iter();
            custom.any(|one| one.key == *key && one.required)
        }
        _ => false,
    }
}

/// A source in few words.
fn told_source(source: &Source) -> String {
    match source {
        Source::FirstOf(paths) if paths.len() > 1 => {
            let first = paths.first().map(String::as_str).unwrap_or_default();
            let others = counted(paths.len() - 1, "other", "others");
            format!("{} or {others}", ui::path(first))
        }
        source => ui::path(&source.to_string()),
    }
}

/// What a source names, each as it is written.
fn origins(source: &Source) -> Vec<(String, Origin)> {
    if let Source::Constant(value) = source {
        let value = plain(value);
        return vec![(value.clone(), Origin::Constant(value))];
    }
    let paths = source.paths().into_iter();
    paths
        .filter_map(|text| {
            let field = text.trim().strip_prefix("field(");
            let origin = match field.and_then(|rest| rest.strip_suffix(')')) {
                Some(key) => Origin::Field(key.trim().to_owned()),
                None => Origin::Attribute(bare(text)?),
            };
            Some((text.to_owned(), origin))
        })
        .collect()
}

/// A path without what selects among its values, and without the part of a name.
fn bare(text: &str) -> Option<AttributePath> {
    let whole = text.split('|').next().unwrap_or_default().trim();
    match whole.split_once('[') {
        Some((attribute, rest)) => {
            let behind = rest.rsplit_once(']').map_or("", |(_, behind)| behind);
            format!("{attribute}{behind}").parse().ok()
        }
        None => whole.parse().ok(),
    }
}

/// Whether what a rule names can be what was received: the whole of it, or a part.
fn is_meant(named: &AttributePath, received: &AttributePath) -> bool {
    let whole = |path: &AttributePath| AttributePath {
        sub_attribute: None,
        ..path.clone()
    };
    let parts = (&named.sub_attribute, &received.sub_attribute);
    whole(named) == whole(received)
        && match parts {
            (Some(named), Some(received)) => same_name(named, received),
            _ => true,
        }
}

/// The attributes that a condition reads; none of one that cannot be read.
fn condition_paths(text: &str) -> Vec<AttributePath> {
    fn each(filter: &Filter, found: &mut Vec<AttributePath>) {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => {
                parts.iter().for_each(|part| each(part, found));
            }
            Filter::Not(part) => each(part, found),
            Filter::Present(path)
            | Filter::Comparison { path, .. }
            | Filter::ValuePath { path, .. } => found.push(path.clone()),
        }
    }
    let mut found = Vec::new();
    if let Ok(filter) = text.parse::<Filter>() {
        each(&filter, &mut found);
    }
    found
}

/// The lines of one kind from rows on the left to one on the right.
fn curves(ends: &[(usize, bool)], condition: bool, to: usize) -> String {
    let of_kind = ends.iter().filter(|(_, of)| *of == condition);
    let to = to * ROW + ROW / 2;
    of_kind
        .map(|(from, _)| {
            let from = from * ROW + ROW / 2;
            format!("M0 {from}C50 {from} 50 {to} 100 {to}")
        })
        .collect()
}

/// How tall a row is in the picture's own units.
const ROW: usize = 2;
/// How many attributes that no rule reads it shows.
const SHOWN: usize = 12;
/// How long a path is that is seen whole.
const SHORT: usize = 24;

#[cfg(test)]
mod tests;
